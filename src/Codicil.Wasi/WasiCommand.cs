using Codicil.Format.Types;

namespace Codicil.Wasi;

/// <summary>Runs modules as WASI applications: commands by their <c>_start</c>, reactors by <c>_initialize</c>. As thread-safe as the store.</summary>
/// <remarks>WASI application ABI: a command exports <c>_start</c>, a reactor may export <c>_initialize</c>.</remarks>
public static class WasiCommand
{
    internal const string Start = "_start";
    private const string Initialize = "_initialize";

    /// <summary>Instantiates a command and runs it to its end.</summary>
    /// <param name="linker">Finds the imports; WASI must be defined in it when the module imports it.</param>
    /// <param name="store">The store. A command has ended when this returns; run the next one in a store of its own.</param>
    /// <param name="module">The module.</param>
    /// <returns>The exit code: that of <c>proc_exit</c>, in a thread and during instantiation too, or 0 when <c>_start</c> returns. Its threads have ended.</returns>
    /// <exception cref="LinkException">An import does not fit, or the module exports no <c>_start</c> without parameters and results; then none of its code has run.</exception>
    /// <exception cref="TrapException">The program trapped.</exception>
    public static uint Run(Linker linker, Store store, Module module)
    {
        ArgumentNullException.ThrowIfNull(linker);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(module);
        RequireStart(FindExport(module, Start), module);
        return CatchExit(store, () => Call(linker.Instantiate(store, module), Start));
    }

    /// <summary>Instantiates a module and calls its start functions, those of <see cref="WasiOptions.StartFunctions"/> that it exports, in that order, until one of them fails.</summary>
    /// <param name="linker">Finds the imports. Its WASI options name the functions; without them it is <c>_start</c> alone.</param>
    /// <param name="store">The store.</param>
    /// <param name="module">The module.</param>
    /// <returns>The instance; null when the program exited with 0: it has succeeded and ended, and is not to be called any more.</returns>
    /// <exception cref="LinkException">An import does not fit, or a start function has parameters or results; then none of the module's code has run.</exception>
    /// <exception cref="ExitException">The program exited with another code; no further function was called.</exception>
    /// <exception cref="TrapException">The program trapped; its frames name the module and the functions.</exception>
    public static Instance? Instantiate(Linker linker, Store store, Module module)
    {
        ArgumentNullException.ThrowIfNull(linker);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(module);
        IReadOnlyList<string> names = linker.GetWasiOptions(store)?.StartFunctions ?? [Start];
        foreach (string name in names)
        {
            if (FindExport(module, name) is ExternType type && !IsStart(type))
            {
                throw new LinkException($"incompatible export type for `{name}`: a start function has neither parameters nor results{Describe(module)}");
            }
        }

        try
        {
            Instance? instance = null;
            WasiThreadGroup.Run(
                store,
                () =>
                {
                    instance = linker.Instantiate(store, module);
                    foreach (string name in names)
                    {
                        instance.GetFunction(name)?.Invoke([], []);
                    }
                },
                returnIsEnd: false);
            return instance;
        }
        catch (ExitException exit) when (exit.ExitCode == 0)
        {
            return null;
        }
        finally
        {
            store.FlushWasi();
        }
    }

    /// <summary>Runs the command that an instance is. A command runs once.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="LinkException">The instance exports no <c>_start</c> without parameters and results.</exception>
    /// <exception cref="TrapException">The program trapped.</exception>
    public static uint Run(Instance instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        RequireStart(instance.GetFunction(Start)?.Type, instance.Module);
        return CatchExit(instance.Store, () => Call(instance, Start));
    }

    /// <summary>Initializes a reactor: calls <c>_initialize</c>, where there is one. Its other exports may be called afterwards.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="LinkException"><c>_initialize</c> has parameters or results.</exception>
    /// <exception cref="ExitException">The program exited.</exception>
    /// <exception cref="TrapException">The program trapped.</exception>
    public static bool InitializeReactor(Instance instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        Extern? export = instance.GetExport(Initialize);
        if (export is null)
        {
            return false;
        }

        if (!IsStart((export as Function)?.Type))
        {
            throw new LinkException($"incompatible export type for `{Initialize}`: a reactor's has neither parameters nor results{Describe(instance.Module)}");
        }

        Call(instance, Initialize);
        return true;
    }

    private static void Call(Instance instance, string name) => instance.GetFunction(name)!.Invoke([], []);

    private static uint CatchExit(Store store, Action run)
    {
        try
        {
            WasiThreadGroup.Run(store, run, returnIsEnd: true);
            return 0;
        }
        catch (ExitException exit)
        {
            return exit.ExitCode;
        }
        finally
        {
            store.FlushWasi();
        }
    }

    private static ExternType? FindExport(Module module, string name)
    {
        foreach (ExportType export in module.Exports)
        {
            if (export.Name == name)
            {
                return export.Type;
            }
        }

        return null;
    }

    private static void RequireStart(ExternType? type, Module module)
    {
        if (type is null)
        {
            throw new LinkException($"unknown export: `{Start}`: the module is no command{Describe(module)}");
        }

        if (!IsStart(type))
        {
            throw new LinkException($"incompatible export type for `{Start}`: a command's has neither parameters nor results{Describe(module)}");
        }
    }

    private static bool IsStart(ExternType? type) => type is FunctionType { Parameters.Length: 0, Results.Length: 0 };

    private static string Describe(Module module) => module.Name.Length == 0 ? "" : $" (module `{module.Name}`)";
}
