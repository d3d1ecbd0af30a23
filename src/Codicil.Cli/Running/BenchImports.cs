using System.Diagnostics;
using System.Globalization;

namespace Codicil.Cli.Running;

/// <summary><c>bench.start</c> and <c>bench.end</c>: prints the milliseconds between the two for each pair.</summary>
internal sealed class BenchImports
{
    private long _begin;

    public void Define(Linker linker)
    {
        linker.DefineFunction("bench", "start", (Action)Start);
        linker.DefineFunction("bench", "end", (Action)End);
    }

    private void Start() => _begin = Stopwatch.GetTimestamp();

    private void End() =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bench_ms: {Stopwatch.GetElapsedTime(_begin).TotalMilliseconds}"));
}
