namespace Codicil;

/// <summary>What a store may use. Negative numbers keep the default. Immutable and thread-safe.</summary>
public sealed record ResourceLimits
{
    private const long DefaultTableElements = 10_000_000;
    private const long DefaultTotalTableElements = 20_000_000;
    private const int DefaultObjects = 10_000;

    /// <summary>The limits a store has when none are given.</summary>
    public static ResourceLimits Default { get; } = new();

    /// <summary>The most bytes each memory may have; null, the default, for no limit but its type's.</summary>
    public long? MemoryBytes { get; init => field = value is < 0 ? null : value; }

    /// <summary>The most bytes all memories of the store may have together; null, the default, for no limit but the process's.</summary>
    public long? TotalMemoryBytes { get; init => field = value is < 0 ? null : value; }

    /// <summary>The most elements each table may have; default 10,000,000.</summary>
    public long TableElements { get; init => field = value < 0 ? DefaultTableElements : value; } = DefaultTableElements;

    /// <summary>The most elements all tables of the store may have together; default 20,000,000, which take 160 MB.</summary>
    public long TotalTableElements { get; init => field = value < 0 ? DefaultTotalTableElements : value; } = DefaultTotalTableElements;

    /// <summary>
    /// The most bytes that .NET's heap may have when guests of the store allocate structures and arrays: all of it, the host's own objects and those of other stores counted; null,
    /// the default, for three quarters of what the runtime may use.
    /// </summary>
    public long? HeapBytes { get; init => field = value is < 0 ? null : value; }

    /// <summary>The most instances; default 10,000.</summary>
    public int Instances { get; init => field = value < 0 ? DefaultObjects : value; } = DefaultObjects;

    /// <summary>The most tables; default 10,000.</summary>
    public int Tables { get; init => field = value < 0 ? DefaultObjects : value; } = DefaultObjects;

    /// <summary>The most memories; default 10,000.</summary>
    public int Memories { get; init => field = value < 0 ? DefaultObjects : value; } = DefaultObjects;
}
