namespace Codicil.Plugins.Tests;

/// <summary>Deadlines, tokens, disposal and misuse while a call runs.</summary>
public sealed class PluginInterruptionTests
{
    private const string Guest = """
        (module
          (import "extism:host/user" "wait" (func $wait))
          (func (export "loop") (loop $l (br $l)))
          (func (export "wait") (call $wait))
          (func (export "wait and loop") (call $wait) (loop $l (br $l)))
          (func (export "run")))
        """;

    private static PluginOptions With(Action<CurrentPlugin> wait) => new() { HostFunctions = [HostFunction.Create("wait", wait)] };

    private static Plugin Create(Action<CurrentPlugin>? wait = null) => Fixtures.FromWat(Guest, With(wait ?? (static _ => { })));

    [Fact]
    [Trait("Parity", "EXT-09")]
    public void A_timeout_ends_a_busy_loop_and_closes_the_plug_in()
    {
        using Plugin plugin = Create();
        plugin.Call("run");
        plugin.Timeout = TimeSpan.FromMilliseconds(50);
        WasmTimeoutException exception = Assert.Throws<WasmTimeoutException>(() => { plugin.Call("loop"); });
        Assert.Contains("module closed with context deadline exceeded", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0xEFFF_FFFFu, plugin.LastExitCode);
        Assert.True(plugin.IsClosed);
        Assert.Same(exception, plugin.ClosedBy);
        PluginException closed = Assert.Throws<PluginException>(() => { plugin.Call("run"); });
        Assert.Equal(PluginFailure.Closed, closed.Failure);
        Assert.Contains("module is closed", closed.Message, StringComparison.Ordinal);
        Assert.Same(exception, closed.InnerException);
    }

    [Fact]
    [Trait("Parity", "EXT-09")]
    public void A_timeout_in_a_host_function_is_a_timeout()
    {
        using Plugin plugin = Create(static current =>
        {
            Assert.True(current.TimeLeft <= TimeSpan.FromMilliseconds(50));
            while (true)
            {
                Thread.Sleep(1);
                current.ThrowIfInterrupted();
            }
        });
        plugin.Timeout = TimeSpan.FromMilliseconds(50);
        Assert.Throws<WasmTimeoutException>(() => { plugin.Call("wait"); });
    }

    [Fact]
    [Trait("Parity", "EXT-09")]
    public void A_call_that_ends_after_its_deadline_has_failed()
    {
        using Plugin plugin = Create(static current =>
        {
            // When the watching thread has had its turn.
            current.Aborted.WaitHandle.WaitOne();
            Assert.Equal(TimeSpan.Zero, current.TimeLeft);
        });
        plugin.Timeout = TimeSpan.FromMilliseconds(20);
        Assert.Throws<WasmTimeoutException>(() => { plugin.Call("wait"); });
    }

    [Fact]
    [Trait("Parity", "EXT-08")]
    [Trait("Parity", "EXT-09")]
    public void A_cancelled_token_ends_the_call_and_closes_the_plug_in()
    {
        using var source = new CancellationTokenSource();

        // During the call: before it, there would be nothing to close.
        using Plugin plugin = Create(_ => { ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), source, preferLocal: false); });
        WasmCanceledException exception = Assert.Throws<WasmCanceledException>(() => { plugin.Call("wait and loop", default(ReadOnlySpan<byte>), source.Token); });
        Assert.Contains("module closed with context canceled", exception.Message, StringComparison.Ordinal);
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.Equal(0xFFFF_FFFFu, plugin.LastExitCode);
        Assert.Equal(PluginFailure.Closed, Assert.Throws<PluginException>(() => { plugin.Call("run"); }).Failure);
    }

    [Fact]
    [Trait("Parity", "EXT-09")]
    public void A_token_cancelled_before_gives_the_cancel_result_at_once()
    {
        using Plugin plugin = Create();
        Assert.Throws<WasmCanceledException>(() => { plugin.Call("loop", default(ReadOnlySpan<byte>), new CancellationToken(true)); });
        Assert.Equal(0xFFFF_FFFFu, plugin.LastExitCode);
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Parity", "EXT-08")]
    public void The_token_of_the_creation_does_not_affect_calls()
    {
        using var source = new CancellationTokenSource();
        using Plugin plugin = Plugin.Create(Fixtures.WatManifest(Guest), With(static _ => { }), source.Token);
        source.Cancel();
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "CL-03")]
    public void A_late_cancellation_never_meets_the_next_call()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), With(static _ => { }));
        Plugin plugin = compiled.CreateInstance();
        int canceled = 0;
        for (int i = 0; i < 2_000; i++)
        {
            using var source = new CancellationTokenSource();
            ThreadPool.UnsafeQueueUserWorkItem(static s => s.Cancel(), source, preferLocal: false);
            try
            {
                plugin.Call("run", default(ReadOnlySpan<byte>), source.Token);
            }
            catch (WasmCanceledException)
            {
                canceled++;
            }

            if (plugin.IsClosed)
            {
                plugin = compiled.CreateInstance();
            }

            plugin.Call("run");
            while (!source.IsCancellationRequested)
            {
                Thread.Yield();
            }
        }

        Assert.InRange(canceled, 0, 2_000);
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Parity", "EXT-09")]
    public void Where_interruption_is_off_deadlines_and_tokens_are_refused()
    {
        PluginOptions options = With(static _ => { }) with { Interruptible = false };
        using Plugin plugin = Fixtures.FromWat(Guest, options);
        Assert.Equal(0u, plugin.Call("run").ExitCode);
        using var source = new CancellationTokenSource();
        Assert.Throws<InvalidOperationException>(() => { plugin.Call("run", default(ReadOnlySpan<byte>), source.Token); });
        Assert.Throws<InvalidOperationException>(() => plugin.Timeout = TimeSpan.FromSeconds(1));
        Assert.Throws<ArgumentException>(() => Plugin.Create(Fixtures.WatManifest(Guest) with { Timeout = TimeSpan.FromSeconds(1) }, options));
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "CL-01")]
    public async Task A_second_call_at_the_same_time_is_a_clear_error()
    {
        using var inside = new ManualResetEventSlim();
        using var proceed = new ManualResetEventSlim();
        using Plugin plugin = Create(_ =>
        {
            inside.Set();
            proceed.Wait();
        });
        Task first = Task.Run(() => { plugin.Call("wait"); }, TestContext.Current.CancellationToken);
        inside.Wait(TestContext.Current.CancellationToken);
        Assert.Contains("one owner at a time", Assert.Throws<InvalidOperationException>(() => { plugin.Call("run"); }).Message, StringComparison.Ordinal);
        proceed.Set();
        await first;
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "KH-05")]
    public void A_host_function_cannot_call_its_plug_in()
    {
        Plugin? plugin = null;
        plugin = Create(_ => plugin!.Call("run"));
        using (plugin)
        {
            Assert.Contains("one owner at a time", Assert.Throws<InvalidOperationException>(() => { plugin.Call("wait"); }).Message, StringComparison.Ordinal);
            Assert.Equal(0u, plugin.Call("run").ExitCode);
        }
    }

    [Fact]
    [Trait("Security", "KH-05")]
    [Trait("Security", "CL-02")]
    public void A_host_function_can_dispose_its_plug_in()
    {
        Plugin? plugin = null;
        plugin = Create(_ => plugin!.Dispose());
        Assert.Throws<ObjectDisposedException>(() => { plugin.Call("wait"); });
        Assert.Throws<ObjectDisposedException>(() => { plugin.Call("run"); });
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public async Task Disposal_from_another_thread_ends_a_busy_loop()
    {
        var isInside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Plugin plugin = Create(_ => isInside.SetResult());
        Task<Exception?> call = Task.Run(() => Record.Exception(() => { plugin.Call("wait and loop"); }), TestContext.Current.CancellationToken);
        await isInside.Task;
        plugin.Dispose();
        Assert.IsType<ObjectDisposedException>(await call);
        Assert.Throws<ObjectDisposedException>(() => { plugin.Call("run"); });
    }

    [Fact]
    [Trait("Security", "LM-07")]
    public void A_neighbours_deadline_touches_nobody_else()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), With(static _ => { }));
        using Plugin slow = compiled.CreateInstance();
        using Plugin steady = compiled.CreateInstance();
        slow.Timeout = TimeSpan.FromMilliseconds(100);
        using var stop = new CancellationTokenSource();
        long calls = 0;
        var thread = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                steady.Call("run");
                Interlocked.Increment(ref calls);
            }
        });
        thread.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref calls) > 0);
        Assert.Throws<WasmTimeoutException>(() => { slow.Call("loop"); });
        stop.Cancel();
        thread.Join();
        Assert.False(steady.IsClosed);
        Assert.Equal(0u, steady.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "LM-02")]
    public void The_timeout_covers_start_sections() => Assert.Throws<WasmTimeoutException>(() => Plugin.Create(
        Fixtures.WatManifest("(module (func $s (loop $l (br $l))) (start $s))") with { Timeout = TimeSpan.FromMilliseconds(50) }));
}
