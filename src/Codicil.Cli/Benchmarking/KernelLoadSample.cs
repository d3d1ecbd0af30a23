using System.Diagnostics;

using Codicil.Format.Text;
using Codicil.Plugins;

namespace Codicil.Cli.Benchmarking;

/// <summary>A loop over the plug-in kernel's <c>load_u8</c> against the same loop over <c>i32.load8_u</c>, by turns in one process.</summary>
internal static class KernelLoadSample
{
    private const string Text = """
        (module
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
          (memory 1)
          (global $sum (export "sum") (mut i64) (i64.const 0))
          (global $block (mut i64) (i64.const 0))
          (func (export "prepare") (result i32) (global.set $block (call $alloc (i64.const 65536))) (i32.const 0))
          (func (export "kernel") (result i32) (local $round i32) (local $at i64) (local $end i64) (local $sum i64)
            (local.set $end (i64.add (global.get $block) (i64.const 65536)))
            (loop $rounds
              (local.set $at (global.get $block))
              (loop $bytes
                (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $load_u8 (local.get $at)))))
                (br_if $bytes (i64.lt_u (local.tee $at (i64.add (local.get $at) (i64.const 1))) (local.get $end))))
              (br_if $rounds (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 200))))
            (global.set $sum (local.get $sum))
            (i32.const 0))
          (func (export "guest") (result i32) (local $round i32) (local $at i32) (local $sum i64)
            (loop $rounds
              (local.set $at (i32.const 0))
              (loop $bytes
                (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (i32.load8_u (local.get $at)))))
                (br_if $bytes (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 65536))))
              (br_if $rounds (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 200))))
            (global.set $sum (local.get $sum))
            (i32.const 0)))
        """;

    /// <summary>Time of the loop over the kernel's memory, times that of the loop over the guest's own.</summary>
    public static double Ratio(EngineOptions options)
    {
        byte[] bytes = Wat.ToBinary(Text);
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasm(bytes), new PluginOptions { Engine = options });
        plugin.Call("prepare", []);
        var kernel = new double[15];
        var memory = new double[15];
        for (int i = -2; i < kernel.Length; i++)
        {
            double first = Time(plugin, "kernel");
            double second = Time(plugin, "guest");
            if (i >= 0)
            {
                kernel[i] = first;
                memory[i] = second;
            }
        }

        return Statistics.Median(kernel) / Statistics.Median(memory);
    }

    private static double Time(Plugin plugin, string function)
    {
        long begin = Stopwatch.GetTimestamp();
        plugin.Call(function, []);
        return Stopwatch.GetElapsedTime(begin).TotalNanoseconds;
    }
}
