using System.Net.Sockets;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>
/// Standard input: a stream of the host, or nothing at all. A stream that can seek is read straight into the guest's memory, and so is one that can be asked
/// whether a read would wait. Any other may keep a reader waiting for ever: it is read ahead by a task, which the guest's thread waits for, so that an
/// interrupt and the end of the store reach it.
/// </summary>
internal sealed class InputStreamDescriptor(Stream? stream, WasiContext context)
    : Descriptor(OutputStreamDescriptor.TypeOf(stream), Rights.FdRead | Rights.FdFdStatSetFlags | Rights.FdFileStatGet | Rights.PollFdReadWrite, Rights.None)
{
    private const int LeastReadAhead = 4096;
    private const int MostReadAhead = 65536;

    private readonly ConsoleStream? _console = stream is ConsoleStream { CanWaitForInput: true } console ? console : null;
    private readonly bool _neverWaits = stream is null || stream.CanSeek;
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private bool _isAtEnd;
    private Errno _error;
    private Task<int>? _pending;
    private CancellationTokenSource? _cancellation;
    private volatile bool _wasCancelled;

    private bool HasResult => _start < _end || _isAtEnd || _error != Errno.Success;

    public override bool IsReadable => _neverWaits || _start < _end || _console?.WaitForInput(0) == true;

    public override Errno Read(Span<byte> destination, out int count)
    {
        count = 0;
        if (stream is null || destination.IsEmpty)
        {
            return Errno.Success;
        }

        bool mayWait = (Flags & FdFlags.NonBlock) == 0;
        while (_console is not null && !_console.WaitForInput(0))
        {
            if (!mayWait)
            {
                return Errno.Again;
            }

            WaitForConsole();
        }

        if (_neverWaits || _console is not null)
        {
            return ReadDirectly(destination, out count);
        }

        while (!HasResult)
        {
            Task<int> pending = ReadAhead(Math.Clamp(destination.Length, LeastReadAhead, MostReadAhead));
            if (!pending.IsCompleted)
            {
                if (!mayWait)
                {
                    return Errno.Again;
                }

                WaitForInput(pending);
            }

            // Another thread that waited for it may have taken it.
            if (ReferenceEquals(_pending, pending))
            {
                TakeResult(pending);
            }
        }

        return TakeBuffered(destination, out count);
    }

    public override Readiness PollRead()
    {
        if (stream is null)
        {
            return Readiness.Now(0, isHungUp: true);
        }

        if (_console is not null)
        {
            // How much there is the system tells only by reading.
            return _console.HasInput(out bool isHungUp) ? Readiness.Now(isHungUp ? 0U : 1U, isHungUp) : Readiness.After(_console, SelectMode.SelectRead);
        }

        if (_neverWaits)
        {
            ulong left = BytesLeft(stream);
            return Readiness.Now(left, isHungUp: left == 0);
        }

        while (!HasResult)
        {
            Task<int> pending = ReadAhead(LeastReadAhead);
            if (!pending.IsCompleted)
            {
                return Readiness.After(pending);
            }

            TakeResult(pending);
        }

        return Readiness.Now((ulong)(_end - _start), _isAtEnd);
    }

    public override Errno Close()
    {
        Dispose();
        return Errno.Success;
    }

    // On any thread: the store may be disposed while the guest waits. Whoever takes the source cancels it.
    public override void Dispose()
    {
        CancellationTokenSource? cancellation = Interlocked.Exchange(ref _cancellation, null);
        if (cancellation is not null)
        {
            // Whoever waits for the token may throw.
            using (cancellation)
            {
                _wasCancelled = true;
                cancellation.Cancel();
            }
        }

        base.Dispose();
    }

    private static ulong BytesLeft(Stream stream)
    {
        try
        {
            return (ulong)Math.Max(0, stream.Length - stream.Position);
        }
        catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out _))
        {
            // The read will tell.
            return 1;
        }
    }

    private Errno ReadDirectly(Span<byte> destination, out int count)
    {
        count = 0;
        try
        {
            count = stream!.Read(destination);
            return Errno.Success;
        }
        catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out Errno errno))
        {
            return errno;
        }
    }

    private void WaitForConsole()
    {
        context.Descriptors.FlushAll();
        using WasiGate.Outside outside = context.LeaveForWait();
        int slice = Interruption.SliceInMilliseconds(context.Store);
        do
        {
            Interruption.Check(context.Store);
        }
        while (!_console!.WaitForInput(slice));
    }

    private Task<int> ReadAhead(int size)
    {
        if (_pending is null)
        {
            // A task of its own: many a stream does its asynchronous reading synchronously.
            var cancellation = new CancellationTokenSource();
            CancellationToken token = cancellation.Token;
            _cancellation = cancellation;
            _wasCancelled = false;
            Stream source = stream!;
            byte[] buffer = _buffer is not null && _buffer.Length >= size ? _buffer : _buffer = new byte[size];
            _pending = Task.Run(() => source.ReadAsync(buffer.AsMemory(0, size), token).AsTask(), CancellationToken.None);
            if (context.Store.IsDisposed)
            {
                // On another thread, just now: nobody else will end it.
                Dispose();
            }
        }

        return _pending;
    }

    private void WaitForInput(Task<int> pending)
    {
        context.Descriptors.FlushAll();
        using WasiGate.Outside outside = context.LeaveForWait();
        try
        {
            Interruption.Wait(context.Store, pending);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void TakeResult(Task<int> pending)
    {
        Interlocked.Exchange(ref _cancellation, null)?.Dispose();
        _pending = null;
        try
        {
            _start = 0;
            _end = pending.GetAwaiter().GetResult();
            _isAtEnd = _end == 0;
        }
        catch (OperationCanceledException) when (_wasCancelled)
        {
            // An earlier call was interrupted while it waited. There is no result: the caller reads again.
        }
        catch (OperationCanceledException)
        {
            _error = Errno.Canceled;
        }
        catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out Errno errno))
        {
            _error = errno;
        }
    }

    private Errno TakeBuffered(Span<byte> destination, out int count)
    {
        count = Math.Min(destination.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        Errno error = _error;
        _error = Errno.Success;
        _isAtEnd = false;
        return error;
    }
}
