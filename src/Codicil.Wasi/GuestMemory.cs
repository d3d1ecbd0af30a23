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

    public GuestMemory(Memory memory)
    {
        _memory = memory;
        _length = memory.LengthInBytes;
        _low = memory.GetSpan(0, (int)Math.Min(_length, int.MaxValue));
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
        address + (uint)length <= (uint)_low.Length ? _low.Slice((int)address, length) : _memory.GetSpan(address, length);

    /// <summary>Writes a u32 to a range that was checked.</summary>
    public void WriteUInt32(uint address, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(GetSpan(address, 4), value);

    /// <summary>Writes a u64 to a range that was checked.</summary>
    public void WriteUInt64(uint address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(GetSpan(address, 8), value);
}
