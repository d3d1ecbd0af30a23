using System.Globalization;

namespace Codicil.Cli.Benchmarking;

/// <summary>The plug-in host beside the Extism runtimes: each subject is a process that prints lines of a name and a number.</summary>
internal static class PluginBenchmark
{
    private const string FastEnough = ">= 1.5 x Extism (Rust)";

    private static readonly (string Field, string Name, string Unit, string Aim)[] s_rows =
    [
        ("noop_ns", "call of noop, empty input", "ns", "<= 150"),
        ("replace_2048_MBps", "replace, 2048 bytes", "MB/s", FastEnough),
        ("replace_4096_MBps", "replace, 4096 bytes", "MB/s", FastEnough),
        ("replace_8192_MBps", "replace, 8192 bytes", "MB/s", FastEnough),
        ("replace_16384_MBps", "replace, 16384 bytes", "MB/s", FastEnough),
        ("replace_32768_MBps", "replace, 32768 bytes", "MB/s", FastEnough),
        ("count_vowels_1MiB_MBps", "count_vowels, 1 MiB", "MB/s", FastEnough),
        ("count_vowels_11B_ns", "count_vowels, 11 bytes", "ns", ""),
        ("compile_count_vowels_ms", "compile count_vowels (ours: lazily)", "ms", ""),
        ("instance_count_vowels_us", "instance of compiled count_vowels", "us", "<= 30"),
        ("instance_noop_us", "instance of compiled noop", "us", "<= 30"),
        ("300x3_ms", "300 instances x 3 calls in parallel, count_vowels", "ms", "<= 150"),
    ];

    private static readonly (string Field, string Name, string Unit, string Aim)[] s_growth =
    [
        ("bytes_a_call", "allocated a call into an IBufferWriter", "bytes", "0"),
        ("growth_1000000_calls_MiB", "growth by 1,000,000 calls of one instance", "MiB", "none"),
        ("growth_100000_instances_MiB", "growth by 100,000 instances made and dropped", "MiB", "none"),
    ];

    private static readonly (string Field, string Name, string Unit, string Aim)[] s_first =
    [
        ("first_call_ms", "first call of count_vowels in a console application, from the start of Main", "ms", ""),
        ("first_call_process_ms", "the same, from the start of the process", "ms", ""),
    ];

    /// <summary>Measures everything that is there.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="peers">Whether to measure the Extism runtimes.</param>
    /// <param name="firstCall">The folder with the published forms of <c>Codicil.FirstCall</c>, each in a folder of its own, which names its column.</param>
    /// <param name="rounds">Fresh processes a subject.</param>
    /// <param name="progress">Told what is measured.</param>
    public static List<FigureResult> Run(BenchmarkSuite suite, bool peers, string firstCall, int rounds, Action<string> progress)
    {
        string folder = suite.Beside("conformance", "extism", "go-sdk", "wasm");
        if (!Directory.Exists(folder))
        {
            return [];
        }

        Subject[] own = [Subject.Own(Subject.Guard), Subject.Own(Subject.Checked)];
        List<FigureResult> figures = [.. Figures(s_rows), .. Figures(s_growth), .. Figures(s_first)];
        Measure(s_rows, figures, [.. own, .. peers ? Subject.PluginPeers(suite) : []], subject => IsOwn(subject) ? ["plugins", folder] : [folder], rounds, progress);
        Measure(s_growth, figures[s_rows.Length..], own, _ => ["plugin-growth", folder], 1, progress);
        Measure(s_first, figures[(s_rows.Length + s_growth.Length)..], [.. FirstCalls(firstCall)], _ => [Path.Combine(folder, "count_vowels.wasm")], rounds * 4, progress);
        return figures;

        bool IsOwn(Subject subject) => own.Contains(subject);
    }

    private static IEnumerable<Subject> FirstCalls(string folder) => !Directory.Exists(folder)
        ? []
        : Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)
            .Select(static form => new Subject(Path.GetFileName(form), Path.Combine(form, "Codicil.FirstCall"), []))
            .Where(static subject => File.Exists(subject.FileName));

    private static IEnumerable<FigureResult> Figures((string Field, string Name, string Unit, string Aim)[] rows) =>
        rows.Select(static row => new FigureResult { Name = row.Name, Unit = row.Unit, Aim = row.Aim });

    private static void Measure(
        (string Field, string Name, string Unit, string Aim)[] rows, List<FigureResult> figures, Subject[] subjects, Func<Subject, string[]> arguments, int rounds, Action<string> progress)
    {
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < subjects.Length; i++)
            {
                Subject subject = subjects[(round + i) % subjects.Length];
                progress(string.Create(CultureInfo.InvariantCulture, $"plug-ins {round + 1}/{rounds} {subject.Name}"));
                ToolProcess.Result process = subject.Run(arguments(subject));
                if (process.ExitCode != 0)
                {
                    figures[0].Failures[subject.Name] = KernelBenchmark.FirstLine(process);
                    continue;
                }

                foreach (string line in process.Output.Split('\n'))
                {
                    string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                    int row = parts.Length == 2 ? Array.FindIndex(rows, row => row.Field == parts[0]) : -1;
                    if (row >= 0)
                    {
                        KernelBenchmark.Add(figures[row].Samples, subject.Name, double.Parse(parts[1], CultureInfo.InvariantCulture));
                    }
                }
            }
        }
    }
}
