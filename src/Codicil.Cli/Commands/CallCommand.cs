using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

using Codicil.Cli.Running;
using Codicil.Format;
using Codicil.Plugins;
using Codicil.Plugins.Http;

namespace Codicil.Cli.Commands;

/// <summary><c>codicil call PLUGIN FUNCTION</c>: a plug-in function with the Extism calling convention.</summary>
internal static class CallCommand
{
    private static readonly Argument<string[]> s_words = new("plugin function")
    {
        Arity = new ArgumentArity(1, 2),
        Description = "The plug-in, a module or a manifest in JSON, and its function; with --manifest the function alone.",
    };

    private static readonly Option<string?> s_input = new("--input") { Description = "The input as text.", HelpName = "TEXT" };
    private static readonly Option<string?> s_inputFile = new("--input-file") { Description = "The input from a file; `-` is standard input.", HelpName = "FILE" };
    private static readonly Option<bool> s_wasi = new("--wasi") { Description = "Let the plug-in import WASI." };
    private static readonly Option<string[]> s_link = new("--link") { Description = "A module that the plug-in imports by name.", HelpName = "NAME=FILE" };
    private static readonly Option<string[]> s_config = new("--config") { Description = "A value that the plug-in reads by key.", HelpName = "K=V" };
    private static readonly Option<string[]> s_variables = new("--set-var") { Description = "A variable of the plug-in.", HelpName = "K=V" };
    private static readonly Option<string?> s_manifest = new("--manifest") { Description = "The manifest in JSON; `-` is standard input.", HelpName = "FILE" };
    private static readonly Option<string?> s_logLevel = new("--log-level") { Description = "Show log messages from this level on: trace, debug, info, warn, error.", HelpName = "L" };
    private static readonly Option<string[]> s_hosts = new("--allow-host") { Description = "A host that the plug-in may reach by HTTP, such as `api.example.com` or `*.example.com`; one more of the manifest's.", HelpName = "GLOB" };
    private static readonly Option<string[]> s_paths = new("--allow-path") { Description = "A directory that the plug-in sees, one more of the manifest's allowed paths; with --wasi.", HelpName = "HOST[::GUEST][:ro]" };
    private static readonly Option<bool> s_headers = new("--http-headers") { Description = "Show the headers of HTTP responses to the plug-in." };

    public static Command Create()
    {
        var options = new GuestOptions(withThreads: false);
        var command = new Command("call", "Call a plug-in function.")
        {
            s_words, s_input, s_inputFile, s_wasi, s_link, s_config, s_variables, s_manifest, s_logLevel, s_hosts, s_paths, s_headers,
        };
        options.AddTo(command);
        command.SetAction(parse =>
        {
            GuestOptions.Values values = options.Read(parse);
            bool hasPaths = parse.GetValue(s_paths) is { Length: > 0 };
            if (!parse.GetValue(s_wasi) && (values.NeedsWasi || hasPaths))
            {
                throw new UsageException("--allow-path, --dir, --env, --inherit-env, --listen and --deterministic are for plug-ins that import WASI: --wasi");
            }

            return Run(parse, values);
        });
        return command;
    }

    private static int Run(ParseResult parse, GuestOptions.Values options)
    {
        string[] words = parse.GetValue(s_words)!;
        RefuseSharedInput([parse.GetValue(s_manifest), parse.GetValue(s_inputFile), .. words.SkipLast(1), .. (parse.GetValue(s_link) ?? []).Select(static link => GuestOptions.ParsePair("--link", link).Value)]);
        var files = new Dictionary<PluginWasm, string>(ReferenceEqualityComparer.Instance);
        PluginManifest manifest = ReadManifest(parse.GetValue(s_manifest), words, files);
        foreach (string link in parse.GetValue(s_link) ?? [])
        {
            (string name, string file) = GuestOptions.ParsePair("--link", link);
            manifest = Add(manifest, file, ModuleInput.ReadModule(file), name, files);
        }

        manifest = manifest with
        {
            Timeout = options.Timeout ?? manifest.Timeout,
            AllowedHosts = [.. manifest.AllowedHosts, .. (parse.GetValue(s_hosts) ?? []).Select(ParseHost)],
            Config = Merge(manifest.Config, parse.GetValue(s_config) ?? []),
            AllowedPaths = Merge(manifest.AllowedPaths, [.. (parse.GetValue(s_paths) ?? []).Select(static text => GuestDirectory.Parse("--allow-path", text)), .. options.Directories]),
        };
        byte[] input = ReadInput(parse.GetValue(s_input), parse.GetValue(s_inputFile));
        PluginLogLevel? level = parse.GetValue(s_logLevel) is string text ? ParseLevel(text) : null;
        using GuestListeners listeners = GuestListeners.Open(options.Listeners);
        var pluginOptions = new PluginOptions
        {
            Wasi = parse.GetValue(s_wasi),
            WasiOptions = GuestWorld.CreateWasiOptions(options with { Directories = [] }, listeners),
            Engine = options.ToEngineOptions(),
            Interruptible = manifest.Timeout > TimeSpan.Zero,
            Limits = options.ToLimits(),
            LogLevel = level,

            // A message stays in its line, so that no guest can write lines in the tool's name.
            LogSink = static (level, message) => Messages.Note($"{level.ToString().ToLowerInvariant()}: {message.Replace("\n", "\\u{a}", StringComparison.Ordinal)}"),
            HttpResponseHeaders = parse.GetValue(s_headers),
            HostFunctions = options.Bench ? BenchImports.ForPlugins() : [],
        };

        var times = new PhaseTimes();
        using PosixSignalRegistration signal = InterruptSignal.Register();
        using CompiledPlugin compiled = options.Time
            ? ModuleLoader.Measure(() => Compile(manifest, pluginOptions, files), ReadModules(manifest), times)
            : Compile(manifest, pluginOptions, files);

        // The plug-in ends what it can; this one also ends what cannot be interrupted.
        using GuestDeadline? deadline = options.Timeout is TimeSpan timeout ? new GuestDeadline(timeout) : null;
        long begin = Stopwatch.GetTimestamp();
        using Plugin plugin = compiled.CreateInstance();
        times.Instantiate = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        foreach (string variable in parse.GetValue(s_variables) ?? [])
        {
            (string name, string value) = GuestOptions.ParsePair("--set-var", variable);
            plugin.Variables.Set(name, Encoding.UTF8.GetBytes(value));
        }

        return Call(plugin, words[^1], input, options, times, deadline);
    }

    private static int Call(Plugin plugin, string function, byte[] input, GuestOptions.Values options, PhaseTimes times, GuestDeadline? deadline)
    {
        using Stream output = Console.OpenStandardOutput();
        uint exitCode = 0;
        try
        {
            for (int i = 0; i < options.Repeat && exitCode == 0; i++)
            {
                // The time is for everything, not for each call.
                if (deadline is not null)
                {
                    plugin.Timeout = deadline.Remaining;
                }

                long begin = Stopwatch.GetTimestamp();
                try
                {
                    PluginOutput result = plugin.Call(function, input);
                    times.AddCall(begin);
                    exitCode = result.ExitCode;
                    output.Write(result.Data);
                    if (!Console.IsOutputRedirected && !result.Data.IsEmpty && result.Data[^1] != (byte)'\n')
                    {
                        output.WriteByte((byte)'\n');
                    }
                }
                catch (WasmException exception)
                {
                    times.AddCall(begin);

                    // An error text does not take back the output that came with it.
                    if (exception is PluginException failure)
                    {
                        output.Write(failure.Output.Span);
                    }

                    throw;
                }
            }
        }
        finally
        {
            if (options.Time)
            {
                times.Print();
            }
        }

        return (int)(exitCode & 0xff);
    }

    private static PluginManifest ReadManifest(string? manifestFile, string[] words, Dictionary<PluginWasm, string> files)
    {
        if (manifestFile is not null)
        {
            PluginManifest manifest = PluginManifest.FromJson(ModuleInput.ReadAll(manifestFile));
            return words.Length == 1 ? manifest : Add(manifest, words[0], ModuleInput.ReadModule(words[0]), "main", files);
        }

        if (words.Length != 2)
        {
            throw new UsageException("a plug-in and a function are needed: codicil call PLUGIN FUNCTION");
        }

        byte[] bytes = ModuleInput.ReadModule(words[0]);
        if (ModuleInput.IsManifest(bytes))
        {
            return PluginManifest.FromJson(bytes);
        }

        PluginManifest single = PluginManifest.FromWasm(bytes);
        files[single.Wasm[0]] = words[0];
        return single;
    }

    private static PluginManifest Add(PluginManifest manifest, string file, byte[] bytes, string name, Dictionary<PluginWasm, string> files)
    {
        PluginWasm wasm = PluginWasm.FromBytes(bytes, name);
        files[wasm] = file;
        return manifest with { Wasm = [.. manifest.Wasm, wasm] };
    }

    // A plug-in may be made of several modules. When one is bad, the message says which.
    private static CompiledPlugin Compile(PluginManifest manifest, PluginOptions options, Dictionary<PluginWasm, string> files)
    {
        try
        {
            return CompiledPlugin.Create(manifest, options);
        }
        catch (WasmException exception) when (exception is MalformedModuleException or InvalidModuleException or UnsupportedModuleException)
        {
            foreach (PluginWasm wasm in manifest.Wasm)
            {
                if (files.GetValueOrDefault(wasm) is string file)
                {
                    Try(file, ((PluginWasmBytes)wasm).Data.ToArray());
                }
                else if (wasm is PluginWasmFile onDisk)
                {
                    Try(onDisk.Path, ModuleInput.ReadModule(onDisk.Path));
                }
            }

            throw;
        }

        void Try(string file, byte[] bytes) => Failures.About(file, () =>
        {
            using Engine engine = Engine.Create(options.Engine);
            using var module = Module.FromBytesOrText(engine, bytes);
            return true;
        });
    }

    // What cannot be read here is reported where the plug-in is made of it.
    private static List<byte[]> ReadModules(PluginManifest manifest)
    {
        List<byte[]> modules = [];
        foreach (PluginWasm wasm in manifest.Wasm)
        {
            switch (wasm)
            {
                case PluginWasmBytes bytes:
                    modules.Add(bytes.Data.ToArray());
                    break;
                case PluginWasmFile file when File.Exists(file.Path):
                    modules.Add(File.ReadAllBytes(file.Path));
                    break;
            }
        }

        return modules;
    }

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> values, string[] pairs)
    {
        var merged = new Dictionary<string, string>(values, StringComparer.Ordinal);
        foreach (string pair in pairs)
        {
            (string key, string value) = GuestOptions.ParsePair("--config", pair);
            merged[key] = value;
        }

        return merged;
    }

    // The manifest's form: what may only be read has a prefix. --dir is the same thing here: a manifest's paths leave no room for others.
    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> paths, IReadOnlyList<GuestDirectory> directories)
    {
        var merged = new Dictionary<string, string>(paths, StringComparer.Ordinal);
        foreach (GuestDirectory directory in directories)
        {
            merged[(directory.IsReadOnly ? "ro:" : "") + directory.Host] = directory.Guest;
        }

        return merged;
    }

    private static byte[] ReadInput(string? text, string? file) => (text, file) switch
    {
        (not null, not null) => throw new UsageException("--input and --input-file exclude each other"),
        (not null, _) => Encoding.UTF8.GetBytes(text),
        (_, not null) => ModuleInput.ReadAll(file),
        _ => [],
    };

    private static string ParseHost(string text)
    {
        try
        {
            return HostPattern.Parse(text).Text;
        }
        catch (FormatException exception)
        {
            throw new UsageException($"--allow-host: {exception.Message}");
        }
    }

    private static void RefuseSharedInput(string?[] files)
    {
        if (files.Count(static file => file == "-") > 1)
        {
            throw new UsageException("standard input can be one thing only: the plug-in, a linked module, the manifest or the input");
        }
    }

    private static PluginLogLevel ParseLevel(string text) => text switch
    {
        "trace" => PluginLogLevel.Trace,
        "debug" => PluginLogLevel.Debug,
        "info" => PluginLogLevel.Info,
        "warn" => PluginLogLevel.Warn,
        "error" => PluginLogLevel.Error,
        "off" => PluginLogLevel.Off,
        _ => throw new UsageException($"--log-level: `{text}` is no level; there are trace, debug, info, warn, error and off"),
    };
}
