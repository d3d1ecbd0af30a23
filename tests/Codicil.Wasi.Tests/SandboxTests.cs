using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class SandboxTests
{
    // Calls on standard input with all else valid; P are addresses, each with the number of bytes that must be inside.
    public static TheoryData<string, string> Calls => new()
    {
        { "args_sizes_get", "P4 P4" },
        { "environ_sizes_get", "P4 P4" },
        { "args_get", "P4 P2" },
        { "environ_get", "P4 P4" },
        { "clock_res_get", "0 P8" },
        { "clock_time_get", "1 0L P8" },
        { "fd_fdstat_get", "0 P24" },
        { "fd_filestat_get", "0 P64" },
        { "fd_read", "0 P8 1 P4" },
        { "fd_write", "1 P8 1 P4" },
        { "poll_oneoff", "P48 P32 1 P4" },
        { "random_get", "P16 16" },
    };

    [Theory]
    [Trait("Security", "WO-01")]
    [MemberData(nameof(Calls))]
    public void An_address_outside_of_the_memory_is_a_fault_and_changes_nothing(string name, string pattern)
    {
        using var guest = new Guest(WasiOptions.Default with { Arguments = ["x"], Environment = [new("A", "1")] });
        string[] parts = pattern.Split(' ');
        for (int bad = 0; bad < parts.Length; bad++)
        {
            if (parts[bad][0] != 'P')
            {
                continue;
            }

            uint size = uint.Parse(parts[bad].AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);
            foreach (uint address in (uint[])[Guest.MemorySize - size + 1, Guest.MemorySize - 1, Guest.MemorySize, Guest.MemorySize + 1, 0x7FFF_FFFF, 0x8000_0000, uint.MaxValue - size + 1, uint.MaxValue])
            {
                if (size == 1 && address == Guest.MemorySize - 1)
                {
                    continue;
                }

                int other = bad;
                object?[] arguments = [.. parts.Select((part, index) => part[0] switch
                {
                    'P' => index == other ? address : (object)(uint)(4096 * (index + 1)),
                    _ => part.EndsWith('L') ? 0L : int.Parse(part, System.Globalization.CultureInfo.InvariantCulture),
                })];
                Assert.Equal(Errno.Fault, guest.Call(name, arguments));
                Assert.False(guest.Memory.GetSpan(0, (int)Guest.MemorySize).ContainsAnyExcept((byte)0));
            }

            object?[] last = [.. parts.Select((part, index) => part[0] switch
            {
                'P' => index == bad ? Guest.MemorySize - size : (object)(uint)(4096 * (index + 1)),
                _ => part.EndsWith('L') ? 0L : int.Parse(part, System.Globalization.CultureInfo.InvariantCulture),
            })];
            Assert.Equal(Errno.Success, guest.Call(name, last));
            guest.Memory.GetSpan(0, (int)Guest.MemorySize).Clear();
        }
    }

    [Theory]
    [Trait("Security", "WO-06")]
    [InlineData(0u, 57)]
    [InlineData(1u, 57)]
    [InlineData(2u, 57)]
    [InlineData(3u, 8)]
    [InlineData(0x7FFF_FFFFu, 8)]
    [InlineData(uint.MaxValue, 8)]
    public void There_are_no_sockets(uint fd, int errno)
    {
        var expected = (Errno)errno;
        using var guest = new Guest();
        Assert.Equal(expected, guest.Call("sock_accept", fd, 0, 0));
        Assert.Equal(expected, guest.Call("sock_recv", fd, 0, 0, 0, 0, 4));
        Assert.Equal(expected, guest.Call("sock_send", fd, 0, 0, 0, 0));
        Assert.Equal(expected, guest.Call("sock_shutdown", fd, 3));
    }

    [Theory]
    [Trait("Security", "WO-06")]
    [Trait("Parity", "WAZ-18")]
    [InlineData(0u, 54)]
    [InlineData(1u, 54)]
    [InlineData(3u, 8)]
    [InlineData(4u, 8)]
    [InlineData(uint.MaxValue, 8)]
    public void There_are_no_files(uint fd, int errno)
    {
        var expected = (Errno)errno;
        using var guest = new Guest();
        int length = guest.Memory.WriteString(0, "/etc/passwd");
        Assert.Equal(expected, guest.Call("path_open", fd, 1, 0, length, 0, -1L, -1L, 0, 100));
        Assert.Equal(expected, guest.Call("path_create_directory", fd, 0, length));
        Assert.Equal(expected, guest.Call("path_filestat_get", fd, 1, 0, length, 100));
        Assert.Equal(expected, guest.Call("path_filestat_set_times", fd, 1, 0, length, 0L, 0L, 0));
        Assert.Equal(expected, guest.Call("path_link", fd, 1, 0, length, fd, 0, length));
        Assert.Equal(Errno.BadF, guest.Call("path_link", fd, 1, 0, length, 99, 0, length));
        Assert.Equal(expected, guest.Call("path_readlink", fd, 0, length, 200, 100, 100));
        Assert.Equal(expected, guest.Call("path_remove_directory", fd, 0, length));
        Assert.Equal(expected, guest.Call("path_rename", fd, 0, length, fd, 0, length));
        Assert.Equal(expected, guest.Call("path_symlink", 0, length, fd, 0, length));
        Assert.Equal(expected, guest.Call("path_unlink_file", fd, 0, length));
        Assert.Equal(Errno.BadF, guest.Call("fd_prestat_get", fd, 100));
    }

    [Fact]
    public void Snapshot_0_has_the_same_functions_but_one()
    {
        using var output = new MemoryStream();
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = output }, moduleName: "wasi_unstable");
        Assert.Equal(Errno.Success, guest.Write(1, "hello"));
        Assert.Equal(5, output.Length);
        Assert.Null(guest.Instance.GetFunction("sock_accept"));
        Assert.Equal(Errno.Fault, guest.Call("fd_filestat_get", 0, Guest.MemorySize - 55));
        Assert.Equal(Errno.Success, guest.Call("fd_filestat_get", 0, Guest.MemorySize - 56));
    }
}
