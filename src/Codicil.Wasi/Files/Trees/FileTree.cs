using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files.Trees;

/// <summary>
/// Directories, files and links in memory, perhaps on top of another file system which is only read. One lock guards names and directories; each function holds it from the walk along the path
/// to the end, so that nothing moves meanwhile.
/// </summary>
internal sealed class FileTree
{
    private static long s_devices;

    private readonly Lock _lock = new();
    private readonly TimeProvider _timeProvider;
    private readonly long _budget;
    private DirectoryNode? _root;
    private long _used;
    private ulong _lastInode;
    private int _handles;

    public FileTree(long budget, TimeProvider timeProvider, LowerTree? lower)
    {
        _budget = budget;
        _timeProvider = timeProvider;
        Lower = lower;
    }

    /// <summary>The device that its files are on, to tell them from those of other trees.</summary>
    public ulong Device { get; } = (ulong)Interlocked.Increment(ref s_devices);

    /// <summary>The file system below; null when there is none.</summary>
    public LowerTree? Lower { get; }

    /// <summary>How much of the budget is used.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Opens the root.</summary>
    public WasiDirectory OpenRoot()
    {
        lock (_lock)
        {
            if (_handles == 0 && Lower is not null)
            {
                FileStatus status = Lower.Open();
                _root ??= new DirectoryNode(this, parent: null, lowerPath: [], status);
            }

            return Open(_root ??= new DirectoryNode(this, parent: null));
        }
    }

    public ulong NextInode() => Interlocked.Increment(ref _lastInode);

    /// <summary>The time, in nanoseconds since 1970.</summary>
    public ulong Now()
    {
        const int NanosecondsPerTick = 100;
        return (ulong)Math.Max(0, (_timeProvider.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks) * NanosecondsPerTick;
    }

    /// <summary>Takes bytes from the budget; false when there are not as many.</summary>
    public bool TryReserve(long bytes)
    {
        long used = Volatile.Read(ref _used);
        while (true)
        {
            if (bytes > _budget - used)
            {
                return false;
            }

            long seen = Interlocked.CompareExchange(ref _used, used + bytes, used);
            if (seen == used)
            {
                return true;
            }

            used = seen;
        }
    }

    /// <summary>Gives bytes back to the budget.</summary>
    public void Release(long bytes) => Interlocked.Add(ref _used, -bytes);

    /// <summary>A handle is done with.</summary>
    public void Close(FileNode? file)
    {
        lock (_lock)
        {
            _handles--;
            try
            {
                file?.Close();
            }
            finally
            {
                if (_handles == 0)
                {
                    Lower?.Close();
                }
            }
        }
    }

    public Errno Open(DirectoryNode start, ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? handle)
    {
        handle = null;
        bool isExclusive = options.Has(OFlags.Create) && options.Has(OFlags.Exclusive);
        lock (_lock)
        {
            Errno errno = PathWalk.To(start, path, isExclusive ? LastLink.Keep : options.FollowSymlink ? LastLink.Follow : LastLink.FollowBeforeSlash, out PathWalk walk);
            if (errno != Errno.Success)
            {
                return errno;
            }

            Node? node = walk.Node;
            if (node is null)
            {
                if (!options.Has(OFlags.Create))
                {
                    return Errno.NoEnt;
                }

                errno = walk.HasSlash ? Errno.IsDir : Create(walk, extraCost: 0, static (tree, _) => new FileNode(tree), out node);
                if (errno != Errno.Success)
                {
                    return errno;
                }
            }
            else if (isExclusive)
            {
                return Errno.Exist;
            }

            switch (node)
            {
                case DirectoryNode directory:
                    if (options.Has(OFlags.Create) || options.Has(OFlags.Truncate) || options.CanWrite)
                    {
                        return Errno.IsDir;
                    }

                    handle = Open(directory);
                    return Errno.Success;
                case LinkNode:
                    return Errno.Loop;
                case FileNode file:
                    if (options.Has(OFlags.Directory) || walk.HasSlash)
                    {
                        return Errno.NotDir;
                    }

                    errno = file.Open(options.Has(OFlags.Truncate));
                    if (errno == Errno.Success)
                    {
                        _handles++;
                        handle = new TreeFile(this, file);
                    }

                    return errno;
                default:
                    return options.Has(OFlags.Directory) || walk.HasSlash ? Errno.NotDir : Errno.NxIo;
            }
        }
    }

    public FileStatus GetStatus(DirectoryNode directory)
    {
        lock (_lock)
        {
            return directory.GetStatus();
        }
    }

    public void SetTimes(DirectoryNode directory, ulong? accessTime, ulong? modificationTime)
    {
        lock (_lock)
        {
            directory.SetTimes(accessTime, modificationTime);
        }
    }

    public Errno GetStatus(DirectoryNode start, ReadOnlySpan<byte> path, bool followSymlink, out FileStatus status)
    {
        status = default;
        lock (_lock)
        {
            Errno errno = FindExisting(start, path, followSymlink, out Node? node);
            if (errno == Errno.Success)
            {
                status = node!.GetStatus();
            }

            return errno;
        }
    }

    public Errno SetTimes(DirectoryNode start, ReadOnlySpan<byte> path, bool followSymlink, ulong? accessTime, ulong? modificationTime)
    {
        lock (_lock)
        {
            Errno errno = FindExisting(start, path, followSymlink, out Node? node);
            if (errno == Errno.Success)
            {
                node!.SetTimes(accessTime, modificationTime);
            }

            return errno;
        }
    }

    public Errno CreateDirectory(DirectoryNode start, ReadOnlySpan<byte> path)
    {
        lock (_lock)
        {
            Errno errno = PathWalk.To(start, path, LastLink.Keep, out PathWalk walk);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (walk.Node is not null)
            {
                return Errno.Exist;
            }

            errno = Create(walk, extraCost: 0, static (tree, parent) => new DirectoryNode(tree, parent), out _);
            if (errno == Errno.Success)
            {
                walk.Parent.LinkCount++;
            }

            return errno;
        }
    }

    public Errno RemoveDirectory(DirectoryNode start, ReadOnlySpan<byte> path)
    {
        lock (_lock)
        {
            Errno errno = PathWalk.To(start, path, LastLink.Keep, out PathWalk walk);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (walk.Name.IsEmpty)
            {
                return walk.EndsInParent ? Errno.NotEmpty : Errno.Inval;
            }

            if (walk.Node is not DirectoryNode directory)
            {
                return walk.Node is null ? Errno.NoEnt : Errno.NotDir;
            }

            errno = directory.IsEmpty(out bool isEmpty);
            if (errno != Errno.Success || !isEmpty)
            {
                return errno != Errno.Success ? errno : Errno.NotEmpty;
            }

            walk.Parent.Remove(walk.Name);
            walk.Parent.LinkCount--;
            directory.Unlink();
            return Errno.Success;
        }
    }

    public Errno UnlinkFile(DirectoryNode start, ReadOnlySpan<byte> path)
    {
        lock (_lock)
        {
            Errno errno = PathWalk.To(start, path, LastLink.Keep, out PathWalk walk);
            errno = errno != Errno.Success ? errno : walk.GetExisting(out _);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (walk.Node is DirectoryNode)
            {
                return Errno.IsDir;
            }

            walk.Parent.Remove(walk.Name);
            walk.Node!.Unlink();
            return Errno.Success;
        }
    }

    public Errno Link(DirectoryNode oldStart, ReadOnlySpan<byte> oldPath, DirectoryNode newStart, ReadOnlySpan<byte> newPath)
    {
        lock (_lock)
        {
            Errno errno = PathWalk.To(oldStart, oldPath, LastLink.Keep, out PathWalk old);
            errno = errno != Errno.Success ? errno : old.GetExisting(out _);
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = PathWalk.To(newStart, newPath, LastLink.Keep, out PathWalk walk);
            return errno != Errno.Success ? errno : AddLink(old.Node!, walk);
        }
    }

    public Errno Symlink(ReadOnlySpan<byte> target, DirectoryNode start, ReadOnlySpan<byte> path)
    {
        byte[] contents = target.ToArray();
        lock (_lock)
        {
            Errno errno = PathWalk.To(start, path, LastLink.Keep, out PathWalk walk);
            if (errno != Errno.Success)
            {
                return errno;
            }

            return walk.Node is not null ? Errno.Exist : walk.HasSlash ? Errno.NoEnt :
                Create(walk, contents.Length, (tree, _) => new LinkNode(tree, contents), out _);
        }
    }

    public Errno ReadLink(DirectoryNode start, ReadOnlySpan<byte> path, Span<byte> destination, out int count)
    {
        count = 0;
        lock (_lock)
        {
            Errno errno = FindExisting(start, path, followSymlink: false, out Node? node);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (node is not LinkNode link)
            {
                return Errno.Inval;
            }

            count = Math.Min(link.Target.Length, destination.Length);
            link.Target.AsSpan(0, count).CopyTo(destination);
            return Errno.Success;
        }
    }

    public Errno ReadEntries(DirectoryNode directory, ulong cookie, ref DirectoryEntryWriter writer)
    {
        lock (_lock)
        {
            return directory.ReadEntries(cookie, ref writer);
        }
    }

    public Errno Rename(DirectoryNode oldStart, ReadOnlySpan<byte> oldPath, DirectoryNode newStart, ReadOnlySpan<byte> newPath)
    {
        lock (_lock)
        {
            Errno errno = PathWalk.To(oldStart, oldPath, LastLink.Keep, out PathWalk old);
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = PathWalk.To(newStart, newPath, LastLink.Keep, out PathWalk target);
            if (errno != Errno.Success)
            {
                return errno;
            }

            // . and .. are no names, and the root has none.
            if (old.Name.IsEmpty || target.Name.IsEmpty)
            {
                return Errno.Busy;
            }

            errno = old.GetExisting(out Node? node);
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = CheckRename(node!, target);
            if (errno != Errno.Success || target.Node == node)
            {
                return errno;
            }

            if (target.Node is Node replaced)
            {
                target.Parent.Replace(target.Name, node!);
                if (replaced is DirectoryNode)
                {
                    target.Parent.LinkCount--;
                }

                replaced.Unlink();
            }
            else
            {
                errno = target.Parent.Add(target.Name, node!);
                if (errno != Errno.Success)
                {
                    return errno;
                }
            }

            old.Parent.Remove(old.Name);
            if (node is DirectoryNode moved)
            {
                old.Parent.LinkCount--;
                target.Parent.LinkCount++;
                moved.Parent = target.Parent;
            }

            node!.Touch();
            return Errno.Success;
        }
    }

    private static Errno FindExisting(DirectoryNode start, ReadOnlySpan<byte> path, bool followSymlink, out Node? node)
    {
        node = null;
        Errno errno = PathWalk.To(start, path, followSymlink ? LastLink.Follow : LastLink.FollowBeforeSlash, out PathWalk walk);
        return errno != Errno.Success ? errno : walk.GetExisting(out node);
    }

    private static Errno AddLink(Node node, in PathWalk walk)
    {
        if (walk.Node is not null)
        {
            return Errno.Exist;
        }

        if (node is DirectoryNode)
        {
            return Errno.Perm;
        }

        Errno errno = walk.HasSlash ? Errno.NoEnt : walk.Parent.Add(walk.Name, node);
        if (errno == Errno.Success)
        {
            node.LinkCount++;
            node.Touch();
        }

        return errno;
    }

    private static Errno CheckRename(Node node, in PathWalk target)
    {
        if (node is not DirectoryNode)
        {
            return target.Node is DirectoryNode ? Errno.IsDir : target.HasSlash ? Errno.NotDir : Errno.Success;
        }

        // Into itself.
        for (DirectoryNode above = target.Parent; ; above = above.Parent)
        {
            if (above == node)
            {
                return Errno.Inval;
            }

            if (above.Parent == above || above.IsRemoved)
            {
                break;
            }
        }

        if (target.Node is null || target.Node == node)
        {
            return Errno.Success;
        }

        if (target.Node is not DirectoryNode replaced)
        {
            return Errno.NotDir;
        }

        Errno errno = replaced.IsEmpty(out bool isEmpty);
        return errno != Errno.Success ? errno : isEmpty ? Errno.Success : Errno.NotEmpty;
    }

    private TreeDirectory Open(DirectoryNode node)
    {
        _handles++;
        return new TreeDirectory(this, node);
    }

    // From the budget: the node, its name, and what it holds from the beginning.
    private Errno Create(in PathWalk walk, long extraCost, Func<FileTree, DirectoryNode, Node> create, out Node? node)
    {
        node = null;
        if (!TryReserve(Node.BaseCost + extraCost))
        {
            return Errno.NoSpc;
        }

        Node created = create(this, walk.Parent);
        Errno errno = walk.Parent.Add(walk.Name, created);
        if (errno != Errno.Success)
        {
            Release(Node.BaseCost + extraCost);
            return errno;
        }

        node = created;
        return Errno.Success;
    }
}
