using System.Text.Json;

using Codicil.Cli.Tests;
using Codicil.Cli.Wast;
using Codicil.Format;

namespace Codicil.SpecTests;

/// <summary>Runs a script of the suite in a mode of memory.</summary>
internal static class ScriptRun
{
    /// <summary>The scripts' names relative to the suite's folder; empty without the folder.</summary>
    public static IReadOnlyList<string> Scripts { get; } = FindScripts();

    /// <summary>The scripts that need nothing beyond WebAssembly 2.0 without SIMD.</summary>
    public static IReadOnlySet<string> CoreScripts => new HashSet<string>(File.ReadAllLines(SharedData.Get("conformance", "spec3-files-2.0.txt")), StringComparer.Ordinal);

    public static string Folder => SharedData.Get("conformance", "spec3");

    public static WastResult Run(string script, MemoryProtection memory) => Run(Path.Combine(Folder, script), script, memory, WasmFeatures.Wasm3);

    /// <summary>Runs a script wherever it is.</summary>
    public static WastResult Run(string path, string script, MemoryProtection memory, WasmFeatures features)
    {

        // A script that exhausts the stack may take its process with it: then it is a failed test, not a lost run.
        return File.ReadAllText(path).Contains("assert_exhaustion", StringComparison.Ordinal)
            ? RunInChildProcess(path, script, memory, features)
            : WastSuite.Run([path], new EngineOptions { MemoryProtection = memory, Features = features }, 1, static _ => { })[0];
    }

    private static WastResult RunInChildProcess(string path, string script, MemoryProtection memory, WasmFeatures features)
    {
        CodicilProcess.Result process = CodicilProcess.Run(
            ["wast", path, "--json", "--features", FeatureNames.Format(features)],
            null,
            new Dictionary<string, string> { ["CODICIL_MEMORY"] = memory == MemoryProtection.Guard ? "guard" : "checked" });
        Assert.True(process.ExitCode is 0 or 1, $"{script}: the process ended with {process.ExitCode}\n{process.Errors}");
        using JsonDocument document = JsonDocument.Parse(process.OutputBytes);
        JsonElement root = document.RootElement[0];
        var result = new WastResult(script) { Passed = root.GetProperty("passed").GetInt32() };
        foreach (JsonProperty skip in root.GetProperty("skipped").EnumerateObject())
        {
            result.Skips.Add(skip.Name, skip.Value.GetInt32());
        }

        foreach (JsonElement failure in root.GetProperty("failures").EnumerateArray())
        {
            result.Failures.Add(new WastFailure(
                script,
                failure.GetProperty("line").GetInt32(),
                failure.GetProperty("kind").GetString()!,
                failure.GetProperty("expected").GetString()!,
                failure.GetProperty("came").GetString()!,
                failure.TryGetProperty("feature", out JsonElement feature) && feature.GetString() is string name && name != "limit" ? FeatureNames.Parse(name) : null));
        }

        return result;
    }

    private static string[] FindScripts()
    {
        if (SharedData.Folder is null)
        {
            return [];
        }

        string folder = Path.Combine(SharedData.Folder, "conformance", "spec3");
        return [.. WastSuite.Find([folder]).Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))];
    }
}
