namespace Codicil;

/// <summary>What a store may use. Immutable and thread-safe.</summary>
public sealed record ResourceLimits
{
    /// <summary>The limits a store has when none are given.</summary>
    public static ResourceLimits Default { get; } = new();

    /// <summary>The most bytes each memory may have; null for no limit but its type's.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>The most bytes all memories of the store may have together.</summary>
    public long? TotalMemoryBytes { get; init; }

    /// <summary>The most elements each table may have; default 10,000,000.</summary>
    public long TableElements { get; init; } = 10_000_000;

    /// <summary>The most instances; default 10,000.</summary>
    public int Instances { get; init; } = 10_000;

    /// <summary>The most tables; default 10,000.</summary>
    public int Tables { get; init; } = 10_000;

    /// <summary>The most memories; default 10,000.</summary>
    public int Memories { get; init; } = 10_000;
}
