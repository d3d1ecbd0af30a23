using System.Text.Unicode;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// A directory of the host. Every path is resolved beneath it (<see cref="UnixResolver"/>), and what is done then is done to a name in an open directory, or to an open file:
/// no path is looked up twice, none goes through the host's working directory.
/// </summary>
internal sealed class UnixDirectory(WasiFileSystem owner, UnixFeatures features, UnixHandle handle, bool isRoot) : WasiDirectory
{
    private const int FileMode = 0x1B6;
    private const int DirectoryMode = 0x1FF;

    // Somebody else puts a link where there was none, or takes away what was there, between two looks.
    private const int MostAttempts = 16;

    private UnixListing? _listing;
    private volatile bool _isDisposed;

    public override Errno GetStatus(out FileStatus status)
    {
        int error = UnixCalls.GetStatus(handle, out UnixStatus unixStatus);
        status = unixStatus.Attributes;
        return UnixErrors.Translate(error);
    }

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime) => UnixErrors.Translate(UnixCalls.SetTimesAt(handle, ".\0"u8, accessTime, modificationTime));

    public override Errno Sync(bool dataOnly)
    {
        // A handle that is only a path cannot be synchronised.
        using UnixHandle? open = OpenForReading(out int error);
        return UnixErrors.Translate(open is null ? error : UnixCalls.Sync(open, dataOnly));
    }

    public override Errno Open(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? handle)
    {
        handle = null;
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            Errno errno = options.Has(OFlags.Create) ? Create(path, options, out handle) : OpenExisting(path, options, out handle);
            if (errno != Errno.Again)
            {
                return errno;
            }
        }

        return Errno.Busy;
    }

    public override Errno GetStatus(ReadOnlySpan<byte> path, bool followSymlink, out FileStatus status)
    {
        Errno errno = Find(path, followSymlink || EndsInSlash(path), stackalloc byte[UnixLocation.LongestName], out UnixLocation location, out UnixStatus unixStatus);
        location.Dispose();
        status = unixStatus.Attributes;
        return errno;
    }

    public override Errno SetTimes(ReadOnlySpan<byte> path, bool followSymlink, ulong? accessTime, ulong? modificationTime)
    {
        Errno errno = Find(path, followSymlink || EndsInSlash(path), stackalloc byte[UnixLocation.LongestName], out UnixLocation location, out _);
        if (errno == Errno.Success)
        {
            errno = UnixErrors.Translate(UnixCalls.SetTimesAt(location.Directory, location.IsDirectoryItself ? ".\0"u8 : location.Name, accessTime, modificationTime));
        }

        location.Dispose();
        return errno;
    }

    public override Errno CreateDirectory(ReadOnlySpan<byte> path)
    {
        Errno errno = Resolve(path, false, stackalloc byte[UnixLocation.LongestName], out UnixLocation location);
        if (errno == Errno.Success)
        {
            errno = location.IsDirectoryItself ? Errno.Exist : UnixErrors.Translate(UnixCalls.MakeDirectoryAt(location.Directory, location.Name, DirectoryMode));
        }

        location.Dispose();
        return errno;
    }

    public override Errno RemoveDirectory(ReadOnlySpan<byte> path)
    {
        Errno errno = Resolve(path, false, stackalloc byte[UnixLocation.LongestName], out UnixLocation location);
        if (errno == Errno.Success)
        {
            errno = location.IsDirectoryItself
                ? location.IsParent ? Errno.NotEmpty : Errno.Inval
                : UnixErrors.Translate(UnixCalls.UnlinkAt(location.Directory, location.Name, isDirectory: true));
        }

        location.Dispose();
        return errno;
    }

    public override Errno UnlinkFile(ReadOnlySpan<byte> path)
    {
        Errno errno = Resolve(path, false, stackalloc byte[UnixLocation.LongestName], out UnixLocation location);
        if (errno == Errno.Success)
        {
            errno = location.IsDirectoryItself ? Errno.IsDir : UnlinkFile(location);
        }

        location.Dispose();
        return errno;
    }

    public override Errno Rename(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath)
    {
        if (newDirectory is not UnixDirectory other || !ReferenceEquals(other.Owner, Owner))
        {
            return Errno.XDev;
        }

        Errno errno = Resolve(oldPath, false, stackalloc byte[UnixLocation.LongestName], out UnixLocation from);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = other.Resolve(newPath, false, stackalloc byte[UnixLocation.LongestName], out UnixLocation to);
        if (errno == Errno.Success)
        {
            errno = Rename(from, to);
        }

        from.Dispose();
        to.Dispose();
        return errno;
    }

    public override Errno Link(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath)
    {
        if (newDirectory is not UnixDirectory other || !ReferenceEquals(other.Owner, Owner))
        {
            return Errno.XDev;
        }

        Errno errno = Find(oldPath, EndsInSlash(oldPath), stackalloc byte[UnixLocation.LongestName], out UnixLocation from, out UnixStatus status);
        if (errno == Errno.Success && status.IsDirectory)
        {
            errno = Errno.Perm;
        }

        if (errno == Errno.Success)
        {
            errno = other.ResolveNew(newPath, stackalloc byte[UnixLocation.LongestName], out UnixLocation to);
            if (errno == Errno.Success)
            {
                errno = UnixErrors.Translate(UnixCalls.LinkAt(from.Directory, from.Name, to.Directory, to.Name));
            }

            to.Dispose();
        }

        from.Dispose();
        return errno;
    }

    public override Errno Symlink(ReadOnlySpan<byte> target, ReadOnlySpan<byte> path)
    {
        if (target.IsEmpty)
        {
            return Errno.NoEnt;
        }

        if (target.Length >= UnixResolver.LongestPath)
        {
            return Errno.NameTooLong;
        }

        // What is checked is what is used, whoever writes to the guest's memory meanwhile.
        Span<byte> terminated = stackalloc byte[target.Length + 1];
        target.CopyTo(terminated);
        terminated[^1] = 0;
        if (terminated[0] == (byte)'/')
        {
            return Errno.Perm;
        }

        if (terminated[..^1].Contains((byte)0))
        {
            return Errno.Inval;
        }

        Errno errno = ResolveNew(path, stackalloc byte[UnixLocation.LongestName], out UnixLocation location);
        if (errno == Errno.Success)
        {
            errno = UnixErrors.Translate(UnixCalls.SymlinkAt(terminated, location.Directory, location.Name));
        }

        location.Dispose();
        return errno;
    }

    public override Errno ReadLink(ReadOnlySpan<byte> path, Span<byte> destination, out int count)
    {
        count = 0;
        Errno errno = Resolve(path, EndsInSlash(path), stackalloc byte[UnixLocation.LongestName], out UnixLocation location);
        if (errno == Errno.Success)
        {
            Span<byte> target = stackalloc byte[UnixResolver.LongestPath];
            int length = 0;
            errno = location.IsDirectoryItself ? Errno.Inval : UnixErrors.Translate(UnixCalls.ReadLinkAt(location.Directory, location.Name, target, out length));
            if (errno == Errno.Inval && location.MustBeDirectory)
            {
                // The slash asks for a directory first.
                int error = location.IsDirectoryItself ? 0 : UnixCalls.GetStatusAt(location.Directory, location.Name, out UnixStatus status) is int failed && failed != 0 ? failed : status.IsDirectory ? 0 : UnixNumbers.ErrorNotDirectory;
                errno = error == 0 ? Errno.Inval : UnixErrors.Translate(error);
            }
            else if (errno == Errno.Success && !Utf8.IsValid(target[..length]))
            {
                errno = Errno.IlSeq;
            }
            else if (errno == Errno.Success)
            {
                count = Math.Min(length, destination.Length);
                target[..count].CopyTo(destination);
            }
        }

        location.Dispose();
        return errno;
    }

    public override Errno ReadEntries(ulong cookie, ref DirectoryEntryWriter writer)
    {
        UnixListing? listing = _listing;
        if (listing is null)
        {
            UnixHandle? open = OpenForReading(out int error);
            if (open is null)
            {
                return UnixErrors.Translate(error);
            }

            listing = UnixNumbers.IsLinux ? new LinuxListing(open) : new AppleListing(open);
            _listing = listing;
            if (_isDisposed)
            {
                listing.Dispose();
            }
        }

        return listing.Read(handle, isRoot, cookie, ref writer);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // First this: a listing that is opened now sees it, one that was opened before is seen here.
            _isDisposed = true;
            handle.Dispose();
            _listing?.Dispose();
        }

        base.Dispose(disposing);
    }

    private WasiFileSystem Owner => owner;

    private static bool EndsInSlash(ReadOnlySpan<byte> path) => path is [.., (byte)'/'];

    private static int AccessFlags(in WasiOpenOptions options)
    {
        int flags = UnixNumbers.OpenCloseOnExec | UnixNumbers.OpenNoTerminal | options.Access switch
        {
            FileAccess.ReadWrite => UnixNumbers.OpenReadWrite,
            FileAccess.Write => UnixNumbers.OpenWriteOnly,
            _ => UnixNumbers.OpenReadOnly,
        };

        // Reads that wait for what was written are those of a file that is synchronised (open(2), O_RSYNC).
        return (options.Flags & (FdFlags.Sync | FdFlags.RSync)) != 0 ? flags | UnixNumbers.OpenSync
            : (options.Flags & FdFlags.DSync) != 0 ? flags | UnixNumbers.OpenDataSync
            : flags;
    }

    private Errno Resolve(scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out UnixLocation location) =>
        UnixResolver.Resolve(features, handle, path, followLast, nameBuffer, out location);

    // A name that is to be made. Nothing that is made here is a directory, so there must be no slash behind it.
    private Errno ResolveNew(scoped ReadOnlySpan<byte> path, Span<byte> nameBuffer, out UnixLocation location)
    {
        Errno errno = Resolve(path, false, nameBuffer, out location);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (location.IsDirectoryItself)
        {
            return Errno.Exist;
        }

        return !location.MustBeDirectory ? Errno.Success : UnixCalls.GetStatusAt(location.Directory, location.Name, out _) == 0 ? Errno.Exist : Errno.NoEnt;
    }

    // What a path leads to, with its attributes; the location is to be disposed even when there is an error.
    private Errno Find(scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out UnixLocation location, out UnixStatus status)
    {
        for (int attempt = 0; ; attempt++)
        {
            status = default;
            Errno errno = Resolve(path, followLast, nameBuffer, out location);
            if (errno != Errno.Success)
            {
                return errno;
            }

            int error = location.IsDirectoryItself ? UnixCalls.GetStatus(location.Directory, out status) : UnixCalls.GetStatusAt(location.Directory, location.Name, out status);
            if (error != 0)
            {
                return UnixErrors.Translate(error);
            }

            if (followLast && status.IsLink && attempt < MostAttempts)
            {
                location.Dispose();
                continue;
            }

            return location.MustBeDirectory && !status.IsDirectory ? Errno.NotDir : Errno.Success;
        }
    }

    private static Errno UnlinkFile(in UnixLocation location)
    {
        int error;
        if (location.MustBeDirectory)
        {
            // It is no name of a file (unlink, ENOTDIR).
            error = UnixCalls.GetStatusAt(location.Directory, location.Name, out UnixStatus status);
            return error != 0 ? UnixErrors.Translate(error) : status.IsDirectory ? Errno.IsDir : Errno.NotDir;
        }

        error = UnixCalls.UnlinkAt(location.Directory, location.Name, isDirectory: false);

        // POSIX says EPERM of a directory, Linux EISDIR.
        return error == UnixNumbers.ErrorPermission && UnixCalls.GetStatusAt(location.Directory, location.Name, out UnixStatus present) == 0 && present.IsDirectory
            ? Errno.IsDir
            : UnixErrors.Translate(error);
    }

    private static Errno Rename(in UnixLocation from, in UnixLocation to)
    {
        if (from.IsDirectoryItself || to.IsDirectoryItself)
        {
            return Errno.Busy;
        }

        // A slash, on either side, is for directories only.
        if (from.MustBeDirectory || to.MustBeDirectory)
        {
            int error = UnixCalls.GetStatusAt(from.Directory, from.Name, out UnixStatus status);
            if (error != 0)
            {
                return UnixErrors.Translate(error);
            }

            if (!status.IsDirectory)
            {
                return Errno.NotDir;
            }
        }

        return UnixErrors.Translate(UnixCalls.RenameAt(from.Directory, from.Name, to.Directory, to.Name));
    }

    // Errno.Again: it is not as it was a moment ago; look once more.
    private Errno OpenExisting(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        bool follow = options.FollowSymlink || EndsInSlash(path);
        if (features.OpensBeneath && features.HasPathHandles)
        {
            UnixHandle? held = UnixResolver.OpenBeneath(handle, path, UnixNumbers.LinuxOpenPath | (follow ? 0 : UnixNumbers.OpenNoFollow), out int error);
            if (held is not null)
            {
                return OpenHeld(held, options, out result);
            }

            if (error != UnixNumbers.ErrorAgain)
            {
                return UnixResolver.Translate(error);
            }
        }

        Errno errno = Resolve(path, follow, stackalloc byte[UnixLocation.LongestName], out UnixLocation location);
        if (errno == Errno.Success)
        {
            errno = OpenAt(location, options, out result);
            if (errno == Errno.Loop && follow)
            {
                errno = Errno.Again;
            }
        }

        location.Dispose();
        return errno;
    }

    private Errno Create(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        bool isExclusive = options.Has(OFlags.Exclusive);
        bool follow = options.FollowSymlink && !isExclusive;
        Errno errno = Resolve(path, follow, stackalloc byte[UnixLocation.LongestName], out UnixLocation location);
        if (errno == Errno.Success)
        {
            if (location.IsDirectoryItself || location.MustBeDirectory)
            {
                errno = CannotCreate(location, isExclusive);
            }
            else
            {
                // What is made here is a file and empty, whatever else happens.
                UnixHandle? file = UnixCalls.OpenAt(
                    location.Directory, location.Name, AccessFlags(options) | UnixNumbers.OpenCreate | UnixNumbers.OpenExclusive | UnixNumbers.OpenNoFollow, FileMode, out int error);
                if (file is not null)
                {
                    result = new UnixFile(file);
                }
                else if (error != UnixNumbers.ErrorExists || isExclusive)
                {
                    errno = UnixErrors.Translate(error);
                }
                else
                {
                    errno = OpenAt(location, options, out result);
                    if (errno == Errno.NoEnt || (errno == Errno.Loop && follow))
                    {
                        errno = Errno.Again;
                    }
                }
            }
        }

        location.Dispose();
        return errno;
    }

    // A directory is not made by opening.
    private static Errno CannotCreate(in UnixLocation location, bool isExclusive)
    {
        UnixStatus status = default;
        bool exists = location.IsDirectoryItself || UnixCalls.GetStatusAt(location.Directory, location.Name, out status) == 0;
        return !exists ? Errno.IsDir
            : isExclusive ? Errno.Exist
            : location.IsDirectoryItself || status.IsDirectory ? Errno.IsDir
            : Errno.NotDir;
    }

    // Opens a name that is there. A link is Errno.Loop.
    private Errno OpenAt(in UnixLocation location, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        int error;
        if (location.IsDirectoryItself)
        {
            UnixHandle? directory = UnixCalls.OpenAt(location.Directory, ".\0"u8, features.DirectoryFlags, 0, out error);
            return directory is null ? UnixErrors.Translate(error) : OpenHeld(directory, options, out result);
        }

        UnixStatus status;
        if (features.HasPathHandles)
        {
            UnixHandle? held = UnixCalls.OpenAt(
                location.Directory, location.Name, UnixNumbers.LinuxOpenPath | UnixNumbers.OpenNoFollow | UnixNumbers.OpenCloseOnExec, 0, out error);
            if (held is null)
            {
                return UnixErrors.Translate(error);
            }

            if (location.MustBeDirectory && UnixCalls.GetStatus(held, out status) == 0 && !status.IsDirectory)
            {
                held.Dispose();
                return Errno.NotDir;
            }

            return OpenHeld(held, options, out result);
        }

        error = UnixCalls.GetStatusAt(location.Directory, location.Name, out status);
        if (error != 0)
        {
            return UnixErrors.Translate(error);
        }

        Errno errno = CheckKind(status, options, location.MustBeDirectory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (status.IsDirectory)
        {
            UnixHandle? directory = UnixCalls.OpenAt(location.Directory, location.Name, features.DirectoryFlags, 0, out error);
            result = directory is null ? null : new UnixDirectory(owner, features, directory, isRoot: false);
            return directory is not null ? Errno.Success : error == UnixNumbers.ErrorNotDirectory || error == UnixNumbers.ErrorLoop ? Errno.Again : UnixErrors.Translate(error);
        }

        return OpenRegularAt(location, options, out result);
    }

    // Where a file cannot be held before it is opened. It was regular a moment ago; should something else have taken its place, then opening that does not
    // wait and cuts nothing, and it is closed again.
    private static Errno OpenRegularAt(in UnixLocation location, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        int flags = AccessFlags(options) | UnixNumbers.OpenNoFollow | UnixNumbers.OpenNonBlocking;
        bool truncates = options.Has(OFlags.Truncate);
        if (truncates && !options.CanWrite)
        {
            flags |= UnixNumbers.OpenReadWrite;
        }

        UnixHandle? file = UnixCalls.OpenAt(location.Directory, location.Name, flags, 0, out int error);
        if (file is null)
        {
            return UnixErrors.Translate(error);
        }

        error = UnixCalls.GetStatus(file, out UnixStatus status);
        Errno errno = error != 0 ? UnixErrors.Translate(error) : status.IsRegular ? Errno.Success : Errno.Again;
        if (errno == Errno.Success && truncates)
        {
            errno = UnixErrors.Translate(UnixCalls.SetSize(file, 0));
        }

        if (errno != Errno.Success)
        {
            file.Dispose();
            return errno;
        }

        result = new UnixFile(file);
        return Errno.Success;
    }

    // Opens what is held, which nobody can exchange any more. Takes the handle over.
    private Errno OpenHeld(UnixHandle held, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        int error = UnixCalls.GetStatus(held, out UnixStatus status);
        Errno errno = error != 0 ? UnixErrors.Translate(error) : CheckKind(status, options, mustBeDirectory: false);
        if (errno != Errno.Success)
        {
            held.Dispose();
            return errno;
        }

        if (status.IsDirectory)
        {
            result = new UnixDirectory(owner, features, held, isRoot: false);
            return Errno.Success;
        }

        // Without waiting: even a regular file can keep its opener for most of a minute, when somebody has a lease on it (fcntl, F_SETLEASE).
        int flags = AccessFlags(options) | UnixNumbers.OpenNonBlocking | (options.Has(OFlags.Truncate) ? UnixNumbers.OpenTruncate : 0);
        UnixHandle? file = UnixCalls.Reopen(held, flags, out error);
        held.Dispose();
        result = file is null ? null : new UnixFile(file);
        return UnixErrors.Translate(error);
    }

    // What can be opened: files and directories. To open a FIFO may wait for ever, to open a device may do something.
    private static Errno CheckKind(in UnixStatus status, in WasiOpenOptions options, bool mustBeDirectory)
    {
        if (status.IsLink)
        {
            return Errno.Loop;
        }

        if (status.IsDirectory)
        {
            return options.CanWrite || options.Has(OFlags.Truncate) || options.Has(OFlags.Create) ? Errno.IsDir : Errno.Success;
        }

        return mustBeDirectory || options.Has(OFlags.Directory) ? Errno.NotDir : status.IsRegular ? Errno.Success : Errno.NxIo;
    }

    private UnixHandle? OpenForReading(out int error) =>
        UnixCalls.OpenAt(handle, ".\0"u8, UnixNumbers.OpenReadOnly | UnixNumbers.OpenDirectory | UnixNumbers.OpenCloseOnExec | UnixNumbers.OpenNoFollow, 0, out error);
}
