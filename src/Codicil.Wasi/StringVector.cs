using System.Buffers.Binary;
using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi;

/// <summary>Strings as guests get them, arguments and environment alike: an array of addresses and a buffer of bytes, each string ended by a zero.</summary>
internal sealed class StringVector
{
    private readonly byte[] _bytes;
    private readonly int[] _offsets;

    private StringVector(byte[] bytes, int[] offsets)
    {
        _bytes = bytes;
        _offsets = offsets;
    }

    /// <summary>How many strings.</summary>
    public uint Count => (uint)_offsets.Length;

    /// <summary>The size of all strings with their zeros.</summary>
    public uint LengthInBytes => (uint)_bytes.Length;

    /// <summary>Encodes arguments.</summary>
    /// <exception cref="ArgumentException">One of them cannot be passed on.</exception>
    public static StringVector FromArguments(IReadOnlyCollection<string> arguments)
    {
        foreach (string argument in arguments)
        {
            if (argument.Contains('\0', StringComparison.Ordinal))
            {
                throw new ArgumentException($"args invalid: contains NUL character: {Quote(argument)}");
            }
        }

        return Encode("args", arguments);
    }

    /// <summary>Encodes an environment.</summary>
    /// <exception cref="ArgumentException">A variable cannot be passed on.</exception>
    public static StringVector FromEnvironment(IReadOnlyCollection<KeyValuePair<string, string>> variables)
    {
        var strings = new List<string>(variables.Count);
        foreach ((string key, string value) in variables)
        {
            if (key.Length == 0)
            {
                throw new ArgumentException($"environ invalid: empty key: its value is {Quote(value)}");
            }

            if (key.Contains('=', StringComparison.Ordinal))
            {
                throw new ArgumentException($"environ invalid: key contains '=' character: {Quote(key)}");
            }

            if (key.Contains('\0', StringComparison.Ordinal) || value.Contains('\0', StringComparison.Ordinal))
            {
                throw new ArgumentException($"environ invalid: contains NUL character: {Quote(key)}");
            }

            strings.Add($"{key}={value}");
        }

        return Encode("environ", strings);
    }

    /// <summary>Writes the number of strings and their size.</summary>
    public Errno WriteSizes(GuestMemory memory, uint countAddress, uint sizeAddress)
    {
        if (!memory.Contains(countAddress, 4) || !memory.Contains(sizeAddress, 4))
        {
            return Errno.Fault;
        }

        memory.WriteUInt32(countAddress, Count);
        memory.WriteUInt32(sizeAddress, LengthInBytes);
        return Errno.Success;
    }

    /// <summary>Writes the addresses and the strings.</summary>
    public Errno Write(GuestMemory memory, uint vectorAddress, uint bytesAddress)
    {
        if (!memory.TryGetSpan(vectorAddress, _offsets.Length * sizeof(uint), out Span<byte> vector) ||
            !memory.TryGetSpan(bytesAddress, _bytes.Length, out Span<byte> bytes))
        {
            return Errno.Fault;
        }

        for (int i = 0; i < _offsets.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(vector[(i * sizeof(uint))..], bytesAddress + (uint)_offsets[i]);
        }

        _bytes.CopyTo(bytes);
        return Errno.Success;
    }

    private static StringVector Encode(string what, IReadOnlyCollection<string> strings)
    {
        // The interface's own limit is 2^32-1; the addresses need room in the same memory.
        long size = 0;
        foreach (string text in strings)
        {
            size += Encoding.UTF8.GetByteCount(text) + 1L;
        }

        if (size > Array.MaxLength || strings.Count > Array.MaxLength / sizeof(uint))
        {
            throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{what} invalid: exceeds maximum size: {strings.Count} strings of {size} bytes"));
        }

        var bytes = new byte[size];
        var offsets = new int[strings.Count];
        int offset = 0;
        int index = 0;
        foreach (string text in strings)
        {
            offsets[index++] = offset;
            offset += Encoding.UTF8.GetBytes(text, bytes.AsSpan(offset)) + 1;
        }

        return new StringVector(bytes, offsets);
    }

    private static string Quote(string text)
    {
        const int Longest = 80;
        string shown = text.Length <= Longest ? text : string.Concat(text.AsSpan(0, Longest), "...");
        return $"`{shown.Replace("\0", "\\0", StringComparison.Ordinal)}`";
    }
}
