using System.Globalization;
using System.Runtime.CompilerServices;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>The ends of stores, modules and engines, by Dispose and by the collector; two threads in one store.</summary>
public sealed class LifetimeTests
{
    private const string Counter = """
        (module
          (memory (export "memory") 1)
          (table (export "table") 2 funcref)
          (global $count (export "count") (mut i32) (i32.const 0))
          (elem func $bump)
          (data "abc")
          (func $bump (export "bump") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (i32.store (i32.const 8) (global.get $count))
            (i32.load (i32.const 8)))
          (func (export "init") (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 3)) (table.init 0 (i32.const 0) (i32.const 0) (i32.const 1)))
          (func (export "drop") (data.drop 0) (elem.drop 0)))
        """;

    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "CL-07")]
    public void Two_instances_of_a_module_share_nothing(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, Counter);
        Instance first = store.Instantiate(module);
        Instance second = store.Instantiate(module);
        first.GetFunction("bump")!.Invoke();
        Assert.Equal(2, first.GetFunction("bump")!.Invoke());
        Assert.Equal(1, second.GetFunction("bump")!.Invoke());
        Assert.Equal(2, first.GetMemory("memory")!.ReadInt32(8));
        Assert.Equal(1, second.GetMemory("memory")!.ReadInt32(8));
        Assert.Equal(2, first.GetGlobal("count")!.Value.AsI32());
        first.GetFunction("drop")!.Invoke();
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => first.GetFunction("init")!.Invoke());
        second.GetFunction("init")!.Invoke();
        Assert.True(first.GetTable("table")!.Get(0).IsNull);
        Assert.False(second.GetTable("table")!.Get(0).IsNull);
        Assert.Equal(0, first.GetMemory("memory")!.ReadByte(0));
        Assert.Equal((byte)'a', second.GetMemory("memory")!.ReadByte(0));
        Assert.NotSame(first.GetFunction("bump"), second.GetFunction("bump"));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "CL-02")]
    [Trait("Parity", "WTG-01")]
    public void Everything_of_a_disposed_store_refuses(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, Counter);
        Instance instance = store.Instantiate(module);
        Func<int> bump = instance.GetFunction<Func<int>>("bump")!;
        Function untyped = instance.GetFunction("bump")!;
        Memory memory = instance.GetMemory("memory")!;
        Table table = instance.GetTable("table")!;
        Global global = instance.GetGlobal("count")!;
        bump();
        store.Dispose();
        store.Dispose();
        Assert.True(store.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => bump());
        Assert.Throws<ObjectDisposedException>(() => untyped.Invoke());
        Assert.Throws<ObjectDisposedException>(() => memory.ReadByte(0));
        Assert.Throws<ObjectDisposedException>(() => memory.Grow(1));
        Assert.Throws<ObjectDisposedException>(() => memory.BaseAddress);
        Assert.Throws<ObjectDisposedException>(() => memory.PageCount);
        Assert.Throws<ObjectDisposedException>(() => table.Get(0));
        Assert.Throws<ObjectDisposedException>(() => table.Set(0, Value.FromFunction(null)));
        Assert.Throws<ObjectDisposedException>(() => table.Grow(1, Value.FromFunction(null)));
        Assert.Throws<ObjectDisposedException>(() => global.Value);
        Assert.Throws<ObjectDisposedException>(() => global.Value = Value.FromI32(1));
        Assert.Throws<ObjectDisposedException>(() => store.Instantiate(module));
        Assert.Throws<ObjectDisposedException>(() => Function.FromDelegate(store, static () => { }));
        Assert.Throws<ObjectDisposedException>(() => Memory.Create(store, new MemoryType(new Limits(1))));
        Assert.Throws<ObjectDisposedException>(store.ResetInterrupt);
    }

    [Fact]
    [Trait("Parity", "WTG-01")]
    public void A_disposed_module_refuses_instances_and_a_disposed_engine_modules()
    {
        Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Module module = Module.FromText(engine, Counter);
        Module other = Module.FromText(engine, Counter);
        Func<int> bump = store.Instantiate(module).GetFunction<Func<int>>("bump")!;
        module.Dispose();
        module.Dispose();
        Assert.Throws<ObjectDisposedException>(() => store.Instantiate(module));
        Assert.Equal(1, bump());
        engine.Dispose();
        engine.Dispose();
        Assert.Throws<ObjectDisposedException>(() => store.Instantiate(other));
        Assert.Throws<ObjectDisposedException>(() => Module.FromText(engine, "(module)"));
        Assert.Throws<ObjectDisposedException>(() => engine.CreateStore());
    }

    [Theory]
    [InlineData("loop", true)]
    [InlineData("memory", true)]
    [InlineData("memory", false)]
    [InlineData("fill", true)]
    [InlineData("fill", false)]
    [InlineData("recursion", false)]
    [Trait("Security", "CL-02")]
    public void Dispose_during_a_call_of_another_thread_ends_the_call(string name, bool interruptible) => ChildProcess.Run(
        static arguments =>
        {
            foreach (MemoryProtection mode in Wasm.Modes)
            {
                for (int round = 0; round < 20; round++)
                {
                    using var entered = new ManualResetEventSlim();
                    using Engine engine = Wasm.CreateEngine(mode, interruptible: arguments[1] == "True");
                    Store store = engine.CreateStore();
                    Instance instance = Wasm.Instantiate(
                        store,
                        """
                        (module (import "host" "entered" (func $entered)) (memory 64)
                          (func (export "loop") call $entered loop br 0 end)
                          (func (export "memory") (local i32) call $entered
                            loop (i32.store (local.get 0) (i32.load offset=4 (local.get 0))) (local.set 0 (i32.and (i32.add (local.get 0) (i32.const 4)) (i32.const 0xffff))) br 0 end)
                          (func (export "fill") call $entered loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 4194304)) br 0 end)
                          (func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 1))))))
                          (func (export "recursion") call $entered (call $f (i32.const 100))))
                        """,
                        linker => linker.DefineFunction("host", "entered", entered.Set));
                    Action call = instance.GetFunction<Action>(arguments[0])!;
                    Exception? end = null;
                    var guest = new Thread(() => end = Record.Exception(call)) { IsBackground = true };
                    guest.Start();
                    entered.Wait();
                    store.Dispose();
                    Assert.True(guest.Join(TimeSpan.FromMinutes(1)), "the guest runs on");
                    Assert.True(end is ObjectDisposedException or TrapException, end?.ToString());
                    Assert.Throws<ObjectDisposedException>(call);
                }
            }
        },
        new() { Arguments = [name, interruptible.ToString()] }).AssertSucceeded();

    [Fact]
    [Trait("Security", "CL-02")]
    public void Dispose_by_a_host_function_inside_the_call_ends_the_call() => ChildProcess.Run(static _ =>
    {
        foreach (MemoryProtection mode in Wasm.Modes)
        {
            Store store = Wasm.CreateEngine(mode).CreateStore();
            Memory? memory = null;
            Instance instance = Wasm.Instantiate(
                store,
                """
                (module (import "host" "end" (func $end)) (memory (export "memory") 1)
                  (func $nothing) (func $calls call $nothing)
                  (func (export "touch") (result i32) call $end (i32.load (i32.const 0)))
                  (func (export "call") call $end call $calls))
                """,
                linker => linker.DefineFunction("host", "end", () =>
                {
                    store.Dispose();
                    Assert.Throws<ObjectDisposedException>(() => memory!.GetSpan(0, 1)[0]);
                }));
            memory = instance.GetMemory("memory");
            Exception? end = Record.Exception(() => instance.GetFunction("touch")!.Invoke());
            Assert.True(end is ObjectDisposedException or TrapException, end?.ToString());
        }
    }).AssertSucceeded();

    [Fact]
    [Trait("Security", "CL-02")]
    public void Dispose_from_a_finalizer_is_fine() => ChildProcess.Run(static _ =>
    {
        for (int round = 0; round < 20; round++)
        {
            MakeOwner();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.True(Owner.Disposed > 0);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void MakeOwner()
        {
            Store store = Wasm.CreateEngine().CreateStore();
            var owner = new Owner(store);
            Wasm.Instantiate(store, Counter).GetFunction("bump")!.Invoke();
            GC.KeepAlive(owner);
        }
    }).AssertSucceeded();

    [Fact]
    [Trait("Security", "CL-02")]
    [Trait("Parity", "WTG-01")]
    public void What_is_dropped_without_dispose_is_collected()
    {
        (WeakReference store, WeakReference module, WeakReference instance, WeakReference engine, WeakReference argument) = Make();
        for (int i = 0; i < 20 && (store.IsAlive || module.IsAlive || instance.IsAlive || engine.IsAlive || argument.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(store.IsAlive, "store");
        Assert.False(module.IsAlive, "module");
        Assert.False(instance.IsAlive, "instance");
        Assert.False(engine.IsAlive, "engine");
        Assert.False(argument.IsAlive, "external reference");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (WeakReference, WeakReference, WeakReference, WeakReference, WeakReference) Make()
        {
            Engine engine = Wasm.CreateEngine();
            Store store = engine.CreateStore();
            Module module = Module.FromText(engine, """
                (module (import "host" "f" (func $f)) (memory 1) (table $t (export "t") 1 externref)
                  (func (export "g") (param externref) (result externref) call $f (table.set $t (i32.const 0) (local.get 0)) local.get 0))
                """);
            var linker = new Linker(engine);
            object argument = new();
            linker.DefineFunction("host", "f", () => GC.KeepAlive(store));
            Instance instance = linker.Instantiate(store, module);
            Assert.Same(argument, instance.GetFunction<Func<object, object>>("g")!(argument));
            return (new WeakReference(store), new WeakReference(module), new WeakReference(instance), new WeakReference(engine), new WeakReference(argument));
        }
    }

    /// <summary>Set CODICIL_FULL to 1 for all 10,000 rounds.</summary>
    [Fact]
    [Trait("Security", "CL-06")]
    public void Rounds_of_compiling_and_disposing_leave_no_memory_behind() => ChildProcess.Run(
        static _ =>
        {
            bool full = Environment.GetEnvironmentVariable("CODICIL_FULL") == "1";
            int rounds = full ? 10_000 : 600;
            using Engine engine = Wasm.CreateEngine();
            for (int i = 0; i < 200; i++)
            {
                Round(engine, i);
            }

            long before = Resident();
            for (int i = 0; i < rounds; i++)
            {
                Round(engine, i);
            }

            long after = Resident();
            Assert.True(after - before < 64L << 20, string.Create(CultureInfo.InvariantCulture, $"{before >> 10} KiB before, {after >> 10} KiB after {rounds} rounds"));
        },
        new() { Timeout = TimeSpan.FromMinutes(20) }).AssertSucceeded();

    [Fact]
    [Trait("Security", "CL-01")]
    public void Two_threads_in_a_store_get_an_error_and_no_crash() => ChildProcess.Run(static _ =>
    {
        foreach (MemoryProtection mode in Wasm.Modes)
        {
            using Store store = Wasm.CreateEngine(mode).CreateStore();
            Func<int> bump = Wasm.Instantiate(store, Counter).GetFunction<Func<int>>("bump")!;
            int calls = 0;
            int refused = 0;
            void Hammer()
            {
                for (int i = 0; i < 25_000; i++)
                {
                    try
                    {
                        bump();
                        Interlocked.Increment(ref calls);
                    }
                    catch (InvalidOperationException)
                    {
                        Interlocked.Increment(ref refused);
                    }
                }
            }

            var threads = new Thread[4];
            for (int i = 0; i < threads.Length; i++)
            {
                threads[i] = new Thread(Hammer);
                threads[i].Start();
            }

            foreach (Thread thread in threads)
            {
                thread.Join();
            }

            Assert.Equal(100_000, calls + refused);

            // Serialised or refused: no count is lost.
            Assert.Equal(calls + 1, bump());
        }
    }).AssertSucceeded();

    [Fact]
    [Trait("Security", "CL-01")]
    public void Two_threads_at_a_stores_memory_and_table_do_no_harm() => ChildProcess.Run(static _ =>
    {
        foreach (MemoryProtection mode in Wasm.Modes)
        {
            using Store store = Wasm.CreateEngine(mode).CreateStore();
            Instance instance = Wasm.Instantiate(store, """
                (module (memory (export "m") 1 200) (table (export "t") 1 10000 funcref) (type $f (func (result i32)))
                  (func $one (export "one") (result i32) i32.const 1) (elem (i32.const 0) $one)
                  (func (export "work") (result i32) (local i32)
                    loop
                      (i32.store (i32.and (local.get 0) (i32.const 0xfffc)) (local.get 0))
                      (drop (call_indirect (type $f) (i32.const 0)))
                      (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (i32.const 40000000)))
                    end
                    local.get 0))
                """);
            Memory memory = instance.GetMemory("m")!;
            Table table = instance.GetTable("t")!;
            Value one = Value.FromFunction(instance.GetFunction("one"));
            var guest = new Thread(() => Assert.Equal(40_000_000, instance.GetFunction("work")!.Invoke()));
            guest.Start();
            while (guest.IsAlive)
            {
                memory.TryGrow(1, out ulong _);
                memory.WriteInt32(65_532, 5);
                if (table.Length < 10_000)
                {
                    table.Grow(1, one);
                }

                table.Set(table.Length - 1, Value.FromFunction(null));
            }

            guest.Join();
        }
    }).AssertSucceeded();

    [Fact]
    [Trait("Parity", "WTG-27")]
    public void Threads_with_stores_of_their_own_share_an_engine_and_a_module()
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(engine, Counter);
        Parallel.For(0, 8, worker =>
        {
            for (int round = 0; round < 10; round++)
            {
                using Store store = engine.CreateStore();
                Func<int> bump = store.Instantiate(module).GetFunction<Func<int>>("bump")!;
                for (int i = 1; i <= 100; i++)
                {
                    Assert.Equal(i, bump());
                }
            }
        });
    }

    private static void Round(Engine engine, int round)
    {
        using Module module = Module.FromText(engine, Counter.Replace("(data \"abc\")", Wasm.Format($"(data \"abc{round}\") (func (export \"id\") (result i32) i32.const {round})"), StringComparison.Ordinal));
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(module);
        Assert.Equal(1, instance.GetFunction<Func<int>>("bump")!());
        Assert.Equal(round, instance.GetFunction("id")!.Invoke());
    }

    private static long Resident()
    {
        for (int i = 0; i < 4; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private sealed class Owner(Store store)
    {
        public static int Disposed;

        ~Owner()
        {
            store.Dispose();
            Disposed++;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Security", "CL-02")]
    public void Dispose_while_a_host_function_uses_a_span_does_no_harm(bool reads) => ChildProcess.Run(
        static arguments =>
        {
            // Long copies are native code of the runtime: a fault there is the end of the process and no exception.
            bool reads = arguments[0] == "True";
            foreach (MemoryProtection mode in Wasm.Modes)
            {
                for (int round = 0; round < 20; round++)
                {
                    using Engine engine = Wasm.CreateEngine(mode);
                    Store store = engine.CreateStore();
                    using var begun = new ManualResetEventSlim();
                    using var disposed = new ManualResetEventSlim();
                    byte[] buffer = new byte[1 << 20];
                    Instance instance = Wasm.Instantiate(
                        store,
                        """(module (import "host" "f" (func $f)) (memory (export "memory") 64) (func $nothing) (func (export "run") call $f (loop (call $f) (br 0))))""",
                        linker => linker.DefineFunction("host", "f", (Caller caller) =>
                        {
                            Span<byte> span = caller.GetMemory("memory")!.GetSpan(1 << 20, buffer.Length);
                            begun.Set();
                            for (int i = 0; i < 5 || !disposed.IsSet; i++)
                            {
                                if (reads)
                                {
                                    span.CopyTo(buffer);
                                }
                                else
                                {
                                    buffer.CopyTo(span);
                                }
                            }
                        }));
                    Action run = instance.GetFunction<Action>("run")!;
                    Exception? end = null;
                    var thread = new Thread(() => end = Record.Exception(run));
                    thread.Start();
                    begun.Wait();
                    store.Dispose();
                    disposed.Set();
                    thread.Join();
                    Assert.IsType<ObjectDisposedException>(end);
                }
            }
        },
        new ChildProcessOptions { Arguments = [reads.ToString()] }).AssertSucceeded();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Security", "CL-02")]
    public void Dispose_while_a_module_is_compiled_does_no_harm(bool eager) => ChildProcess.Run(
        static arguments =>
        {
            string functions = Wasm.Repeat(300, static i => Wasm.Format($"(func (export \"f{i}\") (param i32) (result i32) {Wasm.Repeat(60, static k => Wasm.Format($"local.get 0 i32.const {k} i32.xor local.set 0 "))} local.get 0) "));
            byte[] bytes = Codicil.Format.Text.Wat.ToBinary($"(module {functions})");
            for (int round = 0; round < 8; round++)
            {
                Engine engine = Engine.Create(new EngineOptions { CompileEagerly = arguments[0] == "True" });
                Store store = engine.CreateStore();
                using var begun = new ManualResetEventSlim();
                Exception? end = null;
                var thread = new Thread(() => end = Record.Exception(() =>
                {
                    begun.Set();
                    using Module module = Module.FromBytes(engine, bytes);
                    Instance instance = store.Instantiate(module);
                    for (int i = 0; i < 300; i++)
                    {
                        Assert.Equal(1 ^ instance.GetFunction<Func<int, int>>("f0")!(0), instance.GetFunction<Func<int, int>>(Wasm.Format($"f{i}"))!(1));
                    }
                }));
                thread.Start();
                begun.Wait();
                Thread.Sleep(round * 15);
                store.Dispose();
                engine.Dispose();
                thread.Join();
                Assert.True(end is null or ObjectDisposedException, end?.ToString());
            }
        },
        new ChildProcessOptions { Arguments = [eager.ToString()] }).AssertSucceeded();
}
