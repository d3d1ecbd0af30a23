using Codicil.Wasi;

namespace Codicil.Plugins;

/// <summary>What an instance of a compiled plug-in may have of its own. Immutable and thread-safe.</summary>
/// <remarks>The engine, the modules and host functions are the compiled plug-in's. A manifest's <c>allowed_paths</c>, when there are any, take the place of the file systems given here.</remarks>
public sealed record PluginInstanceOptions
{
    /// <summary>The options an instance has when none are given: those of the compiled plug-in.</summary>
    public static PluginInstanceOptions Default { get; } = new();

    /// <summary>Arguments, environment, streams, file systems, clocks and random bytes; null for <see cref="PluginOptions.WasiOptions"/>.</summary>
    public WasiOptions? WasiOptions { get; init; }
}
