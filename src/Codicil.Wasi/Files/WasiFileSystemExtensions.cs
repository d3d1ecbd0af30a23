using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files;

/// <summary>The host's side of a file system: what to put in before programs run, and to take out afterwards. Paths are guests' paths beneath the root; a slash at the beginning is allowed. Thread-safe.</summary>
public static class WasiFileSystemExtensions
{
    /// <summary>Writes a file, creating it or replacing its contents. Directories on the way are made.</summary>
    /// <exception cref="IOException">It cannot be written; the message names the path and the reason.</exception>
    public static void WriteAllBytes(this WasiFileSystem fileSystem, string path, ReadOnlySpan<byte> contents)
    {
        ArgumentNullException.ThrowIfNull(fileSystem);
        byte[] name = Encode(path);
        using WasiDirectory root = fileSystem.OpenRoot();
        int slash = name.AsSpan().LastIndexOf((byte)'/');
        if (slash > 0)
        {
            CreateDirectories(root, name.AsSpan(0, slash), path);
        }

        Check(root.Open(name, new WasiOpenOptions(OFlags.Create | OFlags.Truncate, FileAccess.Write, FdFlags.None, FollowSymlink: true), out WasiHandle? handle), path);
        using WasiHandle opened = handle!;
        ulong offset = 0;
        while (!contents.IsEmpty)
        {
            Check(AsFile(opened, path).WriteAt(contents, offset, out int count), path);
            if (count == 0)
            {
                throw Failure(Errno.Io, path);
            }

            contents = contents[count..];
            offset += (uint)count;
        }
    }

    /// <summary>Writes text as UTF-8 (<see cref="WriteAllBytes"/>).</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void WriteAllText(this WasiFileSystem fileSystem, string path, string contents)
    {
        ArgumentNullException.ThrowIfNull(contents);
        fileSystem.WriteAllBytes(path, Encoding.UTF8.GetBytes(contents));
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It cannot be read, or is too long for an array.</exception>
    public static byte[] ReadAllBytes(this WasiFileSystem fileSystem, string path)
    {
        ArgumentNullException.ThrowIfNull(fileSystem);
        byte[] name = Encode(path);
        using WasiDirectory root = fileSystem.OpenRoot();
        Check(root.Open(name, new WasiOpenOptions(OFlags.None, FileAccess.Read, FdFlags.None, FollowSymlink: true), out WasiHandle? handle), path);
        using WasiHandle opened = handle!;
        WasiFile file = AsFile(opened, path);
        Check(file.GetStatus(out FileStatus status), path);
        if (status.Size > (ulong)Array.MaxLength)
        {
            throw Failure(Errno.FBig, path);
        }

        byte[] contents = new byte[status.Size];
        int done = 0;
        while (done < contents.Length)
        {
            Check(file.ReadAt(contents.AsSpan(done), (ulong)done, out int count), path);
            if (count == 0)
            {
                return contents[..done];
            }

            done += count;
        }

        return contents;
    }

    /// <summary>Reads a file as UTF-8 (<see cref="ReadAllBytes"/>).</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string ReadAllText(this WasiFileSystem fileSystem, string path) => Encoding.UTF8.GetString(fileSystem.ReadAllBytes(path));

    /// <summary>Makes a directory and those on the way, where they are not there.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void CreateDirectory(this WasiFileSystem fileSystem, string path)
    {
        ArgumentNullException.ThrowIfNull(fileSystem);
        byte[] name = Encode(path);
        using WasiDirectory root = fileSystem.OpenRoot();
        CreateDirectories(root, name, path);
    }

    /// <summary>Whether a path names something; links are followed.</summary>
    public static bool Exists(this WasiFileSystem fileSystem, string path)
    {
        ArgumentNullException.ThrowIfNull(fileSystem);
        byte[] name = Encode(path);
        using WasiDirectory root = fileSystem.OpenRoot();
        return root.GetStatus(name, followSymlink: true, out _) == Errno.Success;
    }

    private static byte[] Encode(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string relative = path.TrimStart('/');
        if (relative.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("the path has a NUL", nameof(path));
        }

        return relative.Length == 0 ? "."u8.ToArray() : Encoding.UTF8.GetBytes(relative);
    }

    private static void CreateDirectories(WasiDirectory root, ReadOnlySpan<byte> name, string path)
    {
        for (int end = 1; end <= name.Length; end++)
        {
            if (end == name.Length || name[end] == '/')
            {
                Errno errno = root.CreateDirectory(name[..end]);
                if (errno == Errno.Exist)
                {
                    errno = root.GetStatus(name[..end], followSymlink: true, out FileStatus status);
                    errno = errno == Errno.Success && status.Type != FileType.Directory ? Errno.NotDir : errno;
                }

                Check(errno, path);
            }
        }
    }

    private static WasiFile AsFile(WasiHandle handle, string path) => handle as WasiFile ?? throw Failure(Errno.IsDir, path);

    private static void Check(Errno errno, string path)
    {
        if (errno != Errno.Success)
        {
            throw Failure(errno, path);
        }
    }

    private static IOException Failure(Errno errno, string path)
    {
        string message = $"`{path}`: {errno}";
        return errno is Errno.NoEnt or Errno.NotDir ? new FileNotFoundException(message, path) : new IOException(message);
    }
}
