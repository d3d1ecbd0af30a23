namespace Codicil.Plugins.Tests;

/// <summary>How guests' language runtimes are started.</summary>
public sealed class GuestRuntimeTests
{
    // Every exported function notes its name; the names that were noted are the result.
    private static List<string> Trace(string[] names, bool wasi, string[] calls, string extra = "")
    {
        var trace = new List<string>();
        string functions = string.Concat(names.Select(static (name, index) =>
            $"(func (export \"{name}\") {(name == "hs_init" ? "(param i32 i32)" : "")} (call $note (i32.const {index})))\n"));
        using Plugin plugin = Fixtures.FromWat($"(module (import \"extism:host/user\" \"note\" (func $note (param i32))) {functions} {extra})", new PluginOptions
        {
            Wasi = wasi,
            HostFunctions = [HostFunction.Create<int>("note", (_, index) => trace.Add(names[index]))],
        });
        foreach (string call in calls)
        {
            plugin.Call(call);
        }

        return trace;
    }

    [Theory]
    [InlineData("run", true, "run run", "_initialize run run")]
    [InlineData("run", false, "run run", "run run")]
    [Trait("Parity", "EXT-11")]
    public void A_reactor_is_initialized_once_with_WASI(string function, bool wasi, string calls, string expected) =>
        Assert.Equal(expected.Split(' '), Trace(["_initialize", "__wasm_call_ctors", function], wasi, calls.Split(' ')));

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void A_command_has_its_constructors_called() =>
        Assert.Equal(["__wasm_call_ctors", "run", "run"], Trace(["__wasm_call_ctors", "run"], wasi: true, ["run", "run"]));

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void Haskell_is_initialized_after_the_reactor_even_without_WASI() =>
        Assert.Equal(["_initialize", "hs_init", "run", "run"], Trace(["hs_init", "_initialize", "run"], wasi: false, ["run", "run"]));

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void Start_is_never_called_by_itself_and_skips_the_start_up() =>
        Assert.Equal(["_start", "_initialize", "run"], Trace(["_start", "_initialize", "run"], wasi: true, ["_start", "run"]));

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void Initialize_called_by_hand_counts_as_done() =>
        Assert.Equal(["_initialize", "run"], Trace(["_initialize", "run"], wasi: true, ["_initialize", "run"]));

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void A_candidate_with_parameters_is_passed_over() =>
        Assert.Equal(["__wasm_call_ctors", "run"], Trace(["__wasm_call_ctors", "run"], wasi: true, ["run"], "(func (export \"_initialize\") (param i32))"));

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void A_start_up_that_fails_fails_the_call_and_is_tried_again()
    {
        int attempts = 0;
        using Plugin plugin = Fixtures.FromWat("""
            (module
              (import "extism:host/user" "fails" (func $fails (result i32)))
              (func (export "_initialize") (if (call $fails) (then unreachable)))
              (func (export "run") (result i32) (i32.const 5)))
            """, new PluginOptions { Wasi = true, HostFunctions = [HostFunction.Create("fails", _ => ++attempts < 3 ? 1 : 0)] });
        for (int i = 0; i < 2; i++)
        {
            PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("run"); });
            Assert.Equal((PluginFailure.Initialization, 1u), (exception.Failure, exception.ExitCode));
            Assert.StartsWith("failed to initialize runtime: ", exception.Message, StringComparison.Ordinal);
            Assert.IsType<TrapException>(exception.InnerException);
        }

        Assert.Equal(5u, plugin.Call("run").ExitCode);
        Assert.Equal(5u, plugin.Call("run").ExitCode);
        Assert.Equal(3, attempts);
    }

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void A_Haskell_reactors_failure_is_only_logged()
    {
        var log = new List<string>();
        using Plugin plugin = Fixtures.FromWat("""
            (module
              (func (export "_initialize") unreachable)
              (func (export "hs_init") (param i32 i32))
              (func (export "run") (result i32) (i32.const 5)))
            """, new PluginOptions { LogLevel = PluginLogLevel.Debug, LogSink = (level, message) => log.Add($"{level}: {message}") });
        Assert.Equal(5u, plugin.Call("run").ExitCode);
        Assert.Contains(log, static line => line.StartsWith("Error: Error running reactor _initialize:", StringComparison.Ordinal));
        Assert.Contains("Debug: Initialized Haskell language runtime.", log);
    }

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void Linked_modules_start_first_in_the_manifests_order()
    {
        var trace = new List<int>();
        PluginWasm Module(int index, string name) => Fixtures.Wat(
            $"(module (import \"extism:host/user\" \"note\" (func $note (param i32))) (func (export \"_initialize\") (call $note (i32.const {index}))) (func (export \"run\")))", name);
        using Plugin plugin = Plugin.Create(
            new PluginManifest { Wasm = [Module(0, "main"), Module(1, "z"), Module(2, "a")] },
            new PluginOptions { Wasi = true, HostFunctions = [HostFunction.Create<int>("note", (_, index) => trace.Add(index))] });
        plugin.Call("run");
        Assert.Equal([1, 2, 0], trace);
    }

    [Fact]
    [Trait("Parity", "EXT-11")]
    [Trait("Security", "LM-02")]
    public void The_calls_timeout_covers_the_start_up()
    {
        using Plugin plugin = Plugin.Create(
            Fixtures.WatManifest("(module (func (export \"_initialize\") (loop $l (br $l))) (func (export \"run\")))"),
            new PluginOptions { Wasi = true });
        plugin.Timeout = TimeSpan.FromMilliseconds(50);
        Assert.Throws<WasmTimeoutException>(() => { plugin.Call("run"); });
        Assert.Equal(PluginExitCodes.DeadlineExceeded, plugin.LastExitCode);
    }
}
