using System.Buffers.Binary;

namespace Codicil.Wasi;

/// <summary>A guest's memory as the functions see it: nothing is touched without a check, and no address can make an exception.</summary>
internal readonly struct GuestMemory(Memory memory)
{
    /// <summary>Whether a range lies inside; an empty one must not begin beyond the end either.</summary>
    public bool Contains(uint address, ulong length) => address + length <= memory.LengthInBytes;

    /// <summary>The bytes of a range; false when it does not lie inside.</summary>
    public bool TryGetSpan(uint address, int length, out Span<byte> span)
    {
        if (!Contains(address, (uint)length))
        {
            span = default;
            return false;
        }

        span = memory.GetSpan(address, length);
        return true;
    }

    /// <summary>The bytes of a range that was checked.</summary>
    public Span<byte> GetSpan(ulong address, int length) => memory.GetSpan(address, length);

    /// <summary>A u32 of a range that was checked.</summary>
    public uint ReadUInt32(ulong address) => BinaryPrimitives.ReadUInt32LittleEndian(memory.GetSpan(address, 4));

    /// <summary>Writes a u32 to a range that was checked.</summary>
    public void WriteUInt32(uint address, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(memory.GetSpan(address, 4), value);

    /// <summary>Writes a u64 to a range that was checked.</summary>
    public void WriteUInt64(uint address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(memory.GetSpan(address, 8), value);
}
