using System.Buffers;
using System.Text;

namespace Codicil.Wasi;

/// <summary>
/// Keeps a guest's output from driving the user's terminal: escape sequences and control characters are shown, not obeyed. New line, carriage return,
/// tab and backspace pass; other C0 characters become their pictures (U+2400 to U+2421), C1 characters and what is no UTF-8 become U+FFFD.
/// </summary>
/// <remarks>A character may come in pieces, one write each; its first bytes wait here for the rest.</remarks>
internal sealed class TerminalFilter(Stream destination)
{
    private const int BufferSize = 1024;
    private const int LongestRune = 4;
    private const byte Delete = 0x7F;

    private static readonly SearchValues<byte> s_plain = SearchValues.Create([.. "\b\t\n\r"u8, .. Enumerable.Range(0x20, Delete - 0x20).Select(value => (byte)value)]);

    private readonly byte[] _buffer = new byte[BufferSize];
    private readonly byte[] _partial = new byte[LongestRune];
    private int _length;
    private int _partialLength;

    /// <summary>Writes what may be shown.</summary>
    public void Write(ReadOnlySpan<byte> source)
    {
        while (_partialLength != 0 && !source.IsEmpty)
        {
            _partial[_partialLength++] = source[0];
            source = source[1..];
            ReadOnlySpan<byte> partial = _partial.AsSpan(0, _partialLength);
            OperationStatus status = Rune.DecodeFromUtf8(partial, out Rune rune, out int consumed);
            if (status != OperationStatus.NeedMoreData)
            {
                // A broken character ends before the byte that broke it, which may begin another.
                _partialLength = 0;
                Append(rune);
                WriteRunes(partial[consumed..]);
            }
        }

        WriteRunes(source);
        Send();
    }

    private void WriteRunes(ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            int plain = source.IndexOfAnyExcept(s_plain);
            if (plain != 0)
            {
                plain = plain < 0 ? source.Length : plain;
                AppendPlain(source[..plain]);
                source = source[plain..];
                continue;
            }

            if (Rune.DecodeFromUtf8(source, out Rune rune, out int consumed) == OperationStatus.NeedMoreData)
            {
                source.CopyTo(_partial);
                _partialLength = source.Length;
                return;
            }

            Append(rune);
            source = source[consumed..];
        }
    }

    private void Append(Rune rune)
    {
        const int Pictures = 0x2400;
        const int DeletePicture = 0x2421;
        Rune shown = rune.Value switch
        {
            '\b' or '\t' or '\n' or '\r' => rune,
            < 0x20 => new Rune(Pictures + rune.Value),
            Delete => new Rune(DeletePicture),
            >= 0x80 and < 0xA0 => Rune.ReplacementChar,
            _ => rune,
        };
        if (_length > BufferSize - LongestRune)
        {
            Send();
        }

        _length += shown.EncodeToUtf8(_buffer.AsSpan(_length));
    }

    private void AppendPlain(ReadOnlySpan<byte> text)
    {
        if (text.Length > BufferSize - _length)
        {
            Send();
            if (text.Length > BufferSize)
            {
                destination.Write(text);
                return;
            }
        }

        text.CopyTo(_buffer.AsSpan(_length));
        _length += text.Length;
    }

    private void Send()
    {
        int length = _length;
        _length = 0;
        destination.Write(_buffer, 0, length);
    }
}
