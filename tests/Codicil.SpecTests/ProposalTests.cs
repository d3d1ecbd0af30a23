using Codicil.Cli.Tests;
using Codicil.Cli.Wast;
using Codicil.Format;

namespace Codicil.SpecTests;

/// <summary>The scripts of proposals that are no part of 3.0, with every proposal switched on; what they come to is a row of docs/spec-coverage.md each.</summary>
public sealed class ProposalTests
{
    /// <summary>
    /// What threads' copy of older core scripts says otherwise than 3.0: kind, text of the assertion, how many there are. Each is about something that the copy
    /// has from before several memories, extended constants, 64-bit memories or typed references.
    /// </summary>
    private static readonly (string Kind, string Text, int Count)[] s_superseded =
    [
        ("assert_invalid", "multiple memories", 5),
        ("assert_invalid", "unknown global", 2),
        ("assert_malformed", "i32 constant out of range", 3),
        ("assert_malformed", "unexpected end", 1),
        ("assert_malformed", "zero byte expected", 10),
    ];

    /// <summary>The folders, with their assertions; of those of threads/core-changes the superseded ones do not pass.</summary>
    internal static (string Folder, int Assertions)[] Folders { get; } =
    [
        ("threads/threads", 317),
        ("threads/core-changes", 393),
        ("custom-page-sizes", 65 + 107),
        ("wide-arithmetic", 107),
        ("custom-annotations", 20),
        ("legacy-exceptions", 89),
    ];

    public static TheoryData<string, int, MemoryProtection> Scripts
    {
        get
        {
            var data = new TheoryData<string, int, MemoryProtection>();
            foreach ((string folder, int assertions) in Folders.Where(static item => item.Folder != "threads/core-changes"))
            {
                data.Add(folder, assertions, MemoryProtection.Guard);
                data.Add(folder, assertions, MemoryProtection.Checked);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Scripts_pass(string folder, int assertions, MemoryProtection memory)
    {
        WastResult[] results = Run(folder, memory);
        Assert.Empty(results.SelectMany(static result => result.Failures).Select(static failure => failure.ToString()));
        Assert.Equal(assertions, results.Sum(static result => result.Passed));
        Assert.Equal(0, results.Sum(static result => result.Skipped));
        Assert.SkipWhen(ExpectedFailures.IsUpdating, "the document is being written");
        Assert.Contains(CoverageDocument.ProposalRow(folder, results, results), CoverageDocument.Read(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MemoryProtection.Guard)]
    [InlineData(MemoryProtection.Checked)]
    public void The_core_scripts_of_threads_pass_but_for_what_3_0_says_otherwise(MemoryProtection memory)
    {
        WastResult[] results = Run("threads/core-changes", memory);
        WastFailure[] failures = [.. results.SelectMany(static result => result.Failures)];
        Assert.Equal(
            s_superseded,
            failures.CountBy(static failure => (failure.Kind, failure.Expected)).Select(static item => (item.Key.Kind, item.Key.Expected, item.Value)).Order());
        Assert.Equal(393 - 21, results.Sum(static result => result.Passed));
        Assert.Equal(0, results.Sum(static result => result.Skipped));

        // Those files are here for what they say of shared memories, and that passes: no assertion that fails is about one.
        Assert.DoesNotContain(failures, static failure => AssertionOf(failure).Contains("shared", StringComparison.Ordinal));
        Assert.SkipWhen(ExpectedFailures.IsUpdating, "the document is being written");
        Assert.Contains(CoverageDocument.ProposalRow("threads/core-changes", Without(results), Without(results)), CoverageDocument.Read(), StringComparison.Ordinal);
    }

    /// <summary>The results of a folder of proposals.</summary>
    internal static WastResult[] Run(string folder, MemoryProtection memory) => WastSuite.Run(
        WastSuite.Find([SharedData.Get(["conformance", "spec-proposals", .. folder.Split('/')])]), new EngineOptions { MemoryProtection = memory, Features = WasmFeatures.All }, 1, static _ => { });

    /// <summary>The results without what is superseded.</summary>
    internal static WastResult[] Without(WastResult[] results)
    {
        foreach (WastResult result in results)
        {
            result.Failures.RemoveAll(static failure => s_superseded.Any(item => (item.Kind, item.Text) == (failure.Kind, failure.Expected)));
        }

        return results;
    }

    // From the line of the failure to the next form that begins a line.
    private static string AssertionOf(WastFailure failure) => string.Join('\n', File.ReadLines(failure.File).Skip(failure.Line - 1).TakeWhile(static (line, index) => index == 0 || !line.StartsWith('(')));
}
