using System.Buffers.Binary;
using System.Text;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil;

/// <summary>A linear memory of one store (4.2.8). Not thread-safe unless shared; a span taken before growth stays valid, one kept after disposal faults.</summary>
public abstract class Memory : Extern
{
    private protected readonly ManagedStore _store;
    private protected readonly LinearMemory _linear;

    private protected Memory(ManagedStore store, LinearMemory linear)
    {
        _store = store;
        _linear = linear;
    }

    /// <summary>A memory that the host makes.</summary>
    /// <exception cref="ResourceLimitException">A limit of the store or of the machine was met.</exception>
    public static Memory Create(Store store, MemoryType type)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(type);
        return store.CreateMemory(type);
    }

    /// <summary>A shared memory as one of a store, for its instances to import.</summary>
    /// <exception cref="ObjectDisposedException">The memory has ended.</exception>
    public static Memory FromShared(Store store, SharedMemory memory)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(memory);
        return store.CreateMemory(memory);
    }

    /// <summary>What other stores can have of a shared memory; null for one that is not shared.</summary>
    public abstract SharedMemory? Shared { get; }

    /// <summary>The declared type with the present size as the minimum.</summary>
    public abstract MemoryType Type { get; }

    /// <inheritdoc/>
    public sealed override ExternType ExternType => Type;

    /// <summary>The present size in pages.</summary>
    public abstract ulong PageCount { get; }

    /// <summary>The present size in bytes.</summary>
    public ulong LengthInBytes
    {
        // Not virtual, as with spans: host functions ask for these at each call.
        get
        {
            _store.CheckUsable();
            return Volatile.Read(ref _linear.Length);
        }
    }

    /// <summary>The address of the first byte. It never moves, but only the bytes below <see cref="LengthInBytes"/> may be accessed, and only while the store lives.</summary>
    public abstract nint BaseAddress { get; }

    /// <summary>Grows by a number of pages, which are zero.</summary>
    /// <returns>The size before, in pages.</returns>
    /// <exception cref="ResourceLimitException">The maximum or a limit would be exceeded; nothing has changed.</exception>
    public ulong Grow(ulong deltaPages) => TryGrow(deltaPages, out ulong previous)
        ? previous
        : throw new ResourceLimitException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"failed to grow memory by {deltaPages} pages"));

    /// <summary>Grows by a number of pages; false when the maximum or a limit would be exceeded.</summary>
    public abstract bool TryGrow(ulong deltaPages, out ulong previousPages);

    /// <summary>The bytes of a range.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">The length in bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the memory.</exception>
    public Span<byte> GetSpan(ulong offset, int length)
    {
        _store.CheckUsable();
        return _linear.GetSpan(offset, length);
    }

    /// <summary>A little-endian i32.</summary>
    public int ReadInt32(ulong offset) => BinaryPrimitives.ReadInt32LittleEndian(GetSpan(offset, 4));

    /// <summary>A little-endian i64.</summary>
    public long ReadInt64(ulong offset) => BinaryPrimitives.ReadInt64LittleEndian(GetSpan(offset, 8));

    /// <summary>A byte.</summary>
    public byte ReadByte(ulong offset) => GetSpan(offset, 1)[0];

    /// <summary>A little-endian f32.</summary>
    public float ReadSingle(ulong offset) => BinaryPrimitives.ReadSingleLittleEndian(GetSpan(offset, 4));

    /// <summary>A little-endian f64.</summary>
    public double ReadDouble(ulong offset) => BinaryPrimitives.ReadDoubleLittleEndian(GetSpan(offset, 8));

    /// <summary>Writes a little-endian i32.</summary>
    public void WriteInt32(ulong offset, int value) => BinaryPrimitives.WriteInt32LittleEndian(GetSpan(offset, 4), value);

    /// <summary>Writes a little-endian i64.</summary>
    public void WriteInt64(ulong offset, long value) => BinaryPrimitives.WriteInt64LittleEndian(GetSpan(offset, 8), value);

    /// <summary>Writes a byte.</summary>
    public void WriteByte(ulong offset, byte value) => GetSpan(offset, 1)[0] = value;

    /// <summary>Writes a little-endian f32.</summary>
    public void WriteSingle(ulong offset, float value) => BinaryPrimitives.WriteSingleLittleEndian(GetSpan(offset, 4), value);

    /// <summary>Writes a little-endian f64.</summary>
    public void WriteDouble(ulong offset, double value) => BinaryPrimitives.WriteDoubleLittleEndian(GetSpan(offset, 8), value);

    /// <summary>A UTF-8 string of a known length in bytes; bad sequences become U+FFFD.</summary>
    public string ReadString(ulong offset, int lengthInBytes) => Encoding.UTF8.GetString(GetSpan(offset, lengthInBytes));

    /// <summary>Writes a string as UTF-8, without a terminator.</summary>
    /// <returns>The number of bytes written.</returns>
    public int WriteString(ulong offset, string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        return Encoding.UTF8.GetBytes(value, GetSpan(offset, length));
    }
}
