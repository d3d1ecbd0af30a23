using Codicil.Cli.Benchmarking;

namespace Codicil.Cli.Tests;

/// <summary>What <c>codicil bench --report</c> writes.</summary>
public sealed class ReportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("codicil-report").FullName;

    [Fact]
    public void A_report_of_one_section_keeps_the_others()
    {
        Report.Write(Of(figure: 1, plugin: 2), _folder, []);
        Report.Write(Of(figure: 30, plugin: 40), _folder, ["plugins"]);

        string text = File.ReadAllText(Path.Combine(_folder, "RESULTS.md"));
        Assert.Contains("| a figure | ns | <= 3.00 | 1.00 |", text, StringComparison.Ordinal);
        Assert.Contains("| a plug-in | MB/s | >= 5 | 40.0 |", text, StringComparison.Ordinal);
        Assert.DoesNotContain("30.0", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_whole_report_replaces_everything()
    {
        Report.Write(Of(figure: 1, plugin: 2), _folder, []);
        Report.Write(Of(figure: 30, plugin: 40), _folder, []);

        string text = File.ReadAllText(Path.Combine(_folder, "RESULTS.md"));
        Assert.Contains("| a figure | ns | <= 3.00 | 30.0 |", text, StringComparison.Ordinal);
        Assert.Contains("| a plug-in | MB/s | >= 5 | 40.0 |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_section_says_when_and_with_which_node_it_was_measured()
    {
        Measurements earlier = Of(figure: 1, plugin: 2);
        earlier.Nodes = new() { ["calls"] = "Node 20.1.0, V8 11", ["plugins"] = "Node 20.1.0, V8 11" };
        Report.Write(earlier, _folder, []);
        Measurements later = Of(figure: 1, plugin: 2);
        later.Nodes = new() { ["calls"] = "Node 26.0.0, V8 14", ["plugins"] = "Node 26.0.0, V8 14" };
        Report.Write(later, _folder, ["plugins"]);

        string text = File.ReadAllText(Path.Combine(_folder, "RESULTS.md"));
        Assert.Matches(@"## Calls, instances, processes \(\d{4}-\d\d-\d\d; Node 20\.1\.0, V8 11\)", text);
        Assert.Matches(@"## The plug-in host beside the Extism runtimes \(\d{4}-\d\d-\d\d; Node 26\.0\.0, V8 14\)", text);
    }

    [Fact]
    public void The_program_of_objects_is_compared_with_V8_in_both_settings_of_the_collector()
    {
        var measurements = new Measurements
        {
            Subjects = ["guard", "V8", "wasmtime"],
            Applications =
            [
                Of("noise", 1, 1),
                Of(ApplicationBenchmark.Collected, 150, 300),
                Of(ApplicationBenchmark.CollectedConcurrently, 480, 300),
            ],
        };
        Report.Write(measurements, _folder, []);

        string text = File.ReadAllText(Path.Combine(_folder, "RESULTS.md"));
        Assert.Contains("splay-gc against V8 (at most 2 is aimed at): 0.50 without concurrent collection, as the tool is set; 1.60 with it, as .NET is set by default.", text, StringComparison.Ordinal);
        Assert.Contains("| geometric mean of 2 |", text, StringComparison.Ordinal);

        static KernelResult Of(string name, double own, double v8) =>
            new() { Kernel = name, MillisecondsPerUnit = { ["guard"] = [own], ["V8"] = [v8], ["wasmtime"] = [1] } };
    }

    [Fact]
    public void A_node_that_is_not_there_is_wrong_usage()
    {
        CodicilProcess.Result result = CodicilProcess.Run(
            ["bench", "fib", "--suite", SharedData.Get("bench")], null, new Dictionary<string, string> { ["CODICIL_NODE"] = Path.Combine(_folder, "node") });
        Assert.Contains("CODICIL_NODE names no file", result.AssertExitCode(ExitCodes.Usage).Errors, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Measurements Of(double figure, double plugin) => new()
    {
        Subjects = ["guard"],
        Figures = [new FigureResult { Name = "a figure", Unit = "ns", Target = 3, Samples = { ["guard"] = [figure] } }],
        Plugins = [new FigureResult { Name = "a plug-in", Unit = "MB/s", Aim = ">= 5", Samples = { ["guard"] = [plugin] } }],
    };
}
