using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Structures, arrays and casts: where fields are, what a type is, what the host sees, and what is collected.</summary>
public sealed class StructureTests
{
    private static readonly FieldType s_reference = new(ValType.ExternRef, StorageKind.Value, true);

    private static readonly string[] s_fieldTypes = ["i8", "i16", "i32", "i64", "f32", "f64", "v128", "anyref", "funcref", "externref"];

    [Fact]
    public void The_runtime_lays_objects_out_as_the_compiler_takes_for_granted() => Assert.True(StructFields.IsLayoutKnown);

    [Fact]
    public void Fields_do_not_overlap_and_those_of_a_supertype_are_where_they_were()
    {
        var random = new Random(7);
        for (int round = 0; round < 300; round++)
        {
            FieldType[] fields = new FieldType[random.Next(0, round < 290 ? 40 : 2000)];
            for (int i = 0; i < fields.Length; i++)
            {
                fields[i] = random.Next(8) switch
                {
                    0 => new FieldType(ValType.I32, StorageKind.I8, true),
                    1 => new FieldType(ValType.I32, StorageKind.I16, true),
                    2 => new FieldType(ValType.I32, StorageKind.Value, true),
                    3 => new FieldType(ValType.F64, StorageKind.Value, true),
                    4 => new FieldType(ValType.V128, StorageKind.Value, true),
                    _ => new FieldType(ValType.ExternRef, StorageKind.Value, true),
                };
            }

            StructLayout layout = StructLayout.Create([.. fields]);
            var taken = new Dictionary<int, int>();
            for (int i = 0; i < fields.Length; i++)
            {
                int size = Math.Max(1, StructLayout.SizeOf(fields[i]));
                for (int b = 0; b < (StructLayout.SizeOf(fields[i]) == 0 ? 8 : size); b++)
                {
                    Assert.True(taken.TryAdd(layout.Offsets[i] + b, i));
                }
            }

            int prefix = random.Next(0, fields.Length + 1);
            Assert.Equal(StructLayout.Create([.. fields[..prefix]]).Offsets, layout.Offsets[..prefix]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(60)]
    [InlineData(900)]
    public void Every_field_keeps_its_value_through_code_host_and_collections(int count)
    {
        var fields = new StringBuilder();
        var sets = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            string type = s_fieldTypes[i * 7 % s_fieldTypes.Length];
            fields.Append(CultureInfo.InvariantCulture, $"(field (mut {type}))");
            string value = type switch
            {
                "i8" or "i16" or "i32" => Wasm.Format($"(i32.const {i - 50})"),
                "i64" => Wasm.Format($"(i64.const {i * 3_000_000_000L})"),
                "f32" => Wasm.Format($"(f32.const {i}.5)"),
                "f64" => Wasm.Format($"(f64.const {i}.25)"),
                "v128" => Wasm.Format($"(v128.const i32x4 {i} 2 3 4)"),
                "anyref" => Wasm.Format($"(ref.i31 (i32.const {i}))"),
                "funcref" => "(ref.func $make)",
                _ => Wasm.Format($"(extern.convert_any (ref.i31 (i32.const {i})))"),
            };
            sets.Append(CultureInfo.InvariantCulture, $"(struct.set $s {i + 2} (local.get 0) {value})");
        }

        // A supertype with the first fields only: its code must find them in objects of the subtype.
        Instance instance = Wasm.Instantiate($"""
            (module
              (type $p (sub (struct (field (mut i32)) (field (mut anyref)))))
              (type $s (sub $p (struct (field (mut i32)) (field (mut anyref)) {fields})))
              (elem declare func $make)
              (func $make (export "make") (result anyref) (local (ref null $s))
                (local.set 0 (struct.new_default $s))
                (struct.set $p 0 (local.get 0) (i32.const 77))
                (struct.set $p 1 (local.get 0) (local.get 0))
                {sets}
                (local.get 0)))
            """);
        var structure = (StructReference)instance.GetFunction<Func<AnyReference?>>("make")!()!;
        GC.Collect(2, GCCollectionMode.Aggressive, true, true);
        Assert.Equal(count + 2, structure.FieldCount);
        Assert.Equal(77, structure.GetField(0).AsI32());
        Assert.Same(structure, structure.GetField(1).AsAny());
        for (int i = 0; i < count; i++)
        {
            object? value = structure.GetField(i + 2).ToObject();
            object? expected = s_fieldTypes[i * 7 % s_fieldTypes.Length] switch
            {
                "i8" => (i - 50) & 0xFF,
                "i16" => (i - 50) & 0xFFFF,
                "i32" => i - 50,
                "i64" => i * 3_000_000_000L,
                "f32" => i + 0.5f,
                "f64" => i + 0.25,
                "v128" => Vector128.Create(i, 2, 3, 4).AsByte(),
                "funcref" => instance.GetFunction("make"),
                _ => I31Reference.Create(i),
            };
            Assert.Equal(expected, value);
        }
    }

    [Fact]
    public void Words_of_each_kind_in_every_order_keep_their_values_through_collections()
    {
        // Bit by bit a reference or a number; those above eight words have groups behind them.
        var patterns = new List<(int Words, int References)>();
        for (int words = 1; words <= StructLayout.HeadWords + 2; words++)
        {
            for (int references = 0; references < 1 << words; references += words <= StructLayout.HeadWords ? 1 : 7)
            {
                patterns.Add((words, references));
            }
        }

        var types = new StringBuilder();
        foreach ((int words, int references) in patterns)
        {
            types.Append("(type (struct");
            for (int i = 0; i < words; i++)
            {
                types.Append(IsReference(references, i) ? " (field externref)" : " (field i64)");
            }

            types.AppendLine("))");
        }

        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, $"(module {types})");
        var structures = new List<StructReference>();
        for (int type = 0; type < patterns.Count; type++)
        {
            (int words, int references) = patterns[type];
            structures.Add(StructReference.Create(
                store,
                StructType.Get(store, module, type),
                [.. Enumerable.Range(0, words).Select(i => IsReference(references, i) ? Value.FromExtern(Wasm.Format($"{type}.{i}")) : Value.FromI64(NumberOf(type, i)))]));
        }

        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        for (int type = 0; type < patterns.Count; type++)
        {
            (int words, int references) = patterns[type];
            for (int i = 0; i < words; i++)
            {
                Assert.Equal(IsReference(references, i) ? Wasm.Format($"{type}.{i}") : NumberOf(type, i), structures[type].GetField(i).ToObject());
            }
        }

        static bool IsReference(int references, int i) => (references >> i & 1) != 0;

        // Looks like the address of nothing.
        static long NumberOf(int type, int i) => -1 - ((long)type << 16) - i;
    }

    [Fact]
    public void Objects_are_no_larger_than_their_fields_ask_for()
    {
        Assert.Equal(24, BytesOf());
        Assert.Equal(48, BytesOf(s_reference, s_reference, s_reference));
        Assert.Equal(56, BytesOf(Number(ValType.F64), s_reference, s_reference, s_reference));
        Assert.Equal(40, BytesOf(Small(StorageKind.I8), Number(ValType.I64), Small(StorageKind.I8), Small(StorageKind.I16), Number(ValType.I32)));
        Assert.Equal(40, BytesOf(Number(ValType.V128)));
        Assert.Equal(24 + 64, BytesOf(s_reference, Number(ValType.V128), s_reference, Number(ValType.I64), s_reference, s_reference, s_reference));
        Assert.Equal(24 + 64 + 32, BytesOf(s_reference, Number(ValType.V128), s_reference, Number(ValType.I64), s_reference, s_reference, s_reference, s_reference));

        static int BytesOf(params FieldType[] fields) => StructLayout.Create([.. fields]).ObjectBytes;
        static FieldType Number(ValType type) => new(type, StorageKind.Value, true);
        static FieldType Small(StorageKind kind) => new(ValType.I32, kind, true);
    }

    [Fact]
    public void Host_and_guest_see_the_same_fields_and_elements()
    {
        Instance instance = Wasm.Instantiate("""
            (module
              (type $point (struct (field $x (mut i32)) (field $y f64) (field $next (mut (ref null $point))) (field $small (mut i8))))
              (type $bytes (array (mut i8)))
              (type $points (array (mut (ref null $point))))
              (func (export "point") (param i32) (result (ref $point)) (struct.new $point (local.get 0) (f64.const 2.5) (ref.null $point) (i32.const -1)))
              (func (export "x") (param (ref $point)) (result i32) (struct.get $point $x (local.get 0)))
              (func (export "chain") (param (ref $point)) (result i32) (struct.get $point $x (struct.get $point $next (local.get 0))))
              (func (export "small") (param (ref null $point)) (result i32) (struct.get_s $point $small (local.get 0)))
              (func (export "bytes") (param i32) (result (ref $bytes)) (array.new $bytes (i32.const 0xAB) (local.get 0)))
              (func (export "points") (param i32) (result (ref $points)) (array.new_default $points (local.get 0)))
              (func (export "at") (param (ref $bytes) i32) (result i32) (array.get_u $bytes (local.get 0) (local.get 1)))
              (func (export "i31") (param i31ref) (result i32) (i31.get_s (local.get 0))))
            """);
        var point = (StructReference)instance.GetFunction("point")!.Invoke(5)!;
        var other = (StructReference)instance.GetFunction("point")!.Invoke(6)!;
        Assert.Equal([5, 2.5, null, 255], Enumerable.Range(0, point.FieldCount).Select(i => point.GetField(i).ToObject()));
        point.SetField(0, Value.FromI32(8));
        Assert.Equal(8, instance.GetFunction("x")!.Invoke(point));
        point.SetField(2, Value.FromAny(other));
        Assert.Equal(6, instance.GetFunction("chain")!.Invoke(point));
        Assert.Equal(-1, instance.GetFunction("small")!.Invoke(point));
        Assert.Throws<InvalidOperationException>(() => point.SetField(1, Value.FromF64(1)));
        Assert.Throws<ArgumentException>(() => point.SetField(0, Value.FromI64(1)));
        Assert.Throws<ArgumentException>(() => point.SetField(2, Value.FromAny(I31Reference.Create(1))));
        Assert.Throws<ArgumentOutOfRangeException>(() => point.GetField(4));
        var bytes = (ArrayReference)instance.GetFunction("bytes")!.Invoke(3)!;
        bytes.SetElement(1, Value.FromI32(0x1FF));
        Assert.Equal([0xAB, 0xFF, 0xAB], Enumerable.Range(0, bytes.Length).Select(i => bytes.GetElement(i).AsI32()));
        Assert.Equal(0xFF, instance.GetFunction("at")!.Invoke(bytes, 1));
        var points = (ArrayReference)instance.GetFunction("points")!.Invoke(2)!;
        points.SetElement(0, Value.FromAny(point));
        Assert.Same(point, points.GetElement(0).AsAny());
        Assert.Throws<ArgumentException>(() => points.SetElement(0, Value.FromAny(bytes)));
        Assert.Equal(-3, instance.GetFunction("i31")!.Invoke(I31Reference.Create(-3)));
        Wasm.AssertTrap(TrapCode.NullReference, () => instance.GetFunction("i31")!.Invoke([null]));
        Wasm.AssertTrap(TrapCode.NullReference, () => instance.GetFunction("small")!.Invoke([null]));
        Assert.Throws<ArgumentException>(() => instance.GetFunction("x")!.Invoke(bytes));
        Assert.Throws<ArgumentException>(() => instance.GetFunction("x")!.Invoke([null]));
        Wasm.AssertTrap(TrapCode.ArrayOutOfBounds, () => instance.GetFunction("at")!.Invoke(bytes, 3));
        Wasm.AssertTrap(TrapCode.ArrayOutOfBounds, () => instance.GetFunction("at")!.Invoke(bytes, -1));
        Assert.Throws<ResourceLimitException>(() => instance.GetFunction("bytes")!.Invoke(-1));
    }

    [Fact]
    public void Objects_of_another_store_are_refused()
    {
        using Engine engine = Wasm.CreateEngine();
        const string text = """
            (module (type $s (struct)) (func (export "make") (result anyref) (struct.new $s)) (func (export "take") (param anyref))
              (func (export "exact") (param (ref null $s))))
            """;
        Instance first = Wasm.Instantiate(engine.CreateStore(), text);
        Instance second = Wasm.Instantiate(engine.CreateStore(), text);
        object? mine = first.GetFunction("make")!.Invoke();
        first.GetFunction("take")!.Invoke(mine);
        first.GetFunction("exact")!.Invoke(mine);
        Assert.Throws<ArgumentException>(() => second.GetFunction("take")!.Invoke(mine));
        Assert.Throws<ArgumentException>(() => second.GetFunction("exact")!.Invoke(mine));
        Assert.Throws<ArgumentException>(() => second.GetFunction<Action<AnyReference?>>("take")!((AnyReference?)mine));
    }

    [Fact]
    public void Hosts_objects_become_internal_and_external_again()
    {
        object external = new();
        Instance instance = Wasm.Instantiate("""
            (module
              (func (export "in") (param externref) (result anyref) (any.convert_extern (local.get 0)))
              (func (export "out") (param anyref) (result externref) (extern.convert_any (local.get 0)))
              (func (export "is") (param externref) (result i32)
                (i32.add (ref.test (ref eq) (any.convert_extern (local.get 0)))
                  (i32.add (i32.mul (i32.const 10) (ref.test (ref i31) (any.convert_extern (local.get 0)))) (i32.mul (i32.const 100) (ref.test (ref any) (any.convert_extern (local.get 0))))))))
            """);
        Assert.Same(external, instance.GetFunction("in")!.Invoke(external));
        AnyReference inside = instance.GetFunction<Func<object?, AnyReference?>>("in")!(external)!;
        Assert.Same(external, instance.GetFunction("out")!.Invoke(inside));
        Assert.Same(external, instance.GetFunction("out")!.Invoke(external));
        Assert.Equal(100, instance.GetFunction("is")!.Invoke(external));
        Assert.Equal(111, instance.GetFunction("is")!.Invoke(I31Reference.Create(4)));
        Assert.Equal(0, instance.GetFunction("is")!.Invoke([null]));
    }

    [Fact]
    public void A_cast_finds_ancestors_at_every_depth()
    {
        const int Depth = 12;
        var text = new StringBuilder("(module (type $t0 (sub (struct (field i32)))) (type $other (sub (struct (field i32) (field i32))))");
        for (int i = 1; i < Depth; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"(type $t{i} (sub $t{i - 1} (struct (field i32))))");
            text.Append(CultureInfo.InvariantCulture, $"(type $u{i} (sub $t{i - 1} (struct (field i32) (field i64))))");
        }

        for (int i = 0; i < Depth; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"new{i}\") (result anyref) (struct.new $t{i} (i32.const {i})))");
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"test{i}\") (param anyref) (result i32) (ref.test (ref $t{i}) (local.get 0)))");
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"null{i}\") (param anyref) (result i32) (ref.test (ref null $t{i}) (local.get 0)))");
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"cast{i}\") (param anyref) (result i32) (struct.get $t{i} 0 (ref.cast (ref $t{i}) (local.get 0))))");
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"branch{i}\") (param anyref) (result i32) (drop (block (result anyref) (br_on_cast_fail 0 anyref (ref $t{i}) (local.get 0)) (return (struct.get $t{i} 0)))) (i32.const -1))");
            if (i > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"(func (export \"sibling{i}\") (param anyref) (result i32) (ref.test (ref $u{i}) (local.get 0)))");
            }
        }

        Instance instance = Wasm.Instantiate(text.Append(')').ToString());
        for (int made = 0; made < Depth; made++)
        {
            object? structure = instance.GetFunction(Wasm.Format($"new{made}"))!.Invoke();
            for (int asked = 0; asked < Depth; asked++)
            {
                bool isOf = asked <= made;
                Assert.Equal(isOf ? 1 : 0, instance.GetFunction(Wasm.Format($"test{asked}"))!.Invoke(structure));
                Assert.Equal(isOf ? 1 : 0, instance.GetFunction(Wasm.Format($"null{asked}"))!.Invoke(structure));
                Assert.Equal(isOf ? made : -1, instance.GetFunction(Wasm.Format($"branch{asked}"))!.Invoke(structure));
                Assert.Equal(1, instance.GetFunction(Wasm.Format($"null{asked}"))!.Invoke([null]));
                Assert.Equal(0, instance.GetFunction(Wasm.Format($"test{asked}"))!.Invoke([null]));
                if (isOf)
                {
                    Assert.Equal(made, instance.GetFunction(Wasm.Format($"cast{asked}"))!.Invoke(structure));
                }
                else
                {
                    Wasm.AssertTrap(TrapCode.CastFailure, () => instance.GetFunction(Wasm.Format($"cast{asked}"))!.Invoke(structure));
                }

                Wasm.AssertTrap(TrapCode.CastFailure, () => instance.GetFunction(Wasm.Format($"cast{asked}"))!.Invoke([null]));
                if (asked > 0)
                {
                    Assert.Equal(0, instance.GetFunction(Wasm.Format($"sibling{asked}"))!.Invoke(structure));
                }
            }
        }
    }

    [Fact]
    [Trait("Security", "DV-08")]
    public void Equal_types_of_two_modules_are_one_and_others_are_not()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        const string list = "(rec (type $list (sub (struct (field i32) (field (ref null $list))))) (type $pair (struct (field (ref null $list)))))";
        Instance first = Wasm.Instantiate(store, $"(module {list} (func (export \"make\") (result anyref) (struct.new $list (i32.const 4) (ref.null $list))))");
        Instance same = Wasm.Instantiate(store, $"(module (type $noise (array i8)) {list} (func (export \"is\") (param anyref) (result i32) (ref.test (ref $list) (local.get 0))))");
        Instance other = Wasm.Instantiate(store, """
            (module (rec (type $list (sub (struct (field i32) (field (ref null $list)))))) (func (export "is") (param anyref) (result i32) (ref.test (ref $list) (local.get 0))))
            """);
        object? made = first.GetFunction("make")!.Invoke();
        Assert.Equal(1, same.GetFunction("is")!.Invoke(made));
        Assert.Equal(0, other.GetFunction("is")!.Invoke(made));
    }

    [Fact]
    [Trait("Security", "EX-10")]
    public void What_is_dropped_is_collected_and_what_lives_survives()
    {
        Instance instance = Wasm.Instantiate(
            """
            (module
              (import "host" "collect" (func $collect))
              (type $data (array (mut i32)))
              (type $node (struct (field $value i64) (field $next (mut (ref null $node))) (field $data (mut (ref null $data)))))
              (global $kept (mut (ref null $node)) (ref.null $node))
              (func (export "churn") (param $n i32) (result i64) (local $i i32) (local $last (ref null $node)) (local $sum i64)
                (loop $next
                  (local.set $last (struct.new $node (i64.extend_i32_u (local.get $i)) (ref.null $node) (array.new $data (local.get $i) (i32.const 8))))
                  (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 1000)))
                    (then
                      (struct.set $node $next (local.get $last) (global.get $kept))
                      (global.set $kept (local.get $last))
                      (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 50000))) (then (call $collect)))))
                  (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
                (local.set $last (global.get $kept))
                (block $end
                  (loop $walk
                    (br_if $end (ref.is_null (local.get $last)))
                    (local.set $sum (i64.add (local.get $sum) (i64.add (struct.get $node $value (local.get $last))
                      (i64.extend_i32_u (array.get $data (struct.get $node $data (local.get $last)) (i32.const 7))))))
                    (local.set $last (struct.get $node $next (local.get $last)))
                    (br $walk)))
                (local.get $sum)))
            """,
            define: static linker => linker.DefineFunction("host", "collect", static () => GC.Collect()));
        long sum = instance.GetFunction<Func<int, long>>("churn")!(1_000_000);
        Assert.Equal(2L * 1000 * (999 * 1000 / 2), sum);
    }

    [Fact]
    [Trait("Security", "LM-07")]
    public void Types_that_were_declared_leave_no_objects_behind() => ChildProcess.Run(
        static _ =>
        {
            // The same text, for the buffers that are kept for the next one.
            Load(static _ => 0);
            long before = GC.GetTotalMemory(forceFullCollection: true);
            Load(static number => number);
            Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 2 << 20);

            // Behind eight words that tell the types apart is as much as makes objects of 48 KiB.
            static void Load(Func<int, int> kinds)
            {
                using Engine engine = Wasm.CreateEngine();
                string types = Wasm.Repeat(
                    256, number => $"(type (struct {Wasm.Repeat(8, word => (kinds(number) >> word & 1) != 0 ? "(field anyref)" : "(field i64)")} (field {Wasm.Repeat(1020, static _ => "v128 ")})))");
                using Module module = Module.FromText(engine, $"(module {types})");
                using Store store = engine.CreateStore();
                store.Instantiate(module);
            }
        }).AssertSucceeded();

    [Theory]
    [InlineData("list")]
    [InlineData("arrays")]
    [InlineData("one")]
    [Trait("Security", "EX-10")]
    public void Objects_without_end_meet_the_limit_and_not_the_end_of_the_process(string name) => ChildProcess.Run(
        static arguments =>
        {
            using Engine engine = Wasm.CreateEngine();
            using Store store = engine.CreateStore(new ResourceLimits { HeapBytes = GC.GetTotalMemory(true) + (64 << 20) });
            Instance instance = Wasm.Instantiate(store, """
                (module (type $node (struct (field (ref null $node)) (field i64))) (type $numbers (array (mut i64))) (type $rows (array (mut (ref null $numbers))))
                  (global $kept (mut (ref null any)) (ref.null any))
                  (func (export "list") (local $last (ref null $node)) (loop $more (local.set $last (struct.new $node (local.get $last) (i64.const 1))) (global.set $kept (local.get $last)) (br $more)))
                  (func (export "arrays") (local $rows (ref null $rows)) (local $i i32) (local.set $rows (array.new_default $rows (i32.const 1000000)))
                    (loop $more (array.set $rows (local.get $rows) (local.get $i) (array.new_default $numbers (i32.const 100))) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $more)))
                  (func (export "one") (global.set $kept (array.new_default $numbers (i32.const 10000000))))
                  (func (export "garbage") (result i32) (local $i i32)
                    (loop $more (drop (array.new_default $numbers (i32.const 1000))) (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000)))) (local.get $i))
                  (func (export "drop") (global.set $kept (ref.null any))))
                """);
            for (int round = 0; round < 3; round++)
            {
                Assert.Throws<ResourceLimitException>(instance.GetFunction<Action>(arguments[0])!);
                instance.GetFunction<Action>("drop")!();
                Assert.Equal(100_000, instance.GetFunction<Func<int>>("garbage")!());
            }
        },
        new() { Arguments = [name] }).AssertSucceeded();

    [Fact]
    public void Long_operations_on_arrays_are_interrupted()
    {
        using Engine engine = Wasm.CreateEngine(interruptible: true);
        using Store store = engine.CreateStore();
        Instance instance = Wasm.Instantiate(store, """
            (module (type $a (array (mut i64)))
              (func (export "run") (local (ref null $a)) (local.set 0 (array.new_default $a (i32.const 3000000)))
                (loop $l (array.fill $a (local.get 0) (i32.const 0) (i64.const 1) (i32.const 3000000)) (array.copy $a $a (local.get 0) (i32.const 1) (local.get 0) (i32.const 0) (i32.const 2999999)) (br $l))))
            """);
        using var timer = new Timer(_ => store.Interrupt(), null, 50, Timeout.Infinite);
        Wasm.AssertTrap(TrapCode.Interrupt, instance.GetFunction<Action>("run")!);
    }

    [Fact]
    public void Arrays_of_every_kind_keep_their_elements()
    {
        (string Type, string Value, string Get, string Check)[] kinds =
        [
            ("i8", "(i32.const -2)", "array.get_s", "(i32.eq (i32.const -2))"),
            ("i16", "(i32.const -300)", "array.get_s", "(i32.eq (i32.const -300))"),
            ("i32", "(i32.const 70000)", "array.get", "(i32.eq (i32.const 70000))"),
            ("i64", "(i64.const 5000000000)", "array.get", "(i64.eq (i64.const 5000000000))"),
            ("f32", "(f32.const 1.5)", "array.get", "(f32.eq (f32.const 1.5))"),
            ("f64", "(f64.const 2.5)", "array.get", "(f64.eq (f64.const 2.5))"),
            ("v128", "(v128.const i64x2 3 4)", "array.get", "(i64x2.extract_lane 1) (i64.eq (i64.const 4))"),
            ("(ref null i31)", "(ref.i31 (i32.const 9))", "array.get", "(i31.get_s) (i32.eq (i32.const 9))"),
        ];
        foreach ((string type, string value, string get, string check) in kinds)
        {
            Instance instance = Wasm.Instantiate($"""
                (module (type $a (array (mut {type})))
                  (func (export "run") (result i32) (local $n (ref null $a)) (local $f (ref null $a)) (local $d (ref null $a))
                    (local.set $n (array.new $a {value} (i32.const 5)))
                    (local.set $f (array.new_fixed $a 3 {value} {value} {value}))
                    (local.set $d (array.new_default $a (i32.const 9)))
                    (array.set $a (local.get $d) (i32.const 8) {value})
                    (array.fill $a (local.get $d) (i32.const 1) {value} (i32.const 2))
                    (array.copy $a $a (local.get $d) (i32.const 4) (local.get $d) (i32.const 1) (i32.const 2))
                    ({get} $a (local.get $n) (i32.const 4)) {check}
                    ({get} $a (local.get $f) (i32.const 2)) {check} i32.add
                    ({get} $a (local.get $d) (i32.const 8)) {check} i32.add
                    ({get} $a (local.get $d) (i32.const 2)) {check} i32.add
                    ({get} $a (local.get $d) (i32.const 5)) {check} i32.add
                    (array.len (local.get $d)) i32.add))
                """);
            Assert.Equal(14, instance.GetFunction("run")!.Invoke());
        }
    }
}
