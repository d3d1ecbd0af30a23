using System.Globalization;
using System.Text.Json;

using Codicil.Cli.Tests;
using Codicil.Cli.Wast;
using Codicil.Format;

namespace Codicil.SpecTests;

/// <summary>
/// Wasmtime's own scripts, with every proposal switched on. What does not pass is listed with its reason in wasmtime-expected-failures.txt; continuations and shared functions,
/// which are proposals of their own, are out.
/// </summary>
public sealed class WasmtimeTests
{
    private const int FileCount = 283;

    // Continuations (46 files) and functions shared among threads (1).
    private const int OutsideCount = 47;

    private static readonly Lazy<Dictionary<string, int>> s_expected = new(static () => File
        .ReadAllLines(Path.Combine(AppContext.BaseDirectory, "wasmtime-expected-failures.txt"))
        .Where(static line => line.Length > 0 && !line.StartsWith('#'))
        .Select(static line => line.Split(' ', 3))
        .ToDictionary(static words => words[0], static words => int.Parse(words[1], CultureInfo.InvariantCulture)));

    public static TheoryData<string, MemoryProtection> Scripts
    {
        get
        {
            var data = new TheoryData<string, MemoryProtection>();
            foreach (string script in SharedData.Folder is null ? [] : Files().Where(static file => !file.IsOutside).Select(static file => file.Name))
            {
                data.Add(script, MemoryProtection.Guard);
                data.Add(script, MemoryProtection.Checked);
            }

            return data;
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Scripts))]
    public void Script_passes(string script, MemoryProtection memory)
    {
        WastResult result = ScriptRun.Run(Path.Combine(SharedData.Get("conformance", "wasmtime-misc"), script), script, memory, WasmFeatures.All);
        Assert.Equal(0, result.Skipped);
        int expected = s_expected.Value.GetValueOrDefault(script);
        Assert.True(result.Failed == expected, $"{result.Failed} failures, {expected} are listed:\n{string.Join('\n', result.Failures.Take(25))}");
    }

    [Fact]
    public void All_scripts_are_there_and_all_that_are_listed_exist()
    {
        _ = SharedData.Get("conformance", "wasmtime-misc");
        (string Name, bool IsOutside)[] files = [.. Files()];
        Assert.Equal(FileCount, files.Length);
        Assert.Equal(OutsideCount, files.Count(static file => file.IsOutside));
        Assert.Empty(s_expected.Value.Keys.Except(files.Where(static file => !file.IsOutside).Select(static file => file.Name)));
    }

    // Each file says itself what it needs.
    private static IEnumerable<(string Name, bool IsOutside)> Files()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Get("conformance", "wasmtime-misc", "features.json")));
        foreach (JsonProperty file in document.RootElement.GetProperty("files").EnumerateObject())
        {
            yield return (file.Name, file.Value.EnumerateArray().Any(static feature => feature.GetString() is "stack_switching" or "shared_everything_threads"));
        }
    }
}
