using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Codicil.Semantics;

/// <summary>The numeric instructions whose meaning is more than one CIL instruction (4.3). Small on purpose: the JIT inlines them.</summary>
internal static class NumericOps
{
    // Constants that the JIT must not know: it drops x * 1, x - 0 and the like, and a signalling NaN would come out as it went in (4.3.3).
#pragma warning disable CA2211 // Never written; a readonly field would be a constant to the JIT.
    public static int I32Zero;
    public static float F32Zero;
    public static float F32NegativeZero = -0.0f;
    public static float F32One = 1.0f;
    public static float F32MinusOne = -1.0f;
    public static double F64Zero;
    public static double F64NegativeZero = -0.0;
    public static double F64One = 1.0;
    public static double F64MinusOne = -1.0;
#pragma warning restore CA2211

    /// <summary>A signalling NaN: in the JIT's hands f32 constants pass through f64, which makes them quiet.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static float F32FromBits(int bits) => BitConverter.Int32BitsToSingle(bits);

    // Not conv.r4: the JIT would drop the pair with the promotion before it, and a signalling NaN would stay one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float F32DemoteF64(double value) => Sse2.IsSupported
        ? Sse2.ConvertScalarToVector128Single(Vector128<float>.Zero, Vector128.CreateScalarUnsafe(value)).ToScalar()
        : DemoteQuietly(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int I32RemS(int dividend, int divisor) => divisor == -1 ? 0 : dividend % divisor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long I64RemS(long dividend, long divisor) => divisor == -1 ? 0 : dividend % divisor;

    // The runtime's Min and Max return a NaN operand as it is; here a signalling one must come out quiet (4.3.3).
    public static float F32Min(float x, float y) => x < y ? x : y < x ? y : x == y ? BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(x) | BitConverter.SingleToUInt32Bits(y)) : x + y;

    public static float F32Max(float x, float y) => x > y ? x : y > x ? y : x == y ? BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(x) & BitConverter.SingleToUInt32Bits(y)) : x + y;

    public static double F64Min(double x, double y) => x < y ? x : y < x ? y : x == y ? BitConverter.UInt64BitsToDouble(BitConverter.DoubleToUInt64Bits(x) | BitConverter.DoubleToUInt64Bits(y)) : x + y;

    public static double F64Max(double x, double y) => x > y ? x : y > x ? y : x == y ? BitConverter.UInt64BitsToDouble(BitConverter.DoubleToUInt64Bits(x) & BitConverter.DoubleToUInt64Bits(y)) : x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float F32CopySign(float magnitude, float sign) =>
        BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(magnitude) & 0x7FFF_FFFF) | (BitConverter.SingleToUInt32Bits(sign) & 0x8000_0000));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double F64CopySign(double magnitude, double sign) =>
        BitConverter.UInt64BitsToDouble((BitConverter.DoubleToUInt64Bits(magnitude) & 0x7FFF_FFFF_FFFF_FFFF) | (BitConverter.DoubleToUInt64Bits(sign) & 0x8000_0000_0000_0000));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int I32TruncF64S(double value)
    {
        if (!(value > -2147483649.0 && value < 2147483648.0))
        {
            Traps.BadTruncation(value);
        }

        return double.ConvertToIntegerNative<int>(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int I32TruncF64U(double value)
    {
        if (!(value > -1.0 && value < 4294967296.0))
        {
            Traps.BadTruncation(value);
        }

        return (int)double.ConvertToIntegerNative<long>(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long I64TruncF64S(double value)
    {
        if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0))
        {
            Traps.BadTruncation(value);
        }

        return double.ConvertToIntegerNative<long>(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long I64TruncF64U(double value)
    {
        if (!(value > -1.0 && value < 18446744073709551616.0))
        {
            Traps.BadTruncation(value);
        }

        return (long)(ulong)value;
    }

    // Every f32 is an f64, and the bounds mean the same.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int I32TruncF32S(float value) => I32TruncF64S(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int I32TruncF32U(float value) => I32TruncF64U(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long I64TruncF32S(float value) => I64TruncF64S(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long I64TruncF32U(float value) => I64TruncF64U(value);

    private static float DemoteQuietly(double value) => double.IsNaN(value) ? (float)(value + value) : (float)value;

    public static int I32TruncSatF64S(double value) => (int)value;

    public static int I32TruncSatF64U(double value) => (int)(uint)value;

    public static long I64TruncSatF64S(double value) => (long)value;

    public static long I64TruncSatF64U(double value) => (long)(ulong)value;

    public static int I32TruncSatF32S(float value) => (int)(double)value;

    public static int I32TruncSatF32U(float value) => (int)(uint)(double)value;

    public static long I64TruncSatF32S(float value) => (long)(double)value;

    public static long I64TruncSatF32U(float value) => (long)(ulong)(double)value;

    public static float F32ConvertI32U(int value) => (float)(long)(uint)value;

    // Rounded once: a value that needs 64 bits is halved, its lost bit kept as a sticky bit.
    public static float F32ConvertI64U(long value) => value >= 0
        ? (float)value
        : 2.0f * (float)(long)(((ulong)value >> 1) | ((ulong)value & 1));

    public static double F64ConvertI32U(int value) => (double)(long)(uint)value;

    public static double F64ConvertI64U(long value) => value >= 0
        ? (double)value
        : 2.0 * (double)(long)(((ulong)value >> 1) | ((ulong)value & 1));

    public static int I32Rotl(int value, int count) => (int)BitOperations.RotateLeft((uint)value, count);

    public static int I32Rotr(int value, int count) => (int)BitOperations.RotateRight((uint)value, count);

    public static long I64Rotl(long value, long count) => (long)BitOperations.RotateLeft((ulong)value, (int)count);

    public static long I64Rotr(long value, long count) => (long)BitOperations.RotateRight((ulong)value, (int)count);

    /// <summary>The upper half of a product of 128 bits.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    public static long MultiplyHighU(long x, long y) => (long)Math.BigMul((ulong)x, (ulong)y, out _);

    /// <summary>The upper half of a signed product of 128 bits.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    public static long MultiplyHighS(long x, long y) => Math.BigMul(x, y, out _);
}
