using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class AbiTests
{
    // Name, then the core parameters (i, I = i32, i64) and the result, from wasi_snapshot_preview1.witx.
    internal static IReadOnlyList<string> Signatures { get; } =
    [
        "args_get ii:i", "args_sizes_get ii:i", "environ_get ii:i", "environ_sizes_get ii:i", "clock_res_get ii:i", "clock_time_get iIi:i",
        "fd_advise iIIi:i", "fd_allocate iII:i", "fd_close i:i", "fd_datasync i:i", "fd_fdstat_get ii:i", "fd_fdstat_set_flags ii:i",
        "fd_fdstat_set_rights iII:i", "fd_filestat_get ii:i", "fd_filestat_set_size iI:i", "fd_filestat_set_times iIIi:i", "fd_pread iiiIi:i",
        "fd_prestat_get ii:i", "fd_prestat_dir_name iii:i", "fd_pwrite iiiIi:i", "fd_read iiii:i", "fd_readdir iiiIi:i", "fd_renumber ii:i",
        "fd_seek iIii:i", "fd_sync i:i", "fd_tell ii:i", "fd_write iiii:i", "path_create_directory iii:i", "path_filestat_get iiiii:i",
        "path_filestat_set_times iiiiIIi:i", "path_link iiiiiii:i", "path_open iiiiiIIii:i", "path_readlink iiiiii:i", "path_remove_directory iii:i",
        "path_rename iiiiii:i", "path_symlink iiiii:i", "path_unlink_file iii:i", "poll_oneoff iiii:i", "proc_exit i:", "proc_raise i:i",
        "sched_yield :i", "random_get ii:i", "sock_accept iii:i", "sock_recv iiiiii:i", "sock_send iiiii:i", "sock_shutdown ii:i",
    ];

    [Fact]
    public void All_46_functions_are_defined_with_their_signatures()
    {
        string[] defined = [.. WasiFunctions.All.Select(function => $"{function.Name} {Describe(function.In(Snapshot.Preview1))}")];
        Assert.Equal(46, defined.Length);
        Assert.Equal(Signatures, defined);
        Assert.Equal(Signatures, WasiFunctions.All.Select(function => $"{function.Name} {Describe(function.In(Snapshot.Unstable))}"));
    }

    [Fact]
    public void The_layouts_of_filestat_differ_in_the_link_count()
    {
        var status = new FileStatus(1, 2, FileType.RegularFile, 0x1_0000_0003, 4, 5, 6, 7);
        var preview1 = new byte[64];
        status.Write(preview1, Snapshot.Preview1);
        Assert.Equal([1, 2, 4, 0x1_0000_0003, 4, 5, 6, 7], Words(preview1));
        var unstable = new byte[56];
        status.Write(unstable, Snapshot.Unstable);
        Assert.Equal([1, 2, 4 | (0xFFFF_FFFFUL << 32), 4, 5, 6, 7], Words(unstable));
    }

    [Fact]
    public void Snapshot_0_numbers_whence_otherwise()
    {
        Assert.Equal([Whence.Set, Whence.Current, Whence.End], Enumerable.Range(0, 3).Select(number => Get(Snapshot.Preview1, (uint)number)));
        Assert.Equal([Whence.Current, Whence.End, Whence.Set], Enumerable.Range(0, 3).Select(number => Get(Snapshot.Unstable, (uint)number)));
        Assert.False(Snapshot.Preview1.TryGetWhence(3, out _));
        Assert.False(Snapshot.Preview1.TryGetWhence(uint.MaxValue, out _));

        static Whence Get(Snapshot snapshot, uint number) => snapshot.TryGetWhence(number, out Whence whence) ? whence : throw new InvalidOperationException();
    }

    [Fact]
    public void Errors_have_WASIs_numbers()
    {
        Assert.Equal(77, Enum.GetValues<Errno>().Length);
        Assert.Equal(8, (int)Errno.BadF);
        Assert.Equal(21, (int)Errno.Fault);
        Assert.Equal(28, (int)Errno.Inval);
        Assert.Equal(41, (int)Errno.NFile);
        Assert.Equal(54, (int)Errno.NotDir);
        Assert.Equal(57, (int)Errno.NotSock);
        Assert.Equal(70, (int)Errno.SPipe);
        Assert.Equal(76, (int)Errno.NotCapable);
    }

    private static ulong[] Words(byte[] bytes) => [.. bytes.Chunk(8).Select(word => BitConverter.ToUInt64(word))];

    private static string Describe(BoundImport function)
    {
        IEnumerable<Type> parameters = function.Method.GetParameters().SkipLast(1).Select(parameter => parameter.ParameterType);
        return string.Concat(parameters.Select(Letter)) + ":" + (function.Method.ReturnType == typeof(void) ? "" : Letter(function.Method.ReturnType));
    }

    private static string Letter(Type type) =>
        type == typeof(uint) || type == typeof(int) ? "i" : type == typeof(ulong) ? "I" : throw new InvalidOperationException($"{type} in a signature");
}
