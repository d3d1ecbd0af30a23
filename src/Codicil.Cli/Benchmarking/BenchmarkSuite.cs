using System.Collections.Immutable;
using System.Text.Json;

namespace Codicil.Cli.Benchmarking;

/// <summary>A kernel: a module without imports that exports <c>run(n: i32) -> i64</c>, linear in n, whose result is a known checksum.</summary>
internal sealed record Kernel(string Name, string Path, int Units, ulong Checksum);

/// <summary>The folder with kernels and peers' drivers.</summary>
internal sealed class BenchmarkSuite
{
    private BenchmarkSuite(string folder, ImmutableArray<Kernel> kernels)
    {
        Folder = folder;
        Kernels = kernels;
    }

    public string Folder { get; }

    public ImmutableArray<Kernel> Kernels { get; }

    /// <summary>The folder with the micro benchmarks' modules.</summary>
    public string Micro => Path.Combine(Folder, "peers", "micro");

    /// <summary>A folder beside the suite's own, such as <c>conformance</c>.</summary>
    public string Beside(params ReadOnlySpan<string> parts) => Path.Combine([Path.GetDirectoryName(Folder)!, .. parts]);

    /// <summary>The suite at a folder, or else at <c>$CODICIL_SHARED/bench</c>, or else at <c>../shared/bench</c> seen from here or any folder above.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static BenchmarkSuite Open(string? folder)
    {
        folder ??= Environment.GetEnvironmentVariable("CODICIL_SHARED") is { Length: > 0 } shared ? Path.Combine(shared, "bench") : Find();
        string expected = Path.Combine(folder, "kernels", "expected.json");
        if (!File.Exists(expected))
        {
            throw new UsageException($"no benchmark suite at {folder}: --suite or CODICIL_SHARED names its folder");
        }

        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(expected));
        ImmutableArray<Kernel>.Builder kernels = ImmutableArray.CreateBuilder<Kernel>();
        foreach (JsonProperty entry in document.RootElement.EnumerateObject())
        {
            int units = entry.Value.GetProperty("n").GetInt32();
            string checksum = entry.Value.GetProperty("checksum").GetProperty(units.ToString(System.Globalization.CultureInfo.InvariantCulture)).GetString()!;
            kernels.Add(new Kernel(
                entry.Name,
                Path.Combine(folder, "kernels", "wasm", entry.Name + ".wasm"),
                units,
                Convert.ToUInt64(checksum, 16)));
        }

        return new BenchmarkSuite(Path.GetFullPath(folder), kernels.ToImmutable());
    }

    private static string Find()
    {
        for (DirectoryInfo? at = new(Directory.GetCurrentDirectory()); at is not null; at = at.Parent)
        {
            string candidate = Path.Combine(at.FullName, "shared", "bench");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return Path.Combine("..", "shared", "bench");
    }
}
