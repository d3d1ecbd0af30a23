using BenchmarkDotNet.Attributes;

namespace Codicil.Benchmarks;

/// <summary>An instance of a compiled module, made and ended, and the growth of its memory.</summary>
[MemoryDiagnoser]
public class InstanceBenchmarks : IDisposable
{
    private const int Growths = 100;

    private readonly Engine _engine = Engine.Create();
    private readonly Module _module;

    public InstanceBenchmarks() => _module = Module.FromText(_engine, """
        (module
          (memory (export "memory") 1)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
        """);

    [Benchmark(Description = "instantiate, 1 page")]
    public void Instantiate()
    {
        using Store store = _engine.CreateStore();
        store.Instantiate(_module);
    }

    /// <summary>The instance that grows is part of the figure, a hundredth of it for each growth.</summary>
    [Benchmark(Description = "memory.grow by 1 page", OperationsPerInvoke = Growths)]
    public int Grow()
    {
        using Store store = _engine.CreateStore();
        Func<int, int> grow = store.Instantiate(_module).GetFunction<Func<int, int>>("grow")!;
        int pages = 0;
        for (int i = 0; i < Growths; i++)
        {
            pages = grow(1);
        }

        return pages;
    }

    public void Dispose()
    {
        _module.Dispose();
        _engine.Dispose();
        GC.SuppressFinalize(this);
    }
}
