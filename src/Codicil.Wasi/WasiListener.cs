using System.Net;
using System.Net.Sockets;

namespace Codicil.Wasi;

/// <summary>
/// A TCP listener that guests are given (<c>sock_accept</c>). Connections that a guest accepts are its own and end with the store; a guest can make no
/// other sockets. Immutable and thread-safe; a socket is as thread-safe as it is.
/// </summary>
/// <remarks>WASI preview 1, <c>sock_accept</c>.</remarks>
public sealed class WasiListener
{
    private readonly EndPoint? _endPoint;
    private readonly Socket? _socket;

    private WasiListener(EndPoint? endPoint, Socket? socket)
    {
        _endPoint = endPoint;
        _socket = socket;
    }

    /// <summary>
    /// A listener that is opened for each store, when the first module that imports WASI is instantiated in it, and closed with the store. When it
    /// cannot be opened the instantiation fails with an <see cref="IOException"/>.
    /// </summary>
    /// <param name="endPoint">Where to listen: address and port, or the path of a Unix domain socket.</param>
    public static WasiListener FromEndPoint(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return new WasiListener(endPoint, null);
    }

    /// <summary>
    /// A stream socket that listens already; checked when a module is instantiated. It stays the caller's: neither a guest nor the end of a store closes
    /// it. It is made non-blocking (<see cref="Socket.Blocking"/>). Several stores may accept from one.
    /// </summary>
    public static WasiListener FromSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return new WasiListener(null, socket);
    }

    /// <summary>The socket, listening and non-blocking, and whether it ends with the store.</summary>
    /// <exception cref="ArgumentException">A socket of the caller's is none that listens.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    internal (Socket Socket, bool IsOwned) Open() => _socket is null ? (Listen(_endPoint!), true) : (Check(_socket), false);

    private static Socket Listen(EndPoint endPoint)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp)
            {
                Blocking = false,
            };
            socket.Bind(endPoint);
            socket.Listen();
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException or NotSupportedException)
        {
            socket?.Dispose();
            throw new IOException($"listener {endPoint}: {exception.Message}", exception);
        }
    }

    private static Socket Check(Socket socket)
    {
        try
        {
            if (socket.SocketType != SocketType.Stream || !socket.IsBound || !IsListening(socket))
            {
                throw new ArgumentException($"invalid listener: {nameof(WasiOptions)}.{nameof(WasiOptions.Listeners)} has a socket that does not listen");
            }

            socket.Blocking = false;
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            throw new IOException($"listener: {exception.Message}", exception);
        }
    }

    private static bool IsListening(Socket socket)
    {
        try
        {
            return socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) is not 0;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ProtocolOption or SocketError.OperationNotSupported)
        {
            // Not every system tells. Accepting will.
            return true;
        }
    }
}
