using System.Net;

namespace Codicil.Plugins.Http;

/// <summary>Finds where a host is reached.</summary>
/// <param name="host">The name, in lower case, international labels in Punycode, without a trailing dot, never an address; and the port of the URL.</param>
/// <param name="cancellationToken">Cancelled when nobody waits any more.</param>
/// <returns>Addresses with ports, in the order in which they are tried; those that are blocked are left out afterwards. The port is the URL's, unless the host's services lie elsewhere.</returns>
/// <remarks>Called on a thread of the pool for each new connection, also several times at once. What it throws fails the request.</remarks>
public delegate ValueTask<IReadOnlyList<IPEndPoint>> HostResolver(DnsEndPoint host, CancellationToken cancellationToken);
