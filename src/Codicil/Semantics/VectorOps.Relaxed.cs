using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Codicil.Semantics;

/// <summary>
/// The relaxed instructions (4.3.4). Those named like an instruction give what the deterministic profile says; those named Native what the processor gives,
/// which the specification allows as well. Where the two would differ only in what no program asks for, there is only the first.
/// </summary>
internal static partial class VectorOps
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4RelaxedMadd(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) => ((x.AsSingle() * y.AsSingle()) + z.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4RelaxedNmadd(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) => F32x4RelaxedMadd(F32x4Neg(x), y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2RelaxedMadd(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) => ((x.AsDouble() * y.AsDouble()) + z.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2RelaxedNmadd(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) => F64x2RelaxedMadd(F64x2Neg(x), y, z);

    // Neighbours' products, which are added modulo 2^16.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I16x8RelaxedDotI8x16I7x16S(Vector128<byte> x, Vector128<byte> y) =>
        ((((x.AsInt16() << 8) >> 8) * ((y.AsInt16() << 8) >> 8)) + ((x.AsInt16() >> 8) * (y.AsInt16() >> 8))).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4RelaxedDotI8x16I7x16AddS(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) =>
        (I32x4ExtaddPairwiseI16x8S(I16x8RelaxedDotI8x16I7x16S(x, y)).AsInt32() + z.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4NativeMadd(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) =>
        Fma.IsSupported ? Fma.MultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle()).AsByte()
        : AdvSimd.IsSupported ? AdvSimd.FusedMultiplyAdd(z.AsSingle(), x.AsSingle(), y.AsSingle()).AsByte()
        : F32x4RelaxedMadd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4NativeNmadd(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) =>
        Fma.IsSupported ? Fma.MultiplyAddNegated(x.AsSingle(), y.AsSingle(), z.AsSingle()).AsByte()
        : F32x4NativeMadd(F32x4Neg(x), y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2NativeMadd(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) =>
        Fma.IsSupported ? Fma.MultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble()).AsByte()
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.FusedMultiplyAdd(z.AsDouble(), x.AsDouble(), y.AsDouble()).AsByte()
        : F64x2RelaxedMadd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2NativeNmadd(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z) =>
        Fma.IsSupported ? Fma.MultiplyAddNegated(x.AsDouble(), y.AsDouble(), z.AsDouble()).AsByte()
        : F64x2NativeMadd(F64x2Neg(x), y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I8x16NativeSwizzle(Vector128<byte> x, Vector128<byte> indices) =>
        Ssse3.IsSupported ? Ssse3.Shuffle(x, indices) : I8x16Swizzle(x, indices);

    // The processor's minimum gives its second operand for NaN and for zeros: one of the four choices, the same for both.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4NativeMin(Vector128<byte> x, Vector128<byte> y) => Sse.IsSupported ? Sse.Min(x.AsSingle(), y.AsSingle()).AsByte() : F32x4Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F32x4NativeMax(Vector128<byte> x, Vector128<byte> y) => Sse.IsSupported ? Sse.Max(x.AsSingle(), y.AsSingle()).AsByte() : F32x4Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2NativeMin(Vector128<byte> x, Vector128<byte> y) => Sse2.IsSupported ? Sse2.Min(x.AsDouble(), y.AsDouble()).AsByte() : F64x2Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> F64x2NativeMax(Vector128<byte> x, Vector128<byte> y) => Sse2.IsSupported ? Sse2.Max(x.AsDouble(), y.AsDouble()).AsByte() : F64x2Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4NativeTruncF32x4S(Vector128<byte> x) =>
        Sse2.IsSupported ? Sse2.ConvertToVector128Int32WithTruncation(x.AsSingle()).AsByte() : I32x4TruncSatF32x4S(x);
}
