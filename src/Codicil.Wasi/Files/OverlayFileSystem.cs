using Codicil.Wasi.Files.Trees;

namespace Codicil.Wasi.Files;

/// <summary>
/// Copy on write: a file system that shows another one and keeps all changes in memory. The lower one is only read. What was written, renamed and removed is seen by all that mount the overlay, and is gone with it.
/// Files are not copied when they are changed; only the pages that were written to are kept. Thread-safe.
/// </summary>
/// <remarks>
/// Names and attributes of the lower file system are read once, when they are first needed. When it changes meanwhile, programs may see the old state or the new one of each file, or a mixture within a file; they never
/// reach anything outside of it. What is no file, directory or link can be seen there, but not opened. Inode numbers are the overlay's own.
/// </remarks>
public sealed class OverlayFileSystem : WasiFileSystem
{
    private readonly FileTree _tree;

    /// <summary>Makes an overlay without changes.</summary>
    /// <param name="lower">What is shown; it stays the caller's. It is opened while the overlay is in use.</param>
    /// <param name="maximumSizeInBytes">The most bytes that changes take, counted as for <see cref="InMemoryFileSystem"/>. Beyond it, programs are told <c>nospc</c>.</param>
    /// <param name="timeProvider">Where the times of what has changed come from; null is the system's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public OverlayFileSystem(WasiFileSystem lower, long maximumSizeInBytes = InMemoryFileSystem.DefaultMaximumSizeInBytes, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(lower);
        ArgumentOutOfRangeException.ThrowIfNegative(maximumSizeInBytes);
        _tree = new FileTree(maximumSizeInBytes, timeProvider ?? TimeProvider.System, new LowerTree(lower));
    }

    /// <summary>How many bytes changes take, counted as for the maximum.</summary>
    public long UsedBytes => _tree.Used;

    /// <inheritdoc/>
    public override WasiDirectory OpenRoot() => _tree.OpenRoot();
}
