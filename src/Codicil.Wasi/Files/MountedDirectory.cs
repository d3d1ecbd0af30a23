using Codicil.Wasi.Abi;
using Codicil.Wasi.Files.Trees;

namespace Codicil.Wasi.Files;

/// <summary>
/// A directory that has other mounts beneath it, which hide what the file system itself has at their place. What leads to a mount cannot be removed or renamed. A directory that is only there because of the mounts beneath it
/// has nothing else in it and cannot be changed.
/// </summary>
internal sealed class MountedDirectory(WasiDirectory? directory, MountPoint point) : WasiDirectory
{
    // The cookies of file systems are below.
    private const ulong FirstMountCookie = 1UL << 63;

    private static readonly FileStatus s_virtualStatus = new(0, 1, FileType.Directory, 1, 0, 0, 0, 0);

    /// <summary>Opens the root of a mount, with what is mounted beneath it.</summary>
    public static WasiDirectory OpenRoot(MountPoint point)
    {
        WasiDirectory root = point.OpenRoot();
        return point.HasChildren ? new MountedDirectory(root, point) : root;
    }

    /// <summary>Renames, wherever mounts are on the way (<see cref="WasiDirectory.Rename"/>).</summary>
    public static Errno Rename(WasiDirectory oldDirectory, ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath)
    {
        Errno errno = FindName(oldDirectory, oldPath, out MountWalk? oldWalk, ref oldDirectory, ref oldPath);
        using (oldWalk)
        {
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = FindName(newDirectory, newPath, out MountWalk? newWalk, ref newDirectory, ref newPath);
            using (newWalk)
            {
                return errno != Errno.Success ? errno : oldDirectory.Rename(oldPath, newDirectory, newPath);
            }
        }
    }

    /// <summary>Links, wherever mounts are on the way (<see cref="WasiDirectory.Link"/>).</summary>
    public static Errno Link(WasiDirectory oldDirectory, ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath)
    {
        Errno errno = FindName(oldDirectory, oldPath, out MountWalk? oldWalk, ref oldDirectory, ref oldPath);
        using (oldWalk)
        {
            if (errno != Errno.Success)
            {
                return errno == Errno.Busy ? Errno.Perm : errno;
            }

            errno = FindName(newDirectory, newPath, out MountWalk? newWalk, ref newDirectory, ref newPath);
            using (newWalk)
            {
                return errno != Errno.Success ? errno == Errno.Busy ? Errno.Exist : errno : oldDirectory.Link(oldPath, newDirectory, newPath);
            }
        }
    }

    public override Errno GetStatus(out FileStatus status)
    {
        status = s_virtualStatus;
        return directory is null ? Errno.Success : directory.GetStatus(out status);
    }

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime) => directory is null ? Errno.RoFs : directory.SetTimes(accessTime, modificationTime);

    public override Errno Sync(bool dataOnly) => directory is null ? Errno.Success : directory.Sync(dataOnly);

    public override Errno Open(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? handle)
    {
        handle = null;
        bool isExclusive = options.Has(OFlags.Create) && options.Has(OFlags.Exclusive);
        Errno errno = Walk(path, isExclusive ? LastLink.Keep : options.FollowSymlink ? LastLink.Follow : LastLink.FollowBeforeSlash, out MountWalk walk);
        using (walk)
        {
            bool isDirectory = errno == Errno.Success && IsTaken(walk);
            errno = errno == Errno.Success && walk.Child is not null ? walk.EnterChild() : errno;
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (!isDirectory)
            {
                return walk.Directory is not null ? walk.Directory.Open(walk.Name, options with { FollowSymlink = false }, out handle) : options.Has(OFlags.Create) ? Errno.RoFs : Errno.NoEnt;
            }

            if (isExclusive)
            {
                return Errno.Exist;
            }

            if (options.Has(OFlags.Create) || options.Has(OFlags.Truncate) || options.CanWrite)
            {
                return Errno.IsDir;
            }

            WasiHandle? opened = null;
            errno = walk.Directory?.Open("."u8, options, out opened) ?? Errno.Success;
            handle = errno == Errno.Success && walk.Point is not null ? new MountedDirectory((WasiDirectory?)opened, walk.Point) : opened;
            return errno;
        }
    }

    public override Errno GetStatus(ReadOnlySpan<byte> path, bool followSymlink, out FileStatus status)
    {
        status = s_virtualStatus;
        Errno errno = Find(path, followSymlink, out MountWalk walk, out bool isSelf);
        using (walk)
        {
            return errno != Errno.Success ? errno :
                walk.Directory is not WasiDirectory found ? isSelf ? Errno.Success : Errno.NoEnt :
                isSelf ? found.GetStatus(out status) : found.GetStatus(walk.Name, followSymlink: false, out status);
        }
    }

    public override Errno SetTimes(ReadOnlySpan<byte> path, bool followSymlink, ulong? accessTime, ulong? modificationTime)
    {
        Errno errno = Find(path, followSymlink, out MountWalk walk, out bool isSelf);
        using (walk)
        {
            return errno != Errno.Success ? errno :
                walk.Directory is not WasiDirectory found ? isSelf ? Errno.RoFs : Errno.NoEnt :
                isSelf ? found.SetTimes(accessTime, modificationTime) : found.SetTimes(walk.Name, followSymlink: false, accessTime, modificationTime);
        }
    }

    public override Errno CreateDirectory(ReadOnlySpan<byte> path)
    {
        Errno errno = Walk(path, LastLink.Keep, out MountWalk walk);
        using (walk)
        {
            return errno != Errno.Success ? errno : IsTaken(walk) ? Errno.Exist : walk.Directory?.CreateDirectory(walk.Name) ?? Errno.RoFs;
        }
    }

    public override Errno RemoveDirectory(ReadOnlySpan<byte> path)
    {
        Errno errno = Walk(path, LastLink.Keep, out MountWalk walk);
        using (walk)
        {
            return errno != Errno.Success ? errno :
                walk.Child is not null ? Errno.Busy :
                walk.Name.Length == 0 ? walk.EndsInParent ? Errno.NotEmpty : Errno.Inval :
                walk.Directory?.RemoveDirectory(walk.Name) ?? Errno.NoEnt;
        }
    }

    public override Errno UnlinkFile(ReadOnlySpan<byte> path)
    {
        Errno errno = Walk(path, LastLink.Keep, out MountWalk walk);
        using (walk)
        {
            return errno != Errno.Success ? errno : IsTaken(walk) ? Errno.IsDir : walk.Directory?.UnlinkFile(walk.Name) ?? Errno.NoEnt;
        }
    }

    public override Errno Rename(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath) => Rename(this, oldPath, newDirectory, newPath);

    public override Errno Link(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath) => Link(this, oldPath, newDirectory, newPath);

    public override Errno Symlink(ReadOnlySpan<byte> target, ReadOnlySpan<byte> path)
    {
        Errno errno = Walk(path, LastLink.Keep, out MountWalk walk);
        using (walk)
        {
            return errno != Errno.Success ? errno : IsTaken(walk) ? Errno.Exist : walk.Directory?.Symlink(target, walk.Name) ?? Errno.RoFs;
        }
    }

    public override Errno ReadLink(ReadOnlySpan<byte> path, Span<byte> destination, out int count)
    {
        count = 0;
        Errno errno = Walk(path, LastLink.FollowBeforeSlash, out MountWalk walk);
        using (walk)
        {
            return errno != Errno.Success ? errno : IsTaken(walk) ? Errno.Inval : walk.Directory?.ReadLink(walk.Name, destination, out count) ?? Errno.NoEnt;
        }
    }

    public override Errno ReadEntries(ulong cookie, ref DirectoryEntryWriter writer)
    {
        if (cookie < FirstMountCookie)
        {
            Errno errno = directory is null ? ReadVirtualEntries(cookie, ref writer) : ReadOwnEntries(cookie, ref writer);
            if (errno != Errno.Success || writer.IsFull)
            {
                return errno;
            }

            cookie = FirstMountCookie;
        }

        for (ulong index = cookie - FirstMountCookie; index < (ulong)point.Children.Count; index++)
        {
            (byte[] name, MountPoint child) = point.Children[(int)index];
            if (!writer.TryAdd(FirstMountCookie + index + 1, InodeOf(child), FileType.Directory, name))
            {
                break;
            }
        }

        return Errno.Success;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            directory?.Dispose();
        }

        base.Dispose(disposing);
    }

    private static bool IsTaken(MountWalk walk) => walk.Name.Length == 0 || walk.Child is not null;

    private static ulong InodeOf(MountPoint child)
    {
        if (!child.HasMount || child.TryOpenRoot(out WasiDirectory? root) != Errno.Success)
        {
            return s_virtualStatus.Inode;
        }

        using (root)
        {
            return root!.GetStatus(out FileStatus status) == Errno.Success ? status.Inode : s_virtualStatus.Inode;
        }
    }

    // A directory and a name in it that is no mount's; Busy when it is one, or no name.
    private static Errno FindName(WasiDirectory start, ReadOnlySpan<byte> path, out MountWalk? walk, ref WasiDirectory directory, ref ReadOnlySpan<byte> name)
    {
        walk = null;
        if (start is not MountedDirectory mounted)
        {
            return Errno.Success;
        }

        Errno errno = mounted.Walk(path, LastLink.Keep, out walk);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (IsTaken(walk))
        {
            return Errno.Busy;
        }

        if (walk.Directory is not WasiDirectory found)
        {
            return Errno.NoEnt;
        }

        directory = found;
        name = walk.Name;
        return Errno.Success;
    }

    private Errno Walk(ReadOnlySpan<byte> path, LastLink lastLink, out MountWalk walk) => MountWalk.To(directory, point, path, lastLink, out walk);

    private Errno Find(ReadOnlySpan<byte> path, bool followSymlink, out MountWalk walk, out bool isSelf)
    {
        Errno errno = Walk(path, followSymlink ? LastLink.Follow : LastLink.FollowBeforeSlash, out walk);
        isSelf = errno == Errno.Success && IsTaken(walk);
        return errno == Errno.Success && walk.Child is not null ? walk.EnterChild() : errno;
    }

    private Errno ReadOwnEntries(ulong cookie, ref DirectoryEntryWriter writer)
    {
        writer.Hidden = point;
        Errno errno = directory!.ReadEntries(cookie, ref writer);
        writer.Hidden = null;
        return errno;
    }

    private static Errno ReadVirtualEntries(ulong cookie, ref DirectoryEntryWriter writer)
    {
        if (cookie != 0 || writer.TryAdd(1, s_virtualStatus.Inode, FileType.Directory, "."u8))
        {
            writer.TryAdd(FirstMountCookie, s_virtualStatus.Inode, FileType.Directory, ".."u8);
        }

        return Errno.Success;
    }
}
