using System.Globalization;
using System.Text;

using BenchmarkDotNet.Attributes;

using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Text;
using Codicil.Format.Validation;

namespace Codicil.Benchmarks;

/// <summary>The way from bytes to a valid module, over many middle-sized functions with loops, calls and memory accesses.</summary>
[MemoryDiagnoser]
public class FormatBenchmarks
{
    private const int Functions = 2000;

    private readonly string _text = CreateText();
    private readonly byte[] _bytes;
    private readonly WasmModule _module;

    public FormatBenchmarks()
    {
        _bytes = Wat.ToBinary(_text);
        _module = ModuleDecoder.Decode(_bytes);
    }

    [Benchmark(Description = "decode")]
    public WasmModule Decode() => ModuleDecoder.Decode(_bytes);

    [Benchmark(Description = "validate")]
    public ValidatedModule Validate() => ModuleValidator.Validate(_module);

    [Benchmark(Description = "parse text")]
    public byte[] Parse() => Wat.ToBinary(_text);

    private static string CreateText()
    {
        var text = new StringBuilder("(module (memory 1)\n");
        for (int i = 0; i < Functions; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"""
                (func $f{i} (param $n i32) (param $x f64) (result f64) (local $i i32)
                  (block $done
                    (loop $next
                      (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
                      (local.set $x (f64.add (local.get $x) (f64.load offset={i * 8} (i32.shl (local.get $i) (i32.const 3)))))
                      (i64.store (local.get $i) (i64.xor (i64.load (local.get $i)) (i64.const {i * 7919L})))
                      (local.set $i (i32.add (local.get $i) (i32.const 1)))
                      (br $next)))
                  (if (result f64) (i32.eqz (local.get $n))
                    (then (local.get $x))
                    (else (call $f{(i + 1) % Functions} (i32.const 0) (local.get $x)))))

                """);
        }

        return text.Append(')').ToString();
    }
}
