using Codicil.Plugins;

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Codicil.Hosting;

/// <summary>Adds plug-ins (<see cref="CodicilServiceCollectionExtensions.AddCodicil"/>).</summary>
public sealed class CodicilBuilder
{
    private readonly HostedPluginNames _names;

    internal CodicilBuilder(IServiceCollection services, HostedPluginNames names)
    {
        Services = services;
        _names = names;
    }

    /// <summary>The services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a plug-in with options from configuration; they are validated when the application starts.</summary>
    /// <param name="name">Its name: the key of its <see cref="HostedPlugin"/> among the services, and what logs, spans and metrics show.</param>
    /// <param name="configuration">The section that <see cref="HostedPluginOptions"/> are bound to.</param>
    /// <param name="configure">What code has to say about the options, after configuration.</param>
    /// <exception cref="ArgumentException">There is one of that name already.</exception>
    public HostedPluginBuilder AddPlugin(string name, IConfiguration configuration, Action<HostedPluginOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        HostedPluginBuilder builder = Add(name, out OptionsBuilder<HostedPluginOptions> options);

        // Not OptionsBuilder.Bind: a change that is not valid would be thrown at whoever changed the configuration.
        options.Configure(bound => configuration.Bind(bound));
        Services.AddKeyedSingleton(name, new HostedPluginSection(configuration));
        if (configure is not null)
        {
            options.Configure(configure);
        }

        return builder;
    }

    /// <summary>Adds a plug-in.</summary>
    /// <inheritdoc cref="AddPlugin(string, IConfiguration, Action{HostedPluginOptions}?)"/>
    public HostedPluginBuilder AddPlugin(string name, Action<HostedPluginOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        HostedPluginBuilder builder = Add(name, out OptionsBuilder<HostedPluginOptions> options);
        options.Configure(configure);
        return builder;
    }

    /// <summary>Adds a plug-in of one module in a file.</summary>
    /// <inheritdoc cref="AddPlugin(string, IConfiguration, Action{HostedPluginOptions}?)"/>
    public HostedPluginBuilder AddPlugin(string name, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return AddPlugin(name, options => options.Path = path);
    }

    private HostedPluginBuilder Add(string name, out OptionsBuilder<HostedPluginOptions> options)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _names.Add(name);
        Services.AddKeyedSingleton(name, static (services, key) => new HostedPlugin((string)key!, services));
        options = Services.AddOptions<HostedPluginOptions>(name).ValidateOnStart();
        return new HostedPluginBuilder(this, name);
    }
}

/// <summary>Says more about a plug-in that was added, and adds others.</summary>
public sealed class HostedPluginBuilder
{
    private readonly CodicilBuilder _builder;

    internal HostedPluginBuilder(CodicilBuilder builder, string name)
    {
        _builder = builder;
        Name = name;
    }

    /// <summary>The plug-in's name.</summary>
    public string Name { get; }

    /// <summary>The services.</summary>
    public IServiceCollection Services => _builder.Services;

    /// <summary>
    /// Says what options of configuration cannot: host functions, a tracer, WASI's streams, options of the engine. Applied whenever the plug-in is loaded, after all that options say.
    /// </summary>
    /// <param name="configure">Gets the application's services and the options so far, and gives new ones.</param>
    public HostedPluginBuilder Configure(Func<IServiceProvider, PluginOptions, PluginOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Services.AddKeyedSingleton(Name, new HostedPluginConfiguration(configure));
        return this;
    }

    /// <summary>Adds functions of the host that the plug-in can import.</summary>
    public HostedPluginBuilder AddHostFunctions(params HostFunction[] functions)
    {
        ArgumentNullException.ThrowIfNull(functions);
        return Configure((_, options) => options with { HostFunctions = [.. options.HostFunctions, .. functions] });
    }

    /// <summary>Adds a function of the host that needs services. It is made once each time the plug-in is loaded, from the application's root services.</summary>
    public HostedPluginBuilder AddHostFunction(Func<IServiceProvider, HostFunction> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        return Configure((services, options) => options with { HostFunctions = [.. options.HostFunctions, create(services)] });
    }

    /// <inheritdoc cref="CodicilBuilder.AddPlugin(string, IConfiguration, Action{HostedPluginOptions}?)"/>
    public HostedPluginBuilder AddPlugin(string name, IConfiguration configuration, Action<HostedPluginOptions>? configure = null) => _builder.AddPlugin(name, configuration, configure);

    /// <inheritdoc cref="CodicilBuilder.AddPlugin(string, Action{HostedPluginOptions})"/>
    public HostedPluginBuilder AddPlugin(string name, Action<HostedPluginOptions> configure) => _builder.AddPlugin(name, configure);

    /// <inheritdoc cref="CodicilBuilder.AddPlugin(string, string)"/>
    public HostedPluginBuilder AddPlugin(string name, string path) => _builder.AddPlugin(name, path);
}

/// <summary>A step of <see cref="HostedPluginBuilder.Configure"/>.</summary>
internal sealed record HostedPluginConfiguration(Func<IServiceProvider, PluginOptions, PluginOptions> Configure);
