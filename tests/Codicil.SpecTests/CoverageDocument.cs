using System.Globalization;

using Codicil.Cli.Tests;
using Codicil.Cli.Wast;

namespace Codicil.SpecTests;

/// <summary>docs/spec-coverage.md: what of the suite passes, and what fails for want of which feature. Written together with the expected failures.</summary>
internal static class CoverageDocument
{
    private static string Location => Path.Combine(SharedData.Repository!, "docs", "spec-coverage.md");

    public static string Read() => File.ReadAllText(Location);

    /// <summary>Writes the document into the source tree.</summary>
    /// <param name="results">All scripts with their results.</param>
    /// <param name="core">The scripts that need nothing beyond WebAssembly 2.0 without SIMD.</param>
    public static void Write(IReadOnlyList<(string Script, WastResult Result)> results, IReadOnlySet<string> core)
    {
        string[] failures = [.. results.SelectMany(result => ExpectedFailures.LinesOf(result.Script, result.Result))];
        File.WriteAllText(
            Location,
            $"""
            # Coverage of the specification's test suite

            Written by the test run together with `tests/Codicil.SpecTests/expected-failures.txt` (see [CONTRIBUTING.md](../CONTRIBUTING.md)). Every script runs in both modes of memory,
            with the same result; a changed count fails the build.

            | scripts | files | files that pass | assertions that pass | failures |
            |---|---|---|---|---|
            {Row("WebAssembly 2.0 without SIMD", [.. results.Where(result => core.Contains(result.Script)).Select(result => result.Result)])}
            {Row("fixed-width SIMD", [.. results.Where(result => IsVector(result.Script)).Select(result => result.Result)])}
            {Row("the others: WebAssembly 3.0", [.. results.Where(result => !core.Contains(result.Script) && !IsVector(result.Script)).Select(result => result.Result)])}

            What fails, by the feature that the failing module's own error names. A module that cannot be loaded counts, and so does every assertion on it:

            {FailureTable(failures)}
            """);
    }

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

    private static bool IsVector(string script) => script.StartsWith("simd/", StringComparison.Ordinal);

    private static string Row(string name, WastResult[] results) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {name} | {results.Length:N0} | {results.Count(result => result.Failed == 0):N0} | {results.Sum(result => result.Passed):N0} | {results.Sum(result => result.Failed):N0} |");
}
