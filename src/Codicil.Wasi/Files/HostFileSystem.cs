using System.Text;

using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi.Files;

/// <summary>
/// A directory of the host and all that is beneath it. Nothing above it or beside it can be reached, whatever paths and links there are and whatever is renamed meanwhile. Linux and macOS;
/// what is promised on which, <c>docs/wasi.md</c> says. Immutable and thread-safe.
/// </summary>
/// <remarks>Regular files, directories and symbolic links can be opened; FIFOs, sockets and devices can be seen, renamed and removed.</remarks>
public sealed class HostFileSystem : WasiFileSystem
{
    private readonly UnixFeatures? _features;

    /// <summary>A directory of the host.</summary>
    /// <param name="path">Its path. A relative one is made absolute now; links in it are followed when a store mounts it.</param>
    public HostFileSystem(string path)
        : this(path, null)
    {
    }

    internal HostFileSystem(string path, UnixFeatures? features)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = System.IO.Path.GetFullPath(path);
        _features = features;
    }

    /// <summary>The absolute path of the directory.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    /// <exception cref="IOException">There is no such directory, or it cannot be opened.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is neither Linux nor macOS.</exception>
    public override WasiDirectory OpenRoot()
    {
        if (!UnixNumbers.IsLinux && !UnixNumbers.IsApple)
        {
            throw new PlatformNotSupportedException("directories of the host can be mounted on Linux and macOS");
        }

        UnixFeatures features = _features ?? UnixFeatures.System;
        UnixHandle? root = UnixCalls.Open(Encoding.UTF8.GetBytes(Path + '\0'), features.DirectoryFlags & ~UnixNumbers.OpenNoFollow, out int error);
        if (root is null)
        {
            string message = $"cannot open the directory {Path}: {UnixErrors.Translate(error)}";
            throw error == UnixNumbers.ErrorNoEntry ? new DirectoryNotFoundException(message) : new IOException(message);
        }

        return new UnixDirectory(this, features, root, isRoot: true);
    }
}
