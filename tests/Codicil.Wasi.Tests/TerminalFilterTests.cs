using System.Text;

namespace Codicil.Wasi.Tests;

public sealed class TerminalFilterTests
{
    [Theory]
    [Trait("Security", "WO-05")]
    [InlineData("plain text, tab\t and lines\r\n", "plain text, tab\t and lines\r\n")]
    [InlineData("\u001b[2J\u001b]0;title\u0007", "\u241b[2J\u241b]0;title\u2407")]
    [InlineData("ünïcödé 世界 🙂", "ünïcödé 世界 🙂")]
    [InlineData("\u009b31m\u007f\0", "\ufffd31m\u2421\u2400")]
    [InlineData("a\bb", "a\bb")]
    public void Control_characters_are_shown(string written, string shown)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(written);
        for (int size = 1; size <= bytes.Length; size++)
        {
            Assert.Equal(shown, Filter(bytes, size));
        }
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void Bytes_that_are_no_text_do_not_pass()
    {
        byte[] bytes = [0x9B, (byte)'3', 0xE4, 0xB8, 0x1B, 0xC2, 0xFF, (byte)'x'];
        for (int size = 1; size <= bytes.Length; size++)
        {
            Assert.Equal("\ufffd3\ufffd\u241b\ufffd\ufffdx", Filter(bytes, size));
        }
    }

    [Fact]
    public void Long_texts_keep_their_order()
    {
        string text = string.Concat(Enumerable.Range(0, 20_000).Select(number => number % 7 == 0 ? "\u001b" : "äb" + (char)('a' + (number % 26))));
        byte[] bytes = Encoding.UTF8.GetBytes(text + new string('x', 5000));
        string expected = text.Replace('\u001b', '\u241b') + new string('x', 5000);
        foreach (int size in (int[])[1, 7, 1000, 1023, 1024, 1025, 100_000])
        {
            Assert.Equal(expected, Filter(bytes, size));
        }
    }

    private static string Filter(byte[] bytes, int size)
    {
        using var output = new MemoryStream();
        var filter = new TerminalFilter(output);
        foreach (byte[] piece in bytes.Chunk(size))
        {
            filter.Write(piece);
        }

        return Encoding.UTF8.GetString(output.ToArray());
    }
}
