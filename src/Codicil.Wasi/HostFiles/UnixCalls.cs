using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>What <c>stat</c> says, as far as it matters here.</summary>
/// <param name="Mode">Kind and permissions (<c>st_mode</c>).</param>
/// <param name="Attributes">The rest.</param>
/// <param name="AllocatedSize">The bytes of storage that it has, wherever its holes are (Linux).</param>
internal readonly record struct UnixStatus(int Mode, FileStatus Attributes, ulong AllocatedSize)
{
    public bool IsDirectory => (Mode & UnixNumbers.FileTypeMask) == UnixNumbers.FileTypeDirectory;

    public bool IsRegular => (Mode & UnixNumbers.FileTypeMask) == UnixNumbers.FileTypeRegular;

    public bool IsLink => (Mode & UnixNumbers.FileTypeMask) == UnixNumbers.FileTypeLink;
}

/// <summary>
/// The system's calls on files, without addresses: names are spans that end in NUL, errors are the system's numbers, and calls that a signal ended are made again.
/// What is written and read is the guest's memory itself; when that is taken away meanwhile, the system says EFAULT.
/// </summary>
internal static unsafe class UnixCalls
{
    private const int StatxSize = 256;
    private const int AppleStatusSize = 144;
    private const int FileSystemStatusSize = 128;
    private const int ResourceFileSize = 1;
    private const int SeekCurrent = 1;
    private const int SeekSet = 0;
    private const int BasicStatus = 0x7FF;

    // What one call moves at most on Linux; macOS refuses more than 2 GiB - 1.
    private const int LargestTransfer = 0x7FFF_F000;

    /// <summary>Opens a name in a directory. The last part of it is not followed when the flags say so; what is before it would be: give one name only.</summary>
    public static UnixHandle? OpenAt(UnixHandle directory, ReadOnlySpan<byte> name, int flags, int mode, out int error)
    {
        using UnixHandle.Lease at = directory.Acquire();
        return OpenAt(at.Descriptor, name, flags, mode, out error);
    }

    /// <summary>Opens an absolute path of the host.</summary>
    public static UnixHandle? Open(ReadOnlySpan<byte> path, int flags, out int error) => OpenAt(UnixNumbers.CurrentDirectory, path, flags, 0, out error);

    /// <summary>Opens what a handle stands for once more, for other purposes (Linux).</summary>
    public static UnixHandle? Reopen(UnixHandle file, int flags, out int error)
    {
        using UnixHandle.Lease lease = file.Acquire();
        return Reopen(lease.Descriptor, flags, out error);
    }

    /// <summary>The same for a descriptor that is not ours.</summary>
    public static UnixHandle? Reopen(nint file, int flags, out int error)
    {
        Span<byte> path = stackalloc byte[40];
        "/proc/self/fd/"u8.CopyTo(path);
        ((long)file).TryFormat(path[14..^1], out int length, provider: System.Globalization.CultureInfo.InvariantCulture);
        path[14 + length] = 0;
        return OpenAt(UnixNumbers.CurrentDirectory, path[..(15 + length)], flags, 0, out error);
    }

    /// <summary>Opens a path, every step of it beneath a directory (Linux, <c>openat2</c>).</summary>
    public static UnixHandle? OpenBeneath(UnixHandle directory, ReadOnlySpan<byte> path, int flags, out int error)
    {
        RequireTerminated(path);
        using UnixHandle.Lease at = directory.Acquire();
        Span<ulong> how = [(uint)flags, 0, UnixNumbers.ResolveBeneath | UnixNumbers.ResolveNoMagicLinks];
        nint descriptor;

        // SAFETY: both spans are pinned for the call; the path ends in NUL, and the size of `how` is passed.
        fixed (byte* pathPointer = path)
        fixed (ulong* howPointer = how)
        {
            do
            {
                descriptor = NativeMethods.SystemCall(UnixNumbers.SystemCallOpenAt2, at.Descriptor, pathPointer, howPointer, 3 * sizeof(ulong));
            }
            while (WasInterrupted(descriptor));
        }

        return Take(descriptor, out error);
    }

    /// <summary>The attributes of an open file.</summary>
    public static int GetStatus(UnixHandle file, out UnixStatus status)
    {
        using UnixHandle.Lease lease = file.Acquire();
        return GetStatus(lease.Descriptor, out status);
    }

    /// <summary>The attributes of what a descriptor stands for that is not ours.</summary>
    public static int GetStatus(nint file, out UnixStatus status) => GetStatus(file, [0], UnixNumbers.IsLinux ? UnixNumbers.LinuxAtEmptyPath : 0, out status);

    /// <summary>The attributes of a name in a directory; a link is not followed.</summary>
    public static int GetStatusAt(UnixHandle directory, ReadOnlySpan<byte> name, out UnixStatus status)
    {
        using UnixHandle.Lease at = directory.Acquire();
        return GetStatus(at.Descriptor, name, UnixNumbers.AtNoFollow, out status);
    }

    /// <summary>The target of a link, as much of it as there is room for.</summary>
    public static int ReadLinkAt(UnixHandle directory, ReadOnlySpan<byte> name, Span<byte> destination, out int count)
    {
        RequireTerminated(name);
        count = 0;
        using UnixHandle.Lease at = directory.Acquire();

        // SAFETY: both spans are pinned for the call; the name ends in NUL, and the length of the destination is passed.
        fixed (byte* namePointer = name)
        fixed (byte* destinationPointer = destination)
        {
            nint result = NativeMethods.ReadLinkAt(at.Descriptor, namePointer, destinationPointer, (nuint)destination.Length);
            count = (int)Math.Max(0, result);
            return result < 0 ? LastError() : 0;
        }
    }

    public static int MakeDirectoryAt(UnixHandle directory, ReadOnlySpan<byte> name, int mode)
    {
        RequireTerminated(name);
        using UnixHandle.Lease at = directory.Acquire();

        // SAFETY: the name is pinned for the call and ends in NUL.
        fixed (byte* pointer = name)
        {
            return NativeMethods.MakeDirectoryAt(at.Descriptor, pointer, (uint)mode) < 0 ? LastError() : 0;
        }
    }

    public static int UnlinkAt(UnixHandle directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        RequireTerminated(name);
        using UnixHandle.Lease at = directory.Acquire();

        // SAFETY: the name is pinned for the call and ends in NUL.
        fixed (byte* pointer = name)
        {
            return NativeMethods.UnlinkAt(at.Descriptor, pointer, isDirectory ? UnixNumbers.AtRemoveDirectory : 0) < 0 ? LastError() : 0;
        }
    }

    public static int RenameAt(UnixHandle oldDirectory, ReadOnlySpan<byte> oldName, UnixHandle newDirectory, ReadOnlySpan<byte> newName)
    {
        RequireTerminated(oldName);
        RequireTerminated(newName);
        using UnixHandle.Lease oldAt = oldDirectory.Acquire();
        using UnixHandle.Lease newAt = newDirectory.Acquire();

        // SAFETY: both names are pinned for the call and end in NUL.
        fixed (byte* oldPointer = oldName)
        fixed (byte* newPointer = newName)
        {
            return NativeMethods.RenameAt(oldAt.Descriptor, oldPointer, newAt.Descriptor, newPointer) < 0 ? LastError() : 0;
        }
    }

    /// <summary>Gives a file one more name. A link itself is linked.</summary>
    public static int LinkAt(UnixHandle oldDirectory, ReadOnlySpan<byte> oldName, UnixHandle newDirectory, ReadOnlySpan<byte> newName)
    {
        RequireTerminated(oldName);
        RequireTerminated(newName);
        using UnixHandle.Lease oldAt = oldDirectory.Acquire();
        using UnixHandle.Lease newAt = newDirectory.Acquire();

        // SAFETY: both names are pinned for the call and end in NUL.
        fixed (byte* oldPointer = oldName)
        fixed (byte* newPointer = newName)
        {
            return NativeMethods.LinkAt(oldAt.Descriptor, oldPointer, newAt.Descriptor, newPointer, 0) < 0 ? LastError() : 0;
        }
    }

    public static int SymlinkAt(ReadOnlySpan<byte> target, UnixHandle directory, ReadOnlySpan<byte> name)
    {
        RequireTerminated(target);
        RequireTerminated(name);
        using UnixHandle.Lease at = directory.Acquire();

        // SAFETY: both are pinned for the call and end in NUL.
        fixed (byte* targetPointer = target)
        fixed (byte* namePointer = name)
        {
            return NativeMethods.SymlinkAt(targetPointer, at.Descriptor, namePointer) < 0 ? LastError() : 0;
        }
    }

    /// <summary>Sets the times of a name in a directory, of a link's own; those that are null stay.</summary>
    public static int SetTimesAt(UnixHandle directory, ReadOnlySpan<byte> name, ulong? accessTime, ulong? modificationTime)
    {
        RequireTerminated(name);
        using UnixHandle.Lease at = directory.Acquire();
        Span<long> times = stackalloc long[4];
        WriteTimes(times, accessTime, modificationTime);

        // SAFETY: both are pinned for the call; the name ends in NUL, and the times are two pairs of seconds and nanoseconds.
        fixed (byte* pointer = name)
        fixed (long* timesPointer = times)
        {
            return NativeMethods.SetTimesAt(at.Descriptor, pointer, timesPointer, UnixNumbers.AtNoFollow) < 0 ? LastError() : 0;
        }
    }

    public static int SetTimes(UnixHandle file, ulong? accessTime, ulong? modificationTime)
    {
        using UnixHandle.Lease lease = file.Acquire();
        Span<long> times = stackalloc long[4];
        WriteTimes(times, accessTime, modificationTime);

        // SAFETY: the times are pinned for the call: two pairs of seconds and nanoseconds.
        fixed (long* pointer = times)
        {
            return NativeMethods.SetTimes(lease.Descriptor, pointer) < 0 ? LastError() : 0;
        }
    }

    /// <summary>Reads until the span is full or the file ends.</summary>
    public static int ReadAt(UnixHandle file, Span<byte> destination, long offset, out int count)
    {
        using UnixHandle.Lease lease = file.Acquire();

        // SAFETY: pinned for the call, and no more is read than there is room for. The span may be a guest's memory that is made inaccessible meanwhile: the
        // system answers EFAULT, and the range is not given to anybody else while the guest's call is inside.
        fixed (byte* pointer = destination)
        {
            return Transfer(Direction.Read, lease.Descriptor, pointer, destination.Length, offset, out count);
        }
    }

    /// <summary>Writes until all is written or there is no room.</summary>
    public static int WriteAt(UnixHandle file, ReadOnlySpan<byte> source, long offset, out int count)
    {
        using UnixHandle.Lease lease = file.Acquire();

        // SAFETY: as ReadAt.
        fixed (byte* pointer = source)
        {
            return Transfer(Direction.Write, lease.Descriptor, pointer, source.Length, offset, out count);
        }
    }

    /// <summary>Sets whether <see cref="Append"/> or <see cref="WriteAt"/> can be used.</summary>
    public static int SetAppending(UnixHandle file, bool isAppending)
    {
        using UnixHandle.Lease lease = file.Acquire();
        int flags = Control(lease.Descriptor, UnixNumbers.GetStatusFlags, 0);
        if (flags < 0)
        {
            return LastError();
        }

        return Control(lease.Descriptor, UnixNumbers.SetStatusFlags, isAppending ? flags | UnixNumbers.OpenAppend : flags & ~UnixNumbers.OpenAppend) < 0 ? LastError() : 0;
    }

    /// <summary>Writes at the end of a file that is appending; the system finds the end and writes in one step.</summary>
    public static int Append(UnixHandle file, ReadOnlySpan<byte> source, out long position, out int count)
    {
        int error;
        using UnixHandle.Lease lease = file.Acquire();

        // SAFETY: as ReadAt.
        fixed (byte* pointer = source)
        {
            error = Transfer(Direction.Append, lease.Descriptor, pointer, source.Length, 0, out count);
        }

        // The handle's own position is where its write ended, wherever the file ends by now.
        position = NativeMethods.Seek(lease.Descriptor, 0, SeekCurrent);
        return error;
    }

    public static int SetSize(UnixHandle file, long size)
    {
        using UnixHandle.Lease lease = file.Acquire();
        int result;
        do
        {
            result = NativeMethods.SetSize(lease.Descriptor, size);
        }
        while (WasInterrupted(result));
        return result < 0 ? LastError() : 0;
    }

    public static int Sync(UnixHandle file, bool dataOnly)
    {
        using UnixHandle.Lease lease = file.Acquire();
        int result;
        do
        {
            // macOS has no fdatasync in its headers.
            result = dataOnly && UnixNumbers.IsLinux ? NativeMethods.SyncData(lease.Descriptor) : NativeMethods.Sync(lease.Descriptor);
        }
        while (WasInterrupted(result));
        return result < 0 ? LastError() : 0;
    }

    /// <summary>Makes sure that a range has storage (Linux).</summary>
    public static int Allocate(UnixHandle file, long offset, long length)
    {
        using UnixHandle.Lease lease = file.Acquire();
        int result;
        do
        {
            result = NativeMethods.Allocate(lease.Descriptor, 0, offset, length);
        }
        while (WasInterrupted(result));
        return result < 0 ? LastError() : 0;
    }

    /// <summary>The storage that is left where a file is, without what the system keeps for itself; the largest number where that cannot be told (Linux).</summary>
    public static ulong GetFreeSpace(UnixHandle file)
    {
        using UnixHandle.Lease lease = file.Acquire();
        Span<ulong> status = stackalloc ulong[FileSystemStatusSize / sizeof(ulong)];
        status.Clear();

        // SAFETY: pinned for the call; struct statvfs is 112 bytes on 64-bit Linux, of numbers of 64 bits at its beginning.
        fixed (ulong* pointer = status)
        {
            // f_frsize, f_blocks, f_bavail. A file system without blocks does not count.
            return NativeMethods.GetFileSystemStatus(lease.Descriptor, pointer) < 0 || status[2] == 0 ? ulong.MaxValue : (ulong)UInt128.Min((UInt128)status[1] * status[4], ulong.MaxValue);
        }
    }

    /// <summary>Tells how a range will be used (Linux).</summary>
    public static int Advise(UnixHandle file, long offset, long length, int advice)
    {
        using UnixHandle.Lease lease = file.Acquire();
        return NativeMethods.Advise(lease.Descriptor, offset, length, advice);
    }

    /// <summary>Fills a buffer with records of <c>linux_dirent64</c>, from where a cookie of the file system stands for (Linux).</summary>
    public static int GetDirectoryEntries(UnixHandle directory, long cookie, Span<byte> buffer, out int count)
    {
        count = 0;
        using UnixHandle.Lease lease = directory.Acquire();
        if (NativeMethods.Seek(lease.Descriptor, 0, SeekCurrent) != cookie && NativeMethods.Seek(lease.Descriptor, cookie, SeekSet) < 0)
        {
            return LastError();
        }

        // SAFETY: the buffer is pinned for the call, and its length is passed.
        fixed (byte* pointer = buffer)
        {
            nint result = NativeMethods.SystemCall(UnixNumbers.SystemCallGetDirectoryEntries, lease.Descriptor, pointer, buffer.Length, 0, null);
            count = (int)Math.Max(0, result);
            return result < 0 ? LastError() : 0;
        }
    }

    /// <summary>The largest size of a file that this process may write: beyond it the system sends a signal, which ends the process.</summary>
    public static long GetFileSizeLimit()
    {
        Span<ulong> limits = [ulong.MaxValue, ulong.MaxValue];

        // SAFETY: pinned for the call; struct rlimit is two numbers of 64 bits.
        fixed (ulong* pointer = limits)
        {
            return NativeMethods.GetResourceLimit(ResourceFileSize, pointer) < 0 ? long.MaxValue : (long)Math.Min(limits[0], long.MaxValue);
        }
    }

    private enum Direction
    {
        Read,
        Write,
        Append,
    }

    // Until all is done, or nothing more can be: then what was done counts, and the next call tells why.
    private static int Transfer(Direction direction, nint file, byte* pointer, int length, long offset, out int count)
    {
        count = 0;
        while (count < length)
        {
            var piece = (nuint)Math.Min(length - count, LargestTransfer);
            nint moved = direction switch
            {
                Direction.Read => NativeMethods.ReadAt(file, pointer + count, piece, offset + count),
                Direction.Write => NativeMethods.WriteAt(file, pointer + count, piece, offset + count),
                _ => NativeMethods.Write(file, pointer + count, piece),
            };
            if (moved > 0)
            {
                count += (int)moved;
            }
            else if (!WasInterrupted(moved))
            {
                return moved == 0 || count != 0 ? 0 : LastError();
            }
        }

        return 0;
    }

    private static UnixHandle? OpenAt(nint directory, ReadOnlySpan<byte> name, int flags, int mode, out int error)
    {
        RequireTerminated(name);
        nint descriptor;

        // SAFETY: the name is pinned for the call and ends in NUL.
        fixed (byte* pointer = name)
        {
            do
            {
                descriptor = UnixNumbers.IsAppleArm64
                    ? NativeMethods.OpenAtOnAppleArm64(directory, pointer, flags, 0, 0, 0, 0, 0, mode)
                    : NativeMethods.OpenAt(directory, pointer, flags, (uint)mode);
            }
            while (WasInterrupted(descriptor));
        }

        return Take(descriptor, out error);
    }

    private static int GetStatus(nint directory, ReadOnlySpan<byte> name, int flags, out UnixStatus status)
    {
        RequireTerminated(name);
        Span<byte> buffer = stackalloc byte[StatxSize];
        buffer.Clear();
        int result;

        // SAFETY: both spans are pinned for the call; the name ends in NUL, and the buffer is at least as large as struct statx (256 bytes on every
        // architecture) and macOS's struct stat (144).
        fixed (byte* namePointer = name)
        fixed (byte* pointer = buffer)
        {
            if (UnixNumbers.IsLinux)
            {
                result = (int)NativeMethods.SystemCall(UnixNumbers.SystemCallStatx, directory, namePointer, flags, BasicStatus, pointer);
            }
            else if (name.Length == 1)
            {
                result = UnixNumbers.IsAppleX64 ? NativeMethods.GetStatusOnAppleX64(directory, pointer) : NativeMethods.GetStatus(directory, pointer);
            }
            else
            {
                result = UnixNumbers.IsAppleX64
                    ? NativeMethods.GetStatusAtOnAppleX64(directory, namePointer, pointer, flags)
                    : NativeMethods.GetStatusAt(directory, namePointer, pointer, flags);
            }
        }

        status = result < 0 ? default : UnixNumbers.IsLinux ? ReadStatx(buffer) : ReadAppleStatus(buffer[..AppleStatusSize]);
        return result < 0 ? LastError() : 0;
    }

    // struct statx (linux/stat.h).
    private static UnixStatus ReadStatx(ReadOnlySpan<byte> buffer)
    {
        int mode = BinaryPrimitives.ReadUInt16LittleEndian(buffer[28..]);
        const int BlockSize = 512;
        ulong device = ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(buffer[136..]) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(buffer[140..]);
        return new UnixStatus(mode, new FileStatus(
            device,
            BinaryPrimitives.ReadUInt64LittleEndian(buffer[32..]),
            TypeOf(mode),
            BinaryPrimitives.ReadUInt32LittleEndian(buffer[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(buffer[40..]),
            ReadTime(buffer[64..], BinaryPrimitives.ReadUInt32LittleEndian(buffer[72..])),
            ReadTime(buffer[112..], BinaryPrimitives.ReadUInt32LittleEndian(buffer[120..])),
            ReadTime(buffer[96..], BinaryPrimitives.ReadUInt32LittleEndian(buffer[104..]))), BinaryPrimitives.ReadUInt64LittleEndian(buffer[48..]) * BlockSize);
    }

    // struct stat with 64-bit inodes (sys/stat.h of macOS).
    private static UnixStatus ReadAppleStatus(ReadOnlySpan<byte> buffer)
    {
        int mode = BinaryPrimitives.ReadUInt16LittleEndian(buffer[4..]);
        return new UnixStatus(mode, new FileStatus(
            BinaryPrimitives.ReadUInt32LittleEndian(buffer),
            BinaryPrimitives.ReadUInt64LittleEndian(buffer[8..]),
            TypeOf(mode),
            BinaryPrimitives.ReadUInt16LittleEndian(buffer[6..]),
            BinaryPrimitives.ReadUInt64LittleEndian(buffer[96..]),
            ReadTime(buffer[32..], (uint)BinaryPrimitives.ReadUInt64LittleEndian(buffer[40..])),
            ReadTime(buffer[48..], (uint)BinaryPrimitives.ReadUInt64LittleEndian(buffer[56..])),
            ReadTime(buffer[64..], (uint)BinaryPrimitives.ReadUInt64LittleEndian(buffer[72..]))), 0);
    }

    // WASI has no times before 1970, nor after 2554.
    private static ulong ReadTime(ReadOnlySpan<byte> seconds, uint nanoseconds)
    {
        const long LastSecond = (long)(ulong.MaxValue / 1_000_000_000) - 1;
        long second = BinaryPrimitives.ReadInt64LittleEndian(seconds);
        return second < 0 ? 0 : ((ulong)Math.Min(second, LastSecond) * 1_000_000_000) + nanoseconds;
    }

    private static void WriteTimes(Span<long> times, ulong? accessTime, ulong? modificationTime)
    {
        times[0] = (long)(accessTime.GetValueOrDefault() / 1_000_000_000);
        times[1] = accessTime is ulong access ? (long)(access % 1_000_000_000) : UnixNumbers.TimeOmit;
        times[2] = (long)(modificationTime.GetValueOrDefault() / 1_000_000_000);
        times[3] = modificationTime is ulong modification ? (long)(modification % 1_000_000_000) : UnixNumbers.TimeOmit;
    }

    /// <summary>WASI's kind of a file. It has no FIFOs.</summary>
    private static FileType TypeOf(int mode) => (mode & UnixNumbers.FileTypeMask) switch
    {
        UnixNumbers.FileTypeRegular => FileType.RegularFile,
        UnixNumbers.FileTypeDirectory => FileType.Directory,
        UnixNumbers.FileTypeLink => FileType.SymbolicLink,
        UnixNumbers.FileTypeCharacterDevice => FileType.CharacterDevice,
        UnixNumbers.FileTypeBlockDevice => FileType.BlockDevice,
        UnixNumbers.FileTypeSocket => FileType.SocketStream,
        _ => FileType.Unknown,
    };

    private static int Control(nint file, int command, nint argument) => UnixNumbers.IsAppleArm64
        ? NativeMethods.ControlOnAppleArm64(file, command, 0, 0, 0, 0, 0, 0, argument)
        : NativeMethods.Control(file, command, argument);

    private static UnixHandle? Take(nint descriptor, out int error)
    {
        error = descriptor < 0 ? LastError() : 0;
        return descriptor < 0 ? null : new UnixHandle(descriptor);
    }

    private static bool WasInterrupted(nint result) => result < 0 && LastError() == UnixNumbers.ErrorInterrupted;

    private static int LastError() => Marshal.GetLastPInvokeError();

    // Without the NUL the system would read on beyond the span.
    private static void RequireTerminated(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name[^1] != 0)
        {
            throw new UnreachableException("a name without an end");
        }
    }
}
