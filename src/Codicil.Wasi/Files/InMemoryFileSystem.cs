using Codicil.Wasi.Files.Trees;

namespace Codicil.Wasi.Files;

/// <summary>
/// A file system in memory: directories, files with holes, hard and symbolic links, with the semantics of POSIX. Empty at first; <see cref="WasiFileSystemExtensions"/> fill and read it.
/// It is shared by all that mount it and lives as long as they, or the caller, hold it. Thread-safe.
/// </summary>
public sealed class InMemoryFileSystem : WasiFileSystem
{
    /// <summary>The most bytes that a file system takes unless another number is given: 256 MiB.</summary>
    public const long DefaultMaximumSizeInBytes = 256L << 20;

    private readonly FileTree _tree;

    /// <summary>Makes an empty file system.</summary>
    /// <param name="maximumSizeInBytes">
    /// The most bytes that contents, names and links take, with 256 bytes for each file, directory and link. Contents count in pages of up to 64 KiB that were written to; holes are free. Beyond it, programs are told <c>nospc</c>.
    /// </param>
    /// <param name="timeProvider">Where the times of files come from; null is the system's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public InMemoryFileSystem(long maximumSizeInBytes = DefaultMaximumSizeInBytes, TimeProvider? timeProvider = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maximumSizeInBytes);
        _tree = new FileTree(maximumSizeInBytes, timeProvider ?? TimeProvider.System, lower: null);
    }

    /// <summary>How many bytes are used, counted as for the maximum.</summary>
    public long UsedBytes => _tree.Used;

    /// <inheritdoc/>
    public override WasiDirectory OpenRoot() => _tree.OpenRoot();
}
