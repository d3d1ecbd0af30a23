using Codicil.Plugins;
using Codicil.Plugins.Http;

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Codicil.Hosting;

/// <summary>From options of configuration to those of the plug-in host.</summary>
internal static class HostedPluginMapping
{
    /// <summary>The manifest with what options say beside it.</summary>
    public static PluginManifest Apply(HostedPluginOptions options, PluginManifest manifest, string root)
    {
        if (options.Config.Count > 0)
        {
            var config = new Dictionary<string, string>(manifest.Config, StringComparer.Ordinal);
            foreach (KeyValuePair<string, string> pair in options.Config)
            {
                config[pair.Key] = pair.Value;
            }

            manifest = manifest with { Config = config };
        }

        return manifest with
        {
            AllowedHosts = options.AllowedHosts.Count > 0 ? [.. options.AllowedHosts] : manifest.AllowedHosts,
            AllowedPaths = options.AllowedPaths.Count > 0 ? options.AllowedPaths.ToDictionary(pair => Rooted(pair.Key, root), static pair => pair.Value) : manifest.AllowedPaths,
            Timeout = options.Timeout ?? manifest.Timeout,
            Memory = manifest.Memory with
            {
                MaxPages = options.MaxPages ?? manifest.Memory.MaxPages,
                MaxVarBytes = options.MaxVarBytes ?? manifest.Memory.MaxVarBytes,
                MaxHttpResponseBytes = options.MaxHttpResponseBytes ?? manifest.Memory.MaxHttpResponseBytes,
            },
        };
    }

    /// <summary>The options of the plug-in, before code has its say.</summary>
    public static PluginOptions ToPluginOptions(HostedPluginOptions options, string name, ILoggerFactory loggers, IServiceProvider services)
    {
        HostedPluginHttpOptions http = options.Http;
        PluginHttpOptions mapped = PluginHttpOptions.Default;
        mapped = mapped with
        {
            BlockedAddresses = http.BlockedAddresses ?? mapped.BlockedAddresses,
            RequestTimeout = http.RequestTimeout ?? mapped.RequestTimeout,
            ConnectTimeout = http.ConnectTimeout ?? mapped.ConnectTimeout,
            MaxRedirects = http.MaxRedirects ?? mapped.MaxRedirects,
            MaxConnectionsPerHost = http.MaxConnectionsPerHost ?? mapped.MaxConnectionsPerHost,
            UserAgent = http.UserAgent ?? mapped.UserAgent,
            Http2 = http.Http2 ?? mapped.Http2,
            UnguardedClient = string.IsNullOrEmpty(http.UnguardedClientName)
                ? null
                : new FactoryInvoker(services.GetRequiredService<IHttpClientFactory>(), http.UnguardedClientName),
        };
        return new PluginOptions
        {
            Name = name,
            Wasi = options.Wasi,
            LoggerFactory = loggers,
            Http = mapped,
            HttpResponseHeaders = http.ResponseHeaders,
        };
    }

    /// <summary>The options of the pool.</summary>
    public static PluginPoolOptions ToPoolOptions(HostedPluginPoolOptions options, string name) => new()
    {
        Name = name,
        MaxSize = options.MaxSize ?? Math.Max(PluginPoolOptions.Default.MaxSize, options.WarmUp),
        Policy = options.Policy,
        IdleTimeout = options.IdleTimeout,
        MinimumIdle = options.MinimumIdle,
        DisposesCompiled = true,
    };

    private static string Rooted(string path, string root)
    {
        const string readOnly = "ro:";
        return path.StartsWith(readOnly, StringComparison.Ordinal) ? readOnly + Path.GetFullPath(path[readOnly.Length..], root) : Path.GetFullPath(path, root);
    }

    /// <summary>Asks the factory for a client with each request, so that its handlers are renewed as it means them to be.</summary>
    private sealed class FactoryInvoker(IHttpClientFactory factory, string name) : HttpMessageInvoker(new NoHandler())
    {
        public override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            factory.CreateClient(name).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

        public override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            factory.CreateClient(name).Send(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    private sealed class NoHandler : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new System.Diagnostics.UnreachableException();
    }
}
