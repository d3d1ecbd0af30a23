using System.Globalization;

namespace Codicil.Cli.Benchmarking;

/// <summary>Runs kernels: in every round each subject once, in turn, in a fresh process; the first one changes from round to round.</summary>
internal static class KernelBenchmark
{
    public static KernelResult Run(Kernel kernel, IReadOnlyList<Subject> subjects, int rounds, int calls, Action<string> progress)
    {
        var result = new KernelResult { Kernel = kernel.Name, Units = kernel.Units };
        string units = kernel.Units.ToString(CultureInfo.InvariantCulture);
        string count = calls.ToString(CultureInfo.InvariantCulture);
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                Subject subject = subjects[(round + i) % subjects.Count];
                if (result.Failures.ContainsKey(subject.Name))
                {
                    continue;
                }

                progress(string.Create(CultureInfo.InvariantCulture, $"{kernel.Name} {round + 1}/{rounds} {subject.Name}"));
                ToolProcess.Result process = subject.Run("bench", kernel.Path, units, count);
                if (process.ExitCode != 0)
                {
                    result.Failures[subject.Name] = FirstLine(process);
                    continue;
                }

                KernelSample sample = KernelSample.Parse(process.Output);
                if (sample.Checksum != kernel.Checksum)
                {
                    result.Failures[subject.Name] = $"wrong result: expected {kernel.Checksum:x}, found {sample.Checksum:x}";
                    continue;
                }

                Add(result.MillisecondsPerUnit, subject.Name, sample.Times.Min() / kernel.Units);
                Add(result.FirstCall, subject.Name, sample.Compile + sample.Instantiate + sample.First);
            }
        }

        return result;
    }

    public static void Add(Dictionary<string, List<double>> samples, string subject, double value)
    {
        if (!samples.TryGetValue(subject, out List<double>? list))
        {
            samples[subject] = list = [];
        }

        list.Add(value);
    }

    /// <summary>What a process said of its failure: the first line that names an error (node's begins with the place in the script), else the first.</summary>
    public static string FirstLine(ToolProcess.Result process)
    {
        string text = process.Errors.Trim() is { Length: > 0 } errors ? errors : process.Output.Trim();
        if (text.Length == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"exit code {process.ExitCode}");
        }

        string[] lines = text.Split('\n');
        return Array.Find(lines, static line => line.Contains("Error: ", StringComparison.Ordinal)) ?? lines[0];
    }
}
