using System.Runtime.InteropServices;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// The C library's functions on files. All of them may block (a disk, a network, a lease), so none may hold up the collector: no SuppressGCTransition. Numbers
/// that differ between systems are in <see cref="UnixNumbers"/>.
/// </summary>
internal static unsafe partial class NativeMethods
{
    // SAFETY (all of them): pointers are to memory that the caller has pinned or that is not the collector's, with the lengths that are passed, and are used
    // during the call only; file descriptors are held open by a lease (UnixHandle). UnixCalls is the only caller.
    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(nint file);

    // The mode is a variable argument. In the calling conventions of Linux and of macOS on x64 that is no different from a named one.
    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    public static partial int OpenAt(nint directory, byte* path, int flags, uint mode);

    // On macOS on arm64 variable arguments are on the stack: after eight arguments that fill the registers.
    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    public static partial int OpenAtOnAppleArm64(nint directory, byte* path, int flags, nint unused3, nint unused4, nint unused5, nint unused6, nint unused7, nint mode);

    // Linux only: openat2, statx and getdents64 by number, since C libraries came to have them at different times.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint file, void* argument1, nint argument2, nint argument3, void* argument4);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint file, void* argument1, void* argument2, nint argument3);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint file, void* argument1, nint argument2, nint argument3, nint argument4, nint argument5);

    [LibraryImport("libc", EntryPoint = "fstat", SetLastError = true)]
    public static partial int GetStatus(nint file, byte* status);

    [LibraryImport("libc", EntryPoint = "fstat$INODE64", SetLastError = true)]
    public static partial int GetStatusOnAppleX64(nint file, byte* status);

    [LibraryImport("libc", EntryPoint = "fstatat", SetLastError = true)]
    public static partial int GetStatusAt(nint directory, byte* path, byte* status, int flags);

    [LibraryImport("libc", EntryPoint = "fstatat$INODE64", SetLastError = true)]
    public static partial int GetStatusAtOnAppleX64(nint directory, byte* path, byte* status, int flags);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAt(nint directory, byte* path, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MakeDirectoryAt(nint directory, byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    public static partial int UnlinkAt(nint directory, byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    public static partial int RenameAt(nint oldDirectory, byte* oldPath, nint newDirectory, byte* newPath);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAt(nint oldDirectory, byte* oldPath, nint newDirectory, byte* newPath, int flags);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    public static partial int SymlinkAt(byte* target, nint directory, byte* path);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    public static partial int SetTimesAt(nint directory, byte* path, long* times, int flags);

    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    public static partial int SetTimes(nint file, long* times);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(nint file, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(nint file, byte* buffer, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(nint file, byte* buffer, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(nint file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int SetSize(nint file, long size);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(nint file);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int SyncData(nint file);

    // Not posix_fallocate, which writes zeros for as long as it takes where the file system cannot.
    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(nint file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fstatvfs", SetLastError = true)]
    public static partial int GetFileSystemStatus(nint file, ulong* status);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    public static partial int Advise(nint file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(nint file, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int ControlOnAppleArm64(nint file, int command, nint unused2, nint unused3, nint unused4, nint unused5, nint unused6, nint unused7, nint argument);

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetResourceLimit(int resource, ulong* softAndHard);

    [LibraryImport("libc", EntryPoint = "fdopendir", SetLastError = true)]
    public static partial nint OpenDirectoryStream(nint file);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    public static partial byte* ReadDirectoryStream(nint stream);

    [LibraryImport("libc", EntryPoint = "readdir$INODE64", SetLastError = true)]
    public static partial byte* ReadDirectoryStreamOnAppleX64(nint stream);

    [LibraryImport("libc", EntryPoint = "rewinddir")]
    public static partial void RewindDirectoryStream(nint stream);

    [LibraryImport("libc", EntryPoint = "closedir", SetLastError = true)]
    public static partial int CloseDirectoryStream(nint stream);
}
