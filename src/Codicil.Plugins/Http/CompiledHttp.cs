namespace Codicil.Plugins.Http;

/// <summary>HTTP of a compiled plug-in: its group and what its instances may reach at first.</summary>
internal sealed class CompiledHttp : IDisposable
{
    private readonly bool _ownsGroup;

    /// <summary>Checks what the manifest and the options say about HTTP.</summary>
    /// <exception cref="PluginException">A pattern of the manifest is bad.</exception>
    /// <exception cref="ArgumentException">A pattern of the options is bad, or they name a group and have options of its own.</exception>
    public CompiledHttp(PluginManifest manifest, PluginOptions options)
    {
        try
        {
            AllowedHosts = HostPatternSet.Parse(manifest.AllowedHosts);
        }
        catch (FormatException exception)
        {
            throw new PluginException(PluginFailure.Manifest, $"invalid manifest: allowed_hosts: {exception.Message}", exception);
        }

        if (options.HttpGroup is not null && !ReferenceEquals(options.Http, PluginHttpOptions.Default))
        {
            throw new ArgumentException("the options of HTTP are those of the group: give one of the two", nameof(options));
        }

        _ownsGroup = options.HttpGroup is null;
        Group = options.HttpGroup ?? new PluginHttpGroup(options.Http);
    }

    /// <summary>The manifest's hosts.</summary>
    public HostPatternSet AllowedHosts { get; }

    /// <summary>Who sends.</summary>
    public PluginHttpGroup Group { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsGroup)
        {
            Group.Dispose();
        }
    }
}
