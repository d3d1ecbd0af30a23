using System.Diagnostics;
using System.Globalization;

namespace Codicil.Cli.Benchmarking;

/// <summary>What a fresh process of ours does for one sample.</summary>
internal static class ChildSample
{
    /// <summary>The engine of a column.</summary>
    public static EngineOptions OptionsOf(string mode) => mode switch
    {
        Subject.Guard => new EngineOptions { MemoryProtection = MemoryProtection.Guard },
        Subject.Checked => new EngineOptions { MemoryProtection = MemoryProtection.Checked },
        Subject.Interruptible => new EngineOptions { MemoryProtection = MemoryProtection.Guard, Interruptible = true },
        _ => throw new UsageException($"unknown mode {mode}"),
    };

    public static int Run(string mode, string[] arguments)
    {
        EngineOptions options = OptionsOf(mode);
        switch (arguments)
        {
            case ["bench", string file, string units, string calls]:
                KernelSample.Measure(options, file, int.Parse(units, CultureInfo.InvariantCulture), int.Parse(calls, CultureInfo.InvariantCulture));
                break;
            case ["sg", string file, string folder]:
                ApplicationSample.Measure(options, file, folder);
                break;
            case ["micro", string folder]:
                MicroSample.Measure(options, folder);
                break;
            case ["decode", string file]:
                Print(DecodeAndValidate(options, file));
                break;
            case ["instances", string file, string count]:
                Print(LiveInstances(options, file, int.Parse(count, CultureInfo.InvariantCulture)));
                break;
            case ["plugin", string file]:
                Print(PluginSample.Nanoseconds(options, file));
                break;
            case ["kernel-load"]:
                Print(KernelLoadSample.Ratio(options));
                break;
            case ["plugin-bytes", string file]:
                Print(PluginSample.AllocatedBytes(options, file));
                break;
            case ["plugin-async", "seconds"]:
                Print(AsyncPluginSample.Seconds(options));
                break;
            case ["plugin-async", "memory"]:
                Print(AsyncPluginSample.KibibytesPerCall(options));
                break;
            case ["plugins", string folder]:
                PluginHostSample.Measure(options, folder);
                break;
            case ["plugin-growth", string folder]:
                PluginHostSample.MeasureGrowth(options, folder);
                break;
            case ["features", string figure]:
                Print(FeatureSample.Measure(options, figure));
                break;
            case ["files", string figure]:
                Print(FileSample.Measure(options, figure));
                break;
            default:
                throw new UsageException("unknown sample");
        }

        return ExitCodes.Success;
    }

    private static void Print(double value) => Console.Out.WriteLine(value.ToString(CultureInfo.InvariantCulture));

    // Warm: the median after the runtime has compiled the decoder and validator with optimisation.
    private static double DecodeAndValidate(EngineOptions options, string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        using Engine engine = Engine.Create(options);
        for (int i = 0; i < 40; i++)
        {
            Module.Validate(engine, bytes);
            if (i % 10 == 9)
            {
                Thread.Sleep(150);
            }
        }

        var times = new double[15];
        for (int i = 0; i < times.Length; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            Module.Validate(engine, bytes);
            times[i] = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        }

        return Statistics.Median(times);
    }

    // Every instance has its own store, and each was called once: its first page is in use.
    private static double LiveInstances(EngineOptions options, string file, int count)
    {
        using Engine engine = Engine.Create(options);
        using Module module = Module.FromBytes(engine, File.ReadAllBytes(file));
        var stores = new List<Store>(count);
        for (int i = 0; i < count; i++)
        {
            Store store = engine.CreateStore();
            stores.Add(store);
            store.Instantiate(module).GetFunction<Func<int, int>>("f")!(i);
        }

        double resident = ResidentMemory.PresentMebibytes();
        stores.ForEach(store => store.Dispose());
        return resident;
    }
}
