using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Structures and arrays that the host makes, and host functions of types with type indices.</summary>
public sealed class HostObjectTests
{
    private const string Text = """
        (module
          (type $point (sub (struct (field $x (mut i32)) (field $y f64))))
          (type $point3 (sub $point (struct (field $x (mut i32)) (field $y f64) (field $z (mut i8)))))
          (type $node (struct (field $point (ref $point)) (field $next (mut (ref null $node)))))
          (type $bytes (array (mut i8)))
          (type $points (array (mut (ref null $point))))
          (type $fixed (array (ref $point)))
          (type $constants (array i64))
          (func (export "x") (param (ref $point)) (result i32) (struct.get $point $x (local.get 0)))
          (func (export "y") (param (ref $point)) (result f64) (struct.get $point $y (local.get 0)))
          (func (export "z") (param (ref $point)) (result i32) (struct.get_s $point3 $z (ref.cast (ref $point3) (local.get 0))))
          (func (export "bump") (param (ref $point)) (struct.set $point $x (local.get 0) (i32.add (i32.const 1) (struct.get $point $x (local.get 0)))))
          (func (export "second") (param (ref $node)) (result i32)
            (struct.get $point $x (struct.get $node $point (ref.as_non_null (struct.get $node $next (local.get 0))))))
          (func (export "sum") (param (ref $bytes)) (result i32) (local $i i32) (local $sum i32)
            (block $end (loop $more
              (br_if $end (i32.ge_u (local.get $i) (array.len (local.get 0))))
              (local.set $sum (i32.add (local.get $sum) (array.get_u $bytes (local.get 0) (local.get $i))))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br $more)))
            (local.get $sum))
          (func (export "make") (result anyref) (struct.new $point (i32.const 9) (f64.const 2.5))))
        """;

    private const int Point = 0;
    private const int Point3 = 1;
    private const int Node = 2;
    private const int Bytes = 3;
    private const int Points = 4;
    private const int Fixed = 5;
    private const int Constants = 6;

    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    public void Structures_of_the_host_are_what_guests_expect(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        using Store store = engine.CreateStore();
        Instance instance = Wasm.Instantiate(store, Text);
        StructType type = StructType.Get(store, instance.Module, Point);
        StructReference point = StructReference.Create(store, type, Value.FromI32(7), Value.FromF64(1.5));
        Assert.Equal(7, instance.GetFunction("x")!.Invoke(point));
        Assert.Equal(1.5, instance.GetFunction("y")!.Invoke(point));
        instance.GetFunction("bump")!.Invoke(point);
        Assert.Equal(8, point.GetField(0).AsI32());
        point.SetField(0, Value.FromI32(-3));
        Assert.Equal(-3, instance.GetFunction("x")!.Invoke(point));
        Assert.Throws<InvalidOperationException>(() => point.SetField(1, Value.FromF64(1)));
        Assert.Throws<ArgumentException>(() => point.SetField(0, Value.FromI64(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => point.GetField(2));
        Assert.Equal(type, point.StructType);

        // Of a subtype, with a packed field that keeps eight bits.
        StructReference point3 = StructReference.Create(store, StructType.Get(store, instance.Module, Point3), Value.FromI32(1), Value.FromF64(2), Value.FromI32(0x1FF));
        Assert.Equal(-1, instance.GetFunction("z")!.Invoke(point3));
        Assert.Equal(0xFF, point3.GetField(2).AsI32());
        Assert.True(point3.StructType.IsSubtypeOf(type));
        Assert.False(type.IsSubtypeOf(point3.StructType));
        Wasm.AssertTrap(TrapCode.CastFailure, () => instance.GetFunction("z")!.Invoke(point));

        StructType nodes = StructType.Get(store, instance.Module, Node);
        StructReference last = StructReference.Create(store, nodes, Value.FromAny(point3), Value.FromAny(null));
        StructReference first = StructReference.Create(store, nodes, Value.FromAny(point), Value.FromAny(last));
        Assert.Equal(1, instance.GetFunction("second")!.Invoke(first));
        last.SetField(1, Value.FromAny(first));
        Assert.Same(first, last.GetField(1).AsAny());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Arrays_of_the_host_are_what_guests_expect(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        using Store store = engine.CreateStore();
        Instance instance = Wasm.Instantiate(store, Text);
        ArrayType bytes = ArrayType.Get(store, instance.Module, Bytes);
        Assert.Equal(StorageKind.I8, bytes.ElementType.Storage);
        Assert.Equal(1 + 2 + 0xFE, instance.GetFunction("sum")!.Invoke(ArrayReference.Create(store, bytes, Value.FromI32(1), Value.FromI32(2), Value.FromI32(-2))));
        ArrayReference hundred = ArrayReference.Create(store, bytes, 100, Value.FromI32(5));
        Assert.Equal(500, instance.GetFunction("sum")!.Invoke(hundred));
        hundred.SetElement(99, Value.FromI32(0x106));
        Assert.Equal(501, instance.GetFunction("sum")!.Invoke(hundred));
        Assert.Throws<ArgumentOutOfRangeException>(() => hundred.SetElement(100, Value.FromI32(0)));
        Assert.Equal(0, instance.GetFunction("sum")!.Invoke(ArrayReference.CreateDefault(store, bytes, 50)));
        Assert.Equal(0, instance.GetFunction("sum")!.Invoke(ArrayReference.Create(store, bytes)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ArrayReference.Create(store, bytes, -1, Value.FromI32(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ArrayReference.CreateDefault(store, bytes, -1));

        ArrayReference constants = ArrayReference.Create(store, ArrayType.Get(store, instance.Module, Constants), 3, Value.FromI64(4));
        Assert.Equal(4, constants.GetElement(2).AsI64());
        Assert.Throws<InvalidOperationException>(() => constants.SetElement(0, Value.FromI64(1)));
        Assert.Equal(constants.ArrayType, ArrayType.Get(store, instance.Module, Constants));
    }

    [Fact]
    public void Values_that_do_not_fit_are_refused_by_field()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, Text);
        StructType point = StructType.Get(store, module, Point);
        Assert.Contains("expected 2 values, found 1", Message(() => StructReference.Create(store, point, Value.FromI32(1))), StringComparison.Ordinal);
        Assert.Contains("field 1: expected f64, found f32", Message(() => StructReference.Create(store, point, Value.FromI32(1), Value.FromF32(1))), StringComparison.Ordinal);
        StructType node = StructType.Get(store, module, Node);
        Assert.Contains("field 0", Message(() => StructReference.Create(store, node, Value.FromAny(null), Value.FromAny(null))), StringComparison.Ordinal);
        Assert.Contains("field 0", Message(() => StructReference.Create(store, node, Value.FromAny(I31Reference.Create(1)), Value.FromAny(null))), StringComparison.Ordinal);
        Assert.Contains("field 0", Message(() => StructReference.CreateDefault(store, node)), StringComparison.Ordinal);
        Assert.Equal(0, StructReference.CreateDefault(store, point).GetField(0).AsI32());
        ArrayType points = ArrayType.Get(store, module, Points);
        StructReference made = StructReference.CreateDefault(store, point);
        Assert.Contains("element 1", Message(() => ArrayReference.Create(store, points, Value.FromAny(made), Value.FromI32(1))), StringComparison.Ordinal);
        Assert.Null(ArrayReference.CreateDefault(store, points, 2).GetElement(1).AsAny());
        Assert.Throws<ArgumentException>(() => ArrayReference.CreateDefault(store, ArrayType.Get(store, module, Fixed), 2));
        Assert.Same(made, ArrayReference.Create(store, ArrayType.Get(store, module, Fixed), 2, Value.FromAny(made)).GetElement(1).AsAny());
        Assert.Throws<ArgumentException>(() => StructType.Get(store, module, Bytes));
        Assert.Throws<ArgumentException>(() => ArrayType.Get(store, module, Point));
        Assert.Throws<ArgumentException>(() => StructType.Get(store, module, Constants + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => StructType.Get(store, module, 1000));
        Assert.Throws<ArgumentOutOfRangeException>(() => StructType.Get(store, module, -1));
    }

    [Fact]
    [Trait("Security", "DV-08")]
    public void Types_and_objects_of_other_stores_are_refused()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        using Store other = engine.CreateStore();
        using Module module = Module.FromText(engine, Text);
        StructType point = StructType.Get(store, module, Point);
        StructType foreign = StructType.Get(other, module, Point);
        Assert.NotEqual(point, foreign);
        Assert.False(foreign.IsSubtypeOf(point));
        Assert.Contains("another store", Message(() => StructReference.CreateDefault(store, foreign)), StringComparison.Ordinal);
        Assert.Contains("another store", Message(() => ArrayReference.CreateDefault(other, ArrayType.Get(store, module, Bytes), 1)), StringComparison.Ordinal);
        StructReference stranger = StructReference.CreateDefault(other, foreign);
        StructType node = StructType.Get(store, module, Node);
        Assert.Contains("another store", Message(() => StructReference.Create(store, node, Value.FromAny(stranger), Value.FromAny(null))), StringComparison.Ordinal);
        Assert.Contains("another store", Message(() => ArrayReference.Create(store, ArrayType.Get(store, module, Points), 1, Value.FromAny(stranger))), StringComparison.Ordinal);
        Instance instance = store.Instantiate(module);
        Assert.Contains("another store", Message(() => instance.GetFunction("x")!.Invoke(stranger)), StringComparison.Ordinal);

        using Engine foreignEngine = Wasm.CreateEngine();
        using Module foreignModule = Module.FromText(foreignEngine, Text);
        Assert.Contains("another engine", Message(() => StructType.Get(store, foreignModule, Point)), StringComparison.Ordinal);

        // Equal types of two modules are one.
        using Module same = Module.FromText(engine, "(module (type (func)) (type $point (sub (struct (field (mut i32)) (field f64)))))");
        Assert.Equal(point, StructType.Get(store, same, 1));
        Assert.Equal(3, instance.GetFunction("x")!.Invoke(StructReference.Create(store, StructType.Get(store, same, 1), Value.FromI32(3), Value.FromF64(0))));

        other.Dispose();
        Assert.Throws<ObjectDisposedException>(() => StructReference.CreateDefault(other, foreign));
        Assert.Throws<ObjectDisposedException>(() => StructType.Get(other, module, Point));
    }

    [Theory]
    [InlineData("structures")]
    [InlineData("arrays")]
    [Trait("Security", "EX-10")]
    public void Objects_of_the_host_count_against_the_heap(string kind) => ChildProcess.Run(
        static arguments =>
        {
            using Engine engine = Wasm.CreateEngine();
            using Store store = engine.CreateStore(new ResourceLimits { HeapBytes = GC.GetTotalMemory(true) + (64 << 20) });
            using Module module = Module.FromText(engine, Text);
            StructType point = StructType.Get(store, module, Point);
            StructType node = StructType.Get(store, module, Node);
            ArrayType constants = ArrayType.Get(store, module, Constants);
            var kept = new List<object>();
            Assert.Throws<ResourceLimitException>(() =>
            {
                StructReference origin = StructReference.CreateDefault(store, point);
                for (int i = 0; i < 10_000_000; i++)
                {
                    kept.Add(arguments[0] == "arrays"
                        ? ArrayReference.CreateDefault(store, constants, 1000)
                        : StructReference.Create(store, node, Value.FromAny(origin), Value.FromAny(null)));
                }
            });
            Assert.True(kept.Count > 1000);
            kept.Clear();
            kept.TrimExcess();
            Assert.Throws<ResourceLimitException>(() => ArrayReference.CreateDefault(store, constants, 100_000_000));
            Assert.Equal(10, ArrayReference.CreateDefault(store, constants, 10).Length);
        },
        new() { Arguments = [kind] }).AssertSucceeded();

    [Theory]
    [MemberData(nameof(Modes))]
    public void Host_functions_have_types_with_type_indices(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """
            (module
              (type $pair (struct (field i32) (field (mut i32))))
              (type $swap (func (param (ref $pair) i32) (result i32 (ref null $pair))))
              (import "host" "swap" (func $swap (type $swap)))
              (func (export "run") (param i32) (result i32) (local $sum i32) (local $made (ref null $pair))
                (call $swap (struct.new $pair (local.get 0) (i32.const 5)) (i32.const 3))
                (local.set $made) (local.set $sum)
                (i32.add (local.get $sum) (i32.add (struct.get $pair 0 (local.get $made)) (struct.get $pair 1 (local.get $made))))))
            """);
        StructType pair = StructType.Get(store, module, 0);
        StructReference? wrong = null;
        Function swap = Function.Create(store, module, 1, (caller, arguments, results) =>
        {
            var given = (StructReference)arguments[0].AsAny()!;
            results[0] = Value.FromI32(arguments[1].AsI32() * 1000);
            results[1] = Value.FromAny(wrong ?? StructReference.Create(caller.Store, pair, given.GetField(1), given.GetField(0)));
        });
        Assert.Equal(module.Imports[0].Type.ToString(), swap.Type.ToString());
        var linker = new Linker(engine);
        linker.Define("host", "swap", swap);
        Instance instance = linker.Instantiate(store, module);
        Assert.Equal(3000 + 5 + 40, instance.GetFunction("run")!.Invoke(40));

        // The host's own call, and what it gives, are checked by the same type.
        StructReference made = StructReference.Create(store, pair, Value.FromI32(1), Value.FromI32(2));
        object?[] results = (object?[])swap.Invoke(made, 2)!;
        Assert.Equal(2000, results[0]);
        Assert.Equal(2, ((StructReference)results[1]!).GetField(0).AsI32());
        Assert.Throws<ArgumentException>(() => swap.Invoke(I31Reference.Create(1), 2));
        Assert.Throws<ArgumentException>(() => swap.Invoke(null, 2));
        using Module others = Module.FromText(engine, Text);
        wrong = StructReference.CreateDefault(store, StructType.Get(store, others, Point));
        Assert.Throws<ArgumentException>(() => instance.GetFunction("run")!.Invoke(1));

        // Another type of another module is refused when it is linked; an equal one is not.
        using Module different = Module.FromText(engine, """
            (module (type $pair (struct (field i64))) (import "host" "swap" (func (param (ref $pair) i32) (result i32 (ref null $pair)))))
            """);
        Assert.Throws<LinkException>(() => linker.Instantiate(store, different));
        using Module equal = Module.FromText(engine, """
            (module (type (array i8)) (type $pair (struct (field i32) (field (mut i32)))) (import "host" "swap" (func (param (ref $pair) i32) (result i32 (ref null $pair)))))
            """);
        _ = linker.Instantiate(store, equal);
        Assert.Throws<ArgumentException>(() => Function.Create(store, module, 0, static (_, _, _) => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Function.Create(store, module, 2000, static (_, _, _) => { }));
    }

    private static string Message(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
}
