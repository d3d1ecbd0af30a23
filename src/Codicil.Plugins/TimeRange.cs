namespace Codicil.Plugins;

/// <summary>The times that options take. Those that a timer of the runtime measures end at its longest, some 24 days and 20 hours, so that none is refused, or wraps, only when it is used.</summary>
internal static class TimeRange
{
    /// <summary>The longest time that the runtime's timers measure.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>A time that is more than zero, for a timer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not, or longer than a timer measures.</exception>
    public static TimeSpan Positive(TimeSpan value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Longest);
        return value;
    }

    /// <summary>A time from zero on, for a timer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not, or longer than a timer measures.</exception>
    public static TimeSpan NotNegative(TimeSpan value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Longest);
        return value;
    }
}
