using System.Buffers;
using System.Diagnostics;
using System.Globalization;

using Codicil.Plugins;

namespace Codicil.Cli.Benchmarking;

/// <summary>The figures of the plug-in host, as the peers' drivers measure theirs: one process prints lines of a name and a number.</summary>
internal static class PluginHostSample
{
    private const string Entry = "run_test";
    private const string CountVowels = "count_vowels";

    /// <summary>Measures everything that the peers measure, too.</summary>
    /// <param name="options">The engine's options.</param>
    /// <param name="folder">The folder with the plug-ins.</param>
    public static void Measure(EngineOptions options, string folder)
    {
        using (Plugin noop = Create(options, folder, "noop"))
        {
            Print("noop_ns", MedianOf(9, () => NanosecondsOf(100_000, noop, Entry, [])));
        }

        byte[] text = Repeat("This is a test of the replace plugin, tests are test. ", 32768);
        using (Plugin replace = Create(options, folder, "replace"))
        {
            // The runtime compiles what it has interpreted so far, before the clock runs.
            NanosecondsOf(200, replace, Entry, text);
            Thread.Sleep(200);
            for (int length = 2048; length <= text.Length; length *= 2)
            {
                byte[] input = text[..length];
                Print(
                    string.Create(CultureInfo.InvariantCulture, $"replace_{length}_MBps"),
                    MedianOf(7, () => MegabytesPerSecond(replace, Entry, input, TimeSpan.FromMilliseconds(150))));
            }
        }

        byte[] fox = Repeat("The quick brown fox jumps over the lazy dog. ", 1 << 20);
        using (Plugin vowels = Create(options, folder, CountVowels))
        {
            vowels.Call(CountVowels, fox);
            Thread.Sleep(200);
            Print("count_vowels_1MiB_MBps", MedianOf(7, () => MegabytesPerSecond(vowels, CountVowels, fox, TimeSpan.Zero)));
            Print("count_vowels_11B_ns", MedianOf(31, () => NanosecondsOf(1, vowels, CountVowels, "hello world"u8.ToArray())));
        }

        byte[] module = File.ReadAllBytes(FileOf(folder, CountVowels));
        long begin = Stopwatch.GetTimestamp();
        using CompiledPlugin compiled = Compile(options, module);
        Print("compile_count_vowels_ms", Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        for (int i = 0; i < 3; i++)
        {
            // As above: before the clock runs.
            for (int k = 0; k < 10; k++)
            {
                MicrosecondsAnInstance(compiled);
            }

            Thread.Sleep(150);
        }

        Print("instance_count_vowels_us", MedianOf(7, () => MicrosecondsAnInstance(compiled)));
        using CompiledPlugin compiledNoop = Compile(options, File.ReadAllBytes(FileOf(folder, "noop")));
        Print("instance_noop_us", MedianOf(7, () => MicrosecondsAnInstance(compiledNoop)));
        Print("300x3_ms", MedianOf(5, () => Parallel300(compiled)));
    }

    /// <summary>What becomes resident by work when the runtime has compiled all that it will, in MiB; and what calls allocate.</summary>
    /// <param name="options">The engine's options.</param>
    /// <param name="folder">The folder with the plug-ins.</param>
    public static void MeasureGrowth(EngineOptions options, string folder)
    {
        using CompiledPlugin compiled = Compile(options, File.ReadAllBytes(FileOf(folder, "noop")));
        using (Plugin plugin = compiled.CreateInstance())
        {
            var output = new ArrayBufferWriter<byte>();
            double growth = GrowthBy(() => Calls(plugin, output, 1_000_000));
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            Calls(plugin, output, 1_000_000);
            Print("bytes_a_call", (GC.GetAllocatedBytesForCurrentThread() - allocated) / 1e6);
            Print("growth_1000000_calls_MiB", growth);
        }

        Print("growth_100000_instances_MiB", GrowthBy(() => Instances(compiled, 100_000)));
    }

    // The work is done twice for the runtime, with the pauses after which it compiles anew. The median of five: pages of the runtime's own come and go.
    private static double GrowthBy(Action work)
    {
        for (int i = 0; i < 2; i++)
        {
            work();
            Thread.Sleep(200);
        }

        return Math.Max(0, MedianOf(5, () =>
        {
            double before = Resident();
            work();
            return Resident() - before;
        }));
    }

    private static void Calls(Plugin plugin, ArrayBufferWriter<byte> output, int count)
    {
        for (int i = 0; i < count; i++)
        {
            output.ResetWrittenCount();
            plugin.Call(Entry, "x"u8, output);
        }
    }

    // Dropped, not disposed: what a careless host does.
    private static void Instances(CompiledPlugin compiled, int count)
    {
        for (int i = 0; i < count; i++)
        {
            compiled.CreateInstance().Call(Entry, []);
        }
    }

    // The collector keeps some tens of MiB of empty heap when it has been busy: an aggressive collection gives them back.
    private static double Resident()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return ResidentMemory.PresentMebibytes();
    }

    private static double Parallel300(CompiledPlugin compiled)
    {
        byte[] input = "hello world"u8.ToArray();
        var plugins = new Plugin[300];
        long begin = Stopwatch.GetTimestamp();
        Parallel.For(0, plugins.Length, i =>
        {
            plugins[i] = compiled.CreateInstance();
            for (int call = 0; call < 3; call++)
            {
                plugins[i].Call(CountVowels, input);
            }
        });
        double milliseconds = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        foreach (Plugin plugin in plugins)
        {
            plugin.Dispose();
        }

        return milliseconds;
    }

    private static double MicrosecondsAnInstance(CompiledPlugin compiled)
    {
        const int Count = 100;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Count; i++)
        {
            compiled.CreateInstance().Dispose();
        }

        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds / Count;
    }

    private static double NanosecondsOf(int calls, Plugin plugin, string function, byte[] input)
    {
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            plugin.Call(function, input);
        }

        return Stopwatch.GetElapsedTime(begin).TotalNanoseconds / calls;
    }

    // At least one call.
    private static double MegabytesPerSecond(Plugin plugin, string function, byte[] input, TimeSpan window)
    {
        long bytes = 0;
        long begin = Stopwatch.GetTimestamp();
        TimeSpan elapsed;
        do
        {
            plugin.Call(function, input);
            bytes += input.Length;
            elapsed = Stopwatch.GetElapsedTime(begin);
        }
        while (elapsed < window);
        return bytes / 1e6 / elapsed.TotalSeconds;
    }

    private static double MedianOf(int rounds, Func<double> measure)
    {
        var samples = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            samples[i] = measure();
        }

        return Statistics.Median(samples);
    }

    private static byte[] Repeat(string text, int length)
    {
        var bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = (byte)text[i % text.Length];
        }

        return bytes;
    }

    private static string FileOf(string folder, string name) => Path.Combine(folder, name + ".wasm");

    private static Plugin Create(EngineOptions options, string folder, string name) =>
        Plugin.Create(PluginManifest.FromWasmFile(FileOf(folder, name)), new PluginOptions { Engine = options, Wasi = true });

    private static CompiledPlugin Compile(EngineOptions options, byte[] module) =>
        CompiledPlugin.Create(PluginManifest.FromWasm(module), new PluginOptions { Engine = options, Wasi = true });

    private static void Print(string name, double value) => Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {value}"));
}
