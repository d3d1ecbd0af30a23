using System.Runtime.InteropServices;

namespace Codicil.Wasi.HostFiles;

/// <summary>Windows's own calls on files. All of them may block, so none may hold up the collector. They answer with NTSTATUS codes.</summary>
internal static unsafe partial class NativeMethods
{
    // SAFETY (all of them): pointers are to memory that the caller has pinned, with the lengths that are passed, and are used during the call only, since handles are opened for synchronous use; they are
    // held open by a lease (NtHandle). NtFiles is the only caller.
    [LibraryImport("ntdll", EntryPoint = "NtCreateFile")]
    public static partial uint NtCreateFile(
        nint* handle, uint access, ObjectAttributes* attributes, StatusBlock* status, long* allocationSize, uint fileAttributes, uint share, uint disposition, uint options, void* extendedAttributes, uint extendedAttributesLength);

    [LibraryImport("ntdll", EntryPoint = "NtQueryInformationFile")]
    public static partial uint NtQueryInformationFile(nint file, StatusBlock* status, byte* buffer, uint length, int informationClass);

    [LibraryImport("ntdll", EntryPoint = "NtQueryVolumeInformationFile")]
    public static partial uint NtQueryVolumeInformationFile(nint file, StatusBlock* status, byte* buffer, uint length, int informationClass);

    [LibraryImport("ntdll", EntryPoint = "NtSetInformationFile")]
    public static partial uint NtSetInformationFile(nint file, StatusBlock* status, byte* buffer, uint length, int informationClass);

    [LibraryImport("ntdll", EntryPoint = "NtFsControlFile")]
    public static partial uint NtFsControlFile(nint file, nint notification, void* routine, void* context, StatusBlock* status, uint code, byte* input, uint inputLength, byte* output, uint outputLength);

    [LibraryImport("ntdll", EntryPoint = "NtQueryDirectoryFile")]
    public static partial uint NtQueryDirectoryFile(
        nint directory, nint notification, void* routine, void* context, StatusBlock* status, byte* buffer, uint length, int informationClass, byte returnSingleEntry, void* pattern, byte restartScan);

    [LibraryImport("ntdll", EntryPoint = "NtReadFile")]
    public static partial uint NtReadFile(nint file, nint notification, void* routine, void* context, StatusBlock* status, byte* buffer, uint length, long* offset, uint* key);

    [LibraryImport("ntdll", EntryPoint = "NtWriteFile")]
    public static partial uint NtWriteFile(nint file, nint notification, void* routine, void* context, StatusBlock* status, byte* buffer, uint length, long* offset, uint* key);

    [LibraryImport("ntdll", EntryPoint = "NtFlushBuffersFile")]
    public static partial uint NtFlushBuffersFile(nint file, StatusBlock* status);

    [LibraryImport("ntdll", EntryPoint = "NtClose")]
    public static partial uint NtClose(nint handle);

    /// <summary>IO_STATUS_BLOCK.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct StatusBlock
    {
        public nint Status;
        public nuint Information;
    }

    /// <summary>UNICODE_STRING; lengths are in bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct UnicodeString
    {
        public ushort Length;
        public ushort MaximumLength;
        public char* Buffer;
    }

    /// <summary>OBJECT_ATTRIBUTES.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ObjectAttributes
    {
        public uint Length;
        public nint RootDirectory;
        public UnicodeString* ObjectName;
        public uint Attributes;
        public void* SecurityDescriptor;
        public void* SecurityQualityOfService;
    }
}
