using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests;

/// <summary>What a program's files are made of.</summary>
public enum FileStorageKind
{
    /// <summary>A directory of the host, in a temporary folder.</summary>
    Host,

    /// <summary>A file system in memory.</summary>
    Memory,

    /// <summary>An overlay over a file system in memory that is mounted read-only.</summary>
    Overlay,
}

/// <summary>A fresh copy of test folders, as a file system of some kind; gone when disposed.</summary>
internal sealed class FileStorage(FileStorageKind kind) : IDisposable
{
    private readonly Dictionary<string, WasiFileSystem> _fileSystems = new(StringComparer.Ordinal);
    private readonly List<string> _folders = [];

    /// <summary>Makes a file system with the contents of a folder, or an empty one.</summary>
    public WasiFileSystem Create(string? folder = null)
    {
        if (kind == FileStorageKind.Host)
        {
            string copy = Directory.CreateTempSubdirectory("codicil-wasi-").FullName;
            _folders.Add(copy);
            Copy(folder, (path, contents) =>
            {
                string target = Path.Combine(copy, path);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.WriteAllBytes(target, contents);
            });
            return new HostFileSystem(copy);
        }

        var memory = new InMemoryFileSystem();
        Copy(folder, (path, contents) => memory.WriteAllBytes(path, contents));
        return kind == FileStorageKind.Overlay ? new OverlayFileSystem(memory) : memory;
    }

    /// <summary>Mounts a copy of a folder.</summary>
    public WasiOptions Mount(WasiOptions options, string guestPath, string? folder)
    {
        WasiFileSystem fileSystem = Create(folder);
        _fileSystems[guestPath] = fileSystem;
        return options.WithFileSystem(fileSystem, guestPath);
    }

    /// <summary>A file of what was mounted; null when there is none.</summary>
    public byte[]? Read(string guestPath, string path)
    {
        try
        {
            return _fileSystems[guestPath].ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        foreach (string folder in _folders)
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Copy(string? folder, Action<string, byte[]> write)
    {
        if (folder is null)
        {
            return;
        }

        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            write(Path.GetRelativePath(folder, file).Replace('\\', '/'), File.ReadAllBytes(file));
        }
    }
}
