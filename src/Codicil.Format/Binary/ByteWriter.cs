using System.Buffers.Binary;
using System.Text;

using Codicil.Format.Modules;

namespace Codicil.Format.Binary;

/// <summary>A growing buffer of the binary format. Not thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 5.2 Values. Numbers take the fewest bytes.</remarks>
internal sealed class ByteWriter
{
    private byte[] _buffer;
    private int _length;

    /// <summary>An empty writer.</summary>
    public ByteWriter(int capacity = 256) => _buffer = new byte[capacity];

    /// <summary>The number of bytes written; setting it to less takes back the last bytes.</summary>
    public int Length
    {
        get => _length;
        set
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, (uint)_length);
            _length = value;
        }
    }

    /// <summary>The bytes written; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>A copy of the bytes written.</summary>
    public byte[] ToArray() => Written.ToArray();

    /// <summary>Writes a byte.</summary>
    public void WriteByte(byte value)
    {
        if (_length == _buffer.Length)
        {
            Grow(1);
        }

        _buffer[_length++] = value;
    }

    /// <summary>Writes bytes.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    /// <summary>Writes a u32.</summary>
    public void WriteU32(uint value) => WriteU64(value);

    /// <summary>Writes a u64.</summary>
    public void WriteU64(ulong value)
    {
        while (value >= 0x80)
        {
            WriteByte((byte)(value | 0x80));
            value >>= 7;
        }

        WriteByte((byte)value);
    }

    /// <summary>Writes an s32, s33 or s64: their shortest encodings are the same.</summary>
    public void WriteSigned(long value)
    {
        while (value is < -0x40 or >= 0x40)
        {
            WriteByte((byte)(value | 0x80));
            value >>= 7;
        }

        WriteByte((byte)(value & 0x7F));
    }

    /// <summary>Writes four bytes, the low one first.</summary>
    public void WriteFixed32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);

    /// <summary>Writes eight bytes, the low one first.</summary>
    public void WriteFixed64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);

    /// <summary>Writes a length and bytes.</summary>
    public void WriteByteVector(ReadOnlySpan<byte> bytes)
    {
        WriteU32((uint)bytes.Length);
        WriteBytes(bytes);
    }

    /// <summary>Writes a name (5.2.4). Lone surrogates become U+FFFD.</summary>
    public void WriteName(string name)
    {
        int length = Encoding.UTF8.GetByteCount(name);
        WriteU32((uint)length);
        Encoding.UTF8.GetBytes(name, Reserve(length));
    }

    /// <summary>Begins a part that has its size in front; <see cref="EndSized"/> ends it. Parts can be nested.</summary>
    /// <returns>The token for <see cref="EndSized"/>.</returns>
    public int BeginSized() => _length;

    /// <summary>Ends a part that <see cref="BeginSized"/> began, and puts its size in front.</summary>
    public void EndSized(int start)
    {
        int size = _length - start;
        int width = 1;
        for (uint rest = (uint)size >> 7; rest != 0; rest >>= 7)
        {
            width++;
        }

        Reserve(width);
        _buffer.AsSpan(start, size).CopyTo(_buffer.AsSpan(start + width));
        int end = _length;
        _length = start;
        WriteU32((uint)size);
        _length = end;
    }

    /// <summary>Begins a section; <see cref="EndSized"/> ends it.</summary>
    public int BeginSection(SectionId id)
    {
        WriteByte((byte)id);
        return BeginSized();
    }

    private Span<byte> Reserve(int count)
    {
        if (count > _buffer.Length - _length)
        {
            Grow(count);
        }

        Span<byte> span = _buffer.AsSpan(_length, count);
        _length += count;
        return span;
    }

    private void Grow(int count) => Array.Resize(ref _buffer, checked((int)Math.Max((long)_length + count, Math.Min(2L * _buffer.Length, Array.MaxLength))));
}
