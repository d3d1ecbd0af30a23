using Codicil.Format;
using Codicil.Plugins.Tests.Http;

namespace Codicil.Plugins.Tests.Documents;

/// <summary>The tables of errors in docs/plugins.md and docs/from-extism.md say what happens.</summary>
public sealed class ErrorTableTests
{
    private const string Guest = """
        (module
          (import "extism:host/env" "input_offset" (func $input (result i64)))
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "length" (func $length (param i64) (result i64)))
          (import "extism:host/env" "output_set" (func $output (param i64 i64)))
          (import "extism:host/env" "error_set" (func $error (param i64)))
          (import "extism:host/env" "var_set" (func $var (param i64 i64)))
          (import "extism:host/env" "http_request" (func $http (param i64 i64) (result i64)))
          (import "extism:host/user" "throw" (func $throw))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func (export "echo") (call $output (call $input) (call $length (call $input))))
          (func (export "error") (result i32) (call $error (call $input)) (i32.const 7))
          (func (export "error_then_trap") (call $error (call $input)) unreachable)
          (func (export "trap") unreachable)
          (func (export "exit") (call $output (call $input) (call $length (call $input))) (call $exit (i32.const 0)))
          (func (export "exit_3") (call $exit (i32.const 3)))
          (func (export "loop") (loop $l (br $l)))
          (func (export "throw") (call $throw))
          (func (export "var") (call $var (call $alloc (i64.const 8)) (call $input)))
          (func (export "http") (drop (call $http (call $input) (i64.const 0))))
          (func (export "parameter") (param i32))
          (func (export "two") (result i32 i32) (i32.const 1) (i32.const 2)))
        """;

    [Theory]
    [InlineData("error", "went wrong", PluginFailure.GuestError, 7u, "went wrong", false)]
    [InlineData("trap", "", PluginFailure.Trap, 1u, "wasm trap: ", false)]
    [InlineData("exit_3", "", PluginFailure.Exit, 3u, "module closed with exit_code(3)", true)]
    [InlineData("nowhere", "", PluginFailure.UnknownFunction, 1u, "unknown function: nowhere", false)]
    [InlineData("parameter", "", PluginFailure.UnsuitableFunction, 1u, "function parameter has 1 parameters", false)]
    [InlineData("two", "", PluginFailure.UnsuitableFunction, 1u, "function two has 2 results, expected 0 or 1", false)]
    [InlineData("http", """{"url":"http://elsewhere.example/"}""", PluginFailure.NotAllowed, 1u, "HTTP request to 'http://elsewhere.example/' is not allowed", false)]
    [InlineData("http", """{"url":"http://allowed.example/"}""", PluginFailure.Http, 1u, "", false)]
    [InlineData("http", "{", PluginFailure.InvalidRequest, 1u, "invalid http request", false)]
    [InlineData("echo", "an output that is too long", PluginFailure.Limit, 1u, "", false)]
    [InlineData("var", "a value that is too long", PluginFailure.Limit, 1u, "Variable store is full", false)]
    public void A_call_that_fails_has_its_kind_code_and_text_and_closes_the_plug_in_or_not(
        string function, string input, PluginFailure failure, uint exitCode, string text, bool closes)
    {
        using Plugin plugin = Create();
        PluginException exception = Assert.Throws<PluginException>(() => plugin.Call(function, input));
        Assert.Equal((failure, exitCode), (exception.Failure, exception.ExitCode));
        Assert.Contains(text, exception.Message, StringComparison.Ordinal);
        Assert.Equal((closes, exitCode), (plugin.IsClosed, plugin.LastExitCode));
        AssertGoesOn(plugin);
    }

    [Fact]
    public void Variables_that_are_off_are_not_allowed()
    {
        using Plugin plugin = Create();
        plugin.Variables.MaxBytes = 0;
        PluginException exception = Assert.Throws<PluginException>(() => plugin.Call("var", "x"));
        Assert.Equal(PluginFailure.NotAllowed, exception.Failure);
        Assert.Contains("Vars are disabled by this host", exception.Message, StringComparison.Ordinal);
        AssertGoesOn(plugin);
    }

    [Fact]
    public void The_text_before_a_trap_is_kept()
    {
        using Plugin plugin = Create();
        PluginException exception = Assert.Throws<PluginException>(() => plugin.Call("error_then_trap", "the reason"));
        Assert.Equal((PluginFailure.Trap, "the reason"), (exception.Failure, exception.GuestError!));
        Assert.Equal(TrapCode.UnreachableCodeReached, exception.Trap!.Code);
    }

    [Fact]
    public void An_exit_with_0_is_success_and_closes()
    {
        using Plugin plugin = Create();
        Assert.Equal("bye", plugin.Call("exit", "bye"));
        Assert.True(plugin.IsClosed);
        AssertGoesOn(plugin);
    }

    [Fact]
    public void Time_and_tokens_close_the_plug_in()
    {
        using Plugin plugin = Create();
        plugin.Timeout = TimeSpan.FromMilliseconds(50);
        WasmTimeoutException late = Assert.Throws<WasmTimeoutException>(() => plugin.Call("loop"));
        Assert.Contains("module closed with context deadline exceeded", late.Message, StringComparison.Ordinal);
        Assert.Equal((true, 0xEFFF_FFFFu), (plugin.IsClosed, plugin.LastExitCode));
        Assert.Same(late, plugin.ClosedBy);
        AssertGoesOn(plugin);

        do
        {
            // A token that was cancelled before the call began, on a slow machine, closes nothing.
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
            WasmCanceledException canceled = Assert.Throws<WasmCanceledException>(() => plugin.Call("loop", cancellationToken: source.Token));
            Assert.Contains("module closed with context canceled", canceled.Message, StringComparison.Ordinal);
            Assert.Equal(0xFFFF_FFFFu, plugin.LastExitCode);
        }
        while (!plugin.IsClosed);
        AssertGoesOn(plugin);

        Assert.Throws<WasmCanceledException>(() => plugin.Call("echo", cancellationToken: new CancellationToken(true)));
        Assert.False(plugin.IsClosed);
    }

    [Fact]
    public void A_host_functions_exception_reaches_the_caller_as_it_is()
    {
        var thrown = new TimeZoneNotFoundException();
        using Plugin plugin = Create(thrown);
        Assert.Same(thrown, Assert.Throws<TimeZoneNotFoundException>(() => plugin.Call("throw")));
        AssertGoesOn(plugin);
    }

    [Fact]
    public void An_input_beyond_the_limit_is_refused_before_the_call()
    {
        using Plugin plugin = Create();
        Assert.Throws<ResourceLimitException>(() => plugin.Call("echo", new byte[4 * 65_536]));
        AssertGoesOn(plugin);
    }

    [Fact]
    public void What_cannot_be_made_says_why()
    {
        Assert.Equal(PluginFailure.Manifest, Fails("""{ "wasm": [] }"""));
        Assert.Equal(PluginFailure.Manifest, Fails("""{ "wasm": [{}] }"""));
        Assert.Equal(PluginFailure.HashMismatch, Fails("""{ "wasm": [{ "path": "reverse.wasm", "hash": "00" }] }"""));
        Assert.Equal(PluginFailure.Load, Fails("""{ "wasm": [{ "url": "http://127.0.0.1:1/" }] }"""));
        Assert.Throws<FileNotFoundException>(() => Plugin.Create(PluginManifest.FromWasmFile("nowhere.wasm")));
        Assert.Throws<MalformedModuleException>(() => Plugin.Create(PluginManifest.FromWasm(new byte[8])));
        Assert.Throws<InvalidModuleException>(() => Plugin.Create(Fixtures.WatManifest("(module (func (result i32)))")));
        Assert.Throws<LinkException>(() => Plugin.Create(Fixtures.WatManifest("""(module (import "a" "b" (func)))""")));
        PluginManifest large = Fixtures.WatManifest("(module (memory 3))") with { Memory = new PluginMemoryLimits { MaxPages = 2 } };
        Assert.Throws<ResourceLimitException>(() => Plugin.Create(large));

        static PluginFailure Fails(string manifest) => Assert.Throws<PluginException>(() => Plugin.Create(PluginManifest.FromJson(manifest))).Failure;
    }

    [Fact]
    public void A_runtime_that_does_not_start_is_tried_again()
    {
        using Plugin plugin = Fixtures.FromWat(
            """
            (module
              (global $tries (mut i32) (i32.const 0))
              (func (export "_initialize")
                (global.set $tries (i32.add (global.get $tries) (i32.const 1)))
                (if (i32.eq (global.get $tries) (i32.const 1)) (then unreachable)))
              (func (export "run") (result i32) (global.get $tries)))
            """,
            new PluginOptions { Wasi = true });
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("run"); });
        Assert.Equal((PluginFailure.Initialization, 1u), (exception.Failure, exception.ExitCode));
        Assert.StartsWith("failed to initialize runtime: ", exception.Message, StringComparison.Ordinal);
        Assert.Equal(2u, plugin.Call("run").ExitCode);
    }

    private static Plugin Create(Exception? thrown = null)
    {
        PluginManifest manifest = Fixtures.WatManifest(Guest) with
        {
            AllowedHosts = ["allowed.example"],
            Memory = new PluginMemoryLimits { MaxPages = 3, MaxVarBytes = 70 },
        };
        return Plugin.Create(manifest, new PluginOptions
        {
            Wasi = true,
            MaxOutputBytes = 16,
            Http = new TestResolver().Options,
            HostFunctions = [HostFunction.Create("throw", (Action<CurrentPlugin>)(_ => throw thrown!))],
        });
    }

    // Usable as it is, or closed until it is reset.
    private static void AssertGoesOn(Plugin plugin)
    {
        if (plugin.IsClosed)
        {
            PluginException exception = Assert.Throws<PluginException>(() => plugin.Call("echo", "x"));
            Assert.Equal(PluginFailure.Closed, exception.Failure);
            Assert.Contains("module is closed", exception.Message, StringComparison.Ordinal);
            plugin.Reset();
        }

        Assert.Equal("x", plugin.Call("echo", "x"));
    }
}
