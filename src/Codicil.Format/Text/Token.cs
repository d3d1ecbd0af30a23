namespace Codicil.Format.Text;

/// <summary>The class of a token (6.3.1).</summary>
internal enum TokenKind : byte
{
    /// <summary>The end of the text.</summary>
    End,

    /// <summary><c>(</c>.</summary>
    LeftParenthesis,

    /// <summary><c>)</c>.</summary>
    RightParenthesis,

    /// <summary>Begins with a lower-case letter; <c>inf</c> and <c>nan:0x1</c> are such too.</summary>
    Keyword,

    /// <summary>Begins with a digit or a sign; whether it is a number shows when it is read.</summary>
    Number,

    /// <summary>A string with its quotes; escapes and UTF-8 are checked.</summary>
    String,

    /// <summary><c>$name</c>.</summary>
    Identifier,

    /// <summary><c>$"name"</c>.</summary>
    QuotedIdentifier,

    /// <summary>What no production of the grammar uses: an unknown operator.</summary>
    Reserved,
}

/// <summary>A token: its class and the bytes of the text that it covers.</summary>
internal readonly record struct Token(TokenKind Kind, int Start, int Length);
