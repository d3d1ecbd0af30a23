using System.Text;
using System.Text.Json;

namespace Codicil.Wasi.Tests;

/// <summary>The tests of WebAssembly/wasi-testsuite for preview 1. How one is judged stands in the README beside them.</summary>
public sealed class WasiSuiteTests
{
    public static TheoryData<string, FileStorageKind> Tests
    {
        get
        {
            string? folder = SharedFolder.TryGetPath("conformance/wasi-p1");
            if (folder is null)
            {
                return new() { { SharedFolder.Absent, FileStorageKind.Memory } };
            }

            string[] files = Directory.GetFiles(folder, "*.wasm", SearchOption.AllDirectories);
            Array.Sort(files, StringComparer.Ordinal);
            var data = new TheoryData<string, FileStorageKind>();
            foreach (string file in files)
            {
                foreach (FileStorageKind storage in NeedsFiles(file) ? Enum.GetValues<FileStorageKind>() : [FileStorageKind.Memory])
                {
                    data.Add(Path.GetRelativePath(folder, file), storage);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Tests))]
    public void Passes(string test, FileStorageKind storage)
    {
        string folder = SharedFolder.GetPath("conformance/wasi-p1");
        string path = Path.Combine(folder, test);
        string configuration = Path.ChangeExtension(path, ".json");
        using JsonDocument document = JsonDocument.Parse(File.Exists(configuration) ? File.ReadAllText(configuration) : "{}");
        JsonElement root = document.RootElement;
        new ProgramCase
        {
            WasmPath = path,
            Arguments = [Path.GetFileName(path), .. root.TryGetProperty("args", out JsonElement arguments) ? arguments.EnumerateArray().Select(argument => argument.GetString()!) : []],
            Environment = root.TryGetProperty("env", out JsonElement environment) ? [.. environment.EnumerateObject().Select(variable => KeyValuePair.Create(variable.Name, variable.Value.GetString()!))] : [],
            ExitCode = root.TryGetProperty("exit_code", out JsonElement code) ? code.GetUInt32() : 0,
            Output = root.TryGetProperty("stdout", out JsonElement output) ? Encoding.UTF8.GetBytes(output.GetString()!) : null,
            Error = root.TryGetProperty("stderr", out JsonElement error) ? Encoding.UTF8.GetBytes(error.GetString()!) : null,
            Directories = root.TryGetProperty("root", out JsonElement directory) ? [("/", Path.Combine(Path.GetDirectoryName(path)!, directory.GetString()!))] : [],
            Storage = storage,
        }.Run();
    }

    private static bool NeedsFiles(string file)
    {
        string configuration = Path.ChangeExtension(file, ".json");
        return File.Exists(configuration) && File.ReadAllText(configuration).Contains("\"root\"", StringComparison.Ordinal);
    }
}
