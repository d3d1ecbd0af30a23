using System.Text;

namespace Codicil.Format.Text;

/// <summary>The text format: WAT becomes a module in the binary format. Thread-safe.</summary>
/// <remarks>
/// WebAssembly 3.0, 6 Text Format, with threads, custom page sizes and the legacy exceptions. Time and memory are linear in the text and the
/// stack that is used does not depend on it.
/// </remarks>
public static class Wat
{
    /// <summary>Parses a module: <c>(module ...)</c>, or its fields alone.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="MalformedModuleException">The text is malformed; line and column are set.</exception>
    public static ParsedModule Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return ParseUtf8(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Parses a module: <c>(module ...)</c>, or its fields alone.</summary>
    /// <param name="utf8">The text in UTF-8.</param>
    /// <exception cref="MalformedModuleException">The text is malformed; line and column are set.</exception>
    public static ParsedModule Parse(ReadOnlySpan<byte> utf8) => ParseUtf8(utf8.ToArray());

    /// <summary>The bytes of a module given as text.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="MalformedModuleException">The text is malformed; line and column are set.</exception>
    public static byte[] ToBinary(string text) => Parse(text).ToArray();

    private static ParsedModule ParseUtf8(byte[] utf8)
    {
        SourceText source = new(utf8);
        TokenCursor cursor = new(Lexer.Tokenize(source));
        ParsedModule module;
        if (cursor.TryForm("module"u8))
        {
            byte[]? name = cursor.AtIdentifier ? cursor.ReadIdentifier() : null;
            module = ModuleParser.ParseFields(cursor, name);
            cursor.Close();
        }
        else
        {
            module = ModuleParser.ParseFields(cursor, null);
        }

        if (cursor.Kind != TokenKind.End)
        {
            cursor.Unexpected();
        }

        return module;
    }
}
