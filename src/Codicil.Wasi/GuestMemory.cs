using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Codicil.Wasi;

/// <summary>
/// A guest's memory for the time of a call: nothing is touched without a check, and no address can make an exception. It is asked for once;
/// what follows are comparisons and slices of one span, but for addresses above 2 GiB, where a span ends.
/// </summary>
internal readonly ref struct GuestMemory
{
    // Three words, which the JIT keeps in registers.
    private readonly Memory _memory;
    private readonly Span<byte> _low;

    public GuestMemory(Memory memory)
    {
        _memory = memory;
        _low = memory.GetSpan(0, (int)Math.Min(memory.LengthInBytes, int.MaxValue));
    }

    /// <summary>Bytes that stay as they are while they are checked and used: in a shared memory other threads may change them, so they are copied.</summary>
    public ReadOnlySpan<byte> GetStableSpan(uint address, int length)
    {
        Span<byte> span = GetSpan(address, length);
        return _memory.Shared is null ? span : span.ToArray();
    }

    /// <summary>Whether a range lies inside; an empty one must not begin beyond the end either.</summary>
    public bool Contains(uint address, ulong length) => address + length <= (uint)_low.Length || ContainsHigh(address, length);

    /// <summary>The bytes of a range; false when it does not lie inside.</summary>
    public bool TryGetSpan(uint address, int length, out Span<byte> span)
    {
        if (address + (ulong)(uint)length <= (uint)_low.Length)
        {
            span = _low.Slice((int)address, length);
            return true;
        }

        return TryGetHighSpan(address, length, out span);
    }

    /// <summary>The bytes of a range that was checked.</summary>
    public Span<byte> GetSpan(ulong address, int length) =>
        address + (uint)length <= (uint)_low.Length ? _low.Slice((int)address, length) : GetHighSpan(address, length);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool ContainsHigh(uint address, ulong length) => _low.Length == int.MaxValue && address + length <= _memory.LengthInBytes;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryGetHighSpan(uint address, int length, out Span<byte> span)
    {
        bool isInside = ContainsHigh(address, (uint)length);
        span = isInside ? GetHighSpan(address, length) : default;
        return isInside;
    }

    // What was checked lies inside; where another thread has changed an array of vectors since, that ends the call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Span<byte> GetHighSpan(ulong address, int length) =>
        length >= 0 && address + (uint)length <= _memory.LengthInBytes ? _memory.GetSpan(address, length) : throw new TrapException("the program changed what it passed during the call");

    /// <summary>Writes a u32 to a range that was checked.</summary>
    public void WriteUInt32(uint address, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(GetSpan(address, 4), value);

    /// <summary>Writes a u64 to a range that was checked.</summary>
    public void WriteUInt64(uint address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(GetSpan(address, 8), value);
}
