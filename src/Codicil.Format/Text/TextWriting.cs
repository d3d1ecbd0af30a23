using System.Buffers;
using System.Globalization;
using System.Text;

namespace Codicil.Format.Text;

/// <summary>Writes literals and identifiers so that parsing gives back the same bits and bytes (6.3).</summary>
internal static class TextWriting
{
    private static readonly SearchValues<char> s_identifierCharacters = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&'*+-./:<=>?@\\^_`|~");

    /// <summary>A name as an identifier, in quotes where it needs them.</summary>
    public static string Identifier(string name)
    {
        if (!name.AsSpan().ContainsAnyExcept(s_identifierCharacters))
        {
            return "$" + name;
        }

        StringBuilder builder = new("$\"");
        AppendCharacters(builder, name);
        return builder.Append('"').ToString();
    }

    /// <summary>A name as a name annotation (A.4.2).</summary>
    public static string NameAnnotation(string name) => $"(@name {Name(name)})";

    /// <summary>A name as a string.</summary>
    public static string Name(string name)
    {
        StringBuilder builder = new("\"");
        AppendCharacters(builder, name);
        return builder.Append('"').ToString();
    }

    /// <summary>Bytes as a string.</summary>
    public static void WriteBytes(TextWriter output, ReadOnlySpan<byte> bytes)
    {
        output.Write('"');
        foreach (byte b in bytes)
        {
            if (b is >= 0x20 and < 0x7F and not ((byte)'"' or (byte)'\\'))
            {
                output.Write((char)b);
            }
            else
            {
                output.Write('\\');
                output.Write(char.ToLowerInvariant("0123456789ABCDEF"[b >> 4]));
                output.Write(char.ToLowerInvariant("0123456789ABCDEF"[b & 15]));
            }
        }

        output.Write('"');
    }

    /// <summary>An f32 by its bits: the shortest decimal that rounds to it, or a NaN with its payload.</summary>
    public static string Float32(uint bits)
    {
        float value = BitConverter.UInt32BitsToSingle(bits);
        return float.IsFinite(value)
            ? value.ToString("R", CultureInfo.InvariantCulture)
            : NonFinite((bits & 0x8000_0000) != 0, bits & 0x7F_FFFF, 0x40_0000);
    }

    /// <summary>An f64 by its bits: the shortest decimal that rounds to it, or a NaN with its payload.</summary>
    public static string Float64(ulong bits)
    {
        double value = BitConverter.UInt64BitsToDouble(bits);
        return double.IsFinite(value)
            ? value.ToString("R", CultureInfo.InvariantCulture)
            : NonFinite((bits & 0x8000_0000_0000_0000) != 0, bits & 0xF_FFFF_FFFF_FFFF, 0x8_0000_0000_0000);
    }

    private static string NonFinite(bool negative, ulong payload, ulong canonical)
    {
        string magnitude = payload == 0 ? "inf" : payload == canonical ? "nan" : string.Create(CultureInfo.InvariantCulture, $"nan:0x{payload:x}");
        return negative ? "-" + magnitude : magnitude;
    }

    private static void AppendCharacters(StringBuilder builder, string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '"' or '\\':
                    builder.Append('\\').Append((char)rune.Value);
                    break;
                case >= 0x20 and < 0x7F:
                    builder.Append((char)rune.Value);
                    break;
                default:
                    // What a reader can't see or what moves the text around it is shown by number.
                    if (Rune.IsLetterOrDigit(rune) || Rune.IsSymbol(rune) || Rune.IsPunctuation(rune))
                    {
                        builder.Append(rune.ToString());
                    }
                    else
                    {
                        builder.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
                    }

                    break;
            }
        }
    }
}
