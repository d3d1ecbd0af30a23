using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Codicil.Cli.Benchmarking;

/// <summary>One sample of a kernel in a fresh process, in milliseconds; the same protocol and output line as the peers' drivers.</summary>
internal sealed record KernelSample(double Compile, double Instantiate, double First, double[] Times, ulong Checksum)
{
    /// <summary>What the child process does: settle, then time.</summary>
    public static void Measure(EngineOptions options, string path, int units, int calls)
    {
        byte[] bytes = File.ReadAllBytes(path);
        long begin = Stopwatch.GetTimestamp();
        using Engine engine = Engine.Create(options);
        using Module module = Module.FromBytes(engine, bytes);
        double compile = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;

        begin = Stopwatch.GetTimestamp();
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(module);
        Func<int, long> run = instance.GetFunction<Func<int, long>>("run") ?? throw new UsageException($"{path} does not export run");
        double instantiate = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;

        begin = Stopwatch.GetTimestamp();
        run(1);
        double first = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;

        for (int i = 0; i < 30; i++)
        {
            run(1);
        }

        Thread.Sleep(60);
        for (int i = 0; i < 10; i++)
        {
            run(1);
        }

        Thread.Sleep(60);
        run(Math.Max(1, units >> 3));

        long checksum = 0;
        var times = new double[calls];
        for (int i = 0; i < calls; i++)
        {
            begin = Stopwatch.GetTimestamp();
            checksum = run(units);
            times[i] = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"compile":{{compile}},"inst":{{instantiate}},"first":{{first}},"times":[{{string.Join(',', times.Select(time => time.ToString(CultureInfo.InvariantCulture)))}}],"sum":"{{(ulong)checksum:x}}"}"""));
    }

    /// <summary>Reads a driver's line.</summary>
    public static KernelSample Parse(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        return new KernelSample(
            root.GetProperty("compile").GetDouble(),
            root.GetProperty("inst").GetDouble(),
            root.GetProperty("first").GetDouble(),
            [.. root.GetProperty("times").EnumerateArray().Select(time => time.GetDouble())],
            ulong.Parse(root.GetProperty("sum").GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
    }
}
