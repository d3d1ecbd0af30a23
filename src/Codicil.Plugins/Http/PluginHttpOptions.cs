using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Codicil.Plugins.Http;

/// <summary>How plug-ins reach others by HTTP: the options of a <see cref="PluginHttpGroup"/>. Immutable; thread-safe as long as the objects in it are.</summary>
/// <remarks>
/// Which hosts a plug-in may reach is not said here but by its manifest's <c>allowed_hosts</c>, none at first. At first there are no cookies, no credentials, no proxy (the environment's is not
/// asked), no trace context in requests. Redirects are followed one by one, each checked like the request itself.
/// </remarks>
public sealed record PluginHttpOptions
{
    /// <summary>The options that are used when none are given.</summary>
    public static PluginHttpOptions Default { get; } = new();

    /// <summary>Finds the addresses of hosts by their names; null for the system's resolver.</summary>
    public HostResolver? Resolver { get; init; }

    /// <summary>
    /// The kinds of addresses that are not connected to, whatever the host is called: by default the link's, with the clouds' metadata services, and those that are reserved.
    /// For plug-ins that may reach many hosts, <see cref="AddressKinds.NonPublic"/> keeps them out of the networks inside.
    /// </summary>
    /// <remarks>What is checked is what is connected to: names are resolved once. Behind a <see cref="Proxy"/>, only addresses written in URLs can be checked.</remarks>
    public AddressKinds BlockedAddresses { get; init; } = AddressKinds.LinkLocal | AddressKinds.Reserved;

    /// <summary>Networks that may be connected to although <see cref="BlockedAddresses"/> names their kind.</summary>
    public IReadOnlyList<IPNetwork> AllowedNetworks { get; init; } = [];

    /// <summary>Networks that are not connected to in any case.</summary>
    public IReadOnlyList<IPNetwork> BlockedNetworks { get; init; } = [];

    /// <summary>A proxy; null for none. It resolves names itself, so that <see cref="Resolver"/> and the blocked addresses do not act on what lies behind it. It is asked on a thread of the pool.</summary>
    public IWebProxy? Proxy { get; init; }

    /// <summary>Certificates that are shown to servers which ask for one: to every host that a plug-in of this group may reach.</summary>
    public IReadOnlyList<X509Certificate2> ClientCertificates { get; init; } = [];

    /// <summary>The roots that servers' certificates must lead to; empty for the system's.</summary>
    public IReadOnlyList<X509Certificate2> TrustedRoots { get; init; } = [];

    /// <summary>Judges servers' certificates in place of the usual rules; null for these.</summary>
    public RemoteCertificateValidationCallback? CertificateValidation { get; init; }

    /// <summary>Whether HTTP/2 is spoken with servers that prefer it. Off by default: one connection then never carries two plug-ins' requests at a time.</summary>
    public bool Http2 { get; init; }

    /// <summary>The most connections to a host at a time; further requests wait.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public int MaxConnectionsPerHost
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    }
    = int.MaxValue;

    /// <summary>How long a connection may go unused before it is closed: from zero to 2,147,483,647 ms (24 days).</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or longer.</exception>
    public TimeSpan ConnectionIdleTimeout { get; init => field = TimeRange.NotNegative(value); } = TimeSpan.FromMinutes(1);

    /// <summary>How long a connection is used before the name is resolved anew: from zero, for one request a connection, to 2,147,483,647 ms (24 days).</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or longer.</exception>
    public TimeSpan ConnectionLifetime { get; init => field = TimeRange.NotNegative(value); } = TimeSpan.FromMinutes(10);

    /// <summary>What resolving a name, connecting and the TLS handshake may take together: more than zero, at most 2,147,483,647 ms (24 days).</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive, or longer.</exception>
    public TimeSpan ConnectTimeout { get; init => field = TimeRange.Positive(value); } = TimeSpan.FromSeconds(30);

    /// <summary>What a request may take with its redirects and the response's body, where the call's deadline does not end it earlier: more than zero, at most 2,147,483,647 ms (24 days).</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive, or longer.</exception>
    public TimeSpan RequestTimeout { get; init => field = TimeRange.Positive(value); } = TimeSpan.FromSeconds(100);

    /// <summary>How many redirects are followed; one more fails the request. 0 hands redirects to the plug-in.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int MaxRedirects { get; init => field = NotNegative(value); } = 10;

    /// <summary>The largest body of a request in bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int MaxRequestBodyBytes { get; init => field = NotNegative(value); } = 50 * 1024 * 1024;

    /// <summary>What the headers of a request (with its URL) or of a response may take in bytes; for responses rounded up to whole KiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int MaxHeaderBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    }
    = 64 * 1024;

    /// <summary>How many headers a request or a response may have.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int MaxHeaders { get; init => field = NotNegative(value); } = 256;

    /// <summary>The <c>User-Agent</c> of requests that bring none; null for none.</summary>
    /// <exception cref="ArgumentException">It cannot be a header's value.</exception>
    public string? UserAgent
    {
        get;
        init
        {
            if (value is not null && !HttpText.IsValue(value))
            {
                throw new ArgumentException("it holds control characters", nameof(value));
            }

            field = value;
        }
    }
    = "Codicil";

    /// <summary>The largest module that is loaded from a URL, in bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int MaxWasmBytes { get; init => field = NotNegative(value); } = 256 * 1024 * 1024;

    /// <summary>
    /// Patterns of hosts to which the URL of a module may be redirected, beside its own host and port; see <see cref="HostPattern"/>. Where empty, a redirect elsewhere is refused, but from http
    /// to https on the same host and their own ports.
    /// </summary>
    public IReadOnlyList<string> WasmRedirectHosts { get; init; } = [];

    /// <summary>
    /// A client of the host's own that sends the requests, in place of a handler of ours. Hosts, URLs, methods, headers and sizes are checked as ever, and the wait ends with the call's deadline;
    /// but what is lost is all that only the sender can hold:
    /// <list type="bullet">
    /// <item>redirects that the client follows by itself are not checked: any host is a redirect away (switch them off in its handler);</item>
    /// <item>addresses are not checked, neither their kind nor that they are those of the host whose name was: <see cref="Resolver"/>, <see cref="BlockedAddresses"/>, the networks are not asked;</item>
    /// <item>its cookies, credentials, client certificates, default headers and trace context go to every host that the plug-in may reach;</item>
    /// <item>its connections are shared with all others that use it;</item>
    /// <item>its proxy, TLS settings, protocol versions and decompression are its own: a compressed body is handed over as it came, and its size is limited as it came, where the client does not decompress;</item>
    /// <item>the size of a response's headers is limited after they were read, that of connecting is not limited in time but by the request's; what it does with the token decides when it ends.</item>
    /// </list>
    /// The client is not disposed.
    /// </summary>
    public HttpMessageInvoker? UnguardedClient { get; init; }

    private static int NotNegative(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        return value;
    }
}
