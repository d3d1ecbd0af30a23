using System.Globalization;
using System.Net;
using System.Net.Sockets;

using Codicil.Wasi;

namespace Codicil.Cli.Running;

/// <summary>The listeners of <c>--listen</c>, open for as long as the tool runs the guest, however often it does.</summary>
internal sealed class GuestListeners : IDisposable
{
    private readonly List<Socket> _sockets = [];

    /// <summary><c>HOST:PORT</c>: an address, in brackets when it has colons of its own, or a name.</summary>
    /// <exception cref="UsageException">The text is of another form.</exception>
    public static EndPoint Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            throw new UsageException($"--listen: `{text}` is not of the form HOST:PORT");
        }

        string host = text[..colon];
        bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
        if (IPAddress.TryParse(isBracketed ? host[1..^1] : host, out IPAddress? address) && isBracketed == (address.AddressFamily == AddressFamily.InterNetworkV6))
        {
            return new IPEndPoint(address, port);
        }

        return isBracketed || host.Contains(':', StringComparison.Ordinal)
            ? throw new UsageException($"--listen: `{text}` is not of the form HOST:PORT; an IPv6 address stands in brackets, as in [::1]:8080")
            : new DnsEndPoint(host, port);
    }

    /// <summary>Opens them in order.</summary>
    /// <exception cref="IOException">One cannot be opened; it is named.</exception>
    public static GuestListeners Open(IReadOnlyList<EndPoint> endPoints)
    {
        var listeners = new GuestListeners();
        try
        {
            foreach (EndPoint endPoint in endPoints)
            {
                listeners.Add(endPoint);
            }

            return listeners;
        }
        catch
        {
            listeners.Dispose();
            throw;
        }
    }

    /// <summary>Gives them to a guest.</summary>
    public WasiOptions AddTo(WasiOptions options) => _sockets.Aggregate(options, static (options, socket) => options.WithListener(socket));

    public void Dispose() => _sockets.ForEach(static socket => socket.Dispose());

    private void Add(EndPoint endPoint)
    {
        string name = endPoint is DnsEndPoint named ? string.Create(CultureInfo.InvariantCulture, $"{named.Host}:{named.Port}") : endPoint.ToString()!;
        try
        {
            IPEndPoint address = Resolve(endPoint);
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            _sockets.Add(socket);
            socket.Bind(address);
            socket.Listen();
            if (address.Port == 0)
            {
                Messages.Note($"listening on {socket.LocalEndPoint}");
            }
        }
        catch (SocketException exception)
        {
            throw new IOException($"--listen {name}: {exception.Message}", exception);
        }
    }

    private static IPEndPoint Resolve(EndPoint endPoint)
    {
        if (endPoint is not DnsEndPoint named)
        {
            return (IPEndPoint)endPoint;
        }

        // IPv4 first, since that is where clients of a name such as localhost look at the latest.
        IPAddress[] addresses = Dns.GetHostAddresses(named.Host);
        IPAddress address = addresses.FirstOrDefault(static candidate => candidate.AddressFamily == AddressFamily.InterNetwork) ?? addresses.FirstOrDefault()
            ?? throw new SocketException((int)SocketError.HostNotFound);
        return new IPEndPoint(address, named.Port);
    }
}
