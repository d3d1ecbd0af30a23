using System.Net;
using System.Net.Sockets;

namespace Codicil.Plugins.Http;

/// <summary>Resolves a name once, leaves out the addresses that are not allowed, and connects to one of those that are left: no second look-up can lead elsewhere. Thread-safe.</summary>
internal sealed class VettedConnector(PluginHttpGroup group)
{
    /// <summary>The token of the request that a connection is made for. The handler's own outlives the request by some seconds, in case that somebody else wants the connection.</summary>
    public static readonly HttpRequestOptionsKey<CancellationToken> RequestToken = new("Codicil.RequestToken");

    private readonly SystemResolver _system = new();

    /// <summary>Connects, for <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    /// <exception cref="AddressRefusedException">No address is allowed.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        DnsEndPoint target = context.DnsEndPoint;
        Uri uri = context.InitialRequestMessage.RequestUri!;

        // A proxy is the host's own choice, whatever its address is.
        bool isProxy = group.Options.Proxy is not null && (target.Port != uri.Port || !string.Equals(target.Host, uri.IdnHost, StringComparison.OrdinalIgnoreCase));
        context.InitialRequestMessage.Options.TryGetValue(RequestToken, out CancellationToken requestToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, requestToken);
        IReadOnlyList<IPEndPoint> endPoints = await ResolveAsync(target, isProxy, either.Token).ConfigureAwait(false);
        Socket socket = await ConnectAsync(endPoints, either.Token).ConfigureAwait(false);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private async ValueTask<IReadOnlyList<IPEndPoint>> ResolveAsync(DnsEndPoint target, bool isProxy, CancellationToken cancellationToken)
    {
        IReadOnlyList<IPEndPoint> endPoints;
        if (IPAddress.TryParse(target.Host, out IPAddress? literal))
        {
            endPoints = [new IPEndPoint(literal, target.Port)];
        }
        else
        {
            HostResolver resolver = (isProxy ? null : group.Options.Resolver) ?? _system.ResolveAsync;
            endPoints = await resolver(target, cancellationToken).ConfigureAwait(false);
        }

        if (endPoints.Count == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        if (isProxy)
        {
            return endPoints;
        }

        // Copies: what was checked is what is connected to, whatever the resolver does with its list.
        IPEndPoint[] allowed = [.. endPoints.Select(Copy).Where(endPoint => group.Addresses.Allows(endPoint.Address))];
        return allowed.Length != 0 ? allowed : throw new AddressRefusedException(target.Host);
    }

    private static IPEndPoint Copy(IPEndPoint endPoint) => new(endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address, endPoint.Port);

    // One after the other, each with an equal share of the time: a silent address must not keep the next one from being tried.
    private async ValueTask<Socket> ConnectAsync(IReadOnlyList<IPEndPoint> endPoints, CancellationToken cancellationToken)
    {
        TimeSpan share = group.Options.ConnectTimeout / endPoints.Count;
        SocketException? failure = null;
        foreach (IPEndPoint endPoint in endPoints)
        {
            var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            timeout.CancelAfter(share);
            try
            {
                await socket.ConnectAsync(endPoint, timeout.Token).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException exception)
            {
                socket.Dispose();
                failure = exception;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                socket.Dispose();
                failure = new SocketException((int)SocketError.TimedOut);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw failure!;
    }
}
