using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;

using Codicil.Format;
using Codicil.Tests;

namespace Codicil.Wasi.Tests;

/// <summary>The tests of WebAssembly/wasi-testsuite for wasi-threads, each in a process of its own: one that does not end would take the others with it.</summary>
public sealed class WasiThreadSuiteTests
{
    private const string Folder = "conformance/wasi-threads";

    public static TheoryData<string, string> Tests
    {
        get
        {
            string? folder = SharedFolder.TryGetPath(Folder);
            if (folder is null)
            {
                return new() { { SharedFolder.Absent, "checked" } };
            }

            string[] files = Directory.GetFiles(folder, "*.wasm");
            Array.Sort(files, StringComparer.Ordinal);
            var data = new TheoryData<string, string>();
            foreach (string file in files)
            {
                data.Add(Path.GetFileName(file), "guard");
                data.Add(Path.GetFileName(file), "checked");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Tests))]
    public void Passes(string test, string memoryMode)
    {
        string path = Path.Combine(SharedFolder.GetPath(Folder), test);
        string configuration = Path.ChangeExtension(path, ".json");
        using JsonDocument document = JsonDocument.Parse(File.Exists(configuration) ? File.ReadAllText(configuration) : "{}");
        string code = document.RootElement.TryGetProperty("exit_code", out JsonElement value) ? value.GetRawText() : "0";
        ChildProcess.Run(
            static arguments => RunProgram(arguments[0], uint.Parse(arguments[1], CultureInfo.InvariantCulture)),
            new() { Arguments = [path, code], Environment = { ["CODICIL_MEMORY"] = memoryMode } }).AssertSucceeded();
    }

    private static void RunProgram(string path, uint expected)
    {
        using Engine engine = Engine.Create(new EngineOptions { Features = WasmFeatures.All, Interruptible = true });
        using Module module = Module.FromFile(engine, path);
        using Store store = engine.CreateStore();

        // Input that never comes: those that read it have to be ended.
        WasiOptions options = WasiOptions.Default.WithSystemTime().WithStandardInput(new Pipe().Reader) with { Arguments = [Path.GetFileName(path)] };
        uint code = WasiCommand.Run(new Linker(engine).DefineWasi(options).DefineWasiThreads(module), store, module);
        if (code != expected || WasiThreadGroup.Find(store) is { Count: not 0 })
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"exit code {code}, {WasiThreadGroup.Find(store)?.Count} threads left"));
        }
    }
}
