using Codicil.Format.Modules;

namespace Codicil.Format.Binary;

/// <summary>Decodes name sections as far as they go: what cannot be read ends the map that it stands in.</summary>
/// <remarks>WebAssembly 3.0, A.4 Custom Sections and Annotations, Name Section.</remarks>
internal static class NameSectionReader
{
    /// <summary>Finds the subsections; of two with one id the first counts.</summary>
    public static void ReadSubsections(ReadOnlySpan<byte> bytes, ByteRange section, Span<ByteRange> subsections)
    {
        var reader = new ByteReader(bytes, section.Start, section.End);
        try
        {
            while (!reader.AtEnd)
            {
                byte id = reader.ReadByte();
                int size = reader.ReadLength();
                int start = reader.Position;
                reader.Skip(size);
                if (id < subsections.Length && subsections[id] == default)
                {
                    subsections[id] = new ByteRange(start, size);
                }
            }
        }
        catch (MalformedModuleException)
        {
            // Names are for people: a module runs without them.
        }
    }

    /// <summary>Reads a name map.</summary>
    public static NameMap ReadMap(ReadOnlyMemory<byte> bytes, ByteRange range)
    {
        var entries = new Entries();
        var reader = new ByteReader(bytes.Span, range.Start, range.End);
        try
        {
            ReadMap(ref reader, entries);
        }
        catch (MalformedModuleException)
        {
            // What was read so far stands.
        }

        return entries.ToMap(bytes);
    }

    /// <summary>Reads the map of one outer index of an indirect name map, such as the locals of a function.</summary>
    public static Dictionary<int, NameMap> ReadInnerMaps(ReadOnlyMemory<byte> bytes, ByteRange range)
    {
        Dictionary<int, NameMap> maps = [];
        var reader = new ByteReader(bytes.Span, range.Start, range.End);
        var entries = new Entries();
        int outerIndex = 0;
        try
        {
            for (int left = reader.ReadLength(); left > 0; left--)
            {
                entries = new Entries();
                outerIndex = reader.ReadIndex();
                ReadMap(ref reader, entries);
                maps.TryAdd(outerIndex, entries.ToMap(bytes));
            }
        }
        catch (MalformedModuleException)
        {
            // What was read so far stands, as in ReadInnerMap.
            maps.TryAdd(outerIndex, entries.ToMap(bytes));
        }

        return maps;
    }

    public static NameMap ReadInnerMap(ReadOnlyMemory<byte> bytes, ByteRange range, int outerIndex)
    {
        var entries = new Entries();
        var reader = new ByteReader(bytes.Span, range.Start, range.End);
        try
        {
            int count = reader.ReadLength();
            for (int i = 0; i < count; i++)
            {
                if (reader.ReadIndex() == outerIndex)
                {
                    ReadMap(ref reader, entries);
                    break;
                }

                int inner = reader.ReadLength();
                for (int j = 0; j < inner; j++)
                {
                    _ = reader.ReadU32();
                    reader.Skip(reader.ReadLength());
                }
            }
        }
        catch (MalformedModuleException)
        {
            // What was read so far stands.
        }

        return entries.ToMap(bytes);
    }

    /// <summary>Reads a name.</summary>
    public static string? ReadName(ReadOnlySpan<byte> bytes, ByteRange range)
    {
        if (range == default)
        {
            return null;
        }

        var reader = new ByteReader(bytes, range.Start, range.End);
        try
        {
            return System.Text.Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadLength()));
        }
        catch (MalformedModuleException)
        {
            return null;
        }
    }

    private static void ReadMap(ref ByteReader reader, Entries entries)
    {
        int count = reader.ReadLength();
        for (int i = 0; i < count; i++)
        {
            int index = reader.ReadIndex();
            int length = reader.ReadLength();
            int start = reader.Position;
            reader.Skip(length);
            entries.Add(index, new ByteRange(start, length));
        }
    }

    private sealed class Entries
    {
        private readonly List<int> _indices = [];
        private readonly List<ByteRange> _names = [];
        private bool _isAscending = true;

        public void Add(int index, ByteRange name)
        {
            _isAscending &= _indices.Count == 0 || index > _indices[^1];
            _indices.Add(index);
            _names.Add(name);
        }

        public NameMap ToMap(ReadOnlyMemory<byte> bytes)
        {
            if (_indices.Count == 0)
            {
                return NameMap.Empty;
            }

            if (_isAscending)
            {
                return new NameMap(bytes, [.. _indices], [.. _names]);
            }

            var sorted = new SortedDictionary<int, ByteRange>();
            for (int i = 0; i < _indices.Count; i++)
            {
                _ = sorted.TryAdd(_indices[i], _names[i]);
            }

            return new NameMap(bytes, [.. sorted.Keys], [.. sorted.Values]);
        }
    }
}
