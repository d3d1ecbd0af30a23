using System.Diagnostics;
using System.Text;

using Codicil.Plugins;

namespace Codicil.Cli.Benchmarking;

/// <summary>A thousand plug-in calls at the same time, each of which waits a second in a host function, while the thread pool has two threads.</summary>
internal static class AsyncPluginSample
{
    private const int Calls = 1000;

    private const string Guest = """
        (module
          (import "extism:host/user" "wait" (func $wait))
          (func (export "wait") (call $wait)))
        """;

    /// <summary>What all of them take together, their threads started.</summary>
    public static double Seconds(EngineOptions options) => Measure(options).Seconds;

    /// <summary>What each adds to the resident memory while it waits: its thread, and what the call has touched.</summary>
    public static double KibibytesPerCall(EngineOptions options) => Measure(options).Kibibytes;

    private static (double Seconds, double Kibibytes) Measure(EngineOptions options)
    {
        ThreadPool.SetMinThreads(1, 1);
        ThreadPool.SetMaxThreads(2, 2);
        int waiting = 0;
        double resident = 0;
        using CompiledPlugin compiled = CompiledPlugin.Create(
            PluginManifest.FromWasm(Encoding.UTF8.GetBytes(Guest)),
            new PluginOptions
            {
                Engine = options,
                HostFunctions =
                [
                    HostFunction.Create("wait", async _ =>
                    {
                        if (Interlocked.Increment(ref waiting) == Calls)
                        {
                            resident = ResidentMemory.PresentMebibytes();
                        }

                        await Task.Delay(1000).ConfigureAwait(false);
                    }),
                ],
            });

        // Code that is compiled once is no cost of a call.
        using (Plugin first = compiled.CreateInstance())
        {
            first.CallAsync("wait", ReadOnlyMemory<byte>.Empty).GetAwaiter().GetResult();
        }

        Plugin[] plugins = [.. Enumerable.Range(0, Calls).Select(_ => compiled.CreateInstance())];
        GC.Collect();
        waiting = 0;
        double before = ResidentMemory.PresentMebibytes();
        long begin = Stopwatch.GetTimestamp();
        Task.WhenAll(plugins.Select(static plugin => plugin.CallAsync("wait", ReadOnlyMemory<byte>.Empty))).GetAwaiter().GetResult();
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        foreach (Plugin plugin in plugins)
        {
            plugin.Dispose();
        }

        return (seconds, (resident - before) * 1024 / Calls);
    }
}
