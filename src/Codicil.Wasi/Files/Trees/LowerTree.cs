using System.Buffers.Binary;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files.Trees;

/// <summary>The file system below a tree: only read, by paths from its root, and each name only once. Under the tree's lock.</summary>
internal sealed class LowerTree(WasiFileSystem fileSystem)
{
    private const int LongestPath = 4095;
    private const int ListingSize = 1 << 15;
    private const int EntryHeaderSize = 24;

    // Files of several names are one node, whichever name comes first.
    private readonly Dictionary<(ulong Device, ulong Inode), FileNode> _linkedFiles = [];
    private WasiDirectory? _root;

    /// <summary>Opens the root, and says what it is.</summary>
    /// <exception cref="IOException">It cannot be opened, or asked.</exception>
    public FileStatus Open()
    {
        _root = fileSystem.OpenRoot();
        Errno errno = _root.GetStatus(out FileStatus status);
        if (errno != Errno.Success)
        {
            Close();
            throw new IOException($"the lower file system's root cannot be read: {errno}");
        }

        return status;
    }

    public void Close()
    {
        WasiDirectory? root = _root;
        _root = null;
        root?.Dispose();
    }

    /// <summary>Makes a node for a name of a directory; null when there is no such name.</summary>
    public Errno Import(DirectoryNode directory, ReadOnlySpan<byte> name, out Node? node)
    {
        node = null;
        byte[] path = directory.LowerPath!.Length == 0 ? name.ToArray() : [.. directory.LowerPath, (byte)'/', .. name];
        if (path.Length > LongestPath)
        {
            return Errno.NameTooLong;
        }

        if (_root is null)
        {
            return Errno.BadF;
        }

        Errno errno = _root.GetStatus(path, followSymlink: false, out FileStatus status);
        if (errno != Errno.Success)
        {
            return errno == Errno.NoEnt ? Errno.Success : errno;
        }

        switch (status.Type)
        {
            case FileType.Directory:
                node = new DirectoryNode(directory.Tree, directory, path, status);
                directory.LinkCount++;
                return Errno.Success;
            case FileType.RegularFile:
                node = ImportFile(directory.Tree, path, status);
                return Errno.Success;
            case FileType.SymbolicLink:
                Span<byte> target = stackalloc byte[LongestPath];
                errno = _root.ReadLink(path, target, out int count);
                node = errno == Errno.Success ? new LinkNode(directory.Tree, target[..count].ToArray(), status) : null;
                return errno;
            default:
                node = new SpecialNode(directory.Tree, status);
                return Errno.Success;
        }
    }

    /// <summary>Goes through all names of a directory.</summary>
    public Errno ImportAll(DirectoryNode directory, Func<byte[], Errno> takeIn)
    {
        if (_root is null)
        {
            return Errno.BadF;
        }

        ReadOnlySpan<byte> path = directory.LowerPath!.Length == 0 ? "."u8 : directory.LowerPath;
        Errno errno = _root.Open(path, new WasiOpenOptions(OFlags.Directory, FileAccess.Read, FdFlags.None, FollowSymlink: false), out WasiHandle? handle);
        if (errno != Errno.Success)
        {
            return errno;
        }

        using WasiHandle opened = handle!;
        byte[] buffer = new byte[ListingSize];
        ulong cookie = 0;
        while (true)
        {
            var writer = new DirectoryEntryWriter(buffer);
            errno = ((WasiDirectory)opened).ReadEntries(cookie, ref writer);
            if (errno != Errno.Success)
            {
                return errno;
            }

            ReadOnlySpan<byte> listing = buffer.AsSpan(0, writer.Count);
            while (TryTakeEntry(ref listing, out ulong next, out ReadOnlySpan<byte> name))
            {
                cookie = next;
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    errno = takeIn(name.ToArray());
                    if (errno != Errno.Success)
                    {
                        return errno;
                    }
                }
            }

            if (!writer.IsFull)
            {
                return Errno.Success;
            }
        }
    }

    /// <summary>Opens a file to read it.</summary>
    public Errno OpenFile(ReadOnlySpan<byte> path, out WasiFile? file)
    {
        file = null;
        if (_root is null)
        {
            return Errno.BadF;
        }

        Errno errno = _root.Open(path, new WasiOpenOptions(OFlags.None, FileAccess.Read, FdFlags.None, FollowSymlink: false), out WasiHandle? handle);
        if (errno != Errno.Success)
        {
            return errno;
        }

        file = handle as WasiFile;
        if (file is { CanSeek: true })
        {
            return Errno.Success;
        }

        // It has changed since it was looked at.
        handle!.Dispose();
        file = null;
        return Errno.Stale;
    }

    private static bool TryTakeEntry(ref ReadOnlySpan<byte> listing, out ulong next, out ReadOnlySpan<byte> name)
    {
        next = 0;
        name = default;
        if (listing.Length < EntryHeaderSize)
        {
            return false;
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(listing[16..]);
        if (length > (uint)(listing.Length - EntryHeaderSize))
        {
            return false;
        }

        next = BinaryPrimitives.ReadUInt64LittleEndian(listing);
        name = listing.Slice(EntryHeaderSize, (int)length);
        listing = listing[(EntryHeaderSize + (int)length)..];
        return true;
    }

    private FileNode ImportFile(FileTree tree, byte[] path, in FileStatus status)
    {
        if (status.LinkCount <= 1)
        {
            return new FileNode(tree, path, status);
        }

        if (!_linkedFiles.TryGetValue((status.Device, status.Inode), out FileNode? node))
        {
            node = new FileNode(tree, path, status) { LinkCount = status.LinkCount };
            _linkedFiles.Add((status.Device, status.Inode), node);
        }

        return node;
    }
}
