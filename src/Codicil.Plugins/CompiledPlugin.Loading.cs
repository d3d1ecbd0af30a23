using Codicil.Plugins.Http;

namespace Codicil.Plugins;

// Modules that take time to come.
public sealed partial class CompiledPlugin
{
    /// <summary>Loads, checks and compiles a plug-in; no thread waits for modules from elsewhere, and a thread of the pool compiles.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="options">Options, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops the loading of modules; later calls do not depend on it.</param>
    /// <inheritdoc cref="Create" path="/exception"/>
    public static async Task<CompiledPlugin> CreateAsync(PluginManifest manifest, PluginOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        options ??= PluginOptions.Default;
        PluginManifest loaded = manifest with { Wasm = await LoadAsync(manifest.Wasm, options, cancellationToken).ConfigureAwait(false) };
        return await Task.Run(() => Create(loaded, options, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IReadOnlyList<PluginWasm>> LoadAsync(IReadOnlyList<PluginWasm> modules, PluginOptions options, CancellationToken cancellationToken)
    {
        using PluginHttpGroup? own = options.HttpGroup is null ? new PluginHttpGroup(options.Http) : null;
        var loaded = new List<PluginWasm>(modules.Count);
        foreach (PluginWasm wasm in modules)
        {
            // Files are read, and a null is refused, where the plug-in is compiled.
            loaded.Add(wasm switch
            {
                null or PluginWasmFile or PluginWasmBytes => wasm!,
                PluginWasmUrl url => new LoadedWasm(wasm, await url.LoadAsync(options.HttpGroup ?? own!, cancellationToken).ConfigureAwait(false)),
                _ => new LoadedWasm(wasm, await wasm.LoadAsync(cancellationToken).ConfigureAwait(false)),
            });
        }

        return loaded;
    }

    /// <summary>A module whose bytes are there already.</summary>
    private sealed class LoadedWasm : PluginWasm
    {
        private readonly PluginWasm _source;
        private readonly ReadOnlyMemory<byte> _bytes;

        public LoadedWasm(PluginWasm source, ReadOnlyMemory<byte> bytes)
        {
            _source = source;
            _bytes = bytes;
            Name = source.Name;
            Hash = source.Hash;
        }

        public override string? Location => _source.Location;

        public override ReadOnlyMemory<byte> Load(CancellationToken cancellationToken) => _bytes;
    }
}
