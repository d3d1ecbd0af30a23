using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

using Codicil.Format;

namespace Codicil.Wasi.Tests;

/// <summary>A program compiled by other people, how to run it, and what it must do.</summary>
internal sealed class ProgramCase
{
    private static readonly TimeSpan s_hangGuard = TimeSpan.FromMinutes(3);

    // Its own engine: these are large modules, and a hang is ended by an interrupt.
    private static readonly Engine s_engine = Engine.Create(new EngineOptions { Interruptible = true });

    public required string WasmPath { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    public IReadOnlyCollection<KeyValuePair<string, string>> Environment { get; init; } = [];

    public byte[] Input { get; init; } = [];

    public uint ExitCode { get; init; }

    /// <summary>What standard output must be; null when it does not matter.</summary>
    public byte[]? Output { get; init; }

    public byte[]? Error { get; init; }

    /// <summary>What all of standard output must match.</summary>
    public string? OutputPattern { get; init; }

    /// <summary>The directories that it is given: the guest's path, and the folder whose contents are in it.</summary>
    public IReadOnlyList<(string GuestPath, string Folder)> Directories { get; init; } = [];

    /// <summary>What the directories are made of.</summary>
    public FileStorageKind Storage { get; init; }

    /// <summary>The files that must be there in the end: guest's directory and path, and their contents; null when the file must be absent.</summary>
    public IReadOnlyList<(string Directory, string Path, byte[]? Contents)> FilesAfter { get; init; } = [];

    /// <summary>Why it cannot run; null when it can.</summary>
    public string? Skip { get; init; }

    /// <summary>The cases of a run.json: file and index, or the mark of absent data.</summary>
    public static IEnumerable<(string Path, int Index, string Name)> Enumerate(params string[] runFiles)
    {
        foreach (string path in runFiles)
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            int index = 0;
            foreach (JsonElement element in document.RootElement.GetProperty("cases").EnumerateArray())
            {
                string name = document.RootElement.GetProperty("name").GetString()!;
                yield return (path, index, element.TryGetProperty("id", out JsonElement id) ? $"{name}/{id.GetString()}" : $"{name}/{index}");
                index++;
            }
        }
    }

    /// <summary>Reads a case of a run.json (the format stands in the README beside it).</summary>
    public static ProgramCase FromRunFile(string path, int index, FileStorageKind storage)
    {
        string folder = Path.GetDirectoryName(path)!;
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        JsonElement element = document.RootElement.GetProperty("cases")[index];
        IReadOnlyList<string> arguments = [.. element.GetProperty("args").EnumerateArray().Select(argument => argument.GetString()!)];
        string? skip = element.TryGetProperty("invoke", out JsonElement function) ? $"is no WASI program: its function {function.GetString()} is run by the bench" : null;

        return new ProgramCase
        {
            WasmPath = Path.Combine(folder, document.RootElement.GetProperty("wasm").GetString()!),
            Arguments = arguments,
            Environment = element.TryGetProperty("env", out JsonElement environment) ? [.. environment.EnumerateObject().Select(variable => KeyValuePair.Create(variable.Name, variable.Value.GetString()!))] : [],
            Input = element.TryGetProperty("stdin", out JsonElement input) ? File.ReadAllBytes(Path.Combine(folder, input.GetString()!)) : [],
            ExitCode = element.GetProperty("exit_code").GetUInt32(),
            Output = ReadExpected(folder, element, "stdout"),
            Error = ReadExpected(folder, element, "stderr"),
            OutputPattern = element.TryGetProperty("stdout_pattern", out JsonElement pattern) ? pattern.GetString() : null,
            Directories = element.TryGetProperty("dirs", out JsonElement directories) ? [.. directories.EnumerateObject().Select(directory => (directory.Name, Path.Combine(folder, directory.Value.GetString()!)))] : [],
            FilesAfter = ReadFilesAfter(folder, element),
            Storage = storage,
            Skip = skip,
        };
    }

    /// <summary>Runs it and compares.</summary>
    public void Run()
    {
        if (Skip is not null)
        {
            Assert.Skip(Skip);
        }

        Module module;
        try
        {
            module = Module.FromFile(s_engine, WasmPath);
        }
        catch (UnsupportedModuleException exception)
        {
            Assert.Skip($"needs a later feature: {exception.Message}");
            throw new UnreachableException();
        }

        using var output = new MemoryStream();
        using var error = new MemoryStream();
        using var storage = new FileStorage(Storage);
        WasiOptions options = WasiOptions.Default.WithSystemTime() with
        {
            Arguments = Arguments,
            Environment = Environment,
            StandardInput = new MemoryStream(Input),
            StandardOutput = output,
            StandardError = error,
        };
        foreach ((string guestPath, string folder) in Directories)
        {
            options = storage.Mount(options, guestPath, folder);
        }

        using (module)
        using (Store store = s_engine.CreateStore())
        using (new Timer(_ => store.Interrupt(new TimeoutException("the program hangs")), null, s_hangGuard, Timeout.InfiniteTimeSpan))
        {
            Linker linker = new Linker(s_engine).DefineWasi(options);
            linker.DefineFunction("bench", "start", () => { });
            linker.DefineFunction("bench", "end", () => { });
            linker.DefineFunction("env", "clock_ms", () => (uint)Stopwatch.GetElapsedTime(0).TotalMilliseconds);
            uint code;
            try
            {
                if (module.Exports.Any(static export => export.Name == "_start"))
                {
                    code = WasiCommand.Run(linker, store, module);
                }
                else
                {
                    WasiCommand.InitializeReactor(linker.Instantiate(store, module));
                    code = 0;
                }
            }
            catch (TrapException exception)
            {
                throw new InvalidOperationException($"{exception}\nstandard error:\n{Encoding.UTF8.GetString(error.ToArray())}", exception);
            }

            if (code != ExitCode)
            {
                Assert.Fail($"exit code {code} instead of {ExitCode}; standard output:\n{Encoding.UTF8.GetString(output.ToArray())}\nstandard error:\n{Encoding.UTF8.GetString(error.ToArray())}");
            }
        }

        foreach ((string directory, string path, byte[]? contents) in FilesAfter)
        {
            byte[]? actual = storage.Read(directory, path);
            Assert.True(actual is null == contents is null, $"{directory}/{path} is {(actual is null ? "absent" : "there")}");
            Compare(contents, actual ?? [], $"{directory}/{path}");
        }

        Compare(Output, output.ToArray(), "standard output");
        Compare(Error, error.ToArray(), "standard error");
        if (OutputPattern is not null)
        {
            string text = Encoding.UTF8.GetString(output.ToArray());
            Assert.True(new Regex($"\\A(?:{OutputPattern})\\z", RegexOptions.Singleline).IsMatch(text), $"standard output does not match {OutputPattern}:\n{text}");
        }
    }

    private static void Compare(byte[]? expected, byte[] actual, string what)
    {
        if (expected is not null && !expected.AsSpan().SequenceEqual(actual))
        {
            Assert.Equal((what, Encoding.UTF8.GetString(expected)), (what, Encoding.UTF8.GetString(actual)));
        }
    }

    private static List<(string Directory, string Path, byte[]? Contents)> ReadFilesAfter(string folder, JsonElement element)
    {
        var files = new List<(string, string, byte[]?)>();
        if (element.TryGetProperty("files_after", out JsonElement list))
        {
            foreach (JsonElement file in list.EnumerateArray())
            {
                byte[]? contents = file.TryGetProperty("file", out JsonElement expected) ? File.ReadAllBytes(Path.Combine(folder, expected.GetString()!)) : null;
                files.Add((file.GetProperty("dir").GetString()!, file.GetProperty("path").GetString()!, contents));
            }
        }

        return files;
    }

    private static byte[]? ReadExpected(string folder, JsonElement element, string name) =>
        !element.TryGetProperty(name, out JsonElement expected) ? null :
        expected.ValueKind == JsonValueKind.Object ? File.ReadAllBytes(Path.Combine(folder, expected.GetProperty("file").GetString()!)) :
        expected.GetString() == "ignore" ? null : Encoding.UTF8.GetBytes(expected.GetString()!);
}
