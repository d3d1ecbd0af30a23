using System.CommandLine;
using System.Text.Json;

using Codicil.Cli.Benchmarking;

namespace Codicil.Cli.Commands;

/// <summary><c>codicil bench</c>: the benchmark suite, with the peers that are installed.</summary>
internal static class BenchCommand
{
    private const int ReportRounds = 5;
    private const int CallsPerSample = 4;

    private static readonly string[] s_sections = ["kernels", "apps", "calls", "plugins"];

    public static Command Create()
    {
        var names = new Argument<string[]>("name") { Description = "Kernels by name or `kernels`, `apps` for real programs, `plugins` for the plug-in host, or `calls` for the figures that are none of these; all when none is named." };
        var suite = new Option<string?>("--suite") { Description = "The suite's folder; default $CODICIL_SHARED/bench or ../shared/bench.", HelpName = "DIR" };
        var rounds = new Option<int>("--rounds") { Description = "Fresh processes a subject.", DefaultValueFactory = _ => 3, HelpName = "N" };
        var report = new Option<bool>("--report") { Description = $"All rows, or all of the sections named, {ReportRounds} rounds; writes RESULTS.md and raw/results.json." };
        var output = new Option<string>("--output") { Description = "Where --report writes.", DefaultValueFactory = _ => "bench", HelpName = "DIR" };
        var noPeers = new Option<bool>("--no-peers") { Description = $"Measure Codicil alone. Peers: node (${Subject.NodeVariable}, else the path's), the suite's drivers, and for plug-ins the folder with Extism's package that $CODICIL_EXTISM_JS names." };
        var json = new Option<bool>("--json") { Description = "Print the samples as JSON." };
        var firstCall = new Option<string>("--first-call")
        {
            Description = "Where the published forms of bench/Codicil.FirstCall are, a folder for each.",
            DefaultValueFactory = _ => Path.Combine("artifacts", "first-call"),
            HelpName = "DIR",
        };
        var child = new Option<string?>("--child") { Hidden = true };
        var command = new Command("bench", "Run the benchmark suite, with peers where they are installed.") { names, suite, rounds, report, output, noPeers, json, firstCall, child };
        command.SetAction(parse =>
        {
            if (parse.GetValue(child) is string mode)
            {
                return ChildSample.Run(mode, parse.GetValue(names)!);
            }

            return Run(
                BenchmarkSuite.Open(parse.GetValue(suite)),
                parse.GetValue(names)!,
                parse.GetValue(report) ? ReportRounds : Math.Max(1, parse.GetValue(rounds)),
                !parse.GetValue(noPeers),
                parse.GetValue(json),
                parse.GetValue(firstCall)!,
                parse.GetValue(report) ? parse.GetValue(output) : null);
        });
        return command;
    }

    private static int Run(BenchmarkSuite suite, string[] names, int rounds, bool peers, bool json, string firstCall, string? reportFolder)
    {
        if (reportFolder is not null && names.FirstOrDefault(static name => !s_sections.Contains(name)) is string part)
        {
            throw new UsageException($"--report measures whole sections: {string.Join(", ", s_sections)}; found {part}");
        }

        bool all = names.Length == 0;
        if (!all && names.FirstOrDefault(name => !s_sections.Contains(name) && suite.Kernels.All(kernel => kernel.Name != name)) is string unknown)
        {
            throw new UsageException($"unknown kernel {unknown}; there are {string.Join(", ", s_sections)}, {string.Join(", ", suite.Kernels.Select(kernel => kernel.Name))}");
        }

        List<Subject> subjects = [Subject.Own(Subject.Guard), Subject.Own(Subject.Checked), Subject.Own(Subject.Interruptible)];
        if (peers)
        {
            subjects.AddRange(Subject.Peers(suite));
        }

        Measurements measurements = Progress.Run(progress =>
        {
            var measurements = new Measurements { Rounds = rounds, CallsPerSample = CallsPerSample, Subjects = [.. subjects.Select(subject => subject.Name)] };
            if (peers && Subject.FindNode() is string node && Subject.VersionOfNode(node) is string version)
            {
                measurements.Nodes = s_sections.ToDictionary(static section => section, _ => version);
            }

            foreach (Kernel kernel in suite.Kernels)
            {
                if (all || names.Contains("kernels") || names.Contains(kernel.Name))
                {
                    measurements.Kernels.Add(KernelBenchmark.Run(kernel, subjects, rounds, CallsPerSample, progress));
                }
            }

            if (all || names.Contains("apps"))
            {
                measurements.Applications.AddRange(ApplicationBenchmark.Run(suite, subjects, rounds, progress));
            }

            if (all || names.Contains("calls"))
            {
                measurements.Figures.AddRange(FigureBenchmark.Run(suite, subjects, rounds, progress));
            }

            if (all || names.Contains("plugins"))
            {
                measurements.Plugins.AddRange(PluginBenchmark.Run(suite, peers, firstCall, rounds, progress));
            }

            return measurements;
        });

        if (reportFolder is not null)
        {
            Report.Write(measurements, reportFolder, replaced: names);
        }

        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(measurements, MeasurementsJson.Default.Measurements));
        }
        else
        {
            Report.Print(measurements);
        }

        return ExitCodes.Success;
    }
}
