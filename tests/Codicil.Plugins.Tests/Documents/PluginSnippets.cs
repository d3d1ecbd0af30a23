// snippet: usings
using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;

using Codicil;
using Codicil.Format.Types;
using Codicil.Plugins;
using Codicil.Plugins.Http;
using Codicil.Wasi;
// end

using Codicil.Plugins.Tests;
using Codicil.Plugins.Tests.Documents;

// Outside of Codicil, where the reader of the document is: inside it the names above would be known without being asked for.
namespace DocumentSnippets;

// snippet: json-types
public sealed record Article(string Title, string Body);

public sealed record WordStats(int Words, int Distinct, IReadOnlyList<WordCount> Top);

public sealed record WordCount(string Word, int Count);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Article))]
[JsonSerializable(typeof(WordStats))]
public sealed partial class GuestJson : JsonSerializerContext;
// end

/// <summary>The snippets of docs/plugins.md, in their order.</summary>
public sealed class PluginSnippets : IDisposable
{
    private const string Journal = "journal-of-the-document";

    // The modules lie beside the tests, as they lie beside the program of whoever reads the document.
    static PluginSnippets() => Environment.CurrentDirectory = AppContext.BaseDirectory;

    private SnippetConsole Console { get; } = new();

    public void Dispose()
    {
        if (Directory.Exists(Journal))
        {
            Directory.Delete(Journal, recursive: true);
        }
    }

    [Fact]
    public void First_call()
    {
        // snippet: first-call
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("word_stats.wasm"));

        string json = plugin.Call("word_stats", "The cat and the hat.");
        Console.WriteLine(json);
        // => {"words":5,"distinct":4,"total":5,"top":[{"word":"the","count":2},{"word":"and","count":1},{"word":"cat","count":1}]}
        // end
        Console.AssertShown("first-call");
    }

    [Fact]
    public void Input_and_output()
    {
        // snippet: input-and-output
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("reverse.wasm"));

        // Text in, text out, both UTF-8 on the way.
        Console.WriteLine(plugin.Call("reverse", "stressed"));
        // => desserts

        // Bytes in; the output is a span over the plug-in's memory, readable until its next call, and not copied.
        PluginOutput output = plugin.Call("reverse", "stressed"u8);
        Console.WriteLine($"{output.Data.Length} bytes, exit code {output.ExitCode}");
        // => 8 bytes, exit code 0

        // The output goes into your buffer, from which it can go on to a PipeWriter or a response's body.
        var buffer = new ArrayBufferWriter<byte>();
        uint exitCode = plugin.Call("reverse", "stressed"u8, buffer);
        Console.WriteLine($"{buffer.WrittenCount} bytes, exit code {exitCode}");
        // => 8 bytes, exit code 0
        // end
        Console.AssertShown("input-and-output");
    }

    [Fact]
    public void Json_output()
    {
        // snippet: json-output
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("word_stats.wasm"));

        WordStats stats = JsonSerializer.Deserialize(plugin.Call("word_stats", "a b a"u8).Data, GuestJson.Default.WordStats)!;
        Console.WriteLine($"{stats.Top[0].Word}: {stats.Top[0].Count} of {stats.Words}");
        // => a: 2 of 3
        // end
        Console.AssertShown("json-output");
    }

    [Fact]
    public void Configuration()
    {
        // snippet: configuration
        PluginManifest manifest = PluginManifest.FromWasmFile("word_stats.wasm") with
        {
            Config = new Dictionary<string, string> { ["top"] = "1", ["min_length"] = "4" },
        };
        using Plugin plugin = Plugin.Create(manifest);
        Console.WriteLine(plugin.Call("word_stats", "one two three three"));
        // => {"words":2,"distinct":1,"total":2,"top":[{"word":"three","count":2}]}

        // Each instance has its own copy, to be changed between calls.
        plugin.Config["min_length"] = "1";
        Console.WriteLine(plugin.Call("word_stats", "one two three three"));
        // => {"words":4,"distinct":3,"total":6,"top":[{"word":"three","count":2}]}
        // end
        Console.AssertShown("configuration");
    }

    [Fact]
    public void Variables()
    {
        // snippet: variables
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("word_stats.wasm"));
        plugin.Call("word_stats", "one two three");
        plugin.Call("word_stats", "four five");

        ReadOnlyMemory<byte> total = plugin.Variables.Get("total") ?? default;
        Console.WriteLine(BitConverter.ToInt64(total.Span));
        // => 5

        plugin.Variables.Set("total", BitConverter.GetBytes(100L));
        Console.WriteLine(plugin.Call("word_stats", "six"));
        // => {"words":1,"distinct":1,"total":101,"top":[{"word":"six","count":1}]}

        plugin.Reset();
        Console.WriteLine(plugin.Variables.Count);
        // => 0
        // end
        Console.AssertShown("variables");
    }

    [Fact]
    public void Logging()
    {
        // snippet: logging
        var options = new PluginOptions
        {
            LogLevel = PluginLogLevel.Info,
            LogSink = (level, message) => Console.WriteLine($"{level}: {message}"),
        };
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("life.wasm"), options);
        plugin.Config["generations"] = "2";
        plugin.Call("life", ".....\n..#..\n..#..\n..#..\n.....");
        // => Info: generation 1: 3 alive
        // => Info: generation 2: 3 alive
        // end
        Console.AssertShown("logging");
    }

    [Fact]
    public void Host_function()
    {
        // snippet: host-function
        HostFunction translate = HostFunction.Create(
            "translate",
            (CurrentPlugin current, string text, string language) => $"{text.ToUpperInvariant()} ({language})");

        var options = new PluginOptions { HostFunctions = [translate] };
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("json_guest.wasm"), options);
        plugin.Config["language"] = "de";

        Console.WriteLine(plugin.Call("localize", """{ "title": "cats", "pages": 12 }"""));
        // => {"title":"CATS (de)","pages":12}
        // end
        Console.AssertShown("host-function");
    }

    [Fact]
    public void Json_call()
    {
        var options = new PluginOptions
        {
            HostFunctions = [HostFunction.Create("translate", (CurrentPlugin _, string text, string language) => $"{text.ToUpperInvariant()} ({language})")],
        };
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("json_guest.wasm"), options);
        plugin.Config["language"] = "de";

        // snippet: json-call
        Article? translated = plugin.Call("localize", new Article("cats", "purr"), GuestJson.Default.Article, GuestJson.Default.Article);
        Console.WriteLine(translated);
        // => Article { Title = CATS (de), Body = PURR (de) }
        // end
        Console.AssertShown("json-call");
    }

    [Fact]
    public async Task Asynchronous_host_function()
    {
        // snippet: async-host-function
        HostFunction translate = HostFunction.Create(
            "translate",
            async (CurrentPlugin current, string text, string language) =>
            {
                await Task.Delay(10, current.Aborted);
                return $"{text} ({language})";
            });

        var options = new PluginOptions { HostFunctions = [translate] };
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("json_guest.wasm"), options);
        string output = await plugin.CallAsync("localize", "\"cats\"");
        Console.WriteLine(output);
        // => "cats (en)"
        // end
        Console.AssertShown("async-host-function");
    }

    [Fact]
    public void Forms_of_host_functions()
    {
        // snippet: forms-of-host-functions
        // JSON in and out, each a block of the plug-in's memory.
        HostFunction shorten = HostFunction.FromJson(
            "shorten",
            (CurrentPlugin current, Article? article) => article! with { Body = article.Body[..1] },
            GuestJson.Default.Article,
            GuestJson.Default.Article);

        // One block, read where it lies.
        HostFunction checksum = HostFunction.FromSpan("checksum", (CurrentPlugin current, ReadOnlySpan<byte> data) =>
        {
            uint sum = 0;
            foreach (byte value in data)
            {
                sum = (sum * 31) + value;
            }

            return sum;
        });

        // The raw form: slots of 64 bits, parameters and results both from slot 0. A handle of the plug-in's memory is an i64.
        var type = new FunctionType([ValType.I64, ValType.I64], [ValType.I64]);
        var translate = new HostFunction("translate", type, (CurrentPlugin current, Span<ulong> stack) =>
        {
            string text = current.ReadString((long)stack[0]);
            string language = current.ReadString((long)stack[1]);
            stack[0] = (ulong)current.WriteString($"{text} in {language}");
        });
        // end
        using Plugin plugin = Fixtures.FromWat(
            """
            (module
              (import "extism:host/env" "input_offset" (func $input (result i64)))
              (import "extism:host/env" "length" (func $length (param i64) (result i64)))
              (import "extism:host/env" "output_set" (func $output (param i64 i64)))
              (import "extism:host/user" "shorten" (func $shorten (param i64) (result i64)))
              (import "extism:host/user" "checksum" (func $checksum (param i64) (result i32)))
              (import "extism:host/user" "translate" (func $translate (param i64 i64) (result i64)))
              (func (export "shorten") (local $block i64)
                (local.set $block (call $shorten (call $input)))
                (call $output (local.get $block) (call $length (local.get $block))))
              (func (export "translate") (local $block i64)
                (local.set $block (call $translate (call $input) (call $input)))
                (call $output (local.get $block) (call $length (local.get $block))))
              (func (export "checksum") (result i32) (call $checksum (call $input))))
            """,
            new PluginOptions { HostFunctions = [shorten, checksum, translate] });
        Assert.Equal("""{"title":"cats","body":"p"}""", plugin.Call("shorten", """{"title":"cats","body":"purr"}"""));
        Assert.Equal("cats in cats", plugin.Call("translate", "cats"));
        Assert.Equal((31u * 'a') + 'b', plugin.Call("checksum", "ab"u8).ExitCode);
    }

    [Fact]
    public void Host_context()
    {
        // snippet: host-context
        HostFunction translate = HostFunction.Create("translate", (CurrentPlugin current, string text, string language) =>
        {
            var user = (string)current.HostContext!;
            return $"{text}, {user}";
        });

        var options = new PluginOptions { HostFunctions = [translate] };
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("json_guest.wasm"), options);
        plugin.HostContext = "Ada";
        Console.WriteLine(plugin.Call("localize", "\"hello\""));
        // => "hello, Ada"
        // end
        Console.AssertShown("host-context");
    }

    [Fact]
    public void Linking()
    {
        // snippet: linking
        PluginWasm library = PluginWasm.FromBytes(
            """
            (module (func (export "twice") (param i32) (result i32)
              (i32.mul (local.get 0) (i32.const 2))))
            """u8.ToArray(),
            name: "library");
        PluginWasm main = PluginWasm.FromBytes(
            """
            (module
              (import "library" "twice" (func $twice (param i32) (result i32)))
              (func (export "run") (result i32) (call $twice (i32.const 21))))
            """u8.ToArray(),
            name: "main");

        using Plugin plugin = Plugin.Create(new PluginManifest { Wasm = [library, main] });
        Console.WriteLine(plugin.Call("run").ExitCode);
        // => 42
        // end
        Console.AssertShown("linking");
    }

    [Fact]
    public void Limits()
    {
        // snippet: limits
        PluginManifest manifest = PluginManifest.FromWasmFile("word_stats.wasm") with
        {
            Timeout = TimeSpan.FromSeconds(5),                        // each call, with its host functions, HTTP and sleep
            Memory = new PluginMemoryLimits
            {
                MaxPages = 64,                                        // 64 KiB each, for each memory and for what crosses the border
                MaxVarBytes = 64 * 1024,                              // 0: no variables
                MaxHttpResponseBytes = 1024 * 1024,                   // 0: empty bodies only
            },
        };
        var options = new PluginOptions
        {
            MaxOutputBytes = 1024 * 1024,
            MaxLogMessageBytes = 4 * 1024,
            MaxLogMessagesPerSecond = 100,
            Limits = new ResourceLimits { TotalMemoryBytes = 16 * 1024 * 1024 },    // all memories of an instance together, what crosses the border included
            Engine = new EngineOptions { MaxStackBytes = 256 * 1024 },
        };
        using Plugin plugin = Plugin.Create(manifest, options);
        Console.WriteLine(plugin.Call("word_stats", "small enough").Length);
        // => 97
        // end
        Console.AssertShown("limits");
    }

    [Fact]
    public void Deadlines()
    {
        // snippet: deadlines
        PluginWasm endless = PluginWasm.FromBytes("""(module (func (export "run") (loop $for_ever (br $for_ever))))"""u8.ToArray());
        using Plugin plugin = Plugin.Create(new PluginManifest { Wasm = [endless] });
        plugin.Timeout = TimeSpan.FromMilliseconds(100);
        try
        {
            plugin.Call("run");
        }
        catch (WasmTimeoutException exception)
        {
            Console.WriteLine(exception.Message);
            Console.WriteLine(plugin.IsClosed);
        }
        // => module closed with context deadline exceeded
        // => True

        // A call that was cut short leaves half-done work in the guest's memory: the plug-in is closed until it is what it was at first.
        plugin.Reset();
        Console.WriteLine(plugin.IsClosed);
        // => False
        // end
        Console.AssertShown("deadlines");
    }

    [Fact]
    public void Http()
    {
        HostFunction translate = HostFunction.Create("translate", (CurrentPlugin _, string text, string _) => text);

        // snippet: http
        PluginManifest manifest = PluginManifest.FromWasmFile("json_guest.wasm") with { AllowedHosts = ["api.example.com", "*.cdn.example.com"] };
        var options = new PluginOptions
        {
            HostFunctions = [translate],
            Http = new PluginHttpOptions { RequestTimeout = TimeSpan.FromSeconds(10), BlockedAddresses = AddressKinds.NonPublic },
        };
        using Plugin plugin = Plugin.Create(manifest, options);
        try
        {
            plugin.Call("fetch", "https://elsewhere.example.com/data.json");
        }
        catch (PluginException exception) when (exception.Failure == PluginFailure.NotAllowed)
        {
            Console.WriteLine(exception.Message);
        }
        // => HTTP request to 'https://elsewhere.example.com/data.json' is not allowed
        // end
        Console.AssertShown("http");
    }

    [Fact]
    public void Wasi()
    {
        // snippet: wasi
        Directory.CreateDirectory("journal-of-the-document");
        PluginManifest manifest = PluginManifest.FromWasmFile("journal.wasm") with
        {
            AllowedPaths = new Dictionary<string, string> { ["journal-of-the-document"] = "/journal" },
        };
        var options = new PluginOptions
        {
            Wasi = true,
            WasiOptions = WasiOptions.Default,                        // clocks that begin at 2022-01-01; without this line, the system's
        };
        using Plugin plugin = Plugin.Create(manifest, options);
        plugin.Call("append", "went for a walk");
        Console.WriteLine(File.ReadAllText("journal-of-the-document/journal.txt").TrimEnd());
        // => 1640995200 went for a walk
        // end
        Console.AssertShown("wasi");
    }

    [Fact]
    public async Task Compile_once()
    {
        // snippet: compile-once
        using CompiledPlugin compiled = CompiledPlugin.Create(PluginManifest.FromWasmFile("word_stats.wasm"));

        await Parallel.ForAsync(0, 100, (i, cancellationToken) =>
        {
            using Plugin plugin = compiled.CreateInstance(cancellationToken);
            plugin.Call("word_stats", "each instance is alone", cancellationToken);
            return ValueTask.CompletedTask;
        });
        // end
        using Plugin plugin = compiled.CreateInstance();
        Assert.StartsWith("""{"words":1,"distinct":1,"total":1,""", plugin.Call("word_stats", "alone"), StringComparison.Ordinal);
    }

    [Fact]
    public void Compilation_cache()
    {
        // snippet: compilation-cache
        var cache = new CompilationCache();
        var options = new PluginOptions { CompilationCache = cache };
        using Plugin first = Plugin.Create(PluginManifest.FromWasmFile("word_stats.wasm"), options);
        using Plugin second = Plugin.Create(PluginManifest.FromWasmFile("word_stats.wasm"), options);
        Console.WriteLine(cache.Count);
        // => 1
        // end
        Console.AssertShown("compilation-cache");
    }

    [Fact]
    public async Task Pool()
    {
        // snippet: pool
        await using var pool = new PluginPool(
            CompiledPlugin.Create(PluginManifest.FromWasmFile("word_stats.wasm")),
            new PluginPoolOptions { MaxSize = 8, DisposesCompiled = true });
        pool.WarmUp(2);

        using (PluginLease lease = await pool.RentAsync())
        {
            Console.WriteLine(lease.Plugin.Call("word_stats", "a"));
        }
        // => {"words":1,"distinct":1,"total":1,"top":[{"word":"a","count":1}]}

        using (PluginLease lease = await pool.RentAsync())
        {
            Console.WriteLine(lease.Plugin.Call("word_stats", "b"));
        }
        // => {"words":1,"distinct":1,"total":1,"top":[{"word":"b","count":1}]}
        // end
        Console.AssertShown("pool");
    }

    [Fact]
    public void Errors()
    {
        // snippet: errors
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("life.wasm"));
        try
        {
            plugin.Call("life", "..\n.x");
        }
        catch (PluginException exception) when (exception.Failure == PluginFailure.GuestError)
        {
            Console.WriteLine($"{exception.GuestError}; exit code {exception.ExitCode}");
        }
        // => expected '.' or '#' in line 2, column 2; exit code 1
        // end
        Console.AssertShown("errors");
    }

    [Fact]
    public void Manifest_in_json()
    {
        // snippet: manifest-json
        PluginManifest manifest = PluginManifest.FromJson("""
            {
              "wasm": [{ "path": "word_stats.wasm" }],
              "memory": { "max_pages": 64 },
              "config": { "top": "1" },
              "timeout_ms": 5000
            }
            """);
        using Plugin plugin = Plugin.Create(manifest);
        Console.WriteLine(plugin.Call("word_stats", "a b a"));
        // => {"words":3,"distinct":2,"total":3,"top":[{"word":"a","count":2}]}
        // end
        Console.AssertShown("manifest-json");
    }

    [Fact]
    public void Tracing()
    {
        // snippet: tracing
        PluginTracer tracer = PluginTracer.Create(
            trace => Console.WriteLine(string.Join(" ", trace.Events.OfType<PluginSpan>().Select(span => span.Name))),
            new PluginTracerOptions { AllFunctions = true });
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("count_vowels.wasm"), new PluginOptions { Tracer = tracer });
        plugin.Call("count_vowels", "a");
        // => count_vowels
        // end
        Console.AssertShown("tracing");
    }

    [Fact]
    public void Embedding()
    {
        // snippet: embedding
        using Engine engine = Engine.Create();
        using Module module = Module.FromText(engine, """
            (module (func (export "add") (param i32 i32) (result i32)
              (i32.add (local.get 0) (local.get 1))))
            """);
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(module);
        Func<int, int, int> add = instance.GetFunction<Func<int, int, int>>("add")!;
        int sum = add(40, 2);
        // end
        Assert.Equal(42, sum);
    }
}
