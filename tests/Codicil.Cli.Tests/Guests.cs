namespace Codicil.Cli.Tests;

/// <summary>The modules that the tests run, and the repository's samples.</summary>
internal static class Guests
{
    /// <summary>A WASI command that exits with a code.</summary>
    public static string Exit(uint code) => $"""
        (module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func (export "_start") (call $exit (i32.const {code}))))
        """;

    /// <summary>A command that copies standard input to standard output until the input ends.</summary>
    public const string Cat = """
        (module
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start")
            (loop $next
              (i32.store (i32.const 0) (i32.const 1024))
              (i32.store (i32.const 4) (i32.const 4096))
              (if (i32.eqz (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
                (then
                  (if (i32.load (i32.const 8))
                    (then
                      (i32.store (i32.const 4) (i32.load (i32.const 8)))
                      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
                      (br $next))))))))
        """;

    /// <summary>What a sandbox holds: the number of environment variables, and the errno of asking for the first preopened directory.</summary>
    public const string Ambient = """
        (module
          (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "ambient") (result i32 i32 i32)
            (drop (call $environ (i32.const 0) (i32.const 4)))
            (i32.load (i32.const 0))
            (call $prestat (i32.const 3) (i32.const 8))
            (call $accept (i32.const 3) (i32.const 0) (i32.const 16))))
        """;

    /// <summary>A module of small exports.</summary>
    public const string Exports = """
        (module
          (global $n (mut i32) (i32.const 0))
          (memory (export "memory") 1 4)
          (func (export "mix") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
            (local.get 3) (local.get 2) (local.get 1) (local.get 0))
          (func (export "count") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            (global.get $n))
          (func (export "nothing"))
          (func $load (export "load") (param i32) (result i32) (i32.load (local.get 0)))
          (func (export "spin") (loop $l (br $l)))
          (func $recurse (export "recurse") (call $recurse)))
        """;

    public static string CountVowels => Sample("count-vowels-plugin", "count_vowels.wasm");

    public static string Hello => Sample("hello-wasi", "hello.wat");

    private static string Sample(params string[] parts) =>
        Path.Combine([SharedData.Repository ?? throw new InvalidOperationException("the tests run outside of the repository"), "samples", .. parts]);
}
