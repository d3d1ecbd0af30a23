using System.Buffers;
using System.IO.Pipes;
using System.Net.Sockets;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>
/// Standard output or standard error: a stream of the host, or nothing at all. Bytes go from the guest's memory to the stream's <c>Write</c>; only those that
/// a slow reader can keep waiting are copied, so that an interrupt and the end of the store reach the wait.
/// </summary>
internal sealed class OutputStreamDescriptor(Stream? stream, WasiContext context)
    : Descriptor(
        TypeOf(stream),
        Rights.FdWrite | Rights.FdSync | Rights.FdDataSync | Rights.FdFdStatSetFlags | Rights.FdFileStatGet | Rights.PollFdReadWrite,
        Rights.None,
        stream is PipeStream or NetworkStream or PipeOutputStream or ConsoleStream ? null : stream)
{
    private const int ChunkSize = 64 * 1024;

    private readonly bool _mayWait = stream is PipeStream or NetworkStream;
    private readonly PipeOutputStream? _pipe = stream as PipeOutputStream;
    private readonly ConsoleStream? _console = stream as ConsoleStream;
    private bool _isBroken;

    /// <summary>Programs take a character device that cannot seek for a terminal.</summary>
    public static FileType TypeOf(Stream? stream) => stream is ConsoleStream { IsTerminal: true } ? FileType.CharacterDevice : FileType.Unknown;

    public override Errno Write(ReadOnlySpan<byte> source, out int count)
    {
        count = 0;
        try
        {
            if (PlainOutput is not null)
            {
                PlainOutput.Write(source);
            }
            else if (_mayWait)
            {
                WriteWithinLimits(source);
            }
            else if (_pipe is not null)
            {
                if (!_pipe.TryWrite(source, context.Store))
                {
                    return Errno.Pipe;
                }
            }
            else if (_console is not null)
            {
                if ((Flags & FdFlags.NonBlock) != 0 && !source.IsEmpty)
                {
                    count = _console.WriteNow(source);
                    return count == 0 ? Errno.Again : Errno.Success;
                }

                _console.Write(source);
            }
            else if (stream is not null)
            {
                // The right to write was given up.
                return Errno.NotCapable;
            }
        }
        catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out _))
        {
            return FailWrite(exception);
        }

        count = source.Length;
        return Errno.Success;
    }

    public override Errno FailWrite(Exception exception)
    {
        Errno errno = base.FailWrite(exception);

        // The end of the store and an interrupt look like errors of the stream that was waited for.
        Interruption.Check(context.Store);

        // A pipe stream says why only once.
        _isBroken |= errno == Errno.Pipe;
        return _isBroken ? Errno.Pipe : errno;
    }

    public override Errno Flush()
    {
        try
        {
            // A pipe's Flush has nothing to hand on.
            if (!_mayWait)
            {
                stream?.Flush();
            }

            return Errno.Success;
        }
        catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out Errno errno))
        {
            return errno;
        }
    }

    public override Readiness PollWrite() =>
        _console is null ? Readiness.Now(1) : _console.HasRoom(out bool isHungUp) ? Readiness.Now(1, isHungUp) : Readiness.After(_console, SelectMode.SelectWrite);

    public override Errno Close()
    {
        Errno errno = Flush();
        Dispose();
        return errno;
    }

    public override void Dispose()
    {
        // What is opened for the store alone; the process's streams stay open.
        _console?.Dispose();
        base.Dispose();
    }

    private void WriteWithinLimits(ReadOnlySpan<byte> source)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Min(source.Length, ChunkSize));
        using var cancellation = new CancellationTokenSource();
        Task? pending = null;
        try
        {
            while (!source.IsEmpty)
            {
                int length = Math.Min(source.Length, buffer.Length);
                source[..length].CopyTo(buffer);
                source = source[length..];
                pending = stream!.WriteAsync(buffer.AsMemory(0, length), cancellation.Token).AsTask();
                if (!pending.IsCompleted)
                {
                    Interruption.Wait(context.Store, pending);
                }

                pending.GetAwaiter().GetResult();
            }
        }
        finally
        {
            if (pending is null or { IsCompleted: true })
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
            else
            {
                // The stream may still look at the buffer.
                cancellation.Cancel();
            }
        }
    }
}
