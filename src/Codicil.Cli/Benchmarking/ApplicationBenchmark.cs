using System.Globalization;
using System.Text.Json;

namespace Codicil.Cli.Benchmarking;

/// <summary>
/// Programs that other people compiled and that say themselves what is to be timed: ours in the second run of a process, when the runtime has compiled
/// what the program needs; the peers, which compile before they run, in their first.
/// </summary>
internal static class ApplicationBenchmark
{
    /// <summary>The program that does little but make objects: measured with both of the collector's settings.</summary>
    public const string Collected = "splay-gc";

    /// <summary>It again, as it is in a host that has changed nothing: .NET collects the oldest objects beside the program.</summary>
    public const string CollectedConcurrently = Collected + ", concurrent collection";

    private const string ConcurrencyVariable = "DOTNET_gcConcurrent";
    private const string Prefix = "sg-";

    // Between its marks it does nothing.
    private const string Empty = "noop";

    public static IEnumerable<KernelResult> Run(BenchmarkSuite suite, IReadOnlyList<Subject> subjects, int rounds, Action<string> progress)
    {
        string applications = suite.Beside("conformance", "apps");
        if (!Directory.Exists(applications))
        {
            yield break;
        }

        foreach (string application in Directory.EnumerateDirectories(applications, Prefix + "*").Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(application);
            string file = Path.Combine(application, name + ".wasm");
            string shortName = name[Prefix.Length..];
            if (shortName == Empty || !File.Exists(file))
            {
                continue;
            }

            string fixture = FixtureOf(application);
            if (shortName != Collected)
            {
                yield return Run(shortName, file, fixture, null, subjects, rounds, progress);
                continue;
            }

            yield return Run(Collected, file, fixture, new Dictionary<string, string> { [ConcurrencyVariable] = "0" }, subjects, rounds, progress);
            yield return Run(CollectedConcurrently, file, fixture, new Dictionary<string, string> { [ConcurrencyVariable] = "1" }, subjects, rounds, progress);
        }
    }

    private static KernelResult Run(
        string name, string file, string folder, IReadOnlyDictionary<string, string>? environment, IReadOnlyList<Subject> subjects, int rounds, Action<string> progress)
    {
        var result = new KernelResult { Kernel = name, Units = 1 };
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                Subject subject = subjects[(round + i) % subjects.Count];
                if (result.Failures.ContainsKey(subject.Name))
                {
                    continue;
                }

                progress(string.Create(CultureInfo.InvariantCulture, $"{name} {round + 1}/{rounds} {subject.Name}"));
                ToolProcess.Result process = subject.RunApplication(file, folder, environment);
                if (process.ExitCode != 0)
                {
                    result.Failures[subject.Name] = KernelBenchmark.FirstLine(process);
                    continue;
                }

                using JsonDocument document = JsonDocument.Parse(process.Output.Trim().Split('\n')[^1]);
                JsonElement root = document.RootElement;
                KernelBenchmark.Add(result.MillisecondsPerUnit, subject.Name, root.GetProperty("bench").GetDouble());
                KernelBenchmark.Add(
                    result.FirstCall,
                    subject.Name,
                    root.GetProperty("compile").GetDouble() + (root.TryGetProperty("first", out JsonElement first) ? first : root.GetProperty("bench")).GetDouble());
            }
        }

        return result;
    }

    // What the program finds in its directory: a folder beside it, or nothing.
    private static string FixtureOf(string application)
    {
        string fixture = Path.Combine(application, "fixture");
        return Directory.Exists(fixture) ? fixture : application;
    }
}
