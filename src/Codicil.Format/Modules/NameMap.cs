using System.Text;

namespace Codicil.Format.Modules;

/// <summary>Names by index, as a name section gives them. Strings are made when they are asked for. Immutable and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, A.4.1 Name Maps. What is wrong with a map costs names, never the module: bad UTF-8 becomes U+FFFD, of two names of an index the first counts.</remarks>
public sealed class NameMap
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int[] _indices;
    private readonly ByteRange[] _names;

    internal NameMap(ReadOnlyMemory<byte> bytes, int[] indices, ByteRange[] names)
    {
        _bytes = bytes;
        _indices = indices;
        _names = names;
    }

    /// <summary>A map without names.</summary>
    public static NameMap Empty { get; } = new(default, [], []);

    /// <summary>The number of names.</summary>
    public int Count => _indices.Length;

    /// <summary>The indices that have names, ascending.</summary>
    public ReadOnlySpan<int> Indices => _indices;

    /// <summary>The name of an index, or null. It is whatever the module says: escape it before it reaches a terminal.</summary>
    public string? this[int index]
    {
        get
        {
            int place = Array.BinarySearch(_indices, index);
            return place < 0 ? null : Encoding.UTF8.GetString(_bytes.Span.Slice(_names[place].Start, _names[place].Length));
        }
    }
}
