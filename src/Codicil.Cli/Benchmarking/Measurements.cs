using System.Text.Json.Serialization;

namespace Codicil.Cli.Benchmarking;

/// <summary>Everything one run of the suite measured: raw samples, from which every printed figure is computed.</summary>
internal sealed class Measurements
{
    public Machine Machine { get; set; } = Machine.This();

    public int Rounds { get; set; }

    public int CallsPerSample { get; set; }

    /// <summary>When each section was measured; a report can measure one anew and keep the others.</summary>
    public Dictionary<string, string> Dates { get; set; } = [];

    /// <summary>The node, and its V8, that each section was measured with, where one was.</summary>
    public Dictionary<string, string> Nodes { get; set; } = [];

    /// <summary>The columns, ours first.</summary>
    public List<string> Subjects { get; set; } = [];

    public List<KernelResult> Kernels { get; set; } = [];

    /// <summary>Real programs: a unit is the timed window.</summary>
    public List<KernelResult> Applications { get; set; } = [];

    public List<FigureResult> Figures { get; set; } = [];

    /// <summary>The plug-in host; its peers are the other hosts, so it has columns of its own.</summary>
    public List<FigureResult> Plugins { get; set; } = [];
}

/// <summary>What the figures were measured on.</summary>
internal sealed record Machine(string Processor, int Processors, string System, string Runtime)
{
    public static Machine This()
    {
        string? model = OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
        return new Machine(
            model ?? global::System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            global::System.Runtime.InteropServices.RuntimeInformation.OSDescription,
            global::System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription);
    }
}

/// <summary>Samples of a kernel or program: for each subject the best call of each fresh process, in milliseconds a unit; or why there is none.</summary>
internal sealed class KernelResult
{
    public string Kernel { get; set; } = "";

    public int Units { get; set; }

    public Dictionary<string, List<double>> MillisecondsPerUnit { get; set; } = [];

    /// <summary>Compile + instantiate + first call of <c>run(1)</c>, in milliseconds, measured inside the process.</summary>
    public Dictionary<string, List<double>> FirstCall { get; set; } = [];

    public Dictionary<string, string> Failures { get; set; } = [];

    /// <summary>The median over the processes; NaN when the subject could not run the kernel.</summary>
    public double Median(string subject) =>
        Failures.ContainsKey(subject) || !MillisecondsPerUnit.TryGetValue(subject, out List<double>? samples) ? double.NaN : Statistics.Median(samples);
}

/// <summary>A figure other than a kernel: samples for each subject, in the unit of its name.</summary>
internal sealed class FigureResult
{
    public string Name { get; set; } = "";

    /// <summary>The unit, such as <c>ns</c>.</summary>
    public string Unit { get; set; } = "";

    /// <summary>What is aimed at, or null.</summary>
    public double? Target { get; set; }

    /// <summary>What is aimed at in words, where it is no upper bound; or null.</summary>
    public string? Aim { get; set; }

    public Dictionary<string, List<double>> Samples { get; set; } = [];

    public Dictionary<string, string> Failures { get; set; } = [];

    public double Median(string subject) => Samples.TryGetValue(subject, out List<double>? samples) ? Statistics.Median(samples) : double.NaN;
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NewLine = "\n")]
[JsonSerializable(typeof(Measurements))]
internal sealed partial class MeasurementsJson : JsonSerializerContext;
