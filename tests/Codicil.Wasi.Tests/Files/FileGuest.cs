using System.Buffers.Binary;
using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests.Files;

/// <summary>A guest with files: calls by path with text instead of addresses. Paths lie at 1024 and 16384, results at 32768 and above.</summary>
internal sealed class FileGuest : IDisposable
{
    public const uint Root = 3;
    public const int Result = 32768;
    public const int Buffer = 33024;
    public const int BufferSize = 32000;

    private const int FirstPath = 1024;
    private const int SecondPath = 16384;
    private const int Vector = 512;

    public FileGuest(WasiOptions options) => Guest = new Guest(options);

    public Guest Guest { get; }

    /// <summary>A path of any bytes: those of Latin-1 text.</summary>
    public static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);

    public Errno CreateDirectory(string path, uint fd = Root) => Guest.Call("path_create_directory", fd, FirstPath, Put(path));

    public Errno Status(string path, uint fd = Root, bool follow = true) => Guest.Call("path_filestat_get", fd, follow ? 1 : 0, FirstPath, Put(path), Result);

    public FileStatus GetStatus(string path, uint fd = Root, bool follow = true)
    {
        Assert.Equal(Errno.Success, Status(path, fd, follow));
        return ReadStatus();
    }

    public FileStatus GetStatus(uint fd)
    {
        Assert.Equal(Errno.Success, Guest.Call("fd_filestat_get", fd, Result));
        return ReadStatus();
    }

    public Errno SetTimes(string path, ulong? access, ulong? modification, uint fd = Root, bool follow = true) =>
        Guest.Call("path_filestat_set_times", fd, follow ? 1 : 0, FirstPath, Put(path), (long)(access ?? 0), (long)(modification ?? 0), (access is null ? 0 : 1) | (modification is null ? 0 : 4));

    public Errno Link(string oldPath, string newPath, uint oldFd = Root, uint newFd = Root) =>
        Guest.Call("path_link", oldFd, 0, FirstPath, Put(oldPath), newFd, SecondPath, Put(newPath, SecondPath));

    public Errno Rename(string oldPath, string newPath, uint oldFd = Root, uint newFd = Root) =>
        Guest.Call("path_rename", oldFd, FirstPath, Put(oldPath), newFd, SecondPath, Put(newPath, SecondPath));

    public Errno Symlink(string target, string path, uint fd = Root) =>
        Guest.Call("path_symlink", FirstPath, Put(target), fd, SecondPath, Put(path, SecondPath));

    public Errno ReadLink(string path, out string target, uint fd = Root, int size = 4096)
    {
        Errno errno = Guest.Call("path_readlink", fd, FirstPath, Put(path), Buffer, size, Result);
        target = errno == Errno.Success ? Guest.Memory.ReadString(Buffer, Guest.Memory.ReadInt32(Result)) : "";
        return errno;
    }

    public Errno RemoveDirectory(string path, uint fd = Root) => Guest.Call("path_remove_directory", fd, FirstPath, Put(path));

    public Errno Unlink(string path, uint fd = Root) => Guest.Call("path_unlink_file", fd, FirstPath, Put(path));

    public Errno Open(string path, out uint opened, OFlags flags = OFlags.None, Rights rights = Rights.File, Rights inheriting = Rights.File, FdFlags fdFlags = FdFlags.None, uint fd = Root, bool follow = true)
    {
        Errno errno = Guest.Call("path_open", fd, follow ? 1 : 0, FirstPath, Put(path), (int)flags, (long)rights, (long)inheriting, (int)fdFlags, Result);
        opened = errno == Errno.Success ? (uint)Guest.Memory.ReadInt32(Result) : uint.MaxValue;
        return errno;
    }

    public uint Open(string path, OFlags flags = OFlags.None, Rights rights = Rights.File, FdFlags fdFlags = FdFlags.None, uint fd = Root)
    {
        Assert.Equal(Errno.Success, Open(path, out uint opened, flags, rights, fdFlags: fdFlags, fd: fd));
        return opened;
    }

    public uint OpenDirectory(string path, uint fd = Root)
    {
        Assert.Equal(Errno.Success, Open(path, out uint opened, OFlags.Directory, Rights.Directory, Rights.Directory | Rights.File, fd: fd));
        return opened;
    }

    public Errno Close(uint fd) => Guest.Call("fd_close", fd);

    public Errno Write(uint fd, string text, long? offset = null)
    {
        int length = Put(text);
        Guest.WriteVector(Vector, FirstPath, (uint)length);
        Errno errno = offset is long at ? Guest.Call("fd_pwrite", fd, Vector, 1, at, Result) : Guest.Call("fd_write", fd, Vector, 1, Result);
        Assert.True(errno != Errno.Success || Guest.Memory.ReadInt32(Result) == length);
        return errno;
    }

    public Errno Read(uint fd, out string text, int length = BufferSize, long? offset = null)
    {
        Guest.WriteVector(Vector, Buffer, (uint)length);
        Errno errno = offset is long at ? Guest.Call("fd_pread", fd, Vector, 1, at, Result) : Guest.Call("fd_read", fd, Vector, 1, Result);
        text = errno == Errno.Success ? Guest.Memory.ReadString(Buffer, Guest.Memory.ReadInt32(Result)) : "";
        return errno;
    }

    public Errno Seek(uint fd, long offset, Whence whence, out long position)
    {
        Errno errno = Guest.Call("fd_seek", fd, offset, (int)whence, Result);
        position = errno == Errno.Success ? Guest.Memory.ReadInt64(Result) : -1;
        return errno;
    }

    public Errno WriteFile(string path, string text, uint fd = Root)
    {
        Errno errno = Open(path, out uint opened, OFlags.Create | OFlags.Truncate, fd: fd);
        if (errno == Errno.Success)
        {
            errno = Write(opened, text);
            Close(opened);
        }

        return errno;
    }

    public string ReadFile(string path, uint fd = Root)
    {
        uint opened = Open(path, rights: Rights.FdRead, fd: fd);
        Assert.Equal(Errno.Success, Read(opened, out string text));
        Close(opened);
        return text;
    }

    /// <summary>The complete entries in a buffer of some size, and whether it was filled.</summary>
    public (List<(string Name, ulong Next, ulong Inode, FileType Type)> Entries, bool IsFull) List(uint fd, ulong cookie = 0, int size = BufferSize)
    {
        const int HeaderSize = 24;
        Assert.Equal(Errno.Success, Guest.Call("fd_readdir", fd, Buffer, size, (long)cookie, Result));
        int used = Guest.Memory.ReadInt32(Result);
        Span<byte> listing = Guest.Memory.GetSpan(Buffer, used);
        var entries = new List<(string, ulong, ulong, FileType)>();
        while (listing.Length >= HeaderSize)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(listing[16..]);
            if (listing.Length < HeaderSize + length)
            {
                break;
            }

            entries.Add((Encoding.UTF8.GetString(listing.Slice(HeaderSize, length)), BinaryPrimitives.ReadUInt64LittleEndian(listing), BinaryPrimitives.ReadUInt64LittleEndian(listing[8..]), (FileType)listing[20]));
            listing = listing[(HeaderSize + length)..];
        }

        return (entries, used == size);
    }

    /// <summary>All names of a directory but . and .., read through buffers of some size.</summary>
    public List<string> Names(uint fd, int size = BufferSize)
    {
        var names = new List<string>();
        ulong cookie = 0;
        while (true)
        {
            (List<(string Name, ulong Next, ulong Inode, FileType Type)> entries, bool isFull) = List(fd, cookie, size);
            names.AddRange(entries.Select(static entry => entry.Name).Where(static name => name is not ("." or "..")));
            if (!isFull)
            {
                return names;
            }

            cookie = entries[^1].Next;
        }
    }

    public int Put(string path, int address = FirstPath)
    {
        byte[] bytes = path.All(static letter => letter < 256) ? Bytes(path) : Encoding.UTF8.GetBytes(path);
        bytes.CopyTo(Guest.Memory.GetSpan((ulong)address, bytes.Length));
        return bytes.Length;
    }

    public void Dispose() => Guest.Dispose();

    private FileStatus ReadStatus()
    {
        ReadOnlySpan<byte> status = Guest.Memory.GetSpan(Result, 64);
        return new FileStatus(
            BinaryPrimitives.ReadUInt64LittleEndian(status),
            BinaryPrimitives.ReadUInt64LittleEndian(status[8..]),
            (FileType)status[16],
            BinaryPrimitives.ReadUInt64LittleEndian(status[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(status[32..]),
            BinaryPrimitives.ReadUInt64LittleEndian(status[40..]),
            BinaryPrimitives.ReadUInt64LittleEndian(status[48..]),
            BinaryPrimitives.ReadUInt64LittleEndian(status[56..]));
    }
}
