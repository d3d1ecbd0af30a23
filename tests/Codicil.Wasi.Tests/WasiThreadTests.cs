using System.IO.Pipelines;
using System.Text;

using Codicil.Format;
using Codicil.Format.Types;
using Codicil.Tests;

namespace Codicil.Wasi.Tests;

/// <summary>Threads of programs: what they share, and that all of them end with the first that ends.</summary>
public sealed class WasiThreadTests
{
    private const string Imports = """
        (import "env" "memory" (memory 1 4 shared))
        (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (export "memory" (memory 0))
        """;

    // Ways to be busy without end. Address 1024 stays 0; a subscription at 2048 of zeros is a clock, its timeout stands at 2072.
    private const string Wait = "(drop (memory.atomic.wait32 (i32.const 1024) (i32.const 0) (i64.const -1)))";
    private const string Loop = "(loop $l (br $l))";
    private const string Sleep = "(i64.store (i32.const 2072) (i64.const 3600000000000)) (drop (call $poll (i32.const 2048) (i32.const 4096) (i32.const 1) (i32.const 3000)))";
    private const string Read = "(i32.store (i32.const 3200) (i32.const 3300)) (i32.store (i32.const 3204) (i32.const 8)) (drop (call $read (i32.const 0) (i32.const 3200) (i32.const 1) (i32.const 3208)))";

    // Tells address 0, so that the other sees that a thread runs.
    private const string Announce = "(i32.atomic.store (i32.const 0) (i32.const 1)) (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))";
    private const string AwaitThread = "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))";
    private const string SpawnOne = "(if (i32.le_s (call $spawn (i32.const 5)) (i32.const 0)) (then unreachable))";

    private static readonly Engine s_engine = Engine.Create(new EngineOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.Threads, Interruptible = true });

    public static TheoryData<string> Occupations => [Wait, Loop, Sleep, Read];

    [Theory]
    [MemberData(nameof(Occupations))]
    public void An_exit_in_a_thread_ends_the_main_one(string occupation) =>
        Assert.Equal(7U, Run(Program(SpawnOne + occupation, "(call $exit (i32.const 7))")));

    [Theory]
    [MemberData(nameof(Occupations))]
    public void An_exit_of_the_main_thread_ends_the_others(string occupation) =>
        Assert.Equal(9U, Run(Program($"{SpawnOne} {AwaitThread} (call $exit (i32.const 9))", Announce + occupation)));

    [Theory]
    [MemberData(nameof(Occupations))]
    public void The_return_of_the_main_thread_ends_the_others(string occupation) =>
        Assert.Equal(0U, Run(Program($"{SpawnOne} {AwaitThread}", Announce + occupation)));

    [Theory]
    [MemberData(nameof(Occupations))]
    public void A_trap_in_a_thread_is_what_the_call_ends_with(string occupation)
    {
        TrapException trap = Assert.Throws<TrapException>(() => Run(Program(SpawnOne + occupation, "unreachable")));
        Assert.Equal(TrapCode.UnreachableCodeReached, trap.Code);
        Assert.Contains(trap.Frames, static frame => frame.FunctionName == "thread");
    }

    [Theory]
    [MemberData(nameof(Occupations))]
    public void An_interrupt_of_the_host_ends_all(string occupation)
    {
        using Module module = Module.FromText(s_engine, Program(SpawnOne + occupation, Announce + Loop));
        using Store store = s_engine.CreateStore();
        var reason = new WasmTimeoutException("too late");
        var host = new Thread(() =>
        {
            SpinWait.SpinUntil(() => WasiThreadGroup.Find(store) is { Count: 1 });
            store.Interrupt(reason);
        });
        host.Start();
        Assert.Same(reason, Assert.Throws<WasmTimeoutException>(() => WasiCommand.Run(CreateLinker(module), store, module)));
        host.Join();
        Assert.Equal(0, WasiThreadGroup.Find(store)!.Count);
    }

    [Theory]
    [MemberData(nameof(Occupations))]
    [Trait("Security", "CL-02")]
    public void The_end_of_the_store_ends_the_threads_and_waits_for_them(string occupation)
    {
        using Module module = Module.FromText(s_engine, Program($"{SpawnOne} {AwaitThread}", Announce + occupation));
        Store store = s_engine.CreateStore();
        CreateLinker(module).Instantiate(store, module).GetFunction("_start")!.Invoke();
        WasiThreadGroup group = WasiThreadGroup.Find(store)!;
        Assert.Equal(1, group.Count);
        store.Dispose();
        Assert.Equal(0, group.Count);
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public void Nothing_is_left_of_threads_whose_store_has_ended()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "counts in /proc");
        ChildProcess.Run(static _ =>
        {
            for (int i = 0; i < 20; i++)
            {
                using Module module = Module.FromText(s_engine, Program($"{SpawnOne}{SpawnOne}{SpawnOne}{AwaitThread}", Announce + Sleep));
                using Store store = s_engine.CreateStore();
                CreateLinker(module).Instantiate(store, module).GetFunction("_start")!.Invoke();
            }

            // The system's thread goes a moment after that of .NET.
            if (!SpinWait.SpinUntil(static () => CountThreads() == 0, TimeSpan.FromMinutes(2)))
            {
                throw new InvalidOperationException("threads are left");
            }
        }).AssertSucceeded();
    }

    [Fact]
    public void A_thread_gets_its_number_and_its_argument()
    {
        const string Main = """
            (i32.store (i32.const 100) (call $spawn (i32.const 77)))
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
            (if (i32.ne (i32.load (i32.const 100)) (i32.load (i32.const 104))) (then unreachable))
            (if (i32.le_s (i32.load (i32.const 100)) (i32.const 0)) (then unreachable))
            (call $exit (i32.load (i32.const 108)))
            """;
        Assert.Equal(77U, Run(Program(Main, $"(i32.store (i32.const 104) (local.get $id)) (i32.store (i32.const 108) (local.get $argument)) {Announce}")));
    }

    [Fact]
    public void A_thread_can_make_threads()
    {
        const string Thread = """
            (if (i32.eqz (local.get $argument)) (then (call $exit (i32.const 42))))
            (if (i32.le_s (call $spawn (i32.sub (local.get $argument) (i32.const 1))) (i32.const 0)) (then unreachable))
            """;
        Assert.Equal(42U, Run(Program(SpawnOne + Wait, Thread)));
    }

    [Fact]
    public void Beyond_the_limit_no_thread_is_made()
    {
        // The exit code is the sum of what the attempts gave: 1 + 2 + -6 (again).
        const string Main = "(call $exit (i32.add (i32.const 100) (i32.add (i32.add (call $spawn (i32.const 0)) (call $spawn (i32.const 0))) (call $spawn (i32.const 0)))))";
        Assert.Equal(97U, Run(Program(Main, Wait), new WasiThreadOptions { MaximumThreads = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(static () => new WasiThreadOptions { MaximumThreads = -1 });
    }

    [Fact]
    public void A_thousand_threads_come_and_go()
    {
        const string Main = """
            (local $n i32)
            (loop $next
              (loop $again (br_if $again (i32.lt_s (call $spawn (i32.const 1)) (i32.const 0))))
              (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
            (loop $wait
              (drop (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const 1000000)))
              (br_if $wait (i32.ne (i32.atomic.load (i32.const 4)) (i32.const 1000))))
            (call $exit (i32.atomic.load (i32.const 4)))
            """;
        Assert.Equal(1000U, Run(Program(Main, "(drop (i32.atomic.rmw.add (i32.const 4) (local.get $argument)))"), new WasiThreadOptions { MaximumThreads = 8 }));
    }

    [Fact]
    public void Threads_write_one_after_another()
    {
        const int Threads = 4;
        const int Lines = 500;
        string main = $"""
            (i32.store (i32.const 100) (i32.const 120)) (i32.store (i32.const 104) (i32.const 5)) (i32.store (i32.const 108) (i32.const 125)) (i32.store (i32.const 112) (i32.const 4))
            {string.Concat(Enumerable.Repeat(SpawnOne, Threads))}
            (loop $wait (drop (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const 1000000))) (br_if $wait (i32.ne (i32.atomic.load (i32.const 4)) (i32.const {Threads}))))
            """;
        string thread = $"""
            (local $n i32)
            (loop $next
              (if (call $write (i32.const 1) (i32.const 100) (i32.const 2) (i32.add (i32.const 200) (i32.mul (local.get $id) (i32.const 4)))) (then unreachable))
              (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {Lines}))))
            (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1)))
            """;
        using var output = new MemoryStream();
        string text = Program(main, thread).Replace(";; data", "(data (i32.const 120) \"lines of\\n\")", StringComparison.Ordinal);
        Assert.Equal(0U, Run(text, options: WasiOptions.Default with { StandardOutput = output }));
        string[] lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Threads * Lines, lines.Length);
        Assert.All(lines, static line => Assert.Equal("lines of", line));
    }

    [Fact]
    public void A_thread_that_waits_for_input_keeps_no_other_from_writing()
    {
        var pipe = new Pipe();
        using var output = new MemoryStream();
        string main = $"""
            {SpawnOne} {AwaitThread}
            (i32.store (i32.const 100) (i32.const 0)) (i32.store (i32.const 104) (i32.const 4))
            (drop (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 200)))
            (call $exit (i32.const 3))
            """;
        Assert.Equal(3U, Run(Program(main, Announce + Read), options: WasiOptions.Default.WithStandardInput(pipe.Reader) with { StandardOutput = output }));
        Assert.Equal(4, output.Length);
    }

    [Fact]
    public void A_failure_to_instantiate_ends_all()
    {
        // The main thread's instance has an item of its store, which no other store can have.
        using Module module = Module.FromText(s_engine, Program(SpawnOne + Wait, "").Replace(";; import", "(import \"host\" \"own\" (global i32))", StringComparison.Ordinal));
        using Store store = s_engine.CreateStore();
        Linker linker = CreateLinker(module).Define("host", "own", Global.Create(store, new GlobalType(ValType.I32, isMutable: false), Value.FromI32(1)));
        Assert.ThrowsAny<Exception>(() => WasiCommand.Run(linker, store, module));
        Assert.Equal(0, WasiThreadGroup.Find(store)!.Count);
    }

    [Fact]
    public void What_throws_when_a_thread_is_disposed_is_what_the_call_ends_with() => ChildProcess.Run(ThrowFromTheDisposalOfAThread).AssertSucceeded();

    internal static void ThrowFromTheDisposalOfAThread(string[] arguments)
    {
        using Module module = Module.FromText(s_engine, Program($"{SpawnOne} {Wait}", "call $hold").Replace(";; import", "(import \"host\" \"hold\" (func $hold))", StringComparison.Ordinal));
        using Store store = s_engine.CreateStore();
        var failure = new InvalidOperationException("hold");
        Linker linker = CreateLinker(module).DefineFunction("host", "hold", (Caller caller) => caller.Store.RegisterForDispose(new FailingResource(failure)));
        Assert.Same(failure, Assert.Throws<InvalidOperationException>(() => WasiCommand.Run(linker, store, module)));
        Assert.Equal(0, WasiThreadGroup.Find(store)!.Count);
    }

    [Fact]
    public void What_cannot_have_threads_is_refused()
    {
        using Engine engine = Engine.Create(new EngineOptions { Features = WasmFeatures.All });
        Assert.Throws<InvalidOperationException>(() => new Linker(engine).DefineWasiThreads());
        using Module noStart = Module.FromText(s_engine, $"(module {Imports})");
        Assert.Contains("wasi_thread_start", Assert.Throws<LinkException>(() => new Linker(s_engine).DefineWasiThreads(noStart)).Message, StringComparison.Ordinal);
        using Module wrongStart = Module.FromText(s_engine, $"(module {Imports} (func (export \"wasi_thread_start\") (param i32)))");
        Assert.Throws<LinkException>(() => new Linker(s_engine).DefineWasiThreads(wrongStart));
        using Module noMemory = Module.FromText(s_engine, "(module (import \"wasi\" \"thread-spawn\" (func (param i32) (result i32))) (func (export \"wasi_thread_start\") (param i32 i32)))");
        Assert.Throws<LinkException>(() => new Linker(s_engine).DefineWasiThreads(noMemory));
    }

    [Fact]
    public void What_is_checked_in_a_shared_memory_is_a_copy()
    {
        using Store store = s_engine.CreateStore();
        Memory memory = Memory.Create(store, new MemoryType(new Limits(1, 1), isShared: true));
        var shared = new GuestMemory(memory, memory.BaseAddress);
        ReadOnlySpan<byte> path = shared.GetStableSpan(0, 4);
        shared.WriteUInt32(0, 0x2E2E2F2E);
        Assert.Equal(0, path[0]);
        Assert.Throws<TrapException>(() => new GuestMemory(memory, memory.BaseAddress).GetSpan(65530, 8).Length);
    }

    private static int CountThreads() => Directory.GetDirectories("/proc/self/task").Count(static task =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).StartsWith("Codicil wasi", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    });

    private sealed class FailingResource(Exception failure) : IDisposable
    {
        public void Dispose() => throw failure;
    }

    private static string Program(string main, string thread) => $"""
        (module
          ;; import
          {Imports}
          ;; data
          (func (export "_start") {main})
          (func $thread (export "wasi_thread_start") (param $id i32) (param $argument i32) {thread}))
        """;

    private static Linker CreateLinker(Module module, WasiThreadOptions? threads = null, WasiOptions? options = null) =>
        new Linker(s_engine).DefineWasi(options ?? WasiOptions.Default.WithSystemTime().WithStandardInput(new Pipe().Reader)).DefineWasiThreads(module, threads);

    private static uint Run(string text, WasiThreadOptions? threads = null, WasiOptions? options = null)
    {
        using Module module = Module.FromText(s_engine, text);
        using Store store = s_engine.CreateStore();
        try
        {
            return WasiCommand.Run(CreateLinker(module, threads, options), store, module);
        }
        finally
        {
            Assert.Equal(0, WasiThreadGroup.Find(store)!.Count);
        }
    }
}
