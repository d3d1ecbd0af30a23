using System.Diagnostics.CodeAnalysis;

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Codicil.Hosting;

/// <summary>Adds plug-ins to an application's services.</summary>
public static class CodicilServiceCollectionExtensions
{
    /// <summary>
    /// Adds what plug-ins need: loading at start, validation of options, <see cref="HostedPlugins"/>. May be called several times.
    /// </summary>
    /// <example>
    /// <code>
    /// builder.Services.AddCodicil().AddPlugin("greeter", builder.Configuration.GetSection("Plugins:greeter"));
    /// app.MapPost("/greet", async ([FromKeyedServices("greeter")] HostedPlugin greeter, ...) => await greeter.CallAsync("greet", name));
    /// </code>
    /// </example>
    public static CodicilBuilder AddCodicil(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        HostedPluginNames? names = FindNames(services);
        if (names is null)
        {
            names = new HostedPluginNames();
            services.AddSingleton(names);
            services.AddLogging();
            services.AddOptions();
            services.AddSingleton<IValidateOptions<HostedPluginOptions>, HostedPluginOptionsValidator>();
            services.AddSingleton(static provider => new HostedPlugins(provider, provider.GetRequiredService<HostedPluginNames>()));
            services.AddHostedService<HostedPluginService>();
        }

        return new CodicilBuilder(services, names);
    }

    [SuppressMessage("Performance", "CA1859:Use concrete types when possible for improved performance", Justification = "It is what services are.")]
    private static HostedPluginNames? FindNames(IServiceCollection services)
    {
        foreach (ServiceDescriptor service in services)
        {
            if (service.ServiceType == typeof(HostedPluginNames))
            {
                return (HostedPluginNames?)service.ImplementationInstance;
            }
        }

        return null;
    }
}
