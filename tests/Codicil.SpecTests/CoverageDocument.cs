using System.Globalization;

using Codicil.Cli.Tests;
using Codicil.Cli.Wast;

namespace Codicil.SpecTests;

/// <summary>docs/spec-coverage.md: what of the suites passes, by proposal, engine and memory mode, and what fails for want of which feature. Written together with the expected failures.</summary>
internal static class CoverageDocument
{
    // Scripts of 3.0 that lie among the core's.
    private static readonly (string Name, Func<string, bool> Matches)[] s_proposals =
    [
        ("fixed-width SIMD", static script => script.StartsWith("simd/", StringComparison.Ordinal)),
        ("relaxed SIMD", static script => script.StartsWith("relaxed-simd/", StringComparison.Ordinal)),
        ("exceptions", static script => script.StartsWith("exceptions/", StringComparison.Ordinal)),
        ("garbage collection", static script => script.StartsWith("gc/", StringComparison.Ordinal)),
        ("several memories", static script => script.StartsWith("multi-memory/", StringComparison.Ordinal)),
        ("64-bit memories and tables", static script => script.StartsWith("memory64/", StringComparison.Ordinal)),
        ("bulk operations, where they meet 3.0", static script => script.StartsWith("bulk-memory/", StringComparison.Ordinal)),
        ("tail calls", static script => script.StartsWith("return_call", StringComparison.Ordinal)),
        ("the others of 3.0: typed references, recursive types, extended constants, annotations", static _ => true),
    ];

    private static string Location => Path.Combine(SharedData.Repository!, "docs", "spec-coverage.md");

    public static string Read() => File.ReadAllText(Location);

    /// <summary>Writes the document into the source tree.</summary>
    /// <param name="guarded">All scripts with their results, on memory behind guard pages.</param>
    /// <param name="results">The same on memory with explicit checks.</param>
    /// <param name="core">The scripts that need nothing beyond WebAssembly 2.0 without SIMD.</param>
    public static void Write(IReadOnlyList<(string Script, WastResult Result)> guarded, IReadOnlyList<(string Script, WastResult Result)> results, IReadOnlySet<string> core)
    {
        string[] failures = [.. results.SelectMany(result => ExpectedFailures.LinesOf(result.Script, result.Result))];
        var rows = new System.Text.StringBuilder(Row("WebAssembly 2.0 without SIMD", Of(guarded, null), Of(results, null)));
        foreach ((string name, _) in s_proposals)
        {
            rows.Append('\n').Append(Row(name, Of(guarded, name), Of(results, name)));
        }

        rows.Append('\n').Append(Row("**the whole suite of 3.0**", [.. guarded.Select(result => result.Result)], [.. results.Select(result => result.Result)]));
        foreach ((string folder, _) in ProposalTests.Folders)
        {
            rows.Append('\n').Append(ProposalRow(
                folder,
                ProposalTests.Without(ProposalTests.Run(folder, MemoryProtection.Guard)),
                ProposalTests.Without(ProposalTests.Run(folder, MemoryProtection.Checked))));
        }

        File.WriteAllText(
            Location,
            $"""
            # Coverage of the specification's test suites

            Written by the test run together with `tests/Codicil.SpecTests/expected-failures.txt` (see [CONTRIBUTING.md](../CONTRIBUTING.md)). Every script runs with the
            compiler engine, the one there is, in both modes of memory; a changed count fails the build. The figures are assertions that pass, of those that there are.

            | proposal | files | compiler, guard pages | compiler, explicit checks |
            |---|---|---|---|
            {rows}

            The last six are proposals outside of 3.0, by their folders. `threads/core-changes` is a copy of core scripts from before 3.0, of which what is said about shared
            memories counts: left out are 21 assertions about one memory only, extended constants and encodings that 3.0 says otherwise (`ProposalTests`). The
            `binary.wast` of custom-page-sizes takes the place of the core's. Stack switching and custom descriptors are not there.

            What fails, by the feature that the failing module's own error names. A module that cannot be loaded counts, and so does every assertion on it:

            {FailureTable(failures)}
            """);

        WastResult[] Of(IReadOnlyList<(string Script, WastResult Result)> all, string? proposal) =>
        [
            .. all.Where(result => (core.Contains(result.Script) ? null : s_proposals.First(item => item.Matches(result.Script)).Name) == proposal).Select(result => result.Result),
        ];
    }

    /// <summary>The row of a proposal outside of 3.0.</summary>
    public static string ProposalRow(string folder, WastResult[] guarded, WastResult[] results) => Row($"`{folder}`", guarded, results);

    /// <summary>The table of failures that lines of the list of expected failures come to.</summary>
    public static string FailureTable(IEnumerable<string> lines)
    {
        var table = new System.Text.StringBuilder("| feature | files | failures |\n|---|---|---|\n");
        foreach (IGrouping<string, string[]> feature in lines.Select(line => line.Split(' ')).GroupBy(words => words[1]).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            int failures = feature.Sum(words => words.Skip(2).Sum(kind => int.Parse(kind[(kind.IndexOf('=') + 1)..], CultureInfo.InvariantCulture)));
            table.Append(CultureInfo.InvariantCulture, $"| {feature.Key} | {feature.Count():N0} | {failures:N0} |\n");
        }

        return table.ToString();
    }

    private static string Row(string name, WastResult[] guarded, WastResult[] results) => $"| {name} | {results.Length.ToString("N0", CultureInfo.InvariantCulture)} | {Cell(guarded)} | {Cell(results)} |";

    private static string Cell(WastResult[] results)
    {
        int passed = results.Sum(static result => result.Passed);
        return string.Create(CultureInfo.InvariantCulture, $"{passed:N0} of {passed + results.Sum(static result => result.Failed + result.Skipped):N0}");
    }
}
