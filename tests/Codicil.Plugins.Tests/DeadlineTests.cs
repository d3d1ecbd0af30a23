using System.Diagnostics;
using System.Runtime.CompilerServices;

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
        WeakReference plugin = Use(compiled, isDisposed);
        for (int i = 0; i < 20 && plugin.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(plugin.IsAlive);

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
}
