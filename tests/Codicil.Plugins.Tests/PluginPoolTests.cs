using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>Pools of instances.</summary>
public sealed class PluginPoolTests
{
    // "touch" changes everything that an instance has; "look" says what is left of it: global, memory, pages, and whether the variable and the key are there.
    private const string Guest = """
        (module
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
          (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
          (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
          (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
          (import "extism:host/env" "output_set" (func $output (param i64 i64)))
          (memory (export "memory") 1)
          (global $g (mut i32) (i32.const 0))
          (func $letter (param i32) (result i64) (local $at i64)
            (local.set $at (call $alloc (i64.const 1))) (call $store (local.get $at) (local.get 0)) (local.get $at))
          (func (export "touch") (result i32)
            (global.set $g (i32.add (global.get $g) (i32.const 1)))
            (i32.store (i32.const 100) (i32.const 1))
            (drop (memory.grow (i32.const 1)))
            (call $var_set (call $letter (i32.const 118)) (call $letter (i32.const 120)))
            (call $output (call $letter (i32.const 111)) (i64.const 1))
            (global.get $g))
          (func (export "look") (result i32)
            (i32.or (global.get $g) (i32.or
              (i32.shl (i32.load (i32.const 100)) (i32.const 8)) (i32.or
              (i32.shl (i32.sub (memory.size) (i32.const 1)) (i32.const 9)) (i32.or
              (i32.shl (i64.ne (call $var_get (call $letter (i32.const 118))) (i64.const 0)) (i32.const 10))
              (i32.shl (i64.ne (call $config_get (call $letter (i32.const 99))) (i64.const 0)) (i32.const 11)))))))
          (func (export "trap") unreachable)
          (func (export "spin") (loop (br 0))))
        """;

    [Fact]
    public async Task A_lease_is_an_instance_until_it_ends()
    {
        await using PluginPool pool = Pool();
        PluginLease lease = await pool.RentAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1u, lease.Plugin.Call("touch").ExitCode);
        Assert.Equal(new PluginPoolState(0, 1, 0), pool.State);
        await lease.DisposeAsync();
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => lease.Plugin);
        Assert.Equal(new PluginPoolState(1, 0, 0), pool.State);
    }

    [Theory]
    [Trait("Security", "KH-09")]
    [InlineData(PluginPoolPolicy.Renew)]
    [InlineData(PluginPoolPolicy.Discard)]
    public void Nothing_of_a_lease_is_seen_by_the_next(PluginPoolPolicy policy)
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1, Policy = policy });
        for (int i = 0; i < 5; i++)
        {
            using PluginLease lease = pool.Rent();
            Assert.Equal(0u, lease.Plugin.Call("look").ExitCode);
            Assert.Equal(0, lease.Plugin.Call("look").Data.Length);
            Assert.Equal(1u, lease.Plugin.Call("touch").ExitCode);
            lease.Plugin.Config["c"] = "changed";
            lease.Plugin.Variables.Set("host", [1]);
            lease.Plugin.Variables.MaxBytes = 5;
            lease.Plugin.Timeout = TimeSpan.FromSeconds(1);
            lease.Plugin.LogLevel = PluginLogLevel.Trace;
            lease.Plugin.HostContext = this;
            Assert.Equal(0xF01u, lease.Plugin.Call("look").ExitCode);
        }

        using PluginLease last = pool.Rent();
        Assert.Empty(last.Plugin.Variables);
        Assert.Equal(PluginMemoryLimits.DefaultMaxVarBytes, last.Plugin.Variables.MaxBytes);
        Assert.Null(last.Plugin.Timeout);
        Assert.Null(last.Plugin.LogLevel);
        Assert.Null(last.Plugin.HostContext);
    }

    [Fact]
    public void Who_keeps_the_instance_of_an_ended_lease_cannot_use_it()
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1 });
        PluginLease lease = pool.Rent();
        Plugin kept = lease.Plugin;
        lease.Dispose();
        using PluginLease next = pool.Rent();
        Assert.Throws<ObjectDisposedException>(() => kept.Call("touch"));
        Assert.Equal(0u, next.Plugin.Call("look").ExitCode);
    }

    [Fact]
    public void Instances_are_kept_as_they_are_when_that_is_asked_for_but_not_after_a_failure()
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1, Policy = PluginPoolPolicy.Keep });
        for (uint i = 1; i <= 3; i++)
        {
            using PluginLease lease = pool.Rent();
            Assert.Equal(i, lease.Plugin.Call("touch").ExitCode);
            Assert.Throws<PluginException>(() => lease.Plugin.Call("no such function"));
        }

        using (PluginLease lease = pool.Rent())
        {
            Assert.Throws<PluginException>(() => lease.Plugin.Call("trap"));
        }

        using (PluginLease lease = pool.Rent())
        {
            Assert.Equal(1u, lease.Plugin.Call("touch").ExitCode);
            lease.Plugin.Timeout = TimeSpan.FromMilliseconds(10);
            Assert.Throws<WasmTimeoutException>(() => lease.Plugin.Call("spin"));
        }

        using (PluginLease lease = pool.Rent())
        {
            Assert.Equal(1u, lease.Plugin.Call("touch").ExitCode);
            lease.Plugin.Dispose();
        }

        using PluginLease last = pool.Rent();
        Assert.Equal(1u, last.Plugin.Call("touch").ExitCode);
    }

    [Fact]
    public async Task Those_who_wait_are_served_in_order_and_may_give_up()
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1 });
        PluginLease first = pool.Rent();
        Assert.Null(pool.TryRent());
        var order = new ConcurrentQueue<int>();
        using var gaveUp = new CancellationTokenSource();
        Task<PluginLease>[] waiting = [.. Enumerable.Range(0, 5).Select(i => pool.RentAsync(i == 2 ? gaveUp.Token : CancellationToken.None).AsTask())];
        Assert.Equal(5, pool.State.Waiting);
        await gaveUp.CancelAsync();
        Assert.Equal(gaveUp.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting[2])).CancellationToken);
        Assert.Equal(4, pool.State.Waiting);
        PluginLease held = first;
        foreach (int i in new[] { 0, 1, 3, 4 })
        {
            held.Dispose();
            held = await waiting[i];
            order.Enqueue(i);
            Assert.All(waiting.Where((task, index) => index > i && index != 2), static task => Assert.False(task.IsCompleted));
        }

        held.Dispose();
        Assert.Equal(new PluginPoolState(1, 0, 0), pool.State);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pool.RentAsync(gaveUp.Token).AsTask());
        Assert.Equal(new PluginPoolState(1, 0, 0), pool.State);
    }

    [Theory]
    [Trait("Security", "CL-01")]
    [InlineData(PluginPoolPolicy.Renew)]
    [InlineData(PluginPoolPolicy.Discard)]
    [InlineData(PluginPoolPolicy.Keep)]
    public async Task Many_threads_lose_and_double_no_instance(PluginPoolPolicy policy)
    {
        const int size = 3;
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = size, Policy = policy, IdleTimeout = TimeSpan.FromMilliseconds(20) });
        var owners = new ConcurrentDictionary<Plugin, int>();
        int most = 0;
        int inside = 0;
        int served = 0;
        int gaveUp = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(thread => Task.Run(async () =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 200; i++)
            {
                using var patience = new CancellationTokenSource();
                if (random.Next(4) == 0)
                {
                    patience.CancelAfter(TimeSpan.FromMicroseconds(random.Next(2000)));
                }

                PluginLease lease;
                try
                {
                    lease = await pool.RentAsync(patience.Token);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref gaveUp);
                    continue;
                }

                await using (lease)
                {
                    Plugin plugin = lease.Plugin;
                    Assert.True(owners.TryAdd(plugin, thread));
                    int now = Interlocked.Increment(ref inside);
                    InterlockedMax(ref most, now);
                    uint left = plugin.Call("look").ExitCode;
                    Assert.True(policy == PluginPoolPolicy.Keep || left == 0);
                    if (policy != PluginPoolPolicy.Keep)
                    {
                        plugin.Call("touch");
                    }

                    if (random.Next(10) == 0)
                    {
                        Assert.Throws<PluginException>(() => plugin.Call("trap"));
                    }

                    if (random.Next(20) == 0)
                    {
                        plugin.Dispose();
                    }

                    Interlocked.Decrement(ref inside);
                    Interlocked.Increment(ref served);
                    Assert.True(owners.TryRemove(plugin, out _));
                }

                if (random.Next(30) == 0)
                {
                    pool.Trim();
                }
            }
        })));
        Assert.Equal(16 * 200, served + gaveUp);
        Assert.InRange(most, 1, size);
        Assert.Equal((0, 0), (pool.State.Lent, pool.State.Waiting));
        Assert.InRange(pool.State.Idle, 0, size);

        // Every place is there still.
        PluginLease[] all = [.. Enumerable.Range(0, size).Select(_ => pool.TryRent()!)];
        Assert.All(all, Assert.NotNull);
        Assert.Null(pool.TryRent());
        foreach (PluginLease lease in all)
        {
            lease.Dispose();
        }
    }

    [Fact]
    public void Instances_can_be_made_ahead_and_are_dropped_when_they_have_waited_for_long()
    {
        var time = new ManualTime();
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest));
        using var pool = new PluginPool(compiled, new PluginPoolOptions { MaxSize = 5, IdleTimeout = TimeSpan.FromMinutes(1), MinimumIdle = 1, TimeProvider = time });
        pool.WarmUp(3);
        Assert.Equal(new PluginPoolState(3, 0, 0), pool.State);
        Assert.Equal(3, compiled.LiveInstances);
        pool.WarmUp(100);
        Assert.Equal(new PluginPoolState(5, 0, 0), pool.State);
        time.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal(5, pool.State.Idle);
        using (pool.Rent())
        {
        }

        time.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal(new PluginPoolState(1, 0, 0), pool.State);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(new PluginPoolState(1, 0, 0), pool.State);
        Assert.Equal(1, compiled.LiveInstances);
        Assert.Equal(1, pool.Trim());
        Assert.Equal(0, compiled.LiveInstances);
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public async Task A_pool_that_is_disposed_ends_with_its_last_lease()
    {
        CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest));
        var pool = new PluginPool(compiled, new PluginPoolOptions { MaxSize = 2, DisposesCompiled = true });
        PluginLease one = pool.Rent();
        PluginLease two = pool.Rent();
        Task<PluginLease> waiting = pool.RentAsync(TestContext.Current.CancellationToken).AsTask();
        Task drained = pool.DisposeAsync().AsTask();
        pool.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        Assert.Throws<ObjectDisposedException>(() => pool.Rent());
        Assert.Equal(1u, one.Plugin.Call("touch").ExitCode);
        one.Dispose();
        Assert.False(drained.IsCompleted);
        Assert.Equal(1u, two.Plugin.Call("touch").ExitCode);
        two.Dispose();
        await drained;
        Assert.Throws<ObjectDisposedException>(() => compiled.CreateInstance());
    }

    [Fact]
    public async Task An_instance_that_cannot_be_made_fails_its_lease_and_loses_no_place()
    {
        bool fails = true;
        using CompiledPlugin compiled = CompiledPlugin.Create(
            Fixtures.WatManifest("""(module (import "extism:host/user" "start" (func $start)) (start $start) (func (export "f") (result i32) (i32.const 5)))"""),
            new PluginOptions { HostFunctions = [HostFunction.Create("start", _ => { if (fails) { throw new InvalidOperationException("start"); } })] });
        using var pool = new PluginPool(compiled, new PluginPoolOptions { MaxSize = 1 });
        for (int i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => pool.RentAsync(TestContext.Current.CancellationToken).AsTask());
        }

        Assert.Throws<InvalidOperationException>(() => pool.WarmUp(1));
        fails = false;
        PluginLease lease = pool.Rent();
        Task<PluginLease> waiting = pool.RentAsync(TestContext.Current.CancellationToken).AsTask();
        fails = true;
        lease.Dispose();
        await Assert.ThrowsAsync<InvalidOperationException>(() => waiting);
        Assert.Equal(new PluginPoolState(0, 0, 0), pool.State);
        fails = false;
        using PluginLease last = pool.Rent();
        Assert.Equal(5u, last.Plugin.Call("f").ExitCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_flows_with_whoever_makes_a_pool_does_not_stay_with_its_timer(bool isSuppressed)
    {
        var local = new AsyncLocal<string?> { Value = "the first request" };
        var time = new FlowingTime();
        using (isSuppressed ? ExecutionContext.SuppressFlow() : default(IDisposable))
        {
            using PluginPool pool = Pool(new PluginPoolOptions { TimeProvider = time });
            Assert.Equal(isSuppressed, ExecutionContext.IsFlowSuppressed());
        }

        Assert.Equal(1, time.Timers);
        Assert.Null(time.Context);
        Assert.Equal("the first request", local.Value);
    }

    [Fact]
    public async Task A_lease_that_ends_during_a_call_ends_the_call()
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1 });
        PluginLease lease = pool.Rent();
        Task<PluginResult> call = lease.Plugin.CallAsync("spin", cancellationToken: TestContext.Current.CancellationToken);
        lease.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
        using PluginLease next = pool.Rent();
        Assert.Equal(0u, next.Plugin.Call("look").ExitCode);
    }

    [Fact]
    public void A_lease_that_is_forgotten_gives_its_place_back_when_it_is_collected()
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1 });
        Forget(pool);
        for (int i = 0; i < 100 && pool.State.Lent != 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using PluginLease? lease = pool.TryRent();
        Assert.NotNull(lease);
    }

    [Fact]
    public void A_forgotten_lease_lasts_as_long_as_its_instance_is_used()
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1 });
        Plugin plugin = Take(pool);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(1u, plugin.Call("touch").ExitCode);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest));
        foreach (PluginPoolOptions options in new PluginPoolOptions[]
        {
            new() { MaxSize = 0 }, new() { MinimumIdle = -1 }, new() { Policy = (PluginPoolPolicy)7 },
        })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => new PluginPool(compiled, options));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new PluginPoolOptions { IdleTimeout = TimeSpan.Zero });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(PluginPool pool) => pool.Rent().Plugin.Call("touch");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Plugin Take(PluginPool pool) => pool.Rent().Plugin;

    [Fact]
    [Trait("Security", "LM-08")]
    public void Threads_that_wait_for_a_lease_need_none_of_the_pool() => ChildProcess.Run(static _ =>
    {
        int threads = Environment.ProcessorCount;
        Assert.True(ThreadPool.SetMinThreads(1, 1));
        Assert.True(ThreadPool.SetMaxThreads(threads, threads));
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1, IdleTimeout = null });
        PluginLease held = pool.Rent();
        using var served = new CountdownEvent(threads);
        for (int i = 0; i < threads; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    pool.Rent().Dispose();
                    served.Signal();
                },
                null);
        }

        while (pool.State.Waiting != threads)
        {
            Thread.Sleep(1);
        }

        held.Dispose();
        Assert.True(served.Wait(TimeSpan.FromMinutes(2)), "those who wait for an instance wait for each other's threads");
    }).AssertSucceeded();

    [Fact]
    public async Task A_thread_that_waits_for_a_lease_hears_of_its_token_and_of_the_pools_end()
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1 });
        using PluginLease held = pool.Rent(TestContext.Current.CancellationToken);
        using var source = new CancellationTokenSource();
        Task<PluginLease> canceled = Task.Factory.StartNew(() => pool.Rent(source.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (pool.State.Waiting != 1)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        await source.CancelAsync();
        Assert.Equal(source.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => canceled)).CancellationToken);
        Task<PluginLease> ended = Task.Factory.StartNew(() => pool.Rent(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (pool.State.Waiting != 1)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        pool.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ended);
    }

    [Fact]
    public async Task A_thread_that_is_interrupted_while_it_waits_takes_no_place_with_it()
    {
        using PluginPool pool = Pool(new PluginPoolOptions { MaxSize = 1 });
        PluginLease held = pool.Rent(TestContext.Current.CancellationToken);
        Exception? found = null;
        var thread = new Thread(() => found = Record.Exception(() => pool.Rent()));
        thread.Start();
        while (pool.State.Waiting != 1)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        thread.Interrupt();
        thread.Join();
        Assert.IsType<ThreadInterruptedException>(found);
        Assert.Equal(new PluginPoolState(0, 1, 0), pool.State);
        held.Dispose();
        using PluginLease? next = pool.TryRent();
        Assert.NotNull(next);
    }

    private static PluginPool Pool(PluginPoolOptions? options = null) =>
        new(CompiledPlugin.Create(Fixtures.WatManifest(Guest)), (options ?? PluginPoolOptions.Default) with { DisposesCompiled = true });

    private static void InterlockedMax(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (value > seen)
        {
            seen = Interlocked.CompareExchange(ref target, value, seen) is int old && old == seen ? value : Volatile.Read(ref target);
        }
    }

    /// <summary>Keeps what would flow to timers.</summary>
    private sealed class FlowingTime : TimeProvider
    {
        public int Timers { get; private set; }

        public ExecutionContext? Context { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Timers++;
            Context = ExecutionContext.Capture();
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    /// <summary>Time that passes when it is told to; timers fire then.</summary>
    private sealed class ManualTime : TimeProvider
    {
        private readonly List<ManualTimer> _timers = [];
        private long _now = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new ManualTimer(() => callback(state));
            _timers.Add(timer);
            return timer;
        }

        public void Advance(TimeSpan time)
        {
            _now += time.Ticks;
            foreach (ManualTimer timer in _timers)
            {
                timer.Fire();
            }
        }

        private sealed class ManualTimer(Action callback) : ITimer
        {
            private bool _disposed;

            public void Fire()
            {
                if (!_disposed)
                {
                    callback();
                }
            }

            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() => _disposed = true;

            public ValueTask DisposeAsync()
            {
                _disposed = true;
                return ValueTask.CompletedTask;
            }
        }
    }
}
