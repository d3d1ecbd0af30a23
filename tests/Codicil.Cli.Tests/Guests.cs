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

    /// <summary>A server: for each connection that it accepts it sends back what it receives first, until that is an exclamation mark.</summary>
    public const string Echo = """
        (module
          (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
          (func (export "_start")
            (loop $next
              (call $check (call $accept (i32.const 3) (i32.const 0) (i32.const 16)))
              (i32.store (i32.const 0) (i32.const 1024))
              (i32.store (i32.const 4) (i32.const 4096))
              (call $check (call $recv (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8) (i32.const 12)))
              (i32.store (i32.const 4) (i32.load (i32.const 8)))
              (call $check (call $send (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8)))
              (call $check (call $close (i32.load (i32.const 16))))
              (br_if $next (i32.ne (i32.load8_u (i32.const 1024)) (i32.const 33))))))
        """;

    /// <summary>A command that writes "x" and then blocks in what its only argument names: input, sleep, accept, poll or spin.</summary>
    public const string Blocked = """
        (module
          (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 64) "x")
          (data (i32.const 0) "\40\00\00\00\01\00\00\00")
          (data (i32.const 16) "\00\10\00\00\00\80\00\00")
          ;; Subscriptions: an hour of the monotonic clock, and standard input.
          (data (i32.const 256) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\a0\b8\30\46\03\00\00")
          (data (i32.const 304) "\00\00\00\00\00\00\00\00\01")
          (func (export "_start") (local $what i32)
            (drop (call $args (i32.const 1024) (i32.const 2048)))
            (local.set $what (i32.load8_u (i32.load (i32.const 1028))))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (if (i32.eq (local.get $what) (i32.const 105)) (then (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))
            (if (i32.eq (local.get $what) (i32.const 111)) (then (loop $full (br_if $full (i32.eqz (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))))))
            (if (i32.eq (local.get $what) (i32.const 97)) (then (drop (call $accept (i32.const 3) (i32.const 0) (i32.const 8)))))
            (if (i32.eq (local.get $what) (i32.const 112)) (then (drop (call $poll (i32.const 256) (i32.const 512) (i32.const 2) (i32.const 8)))))
            (if (i32.load8_u (i32.add (i32.load (i32.const 1028)) (i32.const 1)))
              (then (if (i32.eq (i32.load8_u (i32.add (i32.load (i32.const 1028)) (i32.const 1))) (i32.const 108))
                (then (drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 8)))))))
            (if (i32.eq (i32.load8_u (i32.add (i32.load (i32.const 1028)) (i32.const 1))) (i32.const 112))
              (then (loop $l (br $l))))))
        """;

    /// <summary>A command that writes 1 GiB.</summary>
    public const string Flood = """
        (module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 2)
          (data (i32.const 0) "\00\00\01\00\00\00\01\00")
          (func (export "_start") (local $rounds i32)
            (local.set $rounds (i32.const 16384))
            (loop $again
              (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
              (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
              (br_if $again (local.get $rounds)))))
        """;

    /// <summary>A command that writes until it cannot, and exits with the error: yes(1).</summary>
    public const string Yes = """
        (module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 2)
          (data (i32.const 0) "\00\00\01\00\00\10\00\00")
          (func (export "_start") (local $error i32)
            (loop $again
              (br_if $again (i32.eqz (local.tee $error (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))
            (call $exit (local.get $error))))
        """;

    /// <summary>A command that writes its arguments, each ended by a zero.</summary>
    public static string PrintArguments { get; } = PrintStrings("args");

    /// <summary>A command that writes its environment, each variable ended by a zero.</summary>
    public static string PrintEnvironment { get; } = PrintStrings("environ");

    /// <summary>A command that writes the time and 16 random bytes.</summary>
    public const string PrintWorld = """
        (module
          (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\10\00\00\00\18\00\00\00")
          (func (export "_start")
            (drop (call $time (i32.const 0) (i64.const 0) (i32.const 16)))
            (drop (call $random (i32.const 24) (i32.const 16)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
        """;

    /// <summary>A command that copies in.txt to out.txt in its first directory and exits with the first error.</summary>
    public const string CopyFile = """
        (module
          (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 32) "in.txt")
          (data (i32.const 48) "out.txt")
          (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
          (func (export "_start")
            (call $check (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 6) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 20)))
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 4096))
            (call $check (call $read (i32.load (i32.const 20)) (i32.const 0) (i32.const 1) (i32.const 8)))
            (call $check (call $open (i32.const 3) (i32.const 0) (i32.const 48) (i32.const 7) (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 20)))
            (i32.store (i32.const 4) (i32.load (i32.const 8)))
            (call $check (call $write (i32.load (i32.const 20)) (i32.const 0) (i32.const 1) (i32.const 8)))))
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

    private static string PrintStrings(string what) => $"""
        (module
          (import "wasi_snapshot_preview1" "{what}_sizes_get" (func $sizes (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "{what}_get" (func $get (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 4)
          (func (export "_start")
            (drop (call $sizes (i32.const 16) (i32.const 4)))
            (drop (call $get (i32.const 1024) (i32.const 65536)))
            (i32.store (i32.const 0) (i32.const 65536))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
        """;
}
