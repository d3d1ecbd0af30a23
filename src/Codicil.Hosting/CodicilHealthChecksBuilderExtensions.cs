using System.Globalization;

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Codicil.Hosting;

/// <summary>Adds health checks of plug-ins.</summary>
public static class CodicilHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check of plug-ins: degraded when the last attempt to load one failed and an earlier one is in use, unhealthy when there is none to use.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="plugin">The plug-in's name; null for all of them.</param>
    /// <param name="failureStatus">What is reported in place of unhealthy; null for that.</param>
    /// <param name="tags">Tags.</param>
    public static IHealthChecksBuilder AddCodicil(
        this IHealthChecksBuilder builder, string name = "codicil", string? plugin = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return builder.Add(new HealthCheckRegistration(name, services => new Check(services.GetRequiredService<HostedPlugins>(), plugin), failureStatus, tags));
    }

    private sealed class Check(HostedPlugins plugins, string? name) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            HealthStatus worst = HealthStatus.Healthy;
            var faults = new List<string>();
            Exception? first = null;
            var data = new Dictionary<string, object>(StringComparer.Ordinal);
            foreach (HostedPlugin plugin in name is null ? plugins : (IEnumerable<HostedPlugin>)[plugins[name]])
            {
                HostedPluginStatus status = plugin.Status;
                data[plugin.Name + ".generation"] = status.Generation;
                data[plugin.Name + ".idle"] = status.Pool.Idle;
                data[plugin.Name + ".lent"] = status.Pool.Lent;
                data[plugin.Name + ".waiting"] = status.Pool.Waiting;
                data[plugin.Name + ".draining"] = status.Draining;
                if (status.LoadedAt is DateTimeOffset loadedAt)
                {
                    data[plugin.Name + ".loaded_at"] = loadedAt.ToString("O", CultureInfo.InvariantCulture);
                }

                if (status.Failure is Exception failure)
                {
                    bool isInUse = status.Generation > 0;
                    faults.Add($"{plugin.Name}: {(isInUse ? "not reloaded" : "not loaded")}: {failure.Message}");
                    first ??= failure;
                    worst = isInUse && worst == HealthStatus.Healthy ? HealthStatus.Degraded : isInUse ? worst : HealthStatus.Unhealthy;
                }
            }

            return Task.FromResult(new HealthCheckResult(
                worst == HealthStatus.Unhealthy ? context.Registration.FailureStatus : worst, faults.Count == 0 ? null : string.Join("; ", faults), first, data));
        }
    }
}
