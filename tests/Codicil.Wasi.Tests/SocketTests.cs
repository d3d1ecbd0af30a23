using System.Net;
using System.Net.Sockets;
using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

[Trait("Parity", "WAZ-17")]
public sealed class SocketTests
{
    private const uint Listener = 3;
    private const uint Result = 100;
    private const uint ResultFlags = 104;

    [Fact]
    public void A_program_accepts_receives_and_sends()
    {
        using Pair pair = Connect();
        Assert.Equal(4u, pair.Fd);
        pair.Client.Send("hello"u8);
        Assert.Equal((Errno.Success, "hello"), pair.Receive(100));
        Assert.Equal(0, pair.Guest.Memory.ReadByte(ResultFlags));
        Assert.Equal(Errno.Success, pair.Send("world"));
        Assert.Equal("world", pair.ReadClient(5));

        // fd_read and fd_write are the same without flags.
        pair.Client.Send("again"u8);
        Assert.Equal((Errno.Success, "agai"), pair.Guest.Read(pair.Fd, 4));
        Assert.Equal((Errno.Success, "n"), pair.Guest.Read(pair.Fd, 4));
        Assert.Equal(Errno.Success, pair.Guest.Write(pair.Fd, "and back"));
        Assert.Equal("and back", pair.ReadClient(8));
        Assert.Equal(Errno.Success, pair.Guest.Call("fd_close", pair.Fd));
        Assert.Equal(0, pair.Client.Receive(new byte[1]));
        Assert.Equal(Errno.BadF, pair.Send("x"));
    }

    [Fact]
    public void The_end_of_a_connection_is_an_empty_read()
    {
        using Pair pair = Connect();
        pair.Client.Send("last"u8);
        pair.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal((Errno.Success, "last"), pair.Receive(100));
        Assert.Equal((Errno.Success, ""), pair.Receive(100));
        Assert.Equal((Errno.Success, ""), pair.Guest.Read(pair.Fd, 100));
        Assert.Equal(Errno.Success, pair.Send("still there"));
        Assert.Equal("still there", pair.ReadClient(11));
    }

    [Fact]
    public void Looking_ahead_takes_nothing()
    {
        using Pair pair = Connect();
        pair.Client.Send("0123456789"u8);
        Assert.Equal((Errno.Success, "012"), pair.Receive(3, ReceiveFlags.Peek));

        // Beyond what was seen before.
        Assert.Equal((Errno.Success, "0123456789"), pair.Receive(10, ReceiveFlags.Peek | ReceiveFlags.WaitAll));
        Assert.Equal((Errno.Success, "01"), pair.Receive(2));
        pair.Client.Send("ab"u8);
        pair.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal((Errno.Success, "23456789ab"), pair.Receive(100, ReceiveFlags.Peek | ReceiveFlags.WaitAll));
        Assert.Equal((Errno.Success, "23456789ab"), pair.Receive(100, ReceiveFlags.WaitAll));
        Assert.Equal((Errno.Success, ""), pair.Receive(100, ReceiveFlags.Peek));
    }

    [Fact]
    public async Task Looking_far_ahead_sees_64_KiB_and_loses_nothing()
    {
        using Pair pair = Connect();
        byte[] sent = [.. Enumerable.Range(0, 100_000).Select(static value => (byte)(value * 7 >> 3))];
        Task<int> sending = pair.Client.SendAsync(sent);
        pair.Guest.WriteVector(0, 4096, 30_000);
        pair.Guest.WriteVector(8, 34_096, 30_000);
        pair.Guest.WriteVector(16, 64_096, 1_440);
        Assert.Equal(Errno.Success, pair.Guest.Call("sock_recv", pair.Fd, 0, 3, (int)(ReceiveFlags.Peek | ReceiveFlags.WaitAll), Result, ResultFlags));
        Assert.Equal(61_440, pair.Guest.Memory.ReadInt32(Result));
        Assert.True(pair.Guest.Memory.GetSpan(4096, 61_440).SequenceEqual(sent.AsSpan(0, 61_440)));

        // More than is ever seen: the same page four times is 240 KiB.
        for (uint i = 0; i < 4; i++)
        {
            pair.Guest.WriteVector(8 * i, 4096, 61_440);
        }

        Assert.Equal(Errno.Success, pair.Guest.Call("sock_recv", pair.Fd, 0, 4, (int)(ReceiveFlags.Peek | ReceiveFlags.WaitAll), Result, ResultFlags));
        Assert.Equal(65_536, pair.Guest.Memory.ReadInt32(Result));
        var received = new List<byte>();
        while (received.Count < sent.Length)
        {
            pair.Guest.WriteVector(0, 4096, 10_000);
            Assert.Equal(Errno.Success, pair.Guest.Call("sock_recv", pair.Fd, 0, 1, 0, Result, ResultFlags));
            received.AddRange(pair.Guest.Memory.GetSpan(4096, pair.Guest.Memory.ReadInt32(Result)));
        }

        Assert.Equal(sent, received);
        Assert.Equal(sent.Length, await sending);
    }

    [Fact]
    public void Looking_ahead_fills_buffers_in_order()
    {
        using Pair pair = Connect();
        pair.Client.Send("0123456789"u8);
        pair.Guest.WriteVector(0, 1000, 3);
        pair.Guest.WriteVector(8, 500, 0);
        pair.Guest.WriteVector(16, 2000, 100);
        foreach (ReceiveFlags flags in (ReceiveFlags[])[ReceiveFlags.Peek, ReceiveFlags.None])
        {
            pair.Guest.Memory.GetSpan(1000, 10).Clear();
            pair.Guest.Memory.GetSpan(2000, 10).Clear();
            Assert.Equal(Errno.Success, pair.Guest.Call("sock_recv", pair.Fd, 0, 3, (int)flags, Result, ResultFlags));
            Assert.Equal(10, pair.Guest.Memory.ReadInt32(Result));
            Assert.Equal("012", pair.Guest.Memory.ReadString(1000, 3));
            Assert.Equal("3456789", pair.Guest.Memory.ReadString(2000, 7));
        }
    }

    [Fact]
    public async Task Waiting_for_all_goes_on_until_the_buffers_are_full_or_the_end()
    {
        using Pair pair = Connect();
        Task<(Errno, string)> receive = Task.Run(() => pair.Receive(10, ReceiveFlags.WaitAll));
        foreach (byte part in "0123456789ab"u8.ToArray())
        {
            await pair.Client.SendAsync(new[] { part });
        }

        Assert.Equal((Errno.Success, "0123456789"), await receive);
        pair.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal((Errno.Success, "ab"), pair.Receive(10, ReceiveFlags.WaitAll));
    }

    [Fact]
    public void Many_small_pieces_and_large_ones_arrive_in_order()
    {
        using Pair pair = Connect();
        pair.Guest.Memory.WriteString(1000, "one");
        pair.Guest.Memory.WriteString(2000, "two");
        pair.Guest.WriteVector(0, 1000, 3);
        pair.Guest.WriteVector(8, 3000, 0);
        pair.Guest.WriteVector(16, 2000, 3);
        Assert.Equal(Errno.Success, pair.Guest.Call("sock_send", pair.Fd, 0, 3, 0, Result));
        Assert.Equal(6, pair.Guest.Memory.ReadInt32(Result));
        Assert.Equal("onetwo", pair.ReadClient(6));
        pair.Guest.WriteVector(16, 2000, 60_000);
        Assert.Equal(Errno.Success, pair.Guest.Call("fd_write", pair.Fd, 0, 3, Result));
        Assert.Equal(60_003, pair.Guest.Memory.ReadInt32(Result));
        Assert.StartsWith("onetwo\0\0", pair.ReadClient(60_003), StringComparison.Ordinal);
    }

    [Fact]
    public void What_would_wait_is_again_for_a_program_that_will_not()
    {
        using Pair pair = Connect(FdFlags.NonBlock);
        Assert.Equal(Errno.Success, pair.Guest.Call("fd_fdstat_get", pair.Fd, 0));
        Assert.Equal((int)FdFlags.NonBlock, pair.Guest.Memory.ReadByte(2));
        Assert.Equal(Errno.Again, pair.Receive(10).Errno);
        Assert.Equal(Errno.Again, pair.Receive(10, ReceiveFlags.Peek | ReceiveFlags.WaitAll).Errno);
        pair.Client.Send("abc"u8);
        PollTests.WaitFor(pair.Guest, EventType.FdRead, pair.Fd);
        Assert.Equal((Errno.Success, "abc"), pair.Receive(10, ReceiveFlags.WaitAll));
        Assert.Equal(Errno.Success, pair.Guest.Call("fd_fdstat_set_flags", Listener, (int)FdFlags.NonBlock));
        Assert.Equal(Errno.Again, pair.Guest.Call("sock_accept", Listener, 0, Result));

        // Nobody reads: at some time the system has enough.
        pair.Guest.WriteVector(0, 1000, 60_000);
        Errno errno;
        long sent = 0;
        while ((errno = pair.Guest.Call("sock_send", pair.Fd, 0, 1, 0, Result)) == Errno.Success)
        {
            Assert.InRange(pair.Guest.Memory.ReadInt32(Result), 1, 60_000);
            sent += pair.Guest.Memory.ReadInt32(Result);
            Assert.True(sent < 1L << 30);
        }

        Assert.Equal(Errno.Again, errno);
        Assert.Equal([], PollTests.Ready(pair.Guest, (EventType.FdWrite, pair.Fd)));
        _ = pair.ReadClient((int)sent);
        PollTests.WaitFor(pair.Guest, EventType.FdWrite, pair.Fd);
    }

    [Fact]
    public async Task A_send_waits_for_a_slow_reader()
    {
        using Pair pair = Connect();
        const int Total = 32 * 60_000;
        Task<int> send = Task.Run(() =>
        {
            int sent = 0;
            pair.Guest.WriteVector(0, 1000, 60_000);
            while (sent < Total)
            {
                Assert.Equal(Errno.Success, pair.Guest.Call("sock_send", pair.Fd, 0, 1, 0, Result));
                Assert.Equal(60_000, pair.Guest.Memory.ReadInt32(Result));
                sent += 60_000;
            }

            return sent;
        });
        Assert.Equal(Total, pair.ReadClient(Total).Length);
        Assert.Equal(Total, await send);
    }

    [Fact]
    public void Polls_tell_of_connections_data_and_ends()
    {
        using Socket listener = Listen();
        using var guest = new Guest(WasiOptions.Default.WithSystemTime().WithListener(listener));
        Assert.Equal([], PollTests.Ready(guest, (EventType.FdRead, Listener)));
        using Socket client = ConnectTo(listener);
        PollTests.WaitFor(guest, EventType.FdRead, Listener);
        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, Result));
        Assert.Equal([EventType.FdWrite], PollTests.Ready(guest, (EventType.FdRead, 4), (EventType.FdWrite, 4), (EventType.FdRead, Listener)));
        client.Send("12345"u8);
        Assert.Equal((5, false), PollTests.WaitFor(guest, EventType.FdRead, 4));
        guest.WriteVector(0, 1024, 2);
        Assert.Equal(Errno.Success, guest.Call("sock_recv", 4, 0, 1, (int)ReceiveFlags.Peek, Result, ResultFlags));
        Assert.Equal((5, false), PollTests.WaitFor(guest, EventType.FdRead, 4));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal((Errno.Success, "12345"), guest.Read(4, 100));
        Assert.Equal((0, true), PollTests.WaitFor(guest, EventType.FdRead, 4));
    }

    [Fact]
    public void A_wait_ends_when_a_connection_comes_though_standard_input_is_waited_for_too()
    {
        using var server = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        using var input = new System.IO.Pipes.AnonymousPipeClientStream(System.IO.Pipes.PipeDirection.In, server.ClientSafePipeHandle);
        using Socket listener = Listen();
        using var guest = new Guest(WasiOptions.Default.WithSystemTime().WithListener(listener) with { StandardInput = input });
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (new Timer(_ => client.Connect(listener.LocalEndPoint!), null, 50, Timeout.Infinite))
        {
            Assert.Equal([EventType.FdRead], PollTests.Ready(guest, 3_600_000_000_000, (EventType.FdRead, 0), (EventType.FdRead, Listener)));
        }

        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, Result));
        using (new Timer(_ => server.WriteByte(1), null, 50, Timeout.Infinite))
        {
            Assert.Equal([EventType.FdRead], PollTests.Ready(guest, 3_600_000_000_000, (EventType.FdRead, 0), (EventType.FdRead, 4)));
        }
    }

    [Fact]
    public void Shutting_down_ends_a_direction()
    {
        using Pair pair = Connect();
        Assert.Equal(Errno.Inval, pair.Guest.Call("sock_shutdown", pair.Fd, 0));
        Assert.Equal(Errno.Inval, pair.Guest.Call("sock_shutdown", pair.Fd, 4));
        Assert.Equal(Errno.Inval, pair.Guest.Call("sock_shutdown", pair.Fd, -1));
        Assert.Equal(Errno.Success, pair.Guest.Call("sock_shutdown", pair.Fd, 2));
        Assert.Equal(0, pair.Client.Receive(new byte[1]));
        Assert.Equal(Errno.Pipe, pair.Send("x"));
        pair.Client.Send("in"u8);
        Assert.Equal((Errno.Success, "in"), pair.Receive(10));
        Assert.Equal(Errno.Success, pair.Guest.Call("sock_shutdown", pair.Fd, 1));
        Assert.Equal((Errno.Success, ""), pair.Receive(10));
        Assert.Equal(Errno.Success, pair.Guest.Call("fd_close", pair.Fd));
    }

    [Fact]
    public void A_reset_is_an_error_of_the_program_only()
    {
        using Pair pair = Connect();
        pair.Client.LingerState = new LingerOption(true, 0);
        pair.Client.Dispose();
        PollTests.WaitFor(pair.Guest, EventType.FdRead, pair.Fd);
        Assert.Equal(Errno.ConnReset, pair.Receive(10).Errno);
        Assert.Equal(Errno.Pipe, pair.Send("x"));
    }

    [Fact]
    [Trait("Security", "WO-06")]
    public void Rights_and_flags_are_those_of_sockets()
    {
        using Pair pair = Connect();
        Guest guest = pair.Guest;
        foreach ((uint fd, Rights has, Rights hasNot) in ((uint, Rights, Rights)[])
        [
            (Listener, Rights.SockAccept | Rights.PollFdReadWrite, Rights.FdWrite | Rights.SockShutdown | Rights.FdSeek),
            (pair.Fd, Rights.FdRead | Rights.FdWrite | Rights.SockShutdown, Rights.SockAccept | Rights.FdSeek),
        ])
        {
            Assert.Equal(Errno.Success, guest.Call("fd_fdstat_get", fd, 0));
            Assert.Equal((byte)FileType.SocketStream, guest.Memory.ReadByte(0));
            var rights = (Rights)guest.Memory.ReadInt64(8);
            Assert.Equal(has, rights & has);
            Assert.Equal(Rights.None, rights & hasNot);
            Assert.Equal(Errno.Inval, guest.Call("fd_fdstat_set_flags", fd, (int)FdFlags.Append));
            Assert.Equal(Errno.Success, guest.Call("fd_filestat_get", fd, 0));
            Assert.Equal((byte)FileType.SocketStream, guest.Memory.ReadByte(16));
            Assert.Equal(Errno.SPipe, guest.Call("fd_seek", fd, 0L, 1, 100));
            Assert.Equal(Errno.NotDir, guest.Call("fd_readdir", fd, 0, 100, 0L, 200));
            Assert.Equal(Errno.BadF, guest.Call("fd_prestat_get", fd, 100));
            Assert.Equal(Errno.NotCapable, guest.Call("fd_sync", fd));
        }

        Assert.Equal(Errno.NotCapable, guest.Call("sock_accept", pair.Fd, 0, Result));
        Assert.Equal(Errno.Inval, guest.Call("sock_accept", Listener, (int)FdFlags.Append, Result));
        Assert.Equal(Errno.NotConn, guest.Call("sock_recv", Listener, 0, 1, 0, Result, ResultFlags));
        Assert.Equal(Errno.NotCapable, guest.Call("sock_send", Listener, 0, 1, 0, Result));
        Assert.Equal(Errno.NotCapable, guest.Call("sock_shutdown", Listener, 3));
        Assert.Equal(Errno.NotSup, pair.Receive(10, (ReceiveFlags)4).Errno);
        Assert.Equal(Errno.NotSup, guest.Call("sock_send", pair.Fd, 0, 1, 1, Result));

        // What the listener's inheriting rights lack, its connections lack too.
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_set_rights", Listener, (ulong)Rights.SockAccept, (ulong)Rights.FdRead));
        using Socket second = ConnectTo(pair.Listener);
        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, Result));
        Assert.Equal(Errno.NotCapable, guest.Write(5, "x"));
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_set_rights", Listener, 0L, 0L));
        Assert.Equal(Errno.NotCapable, guest.Call("sock_accept", Listener, 0, Result));
    }

    [Fact]
    [Trait("Security", "WO-01")]
    public void Addresses_are_checked_before_anything_is_taken()
    {
        using Pair pair = Connect();
        using Socket waiting = ConnectTo(pair.Listener);
        pair.Client.Send("kept"u8);
        PollTests.WaitFor(pair.Guest, EventType.FdRead, pair.Fd);
        foreach (uint bad in (uint[])[Guest.MemorySize - 1, Guest.MemorySize, 0x8000_0000, uint.MaxValue])
        {
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_accept", Listener, 0, bad));
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_recv", pair.Fd, bad, 1, 0, Result, ResultFlags));
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_send", pair.Fd, bad, 1, 0, Result));
            pair.Guest.WriteVector(0, 1024, 10);
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_recv", pair.Fd, 0, 1, 0, bad, ResultFlags));
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_recv", pair.Fd, 0, 1, 0, Result, bad));
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_send", pair.Fd, 0, 1, 0, bad));
            pair.Guest.WriteVector(8, bad, 10);
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_recv", pair.Fd, 0, 2, 0, Result, ResultFlags));
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_recv", pair.Fd, 0, 2, (int)ReceiveFlags.Peek, Result, ResultFlags));
            Assert.Equal(Errno.Fault, pair.Guest.Call("sock_send", pair.Fd, 0, 2, 0, Result));
        }

        Assert.Equal(Errno.Fault, pair.Guest.Call("sock_recv", pair.Fd, 0, uint.MaxValue, 0, Result, ResultFlags));
        Assert.Equal((Errno.Success, "kept"), pair.Receive(10));
        Assert.Equal(0, pair.Client.Available);
        Assert.Equal(Errno.Success, pair.Guest.Call("sock_accept", Listener, 0, Result));
    }

    [Fact]
    [Trait("Security", "WO-06")]
    public void A_full_table_takes_no_connection()
    {
        using Socket listener = Listen();
        using var guest = new Guest(WasiOptions.Default.WithListener(listener) with { MaximumDescriptors = 5 });
        using Socket first = ConnectTo(listener);
        using Socket second = ConnectTo(listener);
        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, Result));
        Assert.Equal(Errno.NFile, guest.Call("sock_accept", Listener, 0, Result));
        Assert.Equal(Errno.Success, guest.Call("fd_close", 4));
        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, Result));
        Assert.Equal(4, guest.Memory.ReadInt32(Result));
    }

    [Fact]
    public void Listeners_follow_the_standard_streams_in_order()
    {
        using Socket first = Listen();
        using Socket second = Listen();
        using var guest = new Guest(WasiOptions.Default.WithListener(first).WithListener(second));
        using Socket client = ConnectTo(second);
        Assert.Equal(Errno.Success, guest.Call("sock_accept", 4, 0, Result));
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_set_flags", 3, (int)FdFlags.NonBlock));
        Assert.Equal(Errno.Again, guest.Call("sock_accept", 3, 0, Result));
    }

    [Fact]
    public void A_socket_of_the_callers_stays_open_and_one_of_the_stores_does_not()
    {
        using Socket mine = Listen();
        using (var guest = new Guest(WasiOptions.Default.WithListener(mine)))
        {
            Assert.Equal(Errno.Success, guest.Call("fd_close", Listener));
            Assert.Equal(Errno.BadF, guest.Call("sock_accept", Listener, 0, Result));
        }

        using Socket client = ConnectTo(mine);
        EndPoint endPoint = FreePort();
        using (var guest = new Guest(WasiOptions.Default.WithListener(endPoint)))
        {
            using var second = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            second.Connect(endPoint);
            Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, Result));
        }

        using var late = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Throws<SocketException>(() => late.Connect(endPoint));
    }

    [Fact]
    public void What_cannot_be_opened_is_an_error_of_the_instantiation()
    {
        using Socket taken = Listen();
        IOException exception = Assert.Throws<IOException>(() => new Guest(WasiOptions.Default.WithListener(taken.LocalEndPoint!)));
        Assert.StartsWith($"listener {taken.LocalEndPoint}: ", exception.Message, StringComparison.Ordinal);
        using var unbound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Throws<ArgumentException>(() => new Guest(WasiOptions.Default.WithListener(unbound)));
        unbound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Throws<ArgumentException>(() => new Guest(WasiOptions.Default.WithListener(unbound)));
        using var datagrams = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        datagrams.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Throws<ArgumentException>(() => new Guest(WasiOptions.Default.WithListener(datagrams)));
        Assert.Throws<ArgumentException>(() => new Guest(WasiOptions.Default.WithListener(taken) with { MaximumDescriptors = 3 }));
        taken.Dispose();
        Assert.Throws<IOException>(() => new Guest(WasiOptions.Default.WithListener(taken)));
    }

    [Fact]
    public void A_started_TcpListener_serves()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var guest = new Guest(WasiOptions.Default.WithListener(listener));
        using var client = new TcpClient();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, 0, Result));
        Assert.Equal(Errno.Success, guest.Write(4, "hi"));
        Assert.Equal('h', client.GetStream().ReadByte());
    }

    [Theory]
    [Trait("Security", "WO-02")]
    [InlineData("accept")]
    [InlineData("recv")]
    [InlineData("all")]
    [InlineData("peek")]
    [InlineData("send")]
    [InlineData("poll")]
    public void A_blocked_call_is_left_when_the_store_is_interrupted(string call)
    {
        using Pair pair = Connect(interruptible: true);
        using var timer = new Timer(_ => pair.Guest.Store.Interrupt(new TimeoutException("enough")), null, 100, Timeout.Infinite);
        Assert.Equal("enough", Assert.Throws<TimeoutException>(() => Block(pair, call)).Message);

        // Nothing is broken by it.
        pair.Guest.Store.ResetInterrupt();
        pair.Client.Send("late"u8);
        Assert.Equal((Errno.Success, "late"), pair.Receive(10));
    }

    [Theory]
    [Trait("Security", "CL-02")]
    [InlineData("accept", false)]
    [InlineData("accept", true)]
    [InlineData("recv", false)]
    [InlineData("recv", true)]
    [InlineData("all", true)]
    [InlineData("peek", true)]
    [InlineData("send", false)]
    [InlineData("send", true)]
    [InlineData("poll", false)]
    [InlineData("poll", true)]
    public void A_blocked_call_is_left_when_the_store_is_disposed(string call, bool interruptible)
    {
        using Pair pair = Connect(interruptible: interruptible);
        using var timer = new Timer(_ => pair.Guest.Store.Dispose(), null, 100, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() => Block(pair, call));
        Assert.True(pair.HasClientEnded());
    }

    private static void Block(Pair pair, string call)
    {
        switch (call)
        {
            case "accept":
                pair.Guest.Call("sock_accept", Listener, 0, Result);
                break;
            case "recv":
                pair.Receive(10);
                break;
            case "all":
                pair.Receive(10, ReceiveFlags.WaitAll);
                break;
            case "peek":
                pair.Receive(10, ReceiveFlags.Peek);
                break;
            case "poll":
                PollTests.WaitFor(pair.Guest, EventType.FdRead, pair.Fd);
                break;
            case "send":
                pair.Guest.WriteVector(0, 1000, 60_000);
                while (pair.Guest.Call("sock_send", pair.Fd, 0, 1, 0, Result) == Errno.Success)
                {
                }

                break;
        }
    }

    private static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }

    private static EndPoint FreePort()
    {
        // Of an address that no other process's connections come from: what was free stays free. Not every system has more than one.
        IPAddress own = OperatingSystem.IsLinux() ? new IPAddress([127, (byte)Random.Shared.Next(1, 255), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]) : IPAddress.Loopback;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(own, 0));
        return socket.LocalEndPoint!;
    }

    private static Socket ConnectTo(Socket listener)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        return client;
    }

    private static Pair Connect(FdFlags flags = FdFlags.None, bool interruptible = false)
    {
        Socket listener = Listen();
        var guest = new Guest(WasiOptions.Default.WithSystemTime().WithListener(listener), interruptible: interruptible);
        Socket client = ConnectTo(listener);
        Assert.Equal(Errno.Success, guest.Call("sock_accept", Listener, (int)flags, Result));
        return new Pair(listener, guest, client, (uint)guest.Memory.ReadInt32(Result));
    }

    /// <summary>A guest with a connection, and the other end of it.</summary>
    private sealed record Pair(Socket Listener, Guest Guest, Socket Client, uint Fd) : IDisposable
    {
        public (Errno Errno, string Text) Receive(int length, ReceiveFlags flags = ReceiveFlags.None)
        {
            Guest.WriteVector(0, 1024, (uint)length);
            Guest.Memory.WriteInt32(Result, 0);
            Errno errno = Guest.Call("sock_recv", Fd, 0, 1, (int)flags, Result, ResultFlags);
            return (errno, Guest.Memory.ReadString(1024, Guest.Memory.ReadInt32(Result)));
        }

        public Errno Send(string text)
        {
            Guest.WriteVector(0, 1024, (uint)Guest.Memory.WriteString(1024, text));
            return Guest.Call("sock_send", Fd, 0, 1, 0, Result);
        }

        public string ReadClient(int length)
        {
            var bytes = new byte[length];
            int count = 0;
            while (count < length && Client.Receive(bytes.AsSpan(count)) is int received and > 0)
            {
                count += received;
            }

            return Encoding.UTF8.GetString(bytes, 0, count);
        }

        public bool HasClientEnded()
        {
            try
            {
                var bytes = new byte[65536];
                while (Client.Receive(bytes) > 0)
                {
                }
            }
            catch (SocketException)
            {
            }

            return true;
        }

        public void Dispose()
        {
            Guest.Dispose();
            Client.Dispose();
            Listener.Dispose();
        }
    }
}
