using BenchmarkDotNet.Attributes;

namespace Codicil.Benchmarks;

/// <summary>What it costs to cross the border between host and guest, each way.</summary>
[MemoryDiagnoser]
public class CallBenchmarks : IDisposable
{
    private const int HostCalls = 1000;

    private readonly Engine _engine = Engine.Create();
    private readonly Store _store;
    private readonly Func<int, int, int> _add;
    private readonly Func<int, int> _callHost;
    private readonly Function _untyped;
    private readonly Value[] _arguments = [Value.FromI32(40), Value.FromI32(2)];
    private readonly Value[] _results = new Value[1];

    public CallBenchmarks()
    {
        Module module = Module.FromText(_engine, """
            (module
              (import "env" "h" (func $h (param i32) (result i32)))
              (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
              (func (export "loop") (param $n i32) (result i32) (local $sum i32)
                (loop $next
                  (local.set $sum (i32.add (local.get $sum) (call $h (local.get $n))))
                  (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (local.get $sum)))
            """);
        var linker = new Linker(_engine);
        linker.DefineFunction("env", "h", static (int value) => value);
        _store = _engine.CreateStore();
        Instance instance = linker.Instantiate(_store, module);
        _add = instance.GetFunction<Func<int, int, int>>("add")!;
        _untyped = instance.GetFunction("add")!;
        _callHost = instance.GetFunction<Func<int, int>>("loop")!;
    }

    [Benchmark(Description = "host to guest, typed delegate")]
    public int Typed() => _add(40, 2);

    [Benchmark(Description = "host to guest, untyped")]
    public int Untyped()
    {
        _untyped.Invoke(_arguments, _results);
        return _results[0].AsI32();
    }

    [Benchmark(Description = "guest to host", OperationsPerInvoke = HostCalls)]
    public int Host() => _callHost(HostCalls);

    public void Dispose()
    {
        _store.Dispose();
        _engine.Dispose();
        GC.SuppressFinalize(this);
    }
}
