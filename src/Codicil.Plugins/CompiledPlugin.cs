using System.Collections.Immutable;

using Codicil.Format.Types;
using Codicil.Plugins.Http;

using Microsoft.Extensions.Logging;

namespace Codicil.Plugins;

/// <summary>The modules of a plug-in, compiled once, from which any number of instances are made. Thread-safe.</summary>
/// <remarks>Each instance has linked modules, memory, variables and configuration of its own. Disposing this closes the instances that live.</remarks>
public sealed partial class CompiledPlugin : IDisposable
{
    /// <summary>The version of the Extism kernel whose behaviour this one has.</summary>
    public const string KernelVersion = "1.7.0";

    private readonly Engine _engine;
    private readonly PluginModules _modules;
    private readonly Lock _lock = new();
    private readonly LinkedList<WeakReference<Plugin>> _instances = new();
    private LinkedListNode<WeakReference<CompiledPlugin>>? _observed;
    private bool _disposed;

    private CompiledPlugin(string name, Engine engine, PluginModules modules, CompiledHttp http, PluginManifest manifest, PluginOptions options)
    {
        Name = name;
        Logger = options.LoggerFactory?.CreateLogger(PluginDiagnostics.LogCategoryPrefix + name);
        _engine = engine;
        _modules = modules;
        Http = http;
        // The modules' bytes are not needed any more.
        Manifest = manifest with { Wasm = [] };
        Options = options;
        LogRate = new LogRate(options.MaxLogMessagesPerSecond, TimeProvider.System);
        WasiLinker = options.Wasi ? ManagedCode.DefineWasi(new Linker(engine)) : null;
    }

    /// <summary>The name under which it is observed (<see cref="PluginOptions.Name"/>).</summary>
    public string Name { get; }

    /// <summary>The manifest without its modules.</summary>
    public PluginManifest Manifest { get; }

    /// <summary>The options.</summary>
    public PluginOptions Options { get; }

    /// <summary>The main module's exported functions with their types, in the module's order.</summary>
    public ImmutableArray<ExportType> Functions => [.. MainModule.Exports.Where(static export => export.Type is FunctionType)];

    internal Engine Engine => _engine;

    internal ILogger? Logger { get; }

    internal long LiveInstances
    {
        get
        {
            long count = 0;
            foreach (Plugin plugin in Live())
            {
                count += plugin.IsClosed ? 0 : 1;
            }

            return count;
        }
    }

    internal long LiveMemoryBytes
    {
        get
        {
            long sum = 0;
            foreach (Plugin plugin in Live())
            {
                sum += plugin.MemoryBytes;
            }

            return sum;
        }
    }

    internal CompiledHttp Http { get; }

    internal LogRate LogRate { get; }

    internal Linker? WasiLinker { get; }

    internal PluginModules Modules => _modules;

    internal Module MainModule => _modules.All[_modules.Main].Module;

    /// <summary>Loads, checks and compiles a plug-in.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="options">Options, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops the loading of modules; later calls do not depend on it.</param>
    /// <exception cref="PluginException">The manifest contradicts itself, or a module is not the one its hash names.</exception>
    /// <exception cref="Codicil.Format.WasmException">A module is malformed, invalid, or exceeds a limit.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="ArgumentException">A host function's namespace is reserved.</exception>
    public static CompiledPlugin Create(PluginManifest manifest, PluginOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        options ??= PluginOptions.Default;
        foreach (HostFunction function in options.HostFunctions)
        {
            if (PluginModules.IsReserved(function.Namespace, options.Wasi))
            {
                throw new ArgumentException($"the namespace '{function.Namespace}' of the host function '{function.Name}' is reserved", nameof(options));
            }
        }

        if (manifest.Memory.MaxPages is < 0 or > 65_536)
        {
            throw new PluginException(
                PluginFailure.Manifest,
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"max_pages is {manifest.Memory.MaxPages}, expected 0 to 65536"));
        }

        if (manifest.Timeout is TimeSpan timeout && timeout > TimeSpan.Zero && !options.Interruptible)
        {
            throw new ArgumentException("a timeout needs interruption, which is off", nameof(options));
        }

        EngineOptions engineOptions = options.Engine with { Interruptible = options.Interruptible };
        if (manifest.Memory.MaxPages is long pages and > 0)
        {
            engineOptions = engineOptions with { MemoryPageLimit = Math.Min(pages, engineOptions.MemoryPageLimit) };
        }

        var http = new CompiledHttp(manifest, options);
        string name = NameOf(manifest, options);
        PluginOperation operation = PluginTelemetry.BeginCompile(name);
        Engine engine = options.CompilationCache?.GetEngine(engineOptions) ?? Engine.Create(engineOptions);
        try
        {
            var compiled = new CompiledPlugin(name, engine, PluginModules.Compile(engine, manifest, options, http.Group, cancellationToken), http, manifest, options);
            compiled._observed = PluginTelemetry.Add(compiled);
            PluginTelemetry.End(operation);
            return compiled;
        }
        catch (Exception exception)
        {
            PluginTelemetry.End(operation, exception);
            if (options.CompilationCache is null)
            {
                engine.Dispose();
            }

            http.Dispose();
            throw;
        }
    }

    /// <summary>Makes an instance: wasm start functions run, within the manifest's timeout; the guest's runtime starts with the first call.</summary>
    /// <param name="cancellationToken">Stops the start functions; later calls do not depend on it.</param>
    /// <exception cref="LinkException">An import is not defined or does not fit; it is named.</exception>
    /// <exception cref="PluginException">A start function failed.</exception>
    /// <exception cref="ObjectDisposedException">This was disposed.</exception>
    public Plugin CreateInstance(CancellationToken cancellationToken = default) => CreateInstance(PluginInstanceOptions.Default, cancellationToken);

    /// <param name="options">What is this instance's own.</param>
    /// <param name="cancellationToken">Stops the start functions; later calls do not depend on it.</param>
    /// <exception cref="ArgumentException">There are options of WASI, which is off.</exception>
    /// <inheritdoc cref="CreateInstance(CancellationToken)"/>
    public Plugin CreateInstance(PluginInstanceOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.WasiOptions is not null && !Options.Wasi)
        {
            throw new ArgumentException("the instance has options of WASI, which is off", nameof(options));
        }

        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        var plugin = new Plugin(this, options, ownsCompiled: false);
        try
        {
            Register(plugin);
        }
        catch
        {
            plugin.Dispose();
            throw;
        }

        plugin.Instantiate(cancellationToken);
        return plugin;
    }

    /// <summary>Makes an instance on a thread of the engine's <see cref="CallThreads"/>: nothing of the caller's waits for start functions.</summary>
    /// <param name="options">What is this instance's own; null for nothing.</param>
    /// <param name="cancellationToken">Stops the start functions, or the wait for a thread; later calls do not depend on it.</param>
    /// <exception cref="ArgumentException">There are options of WASI, which is off.</exception>
    /// <inheritdoc cref="CreateInstance(CancellationToken)" path="/exception"/>
    public async Task<Plugin> CreateInstanceAsync(PluginInstanceOptions? options = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        Plugin? plugin = null;
        await _engine.RunAsync(() => plugin = CreateInstance(options ?? PluginInstanceOptions.Default, cancellationToken), cancellationToken).ConfigureAwait(false);
        return plugin!;
    }

    /// <summary>Closes the live instances, their calls included, and drops the code. Idempotent.</summary>
    public void Dispose()
    {
        List<Plugin> live = [];
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            Volatile.Write(ref _disposed, true);
            foreach (WeakReference<Plugin> reference in _instances)
            {
                if (reference.TryGetTarget(out Plugin? plugin))
                {
                    live.Add(plugin);
                }
            }

            _instances.Clear();
        }

        foreach (Plugin plugin in live)
        {
            plugin.Dispose();
        }

        if (_observed is not null)
        {
            PluginTelemetry.Remove(_observed);
        }

        if (Options.CompilationCache is null)
        {
            _engine.Dispose();
        }

        Http.Dispose();
    }

    internal void Register(Plugin plugin)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // Instances that were dropped without Dispose leave dead entries; each new instance sweeps two, so they cannot pile up.
            for (int i = 0; i < 2 && _instances.First is { } oldest; i++)
            {
                _instances.RemoveFirst();
                if (oldest.Value.TryGetTarget(out _))
                {
                    _instances.AddLast(oldest);
                }
            }

            plugin.Registration = _instances.AddLast(new WeakReference<Plugin>(plugin));
        }
    }

    internal void Unregister(Plugin plugin)
    {
        lock (_lock)
        {
            if (plugin.Registration is { List: not null } node)
            {
                _instances.Remove(node);
            }

            plugin.Registration = null;
        }
    }

    private List<Plugin> Live()
    {
        var live = new List<Plugin>();
        lock (_lock)
        {
            foreach (WeakReference<Plugin> reference in _instances)
            {
                if (reference.TryGetTarget(out Plugin? plugin))
                {
                    live.Add(plugin);
                }
            }
        }

        return live;
    }

    // Of the host's choice, never the guest's: it becomes a log category and an attribute of metrics.
    private static string NameOf(PluginManifest manifest, PluginOptions options)
    {
        if (!string.IsNullOrEmpty(options.Name))
        {
            return options.Name;
        }

        for (int i = manifest.Wasm.Count - 1; i >= 0; i--)
        {
            if (manifest.Wasm[i] is PluginWasmFile file && (manifest.Wasm[i].Name == "main" || manifest.Wasm.Count == 1))
            {
                return Path.GetFileNameWithoutExtension(file.Path) is { Length: > 0 } name ? name : "plugin";
            }
        }

        return "plugin";
    }
}
