namespace Codicil.Tests;

/// <summary>Whatever the guest does, an interrupt from another thread ends it.</summary>
public sealed class InterruptionTests
{
    private const string Loops = """
        (module
          (import "host" "entered" (func $entered))
          (type $none (func))
          (memory 64)
          (table $t 100000 funcref)
          (elem (table $t) (i32.const 0) func $nothing $other)
          (func $nothing)
          (func $other)
          (func (export "empty") call $entered loop br 0 end)
          (func (export "arithmetic") (result i64) (local i64) call $entered
            loop (local.set 0 (i64.add (i64.mul (local.get 0) (i64.const 31)) (i64.const 7))) br 0 end local.get 0)
          (func (export "loads") (result i32) (local i32) call $entered
            loop (local.set 0 (i32.add (local.get 0) (i32.load (i32.and (local.get 0) (i32.const 0xfff0))))) br 0 end local.get 0)
          (func (export "stores") (local i32) call $entered
            loop (i32.store (i32.and (local.get 0) (i32.const 0xfff0)) (local.get 0)) (local.set 0 (i32.add (local.get 0) (i32.const 16))) br 0 end)
          (func (export "condition") (param i32) call $entered loop local.get 0 br_if 0 end)
          (func (export "nested") (local i32) call $entered
            loop $outer (local.set 0 (i32.const 100)) loop $inner (br_if $inner (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))) end br $outer end)
          (func (export "table") (param i32) call $entered
            loop $a loop $b block $c (br_table $a $b $c (i32.rem_u (local.get 0) (i32.const 2))) end end end)
          (func $even (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1)) (else (i32.add (call $odd (i32.sub (local.get 0) (i32.const 1))) (call $odd (i32.sub (local.get 0) (i32.const 1)))))))
          (func $odd (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0)) (else (i32.add (call $even (i32.sub (local.get 0) (i32.const 1))) (call $even (i32.sub (local.get 0) (i32.const 1)))))))
          (func (export "recursion") (result i32) call $entered (call $even (i32.const 200)))
          (func (export "calls") call $entered loop call $nothing br 0 end)
          (func (export "indirect") call $entered loop (call_indirect $t (type $none) (i32.const 0)) (call_indirect $t (type $none) (i32.const 1)) br 0 end)
          (func (export "fill") call $entered loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 4194304)) br 0 end)
          (func (export "copy") call $entered loop (memory.copy (i32.const 1) (i32.const 0) (i32.const 4194303)) br 0 end)
          (func (export "tablefill") call $entered loop (table.fill $t (i32.const 0) (ref.null func) (i32.const 100000)) br 0 end)
          (func (export "tablecopy") call $entered loop (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 99999)) br 0 end)
          (func (export "grow") call $entered loop (drop (memory.grow (i32.const 0))) br 0 end)
          (func (export "one") (result i32) i32.const 1)
          (func (export "calling") (result i32) call $entered call $second)
          (func $second (result i32) call $nothing i32.const 2))
        """;

    public static TheoryData<string, MemoryProtection> Cases
    {
        get
        {
            var data = new TheoryData<string, MemoryProtection>();
            foreach (string name in new[] { "empty", "arithmetic", "loads", "stores", "condition", "nested", "table", "recursion", "calls", "indirect", "fill", "copy", "tablefill", "tablecopy", "grow" })
            {
                foreach (MemoryProtection mode in Wasm.Modes)
                {
                    data.Add(name, mode);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("Security", "LM-01")]
    public void Stops(string name, MemoryProtection mode)
    {
        using var entered = new ManualResetEventSlim();
        using Store store = Wasm.CreateEngine(mode, interruptible: true).CreateStore();
        Function function = Wasm.Instantiate(store, Loops, linker => linker.DefineFunction("host", "entered", entered.Set)).GetFunction(name)!;
        object[] arguments = function.Type.Parameters.IsEmpty ? [] : [1];
        Exception? end = null;
        var guest = new Thread(() => end = Record.Exception(() => function.Invoke(arguments))) { IsBackground = true };
        guest.Start();
        Assert.True(entered.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        Thread.Sleep(5);
        store.Interrupt();
        Assert.True(guest.Join(TimeSpan.FromMinutes(1)), "the guest runs on");
        Assert.Equal(TrapCode.Interrupt, Assert.IsType<TrapException>(end).Code);

        // The store is as good as before.
        store.ResetInterrupt();
        Assert.Equal(2, Wasm.Instantiate(store, Loops, static linker => linker.DefineFunction("host", "entered", static () => { })).GetFunction("calling")!.Invoke());
    }

    [Fact]
    [Trait("Security", "LM-01")]
    [Trait("Parity", "WAZ-07")]
    public void Stops_a_start_function_and_gives_the_reason()
    {
        using var entered = new ManualResetEventSlim();
        using Store store = Wasm.CreateEngine(interruptible: true).CreateStore();
        var reason = new WasmTimeoutException("too late");
        Exception? end = null;
        var guest = new Thread(() => end = Record.Exception(() => Wasm.Instantiate(
            store,
            """(module (import "host" "entered" (func $entered)) (start $s) (func $s call $entered loop br 0 end))""",
            linker => linker.DefineFunction("host", "entered", entered.Set))));
        guest.IsBackground = true;
        guest.Start();
        Assert.True(entered.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        store.Interrupt(reason);
        Assert.True(guest.Join(TimeSpan.FromMinutes(1)), "the guest runs on");
        Assert.Same(reason, end);
    }

    [Fact]
    [Trait("Parity", "WAZ-07")]
    public void A_close_with_an_exit_code_ends_the_running_call_with_it_and_all_later_ones()
    {
        using var entered = new ManualResetEventSlim();
        using Store store = Wasm.CreateEngine(interruptible: true).CreateStore();
        Function run = Wasm.Instantiate(
            store,
            """(module (import "host" "entered" (func $entered)) (func (export "run") call $entered loop br 0 end))""",
            linker => linker.DefineFunction("host", "entered", entered.Set)).GetFunction("run")!;
        Exception? end = null;
        var guest = new Thread(() => end = Record.Exception(() => run.Invoke())) { IsBackground = true };
        guest.Start();
        Assert.True(entered.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        store.Interrupt(new ExitException(42));
        Assert.True(guest.Join(TimeSpan.FromMinutes(1)), "the guest runs on");
        Assert.Equal(42u, Assert.IsType<ExitException>(end).ExitCode);
        Assert.Equal(42u, Assert.Throws<ExitException>(() => run.Invoke()).ExitCode);
    }

    [Fact]
    [Trait("Security", "LM-01")]
    [Trait("Parity", "WAZ-07")]
    public void An_interrupt_before_the_call_ends_it_until_it_is_taken_back()
    {
        using Store store = Wasm.CreateEngine(interruptible: true).CreateStore();
        Instance instance = Wasm.Instantiate(store, Loops, static linker => linker.DefineFunction("host", "entered", static () => { }));
        Func<int> one = instance.GetFunction<Func<int>>("one")!;
        Assert.Equal(1, one());
        store.Interrupt();
        Wasm.AssertTrap(TrapCode.Interrupt, () => one());
        Wasm.AssertTrap(TrapCode.Interrupt, () => one());
        Wasm.AssertTrap(TrapCode.Interrupt, store.ThrowIfInterrupted);
        store.ResetInterrupt();
        Assert.Equal(1, one());
        store.ThrowIfInterrupted();
        store.Interrupt();
        store.ResetInterrupt();
        Assert.Equal(1, one());
    }

    [Fact]
    [Trait("Security", "LM-01")]
    public void An_interrupt_by_the_host_function_that_the_guest_called_ends_the_guest()
    {
        using Store store = Wasm.CreateEngine(interruptible: true).CreateStore();
        Instance instance = Wasm.Instantiate(store, Loops, linker => linker.DefineFunction("host", "entered", () => store.Interrupt()));
        Wasm.AssertTrap(TrapCode.Interrupt, () => instance.GetFunction("calling")!.Invoke());
    }

    [Fact]
    [Trait("Security", "LM-01")]
    public void An_interrupt_that_is_taken_back_inside_the_call_leaves_no_trace()
    {
        using Store store = Wasm.CreateEngine(interruptible: true).CreateStore();
        Instance instance = Wasm.Instantiate(store, Loops, linker => linker.DefineFunction("host", "entered", () =>
        {
            store.Interrupt();
            store.ResetInterrupt();
        }));
        Assert.Equal(2, instance.GetFunction("calling")!.Invoke());
        Assert.Equal(2, instance.GetFunction("calling")!.Invoke());
    }

    [Fact]
    [Trait("Security", "LM-01")]
    [Trait("Parity", "WAZ-07")]
    public void An_engine_without_interruption_refuses()
    {
        using Store store = Wasm.CreateEngine().CreateStore();
        Assert.Throws<InvalidOperationException>(() => store.Interrupt());
    }

    [Fact]
    [Trait("Security", "LM-01")]
    public void Another_store_of_the_engine_runs_on()
    {
        using Engine engine = Wasm.CreateEngine(interruptible: true);
        using Store first = engine.CreateStore();
        using Store second = engine.CreateStore();
        static void Define(Linker linker) => linker.DefineFunction("host", "entered", static () => { });
        Func<int> one = Wasm.Instantiate(first, Loops, Define).GetFunction<Func<int>>("one")!;
        Func<int> other = Wasm.Instantiate(second, Loops, Define).GetFunction<Func<int>>("one")!;
        first.Interrupt();
        Assert.Equal(1, other());
        Wasm.AssertTrap(TrapCode.Interrupt, () => one());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Security", "LM-01")]
    public void A_call_whose_interrupt_was_taken_back_goes_on_with_its_own_stack(bool otherThread)
    {
        using Engine engine = Engine.Create(new EngineOptions { Interruptible = true, MaxStackBytes = 128 * 1024 });
        using Store store = engine.CreateStore();
        int depth = 0;
        Instance instance = Wasm.Instantiate(
            store,
            """
            (module (import "host" "interrupt" (func $interrupt)) (import "host" "count" (func $count))
              (func $down call $count call $down)
              (func (export "down") call $down)
              (func (export "interrupted") call $interrupt call $down))
            """,
            linker => linker
                .DefineFunction("host", "count", () => { depth++; })
                .DefineFunction("host", "interrupt", () =>
                {
                    store.Interrupt();
                    store.Interrupt();
                    store.ResetInterrupt();
                }));
        Action plain = instance.GetFunction<Action>("down")!;
        Action interrupted = instance.GetFunction<Action>("interrupted")!;
        int Depth(Action call)
        {
            depth = 0;
            Wasm.AssertTrap(TrapCode.StackOverflow, call);
            return depth;
        }

        void Compare()
        {
            int expected = Depth(plain);
            Assert.InRange(Depth(interrupted), expected - 10, expected + 10);
            Assert.InRange(Depth(interrupted), expected - 10, expected + 10);
        }

        Compare();
        if (otherThread)
        {
            Wasm.OnThread(8 * 1024 * 1024, Compare);
            Compare();
        }
    }

    [Fact]
    [Trait("Security", "LM-01")]
    public void A_reason_that_is_thrown_again_and_again_does_not_grow()
    {
        using Store store = Wasm.CreateEngine(interruptible: true).CreateStore();
        Instance instance = Wasm.Instantiate(store, """(module (func (export "f")))""");
        Action call = instance.GetFunction<Action>("f")!;
        var reason = new InvalidOperationException("enough");
        store.Interrupt(reason);
        Assert.Same(reason, Assert.Throws<InvalidOperationException>(call));
        Assert.Same(reason, Assert.Throws<InvalidOperationException>(call));
        int length = reason.StackTrace!.Length;
        for (int round = 0; round < 500; round++)
        {
            Assert.Same(reason, Assert.Throws<InvalidOperationException>(call));
        }

        Assert.InRange(reason.StackTrace!.Length, 0, length + 1000);
    }
}
