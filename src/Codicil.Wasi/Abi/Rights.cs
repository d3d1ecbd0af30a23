namespace Codicil.Wasi.Abi;

/// <summary>What may be done with a descriptor (typenames.witx, <c>rights</c>).</summary>
[Flags]
internal enum Rights : ulong
{
    None = 0,
    FdDataSync = 1UL << 0,
    FdRead = 1UL << 1,
    FdSeek = 1UL << 2,
    FdFdStatSetFlags = 1UL << 3,
    FdSync = 1UL << 4,
    FdTell = 1UL << 5,
    FdWrite = 1UL << 6,
    FdAdvise = 1UL << 7,
    FdAllocate = 1UL << 8,
    PathCreateDirectory = 1UL << 9,
    PathCreateFile = 1UL << 10,
    PathLinkSource = 1UL << 11,
    PathLinkTarget = 1UL << 12,
    PathOpen = 1UL << 13,
    FdReadDir = 1UL << 14,
    PathReadLink = 1UL << 15,
    PathRenameSource = 1UL << 16,
    PathRenameTarget = 1UL << 17,
    PathFileStatGet = 1UL << 18,
    PathFileStatSetSize = 1UL << 19,
    PathFileStatSetTimes = 1UL << 20,
    FdFileStatGet = 1UL << 21,
    FdFileStatSetSize = 1UL << 22,
    FdFileStatSetTimes = 1UL << 23,
    PathSymlink = 1UL << 24,
    PathRemoveDirectory = 1UL << 25,
    PathUnlinkFile = 1UL << 26,
    PollFdReadWrite = 1UL << 27,
    SockShutdown = 1UL << 28,
    SockAccept = 1UL << 29,

    /// <summary>Those that apply to directories.</summary>
    Directory = FdFdStatSetFlags | FdSync | FdDataSync | PathCreateDirectory | PathCreateFile | PathLinkSource | PathLinkTarget | PathOpen | FdReadDir | PathReadLink | PathRenameSource |
        PathRenameTarget | PathFileStatGet | PathFileStatSetSize | PathFileStatSetTimes | FdFileStatGet | FdFileStatSetTimes | PathSymlink | PathRemoveDirectory | PathUnlinkFile,

    /// <summary>Those that apply to files.</summary>
    File = FdDataSync | FdRead | FdSeek | FdFdStatSetFlags | FdSync | FdTell | FdWrite | FdAdvise | FdAllocate | FdFileStatGet | FdFileStatSetSize | FdFileStatSetTimes | PollFdReadWrite,
}
