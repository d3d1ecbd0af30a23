using Codicil.Format.Binary;

namespace Codicil.Format.Tests;

/// <summary>Integers of the binary format: every value has encodings, and everything else is refused.</summary>
public sealed class BinaryNumberTests
{
    public static TheoryData<ulong> UnsignedValues => [0, 1, 0x3F, 0x40, 0x7F, 0x80, 0x3FFF, 0x4000, int.MaxValue, uint.MaxValue, 1UL << 32, 1UL << 62, ulong.MaxValue];

    public static TheoryData<long> SignedValues =>
        [0, 1, -1, 0x3F, 0x40, -0x40, -0x41, 0x1FFF, -0x2000, int.MaxValue, int.MinValue, uint.MaxValue, -(1L << 32), long.MaxValue, long.MinValue];

    [Theory]
    [MemberData(nameof(UnsignedValues))]
    public void Unsigned_numbers_come_back(ulong value)
    {
        var writer = new ByteWriter(1);
        writer.WriteU64(value);
        var reader = new ByteReader(writer.Written, 0, writer.Length);
        Assert.Equal(value, reader.ReadU64());
        Assert.True(reader.AtEnd);
        if (value <= uint.MaxValue)
        {
            reader.Position = 0;
            Assert.Equal((uint)value, reader.ReadU32());
        }
    }

    [Theory]
    [MemberData(nameof(SignedValues))]
    public void Signed_numbers_come_back(long value)
    {
        var writer = new ByteWriter(1);
        writer.WriteSigned(value);
        var reader = new ByteReader(writer.Written, 0, writer.Length);
        Assert.Equal(value, reader.ReadS64());
        if (value is >= int.MinValue and <= int.MaxValue)
        {
            reader.Position = 0;
            Assert.Equal((int)value, reader.ReadS32());
        }

        if (value is >= -(1L << 32) and < 1L << 32)
        {
            reader.Position = 0;
            Assert.Equal(value, reader.ReadS33());
        }
    }

    [Theory]
    [InlineData("u32", "8080808000", 0)]
    [InlineData("u32", "FFFFFFFF0F", uint.MaxValue)]
    [InlineData("s32", "FF7F", -1)]
    [InlineData("s32", "FFFFFFFF7F", -1)]
    [InlineData("s32", "8080808078", int.MinValue)]
    [InlineData("s32", "FFFFFFFF07", int.MaxValue)]
    [InlineData("s33", "FFFFFFFF0F", uint.MaxValue)]
    [InlineData("s33", "8080808070", -(1L << 32))]
    [InlineData("s64", "8080808080808080807F", long.MinValue)]
    [InlineData("s64", "FFFFFFFFFFFFFFFFFF00", long.MaxValue)]
    [InlineData("u64", "80808080808080808000", 0)]
    [Trait("Security", "DV-03")]
    public void Padding_up_to_the_width_is_allowed(string kind, string hex, long expected) => Assert.Equal(expected, Read(kind, hex));

    [Theory]
    [InlineData("u32", "808080808000", "integer representation too long", 5)]
    [InlineData("u32", "8080808010", "integer too large", 4)]
    [InlineData("u32", "FFFFFFFF1F", "integer too large", 4)]
    [InlineData("u32", "8080808080", "integer representation too long", 5)]
    [InlineData("u32", "80808080", "unexpected end", 4)]
    [InlineData("s32", "808080808000", "integer representation too long", 5)]
    [InlineData("s32", "FFFFFFFF0F", "integer too large", 4)]
    [InlineData("s32", "8080808070", "integer too large", 4)]
    [InlineData("s32", "FFFFFFFF4F", "integer too large", 4)]
    [InlineData("s33", "8080808060", "integer too large", 4)]
    [InlineData("s33", "FFFFFFFF1F", "integer too large", 4)]
    [InlineData("s33", "808080808000", "integer representation too long", 5)]
    [InlineData("u64", "8080808080808080808000", "integer representation too long", 10)]
    [InlineData("u64", "80808080808080808002", "integer too large", 9)]
    [InlineData("s64", "FFFFFFFFFFFFFFFFFF01", "integer too large", 9)]
    [InlineData("s64", "8080808080808080807E", "integer too large", 9)]
    [InlineData("s64", "FFFFFFFFFFFFFFFFFFFF7F", "integer representation too long", 10)]
    [InlineData("s64", "", "unexpected end", 0)]
    [Trait("Security", "DV-03")]
    public void Overlong_numbers_and_unused_bits_are_refused(string kind, string hex, string message, long offset)
    {
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Read(kind, hex));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(offset, exception.Offset);
    }

    [Fact]
    public void Sizes_stand_in_front_of_what_they_measure()
    {
        var writer = new ByteWriter(1);
        int outer = writer.BeginSized();
        writer.WriteByte(7);
        int inner = writer.BeginSized();
        writer.WriteBytes(new byte[300]);
        writer.EndSized(inner);
        writer.EndSized(outer);

        Assert.Equal<byte>([0xAF, 0x02, 7, 0xAC, 0x02], writer.Written[..5].ToArray());
        Assert.Equal(305, writer.Length);
    }

    private static long Read(string kind, string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        var reader = new ByteReader(bytes, 0, bytes.Length);
        return kind switch
        {
            "u32" => reader.ReadU32(),
            "u64" => (long)reader.ReadU64(),
            "s32" => reader.ReadS32(),
            "s33" => reader.ReadS33(),
            _ => reader.ReadS64(),
        };
    }
}
