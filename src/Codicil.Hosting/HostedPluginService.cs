using Microsoft.Extensions.Hosting;

namespace Codicil.Hosting;

/// <summary>Loads plug-ins when the application starts; one that cannot be loaded keeps it from starting.</summary>
internal sealed class HostedPluginService(HostedPlugins plugins) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.WhenAll(plugins.Select(plugin => plugin.StartAsync(cancellationToken)));

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
