using System.Diagnostics;

using Codicil.Plugins;

namespace Codicil.Cli.Benchmarking;

/// <summary>A plug-in call with empty input, as every host pays it: deadlines possible, WASI there.</summary>
internal static class PluginSample
{
    private const int Calls = 200_000;
    private const string Function = "run_test";

    public static double Nanoseconds(EngineOptions options, string file)
    {
        using Plugin plugin = Create(options, file);
        Time(plugin);
        Thread.Sleep(150);
        Time(plugin);
        Thread.Sleep(150);
        var rounds = new double[9];
        for (int i = 0; i < rounds.Length; i++)
        {
            rounds[i] = Time(plugin);
        }

        return Statistics.Median(rounds);
    }

    public static double AllocatedBytes(EngineOptions options, string file)
    {
        using Plugin plugin = Create(options, file);
        Time(plugin);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Time(plugin);
        return (double)(GC.GetAllocatedBytesForCurrentThread() - before) / Calls;
    }

    private static Plugin Create(EngineOptions options, string file) =>
        Plugin.Create(PluginManifest.FromWasmFile(file), new PluginOptions { Engine = options, Wasi = true });

    private static double Time(Plugin plugin)
    {
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Calls; i++)
        {
            plugin.Call(Function, []);
        }

        return Stopwatch.GetElapsedTime(begin).TotalNanoseconds / Calls;
    }
}
