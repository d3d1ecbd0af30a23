using System.Runtime.InteropServices;

namespace Codicil.Runtime;

internal static unsafe partial class NativeMethods
{
    public const uint MemoryCommit = 0x1000;
    public const uint MemoryReserve = 0x2000;
    public const uint MemoryDecommit = 0x4000;
    public const uint MemoryRelease = 0x8000;
    public const uint PageNoAccess = 1;
    public const uint PageReadWrite = 4;

    [LibraryImport("kernel32", EntryPoint = "VirtualAlloc")]
    public static partial nint VirtualAlloc(nint address, nuint size, uint type, uint protection);

    [LibraryImport("kernel32", EntryPoint = "VirtualFree")]
    public static partial int VirtualFree(nint address, nuint size, uint type);

    [LibraryImport("kernel32", EntryPoint = "GetCurrentThreadStackLimits")]
    public static partial void GetCurrentThreadStackLimits(nuint* low, nuint* high);
}
