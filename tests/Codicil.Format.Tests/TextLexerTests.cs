using System.Text;

using Codicil.Format.Text;

namespace Codicil.Format.Tests;

/// <summary>Tokens (WebAssembly 3.0, 6.3).</summary>
public sealed class TextLexerTests
{
    [Theory]
    [InlineData("(i32.const 1)", "( keyword:i32.const number:1 )")]
    [InlineData("$a$\"b\"", "reserved:$a$\"b\"")]
    [InlineData("$a $\"b c\" $b-_'!", "id:$a quoted:$\"b c\" id:$b-_'!")]
    [InlineData("\"a\"\"b\"", "reserved:\"a\"\"b\"")]
    [InlineData("\"a\"b", "reserved:\"a\"b")]
    [InlineData("\"a\\\"\" \"\\u{1F_600}\"", "string:\"a\\\"\" string:\"\\u{1F_600}\"")]
    [InlineData("0x1 -1 +inf 1a", "number:0x1 number:-1 number:+inf number:1a")]
    [InlineData("nan:0x1 inf offset=4", "keyword:nan:0x1 keyword:inf keyword:offset=4")]
    [InlineData("A @a #", "reserved:A reserved:@a reserved:#")]
    [InlineData("a;;b\nc;;d\re", "keyword:a keyword:c keyword:e")]
    [InlineData("a(;b(;c;);d;)e", "keyword:a keyword:e")]
    [InlineData("a(;;)b(;(;;);)c", "keyword:a keyword:b keyword:c")]
    [InlineData("a(@x (y) \")\" (;);) ;;)\n z)b", "keyword:a keyword:b")]
    [InlineData("a(@\"x\\n\" y)b", "keyword:a keyword:b")]
    [InlineData("a,b;c", "keyword:a reserved:, keyword:b reserved:; keyword:c")]
    [InlineData("\uFEFF(a)", "( keyword:a )")]
    [InlineData("\"ä→𝄞\" ;; ä→𝄞", "string:\"ä→𝄞\"")]
    public void Splits_a_text_into_tokens(string text, string expected)
    {
        SourceText source = new(Encoding.UTF8.GetBytes(text));
        List<string> tokens = [];
        foreach (Token token in Lexer.Tokenize(source).Tokens)
        {
            string content = Encoding.UTF8.GetString(source.Slice(token));
            tokens.Add(token.Kind switch
            {
                TokenKind.LeftParenthesis or TokenKind.RightParenthesis => content,
                TokenKind.Identifier => "id:" + content,
                TokenKind.QuotedIdentifier => "quoted:" + content,
                TokenKind.End => "",
                _ => token.Kind.ToString().ToLowerInvariant() + ":" + content,
            });
        }

        Assert.Equal(expected, string.Join(' ', tokens).TrimEnd());
    }

    [Theory]
    [InlineData("\"a", "unclosed string")]
    [InlineData("\"a\nb\"", "unclosed string")]
    [InlineData("\"\t\"", "illegal control character")]
    [InlineData("\"\\x\"", "illegal escape")]
    [InlineData("\"\\4\"", "illegal escape")]
    [InlineData("\"\\u{d800}\"", "illegal escape")]
    [InlineData("\"\\u{110000}\"", "illegal escape")]
    [InlineData("\"\\u{1_}\"", "illegal escape")]
    [InlineData("\"\\u{", "illegal escape")]
    [InlineData("$", "empty identifier")]
    [InlineData("$\"\"", "empty identifier")]
    [InlineData("$\"\\ff\"", "malformed UTF-8 encoding")]
    [InlineData("(@)", "empty annotation id")]
    [InlineData("(@\"\")", "empty annotation id")]
    [InlineData("(@a", "unclosed annotation")]
    [InlineData("(; (; ;)", "unclosed comment")]
    [InlineData("ä", "illegal character")]
    [InlineData("\u0001", "illegal character")]
    public void Rejects_malformed_tokens(string text, string message)
    {
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Lexer.Tokenize(new SourceText(Encoding.UTF8.GetBytes(text))));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'"', 0xC0, 0x80, (byte)'"' })]
    [InlineData(new byte[] { (byte)'"', 0xED, 0xA0, 0x80, (byte)'"' })]
    [InlineData(new byte[] { (byte)'"', 0xE2, 0x82 })]
    [InlineData(new byte[] { (byte)';', (byte)';', 0xFF, (byte)'\n' })]
    [InlineData(new byte[] { (byte)'(', (byte)';', 0x80, (byte)';', (byte)')' })]
    [InlineData(new byte[] { 0xFE })]
    public void Rejects_malformed_utf8(byte[] text)
    {
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Lexer.Tokenize(new SourceText(text)));
        Assert.StartsWith("malformed UTF-8 encoding", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decodes_escapes()
    {
        byte[] decoded = StringLiteral.Decode("\"a\\n\\t\\r\\\\\\'\\\"\\00\\fF\\u{e4}\\u{1F_600}z\""u8);
        Assert.Equal([(byte)'a', 10, 9, 13, (byte)'\\', (byte)'\'', (byte)'"', 0, 0xFF, 0xC3, 0xA4, 0xF0, 0x9F, 0x98, 0x80, (byte)'z'], decoded);
    }
}
