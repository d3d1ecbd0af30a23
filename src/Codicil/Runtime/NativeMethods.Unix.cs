using System.Runtime.InteropServices;

namespace Codicil.Runtime;

/// <summary>The C library's functions that memory, signals and stacks need. Numbers that differ between systems are properties of <see cref="NativeMemoryMap"/>.</summary>
internal static unsafe partial class NativeMethods
{
    public const int ProtectionNone = 0;
    public const int ProtectionReadWrite = 3;
    public const int ProtectionReadExecute = 5;
    public const int SignalSegmentationViolation = 11;

    /// <summary>The size of a buffer that holds any C library's <c>struct sigaction</c> or <c>pthread_attr_t</c> (152 and 64 bytes on the largest).</summary>
    public const int NativeStructSize = 256;

    [LibraryImport("libc", EntryPoint = "mmap")]
    public static partial nint MapMemory(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int UnmapMemory(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    public static partial int ProtectMemory(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "madvise")]
    public static partial int AdviseMemory(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "sigaction")]
    public static partial int SetSignalAction(int signal, void* action, void* oldAction);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    public static partial int GetResourceLimit(int resource, ulong* softAndHard);

    [LibraryImport("libc", EntryPoint = "pthread_self")]
    public static partial nint CurrentThread();

    [LibraryImport("libc", EntryPoint = "pthread_getattr_np")]
    public static partial int GetThreadAttributes(nint thread, void* attributes);

    [LibraryImport("libc", EntryPoint = "pthread_attr_getstack")]
    public static partial int GetStackAttribute(void* attributes, nint* address, nuint* size);

    [LibraryImport("libc", EntryPoint = "pthread_attr_getguardsize")]
    public static partial int GetGuardSizeAttribute(void* attributes, nuint* size);

    [LibraryImport("libc", EntryPoint = "pthread_attr_destroy")]
    public static partial int DestroyThreadAttributes(void* attributes);

    [LibraryImport("libc", EntryPoint = "pthread_get_stackaddr_np")]
    public static partial nint GetStackHighestAddressOnMacOS(nint thread);

    [LibraryImport("libc", EntryPoint = "pthread_get_stacksize_np")]
    public static partial nuint GetStackSizeOnMacOS(nint thread);
}
