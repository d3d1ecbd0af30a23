using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Codicil.Runtime;

/// <summary>Copies between addresses, as if through a buffer. However long the ranges are, a fault is an exception, since all of it is managed code.</summary>
/// <remarks>
/// The C library's <c>memmove</c>, to which .NET hands whatever is longer than 2 KiB, repeats one string instruction there. On AMD's processors that
/// is 8 times slower than vectors when the target lies a little above the source modulo 4 KiB (256 KiB: 6 GB/s instead of 57; docs/decisions.md).
/// </remarks>
internal static unsafe class BulkMemory
{
    private const int Width = 32;

    // Shorter ranges have no loop.
    private const int Unrolled = 4 * Width;

    /// <summary>Whether that holds: without vectors of 32 bytes it is .NET's copy.</summary>
    public static bool IsManaged => Vector256.IsHardwareAccelerated;

    /// <summary>Copies <paramref name="length"/> bytes. The ranges may overlap.</summary>
    /// <remarks>Optimised at once: code that is compiled ahead does not know the processor's vectors, and the first tier makes nothing good of them.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Copy(byte* from, byte* to, nuint length)
    {
        // SAFETY: the callers have checked both ranges, and nothing outside them is touched: what the loops leave out is loaded before the first
        // store, and they end before its last Unrolled bytes in their direction.
        if (!IsManaged || length < Width)
        {
            Buffer.MemoryCopy(from, to, length, length);
        }
        else if (length <= Unrolled)
        {
            CopyUnrolled(from, to, length);
        }
        else if ((nuint)(to - from) >= length)
        {
            CopyForward(from, to, length);
        }
        else if (to != from)
        {
            CopyBackward(from, to, length);
        }
    }

    // From Width to Unrolled bytes: all is loaded before anything is stored.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyUnrolled(byte* from, byte* to, nuint length)
    {
        // SAFETY: as in Copy.
        nuint step = length <= 2 * Width ? 0 : (nuint)Width;
        Vector256<byte> first = Vector256.Load(from);
        Vector256<byte> second = Vector256.Load(from + step);
        Vector256<byte> third = Vector256.Load(from + length - Width - step);
        Vector256<byte> fourth = Vector256.Load(from + length - Width);
        first.Store(to);
        second.Store(to + step);
        third.Store(to + length - Width - step);
        fourth.Store(to + length - Width);
    }

    // The target is below the source or beyond its end.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyForward(byte* from, byte* to, nuint length)
    {
        // SAFETY: as in Copy.
        Vector256<byte> head = Vector256.Load(from);
        byte* tail = from + length - Unrolled;
        Vector256<byte> first = Vector256.Load(tail);
        Vector256<byte> second = Vector256.Load(tail + Width);
        Vector256<byte> third = Vector256.Load(tail + (2 * Width));
        Vector256<byte> fourth = Vector256.Load(tail + (3 * Width));
        byte* end = to + length - Unrolled;
        nuint aligned = Width - ((nuint)to & (Width - 1));
        byte* source = from + aligned;
        byte* target = to + aligned;
        while (target < end)
        {
            Vector256<byte> v0 = Vector256.Load(source);
            Vector256<byte> v1 = Vector256.Load(source + Width);
            Vector256<byte> v2 = Vector256.Load(source + (2 * Width));
            Vector256<byte> v3 = Vector256.Load(source + (3 * Width));
            v0.Store(target);
            v1.Store(target + Width);
            v2.Store(target + (2 * Width));
            v3.Store(target + (3 * Width));
            source += Unrolled;
            target += Unrolled;
        }

        first.Store(end);
        second.Store(end + Width);
        third.Store(end + (2 * Width));
        fourth.Store(end + (3 * Width));
        head.Store(to);
    }

    // The target begins inside the source.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyBackward(byte* from, byte* to, nuint length)
    {
        // SAFETY: as in Copy.
        Vector256<byte> first = Vector256.Load(from);
        Vector256<byte> second = Vector256.Load(from + Width);
        Vector256<byte> third = Vector256.Load(from + (2 * Width));
        Vector256<byte> fourth = Vector256.Load(from + (3 * Width));
        Vector256<byte> tail = Vector256.Load(from + length - Width);
        byte* end = to + length;
        nuint aligned = length - ((nuint)end & (Width - 1));
        byte* source = from + aligned;
        byte* target = to + aligned;
        byte* begin = to + Unrolled;
        while (target > begin)
        {
            source -= Unrolled;
            target -= Unrolled;
            Vector256<byte> v3 = Vector256.Load(source + (3 * Width));
            Vector256<byte> v2 = Vector256.Load(source + (2 * Width));
            Vector256<byte> v1 = Vector256.Load(source + Width);
            Vector256<byte> v0 = Vector256.Load(source);
            v3.Store(target + (3 * Width));
            v2.Store(target + (2 * Width));
            v1.Store(target + Width);
            v0.Store(target);
        }

        first.Store(to);
        second.Store(to + Width);
        third.Store(to + (2 * Width));
        fourth.Store(to + (3 * Width));
        tail.Store(end - Width);
    }
}
