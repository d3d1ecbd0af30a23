using System.Diagnostics;
using System.Globalization;

using Codicil.Plugins;

namespace Codicil.Cli.Running;

/// <summary><c>bench.start</c> and <c>bench.end</c>: prints the milliseconds between the two for each pair.</summary>
internal sealed class BenchImports
{
    private const string ModuleName = "bench";
    private long _begin;

    public static void Define(Linker linker)
    {
        var imports = new BenchImports();
        linker.DefineFunction(ModuleName, "start", (Action)imports.Start);
        linker.DefineFunction(ModuleName, "end", (Action)imports.End);
    }

    public static HostFunction[] ForPlugins()
    {
        var imports = new BenchImports();
        return
        [
            HostFunction.Create("start", _ => imports.Start(), ModuleName),
            HostFunction.Create("end", _ => imports.End(), ModuleName),
        ];
    }

    private void Start() => _begin = Stopwatch.GetTimestamp();

    private void End() =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bench_ms: {Stopwatch.GetElapsedTime(_begin).TotalMilliseconds}"));
}
