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

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Measurements Of(double figure, double plugin) => new()
    {
        Subjects = ["guard"],
        Figures = [new FigureResult { Name = "a figure", Unit = "ns", Target = 3, Samples = { ["guard"] = [figure] } }],
        Plugins = [new FigureResult { Name = "a plug-in", Unit = "MB/s", Aim = ">= 5", Samples = { ["guard"] = [plugin] } }],
    };
}
