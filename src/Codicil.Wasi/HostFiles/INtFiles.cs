namespace Codicil.Wasi.HostFiles;

/// <summary>
/// Windows's own calls on files, in which a name is relative to an open directory (<c>NtCreateFile</c> and its like; the Win32 functions have no such thing). Results are NTSTATUS codes. It is all that
/// <see cref="WindowsDirectory"/> and <see cref="WindowsFile"/> have of the system: tests put a file system of their own in its place.
/// </summary>
/// <remarks>Windows Driver Kit, ntifs.h; structures: MS-FSCC.</remarks>
internal interface INtFiles
{
    /// <summary>Opens or makes a name in a directory (<c>NtCreateFile</c>); the empty name is what the handle stands for. Everybody else may read, write and delete meanwhile.</summary>
    /// <param name="directory">The directory; null for a full path of the system (<c>\??\...</c>).</param>
    /// <param name="name">The name.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="handle">What was opened.</param>
    uint Open(NtHandle? directory, ReadOnlySpan<char> name, NtOpenRequest request, out NtHandle? handle);

    /// <summary>Asks about an open file (<c>NtQueryInformationFile</c>).</summary>
    uint Query(NtHandle file, int informationClass, Span<byte> buffer);

    /// <summary>Asks about the volume of an open file (<c>NtQueryVolumeInformationFile</c>).</summary>
    uint QueryVolume(NtHandle file, int informationClass, Span<byte> buffer);

    /// <summary>Changes an open file (<c>NtSetInformationFile</c>).</summary>
    uint Set(NtHandle file, int informationClass, ReadOnlySpan<byte> buffer);

    /// <summary>Gives an open file a name in a directory: <c>NtSetInformationFile</c> with FILE_RENAME_INFORMATION or FILE_LINK_INFORMATION, which are laid out alike.</summary>
    uint SetName(NtHandle file, int informationClass, uint flags, NtHandle directory, ReadOnlySpan<char> name);

    /// <summary>Asks the file system for something of its own (<c>NtFsControlFile</c>).</summary>
    uint Control(NtHandle file, uint code, ReadOnlySpan<byte> input, Span<byte> output, out int count);

    /// <summary>Fills a buffer with entries of a directory as FILE_ID_FULL_DIR_INFORMATION (<c>NtQueryDirectoryFile</c>), from where the last call of this handle ended, or from the beginning.</summary>
    uint ReadDirectory(NtHandle directory, Span<byte> buffer, bool restart, out int count);

    /// <summary>Reads at an offset (<c>NtReadFile</c>).</summary>
    uint Read(NtHandle file, Span<byte> destination, long offset, out int count);

    /// <summary>Writes at an offset, or at the end (<see cref="Nt.EndOfFile"/>; <c>NtWriteFile</c>).</summary>
    uint Write(NtHandle file, ReadOnlySpan<byte> source, long offset, out int count);

    /// <summary>Makes what was written durable (<c>NtFlushBuffersFile</c>).</summary>
    uint Flush(NtHandle file);

    /// <summary>Closes a handle (<c>NtClose</c>).</summary>
    bool Close(nint handle);
}

/// <summary>What <see cref="INtFiles.Open"/> is asked for.</summary>
/// <param name="Access">What will be done with it.</param>
/// <param name="Disposition">Open what is there, or make what is not.</param>
/// <param name="Options">How.</param>
/// <param name="StopsAtReparsePoints">Whether a name that leads elsewhere is refused (OBJ_DONT_REPARSE) instead of followed.</param>
internal readonly record struct NtOpenRequest(uint Access, uint Disposition, uint Options, bool StopsAtReparsePoints);

/// <summary>Numbers of Windows's interface.</summary>
/// <remarks>wdm.h, ntifs.h, ntstatus.h; MS-FSCC, MS-ERREF.</remarks>
internal static class Nt
{
    // Access.
    public const uint ReadData = 0x1;
    public const uint ListDirectory = 0x1;
    public const uint WriteData = 0x2;
    public const uint AppendData = 0x4;
    public const uint Traverse = 0x20;
    public const uint ReadAttributes = 0x80;
    public const uint WriteAttributes = 0x100;
    public const uint Delete = 0x1_0000;
    public const uint Synchronize = 0x10_0000;

    // Dispositions.
    public const uint OpenExisting = 1;
    public const uint CreateNew = 2;

    // Options.
    public const uint DirectoryFile = 0x1;
    public const uint WriteThrough = 0x2;
    public const uint SynchronousIoNonAlert = 0x20;
    public const uint NonDirectoryFile = 0x40;
    public const uint OpenReparsePoint = 0x20_0000;

    // Object attributes.
    public const uint CaseInsensitive = 0x40;
    public const uint DontReparse = 0x1000;

    // Classes of information about files and volumes.
    public const int BasicInformation = 4;
    public const int StandardInformation = 5;
    public const int InternalInformation = 6;
    public const int RenameInformation = 10;
    public const int LinkInformation = 11;
    public const int DispositionInformation = 13;
    public const int PositionInformation = 14;
    public const int EndOfFileInformation = 20;
    public const int AttributeTagInformation = 35;
    public const int IdFullDirectoryInformation = 38;
    public const int DispositionInformationEx = 64;
    public const int RenameInformationEx = 65;
    public const int VolumeInformation = 1;
    public const int FullSizeInformation = 7;

    // Flags of renaming and deleting.
    public const uint ReplaceIfExists = 0x1;
    public const uint RenamePosixSemantics = 0x2;
    public const uint RenameIgnoreReadOnly = 0x40;
    public const uint DispositionDelete = 0x1;
    public const uint DispositionPosixSemantics = 0x2;
    public const uint DispositionIgnoreReadOnly = 0x10;

    // Attributes and tags.
    public const uint AttributeDirectory = 0x10;
    public const uint AttributeDevice = 0x40;
    public const uint AttributeReparsePoint = 0x400;
    public const uint TagSymbolicLink = 0xA000_000C;
    public const uint TagMountPoint = 0xA000_0003;
    public const uint TagUnixSocket = 0x8000_0023;
    public const uint TagFifo = 0x8000_0024;
    public const uint TagCharacterDevice = 0x8000_0025;
    public const uint TagBlockDevice = 0x8000_0026;

    /// <summary>The bit of tags that stand for another name: links, mount points and the like.</summary>
    public const uint TagNameSurrogate = 0x2000_0000;

    // FSCTL codes.
    public const uint GetReparsePoint = 0x9_00A8;
    public const uint SetReparsePoint = 0x9_00A4;

    /// <summary>FILE_WRITE_TO_END_OF_FILE as an offset.</summary>
    public const long EndOfFile = -1;

    // Status codes that mean something here; all of them: WindowsErrors.
    public const uint StatusSuccess = 0;
    public const uint StatusBufferOverflow = 0x8000_0005;
    public const uint StatusNoMoreFiles = 0x8000_0006;
    public const uint StatusInvalidInfoClass = 0xC000_0003;
    public const uint StatusInvalidHandle = 0xC000_0008;
    public const uint StatusInvalidParameter = 0xC000_000D;
    public const uint StatusNoSuchFile = 0xC000_000F;
    public const uint StatusInvalidDeviceRequest = 0xC000_0010;
    public const uint StatusEndOfFile = 0xC000_0011;
    public const uint StatusAccessDenied = 0xC000_0022;
    public const uint StatusObjectNameNotFound = 0xC000_0034;
    public const uint StatusObjectNameCollision = 0xC000_0035;
    public const uint StatusNotSupported = 0xC000_00BB;
    public const uint StatusDirectoryNotEmpty = 0xC000_0101;
    public const uint StatusNotADirectory = 0xC000_0103;
    public const uint StatusCannotDelete = 0xC000_0121;
    public const uint StatusReparsePointEncountered = 0xC000_050B;

    /// <summary>The longest reparse point (MAXIMUM_REPARSE_DATA_BUFFER_SIZE).</summary>
    public const int LongestReparsePoint = 16 * 1024;

    /// <summary>Whether a status is an error. Warnings are not: a buffer that was too short was filled.</summary>
    public static bool IsError(uint status) => status >= 0xC000_0000;
}
