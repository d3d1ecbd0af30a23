using System.Text;

namespace Codicil.Cli;

/// <summary>What the tool itself has to say: standard error, coloured only on a terminal and never with <c>NO_COLOR</c>.</summary>
internal static class Messages
{
    private static readonly bool s_colours =
        !Console.IsErrorRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public static void Error(string message) =>
        Console.Error.WriteLine((s_colours ? "\e[1;31mcodicil:\e[0m " : "codicil: ") + Printable(message));

    public static void Note(string message) => Console.Error.WriteLine("codicil: " + Printable(message));

    /// <summary>Names in modules are anybody's text: control characters other than line ends, and those that change the direction of text, must not reach the terminal.</summary>
    public static string Printable(string text)
    {
        StringBuilder? builder = null;
        for (int i = 0; i < text.Length; i++)
        {
            if ((char.IsControl(text[i]) && text[i] is not ('\n' or '\t')) || ChangesDirection(text[i]))
            {
                builder ??= new StringBuilder(text, 0, i, text.Length + 8);
                builder.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{{{(int)text[i]:x}}}");
            }
            else
            {
                builder?.Append(text[i]);
            }
        }

        return builder?.ToString() ?? text;
    }

    private static bool ChangesDirection(char c) => c is '\u061C' or (>= '\u200E' and <= '\u200F') or (>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
