using System.Text;

using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>The kernel's results at the edges (Extism's kernel and Go SDK).</summary>
public sealed class KernelTests
{
    private readonly Kernel _kernel = new();

    private long AllocateText(string text) => _kernel.Write(Encoding.UTF8.GetBytes(text));

    [Fact]
    [Trait("Parity", "EXT-15")]
    public void Has_65472_bytes_at_the_start() => Assert.Equal(65_472, Kernel.MemoryBytes(_kernel));

    [Fact]
    [Trait("Parity", "EXT-15")]
    public void Allocating_nothing_gives_0() => Assert.Equal(0, Kernel.Alloc(_kernel, 0));

    [Theory]
    [InlineData(-1L)]
    [InlineData(long.MinValue)]
    [InlineData(1L << 40)]
    [InlineData((long)int.MaxValue)]
    [InlineData(1L << 32)]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-01")]
    public void Allocating_beyond_the_limit_gives_0_and_takes_no_memory(long length)
    {
        Assert.Equal(0, Kernel.Alloc(_kernel, length));
        Assert.Equal(65_472, Kernel.MemoryBytes(_kernel));
    }

    [Fact]
    [Trait("Parity", "EXT-28")]
    public void A_page_limit_holds_for_the_sum_of_blocks()
    {
        var kernel = new Kernel(maxPages: 2);
        Assert.NotEqual(0, Kernel.Alloc(kernel, 65_536));
        Assert.NotEqual(0, Kernel.Alloc(kernel, 65_000));
        Assert.Equal(0, Kernel.Alloc(kernel, 65_536));
        Assert.Equal((2 * 65_536) - 64, Kernel.MemoryBytes(kernel));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-02")]
    public void Only_the_start_of_a_live_block_has_a_length()
    {
        long block = Kernel.Alloc(_kernel, 40);
        Assert.Equal(40, Kernel.Length(_kernel, block));
        foreach (long offset in (long[])[0, 1, block - 1, block + 1, block + 16, block + 40, block + 48, 65_535, 65_536, 1L << 32, block + (1L << 32), long.MaxValue, long.MinValue, -1])
        {
            Assert.Equal(0, Kernel.Length(_kernel, offset));
        }

        Kernel.Free(_kernel, block);
        Assert.Equal(0, Kernel.Length(_kernel, block));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-02")]
    public void Freeing_what_is_no_block_changes_nothing()
    {
        long first = AllocateText("first");
        long second = AllocateText("second");
        Kernel.Free(_kernel, first);
        foreach (long offset in (long[])[first, first, second + 1, second - 1, 0, -1, 1L << 40, second + (1L << 32)])
        {
            Kernel.Free(_kernel, offset);
        }

        Assert.Equal(6, Kernel.Length(_kernel, second));
        Assert.Equal("second", Encoding.UTF8.GetString(_kernel.GetBlock(second)));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-02")]
    public void Bytes_out_of_range_read_as_0_and_are_not_written()
    {
        long end = Kernel.MemoryBytes(_kernel) + 64;
        foreach (long offset in (long[])[0, 1, 63, end, end + 1, 1L << 32, (1L << 32) + 100, -1, long.MinValue, long.MaxValue])
        {
            Kernel.StoreU8(_kernel, offset, 0xFF);
            Assert.Equal(0, Kernel.LoadU8(_kernel, offset));
        }

        Kernel.StoreU8(_kernel, end - 1, 0x1FF);
        Assert.Equal(0xFF, Kernel.LoadU8(_kernel, end - 1));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-02")]
    public void Eight_bytes_past_the_end_trap()
    {
        long end = Kernel.MemoryBytes(_kernel) + 64;
        Kernel.StoreU64(_kernel, end - 8, -2);
        Assert.Equal(-2, Kernel.LoadU64(_kernel, end - 8));
        foreach (long offset in (long[])[end - 7, end - 1, end, 1L << 32, -8, -1, long.MinValue, long.MaxValue])
        {
            Assert.Contains("could not read value at offset: " + (ulong)offset, Assert.Throws<TrapException>(() => Kernel.LoadU64(_kernel, offset)).Message, StringComparison.Ordinal);
            Assert.Contains("could not write value '7' at offset: " + (ulong)offset, Assert.Throws<TrapException>(() => Kernel.StoreU64(_kernel, offset, 7)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Security", "KH-02")]
    public void What_is_never_handed_out_is_never_written()
    {
        foreach (long offset in (long[])[0, 8, 56, 57, 63])
        {
            Assert.Throws<TrapException>(() => Kernel.StoreU64(_kernel, offset, -1));
            Assert.Equal(0, Kernel.LoadU8(_kernel, offset));
        }

        Assert.Equal(0, Kernel.LoadU64(_kernel, 0));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Parity", "EXT-29")]
    public void Input_is_bounded_by_its_length()
    {
        _kernel.Begin("0123456789"u8);
        Assert.Equal(10, Kernel.InputLength(_kernel));
        Assert.Equal('3', Kernel.LoadU8(_kernel, Kernel.InputOffset(_kernel) + 3));
        Assert.Equal('9', Kernel.InputLoadU8(_kernel, 9));
        Assert.Equal(BitConverter.ToInt64("23456789"u8), Kernel.InputLoadU64(_kernel, 2));
        // The last partial word is completed with zeros, whatever lies behind the input.
        AllocateText("neighbour");
        Assert.Equal('9' << 8 | '8', Kernel.InputLoadU64(_kernel, 8));
        foreach (long index in (long[])[10, 11, 65_536, 1L << 32, -1, -8, long.MinValue, long.MaxValue])
        {
            Assert.Equal(0, Kernel.InputLoadU8(_kernel, index));
            Assert.Contains("could not read value at offset", Assert.Throws<TrapException>(() => Kernel.InputLoadU64(_kernel, index)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-03")]
    public void Output_outside_memory_is_ignored_and_inside_it_is_accepted()
    {
        long block = AllocateText("output");
        Kernel.OutputSet(_kernel, block, 6);
        foreach ((long offset, long length) in ((long, long)[])[(0, 0), (63, 1), (65_536, 0), (1L << 40, 4), (-1, 1), (block, -1), (block, long.MaxValue), (block, 65_536), (65_535, 2)])
        {
            Kernel.OutputSet(_kernel, offset, length);
            Assert.Equal((block, 6), (Kernel.OutputOffset(_kernel), Kernel.OutputLength(_kernel)));
        }

        Kernel.OutputSet(_kernel, block + 1, 60_000);
        Assert.Equal((block + 1, 60_000), (Kernel.OutputOffset(_kernel), Kernel.OutputLength(_kernel)));
        Kernel.OutputSet(_kernel, block, 0);
        Assert.True(_kernel.Output.IsEmpty);
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    public void Input_can_be_set_by_the_guest_inside_memory_only()
    {
        _kernel.Begin("abc"u8);
        long block = AllocateText("12345678");
        Kernel.InputSet(_kernel, 1L << 33, 3);
        Assert.Equal('a', Kernel.InputLoadU8(_kernel, 0));
        Kernel.InputSet(_kernel, block + 1, 7);
        Assert.Equal((block + 1, 7), (Kernel.InputOffset(_kernel), Kernel.InputLength(_kernel)));
        Assert.Equal('2', Kernel.InputLoadU8(_kernel, 0));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-03")]
    public void Errors_are_cleared_by_0_and_by_offsets_outside_memory()
    {
        long block = AllocateText("went wrong");
        Kernel.ErrorSet(_kernel, block);
        Assert.Equal(block, Kernel.ErrorGet(_kernel));
        Assert.Equal("went wrong", _kernel.GetErrorText());
        Kernel.ErrorSet(_kernel, 1L << 40);
        Assert.Equal(0, Kernel.ErrorGet(_kernel));
        Kernel.ErrorSet(_kernel, block);
        Kernel.ErrorSet(_kernel, 0);
        Assert.Null(_kernel.GetErrorText());
        Kernel.ErrorSet(_kernel, block + 1);
        Assert.Equal(block + 1, Kernel.ErrorGet(_kernel));
        Assert.Null(_kernel.GetErrorText());
    }

    [Fact]
    [Trait("Security", "KH-03")]
    public void Error_text_is_cut_and_bad_UTF8_replaced()
    {
        byte[] bytes = new byte[64 * 1024 * 1024];
        Array.Fill(bytes, (byte)'x');
        bytes[0] = 0xFF;
        Kernel.ErrorSet(_kernel, _kernel.Write(bytes));
        string text = _kernel.GetErrorText()!;
        Assert.StartsWith("\uFFFDxxx", text, StringComparison.Ordinal);
        Assert.EndsWith("xxx... (67108864 bytes)", text, StringComparison.Ordinal);
        Assert.True(text.Length < Kernel.MaxErrorTextBytes + 100);
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-09")]
    public void Reset_clears_registers_and_contents_and_keeps_the_size()
    {
        _kernel.Begin("secret"u8);
        long input = Kernel.InputOffset(_kernel);
        long big = Kernel.Alloc(_kernel, 200_000);
        Kernel.StoreU64(_kernel, big + 100_000, -1);
        Kernel.OutputSet(_kernel, big, 5);
        Kernel.ErrorSet(_kernel, big);
        // In no block, but inside the memory.
        long wild = Kernel.MemoryBytes(_kernel);
        Kernel.StoreU8(_kernel, wild, 1);
        Kernel.StoreU64(_kernel, wild - 20, -1);
        long size = Kernel.MemoryBytes(_kernel);

        Kernel.Reset(_kernel);

        Assert.Equal(size, Kernel.MemoryBytes(_kernel));
        Assert.Equal((0, 0, 0, 0, 0), (Kernel.InputOffset(_kernel), Kernel.InputLength(_kernel), Kernel.OutputOffset(_kernel), Kernel.OutputLength(_kernel), Kernel.ErrorGet(_kernel)));
        Assert.Equal(0, Kernel.Length(_kernel, big));
        Assert.Equal(0, Kernel.Length(_kernel, input));
        for (long offset = 0; offset < size + 64; offset++)
        {
            Assert.Equal(0, Kernel.LoadU8(_kernel, offset));
        }
    }

    [Fact]
    [Trait("Security", "KH-09")]
    public void A_reused_block_holds_zeros()
    {
        long block = AllocateText("a secret of the first owner, long enough");
        long after = AllocateText("keeps the first from being the last");
        Kernel.Free(_kernel, block);
        long again = Kernel.Alloc(_kernel, 20);
        Assert.Equal(block, again);
        Assert.All(_kernel.GetBlock(again).ToArray(), static b => Assert.Equal(0, b));
        // The rest of its last granule is reachable too.
        Assert.Equal(0, Kernel.LoadU64(_kernel, again + 20));
        Assert.NotEqual(0, Kernel.Length(_kernel, after));
    }

    [Fact]
    [Trait("Security", "KH-09")]
    public void The_last_block_freed_and_allocated_again_holds_zeros()
    {
        long block = AllocateText("a secret of the first owner");
        Kernel.Free(_kernel, block);
        Assert.Equal(block, Kernel.Alloc(_kernel, 5));
        Assert.All(_kernel.GetBlock(block).ToArray(), static b => Assert.Equal(0, b));
        Assert.Equal(0, Kernel.LoadU64(_kernel, block + 5));
    }

    [Fact]
    [Trait("Security", "KH-09")]
    public void A_block_the_host_fills_has_zeros_behind_its_contents()
    {
        Kernel.Free(_kernel, AllocateText("0123456789abcdef"));
        long block = AllocateText("xyz");
        Assert.Equal(BitConverter.ToInt64("xyz\0\0\0\0\0"u8), Kernel.LoadU64(_kernel, block));
        Assert.Equal(0, Kernel.LoadU64(_kernel, block + 8));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    public void An_empty_value_is_a_block_of_length_0()
    {
        long block = _kernel.WriteValue([]);
        Assert.NotEqual(0, block);
        Assert.Equal(0, Kernel.Length(_kernel, block));
        long other = _kernel.WriteValue([]);
        Assert.NotEqual(block, other);
        Assert.Equal(0, _kernel.Write([]));
        Assert.True(_kernel.TryRead(block, out ReadOnlySpan<byte> data));
        Assert.True(data.IsEmpty);
        Kernel.Free(_kernel, block);
        Assert.Equal(block, AllocateText("x"));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    public void Unknown_handles_inside_memory_read_as_empty_and_beyond_it_not_at_all()
    {
        long block = AllocateText("abc");
        foreach (long handle in (long[])[0, 1, block + 1, 65_535, 65_536])
        {
            Assert.True(_kernel.TryRead(handle, out ReadOnlySpan<byte> data));
            Assert.True(data.IsEmpty);
        }

        foreach (long handle in (long[])[65_537, 1L << 32, block + (1L << 32), -1])
        {
            Assert.False(_kernel.TryRead(handle, out _));
        }
    }

    [Fact]
    [Trait("Parity", "EXT-07")]
    public void An_input_that_is_too_large_is_a_typed_error()
    {
        var kernel = new Kernel(maxPages: 1);
        kernel.Begin(new byte[65_472]);
        Assert.Equal(65_472, Kernel.InputLength(kernel));
        Assert.Contains("65473 bytes", Assert.Throws<ResourceLimitException>(() => kernel.Begin(new byte[65_473])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Growing_keeps_offsets_and_contents()
    {
        var blocks = new List<(long Offset, byte Value)>();
        for (int i = 0; i < 300; i++)
        {
            long block = Kernel.Alloc(_kernel, 5_000);
            Kernel.StoreU8(_kernel, block + 4_999, i);
            blocks.Add((block, (byte)i));
        }

        Assert.All(blocks, block => Assert.Equal(block.Value, Kernel.LoadU8(_kernel, block.Offset + 4_999)));
    }

    [Fact]
    public void An_empty_call_allocates_nothing()
    {
        _kernel.Begin("warm"u8);
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                _kernel.Begin("input"u8);
                Kernel.OutputSet(_kernel, Kernel.Alloc(_kernel, 100), 100);
                Kernel.Free(_kernel, Kernel.InputOffset(_kernel));
            }
        }));
    }
}
