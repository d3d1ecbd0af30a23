using System.CommandLine;

namespace Codicil.Cli.Options;

/// <summary><c>--engine auto|compiler|interpreter|wasmtime</c>.</summary>
internal static class EngineChoice
{
    public static Option<string> Option() => new("--engine")
    {
        Description = "Which engine: auto, compiler, interpreter or wasmtime.",
        DefaultValueFactory = _ => "auto",
        HelpName = "ENGINE",
    };

    /// <exception cref="UsageException">There is no such engine, or not yet.</exception>
    public static EngineKind Parse(string name) => name switch
    {
        "auto" => EngineKind.Auto,
        "compiler" => EngineKind.Compiler,
        "interpreter" or "wasmtime" => throw UsageException.NotBuilt($"the engine `{name}`"),
        _ => throw new UsageException($"--engine: there is no engine `{name}`; there are auto, compiler, interpreter and wasmtime"),
    };
}
