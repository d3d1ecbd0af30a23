using System.Globalization;
using System.Numerics;
using System.Text;

using Codicil.Format.Text;

namespace Codicil.Format.Tests;

/// <summary>Number literals against tables and against rounding with exact fractions.</summary>
public sealed class TextNumberTests
{
    [Theory]
    [InlineData("0", 32, 0ul)]
    [InlineData("-0", 32, 0ul)]
    [InlineData("+0x7fff_ffff", 32, 0x7FFF_FFFFul)]
    [InlineData("4294967295", 32, 0xFFFF_FFFFul)]
    [InlineData("-2147483648", 32, 0x8000_0000ul)]
    [InlineData("-0x8000_0000", 32, 0x8000_0000ul)]
    [InlineData("18446744073709551615", 64, ulong.MaxValue)]
    [InlineData("-9223372036854775808", 64, 0x8000_0000_0000_0000ul)]
    [InlineData("000000000000000000000000000001_2", 64, 12ul)]
    [InlineData("-128", 8, 0x80ul)]
    public void Reads_integers(string text, int width, ulong expected)
    {
        Assert.Equal(NumberStatus.Ok, NumberLiteral.ParseInteger(Encoding.UTF8.GetBytes(text), width, out ulong bits));
        Assert.Equal(expected, bits);
    }

    [Theory]
    [InlineData("4294967296", 32)]
    [InlineData("-2147483649", 32)]
    [InlineData("+2147483648", 32)]
    [InlineData("0x1_0000_0000", 32)]
    [InlineData("18446744073709551616", 64)]
    [InlineData("99999999999999999999999999", 64)]
    [InlineData("0x1_0000_0000_0000_0000", 64)]
    [InlineData("256", 8)]
    [InlineData("-32769", 16)]
    public void Rejects_integers_out_of_range(string text, int width) =>
        Assert.Equal(NumberStatus.OutOfRange, NumberLiteral.ParseInteger(Encoding.UTF8.GetBytes(text), width, out _));

    [Theory]
    [InlineData("")]
    [InlineData("+")]
    [InlineData("_1")]
    [InlineData("1_")]
    [InlineData("1__0")]
    [InlineData("0x")]
    [InlineData("0x_1")]
    [InlineData("0x1_")]
    [InlineData("0xg")]
    [InlineData("1a")]
    [InlineData("1.0")]
    [InlineData("--1")]
    [InlineData("0X1")]
    public void Rejects_malformed_integers(string text) =>
        Assert.Equal(NumberStatus.Malformed, NumberLiteral.ParseInteger(Encoding.UTF8.GetBytes(text), 32, out _));

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".5")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1.e_1")]
    [InlineData("1._5")]
    [InlineData("1_.5")]
    [InlineData("1.5_")]
    [InlineData("0x")]
    [InlineData("0x.8")]
    [InlineData("0x1p")]
    [InlineData("0x1p+")]
    [InlineData("0x1pa")]
    [InlineData("0x1.8e+1")]
    [InlineData("infinity")]
    [InlineData("nan:")]
    [InlineData("nan:0x")]
    [InlineData("nan:1")]
    [InlineData("nan:canonical")]
    [InlineData("NaN")]
    [InlineData("1 ")]
    public void Rejects_malformed_floats(string text)
    {
        Assert.Equal(NumberStatus.Malformed, NumberLiteral.ParseFloat32(Encoding.UTF8.GetBytes(text), out _));
        Assert.Equal(NumberStatus.Malformed, NumberLiteral.ParseFloat64(Encoding.UTF8.GetBytes(text), out _));
    }

    [Theory]
    [InlineData("inf", 0x7F80_0000u)]
    [InlineData("-inf", 0xFF80_0000u)]
    [InlineData("nan", 0x7FC0_0000u)]
    [InlineData("-nan:0x1", 0xFF80_0001u)]
    [InlineData("nan:0x7f_ffff", 0x7FFF_FFFFu)]
    [InlineData("-0", 0x8000_0000u)]
    [InlineData("-0x0.0p-99999999999999999999", 0x8000_0000u)]
    [InlineData("0e999999999999999999999", 0u)]
    [InlineData("1e-999999999999999999999", 0u)]
    [InlineData("0x1p-999999999999999999999", 0u)]
    [InlineData("1.", 0x3F80_0000u)]
    [InlineData("1.e2", 0x42C8_0000u)]
    [InlineData("0x1.", 0x3F80_0000u)]
    [InlineData("0x1_0.8_0P-4", 0x3F84_0000u)]
    [InlineData("0x1.fffffep127", 0x7F7F_FFFFu)]
    [InlineData("0x1.fffffefffffffffffffffp127", 0x7F7F_FFFFu)]
    [InlineData("340282356779733661637539395458142568447", 0x7F7F_FFFFu)]
    [InlineData("0x1p-149", 1u)]
    [InlineData("0x1p-150", 0u)]
    [InlineData("0x1.0000000000000000000000001p-150", 1u)]
    [InlineData("0x1.8p-149", 2u)]
    [InlineData("0x1.fffffep-127", 0x0080_0000u)]
    [InlineData("0x1.00000100000000000p0", 0x3F80_0000u)]
    [InlineData("0x1.000001000000000000000000000001p0", 0x3F80_0001u)]
    [InlineData("0x1.000003p0", 0x3F80_0002u)]
    [InlineData("1.000000059604644775390625", 0x3F80_0000u)]
    [InlineData("1.00000005960464477539062500000000000000000000001", 0x3F80_0001u)]
    public void Reads_f32(string text, uint expected)
    {
        Assert.Equal(NumberStatus.Ok, NumberLiteral.ParseFloat32(Encoding.UTF8.GetBytes(text), out uint bits));
        Assert.Equal(expected.ToString("x8", CultureInfo.InvariantCulture), bits.ToString("x8", CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("1e39")]
    [InlineData("0x1p128")]
    [InlineData("0x1.ffffffp127")]
    [InlineData("340282356779733661637539395458142568448")]
    [InlineData("1e999999999999999999999")]
    [InlineData("0x1p999999999999999999999")]
    [InlineData("nan:0x0")]
    [InlineData("nan:0x80_0000")]
    [InlineData("nan:0x1_0000_0000_0000_0000")]
    public void Rejects_f32_out_of_range(string text) =>
        Assert.Equal(NumberStatus.OutOfRange, NumberLiteral.ParseFloat32(Encoding.UTF8.GetBytes(text), out _));

    [Theory]
    [InlineData("0x1.fffffffffffffp1023", 0x7FEF_FFFF_FFFF_FFFFul)]
    [InlineData("0x1p-1074", 1ul)]
    [InlineData("0x1.1p-1075", 1ul)]
    [InlineData("0x1p-1075", 0ul)]
    [InlineData("0x0.00000000000008p-1022", 0ul)]
    [InlineData("0x1.00000000000008p0", 0x3FF0_0000_0000_0000ul)]
    [InlineData("0x1.000000000000080000000000000000000001p0", 0x3FF0_0000_0000_0001ul)]
    [InlineData("2.2250738585072011e-308", 0x000F_FFFF_FFFF_FFFFul)]
    [InlineData("nan:0xf_ffff_ffff_ffff", 0x7FFF_FFFF_FFFF_FFFFul)]
    [InlineData("9007199254740993", 0x4340_0000_0000_0000ul)]
    [InlineData("9007199254740993.00000000000000000000000000000000000001", 0x4340_0000_0000_0001ul)]
    public void Reads_f64(string text, ulong expected)
    {
        Assert.Equal(NumberStatus.Ok, NumberLiteral.ParseFloat64(Encoding.UTF8.GetBytes(text), out ulong bits));
        Assert.Equal(expected.ToString("x16", CultureInfo.InvariantCulture), bits.ToString("x16", CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Rounds_hexadecimal_floats_as_exact_fractions_do(int seed)
    {
        Random random = new(seed);
        for (int i = 0; i < 3000; i++)
        {
            string whole = HexDigits(random, random.Next(1, 24));
            string fraction = random.Next(4) == 0 ? "" : "." + HexDigits(random, random.Next(0, 30));
            int exponent = random.Next(3) switch { 0 => random.Next(-1200, 1100), 1 => random.Next(-260, 140), _ => random.Next(-5, 5) };
            string text = string.Create(CultureInfo.InvariantCulture, $"0x{whole}{fraction}p{exponent}");
            BigInteger mantissa = BigInteger.Parse("0" + whole + fraction.TrimStart('.'), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            int scale = exponent - (4 * Math.Max(0, fraction.Length - 1));
            AssertRounded(text, mantissa << Math.Max(scale, 0), BigInteger.One << Math.Max(-scale, 0));
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Rounds_decimal_floats_as_exact_fractions_do(int seed)
    {
        Random random = new(seed);
        for (int i = 0; i < 2000; i++)
        {
            string digits = string.Concat(Enumerable.Range(0, random.Next(1, 50)).Select(_ => (char)('0' + random.Next(10))));
            int exponent = random.Next(2) == 0 ? random.Next(-360, 300) : random.Next(-60, 30);
            string text = string.Create(CultureInfo.InvariantCulture, $"{digits}e{exponent}");
            BigInteger mantissa = BigInteger.Parse(digits, CultureInfo.InvariantCulture);
            AssertRounded(text, mantissa * BigInteger.Pow(10, Math.Max(exponent, 0)), BigInteger.Pow(10, Math.Max(-exponent, 0)));
        }
    }

    [Theory]
    [InlineData(6)]
    public void Rounds_decimals_next_to_the_middle_between_two_floats(int seed)
    {
        Random random = new(seed);
        for (int i = 0; i < 400; i++)
        {
            // m * 2^e, between two f32 or two f64: an odd m of one bit more than the mantissa.
            int precision = random.Next(2) == 0 ? 25 : 54;
            BigInteger mantissa = (new BigInteger(random.NextInt64(1L << (precision - 2), 1L << (precision - 1))) << 1) | 1;
            int exponent = random.Next(-170, 60);
            BigInteger numerator = mantissa << Math.Max(exponent, 0);

            // 1/2^k = 5^k/10^k, so the middle is a finite decimal; one digit more behind it moves off the middle.
            int digits = Math.Max(-exponent, 0);
            BigInteger scaled = numerator * BigInteger.Pow(5, digits);
            foreach (int offset in (int[])[-1, 0, 1])
            {
                BigInteger shifted = (scaled * 10) + offset;
                string text = string.Create(CultureInfo.InvariantCulture, $"{shifted}e-{digits + 1}");
                AssertRounded(text, shifted, BigInteger.Pow(10, digits + 1));
            }
        }
    }

    [Theory]
    [InlineData(7)]
    public void Prints_floats_that_read_back_as_the_same_bits(int seed)
    {
        Random random = new(seed);
        for (int i = 0; i < 20_000; i++)
        {
            ulong bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            Assert.Equal(NumberStatus.Ok, NumberLiteral.ParseFloat64(Encoding.UTF8.GetBytes(TextWriting.Float64(bits)), out ulong readBits));
            Assert.Equal(bits, readBits);
            Assert.Equal(NumberStatus.Ok, NumberLiteral.ParseFloat32(Encoding.UTF8.GetBytes(TextWriting.Float32((uint)bits)), out uint readNarrow));
            Assert.Equal((uint)bits, readNarrow);
        }

        foreach (uint bits in (uint[])[0, 1, 0x8000_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7F80_0001, 0xFFFF_FFFF, 0x007F_FFFF, 0x0080_0000])
        {
            Assert.Equal(NumberStatus.Ok, NumberLiteral.ParseFloat32(Encoding.UTF8.GetBytes(TextWriting.Float32(bits)), out uint read));
            Assert.Equal(bits, read);
        }
    }

    private static string HexDigits(Random random, int count) =>
        string.Concat(Enumerable.Range(0, count).Select(_ => "0123456789abcdef"[random.Next(3) == 0 ? 0 : random.Next(16)]));

    private static void AssertRounded(string text, BigInteger numerator, BigInteger denominator)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        NumberStatus status32 = NumberLiteral.ParseFloat32(utf8, out uint bits32);
        ulong? expected32 = Round(numerator, denominator, 24, -126, 127);
        Assert.True(expected32 is null ? status32 == NumberStatus.OutOfRange : status32 == NumberStatus.Ok && bits32 == expected32, $"f32 {text}: {status32} {bits32:x8}, expected {expected32:x8}");
        NumberStatus status64 = NumberLiteral.ParseFloat64(utf8, out ulong bits64);
        ulong? expected64 = Round(numerator, denominator, 53, -1022, 1023);
        Assert.True(expected64 is null ? status64 == NumberStatus.OutOfRange : status64 == NumberStatus.Ok && bits64 == expected64, $"f64 {text}: {status64} {bits64:x16}, expected {expected64:x16}");
    }

    /// <summary>The float nearest to a fraction, ties to even, by division with remainder; null when it is too large.</summary>
    private static ulong? Round(BigInteger numerator, BigInteger denominator, int precision, int smallestExponent, int largestExponent)
    {
        if (numerator.IsZero)
        {
            return 0;
        }

        // The exponent of the leading bit, from below: 2^exponent <= numerator / denominator.
        int exponent = (int)(numerator.GetBitLength() - denominator.GetBitLength());
        if (Compare(numerator, denominator, exponent) < 0)
        {
            exponent--;
        }

        exponent = Math.Max(exponent, smallestExponent);
        int unit = exponent - precision + 1;
        BigInteger scaledNumerator = unit < 0 ? numerator << -unit : numerator;
        BigInteger scaledDenominator = unit > 0 ? denominator << unit : denominator;
        BigInteger quotient = BigInteger.DivRem(scaledNumerator, scaledDenominator, out BigInteger remainder);
        int half = (remainder * 2).CompareTo(scaledDenominator);
        if (half > 0 || (half == 0 && !quotient.IsEven))
        {
            quotient++;
        }

        if (quotient == BigInteger.One << precision)
        {
            quotient >>= 1;
            exponent++;
        }

        if (exponent > largestExponent)
        {
            return null;
        }

        ulong mantissa = (ulong)quotient;
        bool isNormal = mantissa >> (precision - 1) != 0;
        return isNormal ? ((ulong)(exponent - smallestExponent) << (precision - 1)) + mantissa : mantissa;
    }

    /// <summary>Compares numerator / denominator with 2^exponent.</summary>
    private static int Compare(BigInteger numerator, BigInteger denominator, int exponent) =>
        exponent >= 0 ? numerator.CompareTo(denominator << exponent) : (numerator << -exponent).CompareTo(denominator);
}
