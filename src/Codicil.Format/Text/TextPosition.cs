using System.Globalization;

namespace Codicil.Format.Text;

/// <summary>A place in a text.</summary>
/// <param name="Line">The line, from 1; LF, CR and CRLF each end one.</param>
/// <param name="Column">The column, from 1, in Unicode characters.</param>
public readonly record struct TextPosition(int Line, int Column)
{
    /// <summary><c>line:column</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Line}:{Column}");
}
