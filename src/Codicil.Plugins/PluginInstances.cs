using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Plugins;

/// <summary>The instances of a plug-in's modules in one store, and the start-up of their runtimes.</summary>
internal sealed class PluginInstances
{
    private readonly CompiledPlugin _compiled;
    private readonly Store _store;
    private readonly Plugin _plugin;
    private readonly CurrentPlugin _current;
    private readonly HostEnvironment _environment;
    private readonly Instance?[] _instances;
    private readonly GuestRuntime?[] _runtimes;
    private readonly Function?[] _kernelFunctions = new Function?[KernelImports.All.Length];

    private PluginInstances(CompiledPlugin compiled, Store store, Plugin plugin, CurrentPlugin current)
    {
        _compiled = compiled;
        _store = store;
        _plugin = plugin;
        _current = current;
        _environment = new HostEnvironment(plugin);
        _instances = new Instance?[compiled.Modules.All.Length];
        _runtimes = new GuestRuntime?[_instances.Length];
    }

    /// <summary>The main module's instance.</summary>
    public Instance Main => _instances[_compiled.Modules.Main]!;

    /// <summary>Instantiates every module of a plug-in, those that others need first.</summary>
    public static PluginInstances Create(CompiledPlugin compiled, Store store, Plugin plugin, CurrentPlugin current)
    {
        var instances = new PluginInstances(compiled, store, plugin, current);
        for (int i = 0; i < instances._instances.Length; i++)
        {
            instances._instances[i] = instances.Instantiate(compiled.Modules.All[i]);
        }

        return instances;
    }

    /// <summary>Starts the runtimes that have not been started, the main module's last. What was started stays so when a later one fails.</summary>
    public void Start()
    {
        foreach (int i in _compiled.Modules.StartOrder)
        {
            _runtimes[i] ??= GuestRuntime.Detect(_plugin, _instances[i]!, _compiled.Options.Wasi);
            _runtimes[i]!.Start();
        }
    }

    /// <summary>Leaves out the main module's <c>_initialize</c> when the runtimes are started.</summary>
    public void SkipMainInitialize()
    {
        int main = _compiled.Modules.Main;
        _runtimes[main] ??= GuestRuntime.Detect(_plugin, _instances[main]!, _compiled.Options.Wasi);
        _runtimes[main]!.SkipInitialize();
    }

    private Instance Instantiate(PluginModule module)
    {
        ImmutableArray<ImportType> types = module.Module.Imports;
        var imports = new Extern[types.Length];
        for (int i = 0; i < imports.Length; i++)
        {
            imports[i] = Resolve(module, types[i], module.Imports[i])
                ?? throw new LinkException($"unknown import: `{types[i].ModuleName}::{types[i].Name}` has not been defined", types[i].ModuleName, types[i].Name);
        }

        return _store.Instantiate(module.Module, imports);
    }

    private Extern? Resolve(PluginModule module, ImportType import, ImportSource source)
    {
        switch (source.Kind)
        {
            case ImportKind.Kernel:
                return _kernelFunctions[source.Index] ??= ManagedCode.FromBoundImport(_store, KernelImports.All[source.Index], _plugin.Kernel);
            case ImportKind.Environment:
                return _environment.Bind(_store, import.Name);
            case ImportKind.HostFunction:
                return _compiled.Options.HostFunctions[source.Index].Bind(_store, _current);
            case ImportKind.Linked:
                return _instances[source.Index] is Instance instance ? instance.GetExport(import.Name) : Forward(import, source.Index);
            case ImportKind.Wasi:
                return _compiled.WasiLinker!.Get(_store, import.ModuleName, import.Name);
            case ImportKind.LinkedExit:
                return ManagedCode.FromDelegate(_store, new Action<int>(static code => throw new LinkedExitException((uint)code)));
            case ImportKind.Observe:
                return ObserveImports.Bind(_store, module.Module, import, _plugin.Recorder);
            default:
                return null;
        }
    }

    // Modules that import each other in a circle: the one that is not there yet is reached when it is called.
    private Function? Forward(ImportType import, int module)
    {
        ExportType? export = null;
        foreach (ExportType candidate in _compiled.Modules.All[module].Module.Exports)
        {
            if (candidate.Name == import.Name)
            {
                export = candidate;
            }
        }

        if (export?.Type is not FunctionType type)
        {
            return null;
        }

        Function? target = null;
        return Function.Create(_store, type, (_, arguments, results) =>
        {
            target ??= _instances[module]?.GetFunction(import.Name)
                ?? throw new TrapException($"`{import.ModuleName}::{import.Name}` was called before its module was instantiated");
            target.Invoke(arguments, results);
        });
    }
}
