using System.Globalization;
using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil.Cli.Options;

/// <summary>Values as the command line reads and prints them: decimal, shortest round trip.</summary>
internal static class ValueText
{
    /// <summary>An argument by its parameter's type. Integers may be signed, unsigned or hexadecimal; references only <c>null</c>.</summary>
    /// <exception cref="UsageException">The text is no such value.</exception>
    public static Value Parse(string text, ValType type, int position)
    {
        switch (type.Kind)
        {
            case ValKind.I32 when TryInteger(text, int.MinValue, uint.MaxValue, out Int128 integer):
                return Value.FromI32(unchecked((int)(uint)(long)integer));
            case ValKind.I64 when TryInteger(text, long.MinValue, ulong.MaxValue, out Int128 integer):
                return Value.FromI64(unchecked((long)(ulong)integer));
            case ValKind.F32 when TrySpecial(text, out double special):
                return Value.FromF32((float)special);
            case ValKind.F32 when float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float single) && float.IsFinite(single):
                return Value.FromF32(single);
            case ValKind.F64 when TrySpecial(text, out double special):
                return Value.FromF64(special);
            case ValKind.F64 when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number):
                return Value.FromF64(number);
            case ValKind.Reference when type.IsNullable && text == "null":
                return Value.Default(type);
        }

        throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"argument {position}: `{text}` is no {type}"));
    }

    /// <summary>A result on a line of its own.</summary>
    public static string Format(Value value) => value.Kind switch
    {
        ValKind.I32 => value.AsI32().ToString(CultureInfo.InvariantCulture),
        ValKind.I64 => value.AsI64().ToString(CultureInfo.InvariantCulture),
        ValKind.F32 => Format(value.AsF32(), value.AsF32().ToString("R", CultureInfo.InvariantCulture)),
        ValKind.F64 => Format(value.AsF64(), value.AsF64().ToString("R", CultureInfo.InvariantCulture)),
        ValKind.V128 => "0x" + new UInt128(value.AsV128().AsUInt64()[1], value.AsV128().AsUInt64()[0]).ToString("x32", CultureInfo.InvariantCulture),
        _ => value.IsNull ? "null" : value.Type.ToString(),
    };

    private static string Format(double value, string shortest) => value switch
    {
        double.NaN => double.IsNegative(value) ? "-nan" : "nan",
        double.PositiveInfinity => "inf",
        double.NegativeInfinity => "-inf",
        _ => shortest.Replace('E', 'e'),
    };

    private static bool TrySpecial(string text, out double value)
    {
        (value, bool known) = text switch
        {
            "nan" or "NaN" or "+nan" => (BitConverter.UInt64BitsToDouble(0x7ff8_0000_0000_0000), true),
            "-nan" or "-NaN" => (BitConverter.UInt64BitsToDouble(0xfff8_0000_0000_0000), true),
            "inf" or "+inf" or "Infinity" => (double.PositiveInfinity, true),
            "-inf" or "-Infinity" => (double.NegativeInfinity, true),
            _ => (0, false),
        };
        return known;
    }

    private static bool TryInteger(string text, Int128 minimum, Int128 maximum, out Int128 value)
    {
        ReadOnlySpan<char> digits = text;
        bool negative = digits.StartsWith("-");
        if (negative || digits.StartsWith("+"))
        {
            digits = digits[1..];
        }

        bool parsed = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong magnitude)
            : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out magnitude);
        value = negative ? -(Int128)magnitude : magnitude;
        return parsed && value >= minimum && value <= maximum;
    }
}
