using System.Net.Sockets;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>
/// A stream socket of the system, non-blocking: who has to wait does so in slices, which an interrupt or the end of the store cuts short.
/// </summary>
internal abstract class SocketDescriptor(System.Net.Sockets.Socket socket, Rights rightsBase, Rights rightsInheriting, WasiContext context)
    : Descriptor(FileType.SocketStream, rightsBase, rightsInheriting)
{
    public sealed override bool IsSocket => true;

    protected System.Net.Sockets.Socket Socket { get; } = socket;

    protected WasiContext Context { get; } = context;

    protected bool MayWait => (Flags & FdFlags.NonBlock) == 0;

    // O_APPEND means nothing for a socket.
    public override Errno SetFlags(FdFlags flags)
    {
        if ((flags & ~FdFlags.NonBlock) != 0)
        {
            return Errno.Inval;
        }

        Flags = flags;
        return Errno.Success;
    }

    public sealed override Readiness PollRead() => Ask(SelectMode.SelectRead);

    public sealed override Errno Close()
    {
        Dispose();
        return Errno.Success;
    }

    /// <summary>Whether the socket can be read or written. What the socket throws is its failure: a program is told that it hung up.</summary>
    protected Readiness Ask(SelectMode mode)
    {
        try
        {
            return Poll(mode);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Explain(exception);
            return Readiness.Now(0, isHungUp: true);
        }
    }

    protected abstract Readiness Poll(SelectMode mode);

    /// <summary>Waits until the socket can be read or written, or has failed.</summary>
    protected void Wait(SelectMode mode)
    {
        Context.Descriptors.FlushAll();
        using WasiGate.Outside outside = Context.LeaveForWait();
        int slice = Interruption.SliceInMilliseconds(Context.Store) * 1000;
        do
        {
            Interruption.Check(Context.Store);
        }
        while (!Socket.Poll(slice, mode));
    }

    /// <summary>What the guest is told of an exception of its socket. When it comes of the end of the store, that is what is thrown instead.</summary>
    protected Errno Explain(Exception exception)
    {
        Interruption.Check(Context.Store);

        // Disposed: the owner of a listener has closed it.
        return exception is SocketException socketException ? SocketErrors.ToErrno(socketException.SocketErrorCode) : Errno.Io;
    }
}
