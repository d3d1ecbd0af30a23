using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>
/// Standard input: a stream of the host, or nothing at all. A stream that can seek is read straight into the guest's memory. Another one may keep a
/// reader waiting for ever; where the guest can be interrupted, or does not want to wait, it is read ahead by a task, which the guest's thread waits for.
/// </summary>
internal sealed class InputStreamDescriptor(Stream? stream, WasiContext context)
    : Descriptor(OutputStreamDescriptor.TypeOf(stream), Rights.FdRead | Rights.FdFdStatSetFlags | Rights.FdFileStatGet | Rights.PollFdReadWrite, Rights.None)
{
    private const int ReadAheadSize = 4096;

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

    public override bool IsReadable => _neverWaits || _start < _end;

    public override Errno Read(Span<byte> destination, out int count)
    {
        count = 0;
        if (stream is null || destination.IsEmpty)
        {
            return Errno.Success;
        }

        while (!HasResult)
        {
            bool mayWait = (Flags & FdFlags.NonBlock) == 0;
            if (_pending is null && (_neverWaits || (mayWait && !context.IsInterruptible)))
            {
                return ReadDirectly(destination, out count);
            }

            Task<int> pending = ReadAhead();
            if (!pending.IsCompleted)
            {
                if (!mayWait)
                {
                    return Errno.Again;
                }

                WaitForInput(pending);
            }

            TakeResult(pending);
        }

        return TakeBuffered(destination, out count);
    }

    public override Readiness PollRead()
    {
        if (stream is null)
        {
            return Readiness.Now(0, isHungUp: true);
        }

        if (_neverWaits && !HasResult)
        {
            ulong left = BytesLeft(stream);
            return Readiness.Now(left, isHungUp: left == 0);
        }

        while (!HasResult)
        {
            Task<int> pending = ReadAhead();
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
            _wasCancelled = true;
            cancellation.Cancel();
            cancellation.Dispose();
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
            if (!_neverWaits)
            {
                context.Descriptors.FlushAll();
            }

            count = stream!.Read(destination);
            return Errno.Success;
        }
        catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out Errno errno))
        {
            return errno;
        }
    }

    private Task<int> ReadAhead()
    {
        if (_pending is null)
        {
            // A task of its own: many a stream does its asynchronous reading synchronously.
            var cancellation = new CancellationTokenSource();
            CancellationToken token = cancellation.Token;
            _cancellation = cancellation;
            _wasCancelled = false;
            Stream source = stream!;
            byte[] buffer = _buffer ??= new byte[ReadAheadSize];
            _pending = Task.Run(() => source.ReadAsync(buffer.AsMemory(), token).AsTask(), CancellationToken.None);
        }

        return _pending;
    }

    private void WaitForInput(Task<int> pending)
    {
        context.Descriptors.FlushAll();
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
