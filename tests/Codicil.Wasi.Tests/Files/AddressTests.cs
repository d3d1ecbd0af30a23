using System.Globalization;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.Files;

/// <summary>Every address and length that a function of files takes. Descriptor 3 is a directory, 4 a file.</summary>
[Trait("Security", "WO-01")]
public sealed class AddressTests
{
    // P are addresses, each with the number of bytes that must be inside; L are 64-bit numbers.
    public static TheoryData<string, string> Calls => new()
    {
        { "fd_fdstat_get", "4 P24" },
        { "fd_filestat_get", "4 P64" },
        { "fd_pread", "4 P8 1 0L P4" },
        { "fd_prestat_get", "3 P8" },
        { "fd_prestat_dir_name", "3 P5 5" },
        { "fd_pwrite", "4 P8 1 0L P4" },
        { "fd_read", "4 P8 1 P4" },
        { "fd_readdir", "3 P100 100 0L P4" },
        { "fd_seek", "4 0L 0 P8" },
        { "fd_tell", "4 P8" },
        { "fd_write", "4 P8 1 P4" },
        { "path_create_directory", "3 P4 4" },
        { "path_filestat_get", "3 0 P4 4 P64" },
        { "path_filestat_set_times", "3 0 P4 4 0L 0L 0" },
        { "path_link", "3 0 P4 4 3 P4 4" },
        { "path_open", "3 0 P4 4 0 0L 0L 0 P4" },
        { "path_readlink", "3 P4 4 P16 16 P4" },
        { "path_remove_directory", "3 P4 4" },
        { "path_rename", "3 P4 4 3 P4 4" },
        { "path_symlink", "P4 4 3 P4 4" },
        { "path_unlink_file", "3 P4 4" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public void An_address_outside_of_the_memory_is_a_fault_and_changes_nothing(string name, string pattern)
    {
        var fileSystem = new InMemoryFileSystem();
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem, "/data"));
        Assert.Equal(4u, guest.Open("file", OFlags.Create));
        Memory memory = guest.Guest.Memory;
        memory.GetSpan(0, (int)Guest.MemorySize).Clear();
        long used = fileSystem.UsedBytes;
        string[] parts = pattern.Split(' ');
        for (int bad = 0; bad < parts.Length; bad++)
        {
            if (parts[bad][0] != 'P')
            {
                continue;
            }

            uint size = uint.Parse(parts[bad].AsSpan(1), CultureInfo.InvariantCulture);
            foreach (uint address in (uint[])[Guest.MemorySize - size + 1, Guest.MemorySize - 1, Guest.MemorySize, Guest.MemorySize + 1, 0x7FFF_FFFF, 0x8000_0000, uint.MaxValue - size + 1, uint.MaxValue])
            {
                Assert.Equal(Errno.Fault, guest.Guest.Call(name, Arguments(parts, bad, address)));
                Assert.False(memory.GetSpan(0, (int)Guest.MemorySize).ContainsAnyExcept((byte)0));
            }

            Assert.NotEqual(Errno.Fault, guest.Guest.Call(name, Arguments(parts, bad, Guest.MemorySize - size)));
            memory.GetSpan(0, (int)Guest.MemorySize).Clear();
        }

        // Lengths, which stand after their addresses.
        for (int length = 1; length < parts.Length; length++)
        {
            if (parts[length - 1][0] != 'P' || parts[length][0] == 'P' || parts[length].EndsWith('L'))
            {
                continue;
            }

            foreach (uint huge in (uint[])[Guest.MemorySize, 0x7FFF_FFFF, 0x8000_0000, uint.MaxValue - 4096, uint.MaxValue])
            {
                object?[] arguments = Arguments(parts, -1, 0);
                arguments[length] = huge;
                Assert.Equal(Errno.Fault, guest.Guest.Call(name, arguments));
                Assert.False(memory.GetSpan(0, (int)Guest.MemorySize).ContainsAnyExcept((byte)0));
            }
        }

        Assert.Equal(["file"], guest.Names(3));
        Assert.Equal(0UL, guest.GetStatus(4).Size);
        Assert.Equal(used, fileSystem.UsedBytes);
    }

    [Theory]
    [InlineData("fd_read")]
    [InlineData("fd_write")]
    [InlineData("fd_pread")]
    [InlineData("fd_pwrite")]
    public void A_vector_outside_of_the_memory_is_found_before_anything_moves(string name)
    {
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(new InMemoryFileSystem()));
        Assert.Equal(Errno.Success, guest.WriteFile("file", "contents"));
        uint file = guest.Open("file");
        foreach ((uint address, uint length) in (IEnumerable<(uint, uint)>)[(Guest.MemorySize - 3, 4), (Guest.MemorySize + 1, 0), (0, Guest.MemorySize + 1), (0, uint.MaxValue), (uint.MaxValue, uint.MaxValue), (1u << 31, 1u << 31)])
        {
            guest.Guest.WriteVector(0, 2048, 4);
            guest.Guest.WriteVector(8, address, length);
            guest.Guest.Memory.WriteInt32(2048, 0x55555555);
            object?[] arguments = name.StartsWith("fd_p", StringComparison.Ordinal) ? [file, 0, 2, 0L, FileGuest.Result] : [file, 0, 2, FileGuest.Result];
            Assert.Equal(Errno.Fault, guest.Guest.Call(name, arguments));
            Assert.Equal(0x55555555, guest.Guest.Memory.ReadInt32(2048));
        }

        Assert.Equal(Errno.Success, guest.Seek(file, 0, Whence.Current, out long position));
        Assert.Equal(0, position);
        Assert.Equal("contents", guest.ReadFile("file"));
    }

    private static object?[] Arguments(string[] parts, int bad, uint address) =>
        [.. parts.Select((part, index) => part[0] switch
        {
            'P' => index == bad ? address : (object)(uint)(4096 * (index + 1)),
            _ => part.EndsWith('L') ? 0L : int.Parse(part, CultureInfo.InvariantCulture),
        })];
}
