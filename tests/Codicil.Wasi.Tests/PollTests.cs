using System.Diagnostics;
using System.IO.Pipes;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class PollTests
{
    private const uint In = 0;
    private const uint Out = 4096;
    private const uint Count = 8192;

    [Fact]
    [Trait("Security", "WO-02")]
    [Trait("Parity", "WAZ-15")]
    public void Sleep_returns_at_once_by_default_and_advances_no_clock()
    {
        using var guest = new Guest();
        Clock(guest, 0, userData: 5, id: 1, timeout: 3_600_000_000_000, absolute: false);
        Assert.Equal([(5, Errno.Success, EventType.Clock)], Poll(guest, 1));
        Assert.Equal(Errno.Success, guest.Call("clock_time_get", 1, 0L, 0));
        Assert.Equal(0, guest.Memory.ReadInt64(0));
    }

    [Theory]
    [Trait("Security", "WO-02")]
    [InlineData(0)]
    [InlineData(1)]
    public void Absolute_times_that_have_passed_and_that_have_not_both_come(int id)
    {
        using var guest = new Guest();
        Clock(guest, 0, userData: 1, (uint)id, timeout: 0, absolute: true);
        Clock(guest, 1, userData: 2, (uint)id, timeout: ulong.MaxValue, absolute: true);
        Assert.Equal([(1, Errno.Success, EventType.Clock)], Poll(guest, 2));
        Clock(guest, 0, userData: 3, (uint)id, timeout: ulong.MaxValue, absolute: true);
        Assert.Equal([(3, Errno.Success, EventType.Clock)], Poll(guest, 1));
    }

    [Fact]
    [Trait("Security", "WO-02")]
    public void Only_the_nearest_of_several_clocks_comes()
    {
        using var guest = new Guest();
        Clock(guest, 0, userData: 1, id: 1, timeout: 300, absolute: false);
        Clock(guest, 1, userData: 2, id: 1, timeout: 100, absolute: false);
        Clock(guest, 2, userData: 3, id: 0, timeout: 100, absolute: false);
        Assert.Equal([(2, Errno.Success, EventType.Clock), (3, Errno.Success, EventType.Clock)], Poll(guest, 3));
    }

    [Fact]
    [Trait("Security", "WO-02")]
    public void Output_is_always_ready_and_comes_before_a_clock()
    {
        using var guest = new Guest(WasiOptions.Default.WithSystemTime());
        Clock(guest, 0, userData: 1, id: 1, timeout: 3_600_000_000_000, absolute: false);
        Descriptor(guest, 1, userData: 2, EventType.FdWrite, fd: 1);
        Descriptor(guest, 2, userData: 3, EventType.FdWrite, fd: 2);
        Descriptor(guest, 3, userData: 4, EventType.FdRead, fd: 0);
        Assert.Equal([(2, Errno.Success, EventType.FdWrite), (3, Errno.Success, EventType.FdWrite), (4, Errno.Success, EventType.FdRead)], Poll(guest, 4));

        // Standard input is at its end: nothing to read, and nobody will write.
        Assert.Equal(0, guest.Memory.ReadInt64(Out + (2 * 32) + 16));
        Assert.Equal(1, guest.Memory.ReadByte(Out + (2 * 32) + 24));
    }

    [Fact]
    [Trait("Security", "WO-02")]
    public void Bad_descriptors_are_events_with_an_error()
    {
        using var guest = new Guest();
        Descriptor(guest, 0, userData: 1, EventType.FdRead, fd: 77);
        Descriptor(guest, 1, userData: 2, EventType.FdWrite, fd: uint.MaxValue);
        Descriptor(guest, 2, userData: 3, EventType.FdWrite, fd: 0);
        Assert.Equal([(1, Errno.BadF, EventType.FdRead), (2, Errno.BadF, EventType.FdWrite), (3, Errno.NotCapable, EventType.FdWrite)], Poll(guest, 3));
    }

    [Fact]
    [Trait("Security", "WO-02")]
    public void Events_may_overlap_subscriptions()
    {
        using var guest = new Guest();
        for (uint i = 0; i < 10; i++)
        {
            Descriptor(guest, i, userData: 100 + i, EventType.FdWrite, fd: 1 + (i % 2));
        }

        Assert.Equal(Errno.Success, guest.Call("poll_oneoff", In, In, 10, Count));
        Assert.Equal(10, guest.Memory.ReadInt32(Count));
        for (uint i = 0; i < 10; i++)
        {
            Assert.Equal(100 + i, guest.Memory.ReadInt64(In + (i * 32)));
        }
    }

    [Fact]
    [Trait("Security", "WO-02")]
    public void Nonsense_is_invalid_and_writes_nothing()
    {
        using var guest = new Guest();
        Clock(guest, 0, userData: 1, id: 1, timeout: 0, absolute: false);
        guest.Memory.WriteInt32(Count, -1);
        Assert.Equal(Errno.Inval, guest.Call("poll_oneoff", In, Out, 0, Count));
        guest.Memory.WriteInt32(In + 16, 2);
        Assert.Equal(Errno.Inval, guest.Call("poll_oneoff", In, Out, 1, Count));
        guest.Memory.WriteInt32(In + 16, 1);
        guest.Memory.WriteByte(In + 40, 2);
        Assert.Equal(Errno.Inval, guest.Call("poll_oneoff", In, Out, 1, Count));
        guest.Memory.WriteByte(In + 40, 0);
        guest.Memory.WriteByte(In + 8, 3);
        Assert.Equal(Errno.Inval, guest.Call("poll_oneoff", In, Out, 1, Count));
        Assert.Equal(-1, guest.Memory.ReadInt32(Count));
        Assert.False(guest.Memory.GetSpan(Out, 64).ContainsAnyExcept((byte)0));
    }

    [Fact]
    [Trait("Security", "WO-02")]
    public void A_sleep_takes_its_time_when_asked_to()
    {
        using var guest = new Guest(WasiOptions.Default.WithSystemTime());
        long start = Stopwatch.GetTimestamp();
        Clock(guest, 0, userData: 1, id: 1, timeout: 30_000_000, absolute: false);
        Assert.Equal([(1, Errno.Success, EventType.Clock)], Poll(guest, 1));
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(30));
        Assert.Equal(Errno.Success, guest.Call("clock_time_get", 1, 0L, 0));
        long now = guest.Memory.ReadInt64(0);
        Clock(guest, 0, userData: 2, id: 1, timeout: (ulong)now + 20_000_000, absolute: true);
        Assert.Equal([(2, Errno.Success, EventType.Clock)], Poll(guest, 1));
        Assert.Equal(Errno.Success, guest.Call("clock_time_get", 1, 0L, 0));
        Assert.True(guest.Memory.ReadInt64(0) >= now + 20_000_000);
    }

    [Theory]
    [Trait("Security", "WO-02")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_sleep_is_left_when_the_store_is_interrupted(bool withInput)
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        using var guest = new Guest(WasiOptions.Default.WithSystemTime() with { StandardInput = client }, interruptible: true);
        Clock(guest, 0, userData: 1, id: 1, timeout: 3_600_000_000_000, absolute: false);
        Descriptor(guest, 1, userData: 2, EventType.FdRead, fd: 0);
        using var timer = new Timer(_ => guest.Store.Interrupt(new TimeoutException("enough")), null, 100, Timeout.Infinite);
        Assert.Equal("enough", Assert.Throws<TimeoutException>(() => guest.Call("poll_oneoff", In, Out, withInput ? 2 : 1, Count)).Message);
    }

    [Theory]
    [Trait("Security", "WO-02")]
    [Trait("Security", "CL-02")]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_wait_is_left_when_the_store_is_disposed(bool forInput, bool interruptible)
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        using var guest = new Guest(WasiOptions.Default.WithSystemTime() with { StandardInput = client }, interruptible: interruptible);
        Clock(guest, 0, userData: 1, id: 1, timeout: 3_600_000_000_000, absolute: false);
        Descriptor(guest, 1, userData: 2, EventType.FdRead, fd: 0);
        using var timer = new Timer(_ => guest.Store.Dispose(), null, 100, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() => guest.Call("poll_oneoff", In, Out, forInput ? 2 : 1, Count));
    }

    [Fact]
    [Trait("Parity", "WAZ-15")]
    public void A_sleep_of_ones_own_is_told_how_long()
    {
        var slept = new List<TimeSpan>();
        using var guest = new Guest(WasiOptions.Default with { Sleep = WasiSleep.Create(slept.Add) });
        Clock(guest, 0, userData: 1, id: 1, timeout: 1_500_000_001, absolute: false);
        Poll(guest, 1);
        Assert.Equal([TimeSpan.FromTicks(15_000_001)], slept);
    }

    [Fact]
    [Trait("Parity", "WAZ-15")]
    public async Task A_time_provider_decides_when_a_sleep_ends()
    {
        var provider = new ManualTimeProvider();
        using var guest = new Guest(WasiOptions.Default with { MonotonicClock = WasiClock.FromTimeProvider(provider), Sleep = WasiSleep.FromTimeProvider(provider) });
        Clock(guest, 0, userData: 1, id: 1, timeout: 60_000_000_000, absolute: false);
        Task<(long, Errno, EventType)[]> poll = Task.Run(() => Poll(guest, 1));
        while (provider.TimerCount == 0)
        {
            await Task.Delay(1);
        }

        provider.Advance(TimeSpan.FromSeconds(59));
        Assert.False(poll.IsCompleted);
        provider.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([(1, Errno.Success, EventType.Clock)], await poll);
        Assert.Equal(0, provider.TimerCount);
    }

    [Fact]
    public void Input_that_arrives_ends_a_wait()
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        using var guest = new Guest(WasiOptions.Default.WithSystemTime() with { StandardInput = client });
        using var timer = new Timer(_ => server.Write("data"u8), null, 50, Timeout.Infinite);
        Clock(guest, 0, userData: 1, id: 1, timeout: 3_600_000_000_000, absolute: false);
        Descriptor(guest, 1, userData: 2, EventType.FdRead, fd: 0);
        Assert.Equal([(2, Errno.Success, EventType.FdRead)], Poll(guest, 2));
        Assert.Equal(4, guest.Memory.ReadInt64(Out + 16));
        Assert.Equal((Errno.Success, "data"), guest.Read(0, 10));
    }

    [Fact]
    public void Input_that_does_not_arrive_leaves_the_clock()
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        using var guest = new Guest(WasiOptions.Default.WithSystemTime() with { StandardInput = client });
        Clock(guest, 0, userData: 1, id: 1, timeout: 20_000_000, absolute: false);
        Descriptor(guest, 1, userData: 2, EventType.FdRead, fd: 0);
        Assert.Equal([(1, Errno.Success, EventType.Clock)], Poll(guest, 2));
    }

    [Fact]
    public void Snapshot_0_has_a_longer_subscription()
    {
        using var guest = new Guest(moduleName: "wasi_unstable");
        for (uint i = 0; i < 2; i++)
        {
            uint at = In + (i * 56);
            guest.Memory.WriteInt64(at, 10 + i);
            guest.Memory.WriteByte(at + 8, (byte)EventType.Clock);
            guest.Memory.WriteInt64(at + 16, 99);
            guest.Memory.WriteInt32(at + 24, 1);
            guest.Memory.WriteInt64(at + 32, 1000);
        }

        Assert.Equal([(10, Errno.Success, EventType.Clock), (11, Errno.Success, EventType.Clock)], Poll(guest, 2));
    }

    /// <summary>Waits until standard input can be read.</summary>
    internal static void WaitForInput(Guest guest)
    {
        Descriptor(guest, 0, userData: 1, EventType.FdRead, fd: 0);
        Assert.Equal([(1, Errno.Success, EventType.FdRead)], Poll(guest, 1));
    }

    /// <summary>Waits until a descriptor can be read or written: how many bytes, and whether the other side has gone.</summary>
    internal static (long Count, bool IsHungUp) WaitFor(Guest guest, EventType type, uint fd)
    {
        Descriptor(guest, 0, userData: 1, type, fd);
        Assert.Equal([(1, Errno.Success, type)], Poll(guest, 1));
        return (guest.Memory.ReadInt64(Out + 16), guest.Memory.ReadByte(Out + 24) == 1);
    }

    /// <summary>Which of some descriptors can be read or written now.</summary>
    internal static EventType[] Ready(Guest guest, params (EventType Type, uint Fd)[] descriptors) => Ready(guest, 0, descriptors);

    /// <summary>Which of some descriptors can be read or written when the first can, or a time has passed.</summary>
    internal static EventType[] Ready(Guest guest, ulong timeout, params (EventType Type, uint Fd)[] descriptors)
    {
        for (int i = 0; i < descriptors.Length; i++)
        {
            Descriptor(guest, (uint)i, userData: i, descriptors[i].Type, descriptors[i].Fd);
        }

        Clock(guest, (uint)descriptors.Length, userData: 99, id: 1, timeout, absolute: false);
        (long UserData, Errno Error, EventType Type)[] events = Poll(guest, descriptors.Length + 1);
        Assert.All(events, static item => Assert.Equal(Errno.Success, item.Error));
        return [.. events.Select(static item => item.Type).Where(static type => type != EventType.Clock)];
    }

    private static void Clock(Guest guest, uint index, long userData, uint id, ulong timeout, bool absolute)
    {
        uint at = In + (index * 48);
        guest.Memory.GetSpan(at, 48).Clear();
        guest.Memory.WriteInt64(at, userData);
        guest.Memory.WriteByte(at + 8, (byte)EventType.Clock);
        guest.Memory.WriteInt32(at + 16, (int)id);
        guest.Memory.WriteInt64(at + 24, (long)timeout);
        guest.Memory.WriteByte(at + 40, absolute ? (byte)1 : (byte)0);
    }

    private static void Descriptor(Guest guest, uint index, long userData, EventType type, uint fd)
    {
        uint at = In + (index * 48);
        guest.Memory.GetSpan(at, 48).Clear();
        guest.Memory.WriteInt64(at, userData);
        guest.Memory.WriteByte(at + 8, (byte)type);
        guest.Memory.WriteInt32(at + 16, (int)fd);
    }

    private static (long UserData, Errno Error, EventType Type)[] Poll(Guest guest, int count)
    {
        Assert.Equal(Errno.Success, guest.Call("poll_oneoff", In, Out, count, Count));
        var events = new (long, Errno, EventType)[guest.Memory.ReadInt32(Count)];
        for (int i = 0; i < events.Length; i++)
        {
            ulong at = Out + ((ulong)i * 32);
            events[i] = (guest.Memory.ReadInt64(at), (Errno)(guest.Memory.ReadInt32(at + 8) & 0xFFFF), (EventType)guest.Memory.ReadByte(at + 10));
        }

        return events;
    }
}
