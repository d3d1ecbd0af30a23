using System.Text;

namespace Codicil.Plugins;

/// <summary>Guests' text for logs.</summary>
internal static class LogText
{
    private const string Ellipsis = "\u2026";

    /// <summary>UTF-8 as text, bad sequences as U+FFFD; beyond a length it is cut off at a character and its whole length said.</summary>
    public static string Decode(ReadOnlySpan<byte> utf8, int mostBytes)
    {
        mostBytes = Math.Max(mostBytes, 16);
        if (utf8.Length <= mostBytes)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        int end = mostBytes;
        while (end > mostBytes - 4 && (utf8[end] & 0xC0) == 0x80)
        {
            end--;
        }

        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Encoding.UTF8.GetString(utf8[..end])}{Ellipsis} ({utf8.Length} bytes)");
    }

    /// <summary>Text of the host's own, cut off in the same way.</summary>
    public static string Cut(string text, int mostBytes) =>
        text.Length <= Math.Max(mostBytes, 16) / 3 || Encoding.UTF8.GetByteCount(text) <= Math.Max(mostBytes, 16) ? text : Decode(Encoding.UTF8.GetBytes(text), mostBytes);

    /// <summary>
    /// Text that cannot leave its line or steer a terminal: control characters, line and paragraph separators and those that change the direction of text are written as escapes.
    /// </summary>
    public static string Escape(string text)
    {
        int first = 0;
        while (first < text.Length && !MustBeEscaped(text[first]))
        {
            first++;
        }

        if (first == text.Length)
        {
            return text;
        }

        var escaped = new StringBuilder(text, 0, first, text.Length + 16);
        foreach (char c in text.AsSpan(first))
        {
            if (!MustBeEscaped(c))
            {
                escaped.Append(c);
                continue;
            }

            _ = c switch
            {
                '\n' => escaped.Append("\\n"),
                '\r' => escaped.Append("\\r"),
                '\t' => escaped.Append("\\t"),
                _ => escaped.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
            };
        }

        return escaped.ToString();
    }

    private static bool MustBeEscaped(char c) => c is < ' ' or (>= '\u007F' and <= '\u009F') or '\u2028' or '\u2029' or '\u061C' or (>= '\u200E' and <= '\u200F') or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
