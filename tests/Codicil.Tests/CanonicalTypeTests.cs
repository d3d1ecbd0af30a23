using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>The engine's table of types: equal types of what lives at one time are one, and what nobody has any more is not in it.</summary>
public sealed class CanonicalTypeTests
{
    private const string Sharing = """
        (module
          (rec (type $node (sub (struct (field (ref null $node)) (field i32)))) (type $visit (func (param (ref null $node)) (result i32))))
          (type $leaf (sub $node (struct (field (ref null $node)) (field i32) (field i64))))
          (import "host" "seen" (func $seen (param i32 i64 i32 i64)))
          (table (export "table") 2 funcref)
          (elem (i32.const 0) $value)
          (func $value (type $visit) (struct.get $node 1 (ref.cast (ref $leaf) (local.get 0))))
          (func (export "make") (param i32) (result anyref) (struct.new $leaf (ref.null none) (local.get 0) (i64.const 0)))
          (func (export "visit") (param anyref) (result i32)
            (call $seen (i32.const 0) (i64.const 0) (i32.const 0) (i64.const 0))
            (call_indirect (type $visit) (ref.cast (ref null $node) (local.get 0)) (i32.const 0)))
          (tag (export "tag") (param i32 i64 f32 f64)))
        """;

    [Fact]
    public void Types_of_modules_that_went_are_not_in_the_table()
    {
        // Compilers of the process's other tests would see these modules, too: a process of its own.
        ChildProcess.Run(static _ =>
        {
            using var engine = (ManagedEngine)Engine.Create(new EngineOptions());
            using Store store = engine.CreateStore();
            Instance kept = store.Instantiate(Module.FromText(engine, Sharing), Host(store));
            int inUse = Settle(engine, int.MaxValue);
            Assert.True(inUse >= 5, inUse.ToString(CultureInfo.InvariantCulture));
            int most = 0;
            for (int round = 0; round < 5; round++)
            {
                for (int i = 0; i < 400; i++)
                {
                    Use(engine, (round * 400) + i);
                    most = Math.Max(most, i % 50 == 0 ? engine.Types.Count : 0);
                }

                Assert.Equal(inUse, Settle(engine, inUse));
            }

            // Each module has 11 types of its own: there were some, and never those of 2,000 modules.
            Assert.InRange(most, inUse + 11, 2_000 * 11 / 2);
            Assert.Equal(7, kept.GetFunction("visit")!.Invoke(kept.GetFunction("make")!.Invoke(7)));

            // What is left is that module's, and goes with it.
            GC.KeepAlive(kept);
        }).AssertSucceeded();
    }

    [Fact]
    public void Types_live_as_long_as_a_function_an_object_or_a_tag_has_them()
    {
        ChildProcess.Run(static _ =>
        {
            using var engine = (ManagedEngine)Engine.Create(new EngineOptions());
            using Store store = engine.CreateStore();
            int inUse = Settle(engine, int.MaxValue);
            Function function = HostFunction(store);
            int withFunction = Settle(engine, inUse + 1);
            Assert.Equal(inUse + 1, withFunction);

            // A module that comes later finds the host's type, though no module was there to hold it.
            var module = Module.FromText(engine, """
                (module (type $t (func (param i32 i32 i64 f32 f64))) (import "" "" (func (type $t))) (table (export "t") 1 funcref) (elem (i32.const 0) func 0)
                  (func (export "call") (call_indirect (type $t) (i32.const 1) (i32.const 2) (i64.const 3) (f32.const 4) (f64.const 5) (i32.const 0))))
                """);
            store.Instantiate(module, function).GetFunction("call")!.Invoke();
            GC.KeepAlive(function);
            using Store other = engine.CreateStore();
            AnyReference reference = Object(other);
            Settle(engine, 0);
            Instance again = other.Instantiate(Module.FromText(engine, Sharing), Host(other));
            Assert.Equal(9, again.GetFunction("visit")!.Invoke(reference));
        }).AssertSucceeded();
    }

    [Fact]
    public void Equal_types_are_one_for_modules_that_come_and_go_on_many_threads()
    {
        ChildProcess.Run(static _ =>
        {
            using var engine = (ManagedEngine)Engine.Create(new EngineOptions());
            bool stop = false;
            var collector = new Thread(() =>
            {
                while (!Volatile.Read(ref stop))
                {
                    GC.Collect();
                    Thread.Sleep(1);
                }
            });
            collector.Start();
            try
            {
                Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
                {
                    for (int i = 0; i < 120; i++)
                    {
                        // Threads meet at the same types, and leave them, all the time; the exporter's must be the importer's.
                        using Store store = engine.CreateStore();
                        Instance exporter = store.Instantiate(Module.FromText(engine, Exporter(i / 4)));
                        Instance importer = store.Instantiate(
                            Module.FromText(engine, Importer(i / 4)), exporter.GetFunction("f")!, exporter.GetTable("t")!, exporter.GetGlobal("g")!);
                        Assert.Equal(i / 4, importer.GetFunction("run")!.Invoke());
                    }
                });
            }
            finally
            {
                Volatile.Write(ref stop, true);
                collector.Join();
            }

            Assert.Equal(0, Settle(engine, 0));
        }).AssertSucceeded();
    }

    [Fact]
    public void Ids_are_not_given_out_again()
    {
        var types = new TypeCanonicalizer();
        HashSet<long> ids = [];
        for (int round = 0; round < 40; round++)
        {
            // The same type each time, forgotten in between.
            Assert.True(ids.Add(Remember(types)));
            for (int attempt = 0; types.Count > 0 && attempt < 20; attempt++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.Equal(0, types.Count);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static long Remember(TypeCanonicalizer types)
        {
            CanonicalType type = types.GetFunctionType(FunctionType.Empty);
            Assert.Same(type, types.GetFunctionType(FunctionType.Empty));
            Assert.Equal(1, types.Count);
            GC.KeepAlive(type);
            return type.Id;
        }
    }

    [Fact]
    public void A_type_keeps_those_that_it_refers_to()
    {
        var types = new TypeCanonicalizer();
        CanonicalType array = ArrayOfStructures(types);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.Equal(2, types.Count);

        // Were the structure forgotten, an equal one would be another, and the array of it another array.
        Assert.Same(array, ArrayOfStructures(types));
        Assert.Equal(2, types.Count);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static CanonicalType ArrayOfStructures(TypeCanonicalizer types) => types.Canonicalize(
        [
            new SubType(CompositeType.OfStruct([new FieldType(ValType.I64, StorageKind.Value, true)]), true, [], 0, 1),
            new SubType(CompositeType.OfArray(new FieldType(ValType.Reference(true, HeapType.Concrete(0)), StorageKind.Value, true)), true, [], 1, 1),
        ])[1];
    }

    /// <summary>A module of types of its own, and functions of the host of such types, used and disposed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Use(ManagedEngine engine, int number)
    {
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, Distinct(number));
        int heard = 0;
        ValType[] parameters = [.. Bits(number)];
        var host = Function.Create(store, new FunctionType([.. parameters], []), (caller, arguments, results) => heard++);
        Instance instance = store.Instantiate(module, host);
        Assert.Equal(number, instance.GetFunction("run")!.Invoke());
        Assert.Equal(1, heard);
    }

    // Some types, not one for each number: RegressionModuleStormTests has more, and emitting a door for each takes its time.
    private static IEnumerable<ValType> Bits(int number)
    {
        for (int bits = (number % 64) | 64; bits > 1; bits >>= 1)
        {
            yield return (bits & 1) == 0 ? ValType.I32 : ValType.I64;
        }
    }

    // Fields that no other number has: mutually recursive groups, a chain of subtypes, arrays, functions.
    private static string Distinct(int number)
    {
        StringBuilder fields = new();
        for (int bits = number | 0x10000; bits > 1; bits >>= 1)
        {
            fields.Append((bits & 1) == 0 ? " i32" : " i64");
        }

        string parameters = string.Concat(Bits(number).Select(static type => " " + type));
        string values = string.Concat(Bits(number).Select(static type => $" ({type}.const 0)"));
        return string.Create(CultureInfo.InvariantCulture, $"""
            (module
              (rec
                (type $a (sub (struct (field (ref null $b)){Field(fields)})))
                (type $b (sub (struct (field (ref null $a)) (field (ref null $f)))))
                (type $f (func (param (ref null $a)) (result (ref null $b)))))
              (type $c0 (sub $a (struct (field (ref null $b)){Field(fields)} (field i32))))
              (type $c1 (sub $c0 (struct (field (ref null $b)){Field(fields)} (field i32) (field i32))))
              (type $c2 (sub $c1 (struct (field (ref null $b)){Field(fields)} (field i32) (field i32) (field i32))))
              (type $array (array (mut (ref null $c2))))
              (type $run (func (param (ref null $array)) (result i32)))
              (rec (type $x (struct (field (ref null $y)) (field (ref null $array)))) (type $y (array (ref null $x))))
              (type $import (func (param{parameters})))
              (import "" "" (func $import (type $import)))
              (table 1 funcref)
              (elem (i32.const 0) $target)
              (func $target (type $run) (struct.get $c2 {fields.Length / 4 + 3} (array.get $array (local.get 0) (i32.const 1))))
              (func (export "run") (result i32)
                (local $node (ref null $a))
                (call $import{values})
                (local.set $node (struct.new_default $c2))
                (struct.new_default $x) drop
                (i32.add
                  (i32.const {number - 1})
                  (i32.add
                    (ref.test (ref $c1) (local.get $node))
                    (call_indirect (type $run) (array.new $array (ref.cast (ref $c2) (local.get $node)) (i32.const 2)) (i32.const 0))))))
            """);

        static string Field(StringBuilder fields) => $" (field{fields})";
    }

    private static string Exporter(int number) => string.Create(CultureInfo.InvariantCulture, $"""
        (module
          {Types(number)}
          (table (export "t") 1 (ref null $f))
          (elem (i32.const 0) (ref null $f) (ref.func $f))
          (global (export "g") (ref null $s) (struct.new $s (ref.null $s) (i32.const {number}){string.Concat(Enumerable.Repeat(" (i64.const 0)", number))}))
          (func $f (export "f") (type $f) (struct.get $s 1 (local.get 0))))
        """);

    private static string Importer(int number) => string.Create(CultureInfo.InvariantCulture, $"""
        (module
          (type $before (func (param i32 i32 i32)))
          {Types(number)}
          (import "" "f" (func $f (type $f)))
          (import "" "t" (table 1 (ref null $f)))
          (import "" "g" (global $g (ref null $s)))
          (func (export "run") (result i32)
            (if (i32.ne (call $f (global.get $g)) (i32.const {number})) (then unreachable))
            (call_indirect (type $f) (ref.cast (ref $s) (global.get $g)) (i32.const 0))))
        """);

    private static string Types(int number) =>
        $"(rec (type $s (struct (field (ref null $s)) (field i32){string.Concat(Enumerable.Repeat(" (field i64)", number))})) (type $f (func (param (ref null $s)) (result i32))))";

    private static Function Host(Store store) => Function.FromDelegate(store, (int a, long b, int c, long d) => { });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Function HostFunction(Store store) =>
        Function.Create(store, new FunctionType([ValType.I32, ValType.I32, ValType.I64, ValType.F32, ValType.F64], []), static (caller, arguments, results) => { });

    // Nothing but the object is kept, and the store's own list of instances.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static AnyReference Object(Store store)
    {
        using Module module = Module.FromText(store.Engine, Sharing);
        return (AnyReference)store.Instantiate(module, Host(store)).GetFunction("make")!.Invoke(9)!;
    }

    private static int Settle(ManagedEngine engine, int wanted)
    {
        int count = 0;
        for (int attempt = 0; attempt < 20; attempt++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            count = engine.Types.Count;
            if (count <= wanted && attempt >= 3)
            {
                break;
            }
        }

        return count;
    }
}
