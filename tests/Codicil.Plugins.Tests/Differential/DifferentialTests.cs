using System.Globalization;
using System.Text;
using System.Text.Json;

using Codicil.Format;
using Codicil.Format.Text;
using Codicil.Plugins.Tests.Http;
using Codicil.Tests;

namespace Codicil.Plugins.Tests.Differential;

/// <summary>
/// The same plug-ins, inputs and edge calls here and in the Extism runtime's own library give the same output, code and error text. What differs is decided, and listed with its reason. In a child process, since the library brings wasmtime
/// with its handlers of signals.
/// </summary>
public sealed partial class DifferentialTests
{
    private const string Native = "native/extism/linux-x64/libextism.so";

    // Calls that differ, and why. One that does not differ any more fails the test, too.
    private const string ExitCloses = "EXT-10: an instance that has exited is closed, as in the Go SDK; there it is made anew";
    private const string WholeCode = "EXT-10: exit codes are any 32 bits, as in the Go SDK; there one above 255 is no code";
    private const string LowBits = "EXT-07: the code is the low 32 bits of the result, whatever its type, as in the Go SDK";
    private const string TrapIsOne = "EXT-07: a trap is code 1, as in the Go SDK; there it is that of a process that aborts";

    private const string TimeCode = "EXT-09: time and cancellation have codes of their own, as in the Go SDK; there a timeout is that of a process that aborts";
    private const string TimeCloses = "EXT-09: an instance whose call was cut short is closed, as in the Go SDK; there it is made anew";
    private const string Canceled = "EXT-09: a cancellation is one, with a code of its own, as in the Go SDK; there it is a timeout";
    private const string Methods = "EXT-18: any method that is a token but CONNECT and TRACE (HT-05), and GET for none, as in the Go SDK; there those that its client knows";
    private const string Headers = "EXT-19: values of one name are joined, and framing is not shown; there the last one counts";
    private const string Redirected = "HT-02: what describes a body goes with it when it is dropped; there it is sent on";
    private const string Sent = "a redirect that keeps the method sends the body again, as RFC 9110 has it; there it is an error";
    private const string Hops = "HT-02: a redirect that cannot be followed is an error; there it is status 500";
    private const string Checked = "HT-02: each hop is checked like the request; there the first host may lead anywhere";
    private const string Origins = "HT-02: to another origin only headers go along that say nothing about the first one";
    private const string Stars = "HT-03: a star stays within its label, two cross";
    private const string Braces = "HT-03: alternatives, ports, letters of either size and the dot at the end, as docs/http.md has them; there they match nothing";
    private const string BadPatterns = "HT-03: a pattern that is none is refused when the plug-in is made; there it matches nothing";
    private const string Escaped = "HT-04: other characters in URLs are sent as escapes; there they are an error, or sent as they are";
    private const string Json = "EXT-18: of keys the case does not matter, unknown ones are ignored, the last of two counts, as in the Go SDK";

    private static readonly Dictionary<string, string> s_differences = new(StringComparer.Ordinal)
    {
        ["exit 0 1 _start"] = ExitCloses,
        ["exit unset 1 _start"] = ExitCloses,
        ["exit 500 0 _start"] = WholeCode,
        ["code i64 0 f"] = LowBits,
        ["code i64 1 f"] = LowBits,
        ["trap 0 f"] = TrapIsOne,
        ["trap 1 f"] = TrapIsOne,
        ["recursion 0 f"] = TrapIsOne,
        ["recursion 1 f"] = TrapIsOne,
        ["fs.wasm creation"] = "EXT-11: a module with both _start and _initialize is taken, as by the Go SDK",
        ["read_write.wasm read-only 1 try_write"] = "a read-only directory says that it is one (rofs), as POSIX has it; there the right is missing (perm)",
        ["8 bytes beyond the input 0 f"] = "EXT-15: traps, as in the Go SDK's kernel; there it is 0",
        ["HTTP method PURGE 0 request"] = Methods,
        ["HTTP method  0 request"] = Methods,
        ["HTTP method CONNECT 0 request"] = Methods,
        ["HTTP method TRACE 0 request"] = Methods,
        ["HTTP response headers 2 headers"] = Headers,
        ["HTTP gzip 2 headers"] = Headers,
        ["HTTP redirect 301 3 request"] = Redirected,
        ["HTTP redirect 302 3 request"] = Redirected,
        ["HTTP redirect 303 3 request"] = Redirected,
        ["HTTP redirect 307 3 request"] = Sent,
        ["HTTP redirect 308 3 request"] = Sent,
        ["HTTP redirects 12 request"] = Hops,
        ["HTTP redirects 15 request"] = Hops,
        ["HTTP redirects 18 request"] = Checked,
        ["HTTP redirect to another host that is allowed 0 request"] = Origins,
        ["HTTP pattern '127.*' and an address 0 request"] = Stars,
        ["HTTP pattern '127.**' and an address 0 request"] = Stars,
        ["HTTP pattern '*.1' and an address 0 request"] = Stars,
        ["HTTP pattern '127.0.0.{1,2}' and an address 0 request"] = Braces,
        ["HTTP pattern '{127.0.0.1,localhost}' and an address 0 request"] = Braces,
        ["HTTP pattern '127.0.0.1:PORT' and an address 0 request"] = Braces,
        ["HTTP pattern 'LOCALHOST' and a name 0 request"] = Braces,
        ["HTTP pattern 'LOCALHOST' and a name 3 request"] = Braces,
        ["HTTP pattern 'localhost.' and a name 0 request"] = Braces,
        ["HTTP pattern 'localhost.' and a name 3 request"] = Braces,
        ["HTTP pattern '{local,remote}host' and a name 0 request"] = Braces,
        ["HTTP pattern '{local,remote}host' and a name 3 request"] = Braces,
        ["HTTP pattern '127.0.0.1/' and an address creation"] = BadPatterns,
        ["HTTP pattern 'http://127.0.0.1' and an address creation"] = BadPatterns,
        ["HTTP pattern '' and an address creation"] = BadPatterns,
        ["HTTP pattern ' 127.0.0.1' and an address creation"] = BadPatterns,
        ["HTTP pattern '\\localhost' and a name creation"] = BadPatterns,
        ["HTTP URL /a b 0 request"] = Escaped,
        ["HTTP URL /\u00E4?\u00F6 0 request"] = Escaped,
        ["HTTP JSON {\"URL\":\"URL\"} 0 request"] = Json,
        ["HTTP JSON {\"url\":\"URL\",\"more\":1} 0 request"] = Json,
        ["HTTP JSON {\"url\":\"URL\",\"headers\":null} 0 request"] = Json,
        ["HTTP JSON {\"url\":\"URL\",\"url\":\"URL\"} 0 request"] = Json,
        ["timeout 0 f"] = TimeCode,
        ["timeout 1 g"] = TimeCloses,
        ["HTTP timeout of a request 0 request"] = TimeCode,
        ["cancel 0 f"] = Canceled,
        ["cancel 1 g"] = TimeCloses,
        ["HTTP cancel a request 0 request"] = Canceled,
    };

    private static readonly string[] s_inputs = ["", "a", "hello world", "AEIOUaeiou", "\u00E4\u00F6\u00FC \U0001F600 e", "\0\u0001\0", new('e', 70_000)];

    [Fact]
    [Trait("Parity", "EXT-07")]
    [Trait("Parity", "EXT-30")]
    public void Plugins_do_what_they_do_in_the_Extism_runtime()
    {
        string library = Library();
        string differences = ChildProcess.Run(static arguments => Compare(arguments[0]), new() { Arguments = [library, Fixtures.Go("noop.wasm")] }).AssertSucceeded().StandardOutput;
        var found = differences.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split('\t')).ToDictionary(static parts => parts[0], static parts => parts[1], StringComparer.Ordinal);
        string[] unexplained = [.. found.Where(static pair => !s_differences.ContainsKey(pair.Key)).Select(static pair => $"{pair.Key}: {pair.Value}")];
        Assert.True(unexplained.Length == 0, string.Join('\n', unexplained));
        Assert.Equal([], s_differences.Keys.Where(name => !found.ContainsKey(name)));
    }

    [Theory]
    [InlineData("before")]
    [InlineData("between")]
    [InlineData("after")]
    public void Guard_traps_work_beside_the_Extism_runtime(string when)
    {
        string library = Library();
        try
        {
            Engine.Create(new EngineOptions { MemoryProtection = MemoryProtection.Guard }).Dispose();
        }
        catch (PlatformNotSupportedException exception)
        {
            Assert.Skip(exception.Message);
        }

        ChildProcess.Run(
            static arguments =>
            {
                // Its handlers of signals come with the first plug-in.
                const string Text = """(module (memory 1) (func (export "f") (result i32) (i32.load (i32.const 70000))))""";
                ExtismRuntime.Load(arguments[0]);
                ExtismRuntime? theirs = arguments[1] == "before" ? Theirs(Text) : null;
                using Engine engine = Engine.Create(new EngineOptions { MemoryProtection = MemoryProtection.Guard });
                using Store store = engine.CreateStore();
                using Module module = Module.FromText(engine, Text);
                Function function = store.Instantiate(module).GetFunction("f")!;
                if (arguments[1] != "after")
                {
                    Traps(function);
                }

                theirs ??= Theirs(Text);
                for (int round = 0; round < 50; round++)
                {
                    (int code, _, string? error) = theirs.Call("f", []);
                    if (code == 0 || error is null)
                    {
                        throw new InvalidOperationException($"no trap there: {code} {error}");
                    }

                    Traps(function);
                    try
                    {
                        _ = ((string)null!).Length;
                        throw new InvalidOperationException("no exception");
                    }
                    catch (NullReferenceException)
                    {
                    }
                }

                theirs.Dispose();
                Traps(function);
            },
            new() { Arguments = [library, when] }).AssertSucceeded();
    }

    private static ExtismRuntime Theirs(string text) =>
        ExtismRuntime.Create($$"""{ "wasm": [{ "data": "{{Convert.ToBase64String(Wat.ToBinary(text))}}" }] }""", false, out string error) ?? throw new InvalidOperationException(error);

    private static void Traps(Function function)
    {
        try
        {
            function.Invoke();
        }
        catch (TrapException trap) when (trap.Code == TrapCode.MemoryOutOfBounds)
        {
            return;
        }

        throw new InvalidOperationException("no trap here");
    }

    private static string Library()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64, "the library is for Linux on x64");
        return Fixtures.SharedFile(Native);
    }

    private static void Compare(string library)
    {
        ExtismRuntime.Load(library);
        string folder = Directory.CreateTempSubdirectory("codicil-differential-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "test.txt"), "hello world!");
            using HttpServer server = Server();
            Compare([.. Cases(), .. Files(folder), .. Requests(server), .. Interruptions(server)]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Compare(IEnumerable<Case> cases)
    {
        foreach (Case item in cases)
        {
            using ExtismRuntime? theirs = ExtismRuntime.Create(item.Manifest, item.Wasi, out string error, item.Hosts, item.ShowsHeaders);
            using Plugin? ours = Create(item, out string ourError);
            if (ours is null || theirs is null)
            {
                Report(item.Name + " creation", ours is null, theirs is null, ours is null == theirs is null, ourError, error);
                continue;
            }

            bool isFollowedUp = true;
            for (int i = 0; i < item.Calls.Length; i++)
            {
                (string function, string input) = item.Calls[i];
                bool isCanceled = item.IsCanceled && i == 0;
                (int theirCode, byte[] theirOutput, string? theirText) = WhileCanceling(isCanceled, theirs.Cancel, () => theirs.Call(function, Encoding.UTF8.GetBytes(input)));
                using var source = new CancellationTokenSource();
                CancellationToken token = isCanceled ? source.Token : default;
                (uint code, byte[] output, string? text, bool isGuestError) = WhileCanceling(isCanceled, source.Cancel, () => Call(ours, function, input, token));
                output = Comparable(output);
                theirOutput = Comparable(theirOutput);
                string name = string.Create(CultureInfo.InvariantCulture, $"{item.Name} {i} {function}");
                bool hasFailed = text is not null;

                // Failures of the host are -1 there and 1 here, or the Go SDK's codes for time and cancellation; their texts are each side's own, but of a kind. A guest's text is the guest's.
                bool isSameCode = unchecked((uint)theirCode) == code || (hasFailed && theirCode == -1 && code is 1 or PluginExitCodes.DeadlineExceeded or PluginExitCodes.Canceled);
                bool isSameText = isGuestError ? text == theirText : hasFailed == (theirText is not null) && KindOf(text) == KindOf(theirText);
                bool isSame = isSameCode && isSameText && (hasFailed || output.AsSpan().SequenceEqual(theirOutput));

                // What a request left behind differs where the request does.
                bool isFollowUp = function is "status" or "headers";
                Report(name, (code, Shorten(output), text), (theirCode, Shorten(theirOutput), theirText), isSame || (isFollowUp && !isFollowedUp), "", "");
                isFollowedUp = isFollowUp ? isFollowedUp : isSame;
            }
        }
    }

    private static void Report(string name, object ours, object theirs, bool isSame, string ourError, string theirError)
    {
        if (!isSame)
        {
            Console.WriteLine($"{name}\tours {ours} {ourError}, theirs {theirs} {theirError}".ReplaceLineEndings(" "));
        }
    }

    private static string Shorten(byte[] output) => output.Length > 100 ? string.Create(CultureInfo.InvariantCulture, $"{output.Length} bytes") : Encoding.UTF8.GetString(output);

    private static Plugin? Create(Case item, out string error)
    {
        error = "";
        try
        {
            return Plugin.Create(PluginManifest.FromJson(item.Manifest), new PluginOptions { Wasi = item.Wasi, HostFunctions = item.Hosts ? HostFunctions() : [], HttpResponseHeaders = item.ShowsHeaders });
        }
        catch (Exception exception) when (exception is WasmException or IOException)
        {
            error = exception.Message;
            return null;
        }
    }

    private static HostFunction[] HostFunctions() =>
    [
        HostFunction.Create<long, long, long>("mult", static (_, a, b) =>
        {
            Reached();
            return a * b;
        }),
        HostFunction.Create("getf32", static _ => 100.5f, "example"),
        HostFunction.Create("getf64", static _ => 100.5, "example"),
    ];

    private static (uint Code, byte[] Output, string? Error, bool IsGuestError) Call(Plugin plugin, string function, string input, CancellationToken cancellationToken)
    {
        try
        {
            PluginOutput output = plugin.Call(function, Encoding.UTF8.GetBytes(input), cancellationToken);
            return (output.ExitCode, output.ToArray(), null, false);
        }
        catch (PluginException exception)
        {
            return (exception.ExitCode, exception.Output.ToArray(), exception.Message, exception.GuestError is not null && exception.Trap is null);
        }
        catch (Exception exception) when (exception is WasmTimeoutException or WasmCanceledException)
        {
            return (plugin.LastExitCode, [], exception.Message, false);
        }
    }

    private static IEnumerable<Case> Cases()
    {
        (string, string)[] Each(string function) => [.. s_inputs.Select(input => (function, input))];
        yield return Go("count_vowels.wasm", Each("count_vowels"));
        yield return Go("count_vowels.wasm", Each("count_vowels"), ("vowels", "aeiouyAEIOUY"));
        yield return Go("config.wasm", [("run_test", "")], ("thing", "hello \u00E4"));
        yield return Go("config.wasm", [("run_test", ""), ("i_dont_exist", ""), ("run_test", "x")]);
        yield return Go("alloc.wasm", [("run_test", ""), ("run_test", "x")]);
        yield return Go("fail.wasm", [("run_test", ""), ("run_test", "x")]);
        yield return Go("hello.wasm", Each("run_test"));
        yield return Go("noop.wasm", Each("run_test"));
        yield return Go("replace.wasm", [("run_test", "a test b test c"), ("run_test", string.Concat(Enumerable.Repeat("some test text ", 2_000)))]);
        yield return Go("throw.wasm", [("run_test", ""), ("run_test", "x")]);
        yield return Go("var.wasm", [("run_test", ""), ("run_test", "")]);
        yield return Go("log.wasm", [("run_test", "")]);
        yield return Go("input_offset.wasm", [("input_offset_length", "hello world"), ("input_offset_length", "")]);
        yield return Go("std_command.wasm", [("_start", "ben")]);
        yield return Go("println.wasm", [("run_test", "x")]);
        yield return Go("hello_haskell.wasm", [("testing", "John"), ("testing", "Jane")], ("greeting", "Howdy"));
        yield return Go("host.wasm", [("run_test", ""), ("run_test", "x")]) with { Hosts = true };
        yield return Go("host.wasm", [("run_test", "")]) with { Name = "host.wasm without its function" };
        yield return DotNet("float.wasm", ("addf64", ""), ("addf32", "")) with { Hosts = true };
        yield return DotNet("globals.wasm", ("globals", ""), ("globals", ""), ("globals", ""));
        yield return DotNet("code.wasm", ("count_vowels", "Hello World"), ("count_vowels", ""));
        yield return DotNet("log.wasm", ("run_test", ""));
        yield return new Case(
            "lib and main",
            JsonSerializer.Serialize(new { wasm = new[] { new { path = Fixtures.Go("lib.wasm"), name = "lib" }, new { path = Fixtures.Go("main.wasm"), name = "main" } } }),
            true,
            [("run_test", "benjamin"), ("run_test", ""), ("capitalize", "x")]);
        yield return new Case("no module", """{ "wasm": [] }""", false, []);
        yield return new Case("a wrong hash", JsonSerializer.Serialize(new { wasm = new[] { new { path = Fixtures.Go("noop.wasm"), hash = "------" } } }), false, []);
        yield return new Case("a file that is not there", """{ "wasm": [{ "path": "/nowhere/at/all.wasm" }] }""", false, []);
        foreach (string? code in (string?[])["0", "1", "500", "-1", "abc", null])
        {
            yield return Go("exit.wasm", [("_start", ""), ("_start", "")], code is null ? [] : [("code", code)]) with { Name = "exit " + (code ?? "unset") };
        }

        foreach (string text in (string[])["not base64!", "", "AGFzbQEAAAA="])
        {
            yield return new Case("data " + text, $$"""{ "wasm": [{ "data": "{{text}}" }] }""", false, [("f", "")]);
        }

        // Edges of the kernel's interface, and of calls.
        yield return Guest("no result", "", "(func (export \"f\"))");
        yield return Guest("code 7", "", "(func (export \"f\") (result i32) (i32.const 7))");
        yield return Guest("code -1", "", "(func (export \"f\") (result i32) (i32.const -1))");
        yield return Guest("code i64", "", "(func (export \"f\") (result i64) (i64.const 0x1_0000_0002))");
        yield return Guest("two results", "", "(func (export \"f\") (result i32 i32) (i32.const 0) (i32.const 0))");
        yield return Guest("a parameter", "", "(func (export \"f\") (param i32) (result i32) (i32.const 0))");
        yield return Guest("trap", "", "(func (export \"f\") (result i32) unreachable)");
        yield return Guest("no function", "", "(global (export \"f\") i32 (i32.const 0))");
        yield return Guest("recursion", "", "(func $f (export \"f\") (result i32) (call $f))");
        yield return Guest("echo", "input_offset input_length output_set", "(func (export \"f\") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))", s_inputs);
        yield return Guest("output, code", "alloc output_set store_u8", "(func (export \"f\") (result i32) (local $p i64) (local.set $p (call $alloc (i64.const 1))) (call $store_u8 (local.get $p) (i32.const 65)) (call $output_set (local.get $p) (i64.const 1)) (i32.const 3))");
        foreach (int code in (int[])[0, 1, 42, -1])
        {
            yield return Guest($"error, code {code}", "alloc error_set store_u8", $"(func (export \"f\") (result i32) (local $p i64) (local.set $p (call $alloc (i64.const 2))) (call $store_u8 (local.get $p) (i32.const 69)) (call $store_u8 (i64.add (local.get $p) (i64.const 1)) (i32.const 33)) (call $error_set (local.get $p)) (i32.const {code}))");
        }

        yield return Guest("error 0", "error_set", "(func (export \"f\") (result i32) (call $error_set (i64.const 0)) (i32.const 1))");
        yield return Guest("length of nothing", "length alloc", "(func (export \"f\") (result i32) (i32.wrap_i64 (i64.add (call $length (i64.const 0)) (call $length (i64.add (call $alloc (i64.const 10)) (i64.const 5))))))");
        yield return Guest("alloc 0", "alloc length", "(func (export \"f\") (result i32) (i32.wrap_i64 (call $length (call $alloc (i64.const 0)))))");
        yield return Guest("free twice", "alloc free length", "(func (export \"f\") (result i32) (local $p i64) (local.set $p (call $alloc (i64.const 10))) (call $free (local.get $p)) (call $free (local.get $p)) (call $free (i64.const 1)) (i32.wrap_i64 (call $length (local.get $p))))");
        yield return Guest("a byte beyond the input", "input_load_u8", "(func (export \"f\") (result i32) (i32.add (call $input_load_u8 (i64.const 1000)) (i32.add (call $input_load_u8 (i64.const -1)) (call $input_load_u8 (i64.const 2)))))", "abc", "ab");
        yield return Guest("8 bytes beyond the input", "input_load_u64", "(func (export \"f\") (result i32) (i32.wrap_i64 (call $input_load_u64 (i64.const 1000))))", "abc");
        yield return Guest("8 bytes of the input", "input_load_u64", "(func (export \"f\") (result i32) (i32.wrap_i64 (i64.shr_u (call $input_load_u64 (i64.const 0)) (i64.const 8))))", "abcdefgh", "abcdefghijk");
        yield return Guest("missing config and variable", "alloc config_get var_get", "(func (export \"f\") (result i32) (i32.wrap_i64 (i64.or (call $config_get (call $alloc (i64.const 3))) (call $var_get (call $alloc (i64.const 3))))))");
        yield return Guest("status without a request", "http_status_code", "(func (export \"f\") (result i32) (call $http_status_code))");
        yield return Guest("an import that nobody has", "", "(import \"env\" \"nothing\" (func)) (func (export \"f\"))");
    }

    // Neither side's calls change what the other's see.
    private static IEnumerable<Case> Files(string folder)
    {
        foreach ((string file, bool isReadOnly) in ((string, bool)[])[("fs.wasm", false), ("fs_std.wasm", false), ("read_write.wasm", false), ("read_write.wasm", true)])
        {
            string manifest = JsonSerializer.Serialize(new
            {
                wasm = new[] { new { path = Fixtures.Go(file) } },
                config = new Dictionary<string, string> { ["path"] = "/mnt/test.txt" },
                allowed_paths = new Dictionary<string, string> { [(isReadOnly ? "ro:" : "") + folder] = "/mnt" },
            });
            (string, string)[] calls = file != "read_write.wasm" ? [("run_test", ""), ("run_test", "")] : isReadOnly ? [("try_read", ""), ("try_write", "x"), ("try_read", "")] : [("try_read", "")];
            yield return new Case(file + (isReadOnly ? " read-only" : ""), manifest, true, calls);
        }
    }

    private static Case Go(string file, (string Function, string Input)[] calls, params (string Key, string Value)[] config)
    {
        string manifest = JsonSerializer.Serialize(new { wasm = new[] { new { path = Fixtures.Go(file) } }, config = config.ToDictionary(static pair => pair.Key, static pair => pair.Value) });
        return new Case(file + (config.Length == 0 ? "" : " configured"), manifest, true, calls);
    }

    private static Case DotNet(string file, params (string Function, string Input)[] calls) =>
        new("dotnet " + file, JsonSerializer.Serialize(new { wasm = new[] { new { path = Fixtures.DotNet(file) } } }), true, calls);

    private static Case Guest(string name, string imports, string functions, params string[] inputs)
    {
        var text = new StringBuilder("(module ");
        foreach (string import in imports.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string type = import switch
            {
                "alloc" or "length" or "config_get" or "var_get" or "input_load_u64" => "(param i64) (result i64)",
                "input_offset" or "input_length" => "(result i64)",
                "output_set" => "(param i64 i64)",
                "store_u8" => "(param i64 i32)",
                "error_set" or "free" => "(param i64)",
                "input_load_u8" => "(param i64) (result i32)",
                _ => "(result i32)",
            };
            text.Append(CultureInfo.InvariantCulture, $"(import \"extism:host/env\" \"{import}\" (func ${import} {type}))");
        }

        byte[] module = Wat.ToBinary(text.Append(functions).Append(')').ToString().Replace("0x1_0000_0002", "0x100000002", StringComparison.Ordinal));
        string[] all = inputs.Length == 0 ? ["", "x"] : inputs;
        return new Case(name, $$"""{ "wasm": [{ "data": "{{Convert.ToBase64String(module)}}" }] }""", false, [.. all.Select(static input => ("f", input))]);
    }

    /// <summary>Calls of one plug-in. The first of one that is cancelled is cancelled as soon as it has reached a host function of ours, or the server.</summary>
    private sealed record Case(string Name, string Manifest, bool Wasi, (string Function, string Input)[] Calls, bool Hosts = false, bool ShowsHeaders = false, bool IsCanceled = false);
}
