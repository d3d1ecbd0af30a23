using System.Text;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;
using Codicil.Wasi.Tests.HostFiles;

namespace Codicil.Wasi.Tests;

/// <summary>What a program's files are made of.</summary>
public enum FileStorageKind
{
    /// <summary>A directory of the host, in a temporary folder.</summary>
    Host,

    /// <summary>A directory of the host as on Windows: the code is Windows's, what is behind its calls a model of NTFS.</summary>
    Windows,

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
    private NtfsModel? _model;

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

        if (kind == FileStorageKind.Windows)
        {
            _model = new NtfsModel();
            var windows = new HostFileSystem("root", _model);
            Copy(folder, (path, contents) => windows.WriteAllBytes(path, contents));
            return windows;
        }

        var memory = new InMemoryFileSystem();
        Copy(folder, (path, contents) => memory.WriteAllBytes(path, contents));
        return kind == FileStorageKind.Overlay ? new OverlayFileSystem(memory) : memory;
    }

    /// <summary>Makes a link to the root of all, as no guest can.</summary>
    public void LinkToRoot(WasiFileSystem fileSystem, params ReadOnlySpan<string> path)
    {
        switch (kind)
        {
            case FileStorageKind.Host:
                File.CreateSymbolicLink(Path.Combine([((HostFileSystem)fileSystem).Path, .. path]), "/");
                break;
            case FileStorageKind.Windows:
                NtfsNode node = _model!.Root;
                foreach (string name in path[..^1])
                {
                    node = node.Children[name];
                }

                node.Children[path[^1]] = _model.NewLink(@"\??\C:\", isRelative: false, isDirectory: true);
                break;
            default:
                using (WasiDirectory root = fileSystem.OpenRoot())
                {
                    Assert.Equal(Errno.Success, root.Symlink("/"u8, Encoding.UTF8.GetBytes(string.Join('/', path))));
                }

                break;
        }
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
