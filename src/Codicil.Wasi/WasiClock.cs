namespace Codicil.Wasi;

/// <summary>A clock that a guest can read: what to read, not the reading itself, so that each instance begins anew. Immutable and thread-safe.</summary>
/// <remarks>WASI preview 1, <c>clock_res_get</c> and <c>clock_time_get</c>.</remarks>
public sealed class WasiClock
{
    private readonly TimeProvider? _provider;
    private readonly Func<long>? _read;
    private readonly long _resolution;

    private WasiClock(TimeProvider? provider, Func<long>? read, long resolution)
    {
        _provider = provider;
        _read = read;
        _resolution = resolution;
    }

    /// <summary>
    /// A clock that goes on by one millisecond at each reading. As a wall clock it begins at 2022-01-01T00:00:00Z and has a resolution of 1 microsecond,
    /// as a monotonic clock it begins at 0 and has a resolution of 1 nanosecond. Each instance has its own.
    /// </summary>
    public static WasiClock Deterministic { get; } = new(null, null, 0);

    /// <summary>The system's clock. As a monotonic clock it begins at 0, so that a guest does not learn how long the machine has been running.</summary>
    public static WasiClock System { get; } = new(TimeProvider.System, null, 0);

    /// <summary>The clock of a time provider: its UTC time as a wall clock, its timestamps, counted from the first use, as a monotonic clock.</summary>
    public static WasiClock FromTimeProvider(TimeProvider provider)
    {
        ArgumentNullException.ThrowIfNull(provider);
        return new WasiClock(provider, null, 0);
    }

    /// <summary>A clock of one's own.</summary>
    /// <param name="readNanoseconds">Reads it: for a wall clock nanoseconds since 1970-01-01T00:00:00Z, for a monotonic clock since any moment. Called on the thread that runs the guest.</param>
    /// <param name="resolutionNanoseconds">The resolution told to guests, 1 to 3,600,000,000,000 (one hour); checked when a module is instantiated.</param>
    public static WasiClock Create(Func<long> readNanoseconds, long resolutionNanoseconds)
    {
        ArgumentNullException.ThrowIfNull(readNanoseconds);
        return new WasiClock(null, readNanoseconds, resolutionNanoseconds);
    }

    /// <summary>Refuses a resolution that makes no sense.</summary>
    internal void Validate(string name)
    {
        const long OneHour = 3_600_000_000_000;
        if (_read is not null && _resolution is < 1 or > OneHour)
        {
            throw new ArgumentException(string.Create(global::System.Globalization.CultureInfo.InvariantCulture, $"invalid {name} resolution: {_resolution}"));
        }
    }

    internal ClockReader CreateWallClock() => Create(new SteppingClock(SteppingClock.WallEpoch, resolution: 1000), static provider => new ProviderWallClock(provider));

    internal ClockReader CreateMonotonicClock() => Create(new SteppingClock(start: 0, resolution: 1), static provider => new ProviderMonotonicClock(provider));

    private ClockReader Create(SteppingClock stepping, Func<TimeProvider, ClockReader> create) => this switch
    {
        { _read: Func<long> read } => new CustomClock(read, (ulong)_resolution),
        { _provider: TimeProvider provider } => create(provider),
        _ => stepping,
    };

    private sealed class SteppingClock(ulong start, ulong resolution) : ClockReader(resolution)
    {
        public const ulong WallEpoch = 1_640_995_200_000_000_000;

        private const ulong Step = 1_000_000;

        private ulong _next = start;

        public override ulong Read()
        {
            ulong now = _next;
            _next = unchecked(now + Step);
            return now;
        }
    }

    private sealed class CustomClock(Func<long> read, ulong resolution) : ClockReader(resolution)
    {
        public override ulong Read() => unchecked((ulong)read());
    }

    private sealed class ProviderWallClock(TimeProvider provider) : ClockReader(resolution: 100)
    {
        public override ulong Read()
        {
            // Before 1970 there is no timestamp; after 2554 64 bits end.
            long ticks = provider.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks;
            return ticks <= 0 ? 0 : (ulong)Int128.Min((Int128)ticks * 100, ulong.MaxValue);
        }
    }

    private sealed class ProviderMonotonicClock : ClockReader
    {
        private readonly TimeProvider _provider;
        private readonly long _start;
        private readonly long _frequency;

        public ProviderMonotonicClock(TimeProvider provider)
            : base((ulong)Math.Max(1, 1_000_000_000 / provider.TimestampFrequency))
        {
            _provider = provider;
            _start = provider.GetTimestamp();
            _frequency = provider.TimestampFrequency;
        }

        public override ulong Read()
        {
            long elapsed = _provider.GetTimestamp() - _start;
            return _frequency == 1_000_000_000 ? (ulong)elapsed : (ulong)((Int128)elapsed * 1_000_000_000 / _frequency);
        }
    }
}

/// <summary>A clock in use by one instance.</summary>
internal abstract class ClockReader(ulong resolution)
{
    /// <summary>The resolution in nanoseconds.</summary>
    public ulong Resolution { get; } = resolution;

    /// <summary>The time in nanoseconds.</summary>
    public abstract ulong Read();
}
