using System.Runtime.Intrinsics;

namespace Codicil.Tests;

/// <summary>What a function listener hears of.</summary>
public sealed class FunctionListenerTests
{
    private const string Chain = """
        (module $chain
          (import "host" "f" (func $host (param i32) (result i32)))
          (memory 1)
          (table funcref (elem $leaf $host))
          (type $unary (func (param i32) (result i32)))
          (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
          (func $middle (param i32) (result i32) (call $leaf (call $host (call $leaf (local.get 0)))))
          (func (export "top") (param i32) (result i32) (call $middle (local.get 0)))
          (func (export "indirect") (param i32 i32) (result i32) (call_indirect (type $unary) (local.get 0) (local.get 1)))
          (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (call $leaf (local.get 0))))
          (func (export "load") (param i32) (result i32) (i32.load (call $leaf (local.get 0))))
          (func $unreachable (unreachable))
          (func (export "unreachable") (call $unreachable))
          (func $recurse (param i32) (result i32) (i32.add (i32.const 1) (call $recurse (i32.add (local.get 0) (i32.const 1)))))
          (func (export "recurse") (result i32) (call $recurse (i32.const 0)))
          (func $spin (loop (br 0)))
          (func (export "spin") (call $spin))
          (export "host" (func $host)))
        """;

    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [Trait("Parity", "EXT-26")]
    [MemberData(nameof(Modes))]
    public void Every_call_of_a_function_of_the_module_is_heard_of(MemoryProtection mode)
    {
        var recorder = new RecordingListener();
        Instance instance = Instantiate(recorder, mode, static value => value * 10);
        Assert.Equal(71, instance.GetFunction("top")!.CreateDelegate<Func<int, int>>()(6));
        Assert.Equal(
            ["1 top(6)", "2 middle(6)", "3 leaf(6)", "3 leaf = 7", "3 host(7)", "3 host = 70", "3 leaf(70)", "3 leaf = 71", "2 middle = 71", "1 top = 71"],
            recorder.Events);
    }

    [Theory]
    [Trait("Parity", "EXT-26")]
    [MemberData(nameof(Modes))]
    public void Traps_abort_every_function_on_the_stack_from_the_innermost(MemoryProtection mode)
    {
        var recorder = new RecordingListener();
        Instance instance = Instantiate(recorder, mode);
        Wasm.AssertTrap(TrapCode.UnreachableCodeReached, () => instance.GetFunction("unreachable")!.Invoke());
        Assert.Equal(
            ["1 unreachable()", "2 unreachable()", "2 unreachable ! TrapException UnreachableCodeReached", "1 unreachable ! TrapException UnreachableCodeReached"], recorder.TakeEvents());

        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("load")!.Invoke(65535));
        List<string> events = recorder.TakeEvents();
        Assert.Equal(["1 load(65535)", "2 leaf(65535)", "2 leaf = 65536"], events.Take(3));
        Assert.Equal("1 load ! TrapException MemoryOutOfBounds", events[3]);
        Assert.Equal(4, events.Count);

        Wasm.AssertTrap(TrapCode.IntegerDivisionByZero, () => instance.GetFunction("divide")!.Invoke(-1));
        events = recorder.TakeEvents();
        Assert.Equal("1 divide ! TrapException IntegerDivisionByZero", events[^1]);
        Assert.Equal(4, events.Count);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Traps_have_the_frames_they_have_without_a_listener(MemoryProtection mode)
    {
        TrapException with = Assert.Throws<TrapException>(() => Instantiate(new RecordingListener(), mode).GetFunction("unreachable")!.Invoke());
        Assert.Equal(["unreachable", null], with.Frames.Select(static frame => frame.FunctionName));
        with = Assert.Throws<TrapException>(() => Instantiate(new RecordingListener(), mode).GetFunction("load")!.Invoke(65535));
        Assert.Single(with.Frames);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Calls_through_tables_and_exports_of_imports_are_heard_of(MemoryProtection mode)
    {
        var recorder = new RecordingListener();
        Instance instance = Instantiate(recorder, mode, static value => value * 10);
        Func<int, int, int> indirect = instance.GetFunction("indirect")!.CreateDelegate<Func<int, int, int>>();
        Assert.Equal(5, indirect(4, 0));
        Assert.Equal(["1 indirect(4, 0)", "2 leaf(4)", "2 leaf = 5", "1 indirect = 5"], recorder.TakeEvents());
        Assert.Equal(40, indirect(4, 1));
        Assert.Equal(["1 indirect(4, 1)", "2 host(4)", "2 host = 40", "1 indirect = 40"], recorder.TakeEvents());
        Assert.Equal(20, instance.GetFunction("host")!.Invoke(2));
        Assert.Equal(["1 host(2)", "1 host = 20"], recorder.TakeEvents());
    }

    [Fact]
    public void An_exception_of_the_host_aborts_and_reaches_the_caller_as_it_is()
    {
        var thrown = new InvalidOperationException("host");
        var recorder = new RecordingListener();
        Instance instance = Instantiate(recorder, host: _ => throw thrown);
        Assert.Same(thrown, Assert.Throws<InvalidOperationException>(() => instance.GetFunction("top")!.Invoke(6)));
        Assert.Equal(
            ["3 host ! InvalidOperationException", "2 middle ! InvalidOperationException", "1 top ! InvalidOperationException"],
            recorder.Events.Where(static text => text.Contains('!', StringComparison.Ordinal)));

        // One that would be a fault if the guest's code threw it.
        instance = Instantiate(recorder, host: static _ => throw new DivideByZeroException("host"));
        Assert.Equal("host", Assert.Throws<DivideByZeroException>(() => instance.GetFunction("top")!.Invoke(6)).Message);
    }

    [Fact]
    public void An_exit_aborts()
    {
        var recorder = new RecordingListener();
        Instance instance = Instantiate(recorder, host: static _ => throw new ExitException(3));
        Assert.Equal(3u, Assert.Throws<ExitException>(() => instance.GetFunction("top")!.Invoke(6)).ExitCode);
        Assert.Equal("1 top ! ExitException", recorder.Events[^1]);
    }

    [Fact]
    public void An_interruption_aborts()
    {
        var recorder = new RecordingListener();
        using Engine engine = Wasm.CreateEngine(interruptible: true);
        Instance instance = Instantiate(engine, recorder);
        // Not before both calls are inside: an interruption that comes earlier is not heard of by the listener.
        using var timer = new Timer(
            _ =>
            {
                if (recorder.Events.Count == 2)
                {
                    instance.Store.Interrupt(new TimeoutException("late"));
                }
            },
            null,
            10,
            10);
        Assert.Throws<TimeoutException>(() => instance.GetFunction("spin")!.Invoke());
        Assert.Equal(["1 spin()", "2 spin()", "2 spin ! TimeoutException", "1 spin ! TimeoutException"], recorder.Events);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Endless_recursion_traps_and_every_level_is_aborted(MemoryProtection mode)
    {
        var counter = new CountingListener();
        Instance instance = Instantiate(counter, mode);
        for (int i = 0; i < 3; i++)
        {
            Wasm.AssertTrap(TrapCode.StackOverflow, () => instance.GetFunction("recurse")!.Invoke());
            Assert.InRange(counter.Begun, 500, 100_000);
            Assert.Equal(counter.Begun, counter.Aborted);
            Assert.Equal(counter.Begun, counter.Deepest);
            counter.Reset();
        }
    }

    [Fact]
    public void A_listener_that_throws_from_every_abort_of_a_deep_recursion_cannot_end_the_process() =>
        ChildProcess.Run(ThrowFromEveryAbort).AssertSucceeded();

    internal static void ThrowFromEveryAbort(string[] arguments)
    {
        var counter = new CountingListener { ThrowsFromAbort = true };
        Instance instance = Instantiate(counter);
        Assert.Equal("abort 1", Assert.Throws<InvalidOperationException>(() => instance.GetFunction("recurse")!.Invoke()).Message);
        Assert.Equal(counter.Begun, counter.Aborted);
        counter.Reset();
        Assert.Equal("abort 1", Assert.Throws<InvalidOperationException>(() => instance.GetFunction("unreachable")!.Invoke()).Message);
    }

    [Fact]
    public void What_a_listener_throws_reaches_the_host_and_the_stack_stays_in_order()
    {
        foreach (string where in new[] { "before", "after" })
        {
            var thrown = new DivideByZeroException(where);
            var recorder = new RecordingListener { Throw = (when, name) => when == where && name == "leaf" ? thrown : null };
            Instance instance = Instantiate(recorder);
            Assert.Same(thrown, Assert.Throws<DivideByZeroException>(() => instance.GetFunction("top")!.Invoke(6)));
            Assert.Equal(
                ["2 middle ! DivideByZeroException", "1 top ! DivideByZeroException"], recorder.TakeEvents().Where(static text => text.Contains('!', StringComparison.Ordinal)));
            recorder.Throw = null;
            instance.GetFunction("top")!.Invoke(6);
            Assert.Equal("1 top(6)", recorder.Events[0]);
            Assert.Equal(10, recorder.Events.Count);
        }
    }

    [Fact]
    public void Arguments_and_results_of_every_type_are_seen_and_left_alone()
    {
        var recorder = new RecordingListener();
        using Engine engine = Wasm.CreateEngine();
        Store store = engine.CreateStore();
        Module module = Module.FromText(engine, """
            (module
              (func $many (param i32 i64 f32 f64 v128 externref funcref) (result funcref externref v128 f64 f32 i64 i32)
                local.get 6 local.get 5 local.get 4 local.get 3 local.get 2 local.get 1 local.get 0)
              (func (export "many") (param i32 i64 f32 f64 v128 externref funcref) (result funcref externref v128 f64 f32 i64 i32)
                (call $many (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6))))
            """, new ModuleOptions { Listener = recorder });
        Instance instance = store.Instantiate(module);
        var reference = new object();
        Function function = instance.GetFunction("many")!;
        var vector = Vector128.Create((byte)7);

        // Clobbers the place of further results, as any listener may.
        recorder.Then = () =>
        {
            recorder.Then = null;
            function.Invoke([Value.FromI32(0), Value.FromI64(0), Value.FromF32(0), Value.FromF64(0), Value.FromV128(default), Value.FromExtern(null), Value.FromFunction(null)], new Value[7]);
        };
        var results = new Value[7];
        function.Invoke(
            [Value.FromI32(-1), Value.FromI64(-2), Value.FromF32(1.5f), Value.FromF64(2.5), Value.FromV128(vector), Value.FromExtern(reference), Value.FromFunction(function)], results);
        Assert.Same(function, results[0].AsFunction());
        Assert.Same(reference, results[1].AsExtern());
        Assert.Equal(vector, results[2].AsV128());
        Assert.Equal(2.5, results[3].AsF64());
        Assert.Equal(1.5f, results[4].AsF32());
        Assert.Equal(-2, results[5].AsI64());
        Assert.Equal(-1, results[6].AsI32());
        Assert.Equal(8, recorder.Events.Count);
        Assert.Contains("many(-1, -2, 1.5, 2.5, ", recorder.Events[1], StringComparison.Ordinal);
        Assert.EndsWith(", 2.5, 1.5, -2, -1", recorder.Events[2], StringComparison.Ordinal);
    }

    [Fact]
    public void An_exception_that_the_guest_catches_aborts_those_it_leaves_and_nobody_else()
    {
        var recorder = new RecordingListener();
        using Engine engine = Wasm.CreateEngine();
        Instance instance = engine.CreateStore().Instantiate(Module.FromText(engine, """
                (module
                  (tag $e (param i32))
                  (func $throw (param i32) (throw $e (local.get 0)))
                  (func $through (param i32) (call $throw (local.get 0)))
                  (func (export "catch") (param i32) (result i32)
                    (block $caught (result i32)
                      (try_table (catch $e $caught) (call $through (local.get 0)))
                      (i32.const 0))))
                """, new ModuleOptions { Listener = recorder }));
        Assert.Equal(7, instance.GetFunction("catch")!.Invoke(7));
        Assert.Equal(
            ["1 catch(7)", "2 through(7)", "3 throw(7)", "3 throw ! GuestException", "2 through ! GuestException", "1 catch = 7"], recorder.Events);
    }

    [Fact]
    public void A_tail_call_is_inside_its_caller_and_takes_stack()
    {
        var recorder = new RecordingListener { Wants = static function => function.Name != "count" };
        using Engine engine = Wasm.CreateEngine();
        Store store = engine.CreateStore();
        const string text = """
            (module
              (func $last (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
              (func (export "tail") (param i32) (result i32) (return_call $last (local.get 0)))
              (func $count (export "count") (param i32) (result i32)
                (if (result i32) (local.get 0) (then (return_call $count (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 5)))))
            """;
        Instance instance = store.Instantiate(Module.FromText(engine, text, new ModuleOptions { Listener = recorder }));
        Assert.Equal(14, instance.GetFunction("tail")!.Invoke(7));
        Assert.Equal(["1 tail(7)", "2 last(7)", "2 last = 14", "1 tail = 14"], recorder.Events);

        // A function that is not listened to gives its frame up as ever; one that is has to tell of its end.
        Assert.Equal(5, instance.GetFunction("count")!.Invoke(1_000_000));
        instance = store.Instantiate(Module.FromText(engine, text, new ModuleOptions { Listener = new CountingListener() }));
        Wasm.AssertTrap(TrapCode.StackOverflow, () => instance.GetFunction("count")!.Invoke(1_000_000));
    }

    [Fact]
    public void References_to_objects_of_the_guest_are_seen()
    {
        var kinds = new List<string>();
        var recorder = new RecordingListener { Sees = value => kinds.Add(value.Type.ToString()) };
        using Engine engine = Wasm.CreateEngine();
        Store store = engine.CreateStore();
        Instance instance = store.Instantiate(Module.FromText(engine, """
            (module
              (type $s (struct (field i32)))
              (func $get (param (ref $s)) (result i32) (struct.get $s 0 (local.get 0)))
              (func (export "f") (result i32) (call $get (struct.new $s (i32.const 3)))))
            """, new ModuleOptions { Listener = recorder }));
        Assert.Equal(3, instance.GetFunction("f")!.Invoke());
        Assert.Equal(["anyref"], kinds);
    }

    [Fact]
    public void Functions_that_are_not_listened_to_are_not_heard_of()
    {
        var recorder = new RecordingListener { Wants = static function => function.Name is "middle" or "host" };
        Instance instance = Instantiate(recorder, host: static value => value);
        instance.GetFunction("top")!.Invoke(1);
        Assert.Equal(["1 middle(1)", "2 host(2)", "2 host = 2", "1 middle = 3"], recorder.Events);
    }

    [Fact]
    public void A_listener_of_the_engine_hears_of_modules_without_one_of_their_own()
    {
        var ofEngine = new RecordingListener();
        var ofModule = new RecordingListener();
        using Engine engine = Engine.Create(new EngineOptions { Listener = ofEngine });
        Store store = engine.CreateStore();
        const string text = """(module (func (export "f")))""";
        store.Instantiate(Module.FromText(engine, text)).GetFunction("f")!.Invoke();
        store.Instantiate(Module.FromText(engine, text, new ModuleOptions { Listener = ofModule })).GetFunction("f")!.Invoke();
        Assert.Equal(["1 f()", "1 f ="], ofEngine.Events);
        Assert.Equal(["1 f()", "1 f ="], ofModule.Events);
    }

    [Fact]
    public void Definitions_say_what_the_module_says()
    {
        var seen = new List<FunctionDefinition>();
        var recorder = new RecordingListener { Wants = function => { seen.Add(function); return true; } };
        Instance instance = Instantiate(recorder);
        Assert.Equal(Enumerable.Range(0, seen.Count), seen.Select(static function => function.Index));
        Assert.Equal("f", seen[0].Import!.Name);
        Assert.Equal("host", seen[0].Import!.ModuleName);
        Assert.Equal(["host"], seen[0].ExportNames);
        Assert.Equal("leaf", seen[1].Name);
        Assert.Null(seen[1].Import);
        Assert.Empty(seen[1].ExportNames);
        Assert.Equal("top", seen[3].Name);
        Assert.Same(instance.Module, seen[3].Module);
        Assert.Equal("(param i32) (result i32)", seen[3].Type.ToString());
    }

    [Fact]
    public void The_stack_can_be_walked()
    {
        var recorder = new RecordingListener { WalksAt = "host" };
        Instantiate(recorder, host: static value => value).GetFunction("top")!.Invoke(1);
        Assert.Equal(["host", "middle", "top"], recorder.Walked);
    }

    [Fact]
    public void A_start_function_and_calls_from_the_host_inside_others_are_heard_of()
    {
        var recorder = new RecordingListener();
        using Engine engine = Wasm.CreateEngine();
        Store store = engine.CreateStore();
        Instance? instance = null;
        var linker = new Linker(engine);
        linker.DefineFunction("h", "again", () =>
        {
            if (instance is not null)
            {
                instance.GetFunction("inner")!.Invoke();
            }
        });
        instance = linker.Instantiate(store, Module.FromText(engine, """
            (module (import "h" "again" (func $again)) (func $start call $again) (start $start)
              (func (export "outer") (call $again)) (func (export "inner")))
            """, new ModuleOptions { Listener = recorder }));
        Assert.Equal(["1 start()", "2 again()", "2 again =", "1 start ="], recorder.TakeEvents());
        instance.GetFunction("outer")!.Invoke();
        Assert.Equal(["1 outer()", "2 again()", "3 inner()", "3 inner =", "2 again =", "1 outer ="], recorder.Events);
    }

    [Fact]
    public void Modules_of_many_chunks_and_functions_with_large_frames_are_heard_of()
    {
        // 4,200 locals are a frame above 32 KiB; the bodies together are more than a chunk.
        var counter = new CountingListener();
        using Engine engine = Wasm.CreateEngine();
        string functions = Wasm.Repeat(40, i => Wasm.Format($"""
            (func $f{i} (param i32) (result i32) (local i64 {Wasm.Repeat(4200, _ => "i32 ")}) {Wasm.Repeat(4200, j => Wasm.Format($"(local.set {j + 2} (local.get 0)) "))}
              (i32.add (local.get 4000) {(i == 39 ? "(i32.const 1)" : Wasm.Format($"(call $f{i + 1} (local.get 0))"))}))

            """));
        Store store = Engine.Create(new EngineOptions { MaxStackBytes = 16 * 1024 * 1024 }).CreateStore();
        Instance instance = store.Instantiate(Module.FromText(store.Engine, $"(module {functions} (export \"f\" (func $f0)))", new ModuleOptions { Listener = counter }));
        Assert.Equal(81, instance.GetFunction("f")!.Invoke(2));
        Assert.Equal(40, counter.Begun);
        Assert.Equal(40, counter.Ended);
        Assert.Equal(40, counter.Deepest);
    }

    [Fact]
    public void Imports_of_other_modules_are_heard_of_by_those()
    {
        var one = new RecordingListener();
        var two = new RecordingListener();
        using Engine engine = Wasm.CreateEngine();
        Store store = engine.CreateStore();
        Instance library = store.Instantiate(Module.FromText(engine, """(module (func (export "f") (result i32) (i32.const 3)))""", new ModuleOptions { Listener = one }));
        Instance user = store.Instantiate(
            Module.FromText(engine, """(module (import "l" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f)))""", new ModuleOptions { Listener = two }),
            library.GetFunction("f")!);
        Assert.Equal(3, user.GetFunction("g")!.Invoke());
        Assert.Equal(["1 g()", "1 g = 3"], two.Events);
        Assert.Equal(["2 f()", "2 f = 3"], one.Events);
    }

    [Fact]
    public void Bound_imports_are_heard_of_like_others()
    {
        var recorder = new RecordingListener();
        using Engine engine = Wasm.CreateEngine();
        Store store = engine.CreateStore();
        var definition = new BoundImport("b", "add", ((Func<StrongBox, int, int>)Add).Method);
        Module module = Module.FromText(engine, """
            (module (import "b" "add" (func $add (param i32) (result i32))) (func (export "f") (result i32) (call $add (i32.const 2))))
            """, new ModuleOptions { Listener = recorder, BoundImports = [definition] });
        Instance instance = store.Instantiate(module, Function.FromBoundImport(store, definition, new StrongBox { Value = 40 }));
        Assert.Equal(42, instance.GetFunction("f")!.Invoke());
        Assert.Equal(["1 f()", "2 add(2)", "2 add = 42", "1 f = 42"], recorder.Events);

        // Not listened to, it stays bound.
        recorder = new RecordingListener { Wants = static function => function.Import is null };
        module = Module.FromText(engine, """
            (module (import "b" "add" (func $add (param i32) (result i32))) (func (export "f") (result i32) (call $add (i32.const 2))))
            """, new ModuleOptions { Listener = recorder, BoundImports = [definition] });
        instance = store.Instantiate(module, Function.FromBoundImport(store, definition, new StrongBox { Value = 40 }));
        Assert.Equal(42, instance.GetFunction("f")!.Invoke());
        Assert.Equal(["1 f()", "1 f = 42"], recorder.Events);
    }

    [Fact]
    public void One_listener_hears_of_many_stores_at_once_each_in_order()
    {
        using Engine engine = Wasm.CreateEngine();
        var listener = new PerStore();
        Module module = Module.FromText(engine, Chain, new ModuleOptions { Listener = listener });
        Parallel.For(0, 8, thread =>
        {
            Store store = engine.CreateStore();
            var stack = new Stack<string?>();
            store.Data = stack;
            Instance instance = store.Instantiate(module, Function.FromDelegate(store, static (int value) => value == 13 ? throw new TimeoutException() : value));
            Func<int, int> top = instance.GetFunction("top")!.CreateDelegate<Func<int, int>>();
            for (int i = 0; i < 500; i++)
            {
                if (i % 100 == 12)
                {
                    Assert.Throws<TimeoutException>(() => top(12));
                }
                else
                {
                    top(i + 1000);
                }

                Assert.Empty(stack);
            }
        });
        Assert.Equal(8 * ((495 * 5) + (5 * 4)), listener.Heard);
    }

    [Fact]
    public void Hearing_of_calls_allocates_nothing()
    {
        var counter = new CountingListener();
        Func<int, int> top = Instantiate(counter, host: static value => value).GetFunction("top")!.CreateDelegate<Func<int, int>>();
        for (int i = 0; i < 100; i++)
        {
            top(i);
        }

        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                top(i);
            }
        }));
        Assert.Equal(1100 * 5, counter.Ended);
    }

    private static int Add(StrongBox box, int value) => box.Value + value;

    private static Instance Instantiate(FunctionListener listener, MemoryProtection mode = MemoryProtection.Auto, Func<int, int>? host = null) =>
        Instantiate(Wasm.CreateEngine(mode), listener, host);

    private static Instance Instantiate(Engine engine, FunctionListener listener, Func<int, int>? host = null)
    {
        var linker = new Linker(engine);
        linker.DefineFunction("host", "f", host ?? (static value => value));
        return linker.Instantiate(engine.CreateStore(), Module.FromText(engine, Chain, new ModuleOptions { Listener = listener }));
    }

    private sealed class StrongBox
    {
        public int Value { get; init; }
    }

    private sealed class PerStore : FunctionListener
    {
        private int _heard;

        public int Heard => _heard;

        public override void Before(in FunctionCall call, ReadOnlySpan<Value> parameters)
        {
            Interlocked.Increment(ref _heard);
            StackOf(call).Push(call.Function.Name);
            Assert.Equal(call.Depth, StackOf(call).Count);
        }

        public override void After(in FunctionCall call, ReadOnlySpan<Value> results) => Assert.Equal(call.Function.Name, StackOf(call).Pop());

        public override void Abort(in FunctionCall call, Exception exception) => Assert.Equal(call.Function.Name, StackOf(call).Pop());

        private static Stack<string?> StackOf(in FunctionCall call) => (Stack<string?>)call.Instance.Store.Data!;
    }
}
