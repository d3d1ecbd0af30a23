using System.Text;

using Codicil.Wasi.Abi;
using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi.Files;

/// <summary>
/// A directory of the host and all that is beneath it. Nothing above it or beside it can be reached, whatever paths and links there are and whatever is renamed meanwhile. What is promised on
/// which system, <c>docs/wasi.md</c> says. Immutable and thread-safe.
/// </summary>
/// <remarks>Regular files, directories and symbolic links can be opened; FIFOs, sockets and devices can be seen, renamed and removed.</remarks>
public sealed class HostFileSystem : WasiFileSystem
{
    private readonly UnixFeatures? _features;
    private readonly INtFiles? _windowsFiles;

    /// <summary>A directory of the host.</summary>
    /// <param name="path">Its path. A relative one is made absolute now; links in it are followed when a store mounts it.</param>
    public HostFileSystem(string path)
        : this(path, (UnixFeatures?)null)
    {
    }

    internal HostFileSystem(string path, UnixFeatures? features)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = System.IO.Path.GetFullPath(path);
        _features = features;
    }

    // Windows's calls, whatever the system is (tests).
    internal HostFileSystem(string path, INtFiles windowsFiles)
        : this(path, (UnixFeatures?)null) => _windowsFiles = windowsFiles;

    /// <summary>The absolute path of the directory.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    /// <exception cref="IOException">There is no such directory, or it cannot be opened.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is neither Linux nor macOS nor Windows.</exception>
    public override WasiDirectory OpenRoot()
    {
        if (_windowsFiles is not null || OperatingSystem.IsWindows())
        {
            Errno errno = WindowsDirectory.OpenRoot(this, _windowsFiles ?? NtFiles.System, WindowsDirectory.ToNativePath(Path), out WindowsDirectory? directory);
            return directory ?? throw Failure(errno);
        }

        if (!UnixNumbers.IsLinux && !UnixNumbers.IsApple)
        {
            throw new PlatformNotSupportedException("directories of the host can be mounted on Linux, macOS and Windows");
        }

        UnixFeatures features = _features ?? UnixFeatures.System;
        UnixHandle? root = UnixCalls.Open(Encoding.UTF8.GetBytes(Path + '\0'), features.DirectoryFlags & ~UnixNumbers.OpenNoFollow, out int error);
        return root is null ? throw Failure(UnixErrors.Translate(error)) : new UnixDirectory(this, features, root, isRoot: true);
    }

    private IOException Failure(Errno errno)
    {
        string message = $"cannot open the directory {Path}: {errno}";
        return errno == Errno.NoEnt ? new DirectoryNotFoundException(message) : new IOException(message);
    }
}
