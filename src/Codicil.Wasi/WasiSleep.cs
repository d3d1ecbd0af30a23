using System.Diagnostics;

namespace Codicil.Wasi;

/// <summary>What happens when a guest sleeps (<c>poll_oneoff</c> with a clock). Immutable and thread-safe.</summary>
public sealed class WasiSleep
{
    private readonly TimeProvider? _provider;
    private readonly Action<TimeSpan>? _sleep;

    private WasiSleep(TimeProvider? provider, Action<TimeSpan>? sleep)
    {
        _provider = provider;
        _sleep = sleep;
    }

    /// <summary>Sleeping returns at once; no clock goes on by it.</summary>
    public static WasiSleep None { get; } = new(null, null);

    /// <summary>Sleeping takes its time on the thread that runs the guest, in slices of at most 10 ms between which an interrupt or the store's disposal ends it.</summary>
    public static WasiSleep System { get; } = new(TimeProvider.System, null);

    /// <summary>Sleeping takes the time of a provider; an interrupt or the store's disposal ends it.</summary>
    public static WasiSleep FromTimeProvider(TimeProvider provider)
    {
        ArgumentNullException.ThrowIfNull(provider);
        return new WasiSleep(provider, null);
    }

    /// <summary>A sleep of one's own, called on the thread that runs the guest. An exception it throws ends the guest's call.</summary>
    public static WasiSleep Create(Action<TimeSpan> sleep)
    {
        ArgumentNullException.ThrowIfNull(sleep);
        return new WasiSleep(null, sleep);
    }

    /// <summary>Waits until some time has passed or an input has something to say.</summary>
    /// <param name="store">Whose interrupt ends the wait.</param>
    /// <param name="nanoseconds">The time, null for ever; what is left of it when an input ends the wait.</param>
    /// <param name="inputs">What else ends the wait.</param>
    /// <returns>Whether the time has passed.</returns>
    internal bool Wait(Store store, ref ulong? nanoseconds, WaitSet? inputs)
    {
        if (nanoseconds is not ulong time)
        {
            inputs!.Wait(store);
            return false;
        }

        if (_provider is null)
        {
            _sleep?.Invoke(ToTimeSpan(time));
            Interruption.Check(store);
            return true;
        }

        if (ReferenceEquals(_provider, TimeProvider.System))
        {
            return inputs is null or { IsEmpty: true } ? Sleep(store, time) : WaitForInput(store, time, inputs, out nanoseconds);
        }

        return WaitForProvider(store, ToTimeSpan(time), inputs ?? new WaitSet(), out nanoseconds);
    }

    // The system's timers are good to about a millisecond; guests sleep for microseconds. The rest of a sleep is spent yielding.
    private static bool Sleep(Store store, ulong nanoseconds)
    {
        const long OneMillisecond = 1_000_000;
        long start = Stopwatch.GetTimestamp();
        int slice = Interruption.SliceInMilliseconds(store);
        var spinner = default(SpinWait);
        while (true)
        {
            ulong elapsed = Elapsed(start);
            if (elapsed >= nanoseconds)
            {
                Interruption.Check(store);
                return true;
            }

            ulong left = nanoseconds - elapsed;
            if (left >= 2 * OneMillisecond)
            {
                Thread.Sleep((int)Math.Min((left / OneMillisecond) - 1, (ulong)slice));
                Interruption.Check(store);
            }
            else
            {
                spinner.SpinOnce(sleep1Threshold: -1);
            }
        }
    }

    private static bool WaitForInput(Store store, ulong nanoseconds, WaitSet inputs, out ulong? rest)
    {
        const ulong OneMillisecond = 1_000_000;
        long start = Stopwatch.GetTimestamp();
        int slice = Interruption.SliceInMilliseconds(store);
        while (true)
        {
            Interruption.Check(store);
            ulong elapsed = Elapsed(start);
            rest = elapsed < nanoseconds ? nanoseconds - elapsed : 0;
            if (rest == 0)
            {
                return true;
            }

            ulong left = (rest.Value + OneMillisecond - 1) / OneMillisecond;
            if (inputs.Wait((int)Math.Min(left, (ulong)slice)))
            {
                return false;
            }
        }
    }

    private bool WaitForProvider(Store store, TimeSpan time, WaitSet inputs, out ulong? rest)
    {
        TimeProvider provider = _provider!;
        long start = provider.GetTimestamp();
        while (true)
        {
            TimeSpan left = time - provider.GetElapsedTime(start);
            rest = left > TimeSpan.Zero ? (ulong)left.Ticks * 100 : 0;
            if (rest == 0)
            {
                return true;
            }

            using var done = new CancellationTokenSource();
            try
            {
                // A timer cannot be set further ahead than some weeks.
                Task timer = Task.Delay(left < TimeSpan.FromDays(1) ? left : TimeSpan.FromDays(1), provider, done.Token);
                inputs.Add(timer);
                inputs.Wait(store);
                if (!timer.IsCompleted)
                {
                    return false;
                }

                inputs.Remove(timer);
            }
            finally
            {
                done.Cancel();
            }
        }
    }

    private static ulong Elapsed(long start) => (ulong)((Int128)(Stopwatch.GetTimestamp() - start) * 1_000_000_000 / Stopwatch.Frequency);

    private static TimeSpan ToTimeSpan(ulong nanoseconds)
    {
        ulong ticks = (nanoseconds / 100) + (nanoseconds % 100 == 0 ? 0UL : 1);
        return TimeSpan.FromTicks((long)Math.Min(ticks, long.MaxValue));
    }
}
