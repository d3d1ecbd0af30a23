using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace Codicil.Format.Text;

/// <summary>What became of a number token.</summary>
internal enum NumberStatus : byte
{
    /// <summary>It is a number of the type.</summary>
    Ok,

    /// <summary>It follows no production for numbers of the type.</summary>
    Malformed,

    /// <summary>It is a number, but the type cannot hold it.</summary>
    OutOfRange,
}

/// <summary>The values of number tokens (6.3.2). Floats are rounded once, to nearest, ties to even.</summary>
internal static class NumberLiteral
{
    // Beyond every exponent that a text of 2^31 characters could bring back into range, and far from overflow when a few are added.
    private const long ExponentBound = 1L << 40;

    /// <summary>The value of an ASCII hexadecimal digit, or -1.</summary>
    public static int HexDigit(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };

    /// <summary>Hexadecimal digits with underscores between them, without <c>0x</c>.</summary>
    public static NumberStatus ParseHexDigits(ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        bool overflow = false;
        bool digitBefore = false;
        foreach (byte b in text)
        {
            int digit = HexDigit(b);
            if (digit < 0)
            {
                if (b != '_' || !digitBefore)
                {
                    return NumberStatus.Malformed;
                }

                digitBefore = false;
                continue;
            }

            overflow |= value >> 60 != 0;
            value = (value << 4) | (uint)digit;
            digitBefore = true;
        }

        return !digitBefore ? NumberStatus.Malformed : overflow ? NumberStatus.OutOfRange : NumberStatus.Ok;
    }

    /// <summary>An unsigned integer without a sign: indices, sizes, offsets.</summary>
    public static NumberStatus ParseNatural(ReadOnlySpan<byte> text, out ulong value)
    {
        if (text.StartsWith("0x"u8))
        {
            return ParseHexDigits(text[2..], out value);
        }

        value = 0;
        bool overflow = false;
        bool digitBefore = false;
        foreach (byte b in text)
        {
            if (b is < (byte)'0' or > (byte)'9')
            {
                if (b != '_' || !digitBefore)
                {
                    return NumberStatus.Malformed;
                }

                digitBefore = false;
                continue;
            }

            uint digit = (uint)(b - '0');
            overflow |= value > (ulong.MaxValue - digit) / 10;
            value = (value * 10) + digit;
            digitBefore = true;
        }

        return !digitBefore ? NumberStatus.Malformed : overflow ? NumberStatus.OutOfRange : NumberStatus.Ok;
    }

    /// <summary>An integer of a width, signed or not: from -2^(width-1) to 2^width - 1, as its low <paramref name="width"/> bits.</summary>
    public static NumberStatus ParseInteger(ReadOnlySpan<byte> text, int width, out ulong bits)
    {
        bool signed = text.Length > 0 && text[0] is (byte)'+' or (byte)'-';
        bool negative = signed && text[0] == '-';
        NumberStatus status = ParseNatural(signed ? text[1..] : text, out ulong magnitude);
        bits = 0;
        if (status != NumberStatus.Ok)
        {
            return status;
        }

        ulong mask = ulong.MaxValue >> (64 - width);
        ulong signBit = 1UL << (width - 1);
        ulong largest = negative ? signBit : signed ? signBit - 1 : mask;
        if (magnitude > largest)
        {
            return NumberStatus.OutOfRange;
        }

        bits = (negative ? 0 - magnitude : magnitude) & mask;
        return NumberStatus.Ok;
    }

    /// <summary>An f32 as its bits.</summary>
    public static NumberStatus ParseFloat32(ReadOnlySpan<byte> text, out uint bits)
    {
        NumberStatus status = ParseFloat(text, 24, 8, out ulong wide);
        bits = (uint)wide;
        return status;
    }

    /// <summary>An f64 as its bits.</summary>
    public static NumberStatus ParseFloat64(ReadOnlySpan<byte> text, out ulong bits) => ParseFloat(text, 53, 11, out bits);

    private static NumberStatus ParseFloat(ReadOnlySpan<byte> text, int precision, int exponentWidth, out ulong bits)
    {
        bool signed = text.Length > 0 && text[0] is (byte)'+' or (byte)'-';
        ReadOnlySpan<byte> magnitude = signed ? text[1..] : text;
        NumberStatus status = ParseMagnitude(magnitude, precision, exponentWidth, out bits);
        if (signed && text[0] == '-')
        {
            bits |= 1UL << (precision + exponentWidth - 1);
        }

        return status;
    }

    private static NumberStatus ParseMagnitude(ReadOnlySpan<byte> text, int precision, int exponentWidth, out ulong bits)
    {
        ulong infinity = ((1UL << exponentWidth) - 1) << (precision - 1);
        if (text.SequenceEqual("inf"u8))
        {
            bits = infinity;
            return NumberStatus.Ok;
        }

        if (text.SequenceEqual("nan"u8))
        {
            bits = infinity | (1UL << (precision - 2));
            return NumberStatus.Ok;
        }

        if (text.StartsWith("nan:0x"u8))
        {
            NumberStatus status = ParseHexDigits(text[6..], out ulong payload);
            bits = infinity | payload;
            return status != NumberStatus.Ok ? status
                : payload == 0 || payload >= 1UL << (precision - 1) ? NumberStatus.OutOfRange
                : NumberStatus.Ok;
        }

        return text.StartsWith("0x"u8)
            ? ParseHexFloat(text[2..], precision, exponentWidth, out bits)
            : ParseDecimalFloat(text, precision, out bits);
    }

    private static NumberStatus ParseDecimalFloat(ReadOnlySpan<byte> text, int precision, out ulong bits)
    {
        bits = 0;
        if (!TrySplit(text, 'e', static b => b is >= (byte)'0' and <= (byte)'9', out _, out _, out _))
        {
            return NumberStatus.Malformed;
        }

        // The base class library rounds decimal strings of any length correctly, for each of the two types on its own.
        byte[]? rented = text.Length > 256 ? ArrayPool<byte>.Shared.Rent(text.Length) : null;
        Span<byte> plain = rented ?? stackalloc byte[256];
        int length = 0;
        foreach (byte b in text)
        {
            if (b != '_')
            {
                plain[length++] = b;
            }
        }

        bool overflow;
        if (precision == 24)
        {
            float value = float.Parse(plain[..length], NumberStyles.Float, CultureInfo.InvariantCulture);
            overflow = float.IsInfinity(value);
            bits = BitConverter.SingleToUInt32Bits(value);
        }
        else
        {
            double value = double.Parse(plain[..length], NumberStyles.Float, CultureInfo.InvariantCulture);
            overflow = double.IsInfinity(value);
            bits = BitConverter.DoubleToUInt64Bits(value);
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return overflow ? NumberStatus.OutOfRange : NumberStatus.Ok;
    }

    private static NumberStatus ParseHexFloat(ReadOnlySpan<byte> text, int precision, int exponentWidth, out ulong bits)
    {
        bits = 0;
        if (!TrySplit(text, 'p', static b => HexDigit(b) >= 0, out ReadOnlySpan<byte> whole, out ReadOnlySpan<byte> fraction, out ReadOnlySpan<byte> exponentText))
        {
            return NumberStatus.Malformed;
        }

        // The first 64 significant bits are kept, of the rest only whether there is a one: that is all that rounding can depend on.
        ulong mantissa = 0;
        bool sticky = false;
        long exponent = 0;
        foreach (byte b in whole)
        {
            AddHexDigit(b, 4, 0, ref mantissa, ref sticky, ref exponent);
        }

        foreach (byte b in fraction)
        {
            AddHexDigit(b, 0, -4, ref mantissa, ref sticky, ref exponent);
        }

        return Round(mantissa, sticky, exponent + ParseExponent(exponentText), precision, exponentWidth, out bits);
    }

    private static void AddHexDigit(byte b, int exponentWhenDropped, int exponentWhenKept, ref ulong mantissa, ref bool sticky, ref long exponent)
    {
        if (b == '_')
        {
            return;
        }

        int digit = HexDigit(b);
        if (mantissa >> 60 == 0)
        {
            mantissa = (mantissa << 4) | (uint)digit;
            exponent += exponentWhenKept;
        }
        else
        {
            sticky |= digit != 0;
            exponent += exponentWhenDropped;
        }
    }

    /// <summary>Rounds <c>mantissa * 2^exponent</c>, a little more when <paramref name="sticky"/>, to the nearest float, ties to even.</summary>
    private static NumberStatus Round(ulong mantissa, bool sticky, long exponent, int precision, int exponentWidth, out ulong bits)
    {
        bits = 0;
        if (mantissa == 0)
        {
            return NumberStatus.Ok;
        }

        int leadingZeros = BitOperations.LeadingZeroCount(mantissa);
        mantissa <<= leadingZeros;
        long scale = exponent - leadingZeros + 63;
        int bias = (1 << (exponentWidth - 1)) - 1;
        if (scale > bias)
        {
            return NumberStatus.OutOfRange;
        }

        int smallestNormal = 1 - bias;
        bool isNormal = scale >= smallestNormal;
        long dropped = 64 - precision + (isNormal ? 0 : smallestNormal - scale);
        if (dropped > 64)
        {
            // Below half of the smallest subnormal.
            return NumberStatus.Ok;
        }

        ulong kept = dropped == 64 ? 0 : mantissa >> (int)dropped;
        ulong half = 1UL << (int)(dropped - 1);
        ulong rest = dropped == 64 ? mantissa : mantissa & ((1UL << (int)dropped) - 1);
        if (rest > half || (rest == half && (sticky || (kept & 1) != 0)))
        {
            kept++;
        }

        // A carry out of the mantissa lands in the exponent, which is what it should do: the next power of two, or the first normal number.
        ulong biased = isNormal ? (ulong)(scale - smallestNormal) : 0;
        bits = (biased << (precision - 1)) + kept;
        ulong infinity = ((1UL << exponentWidth) - 1) << (precision - 1);
        return bits >= infinity ? NumberStatus.OutOfRange : NumberStatus.Ok;
    }

    private static long ParseExponent(ReadOnlySpan<byte> text)
    {
        bool negative = text.Length > 0 && text[0] == '-';
        long value = 0;
        foreach (byte b in text)
        {
            if (b is >= (byte)'0' and <= (byte)'9')
            {
                value = Math.Min((value * 10) + (b - '0'), ExponentBound);
            }
        }

        return negative ? -value : value;
    }

    /// <summary>Splits <c>digits [. [digits]] [marker [sign] digits]</c>; false when the text does not have that form.</summary>
    private static bool TrySplit(
        ReadOnlySpan<byte> text,
        char marker,
        Func<byte, bool> isDigit,
        out ReadOnlySpan<byte> whole,
        out ReadOnlySpan<byte> fraction,
        out ReadOnlySpan<byte> exponent)
    {
        int position = 0;
        whole = TakeDigits(text, ref position, isDigit);
        fraction = default;
        exponent = default;
        if (whole.IsEmpty)
        {
            return false;
        }

        if (position < text.Length && text[position] == '.')
        {
            position++;
            fraction = TakeDigits(text, ref position, isDigit);
        }

        if (position < text.Length && (text[position] | 0x20) == marker)
        {
            int start = ++position;
            if (position < text.Length && text[position] is (byte)'+' or (byte)'-')
            {
                position++;
            }

            if (TakeDigits(text, ref position, static b => b is >= (byte)'0' and <= (byte)'9').IsEmpty)
            {
                return false;
            }

            exponent = text[start..position];
        }

        return position == text.Length;
    }

    /// <summary>Takes digits with single underscores between them; an underscore elsewhere is left behind and so fails the whole.</summary>
    private static ReadOnlySpan<byte> TakeDigits(ReadOnlySpan<byte> text, scoped ref int position, Func<byte, bool> isDigit)
    {
        int start = position;
        while (position < text.Length)
        {
            bool isSeparator = text[position] == '_'
                && position > start && text[position - 1] != '_'
                && position + 1 < text.Length && isDigit(text[position + 1]);
            if (!isSeparator && !isDigit(text[position]))
            {
                break;
            }

            position++;
        }

        return text[start..position];
    }
}
