using System.Buffers.Binary;

namespace Codicil.Wasi;

/// <summary>
/// A guest's memory for the time of a call: nothing is touched without a check, and no address can make an exception. Its length is asked for once; what follows are comparisons.
/// </summary>
internal readonly unsafe ref struct GuestMemory
{
    // Three words, which the JIT keeps in registers.
    private readonly Memory _memory;
    private readonly nint _base;
    private readonly ulong _length;

    /// <param name="memory">The memory.</param>
    /// <param name="baseAddress">Its <see cref="Memory.BaseAddress"/>, which never changes.</param>
    public GuestMemory(Memory memory, nint baseAddress)
    {
        _memory = memory;
        _base = baseAddress;
        _length = memory.LengthInBytes;
    }

    /// <summary>Bytes that stay as they are while they are checked and used: in a shared memory other threads may change them, so they are copied.</summary>
    public ReadOnlySpan<byte> GetStableSpan(uint address, int length)
    {
        Span<byte> span = GetSpan(address, length);
        return _memory.Shared is null ? span : span.ToArray();
    }

    /// <summary>Whether a range lies inside; an empty one must not begin beyond the end either.</summary>
    public bool Contains(uint address, ulong length) => address + length <= _length;

    /// <summary>The bytes of a range; false when it does not lie inside.</summary>
    public bool TryGetSpan(uint address, int length, out Span<byte> span)
    {
        bool isInside = Contains(address, (uint)length);
        span = isInside ? GetSpan(address, length) : default;
        return isInside;
    }

    /// <summary>The bytes of a range that was checked.</summary>
    public Span<byte> GetSpan(ulong address, int length)
    {
        if (length < 0 || address + (uint)length > _length)
        {
            ThrowChanged();
        }

        // SAFETY: the range lies below the length that the memory had when the call began. Memory does not move or shrink, and what the host was given the address of
        // stays accessible until the store's call has ended, whoever disposes it.
        return new Span<byte>((byte*)_base + address, length);
    }

    /// <summary>The u64 of a range that was checked.</summary>
    public ulong ReadUInt64(uint address) => BinaryPrimitives.ReadUInt64LittleEndian(GetSpan(address, 8));

    /// <summary>Writes a u32 to a range that was checked.</summary>
    public void WriteUInt32(uint address, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(GetSpan(address, 4), value);

    /// <summary>Writes a u64 to a range that was checked.</summary>
    public void WriteUInt64(uint address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(GetSpan(address, 8), value);

    // What was checked lies inside; where another thread has changed an array of vectors since, that ends the call.
    private static void ThrowChanged() => throw new TrapException("the program changed what it passed during the call");
}
