using System.Linq.Expressions;
using System.Reflection;

namespace Codicil.Tests;

/// <summary>Delegates of every shape call the guest and are called by it.</summary>
public sealed class DelegateTests
{
    private delegate ulong NotPublic(uint a, bool b, ulong c, float d, double e);

    public delegate TResult Generic<in T, out TResult>(T value);

    private sealed class Hidden
    {
        public int Number { get; init; }
    }

    public static TheoryData<int> Counts => [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 40, 200];

    /// <summary>Arguments of every kind in every place, in both directions, checked by position.</summary>
    [Theory]
    [MemberData(nameof(Counts))]
    [Trait("Parity", "WTG-09")]
    [Trait("Parity", "WTG-11")]
    [Trait("Parity", "PGW-05")]
    public void Any_number_of_parameters(int count)
    {
        Type[] kinds = [typeof(int), typeof(long), typeof(float), typeof(double), typeof(uint), typeof(ulong), typeof(object), typeof(string), typeof(bool)];
        string[] names = ["i32", "i64", "f32", "f64", "i32", "i64", "externref", "externref", "i32"];
        Type[] types = [.. Enumerable.Range(0, count).Select(i => kinds[i % kinds.Length])];
        object[] arguments = [.. types.Select(static (type, i) => Argument(type, i))];
        Type delegateType = Expression.GetDelegateType([.. types, typeof(long)]);
        var received = new List<object?>();
        ParameterExpression[] parameters = [.. types.Select(Expression.Parameter)];
        Func<object[], long> receive = values =>
        {
            received.AddRange(values);
            return values.Length;
        };
        Delegate host = Expression.Lambda(
            delegateType,
            Expression.Invoke(Expression.Constant(receive), Expression.NewArrayInit(typeof(object), parameters.Select(static parameter => Expression.Convert(parameter, typeof(object))))),
            parameters).Compile();
        string signature = count == 0 ? "" : "(param " + string.Join(' ', Enumerable.Range(0, count).Select(i => names[i % names.Length])) + ")";
        Instance instance = Wasm.Instantiate(
            $"""(module (import "host" "f" (func $f {signature} (result i64))) (func (export "g") {signature} (result i64) {Wasm.Repeat(count, static i => Wasm.Format($"local.get {i} "))} call $f))""",
            define: linker => linker.DefineFunction("host", "f", host));
        Delegate guest = CreateDelegate(instance.GetFunction("g")!, delegateType);
        Assert.Equal((long)count, guest.DynamicInvoke(arguments));
        Assert.Equal(arguments, received);
        received.Clear();
        Assert.Equal((long)count, instance.GetFunction("g")!.Invoke(arguments));
        Assert.Equal(arguments, received);
    }

    [Fact]
    [Trait("Parity", "WTG-11")]
    public void Ten_parameters_to_ten_results()
    {
        const string Types = "i32 i64 f32 f64 externref i32 i64 f32 f64 funcref";
        Instance instance = Wasm.Instantiate(
            $$"""
            (module (import "host" "f" (func $f (param {{Types}}) (result {{Types}})))
              (func (export "g") (param {{Types}}) (result {{Types}}) {{Wasm.Repeat(10, static i => Wasm.Format($"local.get {i} "))}} call $f)
              (func (export "h") (param {{Types}}) (result {{Types}}) {{Wasm.Repeat(10, static i => Wasm.Format($"local.get {i} "))}}))
            """,
            define: static linker => linker.DefineFunction(
                "host", "f", (int a, long b, float c, double d, object e, uint f, ulong g, float h, double i, Function j) => (a + 1, b + 1, c + 1, d + 1, e, f + 1, g + 1, h + 1, i + 1, j)));
        Function self = instance.GetFunction("g")!;
        object token = new();
        foreach (string name in new[] { "g", "h" })
        {
            int one = name == "g" ? 1 : 0;
            var expected = (1 + one, 2L + one, 3f + one, 4.0 + one, token, 6u + (uint)one, 7ul + (ulong)one, 8f + one, 9.0 + one, self);
            var typed = instance.GetFunction(name)!.CreateDelegate<Func<int, long, float, double, object, uint, ulong, float, double, Function, (int, long, float, double, object, uint, ulong, float, double, Function)>>();
            Assert.Equal(expected, typed(1, 2, 3, 4, token, 6, 7, 8, 9, self));
            Assert.Equal(
                [1 + one, 2L + one, 3f + one, 4.0 + one, token, 6 + one, 7L + one, 8f + one, 9.0 + one, self],
                Assert.IsType<object?[]>(instance.GetFunction(name)!.Invoke(1, 2, 3f, 4.0, token, 6, 7, 8f, 9.0, self)));
        }
    }

    [Fact]
    [Trait("Parity", "WTG-11")]
    public void More_results_than_a_tuple_has_fields_and_more_than_a_store_has_room_for()
    {
        string types = string.Join(' ', Enumerable.Repeat("i64", 100));
        using Store store = Wasm.CreateEngine().CreateStore();
        Instance instance = Wasm.Instantiate(store, $"(module (func (export \"f\") (result {types}) {Wasm.Repeat(100, static i => Wasm.Format($"i64.const {i} "))}) (func (export \"two\") (result i32 i32) i32.const 1 i32.const 2))");
        Assert.Equal(Enumerable.Range(0, 100).Select(static i => (object)(long)i), Assert.IsType<object?[]>(instance.GetFunction("f")!.Invoke()));
        Assert.Equal((1, 2), instance.GetFunction<Func<(int, int)>>("two")!());
        Assert.Equal(ValueTuple.Create(3), Wasm.Instantiate(store, "(module (func (export \"f\") (result i32) i32.const 3))").GetFunction<Func<ValueTuple<int>>>("f")!());
    }

    [Fact]
    [Trait("Parity", "WTG-09")]
    public void Delegate_types_that_are_private_generic_or_of_private_types()
    {
        Instance instance = Wasm.Instantiate(
            """
            (module (import "host" "f" (func $f (param i32 i32 i64 f32 f64) (result i64))) (import "host" "h" (func $h (param externref) (result externref)))
              (func (export "g") (param i32 i32 i64 f32 f64) (result i64) local.get 0 local.get 1 local.get 2 local.get 3 local.get 4 call $f)
              (func (export "h") (param externref) (result externref) local.get 0 call $h))
            """,
            define: static linker => linker
                .DefineFunction("host", "f", (NotPublic)(static (a, b, c, d, e) => a + (b ? 1ul : 0) + c + (ulong)d + (ulong)e))
                .DefineFunction("host", "h", (Generic<Hidden, Hidden>)(static value => new Hidden { Number = value.Number + 1 })));
        NotPublic g = instance.GetFunction<NotPublic>("g")!;
        Assert.Equal(4_294_967_295ul + 1 + 10 + 2 + 3, g(uint.MaxValue, true, 10, 2.5f, 3.5));
        Assert.Equal(ulong.MaxValue, g(0, false, ulong.MaxValue, 0, 0));
        Assert.Equal(8, instance.GetFunction<Generic<Hidden, Hidden>>("h")!(new Hidden { Number = 7 }).Number);
        Assert.Equal(8, instance.GetFunction<Func<Hidden, Hidden>>("h")!(new Hidden { Number = 7 }).Number);
    }

    [Fact]
    [Trait("Parity", "WTG-09")]
    public void Booleans_are_zero_or_one()
    {
        Instance instance = Wasm.Instantiate(
            """
            (module (import "host" "not" (func $not (param i32) (result i32))) (func (export "not") (param i32) (result i32) (call $not (local.get 0)))
              (func (export "same") (param i32) (result i32) local.get 0))
            """,
            define: static linker => linker.DefineFunction("host", "not", static (bool value) => !value));
        Assert.Equal(0, instance.GetFunction<Func<int, int>>("not")!(256));
        Assert.Equal(1, instance.GetFunction<Func<int, int>>("not")!(0));
        Assert.True(instance.GetFunction<Func<int, bool>>("same")!(256));
        Assert.True(instance.GetFunction<Func<int, bool>>("same")!(int.MinValue));
        Assert.Equal(1, instance.GetFunction<Func<bool, int>>("same")!(System.Runtime.CompilerServices.Unsafe.BitCast<byte, bool>(255)));
    }

    [Fact]
    [Trait("Parity", "WTG-09")]
    public void Delegates_of_several_targets_of_instances_and_of_nothing()
    {
        int calls = 0;
        Action both = () => calls++;
        both += () => calls += 10;
        using Store store = Wasm.CreateEngine().CreateStore();
        Function function = Function.FromDelegate(store, both);
        function.Invoke();
        Assert.Equal(11, calls);
        Assert.Equal(1, Function.FromDelegate(store, (Func<string, int>)"abc".IndexOf).Invoke("b"));
        Assert.Equal(2, Function.FromDelegate(store, (Func<int, int>)Math.Abs).Invoke(-2));
    }

    [Fact]
    [Trait("Parity", "WTG-09")]
    public void A_delegate_that_does_not_fit_is_refused_and_both_signatures_named()
    {
        Instance instance = Wasm.Instantiate("""(module (func (export "f") (param i32 f64) (result i64) i64.const 0) (func (export "r") (param funcref externref)))""");
        Function f = instance.GetFunction("f")!;
        foreach (Action create in new Action[]
        {
            () => f.CreateDelegate<Action>(), () => f.CreateDelegate<Func<int, long>>(), () => f.CreateDelegate<Func<int, double, int>>(), () => f.CreateDelegate<Action<int, double>>(),
            () => f.CreateDelegate<Func<int, float, long>>(), () => f.CreateDelegate<Func<object, double, long>>(), () => f.CreateDelegate<Func<int, double, (long, int)>>(), () => f.CreateDelegate<Func<nint, double, long>>(),
        })
        {
            ArgumentException exception = Assert.Throws<ArgumentException>(create);
            Assert.Contains("Invoke(", exception.Message, StringComparison.Ordinal);
            Assert.Contains("i32 f64", exception.Message, StringComparison.Ordinal);
            Assert.Contains("i64", exception.Message, StringComparison.Ordinal);
        }

        Function r = instance.GetFunction("r")!;
        Assert.Throws<ArgumentException>(() => r.CreateDelegate<Action<object, object>>());
        Assert.Throws<ArgumentException>(() => r.CreateDelegate<Action<Function, Function>>());
        r.CreateDelegate<Action<Function?, object?>>()(null, null);
        Assert.Throws<ArgumentException>(() => instance.GetFunction<Action>("f"));
        Assert.Null(instance.GetFunction<Action>("none"));
    }

    [Fact]
    public void A_delegate_keeps_its_instance_alive()
    {
        Func<int, int> call = Create();
        for (int i = 0; i < 5; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Assert.Equal(i + 1, call(i));
        }

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static Func<int, int> Create() =>
            Wasm.Instantiate("""(module (memory 1) (func (export "f") (param i32) (result i32) (i32.store (i32.const 4) (local.get 0)) (i32.add (i32.load (i32.const 4)) (i32.const 1))))""").GetFunction<Func<int, int>>("f")!;
    }

    [Fact]
    public void Calls_allocate_nothing()
    {
        Instance instance = Wasm.Instantiate(
            """(module (import "host" "f" (func $f (param i32) (result i32))) (memory 1) (func (export "g") (param i32) (result i32) (i32.store (i32.const 0) (local.get 0)) (call $f (i32.load (i32.const 0)))))""",
            define: static linker => linker.DefineFunction("host", "f", static (int value) => value + 1));
        Func<int, int> g = instance.GetFunction<Func<int, int>>("g")!;
        g(1);
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                g(i);
            }
        }));
    }

    private static object Argument(Type type, int i) => type.Name switch
    {
        "Int32" => -i,
        "Int64" => long.MinValue + i,
        "Single" => i + 0.5f,
        "Double" => i + 0.25,
        "UInt32" => uint.MaxValue - (uint)i,
        "UInt64" => ulong.MaxValue - (ulong)i,
        "Boolean" => i % 2 == 0,
        _ => Wasm.Format($"text {i}"),
    };

    private static Delegate CreateDelegate(Function function, Type delegateType)
    {
        MethodInfo method = typeof(Function).GetMethod(nameof(Function.CreateDelegate))!.MakeGenericMethod(delegateType);
        return (Delegate)method.Invoke(function, BindingFlags.DoNotWrapExceptions, null, null, null)!;
    }
}
