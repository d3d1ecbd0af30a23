using System.Globalization;
using System.Text;

using Codicil.Plugins.Tests.Http;

using Microsoft.AspNetCore.Http;

namespace Codicil.Plugins.Tests;

/// <summary>The guests of samples/guests: their built modules do what their sources say.</summary>
public sealed class GuestTests
{
    private const long MaxModuleBytes = 100 * 1024;

    private static readonly string s_folder = Path.Combine(Fixtures.Root, "samples", "guests");

    [Fact]
    public void Every_module_is_small_and_says_nothing_of_the_machine_that_built_it()
    {
        string[] modules = Directory.GetFiles(s_folder, "*.wasm", SearchOption.AllDirectories);
        Assert.Equal(5, modules.Length);
        Assert.All(modules, static path =>
        {
            byte[] bytes = File.ReadAllBytes(path);
            Assert.InRange(bytes.Length, 1, MaxModuleBytes);
            Assert.Equal(-1, bytes.AsSpan().IndexOf("/home/"u8));
            Assert.Equal(-1, bytes.AsSpan().IndexOf("/tmp/"u8));
        });
    }

    [Fact]
    public void C_counts_words_and_keeps_the_total_in_a_variable()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Manifest("c/word_stats.wasm"));
        using Plugin plugin = compiled.CreateInstance();
        Assert.Equal(
            """{"words":5,"distinct":4,"total":5,"top":[{"word":"the","count":2},{"word":"and","count":1},{"word":"cat","count":1}]}""",
            plugin.Call("word_stats", "The cat and the hat."));
        Assert.Equal("""{"words":0,"distinct":0,"total":5,"top":[]}""", plugin.Call("word_stats", ""));
        Assert.Equal("""{"words":2,"distinct":1,"total":7,"top":[{"word":"über","count":2}]}""", plugin.Call("word_stats", "über, über!"));
        Assert.Equal(7, BitConverter.ToInt64(plugin.Variables.Get("total")!.Value.Span));

        using Plugin other = compiled.CreateInstance();
        Assert.StartsWith("""{"words":1,"distinct":1,"total":1,""", other.Call("word_stats", "one"), StringComparison.Ordinal);

        plugin.Call("forget");
        Assert.Null(plugin.Variables.Get("total"));
        Assert.StartsWith("""{"words":1,"distinct":1,"total":1,""", plugin.Call("word_stats", "one"), StringComparison.Ordinal);
    }

    [Fact]
    public void C_obeys_its_configuration_and_refuses_what_is_no_number()
    {
        PluginManifest manifest = Manifest("c/word_stats.wasm") with { Config = new Dictionary<string, string> { ["top"] = "1", ["min_length"] = "3" } };
        using Plugin plugin = Plugin.Create(manifest);
        Assert.Equal("""{"words":3,"distinct":2,"total":3,"top":[{"word":"bbb","count":2}]}""", plugin.Call("word_stats", "a bbb a bbb a cccc"));
        plugin.Config["top"] = "0";
        Assert.Equal("""{"words":1,"distinct":1,"total":4,"top":[]}""", plugin.Call("word_stats", "bbb"));
        foreach (string bad in (string[])["", "x", "-1", "1234567"])
        {
            plugin.Config["top"] = bad;
            PluginException exception = Assert.Throws<PluginException>(() => plugin.Call("word_stats", "bbb"));
            Assert.Equal((PluginFailure.GuestError, "the configuration 'top' is no number", 1u), (exception.Failure, exception.GuestError!, exception.ExitCode));
        }
    }

    [Fact]
    public void C_grows_its_memory_for_a_long_text_and_is_told_when_it_may_not()
    {
        var text = new StringBuilder();
        for (int i = 0; i < 50_000; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"word{i % 30_000} ");
        }

        using Plugin plugin = Plugin.Create(Manifest("c/word_stats.wasm"));
        string expected = """{"words":50000,"distinct":30000,"total":50000,"top":[{"word":"word0","count":2},{"word":"word1","count":2},{"word":"word10","count":2}]}""";
        Assert.Equal(expected, plugin.Call("word_stats", text.ToString()));

        using Plugin small = Plugin.Create(Manifest("c/word_stats.wasm") with { Memory = new PluginMemoryLimits { MaxPages = 16 } });
        PluginException exception = Assert.Throws<PluginException>(() => small.Call("word_stats", text.ToString()));
        Assert.Equal("the text does not fit into memory", exception.GuestError);
        Assert.StartsWith("""{"words":1,""", small.Call("word_stats", "one"), StringComparison.Ordinal);
    }

    [Fact]
    public void C_with_a_library_writes_a_file_of_an_allowed_directory_and_reads_the_clock()
    {
        string folder = Directory.CreateTempSubdirectory("codicil-guests-").FullName;
        try
        {
            PluginManifest manifest = Manifest("c/journal.wasm") with { AllowedPaths = new Dictionary<string, string> { [folder] = "/journal" } };
            long before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            using (Plugin plugin = Plugin.Create(manifest, new PluginOptions { Wasi = true }))
            {
                Assert.Equal("1", plugin.Call("append", "went for\na walk"));
                Assert.Equal("2", plugin.Call("append", ""));
                string[] lines = File.ReadAllLines(Path.Combine(folder, "journal.txt"));
                Assert.Equal("went for a walk", lines[0][(lines[0].IndexOf(' ', StringComparison.Ordinal) + 1)..]);
                long time = long.Parse(lines[0][..lines[0].IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
                Assert.InRange(time, before, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
                Assert.Equal(File.ReadAllText(Path.Combine(folder, "journal.txt")), plugin.Call("read", ""));
            }

            using Plugin reader = Plugin.Create(
                manifest with { AllowedPaths = new Dictionary<string, string> { ["ro:" + folder] = "/journal" } }, new PluginOptions { Wasi = true });
            Assert.EndsWith(" went for a walk", reader.Call("read", "").Split('\n')[0], StringComparison.Ordinal);
            PluginException exception = Assert.Throws<PluginException>(() => reader.Call("append", "more"));
            Assert.StartsWith("the journal cannot be opened: ", exception.GuestError, StringComparison.Ordinal);
            Assert.Equal(2, File.ReadAllLines(Path.Combine(folder, "journal.txt")).Length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void C_with_a_library_needs_wasi()
    {
        LinkException exception = Assert.Throws<LinkException>(() => Plugin.Create(Manifest("c/journal.wasm")).Dispose());
        Assert.Contains("wasi_snapshot_preview1", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rust_hands_each_text_of_a_document_to_a_typed_host_function()
    {
        using Plugin plugin = JsonGuest();
        Assert.Equal("""{"a":["HELLO (en)",1,-2.5e+3,true,null,{}],"b":{"":"Ä\n\"\\😀\u0001 (en)"}}""", plugin.Call("localize", """
             { "a" : [ "hello" , 1, -2.5e+3, true , null, { } ],
               "\u0062": { "": "\u00e4\n\"\\\ud83d\ude00\u0001" } }
            """));
        plugin.Config["language"] = "de";
        Assert.Equal("\"X (de)\"", plugin.Call("localize", "\"x\""));
        Assert.Equal("[]", plugin.Call("localize", " [ ] "));
        Assert.Equal(new string('[', 128) + new string(']', 128), plugin.Call("localize", new string('[', 128) + new string(']', 128)));
    }

    [Theory]
    [InlineData("", "invalid JSON at byte 0: expected a value")]
    [InlineData("[1,]", "invalid JSON at byte 3: expected a value")]
    [InlineData("[1 2]", "invalid JSON at byte 3: expected ',' or the end of the object or array")]
    [InlineData("{1:2}", "invalid JSON at byte 1: expected a name")]
    [InlineData("{\"a\" 2}", "invalid JSON at byte 5: expected ':'")]
    [InlineData("01", "invalid JSON at byte 1: expected the end")]
    [InlineData("-", "invalid JSON at byte 1: expected a digit")]
    [InlineData("\"a", "invalid JSON at byte 2: expected the end of a string")]
    [InlineData("\"\\ud800\"", "invalid JSON at byte 7: half a surrogate pair")]
    [InlineData("\"\\x\"", "invalid JSON at byte 3: unknown escape")]
    [InlineData("\"\\u12g4\"", "invalid JSON at byte 5: expected four hexadecimal digits")]
    public void Rust_says_where_a_document_is_wrong(string text, string error)
    {
        using Plugin plugin = JsonGuest();
        PluginException exception = Assert.Throws<PluginException>(() => plugin.Call("localize", text));
        Assert.Equal((PluginFailure.GuestError, error), (exception.Failure, exception.GuestError!));
        Assert.Equal("1", plugin.Call("localize", "1"));
    }

    [Fact]
    public void Rust_bounds_its_recursion()
    {
        using Plugin plugin = JsonGuest();
        PluginException exception = Assert.Throws<PluginException>(() => plugin.Call("localize", new string('[', 100_000)));
        Assert.Equal("invalid JSON at byte 128: nested too deeply", exception.GuestError);
    }

    [Fact]
    public void Rust_fetches_a_document_over_http_where_it_may()
    {
        using var server = new HttpServer(context =>
        {
            if (context.Request.Path == "/there")
            {
                return context.Response.WriteAsync($$"""{ "accept" : "{{context.Request.Headers.Accept}}" }""");
            }

            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        });
        using Plugin plugin = JsonGuest(
            new PluginOptions { Http = new TestResolver().Add("documents.example").Options },
            static manifest => manifest with { AllowedHosts = ["documents.example"] });
        Assert.Equal("""{"accept":"application/json"}""", plugin.Call("fetch", server.Url("/there", "documents.example")));

        PluginException missing = Assert.Throws<PluginException>(() => plugin.Call("fetch", server.Url("/elsewhere", "documents.example")));
        Assert.Equal((PluginFailure.GuestError, "the server answered 404", 404u), (missing.Failure, missing.GuestError!, missing.ExitCode));

        PluginException denied = Assert.Throws<PluginException>(() => plugin.Call("fetch", server.Url("/there")));
        Assert.Equal(PluginFailure.NotAllowed, denied.Failure);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public void AssemblyScript_plays_life_and_logs_each_generation()
    {
        List<string> log = [];
        using Plugin plugin = Plugin.Create(
            Manifest("assemblyscript/life.wasm"), new PluginOptions { LogLevel = PluginLogLevel.Info, LogSink = (level, message) => log.Add($"{level}: {message}") });
        const string Horizontal = ".....\n.....\n.###.\n.....\n.....\n";
        const string Vertical = ".....\n..#..\n..#..\n..#..\n.....\n";
        Assert.Equal(Vertical, plugin.Call("life", Horizontal));
        Assert.Equal(Horizontal, plugin.Call("life", Vertical.TrimEnd('\n')));
        plugin.Config["generations"] = "2";
        Assert.Equal(Horizontal, plugin.Call("life", Horizontal));
        Assert.Equal(["Info: generation 1: 3 alive", "Info: generation 1: 3 alive", "Info: generation 1: 3 alive", "Info: generation 2: 3 alive"], log);

        plugin.LogLevel = PluginLogLevel.Debug;
        plugin.Config["generations"] = "100";
        log.Clear();
        Assert.Equal("....\n.##.\n.##.\n....\n", plugin.Call("life", "....\n.##.\n.##.\n...."));
        Assert.Equal(["Info: generation 1: 4 alive", "Debug: a still life from generation 0"], log.Where(static line => !line.Contains("Calling", StringComparison.Ordinal)));
    }

    [Fact]
    public void AssemblyScript_collects_its_garbage_over_many_calls()
    {
        // A glider is where it was after four generations for each cell of the torus's side.
        PluginManifest manifest = Manifest("assemblyscript/life.wasm") with
        {
            Config = new Dictionary<string, string> { ["generations"] = "64" },
            Memory = new PluginMemoryLimits { MaxPages = 4 },
        };
        using Plugin plugin = Plugin.Create(manifest, new PluginOptions { LogLevel = PluginLogLevel.Info, LogSink = static (_, _) => { }, MaxLogMessagesPerSecond = 0 });
        string[] lines = [.. Enumerable.Repeat(new string('.', 16), 16)];
        lines[0] = ".#..............";
        lines[1] = "..#.............";
        lines[2] = "###.............";
        string glider = string.Join('\n', lines) + "\n";
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal(glider, plugin.Call("life", glider));
        }
    }

    [Theory]
    [InlineData("", "the lines are not of one length")]
    [InlineData("..\n...", "the lines are not of one length")]
    [InlineData("...\n..\n..", "the lines are not of one length")]
    [InlineData("..\n.x", "expected '.' or '#' in line 2, column 2")]
    public void AssemblyScript_refuses_what_is_no_grid(string text, string error)
    {
        using Plugin plugin = Plugin.Create(Manifest("assemblyscript/life.wasm"));
        Assert.Equal(error, Assert.Throws<PluginException>(() => plugin.Call("life", text)).GuestError);
    }

    [Theory]
    [InlineData("reverse.wasm")]
    [InlineData("reverse.wat")]
    public void Text_reverses_its_input_in_place(string file)
    {
        using Plugin plugin = Plugin.Create(Manifest("wat/" + file));
        for (int length = 0; length < 70; length++)
        {
            byte[] bytes = [.. Enumerable.Range(1, length).Select(static n => (byte)(3 * n))];
            byte[] reversed = [.. bytes.Reverse()];
            Assert.Equal(reversed, plugin.Call("reverse", bytes).ToArray());
            Assert.Equal(bytes, plugin.Call("echo", bytes).ToArray());
        }
    }

    [Fact]
    public void The_module_from_text_is_the_text_built()
    {
        byte[] text = File.ReadAllBytes(Path.Combine(s_folder, "wat", "reverse.wat"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(s_folder, "wat", "reverse.wasm")), Codicil.Format.Text.Wat.Parse(text).ToArray());
    }

    private static PluginManifest Manifest(string module) => PluginManifest.FromWasmFile(Path.Combine(s_folder, module));

    private static Plugin JsonGuest(PluginOptions? options = null, Func<PluginManifest, PluginManifest>? configure = null)
    {
        HostFunction translate = HostFunction.Create(
            "translate", (CurrentPlugin _, string text, string language) => $"{text.ToUpperInvariant()} ({language})");
        PluginManifest manifest = Manifest("rust/json_guest.wasm");
        return Plugin.Create(configure?.Invoke(manifest) ?? manifest, (options ?? PluginOptions.Default) with { HostFunctions = [translate] });
    }
}
