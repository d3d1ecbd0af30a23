using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Codicil.Format.Binary;

/// <summary>A cursor over the bytes of a module. Positions are offsets from the start of the module.</summary>
/// <remarks>WebAssembly 3.0, 5.2 Values. Numbers are held to 5.2.2 exactly: no unused bits, no bytes beyond ceil(N / 7).</remarks>
internal ref struct ByteReader
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;

    /// <summary>A reader of a part of a module.</summary>
    public ByteReader(ReadOnlySpan<byte> bytes, int start, int end)
    {
        _bytes = bytes[..end];
        _position = start;
    }

    /// <summary>Offset of the next byte.</summary>
    public int Position
    {
        readonly get => _position;
        set => _position = value;
    }

    /// <summary>Offset behind the last byte.</summary>
    public readonly int End => _bytes.Length;

    /// <summary>The number of bytes left.</summary>
    public readonly int Remaining => _bytes.Length - _position;

    /// <summary>Whether all bytes are read.</summary>
    public readonly bool AtEnd => _position >= _bytes.Length;

    /// <summary>The bytes from an offset to the current position.</summary>
    public readonly ReadOnlySpan<byte> Since(int start) => _bytes[start.._position];

    /// <summary>The next byte, or -1 at the end; it stays unread.</summary>
    public readonly int Peek() => _position < _bytes.Length ? _bytes[_position] : -1;

    /// <summary>Reads a byte.</summary>
    public byte ReadByte()
    {
        int position = _position;
        if ((uint)position >= (uint)_bytes.Length)
        {
            ThrowEnd();
        }

        _position = position + 1;
        return _bytes[position];
    }

    /// <summary>Reads a number of bytes.</summary>
    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if ((uint)count > (uint)Remaining)
        {
            ThrowEnd();
        }

        ReadOnlySpan<byte> bytes = _bytes.Slice(_position, count);
        _position += count;
        return bytes;
    }

    /// <summary>Passes over a number of bytes.</summary>
    public void Skip(int count) => _ = ReadBytes(count);

    /// <summary>Reads four bytes, the low one first.</summary>
    public uint ReadFixed32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(4));

    /// <summary>Reads eight bytes, the low one first.</summary>
    public ulong ReadFixed64() => BinaryPrimitives.ReadUInt64LittleEndian(ReadBytes(8));

    /// <summary>Reads a u32.</summary>
    public uint ReadU32()
    {
        uint first = ReadByte();
        return first < 0x80 ? first : (uint)ReadUnsigned(first, 32);
    }

    /// <summary>Reads a u64.</summary>
    public ulong ReadU64()
    {
        uint first = ReadByte();
        return first < 0x80 ? first : ReadUnsigned(first, 64);
    }

    /// <summary>Reads an s7: a type code. One byte, sign bit 0x40.</summary>
    public int ReadS7()
    {
        int code = ReadByte();
        if (code >= 0x80)
        {
            Malformed.Throw("integer representation too long", _position);
        }

        return (code << 25) >> 25;
    }

    /// <summary>Reads an s32.</summary>
    public int ReadS32()
    {
        int first = ReadByte();
        return first < 0x80 ? (first << 25) >> 25 : (int)ReadSigned(first, 32);
    }

    /// <summary>Reads an s33.</summary>
    public long ReadS33()
    {
        int first = ReadByte();
        return first < 0x80 ? (first << 25) >> 25 : ReadSigned(first, 33);
    }

    /// <summary>Reads an s64.</summary>
    public long ReadS64()
    {
        int first = ReadByte();
        return first < 0x80 ? (first << 25) >> 25 : ReadSigned(first, 64);
    }

    /// <summary>Reads an index. Indices that no index space can reach become <see cref="int.MaxValue"/>, which is as invalid.</summary>
    public int ReadIndex() => (int)Math.Min(ReadU32(), int.MaxValue);

    /// <summary>
    /// Reads the number of elements of a vector, each of which takes a byte at least, or the size in front of bytes. The bound is the
    /// reference interpreter's, which counts the bytes of the number itself as left: a length that is a little too large meets the end later.
    /// </summary>
    public int ReadLength()
    {
        int start = _position;
        uint length = ReadU32();
        if (length > (uint)(_bytes.Length - start))
        {
            Malformed.LengthOutOfBounds(length, Remaining, start);
        }

        return (int)length;
    }

    /// <summary>Reads a name (5.2.4).</summary>
    public string ReadName()
    {
        int start = _position;
        int length = ReadLength();
        ReadOnlySpan<byte> bytes = ReadBytes(length);
        if (!Utf8.IsValid(bytes))
        {
            Malformed.Throw("malformed UTF-8 encoding", start);
        }

        if (length > ImplementationLimits.NameInBytes)
        {
            Malformed.OverLimit("bytes in a name", (ulong)length, ImplementationLimits.NameInBytes, start);
        }

        return Encoding.UTF8.GetString(bytes);
    }

    // The order of the checks in these two is the reference interpreter's: the bits of the last byte are judged before its continuation bit.
    private ulong ReadUnsigned(uint first, int bits)
    {
        ulong value = first & 0x7F;
        for (int shift = 7; ; shift += 7)
        {
            int left = bits - shift;
            if (left <= 0)
            {
                Malformed.Throw("integer representation too long", _position);
            }

            uint next = ReadByte();
            if (left < 7 && (next & 0x7F) >> left != 0)
            {
                Malformed.Throw("integer too large", _position - 1);
            }

            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }

    private long ReadSigned(int first, int bits)
    {
        long value = first & 0x7F;
        for (int shift = 7; ; shift += 7)
        {
            int left = bits - shift;
            if (left <= 0)
            {
                Malformed.Throw("integer representation too long", _position);
            }

            int next = ReadByte();
            if (left < 7)
            {
                // The sign bit and all above it must be equal.
                int mask = (-1 << (left - 1)) & 0x7F;
                if ((next & mask) != 0 && (next & mask) != mask)
                {
                    Malformed.Throw("integer too large", _position - 1);
                }
            }

            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                int unused = Math.Max(64 - (shift + 7), 0);
                return (value << unused) >> unused;
            }
        }
    }

    private readonly void ThrowEnd() => Malformed.UnexpectedEnd(_bytes.Length);
}
