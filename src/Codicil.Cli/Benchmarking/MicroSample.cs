using System.Diagnostics;
using System.Globalization;

namespace Codicil.Cli.Benchmarking;

/// <summary>The small costs: a call each way, an instance, growth, and what each of them allocates. Prints one JSON line.</summary>
internal static class MicroSample
{
    private const int Calls = 20_000_000;
    private const int Instances = 500;
    private const int Growths = 100;
    private const int Rounds = 7;

    public static void Measure(EngineOptions options, string folder)
    {
        using Engine engine = Engine.Create(options);
        using Module micro = Module.FromBytes(engine, File.ReadAllBytes(Path.Combine(folder, "micro.wasm")));
        using Module small = Module.FromBytes(engine, File.ReadAllBytes(Path.Combine(folder, "small.wasm")));
        var linker = new Linker(engine);
        linker.DefineFunction("env", "h", static (int value) => value);

        using Store store = engine.CreateStore();
        Instance instance = linker.Instantiate(store, micro);
        Func<int, int, int> add = instance.GetFunction<Func<int, int, int>>("add")!;
        Func<int, int> loop = instance.GetFunction<Func<int, int>>("loop")!;

        CallGuest(add);
        CallHost(loop);
        Thread.Sleep(150);
        CallGuest(add);
        CallHost(loop);
        var guestCalls = new double[Rounds];
        var hostCalls = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            guestCalls[i] = CallGuest(add);
            hostCalls[i] = CallHost(loop);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        CallGuest(add);
        double guestAllocation = (double)(GC.GetAllocatedBytesForCurrentThread() - before) / Calls;
        before = GC.GetAllocatedBytesForCurrentThread();
        CallHost(loop);
        double hostAllocation = (double)(GC.GetAllocatedBytesForCurrentThread() - before) / Calls;

        var instances = new double[Rounds];
        Instantiate(engine, small);
        Instantiate(engine, small);
        for (int i = 0; i < Rounds; i++)
        {
            instances[i] = Instantiate(engine, small);
        }

        var growths = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            growths[i] = Grow(engine, linker, micro);
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"call_ns":{{Statistics.Median(guestCalls)}},"host_ns":{{Statistics.Median(hostCalls)}},"inst_us":{{Statistics.Median(instances)}},"grow_us":{{Statistics.Median(growths)}},"call_bytes":{{guestAllocation}},"host_bytes":{{hostAllocation}}}"""));
    }

    private static double CallGuest(Func<int, int, int> add)
    {
        int sum = 0;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Calls; i++)
        {
            sum = add(sum, i);
        }

        double nanoseconds = Stopwatch.GetElapsedTime(begin).TotalNanoseconds / Calls;
        GC.KeepAlive(sum);
        return nanoseconds;
    }

    private static double CallHost(Func<int, int> loop)
    {
        long begin = Stopwatch.GetTimestamp();
        loop(Calls);
        return Stopwatch.GetElapsedTime(begin).TotalNanoseconds / Calls;
    }

    // A store each, and each store ended, as an instance that a request gets.
    private static double Instantiate(Engine engine, Module small)
    {
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Instances; i++)
        {
            using Store store = engine.CreateStore();
            store.Instantiate(small);
        }

        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds / Instances;
    }

    private static double Grow(Engine engine, Linker linker, Module micro)
    {
        using Store store = engine.CreateStore();
        Func<int, int> grow = linker.Instantiate(store, micro).GetFunction<Func<int, int>>("grow")!;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Growths; i++)
        {
            grow(1);
        }

        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds / Growths;
    }
}
