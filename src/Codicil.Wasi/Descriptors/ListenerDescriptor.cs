using System.Net.Sockets;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>A socket that listens: the only way for a program to get a connection.</summary>
internal sealed class ListenerDescriptor(System.Net.Sockets.Socket socket, bool isOwned, WasiContext context)
    : SocketDescriptor(socket, OwnRights, ConnectionDescriptor.OwnRights, context)
{
    // The right to read is what lets one wait for a connection (rights, poll_fd_readwrite).
    private const Rights OwnRights = Rights.SockAccept | Rights.FdRead | Rights.FdFdStatSetFlags | Rights.FdFileStatGet | Rights.PollFdReadWrite;

    /// <summary>Takes the next connection, waiting for one unless the listener's flags say otherwise.</summary>
    /// <param name="flags">The flags of the connection.</param>
    /// <param name="connection">The connection, or null with an error.</param>
    public Errno Accept(FdFlags flags, out ConnectionDescriptor? connection)
    {
        connection = null;
        try
        {
            while (true)
            {
                // Asking first saves the exception that .NET throws for "not yet".
                if (!Socket.Poll(0, SelectMode.SelectRead))
                {
                    if (!MayWait)
                    {
                        return Errno.Again;
                    }

                    Wait(SelectMode.SelectRead);
                }

                try
                {
                    connection = new ConnectionDescriptor(Socket.Accept(), RightsInheriting, flags, Context);
                    return Errno.Success;
                }
                catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.ConnectionAborted)
                {
                    // Somebody else took it, or it went away again.
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return Explain(exception);
        }
    }

    protected override Readiness Poll(SelectMode mode) => Socket.Poll(0, mode) ? Readiness.Now(1) : Readiness.After(Socket, mode);

    public override void Dispose()
    {
        if (isOwned)
        {
            Socket.Dispose();
        }

        base.Dispose();
    }
}
