using System.Globalization;

using Codicil.Cli.Tests;
using Codicil.Cli.Wast;
using Codicil.Format;

namespace Codicil.SpecTests;

/// <summary>
/// The assertions that fail for want of a feature: a line for each script and feature, with the number of failures by kind. The feature is
/// the one that the failing module's own error names. With CODICIL_UPDATE_EXPECTED_FAILURES=1 a test writes the file.
/// </summary>
internal static class ExpectedFailures
{
    private const string FileName = "expected-failures.txt";

    private static readonly Lazy<ILookup<string, string>> s_lines = new(Read);

    public static bool IsUpdating => Environment.GetEnvironmentVariable("CODICIL_UPDATE_EXPECTED_FAILURES") == "1";

    /// <summary>The scripts that are listed.</summary>
    public static IEnumerable<string> Scripts => s_lines.Value.Select(group => group.Key);

    /// <summary>All lines.</summary>
    public static IEnumerable<string> Lines => s_lines.Value.SelectMany(group => group);

    /// <summary>A script's lines.</summary>
    public static string[] Of(string script) => [.. s_lines.Value[script]];

    /// <summary>What a result's lines would be.</summary>
    public static string[] LinesOf(string script, WastResult result) =>
    [
        .. result.Failures
            .Where(IsWantOfFeature)
            .GroupBy(failure => FeatureNames.Format(failure.MissingFeature!.Value))
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => $"{script} {group.Key} {string.Join(' ', group
                .CountBy(failure => failure.Kind.Replace(' ', '-'))
                .OrderBy(kind => kind.Key, StringComparer.Ordinal)
                .Select(kind => string.Create(CultureInfo.InvariantCulture, $"{kind.Key}={kind.Value}")))}"),
    ];

    /// <summary>Whether a failure may be listed: nothing but a missing feature excuses one.</summary>
    public static bool IsWantOfFeature(WastFailure failure) => failure.MissingFeature is not (null or WasmFeatures.None);

    /// <summary>Writes the file into the source tree.</summary>
    public static void Write(IEnumerable<string> lines) => File.WriteAllText(
        Path.Combine(SharedData.Repository!, "tests", "Codicil.SpecTests", FileName),
        "# Written by the test run with CODICIL_UPDATE_EXPECTED_FAILURES=1: script, missing feature, failing assertions by kind.\n" + string.Concat(lines.Select(line => line + "\n")));

    private static ILookup<string, string> Read() =>
        File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, FileName))
            .Where(line => line.Length > 0 && !line.StartsWith('#'))
            .ToLookup(line => line.Split(' ')[0]);
}
