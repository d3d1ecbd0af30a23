using System.Text;

using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>The plug-ins of the Extism SDKs' own tests give what those tests expect.</summary>
[Trait("Parity", "EXT-30")]
public sealed class ExtismFixtureTests
{
    private static readonly PluginOptions s_wasi = new() { Wasi = true };

    private static PluginManifest Manifest(string path, params (string Key, string Value)[] config) =>
        PluginManifest.FromWasmFile(path) with { Config = config.ToDictionary(static pair => pair.Key, static pair => pair.Value) };

    private static Plugin Go(string file, PluginOptions? options = null, params (string Key, string Value)[] config) => Plugin.Create(Manifest(Fixtures.Go(file), config), options ?? s_wasi);

    private static Plugin DotNet(string file, PluginOptions? options = null) => Plugin.Create(Manifest(Fixtures.DotNet(file)), options ?? s_wasi);

    [Fact]
    public void Alloc()
    {
        using Plugin plugin = Go("alloc.wasm", PluginOptions.Default);
        Assert.True(plugin.FunctionExists("run_test"));
        Assert.False(plugin.FunctionExists("i_dont_exist"));
        Assert.Equal(0u, plugin.Call("run_test").ExitCode);
        Assert.Contains("unknown function: i_dont_exist", Assert.Throws<PluginException>(() => { plugin.Call("i_dont_exist"); }).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "EXT-03")]
    public void Alloc_with_a_wrong_hash()
    {
        var manifest = new PluginManifest { Wasm = [PluginWasm.FromFile(Fixtures.Go("alloc.wasm"), "main", "------")] };
        Assert.Equal(PluginFailure.HashMismatch, Assert.Throws<PluginException>(() => Plugin.Create(manifest)).Failure);
    }

    [Theory]
    [InlineData("hello", "{\"config\": \"hello\"}")]
    [InlineData(null, "{\"config\": \"<unset by host>\"}")]
    [Trait("Parity", "EXT-16")]
    public void Config(string? thing, string expected)
    {
        using Plugin plugin = thing is null ? Go("config.wasm") : Go("config.wasm", null, ("thing", thing));
        Assert.Equal(expected, plugin.Call("run_test", ""));
    }

    [Theory]
    [InlineData("hello world", 3)]
    [InlineData("aaaaaa", 6)]
    [InlineData("", 0)]
    [InlineData("bbbbbbb", 0)]
    public void Count_vowels(string input, int count)
    {
        using Plugin plugin = Go("count_vowels.wasm", PluginOptions.Default);
        Assert.Equal($$"""{"count":{{count}},"total":{{count}},"vowels":"aeiouAEIOU"}""", plugin.Call("count_vowels", input));
    }

    [Fact]
    [Trait("Parity", "EXT-17")]
    public void Count_vowels_keeps_its_total()
    {
        using Plugin plugin = Go("count_vowels.wasm", PluginOptions.Default);
        Assert.Equal("""{"count":3,"total":3,"vowels":"aeiouAEIOU"}""", plugin.Call("count_vowels", "aaa"));
        Assert.Equal("""{"count":1,"total":4,"vowels":"aeiouAEIOU"}""", plugin.Call("count_vowels", "bbba"));
    }

    [Fact]
    [Trait("Parity", "EXT-16")]
    public void Count_vowels_with_a_configuration()
    {
        using Plugin plugin = Go("count_vowels.wasm", PluginOptions.Default, ("vowels", "aeiouyAEIOUY"));
        Assert.Equal("""{"count":4,"total":4,"vowels":"aeiouyAEIOUY"}""", plugin.Call("count_vowels", "Yellow, World!"));
    }

    [Fact]
    [Trait("Parity", "EXT-05")]
    public void Count_vowels_in_300_instances_at_once()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(PluginManifest.FromWasmFile(Fixtures.Go("count_vowels.wasm")));
        Parallel.For(0, 300, _ =>
        {
            Plugin plugin = compiled.CreateInstance();
            for (int call = 1; call <= 3; call++)
            {
                Assert.Equal($$"""{"count":3,"total":{{call * 3}},"vowels":"aeiouAEIOU"}""", plugin.Call("count_vowels", "aaa"));
            }
        });
    }

    [Fact]
    public void Count_vowels_in_standard_Go()
    {
        using Plugin plugin = Go("count_vowels_std.wasm");
        plugin.Variables.Set("a", "this is var a"u8);
        Assert.Equal("""{"count": 3, "config": "<unset by host>", "a": "this is var a"}""", plugin.Call("_start", "hello world"));
    }

    [Theory]
    [InlineData("-1", 0xFFFF_FFFFu)]
    [InlineData("500", 500u)]
    [InlineData("abc", 1u)]
    [InlineData(null, 2u)]
    [Trait("Parity", "EXT-10")]
    [Trait("Security", "WO-04")]
    public void Exit(string? code, uint expected)
    {
        using Plugin plugin = code is null ? Go("exit.wasm") : Go("exit.wasm", null, ("code", code));
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("_start"); });
        Assert.Equal((PluginFailure.Exit, expected, expected), (exception.Failure, exception.ExitCode, plugin.LastExitCode));
        Assert.Contains($"module closed with exit_code({expected})", exception.Message, StringComparison.Ordinal);
        PluginException closed = Assert.Throws<PluginException>(() => { plugin.Call("_start"); });
        Assert.Equal(PluginFailure.Closed, closed.Failure);
        Assert.Contains($"module is closed: module closed with exit_code({expected})", closed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fail()
    {
        using Plugin plugin = Go("fail.wasm", PluginOptions.Default);
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("run_test"); });
        Assert.Equal((1u, "Some error message"), (exception.ExitCode, exception.Message));
    }

    [Fact]
    public void Hello()
    {
        using Plugin plugin = Go("hello.wasm", PluginOptions.Default);
        Assert.Equal("Hello, world!", plugin.Call("run_test", ""));
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Host()
    {
        using Plugin plugin = Go("host.wasm", s_wasi with { HostFunctions = [HostFunction.Create<long, long, long>("mult", static (_, a, b) => a * b)] });
        Assert.Equal("42 x 2 = 84", plugin.Call("run_test", ""));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Parity", "EXT-14")]
    public void Host_memory(bool go)
    {
        PluginOptions options = s_wasi with
        {
            HostFunctions =
            [
                HostFunction.Create<long, long>(
                    "to_upper",
                    static (current, handle) =>
                    {
                        string text = current.ReadString(handle);
                        current.Free(handle);
                        return current.WriteString(text.ToUpperInvariant());
                    },
                    "host"),
            ],
        };
        using Plugin plugin = go ? Go("host_memory.wasm", options) : DotNet("host_memory.wasm", options);
        Assert.Equal("HELLO FRODO!", plugin.Call("run_test", "Frodo"));
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Host_multiple()
    {
        static HostFunction Prefix(string name, string prefix) =>
            HostFunction.Create<long, long>(name, (current, handle) => current.WriteString(prefix + current.ReadString(handle)));
        using Plugin plugin = Go("host_multiple.wasm", s_wasi with { HostFunctions = [Prefix("hostGreenMessage", "🟢:"), Prefix("hostPurpleMessage", "🟣:")] });
        Assert.Equal("🟢:🫱 Hey from say_green John Doe", plugin.Call("say_green", "John Doe"));
        Assert.Equal("🟣:👋 Hello from say_purple Jane Doe", plugin.Call("say_purple", "Jane Doe"));
    }

    [Fact]
    [Trait("Parity", "EXT-29")]
    public void Input_offset()
    {
        using Plugin plugin = Go("input_offset.wasm", PluginOptions.Default);
        Assert.Equal(BitConverter.GetBytes(11UL), plugin.Call("input_offset_length", "hello world"u8).ToArray());
    }

    [Fact]
    [Trait("Parity", "EXT-23")]
    public void Lib_and_main()
    {
        var manifest = new PluginManifest { Wasm = [PluginWasm.FromFile(Fixtures.Go("lib.wasm"), "lib"), PluginWasm.FromFile(Fixtures.Go("main.wasm"), "main")] };
        using CompiledPlugin compiled = CompiledPlugin.Create(manifest, s_wasi);
        for (int i = 0; i < 3; i++)
        {
            using Plugin plugin = compiled.CreateInstance();
            Assert.False(plugin.FunctionExists("capitalize"));
            for (int call = 0; call < 3; call++)
            {
                Assert.Equal("Hello, BENJAMIN", plugin.Call("run_test", "benjamin"));
            }
        }
    }

    [Fact]
    [Trait("Parity", "EXT-20")]
    public void Log()
    {
        var log = new List<(PluginLogLevel Level, string Message)>();
        using Plugin plugin = Go("log.wasm", s_wasi with { LogSink = (level, message) => log.Add((level, message)) });
        (PluginLogLevel Level, string Message)[] all =
        [
            (PluginLogLevel.Trace, "this is a trace log"), (PluginLogLevel.Debug, "this is a debug log"), (PluginLogLevel.Info, "this is an info log"),
            (PluginLogLevel.Warn, "this is a warning log"), (PluginLogLevel.Error, "this is an error log"),
        ];
        foreach (PluginLogLevel level in (PluginLogLevel[])[PluginLogLevel.Off, PluginLogLevel.Warn, PluginLogLevel.Trace, PluginLogLevel.Warn])
        {
            log.Clear();
            plugin.LogLevel = level;
            plugin.Call("run_test");
            Assert.Equal(all.Where(line => line.Level >= level), log.Where(static line => line.Message.StartsWith("this is", StringComparison.Ordinal)));
        }
    }

    [Fact]
    [Trait("Parity", "EXT-25")]
    public void Nested_instrumented_program()
    {
        using Plugin plugin = Go("nested.c.instr.wasm");
        Assert.Equal(0u, plugin.Call("_start").ExitCode);
    }

    [Fact]
    public void Noop()
    {
        using Plugin plugin = Go("noop.wasm");
        for (int i = 0; i < 1_000; i++)
        {
            Assert.Equal(0u, plugin.Call("run_test").ExitCode);
        }

        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                plugin.Call("run_test");
            }
        }));
    }

    [Fact]
    [Trait("Parity", "EXT-22")]
    public void Println()
    {
        using var output = new MemoryStream();
        using Plugin plugin = Go("println.wasm", s_wasi with { WasiOptions = PluginOptions.Default.WasiOptions with { StandardOutput = output } });
        plugin.Call("run_test", "some input");
        Assert.Equal("this was printed from the plugin some input\n", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public void Replace()
    {
        using Plugin plugin = Go("replace.wasm");
        Assert.Equal("a wasm b wasm c", plugin.Call("run_test", "a test b test c"));
        string text = string.Concat(Enumerable.Repeat("some test text ", 2_000));
        Assert.Equal(text.Replace("test", "wasm", StringComparison.Ordinal), plugin.Call("run_test", text));
    }

    [Fact]
    [Trait("Parity", "EXT-09")]
    public void Sleep()
    {
        using (Plugin plugin = Go("sleep.wasm", null, ("duration", "0")))
        {
            Assert.Equal("slept for 0 seconds", plugin.Call("run_test", ""));
        }

        PluginManifest manifest = PluginManifest.FromJson($$"""
            { "wasm": [{ "path": {{System.Text.Json.JsonSerializer.Serialize(Fixtures.Go("sleep.wasm"))}} }], "config": { "duration": "3600" }, "timeout_ms": 600000, "memory": { "max_pages": 100 } }
            """);
        using (Plugin plugin = Plugin.Create(manifest, s_wasi))
        {
            Assert.Equal(TimeSpan.FromMinutes(10), plugin.Timeout);
            plugin.Timeout = TimeSpan.FromMilliseconds(100);
            Assert.Contains("module closed with context deadline exceeded", Assert.Throws<WasmTimeoutException>(() => { plugin.Call("run_test"); }).Message, StringComparison.Ordinal);
            Assert.Equal(0xEFFF_FFFFu, plugin.LastExitCode);
        }

        using (Plugin plugin = Go("sleep.wasm", null, ("duration", "3600")))
        {
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            Assert.Contains(
                "module closed with context canceled",
                Assert.Throws<WasmCanceledException>(() => { plugin.Call("run_test", default(ReadOnlySpan<byte>), source.Token); }).Message,
                StringComparison.Ordinal);
            Assert.Equal(0xFFFF_FFFFu, plugin.LastExitCode);
        }
    }

    [Fact]
    [Trait("Parity", "EXT-10")]
    public void Standard_Go_command()
    {
        using Plugin plugin = Go("std_command.wasm");
        PluginOutput output = plugin.Call("_start", "ben"u8);
        Assert.Equal(0u, output.ExitCode);
        Assert.Equal("hello ben", output.ToString());
    }

    [Fact]
    public void Throw()
    {
        using Plugin plugin = Go("throw.wasm");
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("run_test"); });
        Assert.Equal((1u, "my custom error"), (exception.ExitCode, exception.Message));
    }

    [Fact]
    [Trait("Parity", "EXT-17")]
    public void Var()
    {
        using (Plugin plugin = Go("var.wasm"))
        {
            plugin.Variables.Set("a", BitConverter.GetBytes(10));
            plugin.Call("run_test");
            Assert.Equal(20, BitConverter.ToInt32(plugin.Variables.Get("a")!.Value.Span));
            plugin.Call("run_test");
            Assert.Equal(40, BitConverter.ToInt32(plugin.Variables.Get("a")!.Value.Span));
        }

        PluginManifest manifest = PluginManifest.FromWasmFile(Fixtures.Go("var.wasm")) with { Memory = new PluginMemoryLimits { MaxVarBytes = 0 } };
        using Plugin disabled = Plugin.Create(manifest, s_wasi);
        Assert.Contains("Vars are disabled by this host", Assert.Throws<PluginException>(() => { disabled.Call("run_test"); }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Code_functions()
    {
        using Plugin plugin = DotNet("code-functions.wasm", s_wasi with
        {
            HostFunctions = [HostFunction.Create<long, long>("hello_world", static (current, handle) => current.WriteBytes(current.GetSpan(handle)))],
        });
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal("""{"count": 3}""", plugin.Call("count_vowels", "Hello World"));
        }

        string text = string.Concat(Enumerable.Repeat("aeiouAEIOU____________________________________&smtms_y?", 1182));
        Assert.Equal("""{"count": 11820}""", plugin.Call("count_vowels", text));
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Code_functions_with_a_host_error()
    {
        var error = new InvalidOperationException("TEST");
        using Plugin plugin = DotNet("code-functions.wasm", s_wasi with { HostFunctions = [HostFunction.Create<long, long>("hello_world", (_, _) => throw error)] });
        Assert.Same(error, Assert.Throws<InvalidOperationException>(() => { plugin.Call("count_vowels", "Hello World"u8); }));
    }

    [Fact]
    public void Code()
    {
        using Plugin plugin = DotNet("code.wasm", PluginOptions.Default);
        Assert.Contains("\"count\":3", plugin.Call("count_vowels", "Hello World"), StringComparison.Ordinal);
        Assert.True(plugin.FunctionExists("count_vowels"));
        Assert.False(plugin.FunctionExists("i_dont_exist"));
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Floats()
    {
        using Plugin plugin = DotNet("float.wasm", s_wasi with
        {
            HostFunctions = [HostFunction.Create("getf32", static _ => 100.5f, "example"), HostFunction.Create("getf64", static _ => 100.5, "example")],
        });
        Assert.Equal(101.5, BitConverter.ToDouble(plugin.Call("addf64").Data));
        Assert.Equal(101.5f, BitConverter.ToSingle(plugin.Call("addf32").Data));
    }

    [Fact]
    public void Globals()
    {
        using Plugin plugin = DotNet("globals.wasm");
        for (int i = 0; i < 1_000; i++)
        {
            Assert.Equal($$"""{"count": {{i}}}""", plugin.Call("globals", ""));
        }
    }

    [Fact]
    public void Log_of_the_dotnet_SDK()
    {
        var log = new List<string>();
        using Plugin plugin = DotNet("log.wasm", s_wasi with { LogLevel = PluginLogLevel.Error, LogSink = (_, message) => log.Add(message) });
        plugin.Call("run_test");
        Assert.Equal(["this is an erorr log"], log);
    }

    [Fact]
    [Trait("Parity", "EXT-09")]
    public void Loop()
    {
        using Plugin plugin = DotNet("loop.wasm", PluginOptions.Default);
        plugin.Timeout = TimeSpan.FromMilliseconds(100);
        Assert.Throws<WasmTimeoutException>(() => { plugin.Call("loop_forever"); });
    }

    [Theory]
    [InlineData("fs.wasm", "run_test", false)]
    [InlineData("fs_std.wasm", "run_test", false)]
    [InlineData("fs.wasm", "_start", true)]
    [Trait("Parity", "EXT-21")]
    public void Files(string file, string function, bool isDotNet) => WithDirectory(folder =>
    {
        string path = isDotNet ? Fixtures.DotNet(file) : Fixtures.Go(file);
        using Plugin plugin = Plugin.Create(Manifest(path) with { AllowedPaths = new Dictionary<string, string> { [folder] = "/mnt" } }, s_wasi);
        Assert.Equal("hello world!", plugin.Call(function, ""));
    });

    [Theory]
    [InlineData("ro:")]
    [InlineData("")]
    [Trait("Parity", "EXT-21")]
    public void Files_that_may_only_be_read(string prefix) => WithDirectory(folder =>
    {
        PluginManifest manifest = Manifest(Fixtures.Go("read_write.wasm"), ("path", "/mnt/test.txt")) with
        {
            AllowedPaths = new Dictionary<string, string> { [prefix + folder] = "/mnt" },
        };
        using Plugin plugin = Plugin.Create(manifest, s_wasi);
        Assert.Equal("hello world!", plugin.Call("try_read", ""));
        if (prefix.Length != 0)
        {
            Assert.Contains("Failed to write file", Assert.Throws<PluginException>(() => { plugin.Call("try_write", "hello hello!"); }).Message, StringComparison.Ordinal);
        }
        else
        {
            // It writes what it has read, and what it was given.
            Assert.Equal("hello world!hello hello!", plugin.Call("try_write", "hello hello!"));
        }

        Assert.Equal(prefix.Length != 0 ? "hello world!" : "hello world!hello hello!", File.ReadAllText(Path.Combine(folder, "test.txt")));
    });

    private static void WithDirectory(Action<string> test)
    {
        string folder = Directory.CreateTempSubdirectory("codicil-plugins-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "test.txt"), "hello world!");
            test(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact(Skip = "debt: embedding: fuel is not built yet")]
    public void Loop_runs_out_of_fuel()
    {
    }

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void Hello_haskell()
    {
        var log = new List<string>();
        using Plugin plugin = Go("hello_haskell.wasm", s_wasi with { LogLevel = PluginLogLevel.Trace, LogSink = (_, message) => log.Add(message) }, ("greeting", "Howdy"));
        Assert.Equal("Howdy, John", plugin.Call("testing", "John"));
        Assert.Contains("Initialized Haskell language runtime.", log);
    }
}
