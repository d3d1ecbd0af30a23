using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>The end of stores and the door into them, against hosts that use several threads.</summary>
public sealed class RegressionLifetimeTests
{
    private const string BulkLoops = """
        (module
          (memory 2048)
          (func (export "copy") (param i32) (loop (memory.copy (i32.const 0) (i32.const 100000) (local.get 0)) (br 0)))
          (func (export "fill") (param i32) (loop (memory.fill (i32.const 0) (i32.const 0) (local.get 0)) (br 0))))
        """;

    [Theory]
    [InlineData("copy", 100_000_000, false)]
    [InlineData("copy", 400, false)]
    [InlineData("copy", 60_000, false)]
    [InlineData("fill", 100_000_000, false)]
    [InlineData("fill", 400, false)]
    [InlineData("copy", 100_000_000, true)]
    public void Ends_a_bulk_operation_with_a_typed_error_when_its_store_is_disposed(string name, int length, bool interruptible)
    {
        ChildProcess.Run(DisposeDuring, new() { Arguments = [name, length.ToString(System.Globalization.CultureInfo.InvariantCulture), interruptible.ToString()] }).AssertSucceeded();
    }

    [Fact]
    public void Stays_closed_when_an_interrupt_is_reset_after_disposal()
    {
        using var engine = Engine.Create(new EngineOptions { Interruptible = true });
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(Module.FromText(engine, """(module (memory 1) (func (export "f") (result i32) (i32.load (i32.const 0))))"""));
        Func<int> function = instance.GetFunction<Func<int>>("f")!;
        Assert.Equal(0, function());
        store.Dispose();
        _ = Record.Exception(store.ResetInterrupt);
        Assert.Throws<ObjectDisposedException>(() => function());
        Assert.Throws<ObjectDisposedException>(() => function());
    }

    [Fact]
    public void Refuses_memory_access_by_the_host_after_disposal()
    {
        using var engine = Engine.Create();
        Store store = engine.CreateStore();
        var memory = Memory.Create(store, new MemoryType(new Limits(1, null)));
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.GetSpan(0, 1).Length);
    }

    [Fact]
    public void Calls_back_into_a_store_that_was_taken_over_by_another_thread()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        Func<int, int>? down = null;
        var callback = Function.FromDelegate(store, (int n) => n == 0 ? 0 : down!(n - 1) + 1);
        Instance instance = store.Instantiate(Module.FromText(engine, """(module (import "" "" (func $f (param i32) (result i32))) (func (export "f") (param i32) (result i32) (call $f (local.get 0))))"""), callback);
        down = instance.GetFunction<Func<int, int>>("f");
        Assert.Equal(3, down!(3));
        int other = 0;
        var thread = new Thread(() => other = down(3));
        thread.Start();
        thread.Join();
        Assert.Equal(3, other);
        Assert.Equal(3, down(3));
    }

    [Fact]
    public void Lets_one_thread_at_a_time_into_a_store()
    {
        using var engine = Engine.Create();
        var module = Module.FromText(engine, """
            (module
              (global $inside (mut i32) (i32.const 0))
              (func (export "f") (result i32) (local i32)
                (if (global.get $inside) (then unreachable))
                (global.set $inside (i32.const 1))
                (local.set 0 (i32.const 20))
                (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (local.get 0)))
                (global.set $inside (i32.const 0))
                (i32.const 1)))
            """);
        for (int round = 0; round < 50; round++)
        {
            using Store store = engine.CreateStore();
            Func<int> function = store.Instantiate(module).GetFunction<Func<int>>("f")!;
            _ = function();
            using var start = new Barrier(3);
            Exception? failure = null;
            void Work()
            {
                start.SignalAndWait();
                for (int i = 0; i < 300; i++)
                {
                    try
                    {
                        _ = function();
                    }
                    catch (InvalidOperationException)
                    {
                        // Busy: the other answer.
                    }
                    catch (TrapException trap)
                    {
                        failure = trap;
                        return;
                    }
                }
            }

            var threads = new[] { new Thread(Work), new Thread(Work) };
            foreach (Thread thread in threads)
            {
                thread.Start();
            }

            Work();
            foreach (Thread thread in threads)
            {
                thread.Join();
            }

            Assert.Null(failure);
        }
    }

    [Fact]
    public void Never_takes_room_for_results_away()
    {
        var context = new Runtime.ExecutionContext();
        context.EnsureExtraResults(100);
        nint large = context.ExtraResults;
        Parallel.For(0, 64, i => context.EnsureExtraResults(i % 50));
        Assert.Equal(large, context.ExtraResults);
        Assert.True(context.ExtraReferences.Length >= 100);
    }

    [Fact]
    public void Leaves_what_lies_beyond_the_results_alone_on_a_small_stack()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        Function function = store.Instantiate(Module.FromText(engine, """(module (func (export "f") (result i32) (i32.const 7)))""")).GetFunction("f")!;
        var results = new Value[2];
        results[1] = Value.FromI64(42);
        Wasm.OnThread(256 * 1024, () => function.Invoke([], results));
        Assert.Equal(7, results[0].AsI32());
        Assert.Equal(42, results[1].AsI64());
    }

    private static void DisposeDuring(string[] arguments)
    {
        using var engine = Engine.Create(new EngineOptions { Interruptible = bool.Parse(arguments[2]) });
        var module = Module.FromText(engine, BulkLoops);
        int length = int.Parse(arguments[1], System.Globalization.CultureInfo.InvariantCulture);
        for (int round = 0; round < 10; round++)
        {
            Store store = engine.CreateStore();
            Action<int> function = store.Instantiate(module).GetFunction<Action<int>>(arguments[0])!;
            Exception? failure = null;
            using var started = new ManualResetEventSlim();
            var thread = new Thread(() =>
            {
                started.Set();
                try
                {
                    function(length);
                }
                catch (Exception exception)
                {
                    failure = exception;
                }
            });
            thread.Start();
            started.Wait();
            Thread.Sleep(round);
            store.Dispose();
            thread.Join();
            if (failure is not (TrapException or ObjectDisposedException))
            {
                throw new InvalidOperationException("an untyped end", failure);
            }
        }
    }
}
