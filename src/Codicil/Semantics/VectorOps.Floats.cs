using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Codicil.Semantics;

/// <summary>Floats and conversions. What the NaN of a result is: 4.3.3; a signalling one never comes out of arithmetic.</summary>
internal static partial class VectorOps
{
    // F32x4.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Splat(float value) => Vector128.Create(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float F32x4ExtractLane(Vector128<byte> x, int lane) => x.AsSingle().GetElement(lane);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4ReplaceLane(Vector128<byte> x, float value, int lane) => x.AsSingle().WithElement(lane, value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Eq(Vector128<byte> x, Vector128<byte> y) => Vector128.Equals(x.AsSingle(), y.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Ne(Vector128<byte> x, Vector128<byte> y) => (~Vector128.Equals(x.AsSingle(), y.AsSingle())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Lt(Vector128<byte> x, Vector128<byte> y) => Vector128.LessThan(x.AsSingle(), y.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Gt(Vector128<byte> x, Vector128<byte> y) => Vector128.GreaterThan(x.AsSingle(), y.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Le(Vector128<byte> x, Vector128<byte> y) => Vector128.LessThanOrEqual(x.AsSingle(), y.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Ge(Vector128<byte> x, Vector128<byte> y) => Vector128.GreaterThanOrEqual(x.AsSingle(), y.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Abs(Vector128<byte> x) => Vector128.Abs(x.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Neg(Vector128<byte> x) => (x.AsInt32() ^ Vector128.Create(float.NegativeZero).AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Sqrt(Vector128<byte> x) => Vector128.Sqrt(x.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Ceil(Vector128<byte> x) => Vector128.Ceiling(Quiet(x.AsSingle())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Floor(Vector128<byte> x) => Vector128.Floor(Quiet(x.AsSingle())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Trunc(Vector128<byte> x) => Vector128.Truncate(Quiet(x.AsSingle())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Nearest(Vector128<byte> x) => Vector128.Round(Quiet(x.AsSingle())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Add(Vector128<byte> x, Vector128<byte> y) => (x.AsSingle() + y.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Sub(Vector128<byte> x, Vector128<byte> y) => (x.AsSingle() - y.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Mul(Vector128<byte> x, Vector128<byte> y) => (x.AsSingle() * y.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Div(Vector128<byte> x, Vector128<byte> y) => (x.AsSingle() / y.AsSingle()).AsByte();

    /// <summary>The processor's minimum takes its second operand for zeros of any sign and for NaN: in both orders, the two results tell all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Min(Vector128<byte> x, Vector128<byte> y) => Avx512DQ.VL.IsSupported
        ? OrNaN(x.AsSingle(), y.AsSingle(), Avx512DQ.VL.Range(x.AsSingle(), y.AsSingle(), RangeMinimum)).AsByte()
        : OrNaN(x.AsSingle(), y.AsSingle(), Lesser(x.AsSingle(), y.AsSingle()) | Lesser(y.AsSingle(), x.AsSingle())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Max(Vector128<byte> x, Vector128<byte> y) => Avx512DQ.VL.IsSupported
        ? OrNaN(x.AsSingle(), y.AsSingle(), Avx512DQ.VL.Range(x.AsSingle(), y.AsSingle(), RangeMaximum)).AsByte()
        : OrNaN(x.AsSingle(), y.AsSingle(), Greater(x.AsSingle(), y.AsSingle()) & Greater(y.AsSingle(), x.AsSingle())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Pmin(Vector128<byte> x, Vector128<byte> y) => Lesser(y.AsSingle(), x.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4Pmax(Vector128<byte> x, Vector128<byte> y) => Greater(y.AsSingle(), x.AsSingle()).AsByte();

    // x < y ? x : y, which is what the instruction does.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Lesser(Vector128<float> x, Vector128<float> y) => Sse2.IsSupported
        ? Sse.Min(x, y)
        : Vector128.ConditionalSelect(Vector128.LessThan(x, y), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Greater(Vector128<float> x, Vector128<float> y) => Sse2.IsSupported
        ? Sse.Max(x, y)
        : Vector128.ConditionalSelect(Vector128.GreaterThan(x, y), x, y);

    // The sum of a NaN and a number is that NaN, quiet.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> OrNaN(Vector128<float> x, Vector128<float> y, Vector128<float> result) =>
        Vector128.ConditionalSelect(IsUnordered(x, y), x + y, result);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> IsUnordered(Vector128<float> x, Vector128<float> y) => Sse2.IsSupported
        ? Sse.CompareUnordered(x, y)
        : ~(Vector128.Equals(x, x) & Vector128.Equals(y, y));

    // Rounding instructions make NaNs quiet; without them the runtime rounds in its own way.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Quiet(Vector128<float> x) => Sse41.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported
        ? x
        : Vector128.ConditionalSelect(Vector128.Equals(x, x), x, x + x);

    // F64x2.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Splat(double value) => Vector128.Create(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double F64x2ExtractLane(Vector128<byte> x, int lane) => x.AsDouble().GetElement(lane);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2ReplaceLane(Vector128<byte> x, double value, int lane) => x.AsDouble().WithElement(lane, value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Eq(Vector128<byte> x, Vector128<byte> y) => Vector128.Equals(x.AsDouble(), y.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Ne(Vector128<byte> x, Vector128<byte> y) => (~Vector128.Equals(x.AsDouble(), y.AsDouble())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Lt(Vector128<byte> x, Vector128<byte> y) => Vector128.LessThan(x.AsDouble(), y.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Gt(Vector128<byte> x, Vector128<byte> y) => Vector128.GreaterThan(x.AsDouble(), y.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Le(Vector128<byte> x, Vector128<byte> y) => Vector128.LessThanOrEqual(x.AsDouble(), y.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Ge(Vector128<byte> x, Vector128<byte> y) => Vector128.GreaterThanOrEqual(x.AsDouble(), y.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Abs(Vector128<byte> x) => Vector128.Abs(x.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Neg(Vector128<byte> x) => (x.AsInt64() ^ Vector128.Create(double.NegativeZero).AsInt64()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Sqrt(Vector128<byte> x) => Vector128.Sqrt(x.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Ceil(Vector128<byte> x) => Vector128.Ceiling(Quiet(x.AsDouble())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Floor(Vector128<byte> x) => Vector128.Floor(Quiet(x.AsDouble())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Trunc(Vector128<byte> x) => Vector128.Truncate(Quiet(x.AsDouble())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Nearest(Vector128<byte> x) => Vector128.Round(Quiet(x.AsDouble())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Add(Vector128<byte> x, Vector128<byte> y) => (x.AsDouble() + y.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Sub(Vector128<byte> x, Vector128<byte> y) => (x.AsDouble() - y.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Mul(Vector128<byte> x, Vector128<byte> y) => (x.AsDouble() * y.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Div(Vector128<byte> x, Vector128<byte> y) => (x.AsDouble() / y.AsDouble()).AsByte();

    /// <summary>The processor's minimum takes its second operand for zeros of any sign and for NaN: in both orders, the two results tell all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Min(Vector128<byte> x, Vector128<byte> y) => Avx512DQ.VL.IsSupported
        ? OrNaN(x.AsDouble(), y.AsDouble(), Avx512DQ.VL.Range(x.AsDouble(), y.AsDouble(), RangeMinimum)).AsByte()
        : OrNaN(x.AsDouble(), y.AsDouble(), Lesser(x.AsDouble(), y.AsDouble()) | Lesser(y.AsDouble(), x.AsDouble())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Max(Vector128<byte> x, Vector128<byte> y) => Avx512DQ.VL.IsSupported
        ? OrNaN(x.AsDouble(), y.AsDouble(), Avx512DQ.VL.Range(x.AsDouble(), y.AsDouble(), RangeMaximum)).AsByte()
        : OrNaN(x.AsDouble(), y.AsDouble(), Greater(x.AsDouble(), y.AsDouble()) & Greater(y.AsDouble(), x.AsDouble())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Pmin(Vector128<byte> x, Vector128<byte> y) => Lesser(y.AsDouble(), x.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2Pmax(Vector128<byte> x, Vector128<byte> y) => Greater(y.AsDouble(), x.AsDouble()).AsByte();

    // x < y ? x : y, which is what the instruction does.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Lesser(Vector128<double> x, Vector128<double> y) => Sse2.IsSupported
        ? Sse2.Min(x, y)
        : Vector128.ConditionalSelect(Vector128.LessThan(x, y), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Greater(Vector128<double> x, Vector128<double> y) => Sse2.IsSupported
        ? Sse2.Max(x, y)
        : Vector128.ConditionalSelect(Vector128.GreaterThan(x, y), x, y);

    // The sum of a NaN and a number is that NaN, quiet.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> OrNaN(Vector128<double> x, Vector128<double> y, Vector128<double> result) =>
        Vector128.ConditionalSelect(IsUnordered(x, y), x + y, result);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> IsUnordered(Vector128<double> x, Vector128<double> y) => Sse2.IsSupported
        ? Sse2.CompareUnordered(x, y)
        : ~(Vector128.Equals(x, x) & Vector128.Equals(y, y));

    // Rounding instructions make NaNs quiet; without them the runtime rounds in its own way.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Quiet(Vector128<double> x) => Sse41.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported
        ? x
        : Vector128.ConditionalSelect(Vector128.Equals(x, x), x, x + x);

    // Conversions.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4ConvertI32x4S(Vector128<byte> x) => Vector128.ConvertToSingle(x.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4ConvertI32x4U(Vector128<byte> x) => Vector128.ConvertToSingle(x.AsUInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2ConvertLowI32x4S(Vector128<byte> x) =>
        Vector128.ConvertToDouble(Vector128.WidenLower(x.AsInt32())).AsByte();

    // As the low bits of 2^52 + x, from which 2^52 is subtracted: both exact.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2ConvertLowI32x4U(Vector128<byte> x) =>
        ((Vector128.WidenLower(x.AsUInt32()) | Vector128.Create(TwoTo52).AsUInt64()).AsDouble() - Vector128.Create(TwoTo52)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4DemoteF64x2Zero(Vector128<byte> x) =>
        Vector128.Narrow(Quiet(x.AsDouble()), Vector128<double>.Zero).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2PromoteLowF32x4(Vector128<byte> x) =>
        Vector128.WidenLower(Quiet(x.AsSingle())).AsByte();

    // The processor gives 0x80000000 for what does not fit. Zero for NaN comes from the mask, the greatest number from turning all bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4TruncSatF32x4S(Vector128<byte> x)
    {
        if (!Sse2.IsSupported)
        {
            return Vector128.ConvertToInt32(x.AsSingle()).AsByte();
        }

        Vector128<float> value = x.AsSingle();
        Vector128<int> truncated = Sse2.ConvertToVector128Int32WithTruncation(value & Vector128.Equals(value, value));
        return (truncated ^ Vector128.GreaterThanOrEqual(value, Vector128.Create(TwoTo31)).AsInt32()).AsByte();
    }

    // Negative numbers and NaN become 0 first. What is 2^31 or more is converted less 2^31, and added.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4TruncSatF32x4U(Vector128<byte> x)
    {
        if (!Sse2.IsSupported)
        {
            return Vector128.ConvertToUInt32(x.AsSingle()).AsByte();
        }

        Vector128<float> value = Sse.Max(x.AsSingle(), Vector128<float>.Zero);
        if (Avx512F.VL.IsSupported)
        {
            return Avx512F.VL.ConvertToVector128UInt32WithTruncation(value).AsByte();
        }

        Vector128<float> excess = value - Vector128.Create(TwoTo31);
        Vector128<int> overflow = Vector128.GreaterThanOrEqual(excess, Vector128.Create(TwoTo31)).AsInt32();
        Vector128<int> high = Vector128.Max(Sse2.ConvertToVector128Int32WithTruncation(excess) ^ overflow, Vector128<int>.Zero);
        return (Sse2.ConvertToVector128Int32WithTruncation(value) + high).AsByte();
    }

    // The bound that is taken away from NaN is 0, and the minimum gives its second operand for NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4TruncSatF64x2SZero(Vector128<byte> x)
    {
        Vector128<double> value = x.AsDouble();
        Vector128<double> bound = Vector128.Equals(value, value) & Vector128.Create((double)int.MaxValue);
        return Sse2.IsSupported
            ? Sse2.ConvertToVector128Int32WithTruncation(Sse2.Min(value, bound)).AsByte()
            : Vector128.NarrowWithSaturation(Vector128.ConvertToInt64(value), Vector128<long>.Zero).AsByte();
    }

    // The bits of a whole number below 2^32 are the low ones of 2^52 and the number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4TruncSatF64x2UZero(Vector128<byte> x)
    {
        Vector128<double> value = Greater(x.AsDouble(), Vector128<double>.Zero);
        if (Avx512F.VL.IsSupported)
        {
            return Avx512F.VL.ConvertToVector128UInt32WithTruncation(value).AsByte();
        }

        Vector128<double> whole = Vector128.Truncate(Lesser(value, Vector128.Create((double)uint.MaxValue)));
        Vector128<double> sum = whole + Vector128.Create(TwoTo52);
        return Sse2.IsSupported
            ? Sse.Shuffle(sum.AsSingle(), Vector128<float>.Zero, 0b10_00_10_00).AsByte()
            : Vector128.Narrow(sum.AsUInt64(), Vector128<ulong>.Zero).AsByte();
    }

    private const float TwoTo31 = 2147483648.0f;
    private const double TwoTo52 = 4503599627370496.0;

    // The sign comes from the comparison, so that -0 is less than 0.
    private const byte RangeMinimum = 0b01_00;
    private const byte RangeMaximum = 0b01_01;
}
