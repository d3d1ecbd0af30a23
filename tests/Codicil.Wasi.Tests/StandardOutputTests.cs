using System.IO.Pipes;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

/// <summary>
/// The process's own output, whose reader may be slow: a write that waits can be left, and a poll says the truth. The stream is a pipe or a socket of the test's; with the process's own
/// descriptor it runs in a child (<c>Codicil.Cli.Tests</c>).
/// </summary>
public sealed partial class StandardOutputTests
{
    private const int Large = 60_000;

    [Theory]
    [Trait("Security", "WO-05")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_write_that_nobody_reads_ends_with_the_store(bool interruptible)
    {
        using var pipe = new OutputPipe();
        using var guest = new Guest(pipe.Options, interruptible: interruptible);
        guest.WriteVector(0, 1000, Large);
        using var timer = new Timer(_ => guest.Store.Dispose(), null, 100, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() => Fill(guest));
    }

    [Theory]
    [Trait("Security", "WO-05")]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_write_that_nobody_reads_is_interrupted(bool isTerminal, bool asksFirst)
    {
        using var pipe = new OutputPipe(isTerminal, asksFirst);
        using var guest = new Guest(pipe.Options, interruptible: true);

        // So that there is something to drain, however soon the interrupt comes.
        Assert.Equal(Errno.Success, guest.Write(1, "before"));
        guest.WriteVector(0, 1000, Large);
        using var timer = new Timer(_ => guest.Store.Interrupt(), null, 100, Timeout.Infinite);
        Assert.Equal(TrapCode.Interrupt, Assert.Throws<TrapException>(() => Fill(guest)).Code);

        // What was not written is the guest's loss; the stream goes on.
        guest.Store.ResetInterrupt();
        pipe.Drain();
        Assert.Equal(Errno.Success, guest.Write(1, "after"));
        Assert.EndsWith("after", pipe.Drain(), StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Security", "WO-05")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_goes_on_when_the_reader_does(bool asksFirst)
    {
        using var pipe = new OutputPipe(asksFirst: asksFirst);
        using var guest = new Guest(pipe.Options);
        guest.WriteVector(0, 1000, Large);
        Random.Shared.NextBytes(guest.Memory.GetSpan(1000, Large));
        byte[] expected = guest.Memory.GetSpan(1000, Large).ToArray();
        var received = new byte[10 * Large];
        Task reader = Task.Run(() => pipe.Reader.ReadExactly(received));
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(Errno.Success, guest.Call("fd_write", 1, 0, 1, 8));
            Assert.Equal(Large, guest.Memory.ReadInt32(8));
        }

        await reader;
        Assert.Equal(expected, received[^Large..]);
    }

    [Fact]
    [Trait("Security", "WO-02")]
    public void A_poll_says_whether_there_is_room()
    {
        using var pipe = new OutputPipe();
        using var guest = new Guest(pipe.Options.WithSystemTime());
        Assert.Equal([EventType.FdWrite], PollTests.Ready(guest, 3_600_000_000_000, (EventType.FdWrite, 1)));
        FillWithoutWaiting(guest);
        Assert.Equal([], PollTests.Ready(guest, 1_000_000, (EventType.FdWrite, 1)));

        // It waits for the reader.
        using (var timer = new Timer(_ => pipe.Drain(), null, 100, Timeout.Infinite))
        {
            Assert.Equal([EventType.FdWrite], PollTests.Ready(guest, 3_600_000_000_000, (EventType.FdWrite, 1)));
        }

        // Nobody reads any more: ready, and the write tells.
        FillWithoutWaiting(guest);
        pipe.Reader.Dispose();
        Assert.Equal([EventType.FdWrite], PollTests.Ready(guest, 3_600_000_000_000, (EventType.FdWrite, 1)));
        Assert.Equal(Errno.Pipe, guest.Write(1, "x"));
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void A_poll_that_waits_for_room_ends_with_the_store()
    {
        using var pipe = new OutputPipe();
        using var guest = new Guest(pipe.Options.WithSystemTime());
        FillWithoutWaiting(guest);
        using var timer = new Timer(_ => guest.Store.Dispose(), null, 100, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() => PollTests.Ready(guest, 3_600_000_000_000, (EventType.FdWrite, 1)));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void A_write_that_must_not_wait_says_again(bool isTerminal, bool asksFirst)
    {
        using var pipe = new OutputPipe(isTerminal, asksFirst);
        using var guest = new Guest(pipe.Options);
        FillWithoutWaiting(guest);
        Assert.Equal(Errno.Again, guest.Call("fd_write", 1, 0, 1, 8));
        pipe.Drain();
        Assert.Equal(Errno.Success, guest.Write(1, "x"));
        Assert.Equal("x", pipe.Drain());
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void A_socket_for_output_is_no_different()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the process's streams are .NET's there");
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = ConsoleStream.OpenOutput((int)server.Handle, isTerminal: false) });
        guest.WriteVector(0, 1000, Large);
        using var timer = new Timer(_ => guest.Store.Dispose(), null, 300, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() => Fill(guest));
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void A_terminal_that_is_stopped_does_not_hold_the_store()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a terminal by Linux's numbers");
        using var terminal = new Terminal();
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = ConsoleStream.OpenOutput(terminal.Descriptor, isTerminal: true) });
        Assert.Equal([EventType.FdWrite], PollTests.Ready(guest, (EventType.FdWrite, 1)));
        guest.WriteVector(0, 1000, Large);
        guest.Memory.GetSpan(1000, Large).Fill((byte)'.');
        using var timer = new Timer(_ => guest.Store.Dispose(), null, 300, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() => Fill(guest));
    }

    private static void Fill(Guest guest)
    {
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(Errno.Success, guest.Call("fd_write", 1, 0, 1, 8));
        }
    }

    // Until nothing more goes in, and the descriptor stays non-blocking.
    private static void FillWithoutWaiting(Guest guest)
    {
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_set_flags", 1, (int)FdFlags.NonBlock));
        guest.WriteVector(0, 1000, 1000);
        guest.Memory.GetSpan(1000, 1000).Fill((byte)'.');
        Errno errno = Errno.Success;
        for (int i = 0; i < 100_000 && errno == Errno.Success; i++)
        {
            errno = guest.Call("fd_write", 1, 0, 1, 8);
        }

        Assert.Equal(Errno.Again, errno);
    }

    /// <summary>A terminal at which nobody looks.</summary>
    private sealed partial class Terminal : IDisposable
    {
        private const int ReadWrite = 2;
        private const int NoControl = 0x100;

        private readonly int _master = OpenTerminal(ReadWrite | NoControl);

        public Terminal()
        {
            Assert.SkipWhen(_master < 0, "no terminals here");
            Assert.Equal(0, Unlock(_master));
            Descriptor = Open(Marshal.PtrToStringUTF8(Name(_master))!, ReadWrite | NoControl);
            Assert.True(Descriptor >= 0);
        }

        public int Descriptor { get; }

        public void Dispose()
        {
            _ = Close(Descriptor);
            _ = Close(_master);
        }

        [LibraryImport("libc", EntryPoint = "posix_openpt")]
        private static partial int OpenTerminal(int flags);

        [LibraryImport("libc", EntryPoint = "unlockpt")]
        private static partial int Unlock(int master);

        [LibraryImport("libc", EntryPoint = "ptsname")]
        private static partial nint Name(int master);

        [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
        private static partial int Open(string path, int flags);

        [LibraryImport("libc", EntryPoint = "close")]
        private static partial int Close(int descriptor);
    }

    /// <summary>A pipe in the place of the process's standard output.</summary>
    private sealed class OutputPipe : IDisposable
    {
        private readonly AnonymousPipeServerStream _server = new(PipeDirection.Out);

        public OutputPipe(bool isTerminal = false, bool asksFirst = false)
        {
            Assert.SkipWhen(OperatingSystem.IsWindows(), "the process's streams are .NET's there");
            Reader = new AnonymousPipeClientStream(PipeDirection.In, _server.ClientSafePipeHandle);
            Options = WasiOptions.Default with { StandardOutput = ConsoleStream.OpenOutput((int)_server.SafePipeHandle.DangerousGetHandle(), isTerminal, asksFirst) };
        }

        public AnonymousPipeClientStream Reader { get; }

        public WasiOptions Options { get; }

        /// <summary>Takes out what is there.</summary>
        public string Drain()
        {
            var text = new StringBuilder();
            var buffer = new byte[1 << 20];
            int count;
            do
            {
                // A pipe's read returns what there is; one that is not full was the last.
                count = Reader.Read(buffer);
                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
            while (count == buffer.Length);
            return text.ToString();
        }

        public void Dispose()
        {
            Reader.Dispose();
            _server.Dispose();
        }
    }
}
