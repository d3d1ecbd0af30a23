using System.Text.Unicode;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// A directory of the host. Every path is resolved beneath it, and what is done then is done to a name in an open directory, or to an open file: no path is looked up twice, none goes through
/// the host's working directory. What that means is here; how a system does it, in the classes derived from this.
/// </summary>
/// <param name="owner">The file system.</param>
/// <param name="handle">The open directory.</param>
internal abstract class HostDirectory<THandle>(WasiFileSystem owner, THandle handle) : WasiDirectory
    where THandle : class, IDisposable
{
    // Somebody else puts a link where there was none, or takes away what was there, between two looks.
    private const int MostAttempts = 16;

    /// <summary>The file system.</summary>
    protected WasiFileSystem Owner => owner;

    /// <summary>The open directory.</summary>
    protected THandle Handle => handle;

    public override Errno GetStatus(out FileStatus status) => GetStatus(handle, out status);

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime) => SetTimesAt(handle, default, accessTime, modificationTime);

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
        Errno errno = Find(path, followSymlink || EndsInSlash(path), stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location, out status);
        location.Dispose();
        return errno;
    }

    public override Errno SetTimes(ReadOnlySpan<byte> path, bool followSymlink, ulong? accessTime, ulong? modificationTime)
    {
        Errno errno = Find(path, followSymlink || EndsInSlash(path), stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location, out _);
        if (errno == Errno.Success)
        {
            errno = SetTimesAt(location.Directory, location.Name, accessTime, modificationTime);
        }

        location.Dispose();
        return errno;
    }

    public override Errno CreateDirectory(ReadOnlySpan<byte> path)
    {
        Errno errno = Resolve(path, false, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location);
        if (errno == Errno.Success)
        {
            errno = location.IsDirectoryItself ? Errno.Exist : MakeDirectoryAt(location.Directory, location.Name);
        }

        location.Dispose();
        return errno;
    }

    public override Errno RemoveDirectory(ReadOnlySpan<byte> path)
    {
        Errno errno = Resolve(path, false, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location);
        if (errno == Errno.Success)
        {
            errno = location.IsDirectoryItself
                ? location.IsParent ? Errno.NotEmpty : Errno.Inval
                : RemoveDirectoryAt(location.Directory, location.Name);
        }

        location.Dispose();
        return errno;
    }

    public override Errno UnlinkFile(ReadOnlySpan<byte> path)
    {
        Errno errno = Resolve(path, false, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location);
        if (errno == Errno.Success)
        {
            errno = location.IsDirectoryItself ? Errno.IsDir : UnlinkFile(location);
        }

        location.Dispose();
        return errno;
    }

    public override Errno Rename(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath)
    {
        if (newDirectory is not HostDirectory<THandle> other || !ReferenceEquals(other.Owner, Owner))
        {
            return Errno.XDev;
        }

        Errno errno = Resolve(oldPath, false, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> from);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = other.Resolve(newPath, false, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> to);
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
        if (newDirectory is not HostDirectory<THandle> other || !ReferenceEquals(other.Owner, Owner))
        {
            return Errno.XDev;
        }

        Errno errno = Find(oldPath, EndsInSlash(oldPath), stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> from, out FileStatus status);
        if (errno == Errno.Success && status.Type == FileType.Directory)
        {
            errno = Errno.Perm;
        }

        if (errno == Errno.Success)
        {
            errno = other.ResolveNew(newPath, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> to);
            if (errno == Errno.Success)
            {
                errno = LinkAt(from.Directory, from.Name, to.Directory, to.Name);
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

        if (target.Length >= HostWalk.LongestPath)
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

        Errno errno = ResolveNew(path, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location);
        if (errno == Errno.Success)
        {
            errno = SymlinkAt(terminated, location.Directory, location.Name);
        }

        location.Dispose();
        return errno;
    }

    public override Errno ReadLink(ReadOnlySpan<byte> path, Span<byte> destination, out int count)
    {
        count = 0;
        Errno errno = Resolve(path, EndsInSlash(path), stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location);
        if (errno == Errno.Success)
        {
            Span<byte> target = stackalloc byte[HostWalk.LongestPath];
            int length = 0;
            errno = location.IsDirectoryItself ? Errno.Inval : ReadLinkAt(location.Directory, location.Name, target, out length);
            if (errno == Errno.Inval && location.MustBeDirectory)
            {
                // The slash asks for a directory first.
                Errno statusErrno = GetStatus(location, out FileStatus status);
                errno = statusErrno != Errno.Success ? statusErrno : status.Type == FileType.Directory ? Errno.Inval : Errno.NotDir;
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

    /// <summary>Whether a path asks for a directory, so that a link at its end is followed.</summary>
    protected static bool EndsInSlash(ReadOnlySpan<byte> path) => path is [.., (byte)'/'];

    /// <summary>What can be opened: files and directories. To open a FIFO may wait for ever, to open a device may do something.</summary>
    protected static Errno CheckKind(FileType type, in WasiOpenOptions options, bool mustBeDirectory) => type switch
    {
        FileType.SymbolicLink => Errno.Loop,
        FileType.Directory => options.CanWrite || options.Has(OFlags.Truncate) || options.Has(OFlags.Create) ? Errno.IsDir : Errno.Success,
        _ => mustBeDirectory || options.Has(OFlags.Directory) ? Errno.NotDir : type == FileType.RegularFile ? Errno.Success : Errno.NxIo,
    };

    /// <summary>Finds what a path leads to. The name need not be there.</summary>
    protected abstract Errno Resolve(scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out HostLocation<THandle> location);

    /// <summary>Opens what a location names and is there. A link is <see cref="Errno.Loop"/>; <see cref="Errno.Again"/>: it is not as it was a moment ago.</summary>
    protected abstract Errno OpenAt(in HostLocation<THandle> location, in WasiOpenOptions options, out WasiHandle? result);

    /// <summary>Makes a file where there is nothing, not even a link: otherwise <see cref="Errno.Exist"/>.</summary>
    protected abstract Errno CreateFileAt(THandle directory, ReadOnlySpan<byte> name, in WasiOpenOptions options, out WasiFile? file);

    /// <summary>The attributes of what is open.</summary>
    protected abstract Errno GetStatus(THandle handle, out FileStatus status);

    /// <summary>The attributes of a name in a directory, of a link's own.</summary>
    protected abstract Errno GetStatusAt(THandle directory, ReadOnlySpan<byte> name, out FileStatus status);

    /// <summary>Sets the times of a name in a directory, of a link's own; without a name, those of the directory.</summary>
    protected abstract Errno SetTimesAt(THandle directory, ReadOnlySpan<byte> name, ulong? accessTime, ulong? modificationTime);

    protected abstract Errno MakeDirectoryAt(THandle directory, ReadOnlySpan<byte> name);

    protected abstract Errno RemoveDirectoryAt(THandle directory, ReadOnlySpan<byte> name);

    /// <summary>Removes the name of what is no directory: that is <see cref="Errno.IsDir"/>.</summary>
    protected abstract Errno UnlinkFileAt(THandle directory, ReadOnlySpan<byte> name);

    protected abstract Errno RenameAt(THandle oldDirectory, ReadOnlySpan<byte> oldName, THandle newDirectory, ReadOnlySpan<byte> newName);

    protected abstract Errno LinkAt(THandle oldDirectory, ReadOnlySpan<byte> oldName, THandle newDirectory, ReadOnlySpan<byte> newName);

    /// <summary>Makes a link; the target, which is relative, ends in NUL.</summary>
    protected abstract Errno SymlinkAt(ReadOnlySpan<byte> target, THandle directory, ReadOnlySpan<byte> name);

    protected abstract Errno ReadLinkAt(THandle directory, ReadOnlySpan<byte> name, Span<byte> target, out int length);

    /// <summary>Opens what a path leads to and is there, as <see cref="OpenAt"/>.</summary>
    protected virtual Errno OpenExisting(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        bool follow = options.FollowSymlink || EndsInSlash(path);
        Errno errno = Resolve(path, follow, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location);
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

    // A name that is to be made. Nothing that is made here is a directory, so there must be no slash behind it.
    private Errno ResolveNew(scoped ReadOnlySpan<byte> path, Span<byte> nameBuffer, out HostLocation<THandle> location)
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

        return !location.MustBeDirectory ? Errno.Success : GetStatusAt(location.Directory, location.Name, out _) == Errno.Success ? Errno.Exist : Errno.NoEnt;
    }

    // What a path leads to, with its attributes; the location is to be disposed even when there is an error.
    private Errno Find(scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out HostLocation<THandle> location, out FileStatus status)
    {
        for (int attempt = 0; ; attempt++)
        {
            status = default;
            Errno errno = Resolve(path, followLast, nameBuffer, out location);
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = GetStatus(location, out status);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (followLast && status.Type == FileType.SymbolicLink && attempt < MostAttempts)
            {
                location.Dispose();
                continue;
            }

            return location.MustBeDirectory && status.Type != FileType.Directory ? Errno.NotDir : Errno.Success;
        }
    }

    private Errno GetStatus(in HostLocation<THandle> location, out FileStatus status) =>
        location.IsDirectoryItself ? GetStatus(location.Directory, out status) : GetStatusAt(location.Directory, location.Name, out status);

    private Errno UnlinkFile(in HostLocation<THandle> location)
    {
        if (!location.MustBeDirectory)
        {
            return UnlinkFileAt(location.Directory, location.Name);
        }

        // It is no name of a file (unlink, ENOTDIR).
        Errno errno = GetStatusAt(location.Directory, location.Name, out FileStatus status);
        return errno != Errno.Success ? errno : status.Type == FileType.Directory ? Errno.IsDir : Errno.NotDir;
    }

    private Errno Rename(in HostLocation<THandle> from, in HostLocation<THandle> to)
    {
        if (from.IsDirectoryItself || to.IsDirectoryItself)
        {
            return Errno.Busy;
        }

        // A slash, on either side, is for directories only.
        if (from.MustBeDirectory || to.MustBeDirectory)
        {
            Errno errno = GetStatusAt(from.Directory, from.Name, out FileStatus status);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (status.Type != FileType.Directory)
            {
                return Errno.NotDir;
            }
        }

        return RenameAt(from.Directory, from.Name, to.Directory, to.Name);
    }

    private Errno Create(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        bool isExclusive = options.Has(OFlags.Exclusive);
        bool follow = options.FollowSymlink && !isExclusive;
        Errno errno = Resolve(path, follow, stackalloc byte[HostWalk.LongestName], out HostLocation<THandle> location);
        if (errno == Errno.Success)
        {
            if (location.IsDirectoryItself || location.MustBeDirectory)
            {
                errno = CannotCreate(location, isExclusive);
            }
            else
            {
                // What is made here is a file and empty, whatever else happens.
                errno = CreateFileAt(location.Directory, location.Name, options, out WasiFile? file);
                result = file;
                if (errno == Errno.Exist && !isExclusive)
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
    private Errno CannotCreate(in HostLocation<THandle> location, bool isExclusive)
    {
        FileStatus status = default;
        bool exists = location.IsDirectoryItself || GetStatusAt(location.Directory, location.Name, out status) == Errno.Success;
        return !exists ? Errno.IsDir
            : isExclusive ? Errno.Exist
            : location.IsDirectoryItself || status.Type == FileType.Directory ? Errno.IsDir
            : Errno.NotDir;
    }
}
