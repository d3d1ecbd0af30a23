using System.Diagnostics;
using System.Runtime.CompilerServices;

using Codicil.Plugins.Http;
using Codicil.Plugins.Tests.Http;
using Codicil.Tests;

namespace Codicil.Plugins.Tests;

public sealed class DeadlineTests
{
    [Fact]
    public async Task Expires_after_it_was_cleared_and_set_many_times()
    {
        var expired = new TaskCompletionSource();
        var deadline = new Deadline(() => expired.TrySetResult());
        for (int i = 0; i < 100_000; i++)
        {
            deadline.Set(Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3600));
            deadline.Clear();
        }

        deadline.Set(Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 50));
        await expired.Task.WaitAsync(TimeSpan.FromMinutes(2));
        Assert.True(Stopwatch.GetTimestamp() >= deadline.Due);
    }

    [Fact]
    public async Task Shorter_and_longer_deadlines_of_many_owners_all_expire()
    {
        var random = new Random(3);
        var tasks = new List<Task>();
        for (int i = 0; i < 500; i++)
        {
            var expired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var deadline = new Deadline(() => expired.TrySetResult());
            deadline.Set(Stopwatch.GetTimestamp() + random.NextInt64(Stopwatch.Frequency / 10));
            if (i % 2 == 0)
            {
                deadline.Set(Stopwatch.GetTimestamp() + random.NextInt64(Stopwatch.Frequency / 10));
            }

            tasks.Add(expired.Task);
        }

        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromMinutes(2));
    }

    [Fact]
    public void Deadlines_that_are_not_needed_any_more_do_not_pile_up()
    {
        for (int i = 0; i < 100_000; i++)
        {
            var deadline = new Deadline(static () => { });
            deadline.Set(Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3600));
            deadline.Retire();
        }

        Assert.InRange(Deadline.QueuedCount, 0, 20_000);
    }

    [Theory]
    [Trait("Security", "CL-03")]
    [InlineData(true)]
    [InlineData(false)]
    public void A_plug_in_is_not_kept_until_a_deadline_that_it_did_not_need(bool isDisposed)
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest("""(module (func (export "run")))""") with { Timeout = TimeSpan.FromHours(1) });
        AssertIsCollected(Use(compiled, isDisposed));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Use(CompiledPlugin compiled, bool isDisposed)
        {
            Plugin plugin = compiled.CreateInstance();
            plugin.Call("run");
            if (isDisposed)
            {
                plugin.Dispose();
            }

            return new WeakReference(plugin);
        }
    }

    [Theory]
    [Trait("Security", "CL-03")]
    [InlineData(true)]
    [InlineData(false)]
    public void A_plug_in_is_not_kept_until_a_request_could_have_timed_out(bool isDisposed)
    {
        using HttpServer server = HttpServer.Of("answer");
        using CompiledPlugin compiled = HttpGuest.Compile(new PluginOptions { Http = new PluginHttpOptions { RequestTimeout = TimeSpan.FromHours(1) } }, "127.0.0.1");
        AssertIsCollected(Use(compiled, server.Url(), isDisposed));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Use(CompiledPlugin compiled, string url, bool isDisposed)
        {
            Plugin plugin = compiled.CreateInstance();
            Assert.Equal("answer", plugin.Send(url).Text);
            if (isDisposed)
            {
                plugin.Dispose();
            }

            return new WeakReference(plugin);
        }
    }

    // The one that is farthest first: it is that which the thread waits for.
    [Fact]
    [Trait("Security", "LM-08")]
    public void Deadlines_that_are_centuries_away_are_deadlines_like_others() => ChildProcess.Run(static _ =>
    {
        using Plugin plugin = Fixtures.FromWat("""(module (func (export "run") (result i32) (i32.const 7)) (func (export "spin") (loop (br 0))))""");
        foreach (TimeSpan timeout in (TimeSpan[])[TimeSpan.MaxValue, TimeSpan.FromDays(100_000), TimeSpan.FromDays(150), TimeSpan.FromDays(25)])
        {
            plugin.Timeout = timeout;
            if (plugin.Call("run").ExitCode != 7)
            {
                throw new InvalidOperationException($"{timeout}");
            }

            Thread.Sleep(20);
        }

        plugin.Timeout = TimeSpan.FromMilliseconds(20);
        try
        {
            plugin.CallAsync("spin").WaitAsync(TimeSpan.FromMinutes(2)).GetAwaiter().GetResult();
        }
        catch (WasmTimeoutException)
        {
            return;
        }

        throw new InvalidOperationException("no timeout");
    }).AssertSucceeded();

    [Fact]
    public async Task A_cleared_deadline_does_not_expire()
    {
        StrongBox<int> count;
        long due;
        do
        {
            // Where this thread was away until the time had come, it may have expired.
            var own = count = new StrongBox<int>();
            var deadline = new Deadline(() => Interlocked.Increment(ref own.Value));
            due = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 20);
            deadline.Set(due);
            deadline.Clear();
        }
        while (Stopwatch.GetTimestamp() >= due);

        var later = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var marker = new Deadline(() => later.TrySetResult());
        marker.Set(Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 10));
        await later.Task.WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(0, count.Value);
    }

    private static void AssertIsCollected(WeakReference reference)
    {
        for (int i = 0; i < 20 && reference.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(reference.IsAlive);
    }
}
