namespace Codicil.Plugins;

/// <summary>What becomes of an instance that comes back to its pool.</summary>
public enum PluginPoolPolicy
{
    /// <summary>It is dropped and a fresh one takes its place at once, so that the next lease begins with nothing of the last and does not wait.</summary>
    Renew,

    /// <summary>It is dropped; a fresh one is made when it is wanted.</summary>
    Discard,

    /// <summary>
    /// It is lent again as it is, with everything that earlier leases left in it. Only for plug-ins whose callers may know of each other. One in which a call failed (a trap, a limit, an exit, an
    /// exception of the host) is replaced all the same.
    /// </summary>
    Keep,
}

/// <summary>Options of a <see cref="PluginPool"/>. Immutable and thread-safe.</summary>
public sealed record PluginPoolOptions
{
    /// <summary>The options of a pool when none are given.</summary>
    public static PluginPoolOptions Default { get; } = new();

    /// <summary>The name under which metrics show it; null for the plug-in's.</summary>
    public string? Name { get; init; }

    /// <summary>The most instances that live at the same time, lent or idle: at least 1, at first two for each processor.</summary>
    public int MaxSize { get; init; } = 2 * Environment.ProcessorCount;

    /// <summary>What becomes of instances that come back.</summary>
    public PluginPoolPolicy Policy { get; init; }

    /// <summary>How long an instance stays idle before it is dropped: more than zero, at most 2,147,483,647 ms (24 days); null for ever.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive, or longer.</exception>
    public TimeSpan? IdleTimeout { get; init => field = value is TimeSpan time ? TimeRange.Positive(time) : null; } = TimeSpan.FromMinutes(5);

    /// <summary>The idle instances that are not dropped for their age.</summary>
    public int MinimumIdle { get; init; }

    /// <summary>Whether the compiled plug-in is disposed with the pool, after the last lease.</summary>
    public bool DisposesCompiled { get; init; }

    /// <summary>The clock for idle times.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MinimumIdle);
        if (!Enum.IsDefined(Policy))
        {
            throw new ArgumentOutOfRangeException(nameof(Policy));
        }

        ArgumentNullException.ThrowIfNull(TimeProvider);
    }
}

/// <summary>The instances of a pool at a moment.</summary>
/// <param name="Idle">Those that can be lent.</param>
/// <param name="Lent">Those that are lent, or being made.</param>
/// <param name="Waiting">Those who wait for one.</param>
public readonly record struct PluginPoolState(int Idle, int Lent, int Waiting);
