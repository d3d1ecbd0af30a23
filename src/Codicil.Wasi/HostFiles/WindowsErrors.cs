using System.Collections.Frozen;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>Windows's status codes in WASI's error numbers.</summary>
/// <remarks>MS-ERREF, 2.3.1, NTSTATUS values.</remarks>
internal static class WindowsErrors
{
    private static readonly FrozenDictionary<uint, Errno> s_errors = All.ToFrozenDictionary(static row => row.Status, static row => row.Error);

    /// <summary>The table.</summary>
    internal static (uint Status, string Name, Errno Error)[] All =>
    [
        (0xC000_0002, "STATUS_NOT_IMPLEMENTED", Errno.NotSup),
        (0xC000_0003, "STATUS_INVALID_INFO_CLASS", Errno.NotSup),
        (0xC000_0005, "STATUS_ACCESS_VIOLATION", Errno.Fault),
        (0xC000_0008, "STATUS_INVALID_HANDLE", Errno.BadF),
        (0xC000_000D, "STATUS_INVALID_PARAMETER", Errno.Inval),
        (0xC000_000E, "STATUS_NO_SUCH_DEVICE", Errno.NoDev),
        (0xC000_000F, "STATUS_NO_SUCH_FILE", Errno.NoEnt),
        (0xC000_0010, "STATUS_INVALID_DEVICE_REQUEST", Errno.NotSup),
        (0xC000_0017, "STATUS_NO_MEMORY", Errno.NoMem),
        (0xC000_0022, "STATUS_ACCESS_DENIED", Errno.Acces),
        (0xC000_0024, "STATUS_OBJECT_TYPE_MISMATCH", Errno.BadF),
        (0xC000_0033, "STATUS_OBJECT_NAME_INVALID", Errno.Inval),
        (0xC000_0034, "STATUS_OBJECT_NAME_NOT_FOUND", Errno.NoEnt),
        (0xC000_0035, "STATUS_OBJECT_NAME_COLLISION", Errno.Exist),
        (0xC000_0039, "STATUS_OBJECT_PATH_INVALID", Errno.NotDir),
        (0xC000_003A, "STATUS_OBJECT_PATH_NOT_FOUND", Errno.NoEnt),
        (0xC000_003B, "STATUS_OBJECT_PATH_SYNTAX_BAD", Errno.Inval),
        (0xC000_0043, "STATUS_SHARING_VIOLATION", Errno.Busy),
        (0xC000_0044, "STATUS_QUOTA_EXCEEDED", Errno.DQuot),
        (0xC000_0054, "STATUS_FILE_LOCK_CONFLICT", Errno.Busy),
        (0xC000_0055, "STATUS_LOCK_NOT_GRANTED", Errno.Busy),
        (0xC000_0056, "STATUS_DELETE_PENDING", Errno.NoEnt),
        (0xC000_0061, "STATUS_PRIVILEGE_NOT_HELD", Errno.Perm),
        (0xC000_007F, "STATUS_DISK_FULL", Errno.NoSpc),
        (0xC000_009A, "STATUS_INSUFFICIENT_RESOURCES", Errno.NoMem),
        (0xC000_00A2, "STATUS_MEDIA_WRITE_PROTECTED", Errno.RoFs),
        (0xC000_00A3, "STATUS_DEVICE_NOT_READY", Errno.Io),
        (0xC000_00B5, "STATUS_IO_TIMEOUT", Errno.TimedOut),
        (0xC000_00BA, "STATUS_FILE_IS_A_DIRECTORY", Errno.IsDir),
        (0xC000_00BB, "STATUS_NOT_SUPPORTED", Errno.NotSup),
        (0xC000_00D4, "STATUS_NOT_SAME_DEVICE", Errno.XDev),
        (0xC000_0101, "STATUS_DIRECTORY_NOT_EMPTY", Errno.NotEmpty),
        (0xC000_0103, "STATUS_NOT_A_DIRECTORY", Errno.NotDir),
        (0xC000_0106, "STATUS_NAME_TOO_LONG", Errno.NameTooLong),
        (0xC000_011F, "STATUS_TOO_MANY_OPENED_FILES", Errno.MFile),
        (0xC000_0120, "STATUS_CANCELLED", Errno.Canceled),
        (0xC000_0121, "STATUS_CANNOT_DELETE", Errno.Acces),
        (0xC000_0123, "STATUS_FILE_DELETED", Errno.NoEnt),
        (0xC000_0128, "STATUS_FILE_CLOSED", Errno.BadF),
        (0xC000_014B, "STATUS_PIPE_BROKEN", Errno.Pipe),
        (0xC000_0185, "STATUS_IO_DEVICE_ERROR", Errno.Io),
        (0xC000_0205, "STATUS_INSUFF_SERVER_RESOURCES", Errno.NoMem),
        (0xC000_020C, "STATUS_CONNECTION_DISCONNECTED", Errno.Io),
        (0xC000_022D, "STATUS_RETRY", Errno.Again),
        (0xC000_0265, "STATUS_TOO_MANY_LINKS", Errno.MLink),
        (0xC000_0275, "STATUS_NOT_A_REPARSE_POINT", Errno.Inval),
        (0xC000_0276, "STATUS_IO_REPARSE_TAG_INVALID", Errno.NxIo),
        (0xC000_0277, "STATUS_IO_REPARSE_TAG_MISMATCH", Errno.NxIo),
        (0xC000_0278, "STATUS_IO_REPARSE_DATA_INVALID", Errno.NxIo),
        (0xC000_0279, "STATUS_IO_REPARSE_TAG_NOT_HANDLED", Errno.NxIo),
        (0xC000_0280, "STATUS_REPARSE_POINT_NOT_RESOLVED", Errno.Loop),
        (0xC000_02EA, "STATUS_CANNOT_MAKE", Errno.Acces),
        (0xC000_0427, "STATUS_FILE_SYSTEM_LIMITATION", Errno.FBig),
        (0xC000_050B, "STATUS_REPARSE_POINT_ENCOUNTERED", Errno.Loop),
        (0xC000_0904, "STATUS_FILE_TOO_LARGE", Errno.FBig),
    ];

    /// <summary>WASI's name of a status; <c>io</c> for an error that WASI has no name for.</summary>
    public static Errno Translate(uint status) => !Nt.IsError(status) ? Errno.Success : s_errors.TryGetValue(status, out Errno error) ? error : Errno.Io;
}
