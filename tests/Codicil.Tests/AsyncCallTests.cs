using System.Collections.Concurrent;

using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Calls on threads of ours, and host functions that return tasks.</summary>
public sealed class AsyncCallTests
{
    private const string Guest = """
        (module
          (import "host" "wait" (func $wait (param i32) (result i32)))
          (func (export "wait") (param i32) (result i32) (i32.add (call $wait (local.get 0)) (i32.const 1)))
          (func (export "loop") (loop $l (br $l)))
          (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
        """;

    private static readonly EngineOptions s_interruptible = EngineOptions.Default with { Interruptible = true };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_function_is_called_on_a_thread_of_ours()
    {
        using Engine engine = Engine.Create(s_interruptible);
        Instance instance = Instantiate(engine, (Func<int, int>)(static value =>
        {
            Assert.Equal("Codicil async call", Thread.CurrentThread.Name);
            Assert.True(Thread.CurrentThread.IsBackground);
            Assert.False(Thread.CurrentThread.IsThreadPoolThread);
            Assert.Null(SynchronizationContext.Current);
            return value;
        }));
        Value[] results = await instance.GetFunction("wait")!.InvokeAsync(new[] { Value.FromI32(41) }, Token);
        Assert.Equal(42, Assert.Single(results).AsI32());
    }

    [Fact]
    public async Task Delegates_that_return_tasks_are_waited_for()
    {
        using Engine engine = Engine.Create(s_interruptible);
        Delegate[] callbacks =
        [
            async Task<int> (int value) =>
            {
                await Task.Delay(5);
                return value;
            },
            async ValueTask<int> (int value) =>
            {
                await Task.Yield();
                return value;
            },
            (int value) => Task.FromResult(value),
            (int value) => new ValueTask<int>(value),
            async Task<int> (Caller caller, int value) =>
            {
                await Task.Yield();
                Assert.NotNull(caller.Instance);
                return value;
            },
        ];
        foreach (Delegate callback in callbacks)
        {
            Function function = Instantiate(engine, callback).GetFunction("wait")!;
            Assert.Equal(8, function.Invoke([7]));
            Assert.Equal(8, (await function.InvokeAsync(new[] { Value.FromI32(7) }, Token))[0].AsI32());
        }
    }

    [Fact]
    public void Tasks_without_a_result_are_no_result_and_tuples_are_several()
    {
        using Engine engine = Engine.Create(s_interruptible);
        using Store store = engine.CreateStore();
        Assert.Empty(Function.FromDelegate(store, () => Task.CompletedTask).Type.Results);
        Assert.Empty(Function.FromDelegate(store, () => ValueTask.CompletedTask).Type.Results);
        Function pair = Function.FromDelegate(store, async () =>
        {
            await Task.Yield();
            return (1, 2L);
        });
        Assert.Equal([ValType.I32, ValType.I64], pair.Type.Results);
        Assert.Equal(new object?[] { 1, 2L }, pair.Invoke());
        Assert.Throws<ArgumentException>(() => Function.FromDelegate(store, () => Task.FromResult('c')));
    }

    [Fact]
    public async Task Raw_asynchronous_functions_are_defined_for_every_store()
    {
        using Engine engine = Engine.Create(s_interruptible);
        var linker = new Linker(engine);
        linker.DefineAsyncFunction("host", "wait", new FunctionType([ValType.I32], [ValType.I32]), static async (caller, parameters, results) =>
        {
            await Task.Yield();
            Assert.NotNull(caller.Store);
            results.Span[0] = Value.FromI32(parameters.Span[0].AsI32() * 2);
        });
        Module module = Module.FromText(engine, Guest);
        for (int i = 0; i < 2; i++)
        {
            using Store store = engine.CreateStore();
            Function function = linker.Instantiate(store, module).GetFunction("wait")!;
            Assert.Equal(11, (await function.InvokeAsync(new[] { Value.FromI32(5) }, Token))[0].AsI32());
        }
    }

    [Fact]
    public async Task A_hosts_exception_comes_through_as_it_is_before_and_after_an_await()
    {
        using Engine engine = Engine.Create(s_interruptible);
        var exception = new FormatException("mine");
        Delegate[] callbacks =
        [
            Task<int> (int _) => throw exception,
            async Task<int> (int _) =>
            {
                await Task.Yield();
                throw exception;
            },
        ];
        foreach (Delegate callback in callbacks)
        {
            Function function = Instantiate(engine, callback).GetFunction("wait")!;
            Assert.Same(exception, await Assert.ThrowsAsync<FormatException>(() => function.InvokeAsync(new[] { Value.FromI32(1) }, Token)));
            Assert.Same(exception, Assert.Throws<FormatException>(() => function.Invoke([1])));
        }

        Function none = Instantiate(engine, Task<int>? (int _) => null).GetFunction("wait")!;
        Assert.Contains("null instead of a task", Assert.Throws<InvalidOperationException>(() => none.Invoke([1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "LM-01")]
    public async Task A_token_ends_a_loop_and_a_wait_and_the_store_lives_on()
    {
        using Engine engine = Engine.Create(s_interruptible);
        var never = new TaskCompletionSource<int>();
        var isWaiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Instance instance = Instantiate(engine, async Task<int> (int _) =>
        {
            isWaiting.TrySetResult();
            return await never.Task;
        });
        foreach (string name in new[] { "loop", "wait" })
        {
            using var source = new CancellationTokenSource();
            Function function = instance.GetFunction(name)!;
            Task<Value[]> call = function.InvokeAsync(name == "wait" ? new[] { Value.FromI32(1) } : [], source.Token);
            if (name == "wait")
            {
                await isWaiting.Task;
            }

            await source.CancelAsync();
            WasmCanceledException canceled = await Assert.ThrowsAsync<WasmCanceledException>(() => call);
            Assert.Equal(source.Token, canceled.CancellationToken);
            Assert.True(call.IsCanceled);
        }

        Assert.Equal(3, (await instance.GetFunction("add")!.InvokeAsync(new[] { Value.FromI32(1), Value.FromI32(2) }, Token))[0].AsI32());
        never.SetException(new InvalidOperationException("nobody waits for this any more"));
    }

    [Fact]
    public async Task A_token_that_can_be_cancelled_needs_interruption()
    {
        using Engine engine = Engine.Create();
        using var source = new CancellationTokenSource();
        Function function = Instantiate(engine, (int value) => value).GetFunction("add")!;
        await Assert.ThrowsAsync<InvalidOperationException>(() => function.InvokeAsync(new[] { Value.FromI32(1), Value.FromI32(2) }, source.Token));
        await Assert.ThrowsAsync<ArgumentException>(() => function.InvokeAsync(new[] { Value.FromI32(1) }, CancellationToken.None));
    }

    [Fact]
    public async Task A_disposed_store_ends_a_wait()
    {
        using Engine engine = Engine.Create();
        var isWaiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Instance instance = Instantiate(engine, async Task<int> (int _) =>
        {
            isWaiting.SetResult();
            return await new TaskCompletionSource<int>().Task;
        });
        Task<Value[]> call = instance.GetFunction("wait")!.InvokeAsync(new[] { Value.FromI32(1) }, CancellationToken.None);
        await isWaiting.Task;
        instance.Store.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
    }

    [Fact]
    public async Task What_follows_an_await_cannot_call_into_the_store()
    {
        using Engine engine = Engine.Create(s_interruptible);
        Function? add = null;
        Instance instance = Instantiate(engine, async Task<int> (int value) =>
        {
            int before = (int)add!.Invoke([value, 1])!;
            await Task.Yield();
            Assert.Throws<InvalidOperationException>(() => add.Invoke([1, 2]));
            return before;
        });
        add = instance.GetFunction("add");
        Assert.Equal(7, (await instance.GetFunction("wait")!.InvokeAsync(new[] { Value.FromI32(5) }, Token))[0].AsI32());
    }

    [Fact]
    public async Task At_the_bound_calls_wait_without_a_thread_in_their_order()
    {
        var threads = new CallThreads(1);
        using Engine engine = Engine.Create(s_interruptible with { CallThreads = threads });
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var inside = new SemaphoreSlim(0);
        Task first = engine.RunAsync(() =>
        {
            inside.Release();
            release.Task.Wait(Token);
        }, Token);
        await inside.WaitAsync(Token);
        var order = new ConcurrentQueue<int>();
        Task[] others = [.. Enumerable.Range(0, 5).Select(i => engine.RunAsync(() => order.Enqueue(i), Token))];
        Assert.Equal(5, threads.WaitingCount);
        Assert.Equal(1, threads.Count);

        using var source = new CancellationTokenSource();
        Task late = engine.RunAsync(static () => throw new InvalidOperationException("it was cancelled"), source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late);
        Assert.Equal(5, threads.WaitingCount);

        release.SetResult();
        await Task.WhenAll([first, .. others]);
        Assert.Equal([0, 1, 2, 3, 4], order);
        Assert.Equal(1, threads.Count);
    }

    [Fact]
    public async Task A_thread_with_nothing_to_do_ends()
    {
        var threads = new CallThreads(4, TimeSpan.FromMilliseconds(20));
        using Engine engine = Engine.Create(s_interruptible with { CallThreads = threads });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => engine.RunAsync(static () => Thread.Sleep(1), Token)));
        for (int i = 0; i < 3_000 && threads.Count > 0; i++)
        {
            await Task.Delay(10, Token);
        }

        Assert.Equal(0, threads.Count);
        await engine.RunAsync(static () => { }, Token);
    }

    [Fact]
    [Trait("Security", "LM-08")]
    public async Task Calls_for_which_the_system_gives_no_thread_fail_all_of_them()
    {
        // The second is refused while the first, which counts on it, waits already.
        using var first = new ManualResetEventSlim();
        using var second = new ManualResetEventSlim();
        CallThreads? threads = null;
        int starts = 0;
        threads = new CallThreads(4, thread =>
        {
            switch (Interlocked.Increment(ref starts))
            {
                case 1:
                    first.Set();
                    second.Wait(Token);
                    throw new InsufficientMemoryException("no thread for the first");
                case 2:
                    second.Set();
                    SpinWait.SpinUntil(() => threads!.WaitingCount == 1);
                    throw new InsufficientMemoryException("no thread for the second");
                default:
                    thread.UnsafeStart();
                    break;
            }
        });
        Task one = Task.Run(() => threads.RunAsync(static () => throw new InvalidOperationException("it has run"), 1 << 20, Token), Token);
        first.Wait(Token);
        await Assert.ThrowsAsync<InsufficientMemoryException>(() => threads.RunAsync(static () => throw new InvalidOperationException("it has run"), 1 << 20, Token));
        await Assert.ThrowsAsync<InsufficientMemoryException>(() => one);
        Assert.Equal((0, 0), (threads.Count, threads.WaitingCount));

        // When there are threads again it goes on.
        int ran = 0;
        await threads.RunAsync(() => ran++, 1 << 20, Token);
        Assert.Equal(1, ran);
    }

    [Fact]
    [Trait("Security", "LM-08")]
    public async Task A_call_for_which_the_system_gives_no_thread_waits_for_one_of_those_there_are()
    {
        using var release = new ManualResetEventSlim();
        using var inside = new SemaphoreSlim(0);
        int starts = 0;
        var threads = new CallThreads(4, thread =>
        {
            if (Interlocked.Increment(ref starts) > 1)
            {
                throw new InsufficientMemoryException("no more threads");
            }

            thread.UnsafeStart();
        });
        Task first = threads.RunAsync(
            () =>
            {
                inside.Release();
                release.Wait(Token);
            },
            1 << 20,
            Token);
        await inside.WaitAsync(Token);
        int ran = 0;
        Task second = threads.RunAsync(() => ran++, 1 << 20, Token);
        Assert.Equal((1, 1), (threads.Count, threads.WaitingCount));
        release.Set();
        await Task.WhenAll(first, second);
        Assert.Equal(1, ran);
    }

    [Fact]
    public async Task Asynchronous_locals_flow_in_and_not_out()
    {
        using Engine engine = Engine.Create(s_interruptible with { CallThreads = new CallThreads(1) });
        var local = new AsyncLocal<string?> { Value = "outside" };
        string? seen = null;
        await engine.RunAsync(() =>
        {
            seen = local.Value;
            local.Value = "inside";
            SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
        }, Token);
        Assert.Equal("outside", seen);
        Assert.Equal("outside", local.Value);
        local.Value = null;
        await engine.RunAsync(() =>
        {
            seen = local.Value;
            Assert.Null(SynchronizationContext.Current);
        }, Token);
        Assert.Null(seen);
    }

    [Fact]
    public async Task Asynchronous_locals_do_not_stay_with_the_thread_when_they_do_not_flow()
    {
        using Engine engine = Engine.Create(s_interruptible with { CallThreads = new CallThreads(1) });
        var local = new AsyncLocal<string?>();
        string? seen = "nothing yet";
        Task first;
        Task second;
        using (ExecutionContext.SuppressFlow())
        {
            first = engine.RunAsync(() => local.Value = "left by the first", Token);
            second = engine.RunAsync(() => seen = local.Value, Token);
        }

        await first;
        await second;
        Assert.Null(seen);
    }

    [Fact]
    public async Task The_stack_is_long_enough_for_the_deepest_call()
    {
        const int MaxStackBytes = 4 * 1024 * 1024;
        using Engine engine = Engine.Create(s_interruptible with { CallThreads = new CallThreads(2), MaxStackBytes = MaxStackBytes });
        using Store store = engine.CreateStore();
        var names = new ConcurrentBag<string?>();
        var linker = new Linker(engine);
        linker.DefineFunction("host", "bottom", () => names.Add(Thread.CurrentThread.Name));
        Module module = Module.FromText(engine, """
            (module
              (import "host" "bottom" (func $bottom))
              (func $down (export "down") (param i32)
                (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))) (else (call $bottom)))))
            """);
        Function down = linker.Instantiate(store, module).GetFunction("down")!;
        await down.InvokeAsync(new[] { Value.FromI32(20_000) }, Token);
        Assert.Equal(["Codicil async call"], names);
        TrapException trap = await Assert.ThrowsAsync<TrapException>(() => down.InvokeAsync(new[] { Value.FromI32(100_000_000) }, Token));
        Assert.Equal(TrapCode.StackOverflow, trap.Code);
    }

    [Fact]
    public void Bounds_are_checked()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CallThreads(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CallThreads(1, TimeSpan.FromSeconds(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CallThreads(1, TimeSpan.FromDays(30)));
        Assert.Equal(CallThreads.DefaultMaxThreads, CallThreads.Shared.MaxThreads);
    }

    [Fact]
    [Trait("Security", "CL-05")]
    public void A_synchronous_call_under_a_single_threaded_context_does_not_wait_for_itself()
    {
        using Engine engine = Engine.Create(s_interruptible);
        Function function = Instantiate(engine, async Task<int> (int value) =>
        {
            Assert.Null(SynchronizationContext.Current);
            await Task.Delay(5);
            return value;
        }).GetFunction("wait")!;
        using var context = new OneThread();
        object? result = context.Run(() =>
        {
            object? value = function.Invoke([1]);
            Assert.Same(context, SynchronizationContext.Current);
            return value;
        });
        Assert.Equal(2, result);
    }

    private static Instance Instantiate(Engine engine, Delegate wait)
    {
        var linker = new Linker(engine);
        linker.DefineFunction("host", "wait", wait);
        return linker.Instantiate(engine.CreateStore(), Module.FromText(engine, Guest));
    }

    // What is posted runs only after the action that is running: as in a user interface.
    private sealed class OneThread : SynchronizationContext, IDisposable
    {
        private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _posted = [];

        public override void Post(SendOrPostCallback d, object? state) => _posted.Add((d, state));

        public object? Run(Func<object?> action)
        {
            object? result = null;
            Exception? failure = null;
            var thread = new Thread(() =>
            {
                SetSynchronizationContext(this);
                failure = Record.Exception(() => { result = action(); });
            });
            thread.Start();
            Assert.True(thread.Join(TimeSpan.FromMinutes(2)), "the call waits for its own thread");
            Assert.Null(failure);
            return result;
        }

        public void Dispose() => _posted.Dispose();
    }
}
