namespace Codicil.Wasi.Abi;

/// <summary>
/// The two versions of the interface that programs import. They share all but the numbers of <c>whence</c>, the layouts of
/// <c>filestat</c> and <c>subscription</c>, and <c>sock_accept</c>, which the older one lacks.
/// </summary>
internal sealed class Snapshot
{
    private readonly Whence[] _whence;

    private Snapshot(string moduleName, Whence[] whence, int fileStatSize, int linkCountSize, int subscriptionSize, int clockOffset)
    {
        ModuleName = moduleName;
        _whence = whence;
        FileStatSize = fileStatSize;
        LinkCountSize = linkCountSize;
        SubscriptionSize = subscriptionSize;
        ClockOffset = clockOffset;
    }

    /// <summary>Snapshot 1, <c>wasi_snapshot_preview1</c>.</summary>
    public static Snapshot Preview1 { get; } = new("wasi_snapshot_preview1", [Whence.Set, Whence.Current, Whence.End], fileStatSize: 64, linkCountSize: 8, subscriptionSize: 48, clockOffset: 16);

    /// <summary>Snapshot 0, <c>wasi_unstable</c>.</summary>
    public static Snapshot Unstable { get; } = new("wasi_unstable", [Whence.Current, Whence.End, Whence.Set], fileStatSize: 56, linkCountSize: 4, subscriptionSize: 56, clockOffset: 24);

    /// <summary>The name that modules import from.</summary>
    public string ModuleName { get; }

    /// <summary>The size of a <c>filestat</c> in bytes.</summary>
    public int FileStatSize { get; }

    /// <summary>The size of the link count in a <c>filestat</c>, in bytes.</summary>
    public int LinkCountSize { get; }

    /// <summary>The size of a <c>subscription</c> in bytes.</summary>
    public int SubscriptionSize { get; }

    /// <summary>Where a clock subscription's clock identifier stands: snapshot 0 has a second identifier before it.</summary>
    public int ClockOffset { get; }

    /// <summary>Translates a number to its meaning; false for a number without one.</summary>
    public bool TryGetWhence(uint value, out Whence whence)
    {
        bool known = value < (uint)_whence.Length;
        whence = known ? _whence[(int)value] : default;
        return known;
    }
}
