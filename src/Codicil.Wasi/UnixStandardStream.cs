using System.Runtime.InteropServices;

namespace Codicil.Wasi;

/// <summary>
/// One of this process's standard streams on Unix, by the system's own calls: .NET's stream for the console says nothing when a pipe's reader has gone, so
/// that a program would write for ever, edits lines of a terminal itself, and cannot be asked whether a read would wait.
/// </summary>
internal sealed unsafe partial class UnixStandardStream(int descriptor) : Stream
{
    private const int Input = 0;
    private const short PollIn = 1;
    private const short PollOut = 4;
    private const short PollHungUp = 16;
    private const int Interrupted = 4;

    private static readonly int s_tryAgain = OperatingSystem.IsLinux() ? 11 : 35;

    public override bool CanRead => descriptor == Input;

    public override bool CanSeek => false;

    public override bool CanWrite => descriptor != Input;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Waits at most some time; whether a read would return at once, were it with an error.</summary>
    public bool WaitForInput(int milliseconds) => Wait(PollIn, milliseconds, out _);

    /// <summary>Whether a read would return at once, and if so, whether because everybody who could write has gone.</summary>
    public bool HasInput(out bool isHungUp)
    {
        bool isReady = Wait(PollIn, 0, out short events);
        isHungUp = (events & (PollIn | PollHungUp)) == PollHungUp;
        return isReady;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            // SAFETY: the system writes at most as many bytes as the span has, which is fixed meanwhile.
            fixed (byte* start = buffer)
            {
                nint count = SystemRead(descriptor, start, (nuint)buffer.Length);
                if (count >= 0)
                {
                    return (int)count;
                }
            }

            ThrowUnlessTemporary(PollIn);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            // SAFETY: the system reads at most as many bytes as the span has, which is fixed meanwhile.
            fixed (byte* start = buffer)
            {
                nint count = SystemWrite(descriptor, start, (nuint)buffer.Length);
                if (count >= 0)
                {
                    buffer = buffer[(int)count..];
                    continue;
                }
            }

            ThrowUnlessTemporary(PollOut);
        }
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    // The process that started this one may have made the stream non-blocking.
    private void ThrowUnlessTemporary(short events)
    {
        int error = Marshal.GetLastPInvokeError();
        if (error == s_tryAgain)
        {
            Wait(events, -1, out _);
        }
        else if (error != Interrupted)
        {
            throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
        }
    }

    private bool Wait(short events, int milliseconds, out short returned)
    {
        var entry = new PollEntry { Descriptor = descriptor, Events = events };

        // SAFETY: one entry on the stack. An error other than an interruption by a signal is for the read or write that follows to tell.
        int result = SystemPoll(&entry, 1, milliseconds);
        returned = entry.ReturnedEvents;
        return result > 0 || (result < 0 && Marshal.GetLastPInvokeError() != Interrupted);
    }

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint SystemRead(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint SystemWrite(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int SystemPoll(PollEntry* entries, nuint count, int milliseconds);

    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short ReturnedEvents;
    }
}
