using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class WasiRandomTests
{
    [Fact]
    [Trait("Parity", "WAZ-16")]
    public void The_deterministic_sequence_is_the_same_in_each_instance_however_it_is_cut()
    {
        var whole = new byte[100];
        Assert.Equal(Errno.Success, WasiRandom.Deterministic.CreateSource().Fill(whole));
        var pieces = new byte[100];
        RandomSource source = WasiRandom.Deterministic.CreateSource();
        for (int at = 0, size = 1; at < pieces.Length; at += size, size++)
        {
            source.Fill(pieces.AsSpan(at, Math.Min(size, pieces.Length - at)));
        }

        Assert.Equal(whole, pieces);

        // The sequence is a promise: it stays with every version.
        Assert.Equal("16C72E0C2E0B78157E3A116D86D90461", Convert.ToHexString(whole, 0, 16));
    }

    [Fact]
    [Trait("Parity", "WAZ-16")]
    public void The_default_is_the_systems()
    {
        Assert.Same(WasiRandom.System, WasiOptions.Default.Random);
        var first = new byte[32];
        var second = new byte[32];
        WasiRandom.System.CreateSource().Fill(first);
        WasiRandom.System.CreateSource().Fill(second);
        Assert.NotEqual(first, second);
    }

    [Fact]
    [Trait("Parity", "WAZ-16")]
    public void A_stream_stays_the_callers_and_its_end_is_an_error()
    {
        using var stream = new MemoryStream([1, 2, 3, 4, 5]);
        RandomSource source = WasiRandom.FromStream(stream).CreateSource();
        var bytes = new byte[4];
        Assert.Equal(Errno.Success, source.Fill(bytes));
        Assert.Equal([1, 2, 3, 4], bytes);
        Assert.Equal(Errno.Io, source.Fill(bytes));
        Assert.True(stream.CanRead);
    }
}
