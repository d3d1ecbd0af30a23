using System.Globalization;
using System.Text.Json;

namespace Codicil.Cli.Benchmarking;

/// <summary>The figures that are no kernels: calls, instances, growth, decoding, a cold process, plug-in calls, resident memory, allocation.</summary>
internal static class FigureBenchmark
{
    private static readonly (string Field, string Name, string Unit, double? Target)[] s_micro =
    [
        ("call_ns", "host to wasm call", "ns", 3),
        ("host_ns", "wasm to host call", "ns", 4),
        ("inst_us", "instantiate a compiled 1-page module", "us", 6),
        ("grow_us", "memory.grow by one page", "us", 1.5),
        ("call_bytes", "allocated a host to wasm call", "bytes", 0),
        ("host_bytes", "allocated a wasm to host call", "bytes", 0),
    ];

    public static IEnumerable<FigureResult> Run(BenchmarkSuite suite, IReadOnlyList<Subject> subjects, int rounds, Action<string> progress)
    {
        foreach (FigureResult figure in Micro(suite, subjects, rounds, progress))
        {
            yield return figure;
        }

        string regex = suite.Beside("conformance", "apps", "sg-regex", "sg-regex.wasm");
        if (File.Exists(regex))
        {
            yield return Single("decode + validate sg-regex, warm", "ms", 15, rounds, progress, "decode", regex);
        }

        yield return Cold(suite, rounds, progress);

        string noop = suite.Beside("conformance", "extism", "go-sdk", "wasm", "noop.wasm");
        if (File.Exists(noop))
        {
            foreach (FigureResult figure in PlugIn(noop, rounds, progress))
            {
                yield return figure;
            }
        }

        yield return Single("1,000 plug-in calls that each await a 1 s host function, pool of 2 threads", "s", 3, rounds, progress, "plugin-async", "seconds");
        yield return Single("resident memory of a call that waits", "KiB", 150, 1, progress, "plugin-async", "memory");
        yield return Single("a loop over the kernel's load_u8, against i32.load8_u", "x", 1.5, rounds, progress, "kernel-load");

        yield return Single("return_call of a function to itself", "ns", 1.5, rounds, progress, "features", "self");
        yield return Single("return_call between two functions", "ns", 1.5, rounds, progress, "features", "pair");
        yield return Single("throw and catch across 3 frames", "us", 20, rounds, progress, "features", "throw");
        yield return Single("i32.atomic.rmw.add, against Interlocked.Add in C#", "x", 1.2, rounds, progress, "features", "add");

        // 1 GiB at 1.5 GB/s.
        yield return Single("fd_write of 1 GiB in 64 KiB pieces, file in memory", "ms", 716, rounds, progress, "files", "write");
        yield return Single("fd_read of 1 GiB in 64 KiB pieces, file in memory", "ms", 716, rounds, progress, "files", "read");
        yield return Single("path_open + fd_close", "us", 15, rounds, progress, "files", "open");
        yield return Single("fd_write of a byte to a FileStream without a buffer, against C#", "x", 2, rounds, progress, "files", "byte-file");
        yield return Single("fd_write of a byte to a MemoryStream, against C#", "x", 2, rounds, progress, "files", "byte-memory");

        yield return Single("10,000 live 1-page instances, resident", "MiB", 1228.8, 1, progress, "instances", Path.Combine(suite.Micro, "small.wasm"), "10000");
    }

    private static List<FigureResult> Micro(BenchmarkSuite suite, IReadOnlyList<Subject> subjects, int rounds, Action<string> progress)
    {
        List<FigureResult> figures = [.. s_micro.Select(row => new FigureResult { Name = row.Name, Unit = row.Unit, Target = row.Target })];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                Subject subject = subjects[(round + i) % subjects.Count];
                progress(string.Create(CultureInfo.InvariantCulture, $"calls {round + 1}/{rounds} {subject.Name}"));
                ToolProcess.Result process = subject.Run("micro", suite.Micro);
                if (process.ExitCode != 0)
                {
                    figures.ForEach(figure => figure.Failures[subject.Name] = KernelBenchmark.FirstLine(process));
                    continue;
                }

                using JsonDocument document = JsonDocument.Parse(process.Output);
                for (int j = 0; j < s_micro.Length; j++)
                {
                    if (document.RootElement.TryGetProperty(s_micro[j].Field, out JsonElement value))
                    {
                        KernelBenchmark.Add(figures[j].Samples, subject.Name, value.GetDouble());
                    }
                }
            }
        }

        return figures;
    }

    // A whole process from its start to its end, in the two modes of memory.
    private static FigureResult Cold(BenchmarkSuite suite, int rounds, Action<string> progress)
    {
        Kernel kernel = suite.Kernels.First(candidate => candidate.Name == "sieve");
        var figure = new FigureResult { Name = "cold process: codicil run of a kernel, n=1", Unit = "ms", Target = 150 };
        for (int round = 0; round < rounds * 2; round++)
        {
            foreach (string mode in new[] { Subject.Guard, Subject.Checked })
            {
                progress("cold process");
                ToolProcess.Result process = ToolProcess.RunSelf(
                    ["run", "--invoke", "run", kernel.Path, "1"],
                    new Dictionary<string, string> { ["CODICIL_MEMORY"] = mode });
                if (process.ExitCode == 0)
                {
                    KernelBenchmark.Add(figure.Samples, mode, process.Elapsed.TotalMilliseconds);
                }
                else
                {
                    figure.Failures[mode] = KernelBenchmark.FirstLine(process);
                }
            }
        }

        return figure;
    }

    private static FigureResult[] PlugIn(string noop, int rounds, Action<string> progress)
    {
        FigureResult time = Single("plug-in call: noop run_test, empty input", "ns", 300, rounds, progress, "plugin", noop);
        var bytes = new FigureResult { Name = "allocated a plug-in call", Unit = "bytes", Target = 0 };
        ToolProcess.Result process = Subject.Own(Subject.Guard).Run("plugin-bytes", noop);
        if (process.ExitCode == 0)
        {
            KernelBenchmark.Add(bytes.Samples, Subject.Guard, double.Parse(process.Output, CultureInfo.InvariantCulture));
        }
        else
        {
            bytes.Failures[Subject.Guard] = KernelBenchmark.FirstLine(process);
        }

        return [time, bytes];
    }

    // A figure of ours alone: the child prints a number.
    private static FigureResult Single(string name, string unit, double target, int rounds, Action<string> progress, params ReadOnlySpan<string> arguments)
    {
        var figure = new FigureResult { Name = name, Unit = unit, Target = target };
        for (int round = 0; round < rounds; round++)
        {
            foreach (string mode in new[] { Subject.Guard, Subject.Checked })
            {
                progress(name);
                ToolProcess.Result process = Subject.Own(mode).Run(arguments);
                if (process.ExitCode == 0)
                {
                    KernelBenchmark.Add(figure.Samples, mode, double.Parse(process.Output, CultureInfo.InvariantCulture));
                }
                else
                {
                    figure.Failures[mode] = KernelBenchmark.FirstLine(process);
                }
            }
        }

        return figure;
    }
}
