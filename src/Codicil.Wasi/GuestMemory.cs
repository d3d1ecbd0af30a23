using System.Buffers.Binary;

namespace Codicil.Wasi;

/// <summary>
/// A guest's memory for the time of a call: nothing is touched without a check, and no address can make an exception. It is asked for once;
/// what follows are comparisons and slices of one span, but for addresses above 2 GiB, where a span ends.
/// </summary>
internal readonly ref struct GuestMemory
{
    private readonly Memory _memory;
    private readonly ulong _length;
    private readonly Span<byte> _low;
    private readonly bool _isShared;

    public GuestMemory(Memory memory, bool isShared)
    {
        _memory = memory;
        _isShared = isShared;
        _length = memory.LengthInBytes;
        _low = memory.GetSpan(0, (int)Math.Min(_length, int.MaxValue));
    }

    /// <summary>Bytes that stay as they are while they are checked and used: in a shared memory other threads may change them, so they are copied.</summary>
    public ReadOnlySpan<byte> GetStableSpan(uint address, int length)
    {
        Span<byte> span = GetSpan(address, length);
        return _isShared ? span.ToArray() : span;
    }

    /// <summary>Whether a range lies inside; an empty one must not begin beyond the end either.</summary>
    public bool Contains(uint address, ulong length) => address + length <= _length;

    /// <summary>The bytes of a range; false when it does not lie inside.</summary>
    public bool TryGetSpan(uint address, int length, out Span<byte> span)
    {
        if (!Contains(address, (uint)length))
        {
            span = default;
            return false;
        }

        span = GetSpan(address, length);
        return true;
    }

    /// <summary>The bytes of a range that was checked.</summary>
    public Span<byte> GetSpan(ulong address, int length) =>
        address + (uint)length <= (uint)_low.Length ? _low.Slice((int)address, length) : GetHighSpan(address, length);

    // What was checked lies inside; where another thread has changed an array of vectors since, that ends the call.
    private Span<byte> GetHighSpan(ulong address, int length) =>
        length >= 0 && address + (uint)length <= _length ? _memory.GetSpan(address, length) : throw new TrapException("the program changed what it passed during the call");

    /// <summary>Writes a u32 to a range that was checked.</summary>
    public void WriteUInt32(uint address, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(GetSpan(address, 4), value);

    /// <summary>Writes a u64 to a range that was checked.</summary>
    public void WriteUInt64(uint address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(GetSpan(address, 8), value);
}
