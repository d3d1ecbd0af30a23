using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Codicil.Cli.Benchmarking;

/// <summary>Measurements as tables: on the terminal and in <c>bench/RESULTS.md</c>.</summary>
internal static class Report
{
    /// <summary>The kernel that needs SIMD stands in the table but not in the means: the targets are for the others. So does what is there twice.</summary>
    private const string SimdKernel = "simd";

    /// <summary>Writes the tables and the samples.</summary>
    /// <param name="measurements">What was measured.</param>
    /// <param name="folder">Where the files are.</param>
    /// <param name="replaced">The sections that were measured; the others stay as they are there. None for all.</param>
    public static void Write(Measurements measurements, string folder, IReadOnlyCollection<string> replaced)
    {
        Directory.CreateDirectory(Path.Combine(folder, "raw"));
        string raw = Path.Combine(folder, "raw", "results.json");
        measurements = Merge(measurements, replaced.Count > 0 && File.Exists(raw) ? raw : null, replaced);
        File.WriteAllText(raw, JsonSerializer.Serialize(measurements, MeasurementsJson.Default.Measurements) + "\n");

        var text = new StringBuilder();
        text.Append("# Results\n\n")
            .Append("Written by `codicil bench --report`; the samples are in [raw/results.json](raw/results.json). ")
            .Append("The commands:\n\n```\n")
            .Append("dotnet publish src/Codicil.Cli -c Release -r linux-x64 -p:PublishReadyToRun=true --self-contained false -o artifacts/codicil\n")
            .Append("dotnet publish bench/Codicil.FirstCall -c Release -o artifacts/first-call/plain\n")
            .Append("dotnet publish bench/Codicil.FirstCall -c Release -r linux-x64 -p:PublishReadyToRun=true --self-contained false -o artifacts/first-call/r2r\n")
            .Append("artifacts/codicil/codicil bench --report\n```\n\n")
            .Append("V8 is that of the node on the path, or that which `CODICIL_NODE` names: for garbage-collected objects it takes 22 or later. Each heading says which it was. Why some rows miss what was aimed at: [NOTES.md](NOTES.md).\n\n")
            .Append(CultureInfo.InvariantCulture, $"Machine: {measurements.Machine.Processor}, {measurements.Machine.Processors} processors, {measurements.Machine.System}, {measurements.Machine.Runtime}.\n\n")
            .Append(CultureInfo.InvariantCulture, $"Every sample is a fresh process, the subjects alternate; of {measurements.CallsPerSample} calls the best, of {measurements.Rounds} processes the median. ")
            .Append("`guard`: memory on guard pages. `checked`: explicit checks. `interruptible`: guard pages, and code that can be stopped from outside. A dash is a subject that does not run the row.\n\n");

        if (measurements.Kernels.Count > 0)
        {
            text.Append("## Kernels, steady state: time against V8's, smaller is better").Append(DateOf(measurements, "kernels"));
            (string[] header, List<string[]> rows) = Kernels(measurements);
            Markdown(text, header, rows);
        }

        if (measurements.Applications.Count > 0)
        {
            text.Append("\n## Real programs: the timed window against wasmtime's, smaller is better").Append(DateOf(measurements, "apps"))
                .Append("Ours in the second run of a process; the peers in their first, for which wasmtime and wazero have compiled all, V8 nothing.\n\n");
            (string[] header, List<string[]> rows) = Applications(measurements);
            Markdown(text, header, rows);
            if (Collection(measurements) is string collection)
            {
                text.Append('\n').Append(collection).Append('\n');
            }
        }

        if (measurements.Figures.Count > 0)
        {
            text.Append("\n## Calls, instances, processes").Append(DateOf(measurements, "calls"));
            (string[] header, List<string[]> rows) = Figures(measurements.Figures, measurements.Subjects);
            Markdown(text, header, rows);
        }

        if (measurements.Plugins.Count > 0)
        {
            text.Append("\n## The plug-in host beside the Extism runtimes").Append(DateOf(measurements, "plugins"))
                .Append("Calls can be stopped (deadlines, tokens), WASI is there. `plain` and `r2r` are the console application [Codicil.FirstCall](Codicil.FirstCall), without and with ReadyToRun code.\n\n");
            (string[] header, List<string[]> rows) = Figures(measurements.Plugins, SubjectsOf(measurements.Plugins));
            Markdown(text, header, rows);
        }

        string[] failures = [.. Failures(measurements)];
        if (failures.Length > 0)
        {
            text.Append("\n## Not measured\n\n");
            foreach (string failure in failures)
            {
                text.Append("- ").Append(failure).Append('\n');
            }
        }

        File.WriteAllText(Path.Combine(folder, "RESULTS.md"), text.ToString());
    }

    private static Measurements Merge(Measurements measured, string? earlier, IReadOnlyCollection<string> replaced)
    {
        string today = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        Measurements kept = earlier is null ? new Measurements() : JsonSerializer.Deserialize(File.ReadAllBytes(earlier), MeasurementsJson.Default.Measurements)!;
        measured.Kernels = Section("kernels", measured.Kernels, kept.Kernels);
        measured.Applications = Section("apps", measured.Applications, kept.Applications);
        measured.Figures = Section("calls", measured.Figures, kept.Figures);
        measured.Plugins = Section("plugins", measured.Plugins, kept.Plugins);
        return measured;

        List<T> Section<T>(string name, List<T> samples, List<T> before)
        {
            bool isKept = earlier is not null && !replaced.Contains(name);
            string? date = isKept ? kept.Dates.GetValueOrDefault(name) : today;
            if (date is not null)
            {
                measured.Dates[name] = date;
            }

            if (isKept)
            {
                measured.Nodes.Remove(name);
                if (kept.Nodes.TryGetValue(name, out string? node))
                {
                    measured.Nodes.Add(name, node);
                }
            }

            return isKept ? before : samples;
        }
    }

    // The end of a section's heading: when it was measured, and with which V8.
    private static string DateOf(Measurements measurements, string section)
    {
        string[] facts = [.. new[] { measurements.Dates.GetValueOrDefault(section), measurements.Nodes.GetValueOrDefault(section) }.OfType<string>()];
        return facts.Length > 0 ? $" ({string.Join("; ", facts)})\n\n" : "\n\n";
    }

    // What is aimed at is compared with V8, which is not the table's measure. Null where one of the two was not measured.
    private static string? Collection(Measurements measurements)
    {
        string[] ratios = [.. Ratio(ApplicationBenchmark.Collected, "without concurrent collection, as the tool is set"), .. Ratio(ApplicationBenchmark.CollectedConcurrently, "with it, as .NET is set by default")];
        return ratios.Length == 2 ? $"{ApplicationBenchmark.Collected} against V8 (at most 2 is aimed at): {ratios[0]}; {ratios[1]}." : null;

        string[] Ratio(string name, string setting)
        {
            KernelResult? result = measurements.Applications.Find(candidate => candidate.Kernel == name);
            double ratio = result is null ? double.NaN : result.Median(Subject.Guard) / result.Median(Subject.V8);
            return double.IsNaN(ratio) ? [] : [$"{Number(ratio)} {setting}"];
        }
    }

    public static void Print(Measurements measurements)
    {
        if (measurements.Kernels.Count > 0)
        {
            (string[] header, List<string[]> rows) = Kernels(measurements);
            TextTable.Write(Console.Out, header, rows);
        }

        if (measurements.Applications.Count > 0)
        {
            Console.Out.WriteLine();
            (string[] header, List<string[]> rows) = Applications(measurements);
            TextTable.Write(Console.Out, header, rows);
            if (Collection(measurements) is string collection)
            {
                Console.Out.WriteLine(collection);
            }
        }

        if (measurements.Figures.Count > 0)
        {
            Console.Out.WriteLine();
            (string[] header, List<string[]> rows) = Figures(measurements.Figures, measurements.Subjects);
            TextTable.Write(Console.Out, header, rows);
        }

        if (measurements.Plugins.Count > 0)
        {
            Console.Out.WriteLine();
            (string[] header, List<string[]> rows) = Figures(measurements.Plugins, SubjectsOf(measurements.Plugins));
            TextTable.Write(Console.Out, header, rows);
        }

        foreach (string failure in Failures(measurements))
        {
            Messages.Note(failure);
        }
    }

    private static (string[] Header, List<string[]> Rows) Kernels(Measurements measurements) =>
        Ratios("kernel", Subject.V8, measurements.Kernels, measurements);

    private static (string[] Header, List<string[]> Rows) Applications(Measurements measurements) =>
        Ratios("program", Subject.Wasmtime, measurements.Applications, measurements);

    // With the subject that the others are compared with: its milliseconds and ratios to it. Without: milliseconds.
    private static (string[] Header, List<string[]> Rows) Ratios(string title, string baseline, List<KernelResult> results, Measurements measurements)
    {
        bool relative = measurements.Subjects.Contains(baseline);
        string[] columns = [.. measurements.Subjects.Where(subject => subject != baseline)];
        bool interruption = columns.Contains(Subject.Guard) && columns.Contains(Subject.Interruptible);
        List<string> header = [title];
        if (relative)
        {
            header.Add(baseline + " ms");
        }

        header.AddRange(columns.Select(column => relative ? column : column + " ms"));
        if (interruption)
        {
            header.Add("interruptible / guard");
        }

        List<string[]> rows = [];
        foreach (KernelResult result in results)
        {
            double unit = relative ? result.Median(baseline) : 1;
            List<string> row = [result.Kernel];
            if (relative)
            {
                row.Add(Number(unit));
            }

            row.AddRange(columns.Select(column => Number(result.Median(column) / unit)));
            if (interruption)
            {
                row.Add(Number(result.Median(Subject.Interruptible) / result.Median(Subject.Guard)));
            }

            rows.Add([.. row]);
        }

        // A mean over fewer rows than another's is no figure: rows that a subject does not run are out for all.
        KernelResult[] counted = [.. results.Where(result => result.Kernel is not (SimdKernel or ApplicationBenchmark.CollectedConcurrently) && measurements.Subjects.TrueForAll(subject => !double.IsNaN(result.Median(subject))))];
        if (relative && counted.Length > 1)
        {
            Mean("geometric mean", Statistics.GeometricMean);
            Mean("worst", static ratios => ratios.DefaultIfEmpty(double.NaN).Max());
        }

        return ([.. header], rows);

        void Mean(string name, Func<IEnumerable<double>, double> mean)
        {
            List<string> row = [counted.Length < results.Count ? string.Create(CultureInfo.InvariantCulture, $"{name} of {counted.Length}") : name, ""];
            row.AddRange(columns.Select(column => Ratio(result => result.Median(column) / result.Median(baseline))));
            if (interruption)
            {
                row.Add(Ratio(static result => result.Median(Subject.Interruptible) / result.Median(Subject.Guard)));
            }

            rows.Add([.. row]);

            string Ratio(Func<KernelResult, double> ratio) => Number(mean(counted.Select(ratio)));
        }
    }

    private static string[] SubjectsOf(List<FigureResult> figures) => [.. figures.SelectMany(static figure => figure.Samples.Keys).Distinct()];

    private static (string[] Header, List<string[]> Rows) Figures(List<FigureResult> figures, IEnumerable<string> subjects)
    {
        string[] columns = [.. subjects];
        List<string[]> rows = [];
        foreach (FigureResult figure in figures)
        {
            rows.Add([
                figure.Name,
                figure.Unit,
                figure.Aim ?? (figure.Target is double target ? "<= " + Number(target) : ""),
                .. columns.Select(column => Number(figure.Median(column))),
            ]);
        }

        return (["what", "unit", "target", .. columns], rows);
    }

    private static IEnumerable<string> Failures(Measurements measurements) =>
        measurements.Kernels.Concat(measurements.Applications).SelectMany(kernel => kernel.Failures.Select(failure => $"{kernel.Kernel}, {failure.Key}: {failure.Value}"))
            .Concat(measurements.Figures.Concat(measurements.Plugins).SelectMany(figure => figure.Failures.Select(failure => $"{figure.Name}, {failure.Key}: {failure.Value}")));

    private static string Number(double value) => double.IsNaN(value) ? "-"
        : value == 0 ? "0"
        : Math.Abs(value) >= 100 ? value.ToString("F0", CultureInfo.InvariantCulture)
        : Math.Abs(value) >= 10 ? value.ToString("F1", CultureInfo.InvariantCulture)
        : Math.Abs(value) < 0.1 ? value.ToString("G2", CultureInfo.InvariantCulture)
        : value.ToString("F2", CultureInfo.InvariantCulture);

    private static void Markdown(StringBuilder text, string[] header, List<string[]> rows)
    {
        text.Append("| ").AppendJoin(" | ", header).Append(" |\n|").Insert(text.Length, "---|", header.Length).Append('\n');
        foreach (string[] row in rows)
        {
            text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
        }
    }
}
