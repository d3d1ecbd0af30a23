using System.Diagnostics;
using System.Globalization;

using Codicil.Wasi;
using Codicil.Wasi.Files;

namespace Codicil.Cli.Benchmarking;

/// <summary>
/// A program that marks what is to be timed with <c>bench.start</c> and <c>bench.end</c>, run several times in one process, each time in an instance
/// of its own. Prints the windows as one JSON line.
/// </summary>
internal static class ApplicationSample
{
    private const int Runs = 3;

    public static void Measure(EngineOptions options, string file, string folder)
    {
        using Engine engine = Engine.Create(options);
        long begin = Stopwatch.GetTimestamp();
        using Module module = Module.FromBytes(engine, File.ReadAllBytes(file));
        double compile = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        WasiOptions wasi = WasiOptions.Default.WithSystemTime() with { Arguments = ["benchmark.wasm"] };
        var files = new HostFileSystem(folder);
        wasi = wasi.WithFileSystem(files, ".", readOnly: true).WithFileSystem(files, "/", readOnly: true);
        double window = 0;
        var linker = new Linker(engine);
        linker.DefineWasi(wasi);
        linker.DefineFunction("bench", "start", () => { begin = Stopwatch.GetTimestamp(); });
        linker.DefineFunction("bench", "end", () => { window = Stopwatch.GetElapsedTime(begin).TotalMilliseconds; });
        var windows = new List<string>(Runs);
        for (int i = 0; i < Runs; i++)
        {
            using Store store = engine.CreateStore();
            uint exitCode = WasiCommand.Run(linker, store, module);
            if (exitCode != 0)
            {
                throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{file} ended with exit code {exitCode}"));
            }

            windows.Add(window.ToString(CultureInfo.InvariantCulture));
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"compile\":{compile},\"first\":{windows[0]},\"bench\":{windows[1]},\"windows\":[{string.Join(',', windows)}]}}"));
    }
}
