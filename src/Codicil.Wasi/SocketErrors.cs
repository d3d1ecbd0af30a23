using System.Net.Sockets;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi;

/// <summary>The errors of sockets in WASI's numbers, on every system.</summary>
internal static class SocketErrors
{
    /// <summary>What a guest is told.</summary>
    public static Errno ToErrno(SocketError error) => error switch
    {
        SocketError.Success => Errno.Success,
        SocketError.WouldBlock or SocketError.IOPending => Errno.Again,
        SocketError.ConnectionReset => Errno.ConnReset,
        SocketError.ConnectionAborted => Errno.ConnAborted,
        SocketError.ConnectionRefused => Errno.ConnRefused,
        SocketError.Shutdown or SocketError.Disconnecting => Errno.Pipe,
        SocketError.NotConnected => Errno.NotConn,
        SocketError.IsConnected => Errno.IsConn,
        SocketError.TimedOut => Errno.TimedOut,
        SocketError.HostUnreachable or SocketError.HostDown => Errno.HostUnreach,
        SocketError.NetworkUnreachable => Errno.NetUnreach,
        SocketError.NetworkDown => Errno.NetDown,
        SocketError.NetworkReset => Errno.NetReset,
        SocketError.NoBufferSpaceAvailable => Errno.NoBufs,
        SocketError.MessageSize => Errno.MsgSize,
        SocketError.TooManyOpenSockets => Errno.NFile,
        SocketError.AccessDenied => Errno.Acces,
        SocketError.InvalidArgument => Errno.Inval,
        SocketError.OperationNotSupported or SocketError.ProtocolNotSupported => Errno.NotSup,
        SocketError.Interrupted => Errno.Intr,
        SocketError.OperationAborted => Errno.Canceled,
        SocketError.Fault => Errno.Fault,
        _ => Errno.Io,
    };
}
