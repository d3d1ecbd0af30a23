using System.Collections.Concurrent;
using System.Net;

using Codicil.Plugins.Http;

namespace Codicil.Plugins.Tests.Http;

/// <summary>Resolves the names of a test and keeps what was asked. What it does not know does not exist.</summary>
internal sealed class TestResolver
{
    private readonly Dictionary<string, IPEndPoint[]> _hosts = new(StringComparer.Ordinal);

    /// <summary>The names that were asked for.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Options with this resolver.</summary>
    public PluginHttpOptions Options => new() { Resolver = ResolveAsync };

    /// <summary>A name on loopback, with the URL's port.</summary>
    public TestResolver Add(string host) => Add(host, IPAddress.Loopback);

    /// <summary>A name with addresses.</summary>
    public TestResolver Add(string host, params IPAddress[] addresses)
    {
        _hosts[host] = [.. addresses.Select(static address => new IPEndPoint(address, 0))];
        return this;
    }

    /// <summary>A name that a server on loopback has, whatever port is asked for.</summary>
    public TestResolver Add(string host, int port)
    {
        _hosts[host] = [new IPEndPoint(IPAddress.Loopback, port)];
        return this;
    }

    private ValueTask<IReadOnlyList<IPEndPoint>> ResolveAsync(DnsEndPoint host, CancellationToken cancellationToken)
    {
        Asked.Enqueue(host.Host);
        IPEndPoint[] endPoints = _hosts.GetValueOrDefault(host.Host) ?? [];
        return ValueTask.FromResult<IReadOnlyList<IPEndPoint>>([.. endPoints.Select(endPoint => new IPEndPoint(endPoint.Address, endPoint.Port == 0 ? host.Port : endPoint.Port))]);
    }
}
