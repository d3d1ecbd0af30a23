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
        var who = new BoundImport("a", "b", Method(nameof(Who)));
        Assert.Throws<ArgumentException>(() => new BoundImport("a", "b", Method(nameof(Generic))));
        Assert.Throws<ArgumentException>(() => new BoundImport("a", "b", typeof(Counter).GetMethod(nameof(Counter.Instance))!));
        Assert.Throws<ArgumentException>(() => new BoundImport("a", "b", typeof(Open<>).GetMethod(nameof(Open<>.Method))!));
        Assert.Throws<ArgumentException>(() => new BoundImport("a", "b", typeof(IAbstract).GetMethod(nameof(IAbstract.Method))!));
        Assert.Throws<ArgumentException>(() => new BoundImport("a", "b", Method(nameof(Variable))));
        using Store store = Wasm.CreateEngine().CreateStore();
        Assert.Contains(nameof(Counter), Assert.Throws<ArgumentException>(() => Function.FromBoundImport(store, s_add, "text")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Function.FromBoundImport(store, who, static _ => "text"));
        Assert.Throws<ArgumentException>(() => Function.FromBoundImport(store, who, static _ => null!));
        Function changing = Function.FromBoundImport(store, who, static instance => instance is null ? new Counter() : "text");
        Assert.Throws<ArgumentException>(() => store.Instantiate(Module.FromText(store.Engine, """(module (import "a" "b" (func (result i32))))"""), changing));
    }

    private const string Calls = """
        (module (type $t (func (param i32 f64 i64) (result i64))) (import "host" "sum" (func $sum (type $t))) (table 1 funcref) (elem (i32.const 0) func $sum) (export "sum" (func $sum))
          (func (export "call") (type $t) (call $sum (local.get 0) (local.get 1) (local.get 2)))
          (func (export "return_call") (type $t) (return_call $sum (local.get 0) (local.get 1) (local.get 2)))
          (func (export "call_indirect") (type $t) (call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2) (i32.const 0)))
          (func (export "return_call_indirect") (type $t) (return_call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2) (i32.const 0)))
          (func (export "call_ref") (type $t) (call_ref $t (local.get 0) (local.get 1) (local.get 2) (ref.func $sum)))
          (func (export "return_call_ref") (type $t) (return_call_ref $t (local.get 0) (local.get 1) (local.get 2) (ref.func $sum))))
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_state_may_come_last_whatever_way_the_call_takes(bool isBound)
    {
        var sum = new BoundImport("host", "sum", Method(nameof(Sum)));
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(engine, Calls, new ModuleOptions { BoundImports = isBound ? [sum] : [] });
        using Store store = engine.CreateStore();
        var counter = new Counter();
        var instance = (ModuleInstance)store.Instantiate(module, Function.FromBoundImport(store, sum, counter));
        Assert.Equal(isBound, instance.Code.UsesBoundImports);
        long expected = 0;
        foreach (NamedExtern export in instance.Exports)
        {
            Assert.Equal(expected += 111, ((Function)export.Value).Invoke(1, 10.0, 100L));
            Assert.Equal(expected += 222, ((Function)export.Value).CreateDelegate<Func<int, double, long, long>>()(2, 20, 200));
        }

        Assert.Equal(7 * 333, expected);
        Assert.Equal(expected, counter.Sum);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_instance_may_have_a_state_of_its_own(bool isBound)
    {
        var who = new BoundImport("host", "who", Method(nameof(Who)));
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        var asked = new List<Instance?>();
        Function function = Function.FromBoundImport(store, who, instance =>
        {
            asked.Add(instance);
            return new Counter { Owner = instance, Sum = asked.Count - 1 };
        });
        using Module module = Module.FromText(
            engine,
            """(module (import "host" "who" (func $who (result i32))) (export "who" (func $who)) (func (export "f") (result i32) (call $who)))""",
            new ModuleOptions { BoundImports = isBound ? [who] : [] });
        var one = (ModuleInstance)store.Instantiate(module, function);
        var two = (ModuleInstance)store.Instantiate(module, function);
        Assert.Equal((isBound, isBound), (one.Code.UsesBoundImports, two.Code.UsesBoundImports));
        Assert.Same(one.Code, two.Code);

        // Imported from where it is exported again, it is the importer's.
        Instance three = store.Instantiate(module, one.GetFunction("who")!);
        Assert.Equal([null, one, two, three], asked);
        Assert.Equal(0, function.Invoke());
        Assert.Equal(1, one.GetFunction("f")!.Invoke());
        Assert.Equal(2, two.GetFunction("f")!.Invoke());
        Assert.Equal(3, three.GetFunction("f")!.Invoke());
        Assert.Equal(1, one.GetFunction("who")!.Invoke());
    }

    [Fact]
    public void A_method_may_be_in_many_definitions()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """(module (import "host" "who" (func $who (result i32))) (func (export "f") (result i32) (call $who)))""");
        for (int i = 0; i < 3; i++)
        {
            // As a base class's it is another object, though the same method.
            MethodInfo method = i == 1 ? typeof(Derived).GetMethod(nameof(Base.Who), BindingFlags.Static | BindingFlags.Public | BindingFlags.FlattenHierarchy)! : typeof(Base).GetMethod(nameof(Base.Who))!;
            Instance instance = store.Instantiate(module, Function.FromBoundImport(store, new BoundImport("host", "who", method), new Counter { Sum = i }));
            Assert.Equal(i, instance.GetFunction("f")!.Invoke());
        }
    }

    private class Base
    {
        public static int Who(Counter counter) => counter.Sum;
    }

    private sealed class Derived : Base;

    [Fact]
    public void A_state_that_is_an_instance_is_not_taken_for_the_functions_own()
    {
        var export = new BoundImport("host", "count", Method(nameof(CountExports)));
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Instance library = store.Instantiate(Module.FromText(engine, """(module (func (export "a")) (func (export "b")) (func (export "c") (result externref) (ref.null extern)))"""));
        Function function = Function.FromBoundImport(store, export, library);
        Assert.Equal(3, function.Invoke());
        Instance instance = store.Instantiate(
            Module.FromText(engine, """(module (import "host" "count" (func $count (result i32))) (table (export "t") 1 funcref) (elem (i32.const 0) func $count) (func (export "f") (result i32) (call $count)))"""),
            function);
        Assert.Equal(3, instance.GetFunction("f")!.Invoke());
        Assert.Equal(3, ((Function)instance.GetTable("t")!.Get(0).ToObject()!).Invoke());
    }

    [Fact]
    public void A_method_with_other_types_and_the_state_last_is_called_too()
    {
        var pair = new BoundImport("host", "pair", Method(nameof(Pair)));
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(
            Module.FromText(engine, """(module (import "host" "pair" (func $pair (param i32 i32) (result i32 i64))) (func (export "f") (param i32 i32) (result i32 i64) (call $pair (local.get 0) (local.get 1))))"""),
            Function.FromBoundImport(store, pair, new Counter { Sum = 5 }));
        Assert.Equal(new object[] { 1, 12L }, instance.GetFunction("f")!.Invoke(256, 7));
        Assert.Equal(new object[] { 0, 12L }, instance.GetFunction("f")!.Invoke(0, 7));
    }

    private static long Sum(int a, double b, long c, Counter counter) => counter.Sum += a + (int)b + (int)c;

    private static int Who(Counter counter) => counter.Sum;

    private static int CountExports(Instance instance) => instance.Exports.Length;

    private static (bool, long) Pair(bool a, int b, Counter counter) => (a, b + counter.Sum);

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
        ItIsTheHosts(nameof(Fail), isBound: true, kind, expected);
        ItIsTheHosts(nameof(Fail), isBound: false, kind, expected);
        ItIsTheHosts(nameof(FailWithStateLast), isBound: true, kind, expected);
        ItIsTheHosts(nameof(FailWithStateLast), isBound: false, kind, expected);
    }

    private static void ItIsTheHosts(string method, bool isBound, int kind, Type expected)
    {
        var fail = new BoundImport("host", "fail", Method(method));
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(
            engine,
            """(module (import "host" "fail" (func $fail (param i32) (result i32))) (memory 1) (func (export "f") (param i32) (result i32) (i32.add (i32.load (i32.const 0)) (call $fail (local.get 0)))))""",
            new ModuleOptions { BoundImports = isBound ? [fail] : [] });
        using Store store = engine.CreateStore();
        var instance = (ModuleInstance)store.Instantiate(module, Function.FromBoundImport(store, fail, new Counter()));
        Assert.Equal(isBound, instance.Code.UsesBoundImports);
        Func<int, int> f = instance.GetFunction<Func<int, int>>("f")!;
        Assert.IsType(expected, Assert.ThrowsAny<Exception>(() => f(kind)));
        Assert.IsType(expected, Assert.ThrowsAny<Exception>(() => instance.GetFunction("f")!.Invoke(kind)));
        Assert.Equal(0, f(4));
    }

    private static int FailWithStateLast(int kind, Counter counter) => Fail(counter, kind);

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

    private static void Variable(Counter counter, __arglist) => _ = counter;

    private interface IAbstract
    {
        static abstract void Method(Counter counter);
    }

    private static class Open<T>
    {
        public static void Method(Counter counter) => _ = (counter, typeof(T));
    }

    [Fact]
    public void An_instance_that_is_being_linked_has_no_exports_yet()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """(module (import "host" "who" (func $who (result i32))) (export "again" (func $who)) (func (export "f") (result i32) (call $who)))""");
        var asked = new List<Exception?>();
        Instance instance = store.Instantiate(module, Function.FromBoundImport(store, new BoundImport("host", "who", Method(nameof(Who))), importer =>
        {
            foreach (string name in importer is null ? [] : (string[])["again", "f"])
            {
                asked.Add(Record.Exception(() => importer!.GetExport(name)));
            }

            asked.Add(importer is null ? null : Record.Exception(() => importer.Exports));
            return new Counter { Sum = 7 };
        }));
        Assert.Equal(3, asked.OfType<InvalidOperationException>().Count());
        Assert.Equal(7, instance.GetFunction("f")!.Invoke());
        Assert.Equal(7, instance.GetFunction("again")!.Invoke());
    }

    private static void Generic<T>(Counter counter) => _ = counter;

    private sealed class Counter
    {
        public int Sum;
        public int Notes;
        public Counter? Missing { get; init; }
        public int[] Empty = [];

        public bool RecordsCallers { get; init; }

        public Instance? Owner { get; init; }

        public string? Caller { get; private set; }

        public int Instance() => Sum;

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Record() => Caller = new StackTrace(1, false).GetFrame(0)?.GetMethod()?.Name;
    }
}
