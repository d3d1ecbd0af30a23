using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>What a handle of <see cref="NtfsModel"/> stands for.</summary>
internal sealed class NtfsOpenFile
{
    private string _lastName = "";

    public required NtfsNode Node { get; init; }

    public NtfsNode? Parent { get; set; }

    public string Name { get; set; } = "";

    public uint Access { get; init; }

    public long Position { get; set; }

    /// <summary>Lists what fits into a buffer, by name, behind the last one: as NTFS does.</summary>
    /// <returns>The bytes that are used.</returns>
    public int List(Span<byte> buffer, bool restart)
    {
        _lastName = restart ? "" : _lastName;
        int count = 0;
        int previous = -1;
        List<(string Name, NtfsNode Node)> entries = [(".", Node), ("..", Node), .. Node.Children.OrderBy(static entry => entry.Key, StringComparer.OrdinalIgnoreCase).Select(static entry => (entry.Key, entry.Value))];
        int place = 0;
        foreach ((string name, NtfsNode node) in entries)
        {
            string key = place++ < 2 ? new string('\u0001', place) : name.ToUpperInvariant();
            if (string.CompareOrdinal(key, _lastName) <= 0)
            {
                continue;
            }

            int length = 80 + (name.Length * sizeof(char));
            int start = (count + 7) & ~7;
            if (start + length > buffer.Length)
            {
                break;
            }

            Span<byte> entry = buffer.Slice(start, length);
            entry.Clear();
            if (previous >= 0)
            {
                BinaryPrimitives.WriteInt32LittleEndian(buffer[previous..], start - previous);
            }

            BinaryPrimitives.WriteUInt32LittleEndian(entry[56..], node.Attributes);
            BinaryPrimitives.WriteInt32LittleEndian(entry[60..], name.Length * sizeof(char));
            BinaryPrimitives.WriteUInt32LittleEndian(entry[64..], node.Tag);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[72..], node.Id);
            MemoryMarshal.AsBytes(name.AsSpan()).CopyTo(entry[80..]);
            previous = start;
            count = start + length;
            _lastName = key;
        }

        return count;
    }
}
