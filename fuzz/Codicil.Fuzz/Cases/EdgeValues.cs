namespace Codicil.Fuzz.Cases;

/// <summary>Numbers at which something changes: signs, widths, roundings, ranges of conversions, counts of shifts.</summary>
internal static class EdgeValues
{
    private static readonly uint[] s_i32 =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 23, 24, 25, 30, 31, 32, 33, 63, 64, 65, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000,
        0x00FF_00FF, 0x0F0F_0F0F, 0x3FFF_FFFF, 0x4000_0000, 0x5555_5555, 0x7FFF_FFFE, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xAAAA_AAAA, 0xC000_0000,
        0xFFFF_0000, 0xFFFF_7FFF, 0xFFFF_8000, 0xFFFF_FF00, 0xFFFF_FF7F, 0xFFFF_FF80, 0xFFFF_FFFE, 0xFFFF_FFFF,
    ];

    private static readonly ulong[] s_i64 =
    [
        0, 1, 2, 3, 5, 8, 31, 32, 33, 62, 63, 64, 65, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0x1_0000_0000, 0x1_0000_0001, 0x001F_FFFF_FFFF_FFFF, 0x0020_0000_0000_0000, 0x0020_0000_0000_0001, 0x3FFF_FFFF_FFFF_FFFF, 0x5555_5555_5555_5555,
        0x7FFF_FFFF_FFFF_FC00, 0x7FFF_FFFF_FFFF_FFFE, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0x8000_0000_0000_0001, 0xAAAA_AAAA_AAAA_AAAA,
        0xFFFF_FFFF_0000_0000, 0xFFFF_FFFF_7FFF_FFFF, 0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF_FFFF_8000, 0xFFFF_FFFF_FFFF_FF80, 0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF,
    ];

    private static readonly float[] s_f32 =
    [
        0f, -0f, 1f, -1f, 0.5f, -0.5f, 1.5f, -1.5f, 2.5f, -2.5f, 0.49999997f, -0.49999997f, 0.99999994f, -0.99999994f, 4194303.5f, 8388607.5f, 8388608f, -8388608.5f, 16777216f,
        1e-45f, -1e-45f, 1.17549435e-38f, 1.1754942e-38f, 3.4028235e38f, -3.4028235e38f, float.PositiveInfinity, float.NegativeInfinity, float.NaN,
        2147483520f, 2147483648f, -2147483648f, -2147483904f, 4294967040f, 4294967296f, 9223371487098961920f, 9223372036854775808f, -9223372036854775808f, -9223373136366403584f,
        18446742974197923840f, 18446744073709551616f, 3.14159274f, 1e10f, -1e-10f,
    ];

    private static readonly double[] s_f64 =
    [
        0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.49999999999999994, -0.49999999999999994, 0.99999999999999989, -0.99999999999999989, 4503599627370495.5, 4503599627370496.0,
        9007199254740992.0, 5e-324, -5e-324, 2.2250738585072014e-308, 2.2250738585072009e-308, 1.7976931348623157e308, -1.7976931348623157e308,
        double.PositiveInfinity, double.NegativeInfinity, double.NaN, 2147483647.0, 2147483647.9, 2147483648.0, -2147483648.0, -2147483648.9, -2147483649.0,
        4294967295.0, 4294967295.9, 4294967296.0, 9223372036854774784.0, 9223372036854775808.0, -9223372036854775808.0, -9223372036854777856.0,
        18446744073709549568.0, 18446744073709551616.0, 3.4028234663852886e38, 3.4028235677973366e38, 3.4028235677973362e38, 1.1754943508222875e-38, 7.0064923216240854e-46, 7.0064923216240862e-46,
        16777217.0, 1.00000005960464477539, 3.141592653589793, 1e300, -1e-300,
    ];

    public static uint I32(FuzzRandom random) => random.Below(10) switch
    {
        < 6 => random.Pick<uint>(s_i32),
        < 8 => (uint)random.Next() >> random.Below(32),
        8 => (uint)-random.Below(70),
        _ => 1u << random.Below(32),
    };

    public static ulong I64(FuzzRandom random) => random.Below(10) switch
    {
        < 6 => random.Pick<ulong>(s_i64),
        < 8 => random.Next() >> random.Below(64),
        8 => (ulong)-(long)random.Below(70),
        _ => 1UL << random.Below(64),
    };

    /// <summary>The bits of an f32; a NaN is the canonical one.</summary>
    public static uint F32(FuzzRandom random)
    {
        float value = random.Chance(70) ? random.Pick<float>(s_f32) : BitConverter.UInt32BitsToSingle((uint)random.Next());
        return float.IsNaN(value) ? 0x7FC0_0000 : BitConverter.SingleToUInt32Bits(value);
    }

    /// <summary>The bits of an f64; a NaN is the canonical one.</summary>
    public static ulong F64(FuzzRandom random)
    {
        double value = random.Chance(70) ? random.Pick<double>(s_f64) : BitConverter.UInt64BitsToDouble(random.Next());
        return double.IsNaN(value) ? 0x7FF8_0000_0000_0000 : BitConverter.DoubleToUInt64Bits(value);
    }
}
