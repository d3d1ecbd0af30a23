using System.Globalization;
using System.Text;

namespace Codicil.Plugins.Http;

/// <summary>A response's headers as guests get them: a JSON object of strings in the order of their names, without spaces, escaped as Go's encoder does it.</summary>
internal static class HeadersJson
{
    public static byte[] Write(IReadOnlyDictionary<string, string> headers)
    {
        var json = new StringBuilder("{");
        foreach ((string name, string value) in headers)
        {
            Append(json.Append(json.Length == 1 ? "" : ","), name);
            Append(json.Append(':'), value);
        }

        return Encoding.UTF8.GetBytes(json.Append('}').ToString());
    }

    private static void Append(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char character in text)
        {
            switch (character)
            {
                case '"' or '\\':
                    json.Append('\\').Append(character);
                    break;
                case '\n':
                    json.Append("\\n");
                    break;
                case '\r':
                    json.Append("\\r");
                    break;
                case '\t':
                    json.Append("\\t");
                    break;
                case '\b':
                    json.Append("\\b");
                    break;
                case '\f':
                    json.Append("\\f");
                    break;
                case < ' ' or '<' or '>' or '&' or '\u2028' or '\u2029':
                    json.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
                    break;
                default:
                    json.Append(character);
                    break;
            }
        }

        json.Append('"');
    }
}
