using System.Text;

namespace Codicil.Plugins.Tests;

/// <summary>A plug-in that is reset is what its compiled plug-in made.</summary>
public sealed class PluginResetTests
{
    private const string Guest = """
        (module
          (import "extism:host/user" "ask" (func $ask))
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
          (memory 1 4)
          (data $drop "dropped")
          (table $t 2 funcref)
          (elem $e func 0)
          (global $count (mut i32) (i32.const 0))
          (func (export "count") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (drop (memory.grow (i32.const 1)))
            (i32.store8 (i32.const 100) (global.get $count))
            (global.get $count))
          (func (export "pages") (result i32) (i32.add (memory.size) (i32.load8_u (i32.const 100))))
          (func (export "ask") (call $ask))
          (func (export "loop") (loop $l (br $l)))
          (func (export "copy") (loop $l (memory.copy (i32.const 0) (i32.const 1) (i32.const 65000)) (br $l)))
          (func (export "table") (loop $l (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 1)) (br $l)))
          (func (export "drop") (data.drop $drop))
          (func (export "init") (memory.init $drop (i32.const 0) (i32.const 0) (i32.const 7)))
          (func (export "output") (call $output_set (call $alloc (i64.const 200000)) (i64.const 200000)))
          (func (export "run")))
        """;

    private static CompiledPlugin Compile(Action<CurrentPlugin>? ask = null) => CompiledPlugin.Create(
        Fixtures.WatManifest(Guest) with
        {
            Config = new Dictionary<string, string> { ["key"] = "manifest" },
            Timeout = TimeSpan.FromSeconds(30),
            Memory = new PluginMemoryLimits { MaxVarBytes = 5000 },
        },
        new PluginOptions { HostFunctions = [HostFunction.Create("ask", ask ?? (static _ => { }))], MaxOutputBytes = 1_000_000 });

    [Fact]
    [Trait("Security", "KH-09")]
    public void Nothing_of_what_calls_and_the_host_changed_is_kept()
    {
        using CompiledPlugin compiled = Compile();
        using Plugin plugin = compiled.CreateInstance();
        PluginVariables variables = plugin.Variables;
        variables.Set("a", "b"u8);
        variables.MaxBytes = 7;
        IDictionary<string, string> config = plugin.Config;
        config["key"] = "changed";
        plugin.Timeout = TimeSpan.FromSeconds(5);
        plugin.MaxOutputBytes = 3;
        plugin.AllowedHosts = ["example.com"];
        plugin.MaxHttpResponseBytes = 9;
        plugin.LogLevel = PluginLogLevel.Trace;
        plugin.LogSink = static (_, _) => { };
        plugin.HostContext = "mine";
        Assert.Equal(1u, plugin.Call("count").ExitCode);
        Assert.Equal(2u, plugin.Call("count").ExitCode);
        Assert.Equal(3u + 2, plugin.Call("pages").ExitCode);
        plugin.Call("drop");
        Assert.Throws<PluginException>(() => { plugin.Call("init"); });
        plugin.MaxOutputBytes = null;
        Assert.Equal(200_000, plugin.Call("output").Data.Length);

        plugin.Reset();

        Assert.Equal(1u, plugin.Call("pages").ExitCode);
        Assert.Equal(1u, plugin.Call("count").ExitCode);
        Assert.Equal(0u, plugin.Call("init").ExitCode);
        Assert.Empty(plugin.Variables);
        Assert.Equal(5000, plugin.Variables.MaxBytes);
        Assert.Equal("manifest", plugin.Config["key"]);
        Assert.Equal(TimeSpan.FromSeconds(30), plugin.Timeout);
        Assert.Equal(1_000_000, plugin.MaxOutputBytes);
        Assert.Empty(plugin.AllowedHosts);
        Assert.Equal(50 * 1024 * 1024, plugin.MaxHttpResponseBytes);
        Assert.Null(plugin.LogLevel);
        Assert.Null(plugin.LogSink);
        Assert.Null(plugin.HostContext);

        // What somebody kept of the plug-in before leads nowhere.
        variables.Set("late", "x"u8);
        config["late"] = "x";
        Assert.Empty(plugin.Variables);
        Assert.False(plugin.Config.ContainsKey("late"));
    }

    [Fact]
    [Trait("Security", "LM-09")]
    [Trait("Parity", "EXT-09")]
    public void What_a_deadline_closed_in_the_middle_of_something_is_open_after_a_reset()
    {
        using CompiledPlugin compiled = Compile(static current =>
        {
            while (true)
            {
                Thread.Sleep(1);
                current.ThrowIfInterrupted();
            }
        });
        using Plugin plugin = compiled.CreateInstance();
        foreach (string function in new[] { "copy", "table", "ask", "loop" })
        {
            plugin.Call("count");
            plugin.Timeout = TimeSpan.FromMilliseconds(30);
            WasmTimeoutException timeout = Assert.Throws<WasmTimeoutException>(() => { plugin.Call(function); });
            PluginException closed = Assert.Throws<PluginException>(() => { plugin.Call("run"); });
            Assert.Equal(PluginFailure.Closed, closed.Failure);
            Assert.Same(timeout, closed.InnerException);
            Assert.True(plugin.IsClosed);

            plugin.Reset();

            Assert.False(plugin.IsClosed);
            Assert.Null(plugin.ClosedBy);
            Assert.Equal(1u, plugin.Call("pages").ExitCode);
            Assert.Equal(1u, plugin.Call("count").ExitCode);
        }
    }

    [Fact]
    public void A_plug_in_made_in_one_step_can_be_reset_after_an_exit_a_cancellation_and_a_timeout()
    {
        using Plugin plugin = Plugin.Create(
            Fixtures.WatManifest("""
                (module
                  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                  (func (export "exit") (call $exit (i32.const 3)))
                  (func (export "loop") (loop $l (br $l)))
                  (func (export "run") (result i32) (i32.const 9)))
                """),
            new PluginOptions { Wasi = true });
        Assert.Equal(3u, Assert.Throws<PluginException>(() => { plugin.Call("exit"); }).ExitCode);
        plugin.Reset(TestContext.Current.CancellationToken);
        Assert.Equal(9u, plugin.Call("run").ExitCode);
        using var source = new CancellationTokenSource(30);
        Assert.Throws<WasmCanceledException>(() => { plugin.Call("loop", default(ReadOnlySpan<byte>), source.Token); });
        plugin.Reset(TestContext.Current.CancellationToken);
        plugin.Timeout = TimeSpan.FromMilliseconds(30);
        Assert.Throws<WasmTimeoutException>(() => { plugin.Call("loop"); });
        plugin.Reset(TestContext.Current.CancellationToken);
        Assert.Equal(9u, plugin.Call("run").ExitCode);
    }

    [Fact]
    public void The_runtime_of_the_guest_starts_again()
    {
        int starts = 0;
        using Plugin plugin = Fixtures.FromWat(
            """
            (module
              (import "extism:host/user" "note" (func $note))
              (func (export "_initialize") (call $note))
              (func (export "run")))
            """,
            new PluginOptions { Wasi = true, HostFunctions = [HostFunction.Create("note", _ => { starts++; })] });
        plugin.Call("run");
        plugin.Call("run");
        plugin.Reset();
        plugin.Call("run");
        Assert.Equal(2, starts);
    }

    [Fact]
    [Trait("Security", "LM-02")]
    public void A_start_section_that_fails_or_takes_too_long_closes_the_plug_in_until_the_next_reset()
    {
        int mode = 0;
        using Plugin plugin = Plugin.Create(
            Fixtures.WatManifest("""
                (module
                  (import "extism:host/user" "mode" (func $mode (result i32)))
                  (func $start (if (i32.eq (call $mode) (i32.const 1)) (then unreachable)) (loop $l (br_if $l (i32.eq (call $mode) (i32.const 2)))))
                  (start $start)
                  (func (export "run") (result i32) (i32.const 4)))
                """) with { Timeout = TimeSpan.FromSeconds(5) },
            new PluginOptions { HostFunctions = [HostFunction.Create("mode", _ => mode)] });
        mode = 1;
        PluginException trap = Assert.Throws<PluginException>(() => plugin.Reset());
        Assert.Equal(PluginFailure.Trap, trap.Failure);
        Assert.True(plugin.IsClosed);
        Assert.Equal(PluginFailure.Closed, Assert.Throws<PluginException>(() => { plugin.Call("run"); }).Failure);
        mode = 2;
        Assert.Throws<WasmTimeoutException>(() => plugin.Reset());
        using var source = new CancellationTokenSource(20);
        Assert.Throws<WasmCanceledException>(() => plugin.Reset(source.Token));
        Assert.Throws<WasmCanceledException>(() => plugin.Reset(source.Token));
        mode = 0;
        plugin.Reset();
        Assert.Equal(4u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "KH-05")]
    public void It_cannot_be_reset_during_a_call_or_after_its_disposal()
    {
        Plugin? plugin = null;
        CompiledPlugin compiled = Compile(_ => plugin!.Reset());
        plugin = compiled.CreateInstance();
        Assert.Contains("one owner at a time", Assert.Throws<InvalidOperationException>(() => { plugin.Call("ask"); }).Message, StringComparison.Ordinal);
        Plugin orphan = compiled.CreateInstance();
        plugin.Dispose();
        Assert.Throws<ObjectDisposedException>(() => plugin.Reset());
        compiled.Dispose();
        Assert.Throws<ObjectDisposedException>(() => orphan.Reset());
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public async Task Resets_disposals_and_deadlines_race_without_harm()
    {
        using CompiledPlugin compiled = Compile();
        for (int i = 0; i < 200; i++)
        {
            Plugin plugin = compiled.CreateInstance();
            plugin.Timeout = TimeSpan.FromMilliseconds(1);
            Task dispose = Task.Run(() =>
            {
                Thread.SpinWait(i * 50);
                plugin.Dispose();
            }, TestContext.Current.CancellationToken);
            Exception? exception = null;
            while (exception is not ObjectDisposedException)
            {
                exception = Record.Exception(() =>
                {
                    plugin.Reset();
                    plugin.Timeout = TimeSpan.FromMilliseconds(1);
                    plugin.Call("count");
                    plugin.Call("loop");
                });
                Assert.True(exception is ObjectDisposedException or WasmTimeoutException or PluginException, exception?.ToString());
            }

            await dispose;
            Assert.True(plugin.IsClosed);
        }
    }

    [Fact]
    [Trait("Security", "KH-09")]
    public async Task What_an_abandoned_host_function_kept_does_not_reach_the_plug_in_after_a_reset()
    {
        var resume = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var source = new CancellationTokenSource();
        var result = new TaskCompletionSource<Exception?>();
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions
        {
            HostFunctions =
            [
                HostFunction.Create("ask", async current =>
                {
                    IDictionary<string, string> config = current.Config;
                    _ = source.CancelAsync();
                    await resume.Task;
                    config["late"] = "x";
                    result.SetResult(Record.Exception(() => current.WriteString("late")));
                }),
            ],
        });
        await Assert.ThrowsAsync<WasmCanceledException>(() => plugin.CallAsync("ask", "", source.Token));
        plugin.Reset(TestContext.Current.CancellationToken);
        resume.SetResult();
        Assert.IsType<InvalidOperationException>(await result.Task);
        Assert.False(plugin.Config.ContainsKey("late"));
        Assert.Equal(1u, plugin.Call("count").ExitCode);
    }

    [Fact]
    public void Linked_modules_are_fresh_too()
    {
        using Plugin plugin = Plugin.Create(new PluginManifest
        {
            Wasm =
            [
                Fixtures.Wat("(module (global $g (mut i32) (i32.const 0)) (func (export \"next\") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))", "lib"),
                Fixtures.Wat("(module (import \"lib\" \"next\" (func $next (result i32))) (func (export \"run\") (result i32) (call $next)))", "main"),
            ],
        });
        Assert.Equal([1u, 2u], [plugin.Call("run").ExitCode, plugin.Call("run").ExitCode]);
        plugin.Reset();
        Assert.Equal(1u, plugin.Call("run").ExitCode);
    }

    [Fact]
    public void Input_and_output_are_gone()
    {
        using CompiledPlugin compiled = Compile();
        using Plugin plugin = compiled.CreateInstance();
        byte[] secret = Encoding.UTF8.GetBytes("a secret of the last tenant");
        plugin.Call("output", secret);
        plugin.Reset();
        Assert.Equal(-1, plugin.Call("output").Data.IndexOf(secret));
    }
}
