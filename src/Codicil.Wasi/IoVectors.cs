using System.Buffers.Binary;

namespace Codicil.Wasi;

/// <summary>An array of <c>iovec</c> or <c>ciovec</c> in a guest's memory: pairs of address and length.</summary>
internal readonly ref struct IoVectors
{
    /// <summary>The size of an entry in bytes.</summary>
    public const int EntrySize = 8;

    private readonly GuestMemory _memory;
    private readonly uint _address;
    private readonly uint _count;

    public IoVectors(GuestMemory memory, uint address, uint count)
    {
        _memory = memory;
        _address = address;
        _count = count;
    }

    /// <summary>An entry; <see cref="AreInside"/> was asked before.</summary>
    public (uint Address, uint Length) this[uint index]
    {
        get
        {
            ReadOnlySpan<byte> entry = _memory.GetSpan(_address + ((ulong)index * EntrySize), EntrySize);
            return (BinaryPrimitives.ReadUInt32LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]));
        }
    }

    /// <summary>Whether the array and all that it points to lie inside the memory.</summary>
    public bool AreInside(Store store)
    {
        if (!_memory.Contains(_address, (ulong)_count * EntrySize))
        {
            return false;
        }

        for (uint i = 0; i < _count; i++)
        {
            (uint entryAddress, uint length) = this[i];
            if (!_memory.Contains(entryAddress, length))
            {
                return false;
            }

            // A full memory of entries takes a second or two: long enough to be asked to stop.
            if ((i & 0xFFFF) == 0xFFFF)
            {
                store.ThrowIfInterrupted();
            }
        }

        return true;
    }
}
