using System.Text;

using Codicil.Format;

namespace Codicil.Tests;

public sealed class CompilationCacheTests
{
    private static byte[] Text(int value) => Encoding.UTF8.GetBytes(string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"(module (func (export \"run\") (result i32) (i32.const {value})))"));

    [Fact]
    public void Equal_bytes_and_options_are_one_module()
    {
        var cache = new CompilationCache();
        Engine engine = cache.GetEngine();
        Assert.Same(engine, cache.GetEngine(new EngineOptions()));
        Assert.NotSame(engine, cache.GetEngine(new EngineOptions { Interruptible = true }));
        Module module = cache.GetModule(engine, Text(1));
        Assert.Same(module, cache.GetModule(engine, Text(1)));
        Assert.Same(module, cache.GetModule(engine, Text(1), new ModuleOptions()));
        Assert.NotSame(module, cache.GetModule(engine, Text(2)));
        Assert.NotSame(module, cache.GetModule(engine, Text(1), new ModuleOptions { Name = "other" }));
        Assert.NotSame(module, cache.GetModule(cache.GetEngine(new EngineOptions { Interruptible = true }), Text(1)));
        Assert.Equal(4, cache.Count);
        Assert.Equal(4 * Text(1).Length, cache.SizeInBytes);
        using Store store = engine.CreateStore();
        Assert.Equal(1, store.Instantiate(module).GetFunction("run")!.Invoke());
    }

    [Fact]
    public void The_bounds_hold_and_what_was_used_longest_ago_goes()
    {
        var cache = new CompilationCache(maxModules: 2);
        Engine engine = cache.GetEngine();
        Module first = cache.GetModule(engine, Text(1));
        Module second = cache.GetModule(engine, Text(2));
        Assert.Same(first, cache.GetModule(engine, Text(1)));
        cache.GetModule(engine, Text(3));
        Assert.Equal(2, cache.Count);
        Assert.Same(first, cache.GetModule(engine, Text(1)));
        Assert.NotSame(second, cache.GetModule(engine, Text(2)));

        // An evicted one is as good as before.
        using Store store = engine.CreateStore();
        Assert.Equal(2, store.Instantiate(second).GetFunction("run")!.Invoke());

        int length = Text(1).Length;
        var small = new CompilationCache(100, (2 * length) + 1);
        engine = small.GetEngine();
        for (int i = 0; i < 9; i++)
        {
            small.GetModule(engine, Text(i));
        }

        Assert.Equal(2, small.Count);
        Assert.Equal(2 * length, small.SizeInBytes);
        var none = new CompilationCache(1, 0);
        engine = none.GetEngine();
        Assert.Same(none.GetModule(engine, Text(1)), none.GetModule(engine, Text(1)));
        none.GetModule(engine, Text(2));
        Assert.Equal(1, none.Count);
        none.Clear();
        Assert.Equal((0, 0L), (none.Count, none.SizeInBytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CompilationCache(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CompilationCache(1, -1));
    }

    [Fact]
    public void Failures_are_not_kept_and_what_was_disposed_is_made_again()
    {
        var cache = new CompilationCache();
        Engine engine = cache.GetEngine();
        for (int i = 0; i < 3; i++)
        {
            Assert.ThrowsAny<WasmException>(() => cache.GetModule(engine, "(module (func (result i32)))"u8));
            Assert.Equal(0, cache.Count);
        }

        Module module = cache.GetModule(engine, Text(1));
        module.Dispose();
        Module again = cache.GetModule(engine, Text(1));
        Assert.NotSame(module, again);
        Assert.False(again.IsDisposed);
        engine.Dispose();
        Assert.True(again.IsDisposed);
        Engine other = cache.GetEngine();
        Assert.NotSame(engine, other);
        using Store store = other.CreateStore();
        Assert.Equal(1, store.Instantiate(cache.GetModule(other, Text(1))).GetFunction("run")!.Invoke());
    }

    [Fact]
    [Trait("Security", "CL-04")]
    public void Many_threads_get_the_same_modules()
    {
        var cache = new CompilationCache(maxModules: 6);
        Engine engine = cache.GetEngine();
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, 16).Select(seed => new Thread(() => failure ??= Record.Exception(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                int value = (seed + i) % 8;
                Module module = cache.GetModule(engine, Text(value));
                using Store store = engine.CreateStore();
                Assert.Equal(value, store.Instantiate(module).GetFunction("run")!.Invoke());
            }
        })))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Assert.Null(failure);
        Assert.InRange(cache.Count, 1, 6);
    }
}
