using System.Net.Sockets;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>A connection that a program accepted. It is the program's, and closed with the store at the latest.</summary>
internal sealed class ConnectionDescriptor : SocketDescriptor
{
    /// <summary>What may be done with a connection whose listener takes nothing away.</summary>
    public const Rights OwnRights = Rights.FdRead | Rights.FdWrite | Rights.FdFdStatSetFlags | Rights.FdFileStatGet | Rights.PollFdReadWrite | Rights.SockShutdown;

    /// <summary>The most that a look ahead sees.</summary>
    public const int MostPeeked = 64 * 1024;

    private const int LeastAhead = 1024;

    private Errno _error;
    private byte[]? _ahead;
    private int _start;
    private int _end;

    public ConnectionDescriptor(System.Net.Sockets.Socket socket, Rights rights, FdFlags flags, WasiContext context)
        : base(socket, rights, Rights.None, context)
    {
        Flags = flags;
        socket.Blocking = false;
        if (socket.ProtocolType == ProtocolType.Tcp)
        {
            // The interface has no way to ask for it, and what a program sends comes in one piece (Functions.Socket).
            socket.NoDelay = true;
        }
    }

    public override bool IsReadable => _start < _end || IsReadableNow;

    private bool IsReadableNow
    {
        get
        {
            try
            {
                return _error != Errno.Success || Socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                Explain(exception);
                return true;
            }
        }
    }

    /// <summary>Keeps an error for the next call: this one had some bytes to report, and the system tells an error only once.</summary>
    public void Keep(Errno error) => _error = error;

    public override Errno Read(Span<byte> destination, out int count)
    {
        if (_start == _end)
        {
            return Receive(destination, out count);
        }

        count = Math.Min(destination.Length, _end - _start);
        _ahead.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        if (count < destination.Length && IsReadableNow)
        {
            Errno errno = Receive(destination[count..], out int more);
            count += more;
            if (errno is not (Errno.Success or Errno.Again))
            {
                Keep(errno);
            }
        }

        return Errno.Success;
    }

    /// <summary>
    /// Looks at what comes next without taking it. The bytes are fetched and kept, as the system does not tell when there are more than it showed before.
    /// </summary>
    /// <param name="wanted">How many bytes are of interest, at most <see cref="MostPeeked"/>.</param>
    /// <param name="waitsForAll">Whether to wait for all of them, not only for the first.</param>
    /// <param name="seen">What was seen; empty at the end. It is valid until the next call.</param>
    public Errno Peek(int wanted, bool waitsForAll, out ReadOnlySpan<byte> seen)
    {
        Errno errno = Errno.Success;
        while (_end - _start < wanted && (_start == _end || waitsForAll || IsReadableNow))
        {
            // Here rather than with the buffer in hand: while one waits, another thread may read what is in it.
            if (MayWait && !IsReadableNow)
            {
                errno = WaitForInput();
                if (errno == Errno.Success)
                {
                    continue;
                }

                break;
            }

            if (_start != 0)
            {
                _ahead.AsSpan(_start, _end - _start).CopyTo(_ahead);
                (_start, _end) = (0, _end - _start);
            }

            // It grows with what has arrived, not with what was asked for.
            if (_ahead is null || _end == _ahead.Length)
            {
                Array.Resize(ref _ahead, Math.Min(Math.Max(2 * _end, LeastAhead), MostPeeked));
            }

            errno = Receive(_ahead.AsSpan(_end, Math.Min(wanted, _ahead.Length) - _end), out int count);
            _end += count;
            if (errno != Errno.Success || count == 0)
            {
                break;
            }
        }

        seen = _ahead.AsSpan(_start, Math.Min(wanted, _end - _start));
        if (errno is not (Errno.Success or Errno.Again) && !seen.IsEmpty)
        {
            Keep(errno);
        }

        return seen.IsEmpty ? errno : Errno.Success;
    }

    public override Errno Write(ReadOnlySpan<byte> source, out int count)
    {
        count = 0;
        try
        {
            while (count < source.Length)
            {
                int sent = Socket.Send(source[count..], SocketFlags.None, out SocketError error);
                if (error == SocketError.Success)
                {
                    count += sent;
                }
                else if (error == SocketError.WouldBlock && MayWait)
                {
                    Wait(SelectMode.SelectWrite);
                }
                else if (count != 0)
                {
                    // The rest is told by the next call.
                    return Errno.Success;
                }
                else
                {
                    return Explain(error);
                }
            }

            return Errno.Success;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return Explain(exception);
        }
    }

    /// <summary>Ends one direction or both.</summary>
    public Errno Shutdown(SocketShutdown how)
    {
        try
        {
            Socket.Shutdown(how);
            return Errno.Success;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return Explain(exception);
        }
    }

    public override Readiness PollWrite() => Ask(SelectMode.SelectWrite);

    protected override Readiness Poll(SelectMode mode)
    {
        if (mode == SelectMode.SelectWrite)
        {
            return Socket.Poll(0, SelectMode.SelectWrite)
                ? Readiness.Now(1, isHungUp: Socket.Poll(0, SelectMode.SelectError))
                : Readiness.After(Socket, SelectMode.SelectWrite);
        }

        int ahead = _end - _start;
        if (ahead == 0 && _error == Errno.Success && !Socket.Poll(0, SelectMode.SelectRead))
        {
            return Readiness.After(Socket, SelectMode.SelectRead);
        }

        // Readable without a byte: the end, or an error that the next call tells.
        int available = ahead + Socket.Available;
        return Readiness.Now((uint)available, isHungUp: available == 0);
    }

    public override void Dispose()
    {
        Socket.Dispose();
        base.Dispose();
    }

    private Errno Receive(Span<byte> destination, out int count)
    {
        count = 0;
        if (_error != Errno.Success)
        {
            Errno kept = _error;
            _error = Errno.Success;
            return kept;
        }

        try
        {
            while (!destination.IsEmpty)
            {
                count = Socket.Receive(destination, SocketFlags.None, out SocketError error);
                if (error == SocketError.Success)
                {
                    break;
                }

                count = 0;
                if (error != SocketError.WouldBlock || !MayWait)
                {
                    return Explain(error);
                }

                Wait(SelectMode.SelectRead);
            }

            return Errno.Success;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return Explain(exception);
        }
    }

    private Errno WaitForInput()
    {
        try
        {
            Wait(SelectMode.SelectRead);
            return Errno.Success;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return Explain(exception);
        }
    }

    private Errno Explain(SocketError error)
    {
        // The end of the store shuts the socket down under a call.
        Interruption.Check(Context.Store);
        return SocketErrors.ToErrno(error);
    }
}
