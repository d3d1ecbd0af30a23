using System.Text.RegularExpressions;

namespace Codicil.Tests;

/// <summary>Unsafe code is in a short list of files, and says there why it is sound.</summary>
public sealed partial class UnsafeConfinementTests
{
    private static readonly string[] s_files =
    [
        // The plug-in kernel reads and writes its memory by address.
        "src/Codicil.Plugins/Kernel.cs",

        // Emits Unsafe.As for the host's delegates, whose type was checked when the thunk was chosen.
        "src/Codicil/Compiler/Adapters.Thunks.cs",

        // Checked ranges of a guest's memory.
        "src/Codicil.Wasi/GuestMemory.cs",

        // The system's calls on files, straight on guests' memory.
        "src/Codicil.Wasi/HostFiles/AppleDirectoryStream.cs",
        "src/Codicil.Wasi/HostFiles/NativeMethods.Unix.cs",
        "src/Codicil.Wasi/HostFiles/NativeMethods.Windows.cs",
        "src/Codicil.Wasi/HostFiles/NtFiles.cs",
        "src/Codicil.Wasi/HostFiles/UnixCalls.cs",

        // Iterates a list by reference.
        "src/Codicil/Compiler/FunctionEmitter.Control.cs",

        // Addresses of code and of pinned arrays.
        "src/Codicil/Execution/CodeVariant.cs",
        "src/Codicil/Runtime/EntryOps.cs",
        "src/Codicil/Runtime/ExecutionContext.cs",
        "src/Codicil/Runtime/ManagedStore.Entry.cs",
        "src/Codicil/Runtime/ThreadStack.cs",

        // Fields of structures by their offsets, and bytes that become elements.
        "src/Codicil/Runtime/ArrayInstance.cs",
        "src/Codicil/Runtime/StructInstance.cs",
        "src/Codicil/Semantics/GcOps.cs",

        // Atomic operations at checked addresses.
        "src/Codicil/Semantics/AtomicOps.cs",

        // Linear memory and the system's calls.
        "src/Codicil/Runtime/AddressSpace.cs",
        "src/Codicil/Runtime/BulkMemory.cs",
        "src/Codicil/Runtime/LinearMemory.Bulk.cs",
        "src/Codicil/Runtime/LinearMemory.cs",
        "src/Codicil/Runtime/NativeMemoryMap.cs",
        "src/Codicil/Runtime/NativeMethods.Unix.cs",
        "src/Codicil/Runtime/NativeMethods.Windows.cs",
        "src/Codicil/Runtime/SignalFilter.cs",

        // The standard streams by the system's calls.
        "src/Codicil.Wasi/UnixStandardStream.cs",
    ];

    [Fact]
    public void Unsafe_code_is_in_the_listed_files_only() =>
        Assert.Empty(Repository.SourceFiles("src").Where(static path => UsesUnsafe().IsMatch(WithoutComments(path))).Except(s_files));

    [Fact]
    public void The_list_names_no_file_without_unsafe_code() =>
        Assert.All(s_files, static path => Assert.Matches(UsesUnsafe(), WithoutComments(path)));

    [Fact]
    public void Files_with_pointers_say_why_they_are_sound()
    {
        foreach (string path in s_files.Where(static path => !path.Contains("NativeMethods", StringComparison.Ordinal) && Pointers().IsMatch(WithoutComments(path))))
        {
            Assert.Contains("// SAFETY:", Repository.Read(path), StringComparison.Ordinal);
        }
    }

    private static string WithoutComments(string path) => Comments().Replace(Repository.Read(path), "");

    [GeneratedRegex(@"\bunsafe\b|(?<![A-Za-z])Unsafe\.|\bMemoryMarshal\.|\bCollectionsMarshal\.|\bMarshal\.|\bstackalloc\b[^;]*\*")]
    private static partial Regex UsesUnsafe();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex Pointers();

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comments();
}
