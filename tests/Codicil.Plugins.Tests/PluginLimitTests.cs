
using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>What a plug-in may use, and that nobody else pays for it.</summary>
public sealed class PluginLimitTests
{
    private const string Guest = """
        (module
          (import "extism:host/user" "wait" (func $wait))
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
          (import "extism:host/env" "error_set" (func $error_set (param i64)))
          (import "extism:host/env" "input_length" (func $input_length (result i64)))
          (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
          (memory 1)
          (func (export "echo") (call $output_set (call $input_offset) (call $input_length)))
          (func (export "loop") (loop $l (br $l)))
          (func (export "wait") (call $wait))
          (func $deep (export "deep") (call $deep))
          (func (export "grow") (result i32) (memory.grow (i32.const 1)))
          (func (export "alloc_100k") (result i32) (i64.ne (call $alloc (i64.const 100000)) (i64.const 0)))
          (func (export "run")))
        """;

    private static PluginOptions Options(Action<CurrentPlugin>? wait = null) => new() { HostFunctions = [HostFunction.Create("wait", wait ?? (static _ => { }))] };

    [Fact]
    [Trait("Parity", "EXT-28")]
    [Trait("Security", "LM-04")]
    public void Memories_of_all_modules_and_the_kernel_have_a_limit_together()
    {
        const int Page = 65_536;
        var manifest = new PluginManifest
        {
            Wasm =
            [
                Fixtures.Wat("(module (memory 2) (func (export \"grow\") (result i32) (memory.grow (i32.const 1))))", "lib"),
                Fixtures.Wat("""
                    (module
                      (import "lib" "grow" (func $grow (result i32)))
                      (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
                      (memory 1)
                      (func (export "grow_lib") (result i32) (call $grow))
                      (func (export "grow") (result i32) (memory.grow (i32.const 1)))
                      (func (export "alloc") (result i32) (i64.ne (call $alloc (i64.const 70000)) (i64.const 0))))
                    """, "main"),
            ],
        };
        PluginOptions Total(long pages) => new() { Limits = new ResourceLimits { TotalMemoryBytes = pages * Page } };

        // One page is the kernel's.
        Assert.Throws<ResourceLimitException>(() => Plugin.Create(manifest, Total(3)));
        Assert.Throws<ResourceLimitException>(() => Plugin.Create(manifest, Total(0)));
        using (Plugin plugin = Plugin.Create(manifest, Total(4)))
        {
            Assert.Equal(uint.MaxValue, plugin.Call("grow").ExitCode);
            Assert.Equal(uint.MaxValue, plugin.Call("grow_lib").ExitCode);
            Assert.Equal(0u, plugin.Call("alloc").ExitCode);
        }

        using (Plugin plugin = Plugin.Create(manifest, Total(6)))
        {
            Assert.Equal(1u, plugin.Call("alloc").ExitCode);
            Assert.Equal(2u, plugin.Call("grow_lib").ExitCode);
            Assert.Equal(uint.MaxValue, plugin.Call("grow").ExitCode);

            // What the kernel has it keeps; and an input of the host's is under the same limit.
            Assert.Equal(1u, plugin.Call("alloc").ExitCode);
            Assert.Throws<ResourceLimitException>(() => { plugin.Call("alloc", new byte[3 * Page]); });

            // Nothing of the old instance counts against the new one.
            for (int i = 0; i < 20; i++)
            {
                plugin.Reset();
                Assert.Equal(2u, plugin.Call("grow_lib").ExitCode);
                Assert.Equal(1u, plugin.Call("alloc").ExitCode);
                Assert.Equal(uint.MaxValue, plugin.Call("grow").ExitCode);
            }
        }
    }

    [Fact]
    [Trait("Parity", "EXT-12")]
    public void An_output_beyond_the_limit_is_a_typed_error()
    {
        using Plugin plugin = Fixtures.FromWat(Guest, Options() with { MaxOutputBytes = 10 });
        Assert.Equal(10, plugin.Call("echo", new byte[10]).Data.Length);
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("echo", new byte[11]); });
        Assert.Equal(PluginFailure.Limit, exception.Failure);
        Assert.Contains("11 bytes is larger than allowed (10 bytes)", exception.Message, StringComparison.Ordinal);
        plugin.MaxOutputBytes = 11;
        Assert.Equal(11, plugin.Call("echo", new byte[11]).Data.Length);
        plugin.MaxOutputBytes = null;
        Assert.Equal(1_000_000, plugin.Call("echo", new byte[1_000_000]).Data.Length);
        plugin.MaxOutputBytes = 0;
        Assert.Equal(0u, plugin.Call("run").ExitCode);
        Assert.Throws<ArgumentOutOfRangeException>(() => plugin.MaxOutputBytes = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => new PluginOptions { MaxOutputBytes = -1 });
    }

    [Fact]
    [Trait("Parity", "EXT-12")]
    [Trait("Parity", "EXT-16")]
    public void Limits_configuration_and_variables_are_changed_between_calls_for_one_instance_alone()
    {
        const string Text = """
            (module
              (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
              (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
              (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
              (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
              (import "extism:host/env" "length" (func $length (param i64) (result i64)))
              (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
              (func $key (result i64) (local $k i64)
                (local.set $k (call $alloc (i64.const 1)))
                (call $store_u8 (local.get $k) (i32.const 107))
                (local.get $k))
              (func (export "config") (result i64) (call $length (call $config_get (call $key))))
              (func (export "get") (result i64) (call $length (call $var_get (call $key))))
              (func (export "set") (call $var_set (call $key) (call $alloc (i64.const 100))))
              (func (export "loop") (loop $l (br $l))))
            """;
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Text) with { Config = new Dictionary<string, string> { ["k"] = "one" } });
        using Plugin plugin = compiled.CreateInstance();
        using Plugin other = compiled.CreateInstance();
        Assert.Equal(3u, plugin.Call("config").ExitCode);
        plugin.Config["k"] = "twenty";
        Assert.Equal(6u, plugin.Call("config").ExitCode);
        plugin.Config.Remove("k");
        Assert.Equal(0u, plugin.Call("config").ExitCode);
        plugin.Variables.Set("k", new byte[7]);
        Assert.Equal(7u, plugin.Call("get").ExitCode);
        plugin.Variables.MaxBytes = 100;
        Assert.Equal(PluginFailure.Limit, Assert.Throws<PluginException>(() => { plugin.Call("set"); }).Failure);
        plugin.Variables.MaxBytes = 0;
        Assert.Equal(PluginFailure.NotAllowed, Assert.Throws<PluginException>(() => { plugin.Call("set"); }).Failure);
        plugin.Variables.MaxBytes = 1000;
        plugin.Call("set");
        Assert.Equal(100u, plugin.Call("get").ExitCode);
        plugin.Timeout = TimeSpan.FromMilliseconds(20);
        Assert.Throws<WasmTimeoutException>(() => { plugin.Call("loop"); });

        Assert.Equal(3u, other.Call("config").ExitCode);
        Assert.Equal(0u, other.Call("get").ExitCode);
        Assert.Null(other.Timeout);
        Assert.Equal(1024 * 1024, other.Variables.MaxBytes);
        Assert.Equal("one", compiled.Manifest.Config["k"]);
    }

    [Fact]
    public void Endless_recursion_is_a_trap_that_says_so_and_the_plug_in_stays_usable()
    {
        using Plugin plugin = Fixtures.FromWat(Guest, Options() with { Engine = EngineOptions.Default with { MaxStackBytes = 64 * 1024 } });
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("deep"); });
        Assert.Equal(TrapCode.StackOverflow, exception.Trap!.Code);
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "LM-02")]
    [Trait("Parity", "EXT-09")]
    public void The_deadline_covers_a_sleep_and_the_start_up_of_every_kind()
    {
        PluginOptions wasi = new() { Wasi = true, HostFunctions = [HostFunction.Create("wait", static _ => { })] };
        string[] guests =
        [
            // poll_oneoff: an hour on the monotonic clock.
            """
            (module
              (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "run")
                (i32.store (i32.const 16) (i32.const 1))
                (i64.store (i32.const 24) (i64.const 3600000000000))
                (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))
            """,
            "(module (func (export \"_initialize\") (loop $l (br $l))) (func (export \"run\")))",
            "(module (func (export \"__wasm_call_ctors\") (loop $l (br $l))) (func (export \"run\")))",
            "(module (func (export \"hs_init\") (param i32 i32) (loop $l (br $l))) (func (export \"run\")))",
        ];
        foreach (string guest in guests)
        {
            using Plugin plugin = Plugin.Create(Fixtures.WatManifest(guest), wasi);
            plugin.Timeout = TimeSpan.FromMilliseconds(50);
            Assert.Throws<WasmTimeoutException>(() => { plugin.Call("run"); });
            Assert.Equal(PluginExitCodes.DeadlineExceeded, plugin.LastExitCode);
            Assert.True(plugin.IsClosed);
        }
    }

    [Fact]
    [Trait("Security", "LM-02")]
    public void A_deadline_that_passes_while_functions_are_compiled_is_one()
    {
        // Some hundred functions, each compiled when it is first called; the deadline is shorter than that takes.
        var text = new System.Text.StringBuilder("(module ");
        const int Functions = 400;
        for (int i = 0; i < Functions; i++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"(func $f{i} (param i64) (result i64)");
            for (int j = 0; j < 40; j++)
            {
                text.Append(System.Globalization.CultureInfo.InvariantCulture, $" (local.set 0 (i64.mul (i64.xor (local.get 0) (i64.const {i + j})) (i64.const {j + 3})))");
            }

            text.Append(" (local.get 0))");
        }

        text.Append(" (func (export \"run\") (result i64) (local $v i64)");
        for (int i = 0; i < Functions; i++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $" (local.set $v (call $f{i} (local.get $v)))");
        }

        text.Append(" (local.get $v)))");
        using Plugin plugin = Plugin.Create(Fixtures.WatManifest(text.ToString()));
        plugin.Timeout = TimeSpan.FromMilliseconds(1);
        Assert.Throws<WasmTimeoutException>(() => { plugin.Call("run"); });
        plugin.Reset();
        plugin.Timeout = TimeSpan.FromMinutes(5);
        plugin.Call("run");
    }

    [Fact]
    [Trait("Security", "LM-07")]
    [Trait("Security", "LM-09")]
    public async Task Neighbours_of_plug_ins_that_meet_their_ends_notice_nothing()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), Options());
        using var stop = new CancellationTokenSource();
        long calls = 0;
        Exception? failure = null;
        Thread[] steady = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            using Plugin plugin = compiled.CreateInstance();
            plugin.Timeout = TimeSpan.FromMinutes(5);
            byte[] input = [1, 2, 3];
            failure ??= Record.Exception(() =>
            {
                while (!stop.IsCancellationRequested)
                {
                    PluginOutput output = plugin.Call("echo", input);
                    Assert.Equal(3, output.Data.Length);
                    Interlocked.Increment(ref calls);
                }
            });
        }))];
        foreach (Thread thread in steady)
        {
            thread.Start();
        }

        SpinWait.SpinUntil(() => Volatile.Read(ref calls) > 0 || Volatile.Read(ref failure) is not null);
        for (int i = 0; i < 20; i++)
        {
            using Plugin plugin = compiled.CreateInstance();
            plugin.Timeout = TimeSpan.FromMilliseconds(5);
            Assert.Throws<WasmTimeoutException>(() => { plugin.Call("loop"); });
            using Plugin canceled = compiled.CreateInstance();
            using var source = new CancellationTokenSource(5);
            await Assert.ThrowsAsync<WasmCanceledException>(() => canceled.CallAsync("loop", "", source.Token));
            using Plugin deep = compiled.CreateInstance();
            Assert.Throws<PluginException>(() => { deep.Call("deep"); });
            Plugin disposed = compiled.CreateInstance();
            Task<string> call = disposed.CallAsync("loop", "", CancellationToken.None);
            disposed.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
        }

        await stop.CancelAsync();
        foreach (Thread thread in steady)
        {
            thread.Join();
        }

        Assert.Null(failure);
    }

    [Fact]
    [Trait("Security", "LM-08")]
    public void Deadlines_and_tokens_work_while_the_pool_is_saturated()
    {
        ChildProcess.Run(static _ =>
        {
            ThreadPool.SetMinThreads(1, 1);
            ThreadPool.SetMaxThreads(2, 2);
            using var release = new ManualResetEventSlim();
            using var blocked = new CountdownEvent(2);
            for (int i = 0; i < 2; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    _ =>
                    {
                        blocked.Signal();
                        release.Wait();
                    },
                    null);
            }

            blocked.Wait();
            using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), Options());
            for (int i = 0; i < 20; i++)
            {
                using Plugin plugin = compiled.CreateInstance();
                plugin.Timeout = TimeSpan.FromMilliseconds(10);
                Assert.Throws<WasmTimeoutException>(() => { plugin.Call("loop"); });

                // A token that another thread cancels, not a timer of the pool's.
                using Plugin other = compiled.CreateInstance();
                using var source = new CancellationTokenSource();
                var canceler = new Thread(() =>
                {
                    Thread.Sleep(5);
                    source.Cancel();
                });
                canceler.Start();
                Assert.Throws<WasmCanceledException>(() => { other.Call("loop", default(ReadOnlySpan<byte>), source.Token); });
                canceler.Join();

                // An asynchronous call needs the pool for what follows its await, and for nothing else.
                using Plugin carried = compiled.CreateInstance();
                carried.Timeout = TimeSpan.FromMilliseconds(10);
                Task<string> call = carried.CallAsync("loop", "");
                while (!carried.IsClosed && !call.IsCompleted)
                {
                    // A call whose time had come before it had a thread is complete at once and closes nothing.
                    Thread.Sleep(1);
                }

                if (call.IsCompletedSuccessfully)
                {
                    throw new InvalidOperationException("the loop came to an end");
                }
            }

            release.Set();
        }).AssertSucceeded();
    }

    [Fact]
    [Trait("Security", "LM-08")]
    public void A_token_cancelled_after_the_call_changes_nothing()
    {
        using Plugin plugin = Fixtures.FromWat(Guest, Options());
        for (int i = 0; i < 2_000; i++)
        {
            using var source = new CancellationTokenSource();
            plugin.Timeout = i % 2 == 0 ? null : TimeSpan.FromMinutes(1);
            plugin.Call("run", default(ReadOnlySpan<byte>), source.Token);
            source.Cancel();
            plugin.Timeout = null;
            Assert.Equal(0u, plugin.Call("run").ExitCode);
            Assert.False(plugin.IsClosed);
        }
    }
}
