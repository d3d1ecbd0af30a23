using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Codicil.Plugins.Http;

/// <summary>
/// Plug-ins that trust each other enough to share connections, with the options by which they reach others. Without one, each <see cref="CompiledPlugin"/> is a group of its own, shared by its instances.
/// Thread-safe. Whoever makes it disposes it, after the plug-ins.
/// </summary>
/// <remarks>
/// Connections and TLS sessions are never shared between groups. Inside a group a connection is used again for another instance's request, but only when the last response was read to its end;
/// no plug-in controls how requests are framed.
/// </remarks>
public sealed class PluginHttpGroup : IDisposable
{
    private readonly Lock _lock = new();
    private HttpMessageInvoker? _client;
    private bool _disposed;

    /// <summary>A group.</summary>
    /// <param name="options">Its options; null for the defaults.</param>
    /// <exception cref="ArgumentException">A pattern in <see cref="PluginHttpOptions.WasmRedirectHosts"/> is bad.</exception>
    public PluginHttpGroup(PluginHttpOptions? options = null)
    {
        Options = options ?? PluginHttpOptions.Default;
        Addresses = new AddressRules(Options);
        try
        {
            WasmRedirectHosts = HostPatternSet.Parse(Options.WasmRedirectHosts);
        }
        catch (FormatException exception)
        {
            throw new ArgumentException(exception.Message, nameof(options), exception);
        }
    }

    /// <summary>The options.</summary>
    public PluginHttpOptions Options { get; }

    internal AddressRules Addresses { get; }

    internal HostPatternSet WasmRedirectHosts { get; }

    /// <summary>Closes the connections that are not in use; requests that run end with their calls. Idempotent.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _client?.Dispose();
            _client = null;
        }
    }

    // Made when it is first needed: most plug-ins send nothing.
    internal HttpMessageInvoker GetClient()
    {
        if (Options.UnguardedClient is HttpMessageInvoker foreign)
        {
            return foreign;
        }

        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _client ??= new HttpMessageInvoker(CreateHandler(), disposeHandler: true);
        }
    }

    private SocketsHttpHandler CreateHandler()
    {
        const int Kibibyte = 1024;
        return new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = Options.Proxy is not null,
            Proxy = Options.Proxy,
            Credentials = null,
            PreAuthenticate = false,
            DefaultProxyCredentials = null,

            // The host's trace and its baggage are nobody else's business.
            ActivityHeadersPropagator = null,

            // Done where the response is read: a guest may ask for a coding, or a part of something coded.
            AutomaticDecompression = DecompressionMethods.None,
            ConnectCallback = new VettedConnector(this).ConnectAsync,
            ConnectTimeout = Options.ConnectTimeout,
            PooledConnectionIdleTimeout = Options.ConnectionIdleTimeout,
            PooledConnectionLifetime = Options.ConnectionLifetime,
            MaxConnectionsPerServer = Options.MaxConnectionsPerHost,
            MaxResponseHeadersLength = (int)(((long)Options.MaxHeaderBytes + Kibibyte - 1) / Kibibyte),

            // A response that is left is left: what the server still sends is not read to save a connection.
            MaxResponseDrainSize = 0,
            RequestHeaderEncodingSelector = static (_, _) => System.Text.Encoding.UTF8,
            ResponseHeaderEncodingSelector = static (_, _) => System.Text.Encoding.UTF8,
            SslOptions = CreateTlsOptions(),
        };
    }

    private SslClientAuthenticationOptions CreateTlsOptions()
    {
        var tls = new SslClientAuthenticationOptions
        {
            // A server's certificate names the addresses of its issuer and of revocation lists: nothing is loaded from there.
            CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,

            // The platform keeps sessions for the whole process; another group's must not be taken up here. Certificates asked for late are the one use of renegotiation.
            AllowTlsResume = false,
            AllowRenegotiation = Options.ClientCertificates.Count != 0,
        };
        if (Options.CertificateValidation is not null)
        {
            tls.RemoteCertificateValidationCallback = Options.CertificateValidation;
        }

        if (Options.TrustedRoots.Count != 0)
        {
            tls.CertificateChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(Options.TrustedRoots.ToArray());
        }

        if (Options.ClientCertificates.Count != 0)
        {
            tls.ClientCertificates = [.. Options.ClientCertificates];
        }

        return tls;
    }
}
