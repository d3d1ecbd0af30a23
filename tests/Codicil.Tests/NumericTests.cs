namespace Codicil.Tests;

/// <summary>Where .NET's arithmetic and WebAssembly's differ, and the bits of NaNs.</summary>
public sealed class NumericTests
{
    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-06")]
    public void Division_and_truncation_trap_as_the_specification_has_it(MemoryProtection mode)
    {
        string[] divisions = ["div_s", "div_u", "rem_s", "rem_u"];
        string text = "(module " + string.Concat(divisions.SelectMany(static name => new[] { "i32", "i64" }.Select(type => $"""
            (func (export "{type}.{name}") (param {type} {type}) (result {type}) ({type}.{name} (local.get 0) (local.get 1)))
            (func (export "{type}.{name}.zero") (param {type}) (result {type}) ({type}.{name} (local.get 0) ({type}.const 0)))
            (func (export "{type}.{name}.one") (param {type}) (result {type}) ({type}.{name} (local.get 0) ({type}.const -1)))
            (func (export "{type}.{name}.dead") (param {type} {type}) (drop ({type}.{name} (local.get 0) (local.get 1))))
            """))) + ")";
        Instance instance = Wasm.Instantiate(text, mode);
        object? Call(string name, params object?[] arguments) => instance.GetFunction(name)!.Invoke(arguments);
        foreach (string type in new[] { "i32", "i64" })
        {
            object least = type == "i32" ? (object)int.MinValue : long.MinValue;
            object minusOne = type == "i32" ? (object)-1 : -1L;
            object zero = type == "i32" ? (object)0 : 0L;
            foreach (string division in divisions)
            {
                string name = $"{type}.{division}";
                Wasm.AssertTrap(TrapCode.IntegerDivisionByZero, () => Call(name, least, zero));
                Wasm.AssertTrap(TrapCode.IntegerDivisionByZero, () => Call(name, zero, zero));
                Wasm.AssertTrap(TrapCode.IntegerDivisionByZero, () => Call(name + ".zero", least));
                Wasm.AssertTrap(TrapCode.IntegerDivisionByZero, () => Call(name + ".dead", least, zero));
            }

            foreach (string suffix in new[] { "", ".dead" })
            {
                Wasm.AssertTrap(TrapCode.IntegerOverflow, () => Call($"{type}.div_s{suffix}", least, minusOne));
                Call($"{type}.rem_s{suffix}", least, minusOne);
            }

            Wasm.AssertTrap(TrapCode.IntegerOverflow, () => Call($"{type}.div_s.one", least));
            Assert.Equal(zero, Call($"{type}.rem_s", least, minusOne));
            Assert.Equal(zero, Call($"{type}.rem_s.one", least));
            Assert.Equal(zero, Call($"{type}.div_u", least, minusOne));
            Assert.Equal(least, Call($"{type}.rem_u", least, minusOne));
        }

        Assert.Equal(-2, Call("i32.div_s", -7, 3));
        Assert.Equal(-1, Call("i32.rem_s", -7, 3));
        Assert.Equal(1, Call("i32.rem_s", 7, -3));
        Assert.Equal(unchecked((int)((uint)-7 / 3)), Call("i32.div_u", -7, 3));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-06")]
    public void Truncation_at_its_edges(MemoryProtection mode)
    {
        string[] kinds = [.. from integer in new[] { "i32", "i64" } from number in new[] { "f32", "f64" } from sign in new[] { "s", "u" } select $"{integer} {number} {sign}"];
        Instance instance = Wasm.Instantiate(
            "(module " + string.Concat(kinds.Select(static kind =>
            {
                string[] parts = kind.Split(' ');
                return $"""
                    (func (export "{kind}") (param {parts[1]}) (result {parts[0]}) ({parts[0]}.trunc_{parts[1]}_{parts[2]} (local.get 0)))
                    (func (export "{kind} sat") (param {parts[1]}) (result {parts[0]}) ({parts[0]}.trunc_sat_{parts[1]}_{parts[2]} (local.get 0)))
                    """;
            })) + ")",
            mode);
        foreach (string kind in kinds)
        {
            string[] parts = kind.Split(' ');
            bool isSingle = parts[1] == "f32";
            bool isSigned = parts[2] == "s";
            int width = parts[0] == "i32" ? 32 : 64;
            Func<double, object?> trap = isSingle ? value => instance.GetFunction(kind)!.Invoke((float)value) : value => instance.GetFunction(kind)!.Invoke(value);
            Func<double, object?> saturate = isSingle ? value => instance.GetFunction(kind + " sat")!.Invoke((float)value) : value => instance.GetFunction(kind + " sat")!.Invoke(value);
            Int128 least = isSigned ? -(Int128.One << (width - 1)) : 0;
            Int128 most = (Int128.One << (isSigned ? width - 1 : width)) - 1;
            Wasm.AssertTrap(TrapCode.BadConversionToInteger, () => trap(double.NaN));
            Assert.Equal(0L, Convert.ToInt64(saturate(double.NaN), System.Globalization.CultureInfo.InvariantCulture));
            double above = Math.ScaleB(1, isSigned ? width - 1 : width);
            double inside = isSingle ? MathF.BitDecrement((float)above) : Math.BitDecrement(above);
            double below = (double)least - 1;
            below = isSingle && (float)below == (float)least ? MathF.BitDecrement((float)least) : below == (double)least ? Math.BitDecrement((double)least) : below;
            double lowest = isSigned ? (double)least : -0.99;
            Assert.Equal(Bits((Int128)inside, width), trap(inside));
            Assert.Equal(Bits((Int128)lowest, width), trap(lowest));
            Assert.Equal(Bits((Int128)inside, width), saturate(inside));
            foreach (double outside in new[] { above, double.PositiveInfinity })
            {
                Wasm.AssertTrap(TrapCode.IntegerOverflow, () => trap(outside));
                Assert.Equal(Bits(most, width), saturate(outside));
            }

            foreach (double outside in new[] { below, double.NegativeInfinity })
            {
                Wasm.AssertTrap(TrapCode.IntegerOverflow, () => trap(outside));
                Assert.Equal(Bits(least, width), saturate(outside));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-07")]
    public void The_bits_of_a_nan_survive_every_way(MemoryProtection mode)
    {
        Instance instance = Wasm.Instantiate(
            """
            (module
              (import "host" "f32" (func $h32 (param f32) (result f32))) (import "host" "f64" (func $h64 (param f64) (result f64)))
              (import "host" "raw" (func $raw (param f32 f64) (result f32 f64)))
              (memory (export "memory") 1) (global $g32 (export "g32") (mut f32) (f32.const 0)) (global $g64 (export "g64") (mut f64) (f64.const 0))
              (global $p32 (mut f32) (f32.const 0)) (global $p64 (mut f64) (f64.const 0))
              (func $id32 (param f32) (result f32) local.get 0) (func $id64 (param f64) (result f64) local.get 0)
              (type $t32 (func (param f32) (result f32))) (type $t64 (func (param f64) (result f64))) (table funcref (elem $id32 $id64))
              (func (export "i32") (param i32) (result i32) (local f32 f32)
                (local.set 1 (f32.reinterpret_i32 (local.get 0)))
                (local.set 2 (call $h32 (call $id32 (local.get 1))))
                (global.set $g32 (call_indirect (type $t32) (local.get 2) (i32.const 0)))
                (f32.store (i32.const 1) (global.get $g32))
                (global.set $p32 (f32.load (i32.const 1)))
                (call $raw (select (global.get $p32) (f32.const 1) (i32.const 1)) (f64.const 0)) drop
                (i32.reinterpret_f32))
              (func (export "i64") (param i64) (result i64) (local f64 f64)
                (local.set 1 (f64.reinterpret_i64 (local.get 0)))
                (local.set 2 (call $h64 (call $id64 (local.get 1))))
                (global.set $g64 (call_indirect (type $t64) (local.get 2) (i32.const 1)))
                (f64.store (i32.const 3) (global.get $g64))
                (global.set $p64 (f64.load (i32.const 3)))
                (call $raw (f32.const 0) (block (result f64) (global.get $p64))) (local.set 1) drop
                (i64.reinterpret_f64 (local.get 1)))
              (func (export "abs32") (param i32) (result i32) (i32.reinterpret_f32 (f32.abs (f32.reinterpret_i32 (local.get 0)))))
              (func (export "neg32") (param i32) (result i32) (i32.reinterpret_f32 (f32.neg (f32.reinterpret_i32 (local.get 0)))))
              (func (export "sign32") (param i32 i32) (result i32) (i32.reinterpret_f32 (f32.copysign (f32.reinterpret_i32 (local.get 0)) (f32.reinterpret_i32 (local.get 1)))))
              (func (export "abs64") (param i64) (result i64) (i64.reinterpret_f64 (f64.abs (f64.reinterpret_i64 (local.get 0)))))
              (func (export "neg64") (param i64) (result i64) (i64.reinterpret_f64 (f64.neg (f64.reinterpret_i64 (local.get 0)))))
              (func (export "sign64") (param i64 i64) (result i64) (i64.reinterpret_f64 (f64.copysign (f64.reinterpret_i64 (local.get 0)) (f64.reinterpret_i64 (local.get 1)))))
              (func (export "const32") (result i32) (i32.reinterpret_f32 (f32.const nan:0x200001))) (func (export "const64") (result i64) (i64.reinterpret_f64 (f64.const -nan:0x4000000000001)))
              (func (export "f32") (result f32) (f32.const -nan:0x200001)) (func (export "f64") (result f64) (f64.const nan:0x4000000000001)))
            """,
            mode,
            define: static linker => linker
                .DefineFunction("host", "f32", static (float value) => value)
                .DefineFunction("host", "f64", static (double value) => value)
                .DefineFunction(
                    "host",
                    "raw",
                    new Format.Types.FunctionType([Format.Types.ValType.F32, Format.Types.ValType.F64], [Format.Types.ValType.F32, Format.Types.ValType.F64]),
                    static (_, parameters, results) => parameters.CopyTo(results)));
        foreach (uint bits in new[] { 0x7FA0_0001u, 0xFFA0_0001u, 0x7F80_0001u, 0x7FC0_0000u, 0xFFFF_FFFFu, 0x7FFF_FFFFu, 0x8000_0000u })
        {
            Assert.Equal(unchecked((int)bits), instance.GetFunction<Func<int, int>>("i32")!(unchecked((int)bits)));
            Assert.Equal(bits, BitConverter.SingleToUInt32Bits(instance.GetGlobal("g32")!.Value.AsF32()));
            Assert.Equal(bits, BitConverter.SingleToUInt32Bits(instance.GetMemory("memory")!.ReadSingle(1)));
            Assert.Equal(bits & 0x7FFF_FFFF, instance.GetFunction<Func<uint, uint>>("abs32")!(bits));
            Assert.Equal(bits ^ 0x8000_0000, instance.GetFunction<Func<uint, uint>>("neg32")!(bits));
            Assert.Equal((bits & 0x7FFF_FFFF) | 0x8000_0000, instance.GetFunction<Func<uint, uint, uint>>("sign32")!(bits, 0xFFA0_0000));
            Assert.Equal(Value.FromF32(BitConverter.UInt32BitsToSingle(bits)), RoundTrip(Value.FromF32(BitConverter.UInt32BitsToSingle(bits)), instance.Store));
        }

        foreach (ulong bits in new[] { 0x7FF4_0000_0000_0001ul, 0xFFF4_0000_0000_0001ul, 0x7FF0_0000_0000_0001ul, 0x7FF8_0000_0000_0000ul, ulong.MaxValue, 0x8000_0000_0000_0000ul })
        {
            Assert.Equal(bits, instance.GetFunction<Func<ulong, ulong>>("i64")!(bits));
            Assert.Equal(bits, BitConverter.DoubleToUInt64Bits(instance.GetGlobal("g64")!.Value.AsF64()));
            Assert.Equal(bits & long.MaxValue, instance.GetFunction<Func<ulong, ulong>>("abs64")!(bits));
            Assert.Equal(bits ^ 0x8000_0000_0000_0000, instance.GetFunction<Func<ulong, ulong>>("neg64")!(bits));
            Assert.Equal((bits & long.MaxValue) | 0x8000_0000_0000_0000, instance.GetFunction<Func<ulong, ulong, ulong>>("sign64")!(bits, 0xFFF4_0000_0000_0000));
        }

        Assert.Equal(0x7FA0_0001, instance.GetFunction("const32")!.Invoke());
        Assert.Equal(unchecked((long)0xFFF4_0000_0000_0001), instance.GetFunction("const64")!.Invoke());
        Assert.Equal(0xFFA0_0001, BitConverter.SingleToUInt32Bits(instance.GetFunction<Func<float>>("f32")!()));
        Assert.Equal(0x7FF4_0000_0000_0001u, BitConverter.DoubleToUInt64Bits(instance.GetFunction<Func<double>>("f64")!()));
    }

    private static Value RoundTrip(Value value, Store store)
    {
        Global global = Global.Create(store, new Format.Types.GlobalType(value.Type, true), value);
        global.Value = global.Value;
        return global.Value;
    }

#pragma warning disable CA1859 // It returns an int or a long, as a call does.
    private static object Bits(Int128 value, int width)
    {
        if (width == 32)
        {
            return unchecked((int)(uint)(ulong)value);
        }

        return unchecked((long)(ulong)value);
    }
#pragma warning restore CA1859
}
