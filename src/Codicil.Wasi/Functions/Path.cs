using System.Text.Unicode;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Descriptors;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Functions;

/// <summary>
/// Files and directories by path, each relative to a directory that the program was given. There is no other way to name one. Each function looks up
/// the directory, its rights, then every address, then the path; only then is the file system asked.
/// </summary>
internal sealed class Path(WasiContext context)
{
    // PATH_MAX without its NUL, and NAME_MAX, of the systems that programs are written for.
    private const uint LongestPath = 4095;
    private const int LongestName = 255;

    private readonly DescriptorTable _table = context.Descriptors;

    public Errno CreateDirectory(InstanceState caller, uint fd, uint path, uint length)
    {
        Errno errno = Find(fd, Rights.PathCreateDirectory, out WasiDirectory directory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = ReadPath(caller.GetMemory(), path, length, out ReadOnlySpan<byte> name);
        return errno != Errno.Success ? errno : directory.CreateDirectory(name);
    }

    public Errno GetStatus(InstanceState caller, uint fd, uint lookup, uint path, uint length, uint result, Snapshot snapshot)
    {
        Errno errno = Find(fd, Rights.PathFileStatGet, out WasiDirectory directory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.TryGetSpan(result, snapshot.FileStatSize, out Span<byte> destination))
        {
            return Errno.Fault;
        }

        errno = ReadPath(memory, path, length, out ReadOnlySpan<byte> name);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (!TryGetFollow(lookup, out bool follow))
        {
            return Errno.Inval;
        }

        errno = directory.GetStatus(name, follow, out FileStatus status);
        if (errno == Errno.Success)
        {
            status.Write(destination, snapshot);
        }

        return errno;
    }

    public Errno SetTimes(InstanceState caller, uint fd, uint lookup, uint path, uint length, ulong accessTime, ulong modificationTime, uint flags)
    {
        Errno errno = Find(fd, Rights.PathFileStatSetTimes, out WasiDirectory directory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = ReadPath(caller.GetMemory(), path, length, out ReadOnlySpan<byte> name);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = FileTimes.Choose(caller, accessTime, modificationTime, flags, out ulong? access, out ulong? modification);
        if (errno != Errno.Success)
        {
            return errno;
        }

        return TryGetFollow(lookup, out bool follow) ? directory.SetTimes(name, follow, access, modification) : Errno.Inval;
    }

    public Errno Link(InstanceState caller, uint oldFd, uint lookup, uint oldPath, uint oldLength, uint newFd, uint newPath, uint newLength)
    {
        Errno errno = FindTwo(oldFd, Rights.PathLinkSource, newFd, Rights.PathLinkTarget, out WasiDirectory oldDirectory, out WasiDirectory newDirectory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = ReadPaths(caller.GetMemory(), oldPath, oldLength, newPath, newLength, out ReadOnlySpan<byte> oldName, out ReadOnlySpan<byte> newName);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // A second name for what a link leads to is one that no system makes without looking first, and looking first is a race.
        return lookup != 0 ? Errno.Inval : MountedDirectory.Link(oldDirectory, oldName, newDirectory, newName);
    }

    public Errno Open(InstanceState caller, uint fd, uint lookup, uint path, uint length, uint openFlags, ulong rights, ulong inheriting, uint fdFlags, uint result)
    {
        const uint AllOpenFlags = 0xF;
        const uint AllFdFlags = 0x1F;
        var flags = (OFlags)openFlags;
        var descriptorFlags = (FdFlags)fdFlags;
        Rights needed = Rights.PathOpen |
            ((flags & OFlags.Create) != 0 ? Rights.PathCreateFile : Rights.None) |
            ((flags & OFlags.Truncate) != 0 ? Rights.PathFileStatSetSize : Rights.None);
        Errno errno = Find(fd, needed, out DirectoryDescriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // Rights that nothing opened by path can have are not asked for in earnest: programs ask for all bits.
        Rights wantedBase = (Rights)rights & (Rights.Directory | Rights.File);
        Rights wantedInheriting = (Rights)inheriting & (Rights.Directory | Rights.File);
        if (((wantedBase | wantedInheriting) & ~descriptor.RightsInheriting) != 0 || !MaySynchronise(descriptor.RightsInheriting, descriptorFlags))
        {
            return Errno.NotCapable;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.Contains(result, sizeof(uint)))
        {
            return Errno.Fault;
        }

        errno = ReadPath(memory, path, length, out ReadOnlySpan<byte> name);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (openFlags > AllOpenFlags || fdFlags > AllFdFlags || !TryGetFollow(lookup, out bool follow) ||
            (flags & (OFlags.Create | OFlags.Directory)) == (OFlags.Create | OFlags.Directory))
        {
            return Errno.Inval;
        }

        // Before anything is created or cut.
        if (!_table.HasRoom)
        {
            return Errno.NFile;
        }

        bool canRead = (wantedBase & Rights.FdRead) != 0;
        bool canWrite = (wantedBase & (Rights.FdWrite | Rights.FdAllocate | Rights.FdFileStatSetSize)) != 0;
        FileAccess access = canWrite ? canRead ? FileAccess.ReadWrite : FileAccess.Write : FileAccess.Read;
        errno = descriptor.Directory.Open(name, new WasiOpenOptions(flags, access, descriptorFlags, follow), out WasiHandle? handle);
        if (errno != Errno.Success || handle is null)
        {
            return errno != Errno.Success ? errno : Errno.Io;
        }

        Descriptor opened = handle switch
        {
            WasiDirectory directory => new DirectoryDescriptor(directory, wantedBase & Rights.Directory, wantedInheriting, preopenName: null),
            WasiFile file => new FileHandleDescriptor(file, wantedBase & RightsOf(file), descriptorFlags),
            _ => throw new InvalidOperationException($"a file system opened a {handle.GetType()}: neither a {nameof(WasiFile)} nor a {nameof(WasiDirectory)}"),
        };
        errno = _table.Add(opened, out uint number);
        if (errno != Errno.Success)
        {
            opened.Dispose();
            return errno;
        }

        memory.WriteUInt32(result, number);
        return Errno.Success;
    }

    public Errno ReadLink(InstanceState caller, uint fd, uint path, uint length, uint buffer, uint bufferLength, uint result)
    {
        Errno errno = Find(fd, Rights.PathReadLink, out WasiDirectory directory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.Contains(buffer, bufferLength) || !memory.Contains(result, sizeof(uint)))
        {
            return Errno.Fault;
        }

        errno = ReadPath(memory, path, length, out ReadOnlySpan<byte> name);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // The path and the buffer may overlap: a file system may look at the path until it has written.
        Span<byte> destination = memory.GetSpan(buffer, (int)Math.Min(bufferLength, LongestPath));
        Span<byte> target = stackalloc byte[destination.Length];
        errno = directory.ReadLink(name, target, out int count);
        if (errno != Errno.Success)
        {
            return errno;
        }

        target = target[..count];
        if (!IsText(target, isCut: count == destination.Length))
        {
            return Errno.IlSeq;
        }

        target.CopyTo(destination);
        memory.WriteUInt32(result, (uint)count);
        return Errno.Success;
    }

    public Errno RemoveDirectory(InstanceState caller, uint fd, uint path, uint length)
    {
        Errno errno = Find(fd, Rights.PathRemoveDirectory, out WasiDirectory directory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = ReadPath(caller.GetMemory(), path, length, out ReadOnlySpan<byte> name);
        return errno != Errno.Success ? errno : directory.RemoveDirectory(name);
    }

    public Errno Rename(InstanceState caller, uint oldFd, uint oldPath, uint oldLength, uint newFd, uint newPath, uint newLength)
    {
        Errno errno = FindTwo(oldFd, Rights.PathRenameSource, newFd, Rights.PathRenameTarget, out WasiDirectory oldDirectory, out WasiDirectory newDirectory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = ReadPaths(caller.GetMemory(), oldPath, oldLength, newPath, newLength, out ReadOnlySpan<byte> oldName, out ReadOnlySpan<byte> newName);
        return errno != Errno.Success ? errno : MountedDirectory.Rename(oldDirectory, oldName, newDirectory, newName);
    }

    public Errno Symlink(InstanceState caller, uint target, uint targetLength, uint fd, uint path, uint length)
    {
        Errno errno = Find(fd, Rights.PathSymlink, out WasiDirectory directory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        ReadOnlySpan<byte> name = default;
        GuestMemory memory = caller.GetMemory();
        if (!memory.Contains(target, targetLength) || !memory.Contains(path, length))
        {
            return Errno.Fault;
        }

        // A link with an absolute target would lead nowhere here, but somewhere for the host. Whether its names exist, or could, is seen when it is followed.
        errno = ReadText(memory, target, targetLength, out ReadOnlySpan<byte> contents);
        errno = errno != Errno.Success ? errno : ReadPath(memory, path, length, out name);
        return errno != Errno.Success ? errno : directory.Symlink(contents, name);
    }

    public Errno UnlinkFile(InstanceState caller, uint fd, uint path, uint length)
    {
        Errno errno = Find(fd, Rights.PathUnlinkFile, out WasiDirectory directory);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = ReadPath(caller.GetMemory(), path, length, out ReadOnlySpan<byte> name);
        return errno != Errno.Success ? errno : directory.UnlinkFile(name);
    }

    // A device without offsets cannot be sought; without these rights C libraries take a character device for a terminal.
    private static Rights RightsOf(WasiFile file) => file.CanSeek ? Rights.File : Rights.File & ~(Rights.FdSeek | Rights.FdTell);

    // typenames.witx, rights: fd_datasync includes opening with dsync, fd_sync with rsync and dsync.
    private static bool MaySynchronise(Rights inheriting, FdFlags flags) =>
        ((flags & FdFlags.DSync) == 0 || (inheriting & (Rights.FdDataSync | Rights.FdSync)) != 0) &&
        ((flags & (FdFlags.RSync | FdFlags.Sync)) == 0 || (inheriting & Rights.FdSync) != 0);

    private static bool TryGetFollow(uint lookup, out bool follow)
    {
        follow = (lookup & (uint)LookupFlags.SymlinkFollow) != 0;
        return (lookup & ~(uint)LookupFlags.SymlinkFollow) == 0;
    }

    private static Errno ReadPaths(GuestMemory memory, uint firstAddress, uint firstLength, uint secondAddress, uint secondLength, out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> second)
    {
        if (!memory.Contains(secondAddress, secondLength))
        {
            first = second = default;
            return Errno.Fault;
        }

        Errno errno = ReadPath(memory, firstAddress, firstLength, out first);
        Errno secondErrno = ReadPath(memory, secondAddress, secondLength, out second);
        return errno != Errno.Success ? errno : secondErrno;
    }

    private static Errno ReadPath(GuestMemory memory, uint address, uint length, out ReadOnlySpan<byte> path)
    {
        Errno errno = ReadText(memory, address, length, out path);
        return errno == Errno.Success && HasLongName(path) ? Errno.NameTooLong : errno;
    }

    private static Errno ReadText(GuestMemory memory, uint address, uint length, out ReadOnlySpan<byte> path)
    {
        path = default;
        if (!memory.Contains(address, length))
        {
            return Errno.Fault;
        }

        if (length == 0)
        {
            return Errno.NoEnt;
        }

        if (length > LongestPath)
        {
            return Errno.NameTooLong;
        }

        path = memory.GetStableSpan(address, (int)length);
        if (path.Contains((byte)0))
        {
            return Errno.Inval;
        }

        if (!Utf8.IsValid(path))
        {
            return Errno.IlSeq;
        }

        return path[0] == '/' ? Errno.Perm : Errno.Success;
    }

    private static bool HasLongName(ReadOnlySpan<byte> path)
    {
        while (path.Length > LongestName)
        {
            int slash = path[..(LongestName + 1)].LastIndexOf((byte)'/');
            if (slash < 0)
            {
                return true;
            }

            path = path[(slash + 1)..];
        }

        return false;
    }

    // A target that was cut may end within a character.
    private static bool IsText(ReadOnlySpan<byte> bytes, bool isCut)
    {
        const int MostContinuationBytes = 3;
        int least = isCut ? Math.Max(0, bytes.Length - MostContinuationBytes) : bytes.Length;
        for (int length = bytes.Length; length >= least; length--)
        {
            if (Utf8.IsValid(bytes[..length]))
            {
                return true;
            }
        }

        return false;
    }

    private Errno Find(uint fd, Rights needed, out DirectoryDescriptor directory)
    {
        directory = null!;
        if (!_table.TryGet(fd, out Descriptor? descriptor))
        {
            return Errno.BadF;
        }

        if (descriptor is not DirectoryDescriptor found)
        {
            return Errno.NotDir;
        }

        directory = found;
        return (found.RightsBase & needed) == needed ? Errno.Success : Errno.NotCapable;
    }

    private Errno Find(uint fd, Rights needed, out WasiDirectory directory)
    {
        Errno errno = Find(fd, needed, out DirectoryDescriptor descriptor);
        directory = errno == Errno.Success ? descriptor.Directory : null!;
        return errno;
    }

    private Errno FindTwo(uint oldFd, Rights oldNeeded, uint newFd, Rights newNeeded, out WasiDirectory oldDirectory, out WasiDirectory newDirectory)
    {
        oldDirectory = newDirectory = null!;
        Errno errno = Find(oldFd, oldNeeded, out DirectoryDescriptor oldDescriptor);
        Errno newErrno = Find(newFd, newNeeded, out DirectoryDescriptor newDescriptor);
        if (errno == Errno.BadF || newErrno == Errno.BadF)
        {
            return Errno.BadF;
        }

        if (errno != Errno.Success || newErrno != Errno.Success)
        {
            return errno != Errno.Success ? errno : newErrno;
        }

        // A new name must not be a way to rights that the old one does not give.
        if ((newDescriptor.RightsInheriting & ~oldDescriptor.RightsInheriting) != 0)
        {
            return Errno.NotCapable;
        }

        oldDirectory = oldDescriptor.Directory;
        newDirectory = newDescriptor.Directory;
        return Errno.Success;
    }
}
