using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Codicil.Semantics;

/// <summary>Instructions that move lanes, join neighbours, or make lanes narrower.</summary>
internal static partial class VectorOps
{
    // The processor's shuffle gives 0 where bit 7 of the index is set: adding 0x70 without wrapping sets it from 16 on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I8x16Swizzle(Vector128<byte> x, Vector128<byte> indices) => Ssse3.IsSupported
        ? Ssse3.Shuffle(x, Sse2.AddSaturate(indices, Vector128.Create((byte)0x70)))
        : Vector128.Shuffle(x, indices);

    /// <summary>The bytes of one vector in another order; an index of 16 and more gives 0. The indices are constants of the instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Shuffle(Vector128<byte> x, long low, long high) => Vector128.Shuffle(x, Vector128.Create(low, high).AsByte());

    /// <summary>
    /// i8x16.shuffle: from each operand its bytes in their places, or 0. The emitter makes the pairs of constants; for many shuffles it knows a
    /// shorter way.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I8x16Shuffle(Vector128<byte> x, Vector128<byte> y, long lowOfX, long highOfX, long lowOfY, long highOfY) =>
        Shuffle(x, lowOfX, highOfX) | Shuffle(y, lowOfY, highOfY);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I8x16NarrowI16x8S(Vector128<byte> x, Vector128<byte> y) =>
        Vector128.NarrowWithSaturation(x.AsInt16(), y.AsInt16()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I8x16NarrowI16x8U(Vector128<byte> x, Vector128<byte> y) =>
        Vector128.Narrow(
            Vector128.Clamp(x.AsInt16(), Vector128<short>.Zero, Vector128.Create((short)byte.MaxValue)).AsUInt16(),
            Vector128.Clamp(y.AsInt16(), Vector128<short>.Zero, Vector128.Create((short)byte.MaxValue)).AsUInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I16x8NarrowI32x4S(Vector128<byte> x, Vector128<byte> y) =>
        Vector128.NarrowWithSaturation(x.AsInt32(), y.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I16x8NarrowI32x4U(Vector128<byte> x, Vector128<byte> y) =>
        Vector128.Narrow(
            Vector128.Clamp(x.AsInt32(), Vector128<int>.Zero, Vector128.Create((int)ushort.MaxValue)).AsUInt32(),
            Vector128.Clamp(y.AsInt32(), Vector128<int>.Zero, Vector128.Create((int)ushort.MaxValue)).AsUInt32()).AsByte();

    // A table of 16 counts for each half of a byte, or the sums of neighbouring bits, pairs and halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I8x16Popcnt(Vector128<byte> x)
    {
        Vector128<byte> half = Vector128.Create((byte)0x0F);
        if (Ssse3.IsSupported)
        {
            Vector128<byte> counts = Vector128.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
            return Ssse3.Shuffle(counts, x & half) + Ssse3.Shuffle(counts, (x.AsUInt16() >>> 4).AsByte() & half);
        }

        Vector128<byte> pairs = x - ((x.AsUInt16() >>> 1).AsByte() & Vector128.Create((byte)0x55));
        Vector128<byte> halves = (pairs & Vector128.Create((byte)0x33)) + ((pairs.AsUInt16() >>> 2).AsByte() & Vector128.Create((byte)0x33));
        return (halves + (halves.AsUInt16() >>> 4).AsByte()) & half;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I16x8ExtaddPairwiseI8x16S(Vector128<byte> x) => Ssse3.IsSupported
        ? Ssse3.MultiplyAddAdjacent(Vector128.Create((byte)1), x.AsSByte()).AsByte()
        : (((x.AsInt16() << 8) >> 8) + (x.AsInt16() >> 8)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I16x8ExtaddPairwiseI8x16U(Vector128<byte> x) => Ssse3.IsSupported
        ? Ssse3.MultiplyAddAdjacent(x, Vector128.Create((sbyte)1)).AsByte()
        : ((x.AsUInt16() & Vector128.Create((ushort)0xFF)) + (x.AsUInt16() >>> 8)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4ExtaddPairwiseI16x8S(Vector128<byte> x) => Sse2.IsSupported
        ? Sse2.MultiplyAddAdjacent(x.AsInt16(), Vector128.Create((short)1)).AsByte()
        : (((x.AsInt32() << 16) >> 16) + (x.AsInt32() >> 16)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4ExtaddPairwiseI16x8U(Vector128<byte> x) =>
        ((x.AsUInt32() & Vector128.Create(0xFFFFu)) + (x.AsUInt32() >>> 16)).AsByte();

    // Neighbours are added where both are in one 64-bit lane, whose lower half then has the sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I32x4DotI16x8S(Vector128<byte> x, Vector128<byte> y)
    {
        Vector128<int> low = Vector128.WidenLower(x.AsInt16()) * Vector128.WidenLower(y.AsInt16());
        Vector128<int> high = Vector128.WidenUpper(x.AsInt16()) * Vector128.WidenUpper(y.AsInt16());
        low += (low.AsInt64() >>> 32).AsInt32();
        high += (high.AsInt64() >>> 32).AsInt32();
        return Vector128.Narrow(low.AsInt64(), high.AsInt64()).AsByte();
    }

    // Only -1 times -1 is not representable, and is what the instruction gives as -1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> I16x8Q15mulrSatS(Vector128<byte> x, Vector128<byte> y)
    {
        if (Ssse3.IsSupported)
        {
            Vector128<short> product = Ssse3.MultiplyHighRoundScale(x.AsInt16(), y.AsInt16());
            return (product ^ Vector128.Equals(product, Vector128.Create(short.MinValue))).AsByte();
        }

        Vector128<int> half = Vector128.Create(0x4000);
        Vector128<int> low = ((Vector128.WidenLower(x.AsInt16()) * Vector128.WidenLower(y.AsInt16())) + half) >> 15;
        Vector128<int> high = ((Vector128.WidenUpper(x.AsInt16()) * Vector128.WidenUpper(y.AsInt16())) + half) >> 15;
        return Vector128.NarrowWithSaturation(low, high).AsByte();
    }

    // The two lanes of 32 bits, each in the lower half of 64.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> SpreadLow(Vector128<byte> x) => Vector128.Shuffle(x.AsInt32(), Vector128.Create(0, 0, 1, 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> SpreadHigh(Vector128<byte> x) => Vector128.Shuffle(x.AsInt32(), Vector128.Create(2, 2, 3, 3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> MultiplyEvenS(Vector128<int> x, Vector128<int> y) => Sse41.IsSupported
        ? Sse41.Multiply(x, y).AsByte()
        : (((x.AsInt64() << 32) >> 32) * ((y.AsInt64() << 32) >> 32)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> MultiplyEvenU(Vector128<int> x, Vector128<int> y) => Sse2.IsSupported
        ? Sse2.Multiply(x.AsUInt32(), y.AsUInt32()).AsByte()
        : ((x.AsUInt64() & Vector128.Create(0xFFFF_FFFFul)) * (y.AsUInt64() & Vector128.Create(0xFFFF_FFFFul))).AsByte();

    // What the emitter's loads leave, as a v128.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> FromInt32(int value) => Vector128.CreateScalar(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> FromInt64(long value) => Vector128.CreateScalar(value).AsByte();
}
