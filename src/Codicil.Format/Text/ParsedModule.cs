namespace Codicil.Format.Text;

/// <summary>What a text became: a module in the binary format, well-formed but not validated, and the way back. Immutable and thread-safe.</summary>
public sealed class ParsedModule
{
    private readonly byte[] _bytes;

    internal ParsedModule(byte[] bytes, SourceMap sourceMap)
    {
        _bytes = bytes;
        SourceMap = sourceMap;
    }

    /// <summary>The module in the binary format.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>From offsets in <see cref="Bytes"/> to lines and columns.</summary>
    public SourceMap SourceMap { get; }

    /// <summary>A copy of the bytes.</summary>
    public byte[] ToArray() => [.. _bytes];
}
