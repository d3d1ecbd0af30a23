using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Codicil.Cli.Tests;

/// <summary>The options of <c>codicil call</c>, each by what the plug-in makes of it.</summary>
public sealed class CallOptionTests : IDisposable
{
    // A plug-in with a function for each thing that the options give.
    private const string Plugin = """
        (module
          (import "extism:host/env" "input_length" (func $input_length (result i64)))
          (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
          (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
          (import "extism:host/env" "error_set" (func $error_set (param i64)))
          (import "extism:host/env" "length" (func $length (param i64) (result i64)))
          (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
          (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
          (import "extism:host/env" "log_info" (func $log_info (param i64)))
          (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
          (import "extism:host/env" "http_headers" (func $http_headers (result i64)))
          (func $out (param $block i64) (call $output_set (local.get $block) (call $length (local.get $block))))
          (func (export "echo") (call $output_set (call $input_offset) (call $input_length)))
          (func (export "config") (call $out (call $config_get (call $input_offset))))
          (func (export "variable") (call $out (call $var_get (call $input_offset))))
          (func (export "log") (call $log_info (call $input_offset)))
          (func (export "fetch") (call $out (call $http_request (call $input_offset) (i64.const 0))))
          (func (export "fetch_headers")
            (drop (call $http_request (call $input_offset) (i64.const 0)))
            (call $out (call $http_headers)))
          (func (export "fail") (result i32)
            (call $output_set (call $input_offset) (call $input_length))
            (call $error_set (call $input_offset))
            (i32.const 0))
          (func (export "seven") (result i32) (i32.const 7))
          (func (export "wide") (result i32) (i32.const 0x103))
          (func (export "trap") (unreachable))
          (func (export "spin") (loop $l (br $l))))
        """;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    private CodicilProcess.Result Call(params string[] arguments) => CodicilProcess.Run(["call", .. arguments.Select(argument => argument == "P" ? _scratch.Write("plugin.wat", Plugin) : argument)]);

    [Fact]
    [Trait("Parity", "EXT-18")]
    [Trait("Security", "HT-01")]
    public async Task Hosts_are_reached_that_are_allowed()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string url = $"http://{listener.LocalEndpoint}/";
        string input = JsonSerializer.Serialize(new Dictionary<string, string> { ["url"] = url });
        CodicilProcess.Result denied = Call("P", "fetch", "--input", input).AssertExitCode(1);
        Assert.Contains($"HTTP request to '{url}' is not allowed", denied.Errors, StringComparison.Ordinal);
        Call("--allow-host", "example.com", "P", "fetch", "--input", input).AssertExitCode(1);
        Assert.False(listener.Pending());

        Task server = ServeAsync(listener, 3);
        Assert.Equal("hello", Call("--allow-host", "example.com", "--allow-host", "127.0.0.*", "P", "fetch", "--input", input).AssertExitCode(0).Output);
        Assert.Equal("", Call("--allow-host", "*", "P", "fetch_headers", "--input", input).AssertExitCode(0).Output);
        string headers = Call("--allow-host", "*", "--http-headers", "P", "fetch_headers", "--input", input).AssertExitCode(0).Output;
        Assert.Equal("""{"content-length":"5","x-test":"yes"}""", headers);
        await server;
    }

    [Fact]
    [Trait("Parity", "EXT-01")]
    [Trait("Parity", "EXT-02")]
    public async Task A_manifest_names_modules_by_URL_and_hosts_and_options_add_to_it()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task server = ServeAsync(listener, 1, Plugin);
        string manifest = _scratch.Write("manifest.json", $$"""{"wasm":[{"url":"http://{{listener.LocalEndpoint}}/plugin.wat"}],"config":{"a":"1","b":"2"},"allowed_hosts":["127.0.0.1"]}""");
        Assert.Equal("3", Call("--manifest", manifest, "--config", "b=3", "config", "--input", "b").AssertExitCode(0).Output);
        await server;
        server = ServeAsync(listener, 1, "no module");
        string hashed = _scratch.Write("hashed.json", $$"""{"wasm":[{"url":"http://{{listener.LocalEndpoint}}/plugin.wat","hash":"00"}]}""");
        Assert.Contains("hash mismatch", Call("--manifest", hashed, "config").AssertExitCode(65).Errors, StringComparison.Ordinal);
        await server;
        string gone = _scratch.Write("gone.json", """{"wasm":[{"url":"http://127.0.0.1:1/plugin.wat"}]}""");
        Assert.Contains("failed to fetch Wasm data from URL", Call("--manifest", gone, "config").AssertExitCode(66).Errors, StringComparison.Ordinal);
        string bad = _scratch.Write("bad.json", """{"wasm":[{"data":"AGFzbQEAAAA="}],"allowed_hosts":["["]}""");
        Assert.Contains("bad host pattern", Call("--manifest", bad, "config").AssertExitCode(65).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_manifest_comes_from_standard_input()
    {
        string plugin = _scratch.Write("plugin.wat", Plugin);
        byte[] manifest = Encoding.UTF8.GetBytes($$"""{"wasm":[{"path":{{JsonSerializer.Serialize(plugin)}}}]}""");
        Assert.Equal("x", CodicilProcess.Run(["call", "--manifest", "-", "echo", "--input", "x"], manifest, null).AssertExitCode(0).Output);
        Assert.Equal("x", CodicilProcess.Run(["call", "-", "echo", "--input", "x"], manifest, null).AssertExitCode(0).Output);
        Assert.Equal("x", CodicilProcess.Run(["call", "-", "echo", "--input", "x"], Encoding.UTF8.GetBytes(Plugin), null).AssertExitCode(0).Output);
        Call("--manifest", _scratch["nowhere.json"], "echo").AssertExitCode(66);
        Call("--manifest", _scratch.Write("broken.json", "{"), "echo").AssertExitCode(65);
    }

    [Fact]
    public void Input_comes_from_text_a_file_or_standard_input()
    {
        Assert.Equal("text", Call("P", "echo", "--input", "text").AssertExitCode(0).Output);
        Assert.Equal("file", Call("P", "echo", "--input-file", _scratch.Write("input", "file")).AssertExitCode(0).Output);
        Assert.Equal("", Call("P", "echo").AssertExitCode(0).Output);
        string plugin = _scratch.Write("plugin.wat", Plugin);
        byte[] bytes = [0, 255, 10, 13, 0];
        Assert.Equal(bytes, CodicilProcess.Run(["call", plugin, "echo", "--input-file", "-"], bytes, null).AssertExitCode(0).OutputBytes);
        Call("P", "echo", "--input-file", _scratch["nowhere"]).AssertExitCode(66);
    }

    [Fact]
    [Trait("Parity", "EXT-16")]
    [Trait("Parity", "EXT-17")]
    public void Configuration_and_variables_are_set()
    {
        Assert.Equal("c=d", Call("--config", "a=b", "--config", "a=c=d", "P", "config", "--input", "a").AssertExitCode(0).Output);
        Assert.Equal("", Call("P", "config", "--input", "a").AssertExitCode(0).Output);
        Assert.Equal("c=d", Call("--set-var", "a=b", "--set-var", "a=c=d", "P", "variable", "--input", "a").AssertExitCode(0).Output);
        Assert.Equal("", Call("--set-var", "a=", "P", "variable", "--input", "a").AssertExitCode(0).Output);
    }

    [Fact]
    [Trait("Parity", "EXT-23")]
    public void Modules_are_linked_by_name()
    {
        string one = _scratch.Write("one.wat", "(module (func (export \"f\") (result i32) (i32.const 5)))");
        string two = _scratch.Write("two.wat", "(module (import \"one\" \"f\" (func $f (result i32))) (func (export \"f\") (result i32) (i32.add (call $f) (i32.const 1))))");
        string main = _scratch.Write("main.wat", "(module (import \"two\" \"f\" (func $f (result i32))) (func (export \"run\") (result i32) (call $f)))");
        Call("--link", $"two={two}", "--link", $"one={one}", main, "run").AssertExitCode(6);
        Call("--link", $"one={one}", main, "run").AssertExitCode(69);
        Call("--link", $"two={_scratch["nowhere.wat"]}", main, "run").AssertExitCode(66);
        Call("--link", $"one={one}", "--link", $"one={one}", "--link", $"two={two}", main, "run").AssertExitCode(65);
    }

    [Fact]
    [Trait("Parity", "EXT-20")]
    [Trait("Security", "KH-08")]
    public void Messages_are_shown_from_a_level_on_each_in_its_line()
    {
        Assert.Equal("", Call("P", "log", "--input", "hello").AssertExitCode(0).Errors);
        Assert.Equal("", Call("--log-level", "warn", "P", "log", "--input", "hello").AssertExitCode(0).Errors);
        Assert.Contains("codicil: info: hello\n", Call("--log-level", "info", "P", "log", "--input", "hello").AssertExitCode(0).Errors, StringComparison.Ordinal);
        Assert.Contains("codicil: debug: Calling function : log", Call("--log-level", "debug", "P", "log", "--input", "hello").AssertExitCode(0).Errors, StringComparison.Ordinal);
        CodicilProcess.Result forged = Call("--log-level", "info", "P", "log", "--input", "a\ncodicil: forged\r\e[2J\u202Eb\u2028c").AssertExitCode(0);
        Assert.Single(forged.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain(forged.Errors, static c => c is '\e' or '\u202E' or '\u2028');
        Assert.Equal("", forged.Output);
    }

    [Fact]
    [Trait("Security", "CI-01")]
    [Trait("Parity", "EXT-10")]
    public void Exit_codes_are_the_plug_ins_or_say_what_went_wrong()
    {
        Call("P", "seven").AssertExitCode(7);
        Call("P", "wide").AssertExitCode(3);
        CodicilProcess.Result failed = Call("P", "fail", "--input", "what was done").AssertExitCode(1);
        Assert.Equal("what was done", failed.Output);
        Assert.Equal("codicil: what was done\n", failed.Errors);
        Assert.Contains("unreachable", Call("P", "trap").AssertExitCode(134).Errors, StringComparison.Ordinal);
        Call("--timeout", "100ms", "P", "spin").AssertExitCode(124);
        Call("P", "nothing").AssertExitCode(64);
        Call(_scratch["nowhere.wasm"], "f").AssertExitCode(66);
        string exits = _scratch.Write("exits.wat", """
            (module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 1) (func (export "exit") (call $exit (i32.const 0x1ff))))
            """);
        Call(exits, "exit").AssertExitCode(69);
        Call("--wasi", exits, "exit").AssertExitCode(255);
    }

    [Fact]
    public void A_timeout_also_ends_a_request()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Call("--timeout", "300ms", "--allow-host", "*", "P", "fetch", "--input", $$"""{"url":"http://{{listener.LocalEndpoint}}/"}""").AssertExitCode(124);
    }

    [Fact]
    public void Calls_are_repeated_and_timed()
    {
        CodicilProcess.Result result = Call("--repeat", "3", "--time", "P", "echo", "--input", "ab").AssertExitCode(0);
        Assert.Equal("ababab", result.Output);
        using JsonDocument json = JsonDocument.Parse(Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(3, json.RootElement.GetProperty("call_ms").GetArrayLength());
        Assert.True(json.RootElement.GetProperty("instantiate_ms").GetDouble() > 0);
        result = Call("--repeat", "3", "--time", "P", "seven").AssertExitCode(7);
        using JsonDocument once = JsonDocument.Parse(result.Errors);
        Assert.Equal(1, once.RootElement.GetProperty("call_ms").GetArrayLength());
    }

    // Answers so many requests, one a connection.
    private static async Task ServeAsync(TcpListener listener, int requests, string body = "hello")
    {
        for (int i = 0; i < requests; i++)
        {
            using TcpClient client = await listener.AcceptTcpClientAsync();
            NetworkStream stream = client.GetStream();
            byte[] buffer = new byte[64 * 1024];
            int length = 0;
            while (!Encoding.ASCII.GetString(buffer, 0, length).Contains("\r\n\r\n", StringComparison.Ordinal))
            {
                int read = await stream.ReadAsync(buffer.AsMemory(length));
                Assert.NotEqual(0, read);
                length += read;
            }

            await stream.WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nX-Test: yes\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"));
        }
    }
}
