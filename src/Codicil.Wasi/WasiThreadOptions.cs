namespace Codicil.Wasi;

/// <summary>What programs may have of threads (<see cref="WasiExtensions.DefineWasiThreads(Linker, WasiThreadOptions?)"/>). Immutable and thread-safe.</summary>
public sealed record WasiThreadOptions
{
    /// <summary>The options when none are given.</summary>
    public static WasiThreadOptions Default { get; } = new();

    /// <summary>The most threads that a store's programs may have at a time, the main one not counted; 0 or more, default 64. Beyond it, and where the system gives no more, <c>thread-spawn</c> fails.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public int MaximumThreads
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }
    = 64;
}
