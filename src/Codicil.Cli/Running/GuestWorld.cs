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

    public static Linker CreateLinker(Engine engine, Module module, GuestOptions.Values options, IReadOnlyList<string> arguments)
    {
        var linker = new Linker(engine);
        if (module.Imports.Any(import => s_wasiModules.Contains(import.ModuleName)))
        {
            linker.DefineWasi(CreateWasiOptions(options, arguments));
        }

        if (options.Bench)
        {
            BenchImports.Define(linker);
        }

        return linker;
    }

    public static WasiOptions CreateWasiOptions(GuestOptions.Values options, IReadOnlyList<string> arguments)
    {
        WasiOptions wasi = options.Deterministic ? WasiOptions.Deterministic : WasiOptions.Default.WithSystemTime();
        wasi = wasi.InheritConsole() with { Arguments = arguments };
        if (options.InheritEnvironment)
        {
            wasi = wasi.InheritEnvironment();
        }

        return wasi with { Environment = [.. wasi.Environment, .. options.Environment] };
    }
}
