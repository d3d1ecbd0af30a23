using System.Buffers;
using System.Globalization;
using System.Text;

namespace Codicil.Plugins.Http;

/// <summary>What HTTP allows in methods, names and values (RFC 9110, 5.5 and 5.6.2), and how a guest's text is shown in messages.</summary>
internal static class HttpText
{
    private const int MaxShown = 2048;

    private static readonly SearchValues<char> s_token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Whether a text is a token: a method, or the name of a header.</summary>
    public static bool IsToken(string text) => text.Length != 0 && !text.AsSpan().ContainsAnyExcept(s_token);

    /// <summary>Whether a text can be a header's value: no control character but the tab. Line ends and NUL would begin another header, or another request.</summary>
    public static bool IsValue(ReadOnlySpan<char> text)
    {
        foreach (char character in text)
        {
            if (character is (< ' ' or '\x7F') and not '\t')
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A guest's text for a message: without control characters, and not endless.</summary>
    public static string Shown(string text)
    {
        if (text.Length <= MaxShown && !text.AsSpan().ContainsAnyInRange('\0', '\x1F') && !text.AsSpan().ContainsAnyInRange('\x7F', '\x9F'))
        {
            return text;
        }

        var shown = new StringBuilder();
        foreach (char character in text.AsSpan(0, Math.Min(text.Length, MaxShown)))
        {
            if (char.IsControl(character))
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
            else
            {
                shown.Append(character);
            }
        }

        return text.Length > MaxShown ? shown.Append("...").ToString() : shown.ToString();
    }
}
