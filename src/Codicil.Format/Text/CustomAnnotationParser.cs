using System.Buffers;

using Codicil.Format.Modules;

namespace Codicil.Format.Text;

/// <summary>A custom section that a text asks for.</summary>
/// <param name="Section">The section it stands next to; null for the first or last of the module.</param>
/// <param name="IsBefore">Whether it stands before.</param>
/// <param name="Name">Its name in UTF-8.</param>
/// <param name="Content">Its bytes behind the name.</param>
/// <param name="Source">The offset of the annotation in the text.</param>
internal sealed record CustomSectionText(SectionId? Section, bool IsBefore, byte[] Name, byte[] Content, int Source);

/// <summary>Reads <c>(@custom "name" placement? "bytes"*)</c> annotations.</summary>
/// <remarks>WebAssembly 3.0, A.4 Custom Sections and Annotations, Custom Annotations.</remarks>
internal static class CustomAnnotationParser
{
    /// <summary>Reads an annotation.</summary>
    /// <exception cref="MalformedModuleException">It does not have that form.</exception>
    public static CustomSectionText Parse(SourceText source, Annotation annotation)
    {
        TokenCursor cursor = new(Lexer.Tokenize(source, annotation.ContentStart, annotation.ContentEnd));
        if (cursor.Kind != TokenKind.String)
        {
            cursor.Fail("@custom annotation: missing section name", cursor.Position);
        }

        byte[] name = cursor.ReadString();
        if (!System.Text.Unicode.Utf8.IsValid(name))
        {
            cursor.Fail("@custom annotation: malformed UTF-8 encoding", 0);
        }

        SectionId? section = null;
        bool isBefore = false;
        if (cursor.Kind == TokenKind.LeftParenthesis)
        {
            (section, isBefore) = ReadPlacement(cursor);
        }

        ArrayBufferWriter<byte> content = new();
        while (cursor.Kind == TokenKind.String)
        {
            StringLiteral.Decode(source.Slice(cursor.Next()), content);
        }

        if (cursor.Kind != TokenKind.End)
        {
            cursor.Fail("@custom annotation: unexpected token", cursor.Position);
        }

        return new CustomSectionText(section, isBefore, name, content.WrittenSpan.ToArray(), annotation.Start);
    }

    /// <summary>The word for a section.</summary>
    public static string NameOf(SectionId section) => section switch
    {
        SectionId.Function => "func",
        SectionId.Element => "elem",
        _ => section.ToString().ToLowerInvariant(),
    };

    private static (SectionId? Section, bool IsBefore) ReadPlacement(TokenCursor cursor)
    {
        cursor.Open();
        bool isBefore = cursor.TryKeyword("before"u8);
        if (!isBefore && !cursor.TryKeyword("after"u8))
        {
            cursor.Fail("@custom annotation: malformed placement", cursor.Position);
        }

        SectionId? section = ReadSection(cursor, isBefore);
        cursor.Position++;
        cursor.Close();
        return (section, isBefore);
    }

    private static SectionId? ReadSection(TokenCursor cursor, bool isBefore)
    {
        if (cursor.AtKeyword(isBefore ? "first"u8 : "last"u8))
        {
            return null;
        }

        if (cursor.Kind == TokenKind.Keyword)
        {
            string word = System.Text.Encoding.UTF8.GetString(cursor.Text);
            for (SectionId id = SectionId.Type; id <= SectionId.Tag; id++)
            {
                if (NameOf(id) == word)
                {
                    return id;
                }
            }
        }

        cursor.Fail("@custom annotation: malformed section kind", cursor.Position);
        return null;
    }
}
