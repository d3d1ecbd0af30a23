using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Codicil.Cli.Benchmarking;

/// <summary>Measurements as tables: on the terminal and in <c>bench/RESULTS.md</c>.</summary>
internal static class Report
{
    /// <summary>The kernel that needs SIMD stands in the table but not in the means.</summary>
    private const string SimdKernel = "simd";

    public static void Write(Measurements measurements, string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "raw"));
        File.WriteAllText(Path.Combine(folder, "raw", "results.json"), JsonSerializer.Serialize(measurements, MeasurementsJson.Default.Measurements) + "\n");

        var text = new StringBuilder();
        text.Append("# Results\n\n")
            .Append("Written by `codicil bench --report`; the samples are in [raw/results.json](raw/results.json). ")
            .Append("The commands:\n\n```\n")
            .Append("dotnet publish src/Codicil.Cli -c Release -r linux-x64 -p:PublishReadyToRun=true --self-contained false -o artifacts/codicil\n")
            .Append("artifacts/codicil/codicil bench --report\n```\n\n")
            .Append(CultureInfo.InvariantCulture, $"Machine: {measurements.Machine.Processor}, {measurements.Machine.Processors} processors, {measurements.Machine.System}, {measurements.Machine.Runtime}.\n\n")
            .Append(CultureInfo.InvariantCulture, $"Every sample is a fresh process, the subjects alternate; of {measurements.CallsPerSample} calls the best, of {measurements.Rounds} processes the median. ")
            .Append("`guard`: memory on guard pages. `checked`: explicit checks. `interruptible`: guard pages, and code that can be stopped from outside. A dash is a subject that does not run the row.\n\n");

        if (measurements.Kernels.Count > 0)
        {
            text.Append("## Kernels, steady state: time against V8's, smaller is better\n\n");
            (string[] header, List<string[]> rows) = Kernels(measurements);
            Markdown(text, header, rows);
        }

        if (measurements.Figures.Count > 0)
        {
            text.Append("\n## Calls, instances, processes\n\n");
            (string[] header, List<string[]> rows) = Figures(measurements);
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

    public static void Print(Measurements measurements)
    {
        if (measurements.Kernels.Count > 0)
        {
            (string[] header, List<string[]> rows) = Kernels(measurements);
            TextTable.Write(Console.Out, header, rows);
        }

        if (measurements.Figures.Count > 0)
        {
            Console.Out.WriteLine();
            (string[] header, List<string[]> rows) = Figures(measurements);
            TextTable.Write(Console.Out, header, rows);
        }

        foreach (string failure in Failures(measurements))
        {
            Messages.Note(failure);
        }
    }

    // With V8: its milliseconds and ratios to it. Without: milliseconds.
    private static (string[] Header, List<string[]> Rows) Kernels(Measurements measurements)
    {
        bool relative = measurements.Subjects.Contains(Subject.V8);
        string[] columns = [.. measurements.Subjects.Where(subject => subject != Subject.V8)];
        bool interruption = columns.Contains(Subject.Guard) && columns.Contains(Subject.Interruptible);
        List<string> header = ["kernel"];
        if (relative)
        {
            header.Add("V8 ms/unit");
        }

        header.AddRange(columns.Select(column => relative ? column : column + " ms/unit"));
        if (interruption)
        {
            header.Add("interruptible / guard");
        }

        List<string[]> rows = [];
        foreach (KernelResult kernel in measurements.Kernels)
        {
            double unit = relative ? kernel.Median(Subject.V8) : 1;
            List<string> row = [kernel.Kernel];
            if (relative)
            {
                row.Add(Number(unit));
            }

            row.AddRange(columns.Select(column => Number(kernel.Median(column) / unit)));
            if (interruption)
            {
                row.Add(Number(kernel.Median(Subject.Interruptible) / kernel.Median(Subject.Guard)));
            }

            rows.Add([.. row]);
        }

        KernelResult[] counted = [.. measurements.Kernels.Where(kernel => kernel.Kernel != SimdKernel)];
        if (relative && counted.Length > 1)
        {
            Mean(rows, "geometric mean", Statistics.GeometricMean);
            Mean(rows, "worst", static ratios => ratios.DefaultIfEmpty(double.NaN).Max());
        }

        return ([.. header], rows);

        void Mean(List<string[]> rows, string name, Func<IEnumerable<double>, double> mean)
        {
            List<string> row = [counted.Length < measurements.Kernels.Count ? name + " without simd" : name, ""];
            row.AddRange(columns.Select(column => Ratio(kernel => kernel.Median(column) / kernel.Median(Subject.V8))));
            if (interruption)
            {
                row.Add(Ratio(static kernel => kernel.Median(Subject.Interruptible) / kernel.Median(Subject.Guard)));
            }

            rows.Add([.. row]);

            // A mean over fewer kernels than the others' is no figure.
            string Ratio(Func<KernelResult, double> ratio) =>
                counted.Any(kernel => double.IsNaN(ratio(kernel))) ? "-" : Number(mean(counted.Select(ratio)));
        }
    }

    private static (string[] Header, List<string[]> Rows) Figures(Measurements measurements)
    {
        string[] columns = [.. measurements.Subjects];
        List<string[]> rows = [];
        foreach (FigureResult figure in measurements.Figures)
        {
            rows.Add([
                figure.Name,
                figure.Unit,
                figure.Target is double target ? "<= " + Number(target) : "",
                .. columns.Select(column => Number(figure.Median(column))),
            ]);
        }

        return (["what", "unit", "target", .. columns], rows);
    }

    private static IEnumerable<string> Failures(Measurements measurements) =>
        measurements.Kernels.SelectMany(kernel => kernel.Failures.Select(failure => $"{kernel.Kernel}, {failure.Key}: {failure.Value}"))
            .Concat(measurements.Figures.SelectMany(figure => figure.Failures.Select(failure => $"{figure.Name}, {failure.Key}: {failure.Value}")));

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
