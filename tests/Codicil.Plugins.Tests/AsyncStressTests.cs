using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>Asynchronous calls that end in every way at any moment.</summary>
public sealed class AsyncStressTests
{
    private const string Guest = """
        (module
          (import "extism:host/user" "wait" (func $wait))
          (func (export "run") (result i32) (i32.const 6))
          (func (export "wait") (result i32) (call $wait) (i32.const 7))
          (func (export "loop") (loop $l (br $l))))
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static CompiledPlugin Compile(CallThreads threads) => CompiledPlugin.Create(
        Fixtures.WatManifest(Guest),
        new PluginOptions
        {
            Engine = EngineOptions.Default with { CallThreads = threads },
            HostFunctions =
            [
                HostFunction.Create("wait", async current =>
                {
                    await Task.Yield();
                    await Task.Delay(Random.Shared.Next(0, 3), current.Aborted);
                }),
            ],
        });

    [Fact]
    [Trait("Security", "CL-03")]
    [Trait("Security", "CL-02")]
    public async Task Cancellations_deadlines_disposals_and_completions_race_on_three_threads()
    {
        var threads = new CallThreads(3);
        using CompiledPlugin compiled = Compile(threads);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => Task.Run(() => RaceAsync(compiled, new Random(seed)), Token)));
        Assert.Equal(0, threads.WaitingCount);
        Assert.InRange(threads.Count, 1, 3);
        using Plugin plugin = compiled.CreateInstance();
        Assert.Equal(6u, (await plugin.CallAsync("run", cancellationToken: Token)).ExitCode);
    }

    private static async Task RaceAsync(CompiledPlugin compiled, Random random)
    {
        Plugin plugin = compiled.CreateInstance();
        for (int i = 0; i < 250; i++)
        {
            string name = random.Next(4) switch { 0 => "loop", 1 => "wait", _ => "run" };
            using var source = new CancellationTokenSource();
            plugin.Timeout = random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 5)) : TimeSpan.FromMinutes(2);
            Task<PluginResult> call = plugin.CallAsync(name, default(ReadOnlyMemory<byte>), source.Token);
            bool disposes = random.Next(10) == 0;
            if (disposes)
            {
                Thread.SpinWait(random.Next(20_000));
                plugin.Dispose();
            }
            else if (name == "loop" || random.Next(2) == 0)
            {
                Thread.SpinWait(random.Next(20_000));
                await source.CancelAsync();
            }

            try
            {
                PluginResult result = await call;
                Assert.Equal(name == "run" ? 6u : 7u, result.ExitCode);
            }
            catch (WasmCanceledException)
            {
                Assert.True(source.IsCancellationRequested);
            }
            catch (WasmTimeoutException)
            {
                Assert.NotEqual(TimeSpan.FromMinutes(2), plugin.Timeout);
            }
            catch (ObjectDisposedException)
            {
                Assert.True(disposes);
            }

            if (disposes)
            {
                Assert.Throws<ObjectDisposedException>(() => { plugin.Call("run"); });
                plugin = compiled.CreateInstance();
            }
            else if (plugin.IsClosed)
            {
                plugin.Reset(CancellationToken.None);
            }

            // No interrupt of an earlier call is left over.
            plugin.Timeout = null;
            Assert.Equal(6u, plugin.Call("run").ExitCode);
        }

        plugin.Dispose();
    }

    [Fact]
    [Trait("Security", "CL-03")]
    public void Calls_that_come_and_go_leave_nothing_behind() =>
        // A process of its own: it looks at the memory of the whole process.
        ChildProcess.Run(static _ => ComeAndGoAsync().GetAwaiter().GetResult()).AssertSucceeded();

    private static async Task ComeAndGoAsync()
    {
        var threads = new CallThreads(2);
        using CompiledPlugin compiled = Compile(threads);
        using Plugin plugin = compiled.CreateInstance();
        using var source = new CancellationTokenSource();
        long before = 0;
        for (int i = 0; i < 6_000; i++)
        {
            if (i == 1_000)
            {
                before = GC.GetTotalMemory(forceFullCollection: true);
            }

            plugin.Timeout = i % 2 == 0 ? null : TimeSpan.FromMinutes(2);
            await plugin.CallAsync("run", default(ReadOnlyMemory<byte>), source.Token);
        }

        // A registration that stayed with the token would keep some 300 bytes of each.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 1024 * 1024);
        Assert.InRange(threads.Count, 1, 2);
    }

    [Fact]
    public async Task Engines_with_different_stacks_share_threads()
    {
        var threads = new CallThreads(2);
        CompiledPlugin[] compiled = [.. new[] { 64, 512, 4096, 128 }.Select(kib => CompiledPlugin.Create(
            Fixtures.WatManifest("(module (func $down (param i32) (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))))) (func (export \"run\") (call $down (i32.const 100))) (func (export \"deep\") (call $down (i32.const -1))))"),
            new PluginOptions { Engine = EngineOptions.Default with { CallThreads = threads, MaxStackBytes = kib * 1024 } }))];
        Plugin[] plugins = [.. compiled.Select(static one => one.CreateInstance())];
        for (int i = 0; i < 20; i++)
        {
            await Task.WhenAll(plugins.Select(plugin => plugin.CallAsync("run", cancellationToken: Token)));
            foreach (Plugin plugin in plugins)
            {
                PluginException exception = await Assert.ThrowsAsync<PluginException>(() => plugin.CallAsync("deep", cancellationToken: Token));
                Assert.Equal(TrapCode.StackOverflow, exception.Trap!.Code);
            }
        }

        Assert.InRange(threads.Count, 1, 2);
        Array.ForEach(plugins, static plugin => plugin.Dispose());
        Array.ForEach(compiled, static one => one.Dispose());
    }
}
