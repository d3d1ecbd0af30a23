namespace Codicil.Format.Text;

/// <summary>Tells which place of a text each byte of the module made from it comes from. Immutable and thread-safe.</summary>
public sealed class SourceMap
{
    private readonly SourceText _source;
    private readonly int[] _offsets;
    private readonly int[] _sources;
    private readonly int _start;

    internal SourceMap(SourceText source, int[] offsets, int[] sources, int start)
    {
        _source = source;
        _offsets = offsets;
        _sources = sources;
        _start = start;
    }

    /// <summary>
    /// The line and column of the instruction or field that a byte belongs to; of the module for bytes before the first.
    /// </summary>
    /// <param name="offset">The offset from the start of the module.</param>
    public TextPosition Find(long offset)
    {
        int index = Array.BinarySearch(_offsets, (int)Math.Clamp(offset, 0, int.MaxValue));
        if (index < 0)
        {
            index = ~index - 1;
        }

        // Of several marks at one offset the last is the innermost.
        while (index + 1 < _offsets.Length && index >= 0 && _offsets[index + 1] == _offsets[index])
        {
            index++;
        }

        return _source.GetPosition(index < 0 ? _start : _sources[index]);
    }

    /// <summary>The place in the text that an exception about the module's bytes means, or null when it names no offset.</summary>
    public TextPosition? Find(WasmException exception) => exception switch
    {
        MalformedModuleException { Offset: long offset } => Find(offset),
        InvalidModuleException invalid => Find(invalid.Offset),
        UnsupportedModuleException unsupported => Find(unsupported.Offset),
        _ => null,
    };
}
