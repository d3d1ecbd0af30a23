using System.Collections;
using System.Diagnostics.CodeAnalysis;

using Microsoft.Extensions.DependencyInjection;

namespace Codicil.Hosting;

/// <summary>The plug-ins of an application in the order in which they were added. Thread-safe.</summary>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "That it can be listed is secondary.")]
public sealed class HostedPlugins : IReadOnlyCollection<HostedPlugin>
{
    private readonly IServiceProvider _services;
    private readonly HostedPluginNames _names;

    internal HostedPlugins(IServiceProvider services, HostedPluginNames names)
    {
        _services = services;
        _names = names;
    }

    /// <summary>How many there are.</summary>
    public int Count => _names.All.Count;

    /// <summary>The plug-in of a name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public HostedPlugin this[string name] => Find(name) ?? throw new KeyNotFoundException($"there is no plug-in named '{name}'");

    /// <summary>The plug-in of a name, or null.</summary>
    public HostedPlugin? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _names.Contains(name) ? _services.GetRequiredKeyedService<HostedPlugin>(name) : null;
    }

    /// <inheritdoc/>
    public IEnumerator<HostedPlugin> GetEnumerator()
    {
        foreach (string name in _names.All)
        {
            yield return this[name];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
