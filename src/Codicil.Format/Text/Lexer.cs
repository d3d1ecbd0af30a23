using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Codicil.Format.Text;

/// <summary>
/// Splits a text into tokens; white space, comments and annotations are dropped. Time and memory are linear in the text, the stack is constant.
/// </summary>
/// <remarks>WebAssembly 3.0, 6.3 Lexical Format.</remarks>
internal ref struct Lexer
{
    private static readonly SearchValues<byte> s_identifierCharacters = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&'*+-./:<=>?@\\^_`|~"u8);

    private static readonly SearchValues<byte> s_plainStringCharacters = SearchValues.Create(
        " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    private readonly SourceText _source;
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly TokenStream _stream;
    private readonly List<Token> _tokens;
    private int _position;

    private Lexer(SourceText source, int start, int end)
    {
        _source = source;
        _bytes = source.Bytes[..end];
        _position = start;

        // A token and the space behind it take about four bytes in the suites; a guess too small only costs a copy.
        _stream = new TokenStream(source, ((end - start) / 4) + 1);
        _tokens = _stream.Tokens;
    }

    /// <summary>All tokens of a text.</summary>
    /// <exception cref="MalformedModuleException">A character, string, comment or annotation is malformed.</exception>
    public static TokenStream Tokenize(SourceText source)
    {
        // A byte order mark is no character of the grammar, but editors put one in front.
        int start = source.Bytes.StartsWith("\uFEFF"u8) ? 3 : 0;
        return Tokenize(source, start, source.Bytes.Length);
    }

    /// <summary>The tokens of a part of a text.</summary>
    /// <exception cref="MalformedModuleException">A character, string, comment or annotation is malformed.</exception>
    public static TokenStream Tokenize(SourceText source, int start, int end)
    {
        Lexer lexer = new(source, start, end);
        lexer.ReadAll();
        return lexer._stream;
    }

    private void ReadAll()
    {
        while (_position < _bytes.Length)
        {
            byte b = _bytes[_position];
            switch (b)
            {
                case (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r':
                    _position++;
                    break;

                case (byte)'(':
                    ReadParenthesis();
                    break;

                case (byte)')':
                    Add(TokenKind.RightParenthesis, 1);
                    break;

                case (byte)';':
                    if (Peek(1) == ';')
                    {
                        SkipLineComment();
                    }
                    else
                    {
                        Add(TokenKind.Reserved, 1);
                    }

                    break;

                case (byte)',' or (byte)'[' or (byte)']' or (byte)'{' or (byte)'}':
                    Add(TokenKind.Reserved, 1);
                    break;

                default:
                    if (b != '"' && !s_identifierCharacters.Contains(b))
                    {
                        FailAtCharacter();
                    }

                    ReadRun();
                    break;
            }
        }

        Add(TokenKind.End, 0);
    }

    private void ReadParenthesis()
    {
        switch (Peek(1))
        {
            case ';':
                SkipBlockComment();
                break;
            case '@':
                SkipAnnotation();
                break;
            default:
                Add(TokenKind.LeftParenthesis, 1);
                break;
        }
    }

    /// <summary>Reads the longest run of identifier characters and strings: one token, whatever it turns out to be.</summary>
    private void ReadRun()
    {
        int start = _position;
        int strings = SkipRun();
        int length = _position - start;
        byte first = _bytes[start];
        TokenKind kind = first switch
        {
            (byte)'"' => strings == 1 && IsWholeString(start, length) ? TokenKind.String : TokenKind.Reserved,
            (byte)'$' => strings switch
            {
                0 => TokenKind.Identifier,
                1 when length > 1 && _bytes[start + 1] == '"' && IsWholeString(start + 1, length - 1) => TokenKind.QuotedIdentifier,
                _ => TokenKind.Reserved,
            },
            _ when strings != 0 => TokenKind.Reserved,
            >= (byte)'a' and <= (byte)'z' => TokenKind.Keyword,
            (>= (byte)'0' and <= (byte)'9') or (byte)'+' or (byte)'-' => TokenKind.Number,
            _ => TokenKind.Reserved,
        };

        if (kind is TokenKind.Identifier or TokenKind.QuotedIdentifier)
        {
            CheckIdentifier(start, length, kind);
        }

        _tokens.Add(new Token(kind, start, length));
    }

    private readonly void CheckIdentifier(int start, int length, TokenKind kind)
    {
        if (length == (kind == TokenKind.Identifier ? 1 : 3))
        {
            Fail("empty identifier", start);
        }

        if (kind == TokenKind.QuotedIdentifier && !StringLiteral.IsUtf8(_bytes.Slice(start + 1, length - 1)))
        {
            Fail("malformed UTF-8 encoding in identifier", start);
        }
    }

    /// <summary>Whether a run that begins with a quote and holds one string is nothing but that string.</summary>
    private readonly bool IsWholeString(int start, int length)
    {
        // The run's one string begins at start; it ends at the run's end exactly when its closing quote is the run's last byte,
        // and identifier characters do not include quotes.
        return length >= 2 && _bytes[start + length - 1] == '"';
    }

    /// <summary>Moves behind a run of identifier characters and strings and returns the number of strings.</summary>
    private int SkipRun()
    {
        int strings = 0;
        while (true)
        {
            int length = _bytes[_position..].IndexOfAnyExcept(s_identifierCharacters);
            _position = length < 0 ? _bytes.Length : _position + length;
            if (Peek(0) != '"')
            {
                return strings;
            }

            SkipString();
            strings++;
        }
    }

    private void SkipString()
    {
        int start = _position;
        _position++;
        while (true)
        {
            int length = _bytes[_position..].IndexOfAnyExcept(s_plainStringCharacters);
            if (length < 0)
            {
                Fail("unclosed string literal", start);
            }

            _position += length;
            byte b = _bytes[_position];
            switch (b)
            {
                case (byte)'"':
                    _position++;
                    return;

                case (byte)'\\':
                    SkipEscape();
                    break;

                case (byte)'\n' or (byte)'\r':
                    Fail(MessageForString(start, "unclosed string literal"), start);
                    break;

                case < 0x20 or 0x7F:
                    Fail(MessageForString(start, "illegal control character in string literal"), _position);
                    break;

                default:
                    SkipMultiByteCharacter();
                    break;
            }
        }
    }

    /// <summary>Without its string an identifier is only a dollar sign.</summary>
    private readonly string MessageForString(int start, string message) => (start == 0 ? 0 : _bytes[start - 1]) switch
    {
        (byte)'$' => "empty identifier: " + message,
        (byte)'@' => "empty annotation id: " + message,
        _ => message,
    };

    private void SkipEscape()
    {
        int next = Peek(1);
        if (next is 'n' or 'r' or 't' or '\\' or '\'' or '"')
        {
            _position += 2;
        }
        else if (next == 'u' && Peek(2) == '{')
        {
            int start = _position;
            int length = _bytes[_position..].IndexOf((byte)'}');
            if (length < 0 || NumberLiteral.ParseHexDigits(_bytes.Slice(_position + 3, length - 3), out ulong value) == NumberStatus.Malformed)
            {
                Fail("illegal escape", start);
            }
            else if (value >= 0x110000 || value is >= 0xD800 and < 0xE000)
            {
                Fail("illegal escape: no Unicode scalar value", start);
            }

            _position += length + 1;
        }
        else if (next >= 0 && char.IsAsciiHexDigit((char)next) && Peek(2) >= 0 && char.IsAsciiHexDigit((char)Peek(2)))
        {
            _position += 3;
        }
        else
        {
            Fail("illegal escape", _position);
        }
    }

    private void SkipMultiByteCharacter()
    {
        if (Rune.DecodeFromUtf8(_bytes[_position..], out _, out int length) != OperationStatus.Done)
        {
            Fail("malformed UTF-8 encoding", _position);
        }

        _position += length;
    }

    private void SkipLineComment()
    {
        int length = _bytes[_position..].IndexOfAny((byte)'\n', (byte)'\r');
        int end = length < 0 ? _bytes.Length : _position + length;
        CheckUtf8(_position, end);
        _position = end;
    }

    private void SkipBlockComment()
    {
        int start = _position;
        int depth = 0;
        do
        {
            int length = _bytes[_position..].IndexOfAny((byte)'(', (byte)';');
            if (length < 0)
            {
                Fail("unclosed comment", start);
            }

            _position += length;
            if (_bytes[_position] == '(' && Peek(1) == ';')
            {
                depth++;
                _position += 2;
            }
            else if (_bytes[_position] == ';' && Peek(1) == ')')
            {
                depth--;
                _position += 2;
            }
            else
            {
                _position++;
            }
        }
        while (depth > 0);

        CheckUtf8(start, _position);
    }

    /// <summary>Skips an annotation; what is inside must be tokens and balanced (6.3.5).</summary>
    private void SkipAnnotation()
    {
        int start = _position;
        _position += 2;
        int identifierStart = _position;
        int first = Peek(0);
        if (first == '"')
        {
            SkipString();
            if (_position - identifierStart == 2)
            {
                Fail("empty annotation id", start);
            }

            if (!StringLiteral.IsUtf8(_bytes[identifierStart.._position]))
            {
                Fail("malformed UTF-8 encoding in annotation id", start);
            }
        }
        else if (first < 0 || !s_identifierCharacters.Contains((byte)first))
        {
            Fail("empty annotation id", start);
        }

        if (first != '"')
        {
            int length = _bytes[_position..].IndexOfAnyExcept(s_identifierCharacters);
            _position = length < 0 ? _bytes.Length : _position + length;
        }

        int contentStart = _position;
        int depth = 1;
        while (depth > 0)
        {
            if (_position >= _bytes.Length)
            {
                Fail("unclosed annotation", start);
            }

            byte b = _bytes[_position];
            switch (b)
            {
                case (byte)'(' when Peek(1) == ';':
                    SkipBlockComment();
                    break;
                case (byte)'(':
                    depth++;
                    _position++;
                    break;
                case (byte)')':
                    depth--;
                    _position++;
                    break;
                case (byte)';' when Peek(1) == ';':
                    SkipLineComment();
                    break;
                case (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)';' or (byte)',' or (byte)'[' or (byte)']' or (byte)'{' or (byte)'}':
                    _position++;
                    break;
                default:
                    if (b != '"' && !s_identifierCharacters.Contains(b))
                    {
                        FailAtCharacter();
                    }

                    SkipRun();
                    break;
            }
        }

        ReadOnlySpan<byte> identifier = _bytes[identifierStart..contentStart];
        List<Annotation>? known = identifier.SequenceEqual("custom"u8) ? _stream.CustomAnnotations
            : identifier.SequenceEqual("name"u8) ? _stream.NameAnnotations
            : identifier.SequenceEqual("metadata.code.branch_hint"u8) ? _stream.BranchHints
            : null;
        known?.Add(new Annotation(_tokens.Count, start, contentStart, _position - 1));
    }

    private readonly void CheckUtf8(int start, int end)
    {
        ReadOnlySpan<byte> bytes = _bytes[start..end];
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return;
        }

        int position = start;
        while (Rune.DecodeFromUtf8(_bytes[position..end], out _, out int length) == OperationStatus.Done)
        {
            position += length;
        }

        Fail("malformed UTF-8 encoding", position);
    }

    private readonly int Peek(int distance) => _position + distance < _bytes.Length ? _bytes[_position + distance] : -1;

    private void Add(TokenKind kind, int length)
    {
        _tokens.Add(new Token(kind, _position, length));
        _position += length;
    }

    [DoesNotReturn]
    private readonly void FailAtCharacter()
    {
        bool isUtf8 = Rune.DecodeFromUtf8(_bytes[_position..], out _, out _) == OperationStatus.Done;
        Fail(isUtf8 ? "illegal character" : "malformed UTF-8 encoding", _position);
    }

    [DoesNotReturn]
    private readonly void Fail(string message, int offset) => throw _source.Error(message, offset);
}
