using System.Buffers.Binary;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// The entries of a directory. A cookie is 0 for the beginning, 1 after <c>.</c>, 2 after <c>..</c>; those beyond stand for a place in the directory. Memory is bounded, however many entries there are.
/// </summary>
internal abstract class UnixListing : IDisposable
{
    /// <summary>Added to a place in the directory, which is not negative.</summary>
    protected const ulong FirstPlace = 2;

    /// <summary>Reads entries from a cookie on.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="isRoot">Whether what is above it is none of the program's business.</param>
    /// <param name="cookie">Where to begin.</param>
    /// <param name="writer">Takes the entries.</param>
    public Errno Read(UnixHandle directory, bool isRoot, ulong cookie, ref DirectoryEntryWriter writer)
    {
        if (cookie < FirstPlace)
        {
            int error = UnixCalls.GetStatus(directory, out UnixStatus status);
            if (error == 0 && cookie == 0 && !writer.TryAdd(1, status.Attributes.Inode, FileType.Directory, "."u8))
            {
                return Errno.Success;
            }

            if (error == 0 && !isRoot)
            {
                // A number, no more: it is the parent's whatever has become of that.
                error = UnixCalls.GetStatusAt(directory, "..\0"u8, out status);
            }

            if (error != 0)
            {
                return UnixErrors.Translate(error);
            }

            if (!writer.TryAdd(FirstPlace, status.Attributes.Inode, FileType.Directory, ".."u8))
            {
                return Errno.Success;
            }

            cookie = FirstPlace;
        }

        return cookie - FirstPlace > long.MaxValue ? Errno.Success : ReadFrom(directory, (long)(cookie - FirstPlace), ref writer);
    }

    public abstract void Dispose();

    /// <summary>Reads from a place, 0 being the beginning, without <c>.</c> and <c>..</c>.</summary>
    protected abstract Errno ReadFrom(UnixHandle directory, long place, ref DirectoryEntryWriter writer);

    /// <summary>Adds an entry; file systems that do not tell kinds are asked for them.</summary>
    protected static bool Add(UnixHandle directory, ref DirectoryEntryWriter writer, long next, ulong inode, byte kind, scoped ReadOnlySpan<byte> terminatedName)
    {
        ReadOnlySpan<byte> name = terminatedName[..^1];
        if (name is [(byte)'.'] or [(byte)'.', (byte)'.'])
        {
            return true;
        }

        FileType type = kind switch
        {
            2 => FileType.CharacterDevice,
            4 => FileType.Directory,
            6 => FileType.BlockDevice,
            8 => FileType.RegularFile,
            10 => FileType.SymbolicLink,
            12 => FileType.SocketStream,
            0 when UnixCalls.GetStatusAt(directory, terminatedName, out UnixStatus status) == 0 => status.Attributes.Type,
            _ => FileType.Unknown,
        };
        return writer.TryAdd((ulong)next + FirstPlace, inode, type, name);
    }
}

/// <summary>
/// Linux: records straight from the system, whose own places are the cookies. They are as stable as the file system makes them: ext4, xfs, btrfs and tmpfs since Linux 6.6 keep
/// the promise that entries that stay come exactly once.
/// </summary>
internal sealed class LinuxListing(UnixHandle open) : UnixListing
{
    private const int BufferSize = 8192;
    private const int NameOffset = 19;

    public override void Dispose() => open.Dispose();

    protected override Errno ReadFrom(UnixHandle directory, long place, ref DirectoryEntryWriter writer)
    {
        Span<byte> buffer = stackalloc byte[BufferSize];
        while (true)
        {
            int error = UnixCalls.GetDirectoryEntries(open, place, buffer, out int count);
            if (error != 0 || count == 0)
            {
                // A directory that was removed has no entries.
                return error == UnixNumbers.ErrorNoEntry ? Errno.Success : UnixErrors.Translate(error);
            }

            ReadOnlySpan<byte> records = buffer[..count];
            while (!records.IsEmpty)
            {
                // struct linux_dirent64: inode, place of the next, length of the record, kind, name.
                int length = BinaryPrimitives.ReadUInt16LittleEndian(records[16..]);
                ReadOnlySpan<byte> name = records[NameOffset..length];
                name = name[..(name.IndexOf((byte)0) + 1)];
                place = BinaryPrimitives.ReadInt64LittleEndian(records[8..]);
                if (!Add(directory, ref writer, place, BinaryPrimitives.ReadUInt64LittleEndian(records), records[18], name))
                {
                    return Errno.Success;
                }

                records = records[length..];
            }
        }
    }
}

/// <summary>macOS: its places are good for one open directory stream only, so entries are counted. What is removed meanwhile may make others come twice or not at all.</summary>
internal sealed class AppleListing(UnixHandle open) : UnixListing
{
    private readonly AppleDirectoryStream _stream = new(open);
    private readonly byte[] _name = new byte[1024];
    private long _count;
    private int _length;
    private ulong _inode;
    private byte _kind;

    public override void Dispose() => _stream.Dispose();

    protected override Errno ReadFrom(UnixHandle directory, long place, ref DirectoryEntryWriter writer)
    {
        // The last one again: it was cut when there was no room.
        if (place == _count - 1)
        {
            if (!Add(directory, ref writer, _count, _inode, _kind, _name.AsSpan(0, _length)))
            {
                return Errno.Success;
            }
        }
        else if (place < _count)
        {
            _stream.Rewind();
            _count = 0;
        }

        while (true)
        {
            int error = _stream.Read(_name, out _length, out _inode, out _kind);
            if (error != 0 || _length == 0)
            {
                return UnixErrors.Translate(error);
            }

            _count++;
            if (_count > place && !Add(directory, ref writer, _count, _inode, _kind, _name.AsSpan(0, _length)))
            {
                return Errno.Success;
            }
        }
    }
}
