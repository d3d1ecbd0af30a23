using System.Globalization;
using System.Net;
using System.Net.Sockets;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests;

/// <summary>Every address and every length of every function, one wrong at a time: a fault, nothing written, nothing done.</summary>
[Trait("Security", "WO-01")]
public sealed class AddressTests
{
    private const uint Directory = 3;
    private const uint Listener = 4;
    private const uint File = 5;
    private const uint Connection = 6;

    private const uint Scratch = 8192;
    private const uint FirstPath = 1024;
    private const uint SecondPath = 1040;
    private const uint Vector = 2048;

    // P12: the address of 12 bytes. A16: an address, and behind it the length 16 of what is there. S, T: address and length of the path of a file and of one
    // that is not there. V: address and count of one vector. Others are numbers, with an L at the end of 64 bits.
    private static readonly string[] s_calls =
    [
        "args_get P4 P2", "args_sizes_get P4 P4", "environ_get P4 P4", "environ_sizes_get P4 P4", "clock_res_get 0 P8", "clock_time_get 0 0L P8",
        "fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get 5 P24", "fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_filestat_get 5 P64",
        "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread 5 V 0L P4", "fd_prestat_get 3 P8", "fd_prestat_dir_name 3 A1", "fd_pwrite 5 V 0L P4",
        "fd_read 5 V P4", "fd_readdir 3 A100 0L P4", "fd_renumber", "fd_seek 5 1L 0 P8", "fd_sync", "fd_tell 5 P8", "fd_write 5 V P4",
        "path_create_directory 3 T", "path_filestat_get 3 0 S P64", "path_filestat_set_times 3 0 S 1L 2L 5", "path_link 3 0 S 3 T", "path_open 3 0 S 0 2L 0L 0 P4",
        "path_readlink 3 S A16 P4", "path_remove_directory 3 S", "path_rename 3 S 3 T", "path_symlink T 3 T", "path_unlink_file 3 S",
        "poll_oneoff P48 P32 1 P4", "proc_exit", "proc_raise", "sched_yield", "random_get A16", "sock_accept 4 0 P4", "sock_recv 6 V 0 P4 P2", "sock_send 6 V 0 P4",
        "sock_shutdown",
    ];

    public static TheoryData<string> Calls => [.. s_calls.Where(static call => call.Contains(' ', StringComparison.Ordinal))];

    [Fact]
    public void No_function_is_left_out()
    {
        Assert.Equal(WasiFunctions.All.Select(static function => function.Name), s_calls.Select(static call => call.Split(' ')[0]));

        // What is no pointer, nor a length that belongs to one, is called one of these.
        string[] numbers = ["fd", "offset", "length", "advice", "flags", "rights", "inheriting", "size", "access", "modification", "from", "to", "code", "signal", "how", "caller"];
        string[] withMemory = [.. WasiFunctions.All.Where(function => function.In(Snapshot.Preview1).Method.GetParameters().Any(parameter => !numbers.Contains(parameter.Name))).Select(static function => function.Name)];
        Assert.Equal(withMemory, Calls.Select(static row => row.Data.Split(' ')[0]));
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public void A_wrong_address_is_a_fault_and_nothing_happens(string call)
    {
        var files = new InMemoryFileSystem();
        files.WriteAllText("f", "content");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndpoint);
        using var guest = new Guest(WasiOptions.Default.WithFileSystem(files).WithListener(listener) with { Arguments = ["x"], Environment = [new("A", "1")] });
        guest.Memory.WriteString(FirstPath, "f");
        guest.Memory.WriteString(SecondPath, "g");
        Assert.Equal(Errno.Success, guest.Call("path_open", Directory, 0, FirstPath, 1, 0, (ulong)Rights.File, 0L, 0, 0));
        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, 0));
        Assert.Equal((int)Connection, guest.Memory.ReadInt32(0));
        client.Send("waiting"u8);
        PollTests.WaitFor(guest, EventType.FdRead, Connection);
        using var second = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        second.Connect(listener.LocalEndpoint);
        guest.Memory.GetSpan(Vector - 1024, 1024).Clear();
        guest.Memory.WriteString(FirstPath, "f");
        guest.Memory.WriteString(SecondPath, "g");
        guest.WriteVector(Vector, Scratch, 4);
        byte[] before = guest.Memory.GetSpan(0, (int)Guest.MemorySize).ToArray();

        (string name, List<object> arguments, List<Parameter> parameters) = Parse(call);
        foreach (Parameter parameter in parameters)
        {
            foreach (object wrong in parameter.WrongValues())
            {
                object valid = arguments[parameter.Index];
                arguments[parameter.Index] = wrong;
                Errno errno = guest.Call(name, [.. arguments]);
                Assert.True(errno == Errno.Fault, $"argument {parameter.Index} = {wrong}: {errno}");
                arguments[parameter.Index] = valid;
                Assert.True(guest.Memory.GetSpan(0, (int)Guest.MemorySize).SequenceEqual(before), $"argument {parameter.Index} = {wrong}: memory has changed");
            }

            if (parameter.IsVectors)
            {
                // What a vector points to counts like an address of one's own.
                foreach ((uint address, uint length) in ((uint, uint)[])[(Guest.MemorySize - 3, 4), (Guest.MemorySize + 1, 0), (0, Guest.MemorySize + 1), (uint.MaxValue, uint.MaxValue), (Scratch, uint.MaxValue)])
                {
                    guest.WriteVector(Vector, address, length);
                    Assert.Equal(Errno.Fault, guest.Call(name, [.. arguments]));
                }

                guest.WriteVector(Vector, Scratch, 4);
                Assert.True(guest.Memory.GetSpan(0, (int)Guest.MemorySize).SequenceEqual(before));
            }
        }

        // Nothing was opened, taken, written, moved or removed.
        Assert.Equal("content", files.ReadAllText("f"));
        Assert.False(files.Exists("g"));
        Assert.Equal(Errno.Success, guest.Call("fd_tell", File, 0));
        Assert.Equal(0, guest.Memory.ReadInt64(0));
        Assert.Equal(0, client.Available);
        Assert.Equal((Errno.Success, "waiting"), guest.Read(Connection, 100));
        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, 0));
        Assert.Equal((int)Connection + 1, guest.Memory.ReadInt32(0));
    }

    private static (string Name, List<object> Arguments, List<Parameter> Parameters) Parse(string call)
    {
        string[] words = call.Split(' ');
        var arguments = new List<object>();
        var parameters = new List<Parameter>();
        foreach (string word in words.Skip(1))
        {
            int index = arguments.Count;
            uint size = word.Length > 1 && char.IsLetter(word[0]) ? uint.Parse(word.AsSpan(1), CultureInfo.InvariantCulture) : 0;
            switch (word[0])
            {
                case 'P':
                    parameters.Add(new Parameter(index, size, IsLength: false, IsVectors: false));
                    arguments.Add(Scratch + (uint)(256 * index));
                    break;
                case 'A':
                    parameters.Add(new Parameter(index, size, IsLength: false, IsVectors: false));
                    parameters.Add(new Parameter(index + 1, 0, IsLength: true, IsVectors: false));
                    arguments.Add(Scratch + (uint)(256 * index));
                    arguments.Add(size);
                    break;
                case 'S' or 'T':
                    parameters.Add(new Parameter(index, 1, IsLength: false, IsVectors: false));
                    parameters.Add(new Parameter(index + 1, 0, IsLength: true, IsVectors: false));
                    arguments.Add(word == "S" ? FirstPath : SecondPath);
                    arguments.Add(1u);
                    break;
                case 'V':
                    parameters.Add(new Parameter(index, IoVectors.EntrySize, IsLength: false, IsVectors: true));
                    parameters.Add(new Parameter(index + 1, 0, IsLength: true, IsVectors: false));
                    arguments.Add(Vector);
                    arguments.Add(1u);
                    break;
                default:
                    arguments.Add(word.EndsWith('L') ? long.Parse(word.AsSpan(0, word.Length - 1), CultureInfo.InvariantCulture) : uint.Parse(word, CultureInfo.InvariantCulture));
                    break;
            }
        }

        return (words[0], arguments, parameters);
    }

    private sealed record Parameter(int Index, uint Size, bool IsLength, bool IsVectors)
    {
        public IEnumerable<object> WrongValues()
        {
            uint[] values = IsLength
                ? [Guest.MemorySize, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF8, uint.MaxValue]
                : [Guest.MemorySize - Size + 1, Guest.MemorySize, Guest.MemorySize + 1, 0x7FFF_FFFF, 0x8000_0000, unchecked(0 - Size), uint.MaxValue];
            return values.Select(static value => (object)value);
        }
    }
}
