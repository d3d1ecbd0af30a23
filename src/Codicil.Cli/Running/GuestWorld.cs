using Codicil.Format.Types;
using Codicil.Wasi;

namespace Codicil.Cli.Running;

/// <summary>What a guest of the command line gets: WASI with this process's streams and clocks, its arguments, and nothing else of the host.</summary>
internal static class GuestWorld
{
    private static readonly string[] s_wasiModules = ["wasi_snapshot_preview1", "wasi_unstable"];

    /// <summary>The type of an exported function, or null when there is none of that name.</summary>
    public static FunctionType? FindFunction(Module module, string name)
    {
        foreach (ExportType export in module.Exports)
        {
            if (export.Name == name)
            {
                return export.Type as FunctionType;
            }
        }

        return null;
    }

    public static Linker CreateLinker(Engine engine, Module module, GuestOptions.Values options, GuestListeners listeners, IReadOnlyList<string> arguments)
    {
        var linker = new Linker(engine);
        if (module.Imports.Any(import => s_wasiModules.Contains(import.ModuleName)))
        {
            linker.DefineWasi(CreateWasiOptions(options, listeners, arguments));
        }

        // Where the feature is off there are neither shared memories nor anything that threads could do.
        if (options.AllowsThreads)
        {
            linker.DefineWasiThreads(module, options.Threads is int threads ? new WasiThreadOptions { MaximumThreads = threads } : null);
        }

        if (options.Bench)
        {
            BenchImports.Define(linker);
        }

        return linker;
    }

    /// <summary>WASI for a program: this process's streams besides, and its arguments.</summary>
    public static WasiOptions CreateWasiOptions(GuestOptions.Values options, GuestListeners listeners, IReadOnlyList<string> arguments) =>
        CreateWasiOptions(options, listeners).InheritConsole() with { Arguments = arguments };

    /// <summary>WASI as the options say: time, environment, directories, listeners.</summary>
    public static WasiOptions CreateWasiOptions(GuestOptions.Values options, GuestListeners listeners)
    {
        WasiOptions wasi = options.Deterministic ? WasiOptions.Deterministic : WasiOptions.Default.WithSystemTime();
        if (options.InheritEnvironment)
        {
            wasi = wasi.InheritEnvironment();
        }

        wasi = options.Directories.Aggregate(wasi, static (wasi, directory) => directory.AddTo(wasi));
        return listeners.AddTo(wasi with { Environment = [.. wasi.Environment, .. options.Environment] });
    }
}
