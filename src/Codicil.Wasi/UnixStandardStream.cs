using System.Net.Sockets;
using System.Runtime.InteropServices;

using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi;

/// <summary>
/// One of this process's standard streams on Unix, by the system's own calls: .NET's stream for the console says nothing when a pipe's reader has gone, so
/// that a program would write for ever, edits lines of a terminal itself, and cannot be asked whether a read or a write would wait.
/// </summary>
/// <remarks>
/// The descriptor is shared with other processes, whose business its being non-blocking is: it stays as it is. What a slow reader can keep waiting is
/// written in another way that does not wait (<see cref="Manner"/>), and waited for in slices, between which the store is asked.
/// </remarks>
internal sealed unsafe partial class UnixStandardStream : OneWayStream
{
    private const int Input = 0;
    private const short PollIn = 1;
    private const short PollOut = 4;
    private const short PollHungUp = 16;
    private const int WriteNoWait = 8;
    private const int Interrupted = 4;

    // Linux's: what a system says that cannot write without waiting, or may not.
    private const int NotPermitted = 1;
    private const int InvalidArgument = 22;
    private const int IllegalSeek = 29;
    private const int NoSystemCall = 38;
    private const int NotSupported = 95;

    // A terminal that is ready takes about as much at once; a pipe takes exactly as much (pipe(7), PIPE_BUF).
    private const int TerminalPiece = 256;

    private static readonly int s_pipePiece = OperatingSystem.IsLinux() ? 4096 : 512;
    private static readonly int s_tryAgain = OperatingSystem.IsLinux() ? 11 : 35;
    private static readonly int s_doNotWait = OperatingSystem.IsLinux() ? 0x40 : 0x80;

    // Between asking whether there is room and using it, no other thread of this process may use it up.
    private static readonly Lock s_room = new();

    private readonly int _descriptor;
    private readonly bool _asksFirst;
    private readonly Store? _store;
    private readonly UnixHandle? _terminal;
    private readonly int _piece;
    private Manner _manner;

    /// <summary>A standard stream whose writes wait for as long as it takes.</summary>
    /// <param name="descriptor">Its number.</param>
    /// <param name="asksFirst">As on a system that can only be asked whether there is room (tests).</param>
    public UnixStandardStream(int descriptor, bool asksFirst = false)
        : this(descriptor, asksFirst, null)
    {
    }

    // A standard stream whose writes end with a store.
    private UnixStandardStream(int descriptor, bool asksFirst, Store? store)
    {
        _descriptor = descriptor;
        _asksFirst = asksFirst;
        _store = store;
        _piece = s_pipePiece;
        if (store is null || !CanWrite || UnixCalls.GetStatus(descriptor, out UnixStatus status) != 0)
        {
            return;
        }

        switch (status.Mode & UnixNumbers.FileTypeMask)
        {
            case UnixNumbers.FileTypeFifo:
                _manner = OperatingSystem.IsLinux() && !asksFirst ? Manner.WithoutWaiting : Manner.WhenReady;
                break;
            case UnixNumbers.FileTypeSocket:
                _manner = Manner.Send;
                break;
            case UnixNumbers.FileTypeCharacterDevice when IsTerminal(descriptor) != 0:
                // Opened once more a terminal has a mode of its own. Where that cannot be (it is another user's; macOS), it is asked before each piece.
                _terminal = OperatingSystem.IsLinux() && !asksFirst
                    ? UnixCalls.Reopen(descriptor, UnixNumbers.OpenWriteOnly | UnixNumbers.OpenNonBlocking | UnixNumbers.OpenNoTerminal | UnixNumbers.OpenCloseOnExec, out _)
                    : null;
                _manner = _terminal is null ? Manner.WhenReady : Manner.Plain;
                _piece = TerminalPiece;
                break;
        }
    }

    /// <summary>How bytes are written so that the write does not wait.</summary>
    private enum Manner
    {
        /// <summary>As they are: a file, or what does not wait by itself.</summary>
        Plain,

        /// <summary>By a call that may be asked not to wait (Linux; pipes since 6.4).</summary>
        WithoutWaiting,

        /// <summary>As to a socket.</summary>
        Send,

        /// <summary>When there is room, no more than there is room for.</summary>
        WhenReady,
    }

    public override bool CanRead => _descriptor == Input;

    public override bool CanWrite => _descriptor != Input;

    /// <summary>The same stream, for the writes of a store's programs.</summary>
    public UnixStandardStream For(Store store) => new(_descriptor, _asksFirst, store);

    /// <summary>Waits at most some time; whether a read would return at once, were it with an error.</summary>
    public bool WaitForInput(int milliseconds) => Wait(PollIn, milliseconds, out _);

    /// <summary>Whether a read would return at once, and if so, whether because everybody who could write has gone.</summary>
    public bool HasInput(out bool isHungUp)
    {
        bool isReady = Wait(PollIn, 0, out short events);
        isHungUp = (events & (PollIn | PollHungUp)) == PollHungUp;
        return isReady;
    }

    /// <summary>Whether a write of a byte would return at once, were it with an error, and if so, whether because nobody reads any more.</summary>
    public bool HasRoom(out bool isHungUp)
    {
        bool isReady = Wait(PollOut, 0, out short events);
        isHungUp = isReady && (events & PollOut) == 0;
        return isReady;
    }

    /// <summary>Waits at most some time for several of them, each to be read or to be written; whether one of them can be.</summary>
    public static bool WaitForAny(ReadOnlySpan<(UnixStandardStream Stream, SelectMode Mode)> waits, int milliseconds)
    {
        Span<PollEntry> entries = stackalloc PollEntry[waits.Length];
        for (int i = 0; i < waits.Length; i++)
        {
            entries[i] = new PollEntry { Descriptor = waits[i].Stream._descriptor, Events = waits[i].Mode == SelectMode.SelectRead ? PollIn : PollOut };
        }

        return Wait(entries, milliseconds);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            // SAFETY: the system writes at most as many bytes as the span has, which is fixed meanwhile.
            fixed (byte* start = buffer)
            {
                nint count = SystemRead(_descriptor, start, (nuint)buffer.Length);
                if (count >= 0)
                {
                    return (int)count;
                }
            }

            // The process that started this one may have made the stream non-blocking.
            int error = Marshal.GetLastPInvokeError();
            if (error == s_tryAgain)
            {
                Wait(PollIn, -1, out _);
            }
            else if (error != Interrupted)
            {
                throw Failure(error);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Writes all of it, waiting where there is no room.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (true)
        {
            int count = WriteNow(buffer);
            buffer = buffer[count..];
            if (buffer.IsEmpty)
            {
                return;
            }

            if (count == 0)
            {
                WaitForRoom();
            }
        }
    }

    /// <summary>Writes what there is room for. Without a store it may wait.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public int WriteNow(ReadOnlySpan<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (_manner != Manner.WhenReady)
        {
            int count = TryWrite(buffer);
            if (_manner != Manner.WhenReady)
            {
                return count;
            }
        }

        lock (s_room)
        {
            return Wait(PollOut, 0, out _) ? TryWrite(buffer[..Math.Min(buffer.Length, _piece)]) : 0;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _terminal?.Dispose();
        }

        base.Dispose(disposing);
    }

    private static nint SystemCallWriteVectors => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 287 : 328;

    private static IOException Failure(int error) => new(Marshal.GetPInvokeErrorMessage(error), error);

    // One attempt; 0 when there is no room.
    private int TryWrite(ReadOnlySpan<byte> buffer)
    {
        while (true)
        {
            nint count;

            // SAFETY: the system reads at most as many bytes as the span has, which is fixed meanwhile, and so is the vector, which is on the stack.
            fixed (byte* start = buffer)
            {
                switch (_manner)
                {
                    case Manner.WithoutWaiting:
                        var vector = new Vector { Start = start, Length = (nuint)buffer.Length };

                        // -1: there is no offset.
                        count = SystemWriteVectors(SystemCallWriteVectors, _descriptor, &vector, 1, -1, -1, WriteNoWait);
                        break;
                    case Manner.Send:
                        count = SystemSend(_descriptor, start, (nuint)buffer.Length, s_doNotWait);
                        break;
                    case Manner.Plain when _terminal is not null:
                        using (UnixHandle.Lease lease = _terminal.Acquire())
                        {
                            count = SystemWrite((int)lease.Descriptor, start, (nuint)buffer.Length);
                        }

                        break;
                    default:
                        count = SystemWrite(_descriptor, start, (nuint)buffer.Length);
                        break;
                }
            }

            if (count >= 0)
            {
                return (int)count;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == s_tryAgain)
            {
                return 0;
            }

            if (_manner == Manner.WithoutWaiting && error is NotPermitted or InvalidArgument or IllegalSeek or NoSystemCall or NotSupported)
            {
                // An older system, or one that forbids it.
                _manner = Manner.WhenReady;
                return 0;
            }

            if (error != Interrupted)
            {
                throw Failure(error);
            }
        }
    }

    private void WaitForRoom()
    {
        if (_store is null)
        {
            Wait(PollOut, -1, out _);
            return;
        }

        int slice = Interruption.SliceInMilliseconds(_store);
        do
        {
            Interruption.Check(_store);
        }
        while (!Wait(PollOut, slice, out _));
    }

    private bool Wait(short events, int milliseconds, out short returned)
    {
        Span<PollEntry> entries = [new PollEntry { Descriptor = _descriptor, Events = events }];
        bool isReady = Wait(entries, milliseconds);
        returned = entries[0].ReturnedEvents;
        return isReady;
    }

    private static bool Wait(Span<PollEntry> entries, int milliseconds)
    {
        // SAFETY: pinned for the call, and their number is passed. An error other than an interruption by a signal is for the read or write that follows to tell.
        fixed (PollEntry* start = entries)
        {
            int result = SystemPoll(start, (nuint)entries.Length, milliseconds);
            return result > 0 || (result < 0 && Marshal.GetLastPInvokeError() != Interrupted);
        }
    }

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint SystemRead(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint SystemWrite(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint SystemSend(int descriptor, byte* buffer, nuint count, int flags);

    // pwritev2 (Linux) by number: not every C library has it.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemWriteVectors(nint number, nint descriptor, Vector* vectors, nint count, nint offsetLow, nint offsetHigh, nint flags);

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int IsTerminal(int descriptor);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int SystemPoll(PollEntry* entries, nuint count, int milliseconds);

    private struct PollEntry
    {
        public int Descriptor;
        public short Events;

        // The system writes it.
        public short ReturnedEvents { get; }
    }

    private struct Vector
    {
        public byte* Start;
        public nuint Length;
    }
}
