namespace Codicil.Wasi.Tests;

public sealed class WasiClockTests
{
    [Fact]
    [Trait("Parity", "WAZ-15")]
    public void Fakes_begin_at_their_epoch_and_step_by_a_millisecond()
    {
        ClockReader wall = WasiClock.Deterministic.CreateWallClock();
        ClockReader monotonic = WasiClock.Deterministic.CreateMonotonicClock();
        var epoch = new DateTimeOffset(2022, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal((ulong)epoch.ToUnixTimeMilliseconds() * 1_000_000, wall.Read());
        Assert.Equal(0u, monotonic.Read());
        Assert.Equal(((ulong)epoch.ToUnixTimeMilliseconds() + 1) * 1_000_000, wall.Read());
        Assert.Equal(1_000_000u, monotonic.Read());
        Assert.Equal(1_000u, wall.Resolution);
        Assert.Equal(1u, monotonic.Resolution);
    }

    [Fact]
    [Trait("Parity", "WAZ-15")]
    public void Each_reader_of_the_fake_begins_anew()
    {
        WasiClock.Deterministic.CreateMonotonicClock().Read();
        Assert.Equal(0u, WasiClock.Deterministic.CreateMonotonicClock().Read());
    }

    [Theory]
    [Trait("Parity", "WAZ-15")]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    [InlineData(3_600_000_000_001, false)]
    [InlineData(1, true)]
    [InlineData(3_600_000_000_000, true)]
    public void Resolutions_are_between_a_nanosecond_and_an_hour(long resolution, bool allowed)
    {
        WasiClock clock = WasiClock.Create(() => 7, resolution);
        if (allowed)
        {
            clock.Validate("Walltime");
            Assert.Equal((ulong)resolution, clock.CreateWallClock().Resolution);
        }
        else
        {
            Assert.StartsWith("invalid Walltime resolution: ", Assert.Throws<ArgumentException>(() => clock.Validate("Walltime")).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Parity", "WAZ-15")]
    public void A_time_provider_gives_both_clocks()
    {
        var provider = new ManualTimeProvider();
        ClockReader wall = WasiClock.FromTimeProvider(provider).CreateWallClock();
        ClockReader monotonic = WasiClock.FromTimeProvider(provider).CreateMonotonicClock();
        Assert.Equal(0u, monotonic.Read());
        ulong before = wall.Read();
        provider.Advance(TimeSpan.FromSeconds(90));
        Assert.Equal(90_000_000_000u, monotonic.Read());
        Assert.Equal(before + 90_000_000_000u, wall.Read());
    }

    [Fact]
    [Trait("Security", "WO-03")]
    public void The_systems_monotonic_clock_does_not_tell_how_long_the_machine_has_run()
    {
        // A reading since the machine's start would be far above the time since the reader was made.
        long before = TimeProvider.System.GetTimestamp();
        ClockReader clock = WasiClock.System.CreateMonotonicClock();
        ulong reading = clock.Read();
        TimeSpan most = TimeProvider.System.GetElapsedTime(before);
        Assert.True(reading <= (ulong)most.Ticks * 100 + 100);
    }
}
