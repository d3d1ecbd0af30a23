using Codicil.Format.Types;

namespace Codicil.Plugins;

/// <summary>How the language runtime inside a module is started, once, before the first call of a function that is not a start function itself.</summary>
/// <remarks>
/// Extism's rules: a Haskell module has <c>hs_init</c>, with or without WASI, run after <c>_initialize</c>; with WASI a reactor has <c>_initialize</c>, and a command <c>__wasm_call_ctors</c>.
/// </remarks>
internal sealed class GuestRuntime
{
    private readonly Plugin _plugin;
    private readonly string? _initializeName;
    private readonly bool _initializeIsFatal;
    private Action? _initialize;
    private Action<int, int>? _haskell;

    private GuestRuntime(Plugin plugin, string? initializeName, Action? initialize, Action<int, int>? haskell)
    {
        _plugin = plugin;
        _initializeName = initializeName;
        _initialize = initialize;
        _haskell = haskell;
        _initializeIsFatal = haskell is null;
    }

    /// <summary>What a module needs.</summary>
    public static GuestRuntime Detect(Plugin plugin, Instance instance, bool wasi)
    {
        if (instance.GetFunction("hs_init") is Function haskell)
        {
            if (haskell.Type.Parameters.AsSpan().SequenceEqual([ValType.I32, ValType.I32]) && haskell.Type.Results.IsEmpty)
            {
                plugin.Log(PluginLogLevel.Trace, "Haskell runtime detected");
                return new GuestRuntime(plugin, "_initialize", Find(plugin, instance, "_initialize"), ManagedCode.CreateDelegate<Action<int, int>>(haskell));
            }

            plugin.Log(PluginLogLevel.Trace, $"hs_init function found with type {haskell.Type}");
        }

        if (wasi)
        {
            foreach ((string name, string kind) in (ReadOnlySpan<(string, string)>)[("_initialize", "Reactor"), ("__wasm_call_ctors", "Command")])
            {
                if (Find(plugin, instance, name) is Action initialize)
                {
                    plugin.Log(PluginLogLevel.Trace, "WASI runtime detected");
                    plugin.Log(PluginLogLevel.Trace, $"{kind} module detected");
                    return new GuestRuntime(plugin, name, initialize, null);
                }
            }
        }

        plugin.Log(PluginLogLevel.Trace, "No runtime detected");
        return new GuestRuntime(plugin, null, null, null);
    }

    /// <summary>Runs what has not run yet.</summary>
    public void Start()
    {
        if (_initialize is not null)
        {
            _plugin.Log(PluginLogLevel.Debug, $"Calling {_initializeName}");
            try
            {
                _initialize();
            }
            catch (TrapException exception) when (!_initializeIsFatal)
            {
                _plugin.Log(PluginLogLevel.Error, $"Error running reactor _initialize: {exception.Message}");
            }

            _initialize = null;
        }

        if (_haskell is not null)
        {
            _haskell(0, 0);
            _haskell = null;
            _plugin.Log(PluginLogLevel.Debug, "Initialized Haskell language runtime.");
        }
    }

    /// <summary>The caller runs <c>_initialize</c> itself.</summary>
    public void SkipInitialize()
    {
        if (_initializeName == "_initialize")
        {
            _initialize = null;
        }
    }

    private static Action? Find(Plugin plugin, Instance instance, string name)
    {
        if (instance.GetFunction(name) is not Function function)
        {
            return null;
        }

        if (!function.Type.Parameters.IsEmpty)
        {
            plugin.Log(PluginLogLevel.Trace, $"{name} function found with type {function.Type}");
            return null;
        }

        return function.Type.Results.IsEmpty ? ManagedCode.CreateDelegate<Action>(function) : () => function.Invoke([], new Value[function.Type.Results.Length]);
    }
}
