using System.Collections.Immutable;

namespace Codicil.Cli.Benchmarking;

/// <summary>Something that is measured: one of our modes or a peer. Every sample is a fresh process.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">What comes before the mode (<c>bench</c>, <c>micro</c>) and its own arguments.</param>
internal sealed record Subject(string Name, string FileName, ImmutableArray<string> Arguments)
{
    public const string Guard = "guard";
    public const string Checked = "checked";
    public const string Interruptible = "interruptible";
    public const string V8 = "V8";
    public const string Wasmtime = "wasmtime";
    public const string ExtismRust = "Extism (Rust)";

    /// <summary>The environment variable that names a node other than the path's.</summary>
    public const string NodeVariable = "CODICIL_NODE";

    // Node that has written a warning to its standard error writes there without waiting from then on, and so do its guests: more than a pipe holds ends them.
    private const string NoWarnings = "--no-warnings";

    /// <summary>Runs one sample.</summary>
    public ToolProcess.Result Run(params ReadOnlySpan<string> arguments) => ToolProcess.Run(FileName, [.. Arguments, .. arguments]);

    /// <summary>Runs a program of WASI that times itself, with a folder as its directory. Of peers the collector of .NET is none of their business.</summary>
    public ToolProcess.Result RunApplication(string file, string folder, IReadOnlyDictionary<string, string>? environment = null) => ToolProcess.Run(
        FileName,
        Name == V8 ? [NoWarnings, Path.Combine(Path.GetDirectoryName(Arguments[0])!, "v8-sightglass.mjs"), file, folder] : [.. Arguments, "sg", file, folder],
        environment);

    /// <summary>One of our own modes, by the name of its column.</summary>
    public static Subject Own(string mode)
    {
        (string fileName, string[] first) = ToolProcess.Self();
        return new Subject(mode, fileName, [.. first, "bench", "--child", mode]);
    }

    /// <summary>The node that V8's column and Extism's for JavaScript are of: what <c>CODICIL_NODE</c> names, else the path's; null when there is none.</summary>
    /// <exception cref="UsageException">The variable names no file.</exception>
    public static string? FindNode()
    {
        if (Environment.GetEnvironmentVariable(NodeVariable) is not { Length: > 0 } named)
        {
            return FindOnPath("node");
        }

        return File.Exists(named) ? named : throw new UsageException($"{NodeVariable} names no file: {named}");
    }

    /// <summary>The versions of node and of its V8, as node says them; null when it says nothing.</summary>
    public static string? VersionOfNode(string node)
    {
        ToolProcess.Result process = ToolProcess.Run(node, ["-p", "process.versions.node + ', V8 ' + process.versions.v8"]);
        return process.ExitCode == 0 && process.Output.Trim() is { Length: > 0 } version ? "Node " + version : null;
    }

    /// <summary>The peers that are there.</summary>
    public static IEnumerable<Subject> Peers(BenchmarkSuite suite)
    {
        string v8 = Path.Combine(suite.Folder, "peers", "v8.js");
        if (File.Exists(v8) && FindNode() is string node)
        {
            yield return new Subject(V8, node, [v8]);
        }

        foreach (string name in new[] { Wasmtime, "wazero" })
        {
            string driver = Path.Combine(suite.Folder, "peers", "linux-x64", name);
            if (OperatingSystem.IsLinux() && File.Exists(driver))
            {
                yield return new Subject(name, driver, []);
            }
        }
    }

    /// <summary>The peers of the plug-in host that are there. The JavaScript driver needs a folder with its package, which <c>CODICIL_EXTISM_JS</c> names.</summary>
    public static IEnumerable<Subject> PluginPeers(BenchmarkSuite suite)
    {
        foreach ((string name, string file) in new[] { (ExtismRust, "extism"), ("Extism (Go)", "extism-go") })
        {
            string driver = Path.Combine(suite.Folder, "peers", "linux-x64", file);
            if (OperatingSystem.IsLinux() && File.Exists(driver))
            {
                yield return new Subject(name, driver, []);
            }
        }

        if (Environment.GetEnvironmentVariable("CODICIL_EXTISM_JS") is { Length: > 0 } folder && FindNode() is string node)
        {
            yield return new Subject("Extism (JS)", node, [Path.Combine(folder, "extism-js.mjs")]);
        }
    }

    private static string? FindOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? program + ".exe" : program))
            .FirstOrDefault(File.Exists);
}
