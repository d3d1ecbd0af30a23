using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Codicil.Format.Text;

/// <summary>Walks over the tokens of a text, and words the errors of those who do. Not thread-safe.</summary>
internal sealed class TokenCursor
{
    private readonly List<Token> _tokens;

    public TokenCursor(TokenStream stream)
    {
        Stream = stream;
        _tokens = stream.Tokens;
    }

    public TokenStream Stream { get; }

    public SourceText Source => Stream.Source;

    /// <summary>The index of the current token.</summary>
    public int Position { get; set; }

    public Token Current => _tokens[Position];

    public TokenKind Kind => _tokens[Position].Kind;

    /// <summary>The bytes of the current token.</summary>
    public ReadOnlySpan<byte> Text => Source.Slice(_tokens[Position]);

    public Token TokenAt(int position) => _tokens[position];

    /// <summary>The class of a token ahead of the current one.</summary>
    public TokenKind PeekKind(int distance) => Position + distance < _tokens.Count ? _tokens[Position + distance].Kind : TokenKind.End;

    /// <summary>The bytes of a token ahead of the current one.</summary>
    public ReadOnlySpan<byte> PeekText(int distance) => Position + distance < _tokens.Count ? Source.Slice(_tokens[Position + distance]) : default;

    /// <summary>Takes the current token.</summary>
    public Token Next() => _tokens[Position++];

    /// <summary>Whether the current token is this keyword.</summary>
    public bool AtKeyword(ReadOnlySpan<byte> keyword) => Kind == TokenKind.Keyword && Text.SequenceEqual(keyword);

    /// <summary>Whether a form <c>(keyword</c> begins here.</summary>
    public bool AtForm(ReadOnlySpan<byte> keyword) =>
        Kind == TokenKind.LeftParenthesis && PeekKind(1) == TokenKind.Keyword && PeekText(1).SequenceEqual(keyword);

    public bool TryKeyword(ReadOnlySpan<byte> keyword)
    {
        bool found = AtKeyword(keyword);
        Position += found ? 1 : 0;
        return found;
    }

    /// <summary>Takes <c>(keyword</c> if it is there.</summary>
    public bool TryForm(ReadOnlySpan<byte> keyword)
    {
        bool found = AtForm(keyword);
        Position += found ? 2 : 0;
        return found;
    }

    public void Open()
    {
        if (Kind != TokenKind.LeftParenthesis)
        {
            Unexpected();
        }

        Position++;
    }

    public void Close()
    {
        if (Kind != TokenKind.RightParenthesis)
        {
            Unexpected();
        }

        Position++;
    }

    public void ExpectForm(ReadOnlySpan<byte> keyword)
    {
        if (!TryForm(keyword))
        {
            Unexpected();
        }
    }

    /// <summary>Whether the current token is an identifier.</summary>
    public bool AtIdentifier => Kind is TokenKind.Identifier or TokenKind.QuotedIdentifier;

    /// <summary>Whether the current token is an index: a number or an identifier.</summary>
    public bool AtIndex => Kind is TokenKind.Number or TokenKind.Identifier or TokenKind.QuotedIdentifier;

    /// <summary>Moves behind the form that begins at the current <c>(</c>.</summary>
    public void SkipForm()
    {
        int depth = 0;
        int start = Position;
        do
        {
            switch (Next().Kind)
            {
                case TokenKind.LeftParenthesis:
                    depth++;
                    break;
                case TokenKind.RightParenthesis:
                    depth--;
                    break;
                case TokenKind.End:
                    Position--;
                    Fail("unexpected token: end of text in the form that begins here", start);
                    break;
                default:
                    break;
            }
        }
        while (depth > 0);
    }

    /// <summary>The bytes of the string that is the current token.</summary>
    public byte[] ReadString()
    {
        if (Kind != TokenKind.String)
        {
            Unexpected();
        }

        return StringLiteral.Decode(Source.Slice(Next()));
    }

    /// <summary>The UTF-8 of the name that is the current token.</summary>
    public byte[] ReadName()
    {
        int position = Position;
        byte[] name = ReadString();
        if (!System.Text.Unicode.Utf8.IsValid(name))
        {
            Fail("malformed UTF-8 encoding", position);
        }

        return name;
    }

    /// <summary>The UTF-8 of an identifier without the dollar sign; escapes resolved.</summary>
    public byte[] ReadIdentifier()
    {
        Token token = Next();
        ReadOnlySpan<byte> text = Source.Slice(token)[1..];
        return token.Kind == TokenKind.QuotedIdentifier ? StringLiteral.Decode(text) : text.ToArray();
    }

    public uint ReadU32() => (uint)ReadNatural(uint.MaxValue, "i32 constant out of range");

    public ulong ReadU64() => ReadNatural(ulong.MaxValue, "i64 constant out of range");

    public byte ReadU8() => (byte)ReadNatural(byte.MaxValue, "i8 constant out of range");

    /// <summary>Throws for a token that does not belong here.</summary>
    [DoesNotReturn]
    public void Unexpected() => throw UnexpectedError();

    /// <summary>The error for a token that does not belong here.</summary>
    public MalformedModuleException UnexpectedError()
    {
        Token token = Current;
        string text = token.Length <= 60 ? Encoding.UTF8.GetString(Source.Slice(token)) : Encoding.UTF8.GetString(Source.Slice(token)[..60]) + "...";
        string message = token.Kind switch
        {
            TokenKind.End => "unexpected token: end of text",
            TokenKind.Reserved => $"unknown operator {text}",
            TokenKind.Number when !Keywords.IsNumber(Source.Slice(token)) => $"unknown operator {text}",
            TokenKind.Keyword when !Keywords.IsKnown(Source.Slice(token)) => $"unknown operator {text}",
            _ => $"unexpected token {text}",
        };

        return Source.Error(message, token.Start);
    }

    [DoesNotReturn]
    public void Fail(string message, int tokenPosition) => throw Source.Error(message, _tokens[tokenPosition].Start);

    private ulong ReadNatural(ulong largest, string rangeMessage)
    {
        if (Kind != TokenKind.Number)
        {
            Unexpected();
        }

        NumberStatus status = NumberLiteral.ParseNatural(Text, out ulong value);
        if (status == NumberStatus.Malformed)
        {
            Unexpected();
        }

        if (status == NumberStatus.OutOfRange || value > largest)
        {
            Fail(rangeMessage, Position);
        }

        Position++;
        return value;
    }
}
