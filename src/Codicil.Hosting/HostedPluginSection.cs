using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Codicil.Hosting;

/// <summary>The configuration of a plug-in: tells when it has changed.</summary>
internal sealed class HostedPluginSection(IConfiguration configuration)
{
    /// <summary>Everything in it as text. A token fires for changes elsewhere, too.</summary>
    public string Snapshot => string.Join('\n', configuration.AsEnumerable().Select(static pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal));

    /// <summary>Calls back whenever something of the configuration has changed.</summary>
    public IDisposable OnChange(Action changed) => ChangeToken.OnChange(configuration.GetReloadToken, changed);
}
