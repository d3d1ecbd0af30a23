using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// A directory of the host on Windows. Each name is opened relative to the handle of its directory and without being followed, what was opened is looked at, and what is done then is done to that handle. Symbolic links that are relative are
/// read and walked here (<see cref="HostWalk"/>); mount points and whatever else leads elsewhere are not passed.
/// </summary>
internal sealed class WindowsDirectory : HostDirectory<NtHandle>, IHostSteps<NtHandle>
{
    private const uint Look = Nt.ReadAttributes | Nt.Synchronize;
    private const uint Pass = Nt.Traverse | Look;

    private readonly INtFiles _files;
    private readonly ulong _device;
    private readonly ulong? _parent;
    private WindowsListing? _listing;
    private volatile bool _isDisposed;

    private WindowsDirectory(WasiFileSystem owner, INtFiles files, NtHandle handle, ulong device, ulong? parent)
        : base(owner, handle)
    {
        _files = files;
        _device = device;
        _parent = parent;
    }

    /// <summary>Opens a directory that is to be a root; links in its path are followed.</summary>
    /// <param name="owner">The file system.</param>
    /// <param name="files">The system.</param>
    /// <param name="path">The full path (<see cref="ToNativePath"/>).</param>
    /// <param name="directory">The directory.</param>
    public static Errno OpenRoot(WasiFileSystem owner, INtFiles files, string path, out WindowsDirectory? directory)
    {
        directory = null;
        uint result = files.Open(null, path, new NtOpenRequest(Nt.ListDirectory | Pass, Nt.OpenExisting, Nt.DirectoryFile | WindowsFiles.Options, StopsAtReparsePoints: false), out NtHandle? handle);
        if (handle is null)
        {
            return WindowsErrors.Translate(result);
        }

        result = WindowsFiles.GetDevice(files, handle, out ulong device);
        if (Nt.IsError(result))
        {
            handle.Dispose();
            return WindowsErrors.Translate(result);
        }

        directory = new WindowsDirectory(owner, files, handle, device, parent: null);
        return Errno.Success;
    }

    /// <summary>A full path of Win32 as the system's own calls have it.</summary>
    public static string ToNativePath(string path) =>
        path.StartsWith(@"\\?\", StringComparison.Ordinal) || path.StartsWith(@"\\.\", StringComparison.Ordinal) ? @"\??\" + path[4..]
        : path.StartsWith(@"\\", StringComparison.Ordinal) ? @"\??\UNC\" + path[2..]
        : @"\??\" + path;

    // NTFS keeps a journal of names; there is nothing to hand on.
    public override Errno Sync(bool dataOnly) => Errno.Success;

    public override Errno ReadEntries(ulong cookie, ref DirectoryEntryWriter writer)
    {
        WindowsListing? listing = _listing;
        if (listing is null)
        {
            // The place in a directory belongs to the handle.
            uint result = _files.Open(Handle, default, new NtOpenRequest(Nt.ListDirectory | Look, Nt.OpenExisting, Nt.DirectoryFile | WindowsFiles.Options, StopsAtReparsePoints: true), out NtHandle? open);
            if (open is null)
            {
                return WindowsErrors.Translate(result);
            }

            listing = new WindowsListing(_files, open);
            _listing = listing;
            if (_isDisposed)
            {
                listing.Dispose();
            }
        }

        Errno errno = GetStatus(out FileStatus status);
        return errno == Errno.Success ? listing.Read(status.Inode, _parent ?? status.Inode, cookie, ref writer) : errno;
    }

    Errno IHostSteps<NtHandle>.OpenDirectory(NtHandle directory, ReadOnlySpan<byte> name, out NtHandle? next) =>
        Open(directory, name, new NtOpenRequest(Pass, Nt.OpenExisting, Nt.DirectoryFile | WindowsFiles.Options, StopsAtReparsePoints: true), out next);

    Errno IHostSteps<NtHandle>.ReadLink(NtHandle directory, ReadOnlySpan<byte> name, Span<byte> target, out int length) => ReadLinkAt(directory, name, target, out length);

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

    protected override Errno Resolve(scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out HostLocation<NtHandle> location)
    {
        location = default;
        if (path.Length >= HostWalk.LongestPath)
        {
            return Errno.NameTooLong;
        }

        // A path may lie in a memory that others write to: what is checked must be what is used.
        Span<byte> copy = stackalloc byte[path.Length];
        path.CopyTo(copy);
        Errno errno = HostWalk.Check(copy);
        return errno != Errno.Success ? errno : HostWalk.Find(this, Handle, copy, followLast, nameBuffer, out location);
    }

    protected override Errno GetStatus(NtHandle handle, out FileStatus status) => WindowsErrors.Translate(WindowsFiles.GetStatus(_files, handle, _device, out status));

    protected override Errno GetStatusAt(NtHandle directory, ReadOnlySpan<byte> name, out FileStatus status)
    {
        status = default;
        Errno errno = OpenItself(directory, name, Look, out NtHandle? held);
        if (errno == Errno.Success)
        {
            errno = GetStatus(held!, out status);
            held!.Dispose();
        }

        return errno;
    }

    protected override Errno SetTimesAt(NtHandle directory, ReadOnlySpan<byte> name, ulong? accessTime, ulong? modificationTime)
    {
        Errno errno = OpenItself(directory, name, Nt.WriteAttributes | Nt.Synchronize, out NtHandle? held);
        if (errno == Errno.Success)
        {
            errno = WindowsErrors.Translate(WindowsFiles.SetTimes(_files, held!, accessTime, modificationTime));
            held!.Dispose();
        }

        return errno;
    }

    protected override Errno MakeDirectoryAt(NtHandle directory, ReadOnlySpan<byte> name)
    {
        Errno errno = Open(directory, name, new NtOpenRequest(Look, Nt.CreateNew, Nt.DirectoryFile | WindowsFiles.Options, StopsAtReparsePoints: true), out NtHandle? made);
        made?.Dispose();
        return ExistsRatherThanLoop(errno);
    }

    protected override Errno RemoveDirectoryAt(NtHandle directory, ReadOnlySpan<byte> name) => Remove(directory, name, isDirectory: true);

    protected override Errno UnlinkFileAt(NtHandle directory, ReadOnlySpan<byte> name) => Remove(directory, name, isDirectory: false);

    protected override Errno RenameAt(NtHandle oldDirectory, ReadOnlySpan<byte> oldName, NtHandle newDirectory, ReadOnlySpan<byte> newName)
    {
        Span<char> buffer = stackalloc char[HostWalk.LongestName];
        if (!WindowsFiles.TryGetName(newName, buffer, out ReadOnlySpan<char> name))
        {
            return Errno.Inval;
        }

        Errno errno = OpenItself(oldDirectory, oldName, Nt.Delete | Look, out NtHandle? held);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            // Windows would say of all of these that access is denied.
            uint result = WindowsFiles.IsDirectory(_files, held!, out bool isDirectory);
            bool replacesDirectory = false;
            if (!Nt.IsError(result) && GetStatusAt(newDirectory, newName, out FileStatus replaced) == Errno.Success)
            {
                replacesDirectory = replaced.Type == FileType.Directory;
                if (isDirectory != replacesDirectory)
                {
                    return isDirectory ? Errno.NotDir : Errno.IsDir;
                }

                // Two names of one file: nothing happens (rename). Of a directory there are none but those that differ by case.
                result = WindowsFiles.GetStatus(_files, held!, _device, out FileStatus moved);
                if (!Nt.IsError(result) && moved.Inode == replaced.Inode && !isDirectory && moved.LinkCount > 1)
                {
                    return Errno.Success;
                }

                replacesDirectory &= moved.Inode != replaced.Inode;
            }

            if (Nt.IsError(result))
            {
                return WindowsErrors.Translate(result);
            }

            result = Rename(held!, newDirectory, name);
            if (replacesDirectory && result is Nt.StatusAccessDenied or Nt.StatusObjectNameCollision)
            {
                // An empty directory in the way is removed first. It is all that is not one step.
                errno = Remove(newDirectory, newName, isDirectory: true);
                return errno is Errno.Success or Errno.NoEnt ? WindowsErrors.Translate(Rename(held!, newDirectory, name)) : errno;
            }

            return WindowsErrors.Translate(result);
        }
        finally
        {
            held!.Dispose();
        }
    }

    protected override Errno LinkAt(NtHandle oldDirectory, ReadOnlySpan<byte> oldName, NtHandle newDirectory, ReadOnlySpan<byte> newName)
    {
        Span<char> buffer = stackalloc char[HostWalk.LongestName];
        if (!WindowsFiles.TryGetName(newName, buffer, out ReadOnlySpan<char> name))
        {
            return Errno.Inval;
        }

        Errno errno = OpenItself(oldDirectory, oldName, Nt.WriteAttributes | Look, out NtHandle? held);
        if (errno == Errno.Success)
        {
            uint result = WindowsFiles.IsDirectory(_files, held!, out bool isDirectory);
            errno = Nt.IsError(result) ? WindowsErrors.Translate(result)
                : isDirectory ? Errno.Perm
                : WindowsErrors.Translate(_files.SetName(held!, Nt.LinkInformation, 0, newDirectory, name));
            held!.Dispose();
        }

        return errno;
    }

    protected override Errno SymlinkAt(ReadOnlySpan<byte> target, NtHandle directory, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> text = target[..^1];
        Errno errno = WindowsReparsePoint.Create(text, out byte[] data);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // Windows has links to files and links to directories. Here it is all one; other programs of the host care.
        uint kind = LeadsToDirectory(directory, text) ? Nt.DirectoryFile : Nt.NonDirectoryFile;
        errno = Open(
            directory, name, new NtOpenRequest(Nt.WriteAttributes | Nt.Delete | Nt.Synchronize, Nt.CreateNew, kind | Nt.OpenReparsePoint | WindowsFiles.Options, StopsAtReparsePoints: false), out NtHandle? made);
        if (errno != Errno.Success)
        {
            return errno;
        }

        uint result = _files.Control(made!, Nt.SetReparsePoint, data, [], out _);
        if (Nt.IsError(result))
        {
            Delete(made!);
        }

        made!.Dispose();
        return WindowsErrors.Translate(result);
    }

    protected override Errno ReadLinkAt(NtHandle directory, ReadOnlySpan<byte> name, Span<byte> target, out int length)
    {
        length = 0;
        Errno errno = OpenItself(directory, name, Look, out NtHandle? held);
        if (errno == Errno.Success)
        {
            errno = WindowsFiles.ReadLink(_files, held!, target, out length);
            held!.Dispose();
        }

        return errno;
    }

    protected override Errno CreateFileAt(NtHandle directory, ReadOnlySpan<byte> name, in WasiOpenOptions options, out WasiFile? file)
    {
        Errno errno = Open(
            directory, name, new NtOpenRequest(WindowsFile.AccessOf(options), Nt.CreateNew, Nt.NonDirectoryFile | WindowsFile.OptionsOf(options), StopsAtReparsePoints: true), out NtHandle? made);
        file = made is null ? null : new WindowsFile(_files, made, _device);
        return ExistsRatherThanLoop(errno);
    }

    protected override Errno OpenAt(in HostLocation<NtHandle> location, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        Errno errno = Open(location.Directory, location.Name, new NtOpenRequest(Look, Nt.OpenExisting, WindowsFiles.Options, StopsAtReparsePoints: true), out NtHandle? held);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = GetStatus(held!, out FileStatus status);
        if (errno == Errno.Success)
        {
            errno = CheckKind(status.Type, options, location.MustBeDirectory);
        }

        if (errno == Errno.Success)
        {
            errno = status.Type == FileType.Directory ? OpenDirectory(held!, location, out result) : OpenFile(held!, options, out result);
        }

        held!.Dispose();
        return errno;
    }

    private Errno OpenDirectory(NtHandle held, in HostLocation<NtHandle> location, out WasiHandle? result)
    {
        result = null;
        ulong? parent = !location.IsDirectoryItself && GetStatus(location.Directory, out FileStatus status) == Errno.Success ? status.Inode : null;
        Errno errno = Reopen(held, new NtOpenRequest(Nt.ListDirectory | Pass, Nt.OpenExisting, Nt.DirectoryFile | WindowsFiles.Options, StopsAtReparsePoints: true), out NtHandle? open);
        result = open is null ? null : new WindowsDirectory(Owner, _files, open, _device, parent);
        return errno;
    }

    // Opens what is held, which nobody can exchange any more.
    private Errno OpenFile(NtHandle held, in WasiOpenOptions options, out WasiHandle? result)
    {
        result = null;
        Errno errno = Reopen(held, new NtOpenRequest(WindowsFile.AccessOf(options), Nt.OpenExisting, Nt.NonDirectoryFile | WindowsFile.OptionsOf(options), StopsAtReparsePoints: true), out NtHandle? open);
        if (errno != Errno.Success)
        {
            return errno;
        }

        var file = new WindowsFile(_files, open!, _device);
        if (options.Has(OFlags.Truncate))
        {
            // Not by a disposition: those replace a file, attributes and all.
            errno = Reopen(held, new NtOpenRequest(Nt.WriteData | Nt.Synchronize, Nt.OpenExisting, Nt.NonDirectoryFile | WindowsFiles.Options, StopsAtReparsePoints: true), out NtHandle? cut);
            if (errno == Errno.Success)
            {
                errno = WindowsErrors.Translate(WindowsFile.SetSize(_files, cut!, 0));
                cut!.Dispose();
            }
        }

        if (errno != Errno.Success)
        {
            file.Dispose();
            return errno;
        }

        result = file;
        return Errno.Success;
    }

    private Errno Reopen(NtHandle held, NtOpenRequest request, out NtHandle? open) => WindowsErrors.Translate(_files.Open(held, default, request, out open));

    // A name itself, not what it leads to; without a name, the directory.
    private Errno OpenItself(NtHandle directory, ReadOnlySpan<byte> name, uint access, out NtHandle? held) =>
        Open(directory, name, new NtOpenRequest(access, Nt.OpenExisting, Nt.OpenReparsePoint | WindowsFiles.Options, StopsAtReparsePoints: false), out held);

    private Errno Open(NtHandle directory, ReadOnlySpan<byte> name, NtOpenRequest request, out NtHandle? handle)
    {
        handle = null;
        Span<char> buffer = stackalloc char[HostWalk.LongestName];
        scoped ReadOnlySpan<char> text = default;
        return name.IsEmpty || WindowsFiles.TryGetName(name, buffer, out text) ? WindowsErrors.Translate(_files.Open(directory, text, request, out handle)) : Errno.Inval;
    }

    // Where something is to be made, a link is in the way like anything else.
    private static Errno ExistsRatherThanLoop(Errno errno) => errno == Errno.Loop ? Errno.Exist : errno;

    private bool LeadsToDirectory(NtHandle directory, ReadOnlySpan<byte> target)
    {
        // Beneath the link's own directory, that is; what a target that goes up leads to is not looked for.
        Errno errno = HostWalk.Find(this, directory, target, followLast: true, stackalloc byte[HostWalk.LongestName], out HostLocation<NtHandle> location);
        bool isDirectory = errno == Errno.Success && (location.IsDirectoryItself || (GetStatusAt(location.Directory, location.Name, out FileStatus status) == Errno.Success && status.Type == FileType.Directory));
        location.Dispose();
        return isDirectory;
    }

    private Errno Remove(NtHandle directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        Errno errno = OpenItself(directory, name, Nt.Delete | Look, out NtHandle? held);
        if (errno != Errno.Success)
        {
            return errno;
        }

        uint result = WindowsFiles.IsDirectory(_files, held!, out bool found);
        errno = Nt.IsError(result) ? WindowsErrors.Translate(result)
            : found != isDirectory ? (isDirectory ? Errno.NotDir : Errno.IsDir)
            : WindowsErrors.Translate(Delete(held!));
        held!.Dispose();
        return errno;
    }

    // The name goes at once, whoever has the file open, where the file system knows how; else when the last of them closes it.
    private uint Delete(NtHandle held)
    {
        Span<byte> flags = stackalloc byte[sizeof(uint)];
        flags.Clear();
        flags[0] = (byte)(Nt.DispositionDelete | Nt.DispositionPosixSemantics | Nt.DispositionIgnoreReadOnly);
        uint result = _files.Set(held, Nt.DispositionInformationEx, flags);
        return IsUnknown(result) ? _files.Set(held, Nt.DispositionInformation, [1]) : result;
    }

    private uint Rename(NtHandle held, NtHandle directory, ReadOnlySpan<char> name)
    {
        uint result = _files.SetName(held, Nt.RenameInformationEx, Nt.ReplaceIfExists | Nt.RenamePosixSemantics | Nt.RenameIgnoreReadOnly, directory, name);
        return IsUnknown(result) ? _files.SetName(held, Nt.RenameInformation, Nt.ReplaceIfExists, directory, name) : result;
    }

    // What file systems say that do not know the newer way (FAT; drivers of others).
    private static bool IsUnknown(uint result) => result is Nt.StatusInvalidInfoClass or Nt.StatusInvalidParameter or Nt.StatusNotSupported or Nt.StatusInvalidDeviceRequest;
}
