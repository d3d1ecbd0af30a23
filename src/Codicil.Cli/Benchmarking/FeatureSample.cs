using System.Diagnostics;

using Codicil.Format;
using Codicil.Format.Text;

namespace Codicil.Cli.Benchmarking;

/// <summary>What instructions beyond WebAssembly 2.0 cost: tail calls, exceptions, atomic accesses.</summary>
internal static class FeatureSample
{
    private const int TailCalls = 100_000_000;
    private const int Exceptions = 20_000;
    private const int Additions = 10_000_000;
    private const int Rounds = 7;

    private const string Text = """
        (module
          (memory 1 1 shared)
          (tag $failed (param i32))
          (func $self (export "self") (param $n i32) (param $sum i32) (result i32)
            (if (result i32) (local.get $n)
              (then (return_call $self (i32.sub (local.get $n) (i32.const 1)) (i32.add (local.get $sum) (local.get $n))))
              (else (local.get $sum))))
          (func $even (export "pair") (param $n i32) (param $sum i32) (result i32)
            (if (result i32) (local.get $n)
              (then (return_call $odd (i32.sub (local.get $n) (i32.const 1)) (i32.add (local.get $sum) (local.get $n))))
              (else (local.get $sum))))
          (func $odd (param $n i32) (param $sum i32) (result i32)
            (if (result i32) (local.get $n)
              (then (return_call $even (i32.sub (local.get $n) (i32.const 1)) (i32.xor (local.get $sum) (local.get $n))))
              (else (local.get $sum))))
          (table funcref (elem $third))
          (type $step (func (param i32) (result i32)))
          (func $third (type $step) (throw $failed (local.get 0)))
          (func $second (type $step) (i32.add (call_indirect (type $step) (local.get 0) (i32.const 0)) (i32.const 1)))
          (func $first (type $step) (i32.add (call $second (local.get 0)) (i32.const 1)))
          (func (export "throw") (param $n i32) (param $sum i32) (result i32)
            (loop $next
              (local.set $sum (i32.add (local.get $sum) (block $caught (result i32) (try_table (result i32) (catch $failed $caught) (call $first (local.get $n))))))
              (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum))
          (func (export "add") (param $n i32) (param $at i32) (result i32) (local $sum i32)
            (loop $next
              (local.set $sum (i32.add (local.get $sum) (i32.atomic.rmw.add (local.get $at) (local.get $n))))
              (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum)))
        """;

    /// <summary>Measures one figure.</summary>
    /// <param name="options">The engine's options.</param>
    /// <param name="figure"><c>self</c> or <c>pair</c>: nanoseconds a tail call; <c>throw</c>: microseconds an exception, with two frames between; <c>add</c>: an atomic addition against <see cref="Interlocked"/>.</param>
    public static double Measure(EngineOptions options, string figure)
    {
        using Engine engine = Engine.Create(options with { Features = WasmFeatures.All });
        using Module module = Module.FromBytes(engine, Wat.ToBinary(Text));
        using Store store = engine.CreateStore();
        Func<int, int, int> function = store.Instantiate(module).GetFunction<Func<int, int, int>>(figure)!;
        return figure switch
        {
            "throw" => Median(() => function(Exceptions, 0), Exceptions) / 1000,
            "add" => Ratio(() => function(Additions, 8), static () => AddInterlocked(Additions)),
            _ => Median(() => function(TailCalls, 0), TailCalls),
        };
    }

    private static double Median(Action run, int count)
    {
        run();
        var times = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            times[i] = Time(run) / count;
        }

        return Statistics.Median(times);
    }

    private static double Ratio(Action guest, Action own)
    {
        var first = new double[Rounds];
        var second = new double[Rounds];
        for (int i = -2; i < Rounds; i++)
        {
            double guestTime = Time(guest);
            double ownTime = Time(own);
            if (i >= 0)
            {
                first[i] = guestTime;
                second[i] = ownTime;
            }
        }

        return Statistics.Median(first) / Statistics.Median(second);
    }

    private static double Time(Action run)
    {
        long begin = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(begin).TotalNanoseconds;
    }

    // Of the value before, as the instruction.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization)]
    private static int AddInterlocked(int count)
    {
        int[] memory = new int[16];
        int sum = 0;
        for (int n = count; n != 0; n--)
        {
            sum += Interlocked.Add(ref memory[2], n) - n;
        }

        return sum;
    }
}
