using System.Text;

using Codicil.Format.Modules;
using Codicil.Fuzz.Cases;

namespace Codicil.Fuzz.Generators;

/// <summary>Changes modules and texts a little.</summary>
internal static class Mutator
{
    private static readonly byte[] s_bytes =
    [
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x1A, 0x1B, 0x1C, 0x20, 0x21, 0x22, 0x23, 0x28, 0x36, 0x3F, 0x40, 0x41, 0x42, 0x43, 0x44,
        0x60, 0x6F, 0x70, 0x7B, 0x7C, 0x7D, 0x7E, 0x7F, 0x80, 0x81, 0xC0, 0xD0, 0xD1, 0xD2, 0xFC, 0xFD, 0xFE, 0xFF,
    ];

    private static readonly string[] s_tokens =
    [
        "(", ")", "()", "module", "func", "(func)", "param", "result", "local", "type", "import", "export", "memory", "table", "global", "elem", "data", "start", "mut", "offset", "item", "declare", "funcref", "externref",
        "i32", "i64", "f32", "f64", "v128", "block", "loop", "if", "then", "else", "end", "br", "br_table", "call_indirect", "select", "drop", "unreachable", "$x", "$0", "$", "\"\"", "\"\\00\"", "\"\\u{110000}\"", "\"\\u{d800}\"", "\"\\zz\"",
        "0", "-0", "+1", "1", "0x", "0x1", "4294967295", "4294967296", "-2147483649", "18446744073709551615", "18446744073709551616", "1_000", "1__0", "_1", "nan", "-nan", "nan:0x1", "nan:0x0", "nan:canonical", "inf", "1e400", "0x1p-1080", "0x1.fffffffffffff8p1023",
        "1.", ".1", "1e", "0x1.8p+1", "offset=0", "offset=4294967296", "align=1", "align=3", "align=0", ";;", "(;", ";)", "(; (; ;) ;)", "(@a)", "(@name \"x\")", "i32.const", "i64.const 1", "f32.const 0x1p-149", "local.get 0", "local.tee", "memory.init", "table.copy 0 0", "i8x16.shuffle", "v128.const i32x4 1 2 3 4", "\u00e9", "\u0000", "\ufeff",
    ];

    /// <summary>A mutant of a module.</summary>
    public static byte[] Mutate(byte[] module, FuzzRandom random)
    {
        byte[] mutant = module;
        for (int changes = random.Pick<int>([1, 1, 1, 2, 3]); changes > 0; changes--)
        {
            mutant = random.Chance(50) ? MutateInstructions(mutant, random) : MutateBytes(mutant, random);
        }

        return mutant;
    }

    /// <summary>A mutant of a text.</summary>
    public static byte[] MutateText(byte[] text, FuzzRandom random)
    {
        List<string> tokens = Split(Encoding.UTF8.GetString(text));
        for (int changes = random.Pick<int>([1, 1, 2, 3]); changes > 0 && tokens.Count > 0; changes--)
        {
            int index = random.Below(tokens.Count);
            switch (random.Below(7))
            {
                case 0:
                    tokens.RemoveAt(index);
                    break;
                case 1:
                    tokens[index] = random.Pick<string>(s_tokens);
                    break;
                case 2:
                    tokens.Insert(index, " " + random.Pick<string>(s_tokens) + " ");
                    break;
                case 3:
                    tokens.Insert(index, tokens[random.Below(tokens.Count)]);
                    break;
                case 4:
                    tokens[index] = tokens[random.Below(tokens.Count)];
                    break;
                case 5:
                    tokens.Insert(index, random.Pick<string>([" ", "\n", "(;x;)", ";;\n", "\t", "\r"]));
                    break;
                default:
                    byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(tokens));
                    return MutateBytes(bytes, random);
            }
        }

        return Encoding.UTF8.GetBytes(string.Concat(tokens));
    }

    private static byte[] MutateBytes(byte[] bytes, FuzzRandom random)
    {
        if (bytes.Length < 10)
        {
            return bytes;
        }

        int at = random.Chance(95) ? random.Between(8, bytes.Length) : random.Below(bytes.Length);
        byte[] mutant = [.. bytes];
        switch (random.Below(10))
        {
            case < 3:
                mutant[at] ^= (byte)(1 << random.Below(8));
                return mutant;
            case < 6:
                mutant[at] = random.Pick<byte>(s_bytes);
                return mutant;
            case 6:
                mutant[at] += (byte)random.Pick<int>([1, -1, 2, -2]);
                return mutant;
            case 7:
                return [.. bytes.AsSpan(0, at), .. random.Bytes(random.Between(1, 4)), .. bytes.AsSpan(at)];
            case 8:
                return [.. bytes.AsSpan(0, at), .. bytes.AsSpan(Math.Min(bytes.Length, at + random.Between(1, 5)))];
            default:
                return bytes[..at];
        }
    }

    // Instructions of the module itself, or of these bytes, in other places: sizes stay right, so that the validator sees them.
    private static byte[] MutateInstructions(byte[] bytes, FuzzRandom random)
    {
        WasmModule? module = ModuleBytes.Decode(bytes);
        if (module is null || module.Bodies.IsEmpty || !ModuleBytes.IsValid(bytes))
        {
            return MutateBytes(bytes, random);
        }

        int body = random.Below(module.Bodies.Length);
        List<int> targets = ModuleBytes.Boundaries(module, body);
        List<int> sources = ModuleBytes.Boundaries(module, random.Below(module.Bodies.Length));
        int first = random.Below(targets.Count - 1);
        int last = Math.Min(targets.Count - 2, first + random.Below(3));
        int source = random.Below(sources.Count - 1);
        int sourceEnd = Math.Min(sources.Count - 1, source + random.Between(1, 4));
        ReadOnlySpan<byte> insertion = random.Chance(40) ? [] : random.Chance(70) ? bytes.AsSpan(sources[source]..sources[sourceEnd]) : random.Bytes(random.Between(1, 4));
        ByteRange range = module.Bodies[body].Range;
        return ModuleBytes.ReplaceBody(module, body, [.. bytes.AsSpan(range.Start, targets[first] - range.Start), .. insertion, .. bytes.AsSpan(targets[last], range.End - targets[last])]);
    }

    // Words, strings, spaces and single marks.
    private static List<string> Split(string text)
    {
        List<string> tokens = [];
        for (int i = 0; i < text.Length;)
        {
            int start = i;
            if (text[i] == '"')
            {
                for (i++; i < text.Length && text[i] != '"'; i++)
                {
                    i += text[i] == '\\' ? 1 : 0;
                }

                i = Math.Min(text.Length, i + 1);
            }
            else if (text[i] is '(' or ')' or ';')
            {
                i++;
            }
            else
            {
                bool space = char.IsWhiteSpace(text[i]);
                while (i < text.Length && text[i] is not ('(' or ')' or ';' or '"') && char.IsWhiteSpace(text[i]) == space)
                {
                    i++;
                }
            }

            tokens.Add(text[start..i]);
        }

        return tokens;
    }
}
