using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using Codicil.Compiler;
using Codicil.Execution;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Imports that are known when a module is compiled are direct calls, and ordinary ones where another function is supplied.</summary>
public sealed class BoundImportTests
{
    private const string Text = """
        (module (import "host" "add" (func $add (param i32) (result i64))) (import "host" "other" (func $other (param i32)))
          (func (export "f") (param i32) (result i64) (call $other (local.get 0)) (call $add (i32.add (local.get 0) (i32.const 1)))))
        """;

    private static readonly BoundImport s_add = new("host", "add", Method(nameof(Add)));
    private static readonly BoundImport s_other = new("host", "other", Method(nameof(Note)));

    [Fact]
    public void The_state_that_was_supplied_is_the_one_that_is_called()
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(engine, Text, new ModuleOptions { BoundImports = [s_add, s_other] });
        using Store store = engine.CreateStore();
        var first = new Counter();
        var second = new Counter();
        Instance one = Instantiate(store, module, first, first);
        Instance two = Instantiate(store, module, second, second);
        Assert.Equal(6L, one.GetFunction("f")!.Invoke(5));
        Assert.Equal(12L, one.GetFunction("f")!.Invoke(5));
        Assert.Equal(2L, two.GetFunction("f")!.Invoke(1));
        Assert.Equal((12, 10), (first.Sum, first.Notes));
        Assert.Equal((2, 1), (second.Sum, second.Notes));
        Assert.Same(((ModuleInstance)one).Code, ((ModuleInstance)two).Code);
    }

    [Fact]
    public void The_call_is_direct_and_inlined_where_that_is_asked_for()
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(engine, Text, new ModuleOptions { BoundImports = [s_add, s_other] });
        using Store store = engine.CreateStore();
        var counter = new Counter { RecordsCallers = true };
        var instance = (ModuleInstance)Instantiate(store, module, counter, counter);
        Assert.True(instance.Code.UsesBoundImports);
        string listing = Listing(instance.Code, 2);
        Assert.Contains("call BoundImportTests::Add", listing, StringComparison.Ordinal);
        Assert.Contains("call host_f1", listing, StringComparison.Ordinal);
        Assert.DoesNotContain("calli", listing, StringComparison.Ordinal);
        instance.GetFunction("f")!.Invoke(1);

        // No frame of its own between the guest's and that of the method it calls.
        Assert.Equal("f2", counter.Caller);
    }

    [Fact]
    public void Another_function_is_called_in_the_general_form()
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(engine, Text, new ModuleOptions { BoundImports = [s_add, s_other] });
        using Store store = engine.CreateStore();
        var counter = new Counter();
        Function add = Function.FromBoundImport(store, s_add, counter);
        int notes = 0;
        var instance = (ModuleInstance)store.Instantiate(module, add, Function.FromDelegate(store, (int value) => { notes += value; }));
        Assert.False(instance.Code.UsesBoundImports);
        Assert.Contains("calli", Listing(instance.Code, 2), StringComparison.Ordinal);
        Assert.Equal(4L, instance.GetFunction("f")!.Invoke(3));
        Assert.Equal((4, 3), (counter.Sum, notes));

        // The same method in another definition is another import.
        var same = new BoundImport("host", "add", Method(nameof(Add)));
        var second = (ModuleInstance)store.Instantiate(module, Function.FromBoundImport(store, same, counter), Function.FromBoundImport(store, s_other, counter));
        Assert.False(second.Code.UsesBoundImports);
        Assert.Equal(8L, second.GetFunction("f")!.Invoke(3));

        // Two states of one type cannot both be in an instance's place for it.
        var third = (ModuleInstance)Instantiate(store, module, counter, new Counter());
        Assert.False(third.Code.UsesBoundImports);
        Assert.Equal(12L, third.GetFunction("f")!.Invoke(3));
    }

    [Fact]
    public void A_definition_of_another_signature_is_not_bound()
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(engine, Text, new ModuleOptions { BoundImports = [new BoundImport("host", "add", Method(nameof(Note)))] });
        using Store store = engine.CreateStore();
        Assert.Throws<LinkException>(() => Instantiate(store, module, new Counter(), new Counter(), new BoundImport("host", "add", Method(nameof(Note)))));
        var instance = (ModuleInstance)Instantiate(store, module, new Counter(), new Counter());
        Assert.False(instance.Code.UsesBoundImports);
        Assert.Equal(2L, instance.GetFunction("f")!.Invoke(1));
    }

    [Fact]
    public void A_bound_import_can_be_called_by_the_host_and_through_a_table()
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(
            engine,
            """
            (module (type $t (func (param i32) (result i64))) (import "host" "add" (func $add (type $t))) (table 1 funcref) (elem (i32.const 0) $add)
              (export "add" (func $add)) (func (export "f") (param i32) (result i64) (call_indirect (type $t) (local.get 0) (i32.const 0))))
            """,
            new ModuleOptions { BoundImports = [s_add] });
        using Store store = engine.CreateStore();
        var counter = new Counter();
        Instance instance = store.Instantiate(module, Function.FromBoundImport(store, s_add, counter));
        Assert.Equal(1L, instance.GetFunction("f")!.Invoke(1));
        Assert.Equal(3L, instance.GetFunction<Func<int, long>>("add")!(2));
    }

    [Fact]
    public void Wrong_shapes_and_states_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new BoundImport("a", "b", Method(nameof(NoState))));
        Assert.Throws<ArgumentException>(() => new BoundImport("a", "b", Method(nameof(Generic))));
        Assert.Throws<ArgumentException>(() => new BoundImport("a", "b", typeof(Counter).GetMethod(nameof(Counter.Instance))!));
        using Store store = Wasm.CreateEngine().CreateStore();
        Assert.Contains(nameof(Counter), Assert.Throws<ArgumentException>(() => Function.FromBoundImport(store, s_add, "text")).Message, StringComparison.Ordinal);
    }

    private static MethodInfo Method(string name) => typeof(BoundImportTests).GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic)!;

    private static Instance Instantiate(Store store, Module module, Counter add, Counter other, BoundImport? definition = null) =>
        store.Instantiate(module, Function.FromBoundImport(store, definition ?? s_add, add), Function.FromBoundImport(store, s_other, other));

    private static string Listing(CodeVariant variant, int functionIndex)
    {
        var listings = new Dictionary<string, string>();
        new ModuleEmitter(variant) { Listings = listings }.EmitChunk(0);
        return listings["f" + functionIndex.ToString(CultureInfo.InvariantCulture)];
    }

    [Theory]
    [InlineData(0, typeof(NullReferenceException))]
    [InlineData(1, typeof(DivideByZeroException))]
    [InlineData(2, typeof(OverflowException))]
    [InlineData(3, typeof(IndexOutOfRangeException))]
    public void What_a_method_throws_that_did_not_ask_to_be_inlined_is_the_hosts(int kind, Type expected)
    {
        var fail = new BoundImport("host", "fail", Method(nameof(Fail)));
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(
            engine,
            """(module (import "host" "fail" (func $fail (param i32) (result i32))) (memory 1) (func (export "f") (param i32) (result i32) (i32.add (i32.load (i32.const 0)) (call $fail (local.get 0)))))""",
            new ModuleOptions { BoundImports = [fail] });
        using Store store = engine.CreateStore();
        var instance = (ModuleInstance)store.Instantiate(module, Function.FromBoundImport(store, fail, new Counter()));
        Assert.True(instance.Code.UsesBoundImports);
        Func<int, int> f = instance.GetFunction<Func<int, int>>("f")!;
        Assert.IsType(expected, Assert.ThrowsAny<Exception>(() => f(kind)));
        Assert.IsType(expected, Assert.ThrowsAny<Exception>(() => instance.GetFunction("f")!.Invoke(kind)));
        Assert.Equal(0, f(4));
    }

    // Small, so that the JIT would inline it.
    private static int Fail(Counter counter, int kind) => kind switch
    {
        0 => counter.Missing!.Sum,
        1 => 1 / counter.Sum,
        2 => int.MinValue / (counter.Sum - 1),
        3 => counter.Empty[counter.Sum],
        _ => 0,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Add(Counter counter, int value)
    {
        if (counter.RecordsCallers)
        {
            counter.Record();
        }

        return counter.Sum += value;
    }

    private static void Note(Counter counter, int value) => counter.Notes += value;

    private static void NoState(int value) => _ = value;

    private static void Generic<T>(Counter counter) => _ = counter;

    private sealed class Counter
    {
        public int Sum;
        public int Notes;
        public Counter? Missing { get; init; }
        public int[] Empty = [];

        public bool RecordsCallers { get; init; }

        public string? Caller { get; private set; }

        public int Instance() => Sum;

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Record() => Caller = new StackTrace(1, false).GetFrame(0)?.GetMethod()?.Name;
    }
}
