using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.HostFiles;

/// <summary>A directory of the host on Unix. Paths are resolved by <see cref="UnixResolver"/>.</summary>
internal sealed class UnixDirectory(WasiFileSystem owner, UnixFeatures features, UnixHandle handle, bool isRoot) : HostDirectory<UnixHandle>(owner, handle)
{
    private const int FileMode = 0x1B6;
    private const int DirectoryMode = 0x1FF;

    private UnixListing? _listing;
    private volatile bool _isDisposed;

    public override Errno Sync(bool dataOnly)
    {
        // A handle that is only a path cannot be synchronised.
        using UnixHandle? open = OpenForReading(out int error);
        return UnixErrors.Translate(open is null ? error : UnixCalls.Sync(open, dataOnly));
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

        return listing.Read(Handle, isRoot, cookie, ref writer);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // First this: a listing that is opened now sees it, one that was opened before is seen here.
            _isDisposed = true;
            Handle.Dispose();
            _listing?.Dispose();
        }

        base.Dispose(disposing);
    }

    protected override Errno Resolve(scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out HostLocation<UnixHandle> location) =>
        UnixResolver.Resolve(features, Handle, path, followLast, nameBuffer, out location);

    protected override Errno GetStatus(UnixHandle handle, out FileStatus status)
    {
        int error = UnixCalls.GetStatus(handle, out UnixStatus unixStatus);
        status = unixStatus.Attributes;
        return UnixErrors.Translate(error);
    }

    protected override Errno GetStatusAt(UnixHandle directory, ReadOnlySpan<byte> name, out FileStatus status)
    {
        int error = UnixCalls.GetStatusAt(directory, name, out UnixStatus unixStatus);
        status = unixStatus.Attributes;
        return UnixErrors.Translate(error);
    }

    protected override Errno SetTimesAt(UnixHandle directory, ReadOnlySpan<byte> name, ulong? accessTime, ulong? modificationTime) =>
        UnixErrors.Translate(UnixCalls.SetTimesAt(directory, name.IsEmpty ? ".\0"u8 : name, accessTime, modificationTime));

    protected override Errno MakeDirectoryAt(UnixHandle directory, ReadOnlySpan<byte> name) => UnixErrors.Translate(UnixCalls.MakeDirectoryAt(directory, name, DirectoryMode));

    protected override Errno RemoveDirectoryAt(UnixHandle directory, ReadOnlySpan<byte> name) => UnixErrors.Translate(UnixCalls.UnlinkAt(directory, name, isDirectory: true));

    protected override Errno UnlinkFileAt(UnixHandle directory, ReadOnlySpan<byte> name)
    {
        int error = UnixCalls.UnlinkAt(directory, name, isDirectory: false);

        // POSIX says EPERM of a directory, Linux EISDIR.
        return error == UnixNumbers.ErrorPermission && UnixCalls.GetStatusAt(directory, name, out UnixStatus present) == 0 && present.IsDirectory
            ? Errno.IsDir
            : UnixErrors.Translate(error);
    }

    protected override Errno RenameAt(UnixHandle oldDirectory, ReadOnlySpan<byte> oldName, UnixHandle newDirectory, ReadOnlySpan<byte> newName) =>
        UnixErrors.Translate(UnixCalls.RenameAt(oldDirectory, oldName, newDirectory, newName));

    protected override Errno LinkAt(UnixHandle oldDirectory, ReadOnlySpan<byte> oldName, UnixHandle newDirectory, ReadOnlySpan<byte> newName) =>
        UnixErrors.Translate(UnixCalls.LinkAt(oldDirectory, oldName, newDirectory, newName));

    protected override Errno SymlinkAt(ReadOnlySpan<byte> target, UnixHandle directory, ReadOnlySpan<byte> name) => UnixErrors.Translate(UnixCalls.SymlinkAt(target, directory, name));

    protected override Errno ReadLinkAt(UnixHandle directory, ReadOnlySpan<byte> name, Span<byte> target, out int length) =>
        UnixErrors.Translate(UnixCalls.ReadLinkAt(directory, name, target, out length));

    protected override Errno CreateFileAt(UnixHandle directory, ReadOnlySpan<byte> name, in WasiOpenOptions options, out WasiFile? file)
    {
        UnixHandle? made = UnixCalls.OpenAt(
            directory, name, AccessFlags(options) | UnixNumbers.OpenCreate | UnixNumbers.OpenExclusive | UnixNumbers.OpenNoFollow, FileMode, out int error);
        file = made is null ? null : new UnixFile(made);
        return UnixErrors.Translate(error);
    }

    protected override Errno OpenExisting(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        if (features.OpensBeneath && features.HasPathHandles)
        {
            bool follow = options.FollowSymlink || EndsInSlash(path);
            UnixHandle? held = UnixResolver.OpenBeneath(Handle, path, UnixNumbers.LinuxOpenPath | (follow ? 0 : UnixNumbers.OpenNoFollow), out int error);
            if (held is not null)
            {
                return OpenHeld(held, options, out result);
            }

            if (error != UnixNumbers.ErrorAgain)
            {
                return UnixResolver.Translate(error);
            }
        }

        return base.OpenExisting(path, options, out result);
    }

    protected override Errno OpenAt(in HostLocation<UnixHandle> location, in WasiOpenOptions options, out WasiHandle? result)
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

        Errno errno = CheckKind(status.Attributes.Type, options, location.MustBeDirectory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (status.IsDirectory)
        {
            UnixHandle? directory = UnixCalls.OpenAt(location.Directory, location.Name, features.DirectoryFlags, 0, out error);
            result = directory is null ? null : new UnixDirectory(Owner, features, directory, isRoot: false);
            return directory is not null ? Errno.Success : error == UnixNumbers.ErrorNotDirectory || error == UnixNumbers.ErrorLoop ? Errno.Again : UnixErrors.Translate(error);
        }

        return OpenRegularAt(location, options, out result);
    }

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

    // Where a file cannot be held before it is opened. It was regular a moment ago; should something else have taken its place, then opening that does not
    // wait and cuts nothing, and it is closed again.
    private static Errno OpenRegularAt(in HostLocation<UnixHandle> location, in WasiOpenOptions options, out WasiHandle? result)
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
        Errno errno = error != 0 ? UnixErrors.Translate(error) : CheckKind(status.Attributes.Type, options, mustBeDirectory: false);
        if (errno != Errno.Success)
        {
            held.Dispose();
            return errno;
        }

        if (status.IsDirectory)
        {
            result = new UnixDirectory(Owner, features, held, isRoot: false);
            return Errno.Success;
        }

        // Without waiting: even a regular file can keep its opener for most of a minute, when somebody has a lease on it (fcntl, F_SETLEASE).
        int flags = AccessFlags(options) | UnixNumbers.OpenNonBlocking | (options.Has(OFlags.Truncate) ? UnixNumbers.OpenTruncate : 0);
        UnixHandle? file = UnixCalls.Reopen(held, flags, out error);
        held.Dispose();
        result = file is null ? null : new UnixFile(file);
        return UnixErrors.Translate(error);
    }

    private UnixHandle? OpenForReading(out int error) =>
        UnixCalls.OpenAt(Handle, ".\0"u8, UnixNumbers.OpenReadOnly | UnixNumbers.OpenDirectory | UnixNumbers.OpenCloseOnExec | UnixNumbers.OpenNoFollow, 0, out error);
}
