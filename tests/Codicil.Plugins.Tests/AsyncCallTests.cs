using System.Buffers;
using System.Collections.Concurrent;

using Codicil.Format.Types;
using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>Asynchronous calls and asynchronous host functions of plug-ins.</summary>
public sealed class AsyncCallTests
{
    // The input goes to the host function, its result is the output.
    private const string Guest = """
        (module
          (import "extism:host/user" "ask" (func $ask (param i64) (result i64)))
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "length" (func $length (param i64) (result i64)))
          (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
          (import "extism:host/env" "input_length" (func $input_length (result i64)))
          (import "extism:host/env" "input_load_u8" (func $input_load (param i64) (result i32)))
          (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
          (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
          (func (export "ask") (result i32) (local $answer i64)
            (local.set $answer (call $ask (call $input_offset)))
            (call $output_set (local.get $answer) (call $length (local.get $answer)))
            (i32.const 7))
          (func (export "echo")
            (call $output_set (call $input_offset) (call $input_length)))
          (func (export "ask and loop") (drop (call $ask (call $input_offset))) (loop $l (br $l)))
          (func (export "trap") unreachable))
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static PluginOptions With(HostFunction function) => new() { HostFunctions = [function] };

    private static Plugin Create(Func<CurrentPlugin, string, Task<string>> ask, CallThreads? threads = null) =>
        Fixtures.FromWat(Guest, With(HostFunction.Create("ask", ask)) with { Engine = EngineOptions.Default with { CallThreads = threads } });

    [Fact]
    public void What_callbacks_of_an_ended_call_throw_counts_as_observed()
    {
        const string Marker = "thrown when the call was ended";
        int unobserved = 0;
        EventHandler<UnobservedTaskExceptionEventArgs> heard = (_, e) =>
        {
            if (e.Exception.ToString().Contains(Marker, StringComparison.Ordinal))
            {
                Interlocked.Increment(ref unobserved);
                e.SetObserved();
            }
        };
        TaskScheduler.UnobservedTaskException += heard;
        try
        {
            EndCall();
            for (int i = 0; i < 10; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Thread.Sleep(10);
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= heard;
        }

        Assert.Equal(0, unobserved);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void EndCall()
        {
            using var entered = new ManualResetEventSlim();
            using var thrown = new ManualResetEventSlim();
            using Plugin plugin = Fixtures.FromWat(
                """(module (import "extism:host/user" "wait" (func $wait)) (func (export "run") (call $wait)))""",
                new PluginOptions
                {
                    HostFunctions =
                    [
                        HostFunction.Create("wait", current =>
                        {
                            current.Aborted.Register(() =>
                            {
                                thrown.Set();
                                throw new InvalidOperationException(Marker);
                            });
                            entered.Set();
                            return Task.Delay(Timeout.Infinite, CancellationToken.None);
                        }),
                    ],
                });
            using var source = new CancellationTokenSource();
            var canceler = new Thread(() =>
            {
                entered.Wait();
                source.Cancel();
            });
            canceler.Start();
            Assert.Throws<WasmCanceledException>(() => { plugin.Call("run", default(ReadOnlySpan<byte>), source.Token); });
            canceler.Join();
            Assert.True(thrown.Wait(TimeSpan.FromMinutes(2)));
        }
    }

    [Fact]
    [Trait("Parity", "EXT-08")]
    public async Task Every_form_of_an_asynchronous_call_gives_what_the_synchronous_one_does()
    {
        using Plugin plugin = Create(static async (_, text) =>
        {
            await Task.Delay(1);
            return text + "!";
        });
        PluginResult result = await plugin.CallAsync("ask", "hé"u8.ToArray(), Token);
        Assert.Equal("hé!", result.ToString());
        Assert.Equal(7u, result.ExitCode);
        Assert.Equal("hé!"u8, result.Data.Span);
        Assert.Equal("ho!", await plugin.CallAsync("ask", "ho", Token));
        Assert.Equal(7u, plugin.LastExitCode);
        var writer = new ArrayBufferWriter<byte>();
        Assert.Equal(7u, await plugin.CallAsync("ask", "x"u8.ToArray(), writer, Token));
        Assert.Equal("x!"u8, writer.WrittenSpan);
        Assert.Equal("sync!", plugin.Call("ask", "sync"));
    }

    [Fact]
    [Trait("Parity", "EXT-08")]
    public async Task The_input_can_be_reused_at_once()
    {
        var threads = new CallThreads(1);
        using Plugin plugin = Create(static (_, text) => Task.FromResult(text), threads);
        using var proceed = new ManualResetEventSlim();
        using Plugin other = Create((_, text) =>
        {
            proceed.Wait(Token);
            return Task.FromResult(text);
        }, threads);
        Task<string> first = other.CallAsync("ask", "first", Token);
        byte[] input = "second"u8.ToArray();
        Task<PluginResult> second = plugin.CallAsync("ask", input, Token);
        Array.Clear(input);
        proceed.Set();
        Assert.Equal("first", await first);
        Assert.Equal("second", (await second).ToString());
    }

    [Fact]
    [Trait("Parity", "EXT-08")]
    public async Task Failures_are_those_of_synchronous_calls()
    {
        var exception = new FormatException("mine");
        using Plugin plugin = Create(async (_, _) =>
        {
            await Task.Yield();
            throw exception;
        });
        Assert.Same(exception, await Assert.ThrowsAsync<FormatException>(() => plugin.CallAsync("ask", "", Token)));
        Assert.Equal(PluginFailure.Trap, (await Assert.ThrowsAsync<PluginException>(() => plugin.CallAsync("trap", "", Token))).Failure);
        Assert.Equal(PluginFailure.UnknownFunction, (await Assert.ThrowsAsync<PluginException>(() => plugin.CallAsync("none", "", Token))).Failure);
        await Assert.ThrowsAsync<ArgumentNullException>(() => plugin.CallAsync(null!, "", Token));
        Assert.Equal("still here", await plugin.CallAsync("echo", "still here", Token));
    }

    [Fact]
    [Trait("Security", "CL-01")]
    public async Task The_plug_in_is_busy_until_the_task_is_complete()
    {
        var answer = new TaskCompletionSource<string>();
        using Plugin plugin = Create((_, _) => answer.Task);
        Task<string> call = plugin.CallAsync("ask", "", Token);
        Assert.Throws<InvalidOperationException>(() => plugin.Call("echo", ""));
        await Assert.ThrowsAsync<InvalidOperationException>(() => plugin.CallAsync("echo", "", Token));
        answer.SetResult("now");
        Assert.Equal("now", await call);
        Assert.Equal("free", plugin.Call("echo", "free"));
    }

    [Fact]
    [Trait("Security", "LM-02")]
    [Trait("Parity", "EXT-09")]
    public async Task A_deadline_ends_the_wait_for_a_task_that_never_ends()
    {
        var never = new TaskCompletionSource<string>();
        CurrentPlugin? kept = null;
        var aborted = new TaskCompletionSource();
        Plugin plugin = Create((current, _) =>
        {
            kept = current;
            current.Aborted.Register(aborted.SetResult);
            return never.Task;
        });
        using (plugin)
        {
            WasmTimeoutException timeout = await TimeoutInsideAsync(plugin, () => kept is not null);
            Assert.Same(timeout, plugin.ClosedBy);
            Assert.Equal(PluginExitCodes.DeadlineExceeded, plugin.LastExitCode);
            Assert.Throws<InvalidOperationException>(() => kept!.WriteString("too late"));
            await aborted.Task.WaitAsync(TimeSpan.FromMinutes(1), Token);
        }

        never.SetException(new InvalidOperationException("observed by nobody but the host"));
    }

    // A timeout that comes while the host function waits, however long the machine takes to come there.
    private static async Task<WasmTimeoutException> TimeoutInsideAsync(Plugin plugin, Func<bool> wasInside)
    {
        var timeout = TimeSpan.FromMilliseconds(100);
        while (true)
        {
            plugin.Timeout = timeout;
            WasmTimeoutException exception = await Assert.ThrowsAsync<WasmTimeoutException>(() => plugin.CallAsync("ask", "", Token));
            if (wasInside())
            {
                return exception;
            }

            if (plugin.IsClosed)
            {
                plugin.Reset(Token);
            }

            timeout *= 2;
        }
    }

    [Fact]
    [Trait("Parity", "EXT-09")]
    [Trait("Security", "LM-02")]
    public async Task A_host_function_that_hears_of_the_end_by_its_token_ends_the_call_with_the_reason()
    {
        foreach (bool beforeTheWait in new[] { false, true })
        {
            CancellationTokenSource? source = null;
            bool isInside = false;
            using Plugin plugin = Create(async (current, text) =>
            {
                isInside = true;
                _ = source?.CancelAsync();
                if (beforeTheWait)
                {
                    // Its task is complete, cancelled, when the call comes to wait for it.
                    current.Aborted.WaitHandle.WaitOne();
                    current.Aborted.ThrowIfCancellationRequested();
                }

                await Task.Delay(Timeout.Infinite, current.Aborted);
                return text;
            });
            WasmTimeoutException timeout = await TimeoutInsideAsync(plugin, () => isInside);
            Assert.Same(timeout, plugin.ClosedBy);
            plugin.Reset(Token);
            using var canceled = new CancellationTokenSource();
            source = canceled;
            Assert.Throws<WasmCanceledException>(() => plugin.Call("ask", "", canceled.Token));
            Assert.True(plugin.IsClosed);

            // A cancellation that is the host function's own stays what it is.
            using Plugin other = Create(static (_, _) => Task.FromCanceled<string>(new CancellationToken(true)));
            other.Timeout = TimeSpan.FromMinutes(1);
            await Assert.ThrowsAsync<TaskCanceledException>(() => other.CallAsync("ask", "", Token));
            Assert.False(other.IsClosed);
        }
    }

    [Fact]
    [Trait("Security", "LM-02")]
    public void A_deadline_ends_the_wait_of_a_synchronous_call_too()
    {
        using Plugin plugin = Create(static (_, _) => new TaskCompletionSource<string>().Task);
        plugin.Timeout = TimeSpan.FromMilliseconds(50);
        Assert.Throws<WasmTimeoutException>(() => plugin.Call("ask", ""));
    }

    [Fact]
    [Trait("Parity", "EXT-08")]
    public async Task A_token_ends_a_loop_and_a_wait()
    {
        foreach (string name in new[] { "ask and loop", "ask" })
        {
            // Only a call that runs closes the plug-in.
            var isInside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using Plugin plugin = Create((_, text) =>
            {
                isInside.SetResult();
                return name == "ask" ? new TaskCompletionSource<string>().Task : Task.FromResult(text);
            });
            using var source = new CancellationTokenSource();
            Task<string> call = plugin.CallAsync(name, "", source.Token);
            await isInside.Task;
            await source.CancelAsync();
            WasmCanceledException exception = await Assert.ThrowsAsync<WasmCanceledException>(() => call);
            Assert.Equal(source.Token, exception.CancellationToken);
            Assert.True(call.IsCanceled);
            Assert.True(plugin.IsClosed);
        }
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public async Task Disposal_ends_a_wait()
    {
        var isWaiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Plugin plugin = Create((_, _) =>
        {
            isWaiting.SetResult();
            return new TaskCompletionSource<string>().Task;
        });
        Task<string> call = plugin.CallAsync("ask", "", Token);
        await isWaiting.Task;
        plugin.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public async Task A_call_that_waits_for_a_thread_can_be_ended_and_leaves_the_plug_in_open()
    {
        var threads = new CallThreads(1);
        var release = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using Plugin first = Create((_, _) => release.Task, threads);
        Plugin second = Create(static (_, text) => Task.FromResult(text), threads);
        Task<string> blocking = first.CallAsync("ask", "", Token);

        using var source = new CancellationTokenSource();
        Task<string> canceled = second.CallAsync("echo", "", source.Token);
        Assert.False(canceled.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAsync<WasmCanceledException>(() => canceled);
        Assert.Equal(PluginExitCodes.Canceled, second.LastExitCode);
        Assert.False(second.IsClosed);
        Assert.Equal("open", second.Call("echo", "open"));

        second.Timeout = TimeSpan.FromMilliseconds(20);
        await Assert.ThrowsAsync<WasmTimeoutException>(() => second.CallAsync("echo", "", Token));
        Assert.Equal(PluginExitCodes.DeadlineExceeded, second.LastExitCode);
        second.Timeout = null;
        Assert.Equal("open", second.Call("echo", "open"));

        Task<string> disposed = second.CallAsync("echo", "", Token);
        second.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => disposed);
        Assert.Equal(0, threads.WaitingCount);
        release.SetResult("done");
        Assert.Equal("done", await blocking);
    }

    [Fact]
    [Trait("Security", "CL-05")]
    public async Task Asynchronous_locals_are_seen_by_host_functions_and_no_synchronization_context()
    {
        var local = new AsyncLocal<string?>();
        using Plugin plugin = Create(async (_, _) =>
        {
            Assert.Null(SynchronizationContext.Current);
            string? before = local.Value;
            await Task.Yield();
            return before + local.Value;
        });
        local.Value = "a";
        Assert.Equal("aa", await plugin.CallAsync("ask", "", Token));
        local.Value = "b";
        Assert.Equal("bb", await plugin.CallAsync("ask", "", Token));
        Assert.Equal("bb", plugin.Call("ask", ""));
    }

    [Fact]
    [Trait("Security", "CL-05")]
    public async Task Under_a_single_threaded_context_or_scheduler_a_synchronous_call_does_not_wait_for_itself()
    {
        using Plugin plugin = Create(static async (current, text) =>
        {
            await Task.Delay(5);
            return text + current.ReadString(0);
        });
        string? result = null;
        using var context = new OneThread();
        context.Run(() =>
        {
            result = plugin.Call("ask", "context");
            Assert.Same(context, SynchronizationContext.Current);
        });
        Assert.Equal("context", result);

        // Its tasks, too, run one at a time, and those that follow an await would be among them.
        var exclusive = new ConcurrentExclusiveSchedulerPair();
        Task call = Task.Factory.StartNew(() => result = plugin.Call("ask", "scheduler"), Token, TaskCreationOptions.None, exclusive.ExclusiveScheduler);
        await call.WaitAsync(TimeSpan.FromMinutes(2), Token);
        Assert.Equal("scheduler", result);
    }

    [Fact]
    public async Task What_follows_an_await_may_use_the_current_plug_in_on_its_thread()
    {
        CurrentPlugin? kept = null;
        using Plugin plugin = Create(async (current, text) =>
        {
            kept = current;
            await Task.Yield();
            Assert.NotEqual("Codicil async call", Thread.CurrentThread.Name);
            long handle = current.WriteString("in memory");
            current.Variables.Set("seen", "yes"u8);
            current.ThrowIfInterrupted();
            return text + current.ReadString(handle);
        });
        Assert.Equal("x in memory", await plugin.CallAsync("ask", "x ", Token));
        Assert.Equal("yes"u8, plugin.Variables.Get("seen")!.Value.Span);
        Assert.Throws<InvalidOperationException>(() => kept!.ReadString(0));
        Assert.Throws<InvalidOperationException>(() => kept!.Aborted);
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public async Task Asynchronous_functions_have_every_shape()
    {
        var seen = new ConcurrentQueue<string>();
        async Task Note(string text)
        {
            await Task.Yield();
            seen.Enqueue(text);
        }

        PluginOptions options = new()
        {
            HostFunctions =
            [
                HostFunction.Create("a0", async _ => await Note("a0")),
                HostFunction.Create("a1", async (CurrentPlugin _, int a) => await Note($"a1 {a}")),
                HostFunction.Create("a2", async (CurrentPlugin _, int a, long b) => await Note($"a2 {a} {b}")),
                HostFunction.Create("a3", async (CurrentPlugin _, int a, long b, double c) => await Note($"a3 {a} {b} {c}")),
                HostFunction.Create("v0", (Func<CurrentPlugin, ValueTask>)(_ => new ValueTask(Note("v0")))),
                HostFunction.Create("f0", async _ =>
                {
                    await Task.Yield();
                    return 10;
                }),
                HostFunction.Create("f1", (Func<CurrentPlugin, int, ValueTask<int>>)((_, a) => ValueTask.FromResult(a + 1))),
                HostFunction.Create("f3", (CurrentPlugin _, int a, long b, float c) => Task.FromResult(a + b + (long)c)),
                HostFunction.CreateAsync("raw", new FunctionType([ValType.I32, ValType.I32], [ValType.I32]), static async (_, stack) =>
                {
                    await Task.Yield();
                    stack.Span[0] += stack.Span[1];
                }),
            ],
        };
        using Plugin plugin = Fixtures.FromWat(
            """
            (module
              (import "extism:host/user" "a0" (func $a0))
              (import "extism:host/user" "a1" (func $a1 (param i32)))
              (import "extism:host/user" "a2" (func $a2 (param i32 i64)))
              (import "extism:host/user" "a3" (func $a3 (param i32 i64 f64)))
              (import "extism:host/user" "v0" (func $v0))
              (import "extism:host/user" "f0" (func $f0 (result i32)))
              (import "extism:host/user" "f1" (func $f1 (param i32) (result i32)))
              (import "extism:host/user" "f3" (func $f3 (param i32 i64 f32) (result i64)))
              (import "extism:host/user" "raw" (func $raw (param i32 i32) (result i32)))
              (func (export "run") (result i64)
                (call $a0)
                (call $a1 (i32.const 1))
                (call $a2 (i32.const 1) (i64.const 2))
                (call $a3 (i32.const 1) (i64.const 2) (f64.const 3))
                (call $v0)
                (i64.add
                  (call $f3 (call $f1 (call $f0)) (i64.const 20) (f32.const 0.5))
                  (i64.extend_i32_u (call $raw (i32.const 100) (i32.const 200))))))
            """,
            options);
        Assert.Equal(331u, (await plugin.CallAsync("run", cancellationToken: Token)).ExitCode);
        Assert.Equal(["a0", "a1 1", "a2 1 2", "a3 1 2 3", "v0"], seen);
        Assert.Equal(331u, plugin.Call("run").ExitCode);
    }

    [Fact]
    public async Task Instances_are_made_and_reset_on_threads_of_ours()
    {
        var names = new ConcurrentQueue<string?>();
        using CompiledPlugin compiled = CompiledPlugin.Create(
            Fixtures.WatManifest("(module (import \"extism:host/user\" \"start\" (func $start)) (start $start) (func (export \"run\") (result i32) (i32.const 8)))"),
            With(HostFunction.Create("start", async _ =>
            {
                names.Enqueue(Thread.CurrentThread.Name);
                await Task.Delay(5);
            })));
        Plugin plugin = await compiled.CreateInstanceAsync(cancellationToken: Token);
        Assert.Equal(8u, plugin.Call("run").ExitCode);
        await plugin.ResetAsync(Token);
        Assert.Equal(8u, (await plugin.CallAsync("run", cancellationToken: Token)).ExitCode);
        Assert.Equal(["Codicil async call", "Codicil async call"], names);
        await Assert.ThrowsAsync<ArgumentException>(() => compiled.CreateInstanceAsync(new PluginInstanceOptions { WasiOptions = Codicil.Wasi.WasiOptions.Default }, Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => compiled.CreateInstanceAsync(cancellationToken: new CancellationToken(true)));
        compiled.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => compiled.CreateInstanceAsync(cancellationToken: Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => plugin.ResetAsync(Token));
    }

    [Fact]
    public async Task A_delegate_that_returns_a_task_is_waited_for()
    {
        using Plugin plugin = Fixtures.FromWat(Guest, With(HostFunction.FromDelegate("ask", async (long handle) =>
        {
            await Task.Yield();
            return handle;
        })));
        Assert.Equal("same", await plugin.CallAsync("ask", "same", Token));
    }

    [Fact]
    [Trait("Security", "LM-08")]
    [Trait("Parity", "EXT-08")]
    public void A_thousand_calls_that_wait_need_two_threads_of_the_pool()
    {
        ChildProcess.Run(static _ =>
        {
            const int Calls = 1_000;
            ThreadPool.SetMinThreads(1, 1);
            ThreadPool.SetMaxThreads(2, 2);
            int waiting = 0;
            var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), With(HostFunction.Create("ask", async (CurrentPlugin _, string text) =>
            {
                // Every call is inside at the same time before the first one goes on; so no thread of the pool waits for any.
                if (Interlocked.Increment(ref waiting) == Calls)
                {
                    all.SetResult();
                }

                await all.Task;
                await Task.Delay(1000);
                return text;
            })));
            Plugin[] plugins = [.. Enumerable.Range(0, Calls).Select(_ => compiled.CreateInstance())];
            Task<string>[] calls = [.. plugins.Select((plugin, i) => plugin.CallAsync("ask", i.ToString(System.Globalization.CultureInfo.InvariantCulture)))];
            int turns = 0;
            while (!Task.WhenAll(calls).Wait(TimeSpan.FromMilliseconds(100)))
            {
                // The pool still takes work.
                Task.Run(() => turns++).Wait();
            }

            for (int i = 0; i < Calls; i++)
            {
                if (calls[i].Result != i.ToString(System.Globalization.CultureInfo.InvariantCulture))
                {
                    throw new InvalidOperationException($"call {i} gave {calls[i].Result}");
                }
            }

            if (ThreadPool.ThreadCount > 2 || CallThreads.Shared.Count > CallThreads.DefaultMaxThreads || turns == 0)
            {
                throw new InvalidOperationException($"{ThreadPool.ThreadCount} threads of the pool, {CallThreads.Shared.Count} of ours, {turns} turns");
            }
        }).AssertSucceeded();
    }

    // What is posted runs only after the action that is running: as in a user interface.
    private sealed class OneThread : SynchronizationContext, IDisposable
    {
        private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _posted = [];

        public override void Post(SendOrPostCallback d, object? state) => _posted.Add((d, state));

        public void Run(Action action)
        {
            Exception? failure = null;
            var thread = new Thread(() =>
            {
                SetSynchronizationContext(this);
                failure = Record.Exception(action);
            });
            thread.Start();
            Assert.True(thread.Join(TimeSpan.FromMinutes(2)), "the call waits for its own thread");
            Assert.Null(failure);
        }

        public void Dispose() => _posted.Dispose();
    }
}
