using System.Buffers;
using System.Text;

namespace Codicil.Format.Text;

/// <summary>The bytes that a string token stands for (6.3.3); the lexer has checked its characters and escapes.</summary>
internal static class StringLiteral
{
    /// <summary>Whether a string token, quotes included, stands for well-formed UTF-8.</summary>
    public static bool IsUtf8(ReadOnlySpan<byte> token) =>
        !token.Contains((byte)'\\') || System.Text.Unicode.Utf8.IsValid(Decode(token));

    /// <summary>The bytes of a string token, quotes included.</summary>
    public static byte[] Decode(ReadOnlySpan<byte> token)
    {
        ArrayBufferWriter<byte> writer = new(Math.Max(token.Length - 2, 1));
        Decode(token, writer);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Appends the bytes of a string token, quotes included.</summary>
    public static void Decode(ReadOnlySpan<byte> token, ArrayBufferWriter<byte> writer)
    {
        ReadOnlySpan<byte> rest = token[1..^1];
        while (true)
        {
            int plain = rest.IndexOf((byte)'\\');
            writer.Write(plain < 0 ? rest : rest[..plain]);
            if (plain < 0)
            {
                return;
            }

            rest = DecodeEscape(rest[plain..], writer);
        }
    }

    private static ReadOnlySpan<byte> DecodeEscape(ReadOnlySpan<byte> escape, ArrayBufferWriter<byte> writer)
    {
        if (escape[1] == 'u')
        {
            int end = escape.IndexOf((byte)'}');
            NumberLiteral.ParseHexDigits(escape[3..end], out ulong scalar);
            Span<byte> utf8 = writer.GetSpan(4);
            writer.Advance(new Rune((int)scalar).EncodeToUtf8(utf8));
            return escape[(end + 1)..];
        }

        int simple = escape[1] switch
        {
            (byte)'n' => '\n',
            (byte)'r' => '\r',
            (byte)'t' => '\t',
            (byte)'\\' => '\\',
            (byte)'\'' => '\'',
            (byte)'"' => '"',
            _ => -1,
        };

        if (simple >= 0)
        {
            writer.Write([(byte)simple]);
            return escape[2..];
        }

        writer.Write([(byte)((NumberLiteral.HexDigit(escape[1]) << 4) | NumberLiteral.HexDigit(escape[2]))]);
        return escape[3..];
    }
}
