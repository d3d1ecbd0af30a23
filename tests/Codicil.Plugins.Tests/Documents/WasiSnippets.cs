using Codicil;
using Codicil.Format;
using Codicil.Plugins.Tests.Documents;
using Codicil.Wasi;
using Codicil.Wasi.Files;

namespace DocumentSnippets;

/// <summary>The snippets of docs/wasi.md, in their order.</summary>
public sealed class WasiSnippets : IDisposable
{
    // Says hello to its second argument.
    private const string Hello = """
        (module
          (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "args_get" (func $arguments (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 32) "\00\01\00\00\07\00\00\00")
          (data (i32.const 48) "\08\01\00\00\02\00\00\00")
          (data (i32.const 256) "Hello, ")
          (data (i32.const 264) "!\n")
          (func (export "_start")
            (drop (call $sizes (i32.const 0) (i32.const 4)))
            (drop (call $arguments (i32.const 8) (i32.const 512)))
            (i32.store (i32.const 40) (i32.load (i32.const 12)))
            (i32.store (i32.const 44) (i32.sub (i32.add (i32.const 511) (i32.load (i32.const 4))) (i32.load (i32.const 12))))
            (drop (call $write (i32.const 1) (i32.const 32) (i32.const 3) (i32.const 16)))))
        """;

    // Copies input.txt to output.txt in the third of its directories.
    private const string Copy = """
        (module
          (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "input.txtoutput.txt")
          (data (i32.const 32) "\00\02\00\00\00\01\00\00")
          (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
          (func (export "_start")
            (call $check (call $open (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64)))
            (call $check (call $read (i32.load (i32.const 64)) (i32.const 32) (i32.const 1) (i32.const 36)))
            (call $check (call $open (i32.const 5) (i32.const 0) (i32.const 9) (i32.const 10) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 64)))
            (call $check (call $write (i32.load (i32.const 64)) (i32.const 32) (i32.const 1) (i32.const 40)))))
        """;

    // Waits for what its thread writes.
    private const string Threads = """
        (module
          (import "env" "memory" (memory 1 1 shared))
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (export "memory" (memory 0))
          (func (export "wasi_thread_start") (param i32 i32)
            (i32.atomic.store (i32.const 0) (local.get 1))
            (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
          (func (export "_start")
            (drop (call $spawn (i32.const 7)))
            (loop $again
              (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
              (br_if $again (i32.eqz (i32.atomic.load (i32.const 0)))))
            (call $exit (i32.atomic.load (i32.const 0)))))
        """;

    // The modules and directories lie beside the tests, as they lie beside the program of whoever reads the document.
    static WasiSnippets() => Environment.CurrentDirectory = AppContext.BaseDirectory;

    private SnippetConsole Console { get; } = new();

    public void Dispose()
    {
        foreach (string directory in (string[])["site", "db"])
        {
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }

        File.Delete("hello.wasm");
        File.Delete("threads.wasm");
    }

    [Fact]
    public void Command()
    {
        File.WriteAllBytes("hello.wasm", Codicil.Format.Text.Wat.ToBinary(Hello));

        // snippet: wasi-command
        using var engine = Engine.Create();
        using Module module = Module.FromFile(engine, "hello.wasm");
        using Store store = engine.CreateStore();
        Linker linker = new Linker(engine).DefineWasi(WasiOptions.Default with
        {
            Arguments = ["hello", "Ada"],
            StandardOutput = Console.OpenStandardOutput(),
        });
        uint exitCode = WasiCommand.Run(linker, store, module);
        // => Hello, Ada!
        // end
        Assert.Equal(0u, exitCode);
        Console.AssertShown("wasi-command");
    }

    [Fact]
    public void Files()
    {
        Directory.CreateDirectory("site");
        Directory.CreateDirectory("db");
        using var engine = Engine.Create();
        using Module module = Module.FromText(engine, Copy);
        using Store store = engine.CreateStore();

        // snippet: wasi-files
        var scratch = new InMemoryFileSystem(maximumSizeInBytes: 16 << 20);
        scratch.WriteAllText("/input.txt", "hello");
        WasiOptions options = WasiOptions.Default
            .WithDirectory("site", "/", readOnly: true)                               // a directory of the host
            .WithFileSystem(new OverlayFileSystem(new HostFileSystem("db")), "/db")   // its changes stay in memory
            .WithFileSystem(scratch, "/scratch");
        uint exitCode = WasiCommand.Run(new Linker(engine).DefineWasi(options), store, module);
        Console.WriteLine(scratch.ReadAllText("/output.txt"));                        // the program has copied it
        // => hello
        // end
        Assert.Equal(0u, exitCode);
        Console.AssertShown("wasi-files");
    }

    [Fact]
    public void Thread()
    {
        File.WriteAllBytes("threads.wasm", Codicil.Format.Text.Wat.ToBinary(Threads));
        WasiOptions options = WasiOptions.Default;

        // snippet: wasi-threads
        using var engine = Engine.Create(new EngineOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.Threads, Interruptible = true });
        using Module module = Module.FromFile(engine, "threads.wasm");
        using Store store = engine.CreateStore();
        Linker linker = new Linker(engine).DefineWasi(options).DefineWasiThreads(module, new WasiThreadOptions { MaximumThreads = 16 });
        uint exitCode = WasiCommand.Run(linker, store, module);
        // end
        Assert.Equal(7u, exitCode);
    }
}
