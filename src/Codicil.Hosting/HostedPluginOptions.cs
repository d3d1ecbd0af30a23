using System.Diagnostics.CodeAnalysis;

using Codicil.Plugins;
using Codicil.Plugins.Http;

namespace Codicil.Hosting;

/// <summary>
/// What a plug-in of an application is made of and what it may do: the section that configuration binds. Where it comes from is one of <see cref="Path"/>, <see cref="ManifestPath"/> and
/// <see cref="UseManifest"/>; what is set here beside that wins over the manifest's. What is out of its range is named when the application starts, all of it at once, not by the property.
/// </summary>
[SuppressMessage("Usage", "CA2227:Collection properties should be read only", Justification = "Configuration and initializers set it.")]
public sealed class HostedPluginOptions
{
    private PluginManifest? _manifest;

    /// <summary>The file of the only module, in the binary or the text format; relative to the application's content root.</summary>
    public string? Path { get; set; }

    /// <summary>The file of a manifest in JSON; relative to the application's content root. Paths in it are relative to its folder.</summary>
    public string? ManifestPath { get; set; }

    /// <summary>With <see cref="Path"/>: the SHA-256 of the module in hexadecimal.</summary>
    public string? Hash { get; set; }

    /// <summary>Values that the guest can read by key; added to the manifest's.</summary>
    public Dictionary<string, string> Config { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Patterns of the hosts that the guest may reach by HTTP; where empty, the manifest's.</summary>
    public List<string> AllowedHosts { get; set; } = [];

    /// <summary>Directories of the host (with the prefix <c>ro:</c> read-only), each with the path under which the guest sees it; where empty, the manifest's. Needs <see cref="Wasi"/>.</summary>
    public Dictionary<string, string> AllowedPaths { get; set; } = new(StringComparer.Ordinal);

    /// <summary>What each call may take: more than zero, however long; null for the manifest's.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>The most pages of 64 KiB for each memory, 1 to 65,536; null for the manifest's.</summary>
    public long? MaxPages { get; set; }

    /// <summary>What variables may take in bytes; null for the manifest's.</summary>
    public long? MaxVarBytes { get; set; }

    /// <summary>The largest HTTP response in bytes; null for the manifest's.</summary>
    public long? MaxHttpResponseBytes { get; set; }

    /// <summary>Whether modules can import WASI preview 1.</summary>
    public bool Wasi { get; set; }

    /// <summary>Whether the plug-in is loaded when the application starts, so that one that cannot be loaded keeps it from starting; otherwise with its first use.</summary>
    public bool LoadAtStart { get; set; } = true;

    /// <summary>Whether the plug-in is loaded anew when its files or its options change.</summary>
    public bool HotReload { get; set; }

    /// <summary>With <see cref="HotReload"/>: how long files must stay as they are before they are read, so that they are not read half written: from zero to 10 minutes.</summary>
    public TimeSpan ReloadDelay { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>With <see cref="HotReload"/>: how often files are looked at, in case that the system does not tell of a change: from 10 ms to a day.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long calls that are running when a plug-in is replaced may go on with the old one: from zero to 2,147,483,647 ms (24 days); null for as long as they take.</summary>
    public TimeSpan? DrainTimeout { get; set; }

    /// <summary>The instances.</summary>
    public HostedPluginPoolOptions Pool { get; set; } = new();

    /// <summary>HTTP for the guest.</summary>
    public HostedPluginHttpOptions Http { get; set; } = new();

    /// <summary>Takes a manifest from code.</summary>
    public void UseManifest(PluginManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        _manifest = manifest;
    }

    // Not a property, so that configuration has no say in it.
    internal PluginManifest? GetManifest() => _manifest;
}

/// <summary>The instances of a plug-in (<see cref="PluginPoolOptions"/>).</summary>
public sealed class HostedPluginPoolOptions
{
    /// <summary>The most instances that live at the same time; null for two for each processor.</summary>
    public int? MaxSize { get; set; }

    /// <summary>The instances that are made when the plug-in is loaded. At least one is made in any case, to see that it can be.</summary>
    public int WarmUp { get; set; } = 1;

    /// <summary>What becomes of instances that come back.</summary>
    public PluginPoolPolicy Policy { get; set; }

    /// <summary>How long an instance stays idle before it is dropped: more than zero, at most 2,147,483,647 ms (24 days); null for ever.</summary>
    public TimeSpan? IdleTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The idle instances that are not dropped for their age.</summary>
    public int MinimumIdle { get; set; } = 1;
}

/// <summary>HTTP for a plug-in (<see cref="PluginHttpOptions"/>). Null stands for the default there.</summary>
public sealed class HostedPluginHttpOptions
{
    /// <summary>The kinds of addresses that are not connected to.</summary>
    public AddressKinds? BlockedAddresses { get; set; }

    /// <summary>What a request may take with its redirects and its response: more than zero, at most 2,147,483,647 ms (24 days).</summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>What resolving a name, connecting and the TLS handshake may take together: more than zero, at most 2,147,483,647 ms (24 days).</summary>
    public TimeSpan? ConnectTimeout { get; set; }

    /// <summary>How many redirects are followed.</summary>
    public int? MaxRedirects { get; set; }

    /// <summary>The most connections to a host at a time.</summary>
    public int? MaxConnectionsPerHost { get; set; }

    /// <summary>The <c>User-Agent</c> of requests that bring none.</summary>
    public string? UserAgent { get; set; }

    /// <summary>Whether HTTP/2 is spoken.</summary>
    public bool? Http2 { get; set; }

    /// <summary>Whether the guest sees the headers of responses.</summary>
    public bool ResponseHeaders { get; set; }

    /// <summary>
    /// The name of a client of <see cref="IHttpClientFactory"/> that sends the requests; null for a handler of the plug-in's own. What is lost with it is listed at
    /// <see cref="PluginHttpOptions.UnguardedClient"/>: its handler must neither follow redirects nor bring credentials.
    /// </summary>
    public string? UnguardedClientName { get; set; }
}
