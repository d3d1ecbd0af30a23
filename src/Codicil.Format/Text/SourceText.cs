namespace Codicil.Format.Text;

/// <summary>The UTF-8 bytes of a text and, once an error asks for them, its lines. Immutable to its users and thread-safe.</summary>
internal sealed class SourceText
{
    private readonly byte[] _bytes;
    private int[]? _lineStarts;

    public SourceText(byte[] bytes) => _bytes = bytes;

    public ReadOnlySpan<byte> Bytes => _bytes;

    public ReadOnlySpan<byte> Slice(Token token) => _bytes.AsSpan(token.Start, token.Length);

    // Lines are counted when they are first asked for: a module that parses never pays for them. A race computes the same array twice.
    private int[] LineStarts => _lineStarts ??= FindLineStarts(_bytes);

    /// <summary>The line and column of a byte offset. Takes time linear in the column.</summary>
    public TextPosition GetPosition(int offset)
    {
        int line = GetLine(offset);
        int start = LineStarts[line - 1];
        int column = 1;
        foreach (byte b in _bytes.AsSpan(start, offset - start))
        {
            // Continuation bytes belong to the character before them.
            column += (b & 0xC0) == 0x80 ? 0 : 1;
        }

        return new TextPosition(line, column);
    }

    /// <summary>The line of a byte offset.</summary>
    public int GetLine(int offset)
    {
        int index = Array.BinarySearch(LineStarts, offset);
        return index >= 0 ? index + 1 : ~index;
    }

    public MalformedModuleException Error(string message, int offset)
    {
        TextPosition position = GetPosition(offset);
        return new MalformedModuleException(message, position.Line, position.Column);
    }

    private static int[] FindLineStarts(ReadOnlySpan<byte> bytes)
    {
        List<int> starts = [0];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == '\n' || (bytes[i] == '\r' && (i + 1 == bytes.Length || bytes[i + 1] != '\n')))
            {
                starts.Add(i + 1);
            }
        }

        return [.. starts];
    }
}
