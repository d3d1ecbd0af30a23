using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Vectors where they meet something else: calls, results, globals, tables, blocks, the host.</summary>
public sealed class VectorTests
{
    private static readonly Vector128<byte> s_one = Vector128.Create(1, 2, 3, 4).AsByte();
    private static readonly Vector128<byte> s_two = Vector128.Create(0x0102_0304_0506_0708UL, 0xF0E0_D0C0_B0A0_9080UL).AsByte();

    private static Vector128<byte> Of(params ReadOnlySpan<int> lanes) => Vector128.Create(lanes).AsByte();

    [Fact]
    public void Vectors_are_parameters_and_results_of_typed_delegates()
    {
        Instance instance = Wasm.Instantiate("""
            (module
              (func (export "add") (param v128 i32 v128) (result v128) (i32x4.add (i32x4.add (local.get 0) (local.get 2)) (i32x4.splat (local.get 1))))
              (func (export "many") (param v128) (result i32 v128 f64 v128) (i32.const 7) (local.get 0) (f64.const 2.5) (v128.not (local.get 0))))
            """);
        var add = instance.GetFunction<Func<Vector128<byte>, int, Vector128<byte>, Vector128<byte>>>("add")!;
        Assert.Equal(Of(12, 14, 16, 18), add(s_one, 10, s_one));
        var many = instance.GetFunction<Func<Vector128<byte>, (int, Vector128<byte>, double, Vector128<byte>)>>("many")!;
        Assert.Equal((7, s_two, 2.5, ~s_two), many(s_two));
    }

    [Fact]
    public void Vectors_are_values_and_objects_of_untyped_calls()
    {
        Instance instance = Wasm.Instantiate("""
            (module
              (func (export "same") (param v128) (result v128) (local.get 0))
              (func (export "swap") (param v128 i64) (result i64 v128) (local.get 1) (local.get 0)))
            """);
        Assert.Equal(s_two, instance.GetFunction("same")!.Invoke(s_two));
        Assert.Equal(new object?[] { 5L, s_two }, (object?[])instance.GetFunction("swap")!.Invoke(s_two, 5L)!);
        var results = new Value[2];
        instance.GetFunction("swap")!.Invoke([Value.FromV128(s_one), Value.FromI64(-1)], results);
        Assert.Equal([Value.FromI64(-1), Value.FromV128(s_one)], results);
        Assert.Throws<ArgumentException>(() => instance.GetFunction("same")!.Invoke(5));
        Assert.Throws<ArgumentException>(() => instance.GetFunction("same")!.Invoke([Value.FromI64(1)], new Value[1]));
    }

    [Fact]
    public void A_call_that_moves_to_a_larger_stack_takes_its_vectors_along() => Wasm.OnThread(128 << 10, static () =>
    {
        Instance instance = Wasm.Instantiate("(module (func (export \"pair\") (param v128) (result v128 v128) (v128.not (local.get 0)) (local.get 0)))");
        Assert.Equal((~s_two, s_two), instance.GetFunction<Func<Vector128<byte>, (Vector128<byte>, Vector128<byte>)>>("pair")!(s_two));
        Assert.Equal(new object?[] { ~s_one, s_one }, (object?[])instance.GetFunction("pair")!.Invoke(s_one)!);
    });

    [Fact]
    public void Host_functions_take_and_return_vectors()
    {
        Instance instance = Wasm.Instantiate(
            """
            (module
              (import "host" "typed" (func $typed (param v128 i32) (result v128)))
              (import "host" "tuple" (func $tuple (param v128) (result i32 v128 v128)))
              (import "host" "raw" (func $raw (param v128 i64) (result i64 v128)))
              (func (export "typed") (param v128) (result v128) (call $typed (local.get 0) (i32.const 3)))
              (func (export "tuple") (param v128) (result v128) (local v128 v128) (call $tuple (local.get 0)) (local.set 2) (local.set 1) (drop) (v128.xor (local.get 1) (local.get 2)))
              (func (export "raw") (param v128) (result i64 v128) (call $raw (local.get 0) (i64.const 9))))
            """,
            define: static linker =>
            {
                linker.DefineFunction("host", "typed", (Vector128<byte> value, int count) => (value.AsInt32() * count).AsByte());
                linker.DefineFunction("host", "tuple", (Vector128<byte> value) => (1, value, Vector128<byte>.AllBitsSet));
                linker.DefineFunction(
                    "host",
                    "raw",
                    new FunctionType([ValType.V128, ValType.I64], [ValType.I64, ValType.V128]),
                    static (_, parameters, results) =>
                    {
                        results[0] = Value.FromI64(parameters[1].AsI64() + 1);
                        results[1] = Value.FromV128(~parameters[0].AsV128());
                    });
            });
        Assert.Equal(Of(3, 6, 9, 12), instance.GetFunction("typed")!.Invoke(s_one));
        Assert.Equal(~s_two, instance.GetFunction("tuple")!.Invoke(s_two));
        Assert.Equal(new object?[] { 10L, ~s_two }, (object?[])instance.GetFunction("raw")!.Invoke(s_two)!);
    }

    private sealed class Total
    {
        public Vector128<int> Sum;

        public static Vector128<byte> Add(Total total, Vector128<byte> value)
        {
            total.Sum += value.AsInt32();
            return total.Sum.AsByte();
        }
    }

    [Fact]
    public void A_bound_import_takes_and_returns_vectors()
    {
        var definition = new BoundImport("host", "add", typeof(Total).GetMethod(nameof(Total.Add))!);
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(
            engine,
            "(module (import \"host\" \"add\" (func $add (param v128) (result v128))) (func (export \"twice\") (param v128) (result v128) (drop (call $add (local.get 0))) (call $add (local.get 0))))",
            new ModuleOptions { BoundImports = [definition] });
        using Store store = engine.CreateStore();
        var total = new Total();
        Instance instance = new Linker(engine).Define("host", "add", Function.FromBoundImport(store, definition, total)).Instantiate(store, module);
        Assert.Equal(Of(2, 4, 6, 8), instance.GetFunction("twice")!.Invoke(s_one));
        Assert.Equal(Of(2, 4, 6, 8), total.Sum.AsByte());
    }

    [Fact]
    public void Globals_hold_vectors_for_guest_and_host()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Global shared = Global.Create(store, new GlobalType(ValType.V128, isMutable: true), Value.FromV128(s_one));
        Global constant = Global.Create(store, new GlobalType(ValType.V128, isMutable: false), Value.FromV128(s_two));
        Instance instance = Wasm.Instantiate(
            store,
            """
            (module
              (import "host" "shared" (global $shared (mut v128)))
              (import "host" "constant" (global $constant v128))
              (global $own (mut v128) (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15))
              (global $copy (export "copy") v128 (global.get $constant))
              (global $visible (export "visible") (mut v128) (v128.const f64x2 1 -2))
              (global $number (export "number") (mut i32) (i32.const 5))
              (func (export "own") (result v128) (global.get $own))
              (func (export "set") (param v128) (global.set $own (local.get 0)) (global.set $shared (v128.not (local.get 0))) (global.set $visible (local.get 0)))
              (func (export "copy_of_copy") (result v128) (global.get $copy)))
            """,
            linker => linker.Define("host", "shared", shared).Define("host", "constant", constant));
        Assert.Equal(Vector128.CreateSequence((byte)0, (byte)1), instance.GetFunction("own")!.Invoke());
        Assert.Equal(s_two, instance.GetGlobal("copy")!.Value.AsV128());
        Assert.Equal(s_two, instance.GetFunction("copy_of_copy")!.Invoke());
        Assert.Equal(Vector128.Create(1.0, -2.0).AsByte(), instance.GetGlobal("visible")!.Value.AsV128());
        instance.GetFunction("set")!.Invoke(s_two);
        Assert.Equal(s_two, instance.GetFunction("own")!.Invoke());
        Assert.Equal(~s_two, shared.Value.AsV128());
        Assert.Equal(s_two, instance.GetGlobal("visible")!.Value.AsV128());
        Assert.Equal(5, instance.GetGlobal("number")!.Value.AsI32());
        shared.Value = Value.FromV128(s_one);
        Assert.Equal(s_one, shared.Value.AsV128());
        Assert.Throws<ArgumentException>(() => shared.Value = Value.FromI64(1));
        Assert.Throws<InvalidOperationException>(() => constant.Value = Value.FromV128(s_one));
    }

    [Fact]
    public void Vectors_go_through_blocks_loops_selects_and_tables()
    {
        Instance instance = Wasm.Instantiate("""
            (module
              (type $binary (func (param v128 v128) (result v128)))
              (table funcref (elem $add $sub))
              (func $add (type $binary) (i32x4.add (local.get 0) (local.get 1)))
              (func $sub (type $binary) (i32x4.sub (local.get 0) (local.get 1)))
              (func (export "indirect") (param i32 v128 v128) (result v128) (call_indirect (type $binary) (local.get 1) (local.get 2) (local.get 0)))
              (func (export "zero") (result v128) (local i32 v128 f32 v128) (v128.or (local.get 1) (local.get 3)))
              (func (export "select") (param i32 v128 v128) (result v128) (select (local.get 1) (local.get 2) (local.get 0)))
              (func (export "if") (param i32 v128) (result v128 i32)
                (if (result v128 i32) (local.get 0) (then (local.get 1) (i32.const 1)) (else (v128.not (local.get 1)) (i32.const 0))))
              (func (export "sum") (param $n i32) (param $step v128) (result v128)
                (v128.const i64x2 0 0)
                (loop $again (param v128) (result v128)
                  (i32x4.add (local.get $step))
                  (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
              (func (export "table") (param i32 v128 v128) (result v128)
                (block $b (result v128) (block $a (result v128) (br_table $a $b (local.get 1) (local.get 0))) (return (v128.xor (local.get 2))))))
            """);
        Assert.Equal(Of(2, 4, 6, 8), instance.GetFunction("indirect")!.Invoke(0, s_one, s_one));
        Assert.Equal(Of(0, 0, 0, 0), instance.GetFunction("indirect")!.Invoke(1, s_one, s_one));
        Assert.Equal(Vector128<byte>.Zero, instance.GetFunction("zero")!.Invoke());
        Assert.Equal(s_one, instance.GetFunction("select")!.Invoke(8, s_one, s_two));
        Assert.Equal(s_two, instance.GetFunction("select")!.Invoke(0, s_one, s_two));
        Assert.Equal(new object?[] { s_two, 1 }, (object?[])instance.GetFunction("if")!.Invoke(2, s_two)!);
        Assert.Equal(new object?[] { ~s_two, 0 }, (object?[])instance.GetFunction("if")!.Invoke(0, s_two)!);
        Assert.Equal(Of(1000, 2000, 3000, 4000), instance.GetFunction("sum")!.Invoke(1000, s_one));
        Assert.Equal(s_one ^ s_two, instance.GetFunction("table")!.Invoke(0, s_one, s_two));
        Assert.Equal(s_one, instance.GetFunction("table")!.Invoke(1, s_one, s_two));
    }

    [Fact]
    public void More_operands_than_the_stack_keeps_are_vectors_still()
    {
        Instance instance = Wasm.Instantiate($"""
            (module (func (export "sum") (param v128) (result v128)
              {Wasm.Repeat(40, static i => Wasm.Format($"(i8x16.add (local.get 0) (i8x16.splat (i32.const {i})))\n"))}
              {Wasm.Repeat(39, static _ => "i8x16.add\n")}))
            """);
        Assert.Equal((Vector128.Create((byte)1) * 40) + Vector128.Create((byte)(39 * 40 / 2 % 256)), instance.GetFunction("sum")!.Invoke(Vector128.Create((byte)1)));
    }

    /// <summary>4.3.3: the NaN of a result is quiet, whatever the JIT knows of the other operand.</summary>
    [Theory]
    [InlineData("f32x4", "mul", "1 1 1 1")]
    [InlineData("f32x4", "mul", "-1 -1 -1 -1")]
    [InlineData("f32x4", "mul", "2 2 2 2")]
    [InlineData("f32x4", "div", "1 1 1 1")]
    [InlineData("f32x4", "sub", "0 0 0 0")]
    [InlineData("f32x4", "sub", "-0 -0 -0 -0")]
    [InlineData("f32x4", "add", "0 0 0 0")]
    [InlineData("f32x4", "add", "-0 -0 -0 -0")]
    [InlineData("f32x4", "add", "nan:0x200000 nan:0x200000 nan:0x200000 nan:0x200000")]
    [InlineData("f32x4", "min", "-0 -0 -0 -0")]
    [InlineData("f32x4", "max", "0 0 0 0")]
    [InlineData("f64x2", "mul", "1 1")]
    [InlineData("f64x2", "div", "1 1")]
    [InlineData("f64x2", "sub", "0 0")]
    [InlineData("f64x2", "add", "-0 -0")]
    [InlineData("f64x2", "add", "nan:0x4000000000000 nan:0x4000000000000")]
    [InlineData("f64x2", "min", "-0 -0")]
    [InlineData("f64x2", "max", "1 1")]
    public void Signalling_NaNs_come_out_quiet(string shape, string operation, string constant)
    {
        Instance instance = Wasm.Instantiate($"""
            (module
              (func (export "right") (param v128) (result v128) ({shape}.{operation} (local.get 0) (v128.const {shape} {constant})))
              (func (export "left") (param v128) (result v128) ({shape}.{operation} (v128.const {shape} {constant}) (local.get 0))))
            """);
        Vector128<byte> signalling = shape == "f32x4" ? Vector128.Create(0x7FA0_0001u, 0xFF80_0001u, 0x7FA0_0000u, 0xFFA0_0000u).AsByte() : Vector128.Create(0x7FF4_0000_0000_0000UL, 0xFFF0_0000_0000_0001UL).AsByte();
        foreach (string function in new[] { "right", "left" })
        {
            var result = (Vector128<byte>)instance.GetFunction(function)!.Invoke(signalling)!;
            Vector128<byte> quiet = shape == "f32x4" ? Vector128.Create(0x7FC0_0000u).AsByte() : Vector128.Create(0x7FF8_0000_0000_0000UL).AsByte();
            Assert.Equal(quiet, result & quiet);
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(3000)]
    [Trait("Security", "EX-03")]
    public void Endless_recursion_with_vectors_in_the_frame_traps(int locals) => ChildProcess.Run(
        static arguments =>
        {
            int count = int.Parse(arguments[0], System.Globalization.CultureInfo.InvariantCulture);
            string text = $"""
                (module
                  (func $f (export "locals") (param v128) (result v128) (local {Wasm.Repeat(count, static _ => "v128 ")})
                    {Wasm.Repeat(count, static i => Wasm.Format($"(local.set {i + 1} (i32x4.add (local.get {i}) (i8x16.swizzle (local.get 0) (local.get {i}))))\n"))}
                    (call $f (local.get {count}))
                    {Wasm.Repeat(count, static i => Wasm.Format($"(i32x4.sub (local.get {i}))\n"))})
                  (func $g (export "operands") (param v128 v128 v128 v128 v128 v128 v128 v128) (result v128)
                    {Wasm.Repeat(count, static i => Wasm.Format($"(i32x4.mul (local.get {i % 8}) (i32x4.splat (i32.const {i})))\n"))}
                    (call $g (local.get 7) (local.get 6) (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
                    {Wasm.Repeat(count, static _ => "i32x4.add\n")}))
                """;
            using Engine engine = Wasm.CreateEngine();
            Instance instance = Wasm.Instantiate(engine.CreateStore(), text);
            for (int i = 0; i < 20; i++)
            {
                Wasm.AssertTrap(TrapCode.StackOverflow, () => instance.GetFunction("locals")!.Invoke(s_one));
                Wasm.AssertTrap(TrapCode.StackOverflow, () => instance.GetFunction("operands")!.Invoke(s_one, s_one, s_one, s_one, s_one, s_one, s_one, s_one));
            }
        },
        new() { Arguments = [locals.ToString(System.Globalization.CultureInfo.InvariantCulture)] }).AssertSucceeded();
}
