using System.Runtime.Intrinsics;

using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Arrays that have their elements in themselves, and those that do not: nobody sees which they are.</summary>
public sealed class ArrayTests
{
    public static TheoryData<string, int> Kinds => new()
    {
        { "i8", 64 }, { "i16", 32 }, { "i32", 16 }, { "i64", 8 }, { "f32", 16 }, { "f64", 8 }, { "v128", 4 }, { "externref", 8 },
    };

    [Fact]
    public void The_runtime_lays_arrays_out_as_the_compiler_takes_for_granted() => Assert.True(ArrayInstance.IsLayoutKnown);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Arrays_of_every_length_keep_their_elements_through_code_host_and_collections(string type, int longestShort)
    {
        string operand = type is "i8" or "i16" ? "i32" : type;
        string get = type is "i8" or "i16" ? "array.get_u" : "array.get";
        Instance instance = Wasm.Instantiate($"""
            (module
              (type $a (array (mut {type})))
              (func (export "default") (param i32) (result (ref $a)) (array.new_default $a (local.get 0)))
              (func (export "new") (param i32 {operand}) (result (ref $a)) (array.new $a (local.get 1) (local.get 0)))
              (func (export "set") (param (ref null $a) i32 {operand}) (array.set $a (local.get 0) (local.get 1) (local.get 2)))
              (func (export "get") (param (ref null $a) i32) (result {operand}) ({get} $a (local.get 0) (local.get 1)))
              (func (export "fill") (param (ref null $a) i32 {operand} i32) (array.fill $a (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
              (func (export "len") (param (ref null $a)) (result i32) (array.len (local.get 0))))
            """);
        Function set = instance.GetFunction("set")!;
        Function get1 = instance.GetFunction("get")!;
        Assert.True(longestShort == ArrayInstance.ShortBytes / (type switch { "i8" => 1, "i16" => 2, "i32" or "f32" => 4, "v128" => 16, _ => 8 }));
        for (int length = 0; length <= longestShort + 2; length++)
        {
            var array = (ArrayReference)instance.GetFunction("default")!.Invoke(length)!;
            Assert.Equal(length, array.Length);
            Assert.Equal(length, instance.GetFunction("len")!.Invoke(array));
            for (int i = 0; i < length; i++)
            {
                Assert.Equal(type == "externref" ? null : ValueOf(type, 0), array.GetElement(i).ToObject());
                set.Invoke(array, i, ValueOf(type, i + 1));
            }

            // What the array next to it in the heap must not be.
            var other = (ArrayReference)instance.GetFunction("new")!.Invoke(length, ValueOf(type, 77))!;
            GC.Collect(length == longestShort ? 2 : 0, GCCollectionMode.Forced, blocking: true, compacting: true);
            for (int i = 0; i < length; i++)
            {
                Assert.Equal(ValueOf(type, i + 1), get1.Invoke(array, i));
                Assert.Equal(ValueOf(type, i + 1), array.GetElement(i).ToObject());
                Assert.Equal(ValueOf(type, 77), get1.Invoke(other, i));
                array.SetElement(i, Value.FromObject(ValueOf(type, i + 2), ((ArrayInstance)array).ElementType.Type));
                Assert.Equal(ValueOf(type, i + 2), get1.Invoke(array, i));
            }

            foreach (int outside in (int[])[length, -1, int.MinValue])
            {
                Wasm.AssertTrap(TrapCode.ArrayOutOfBounds, () => get1.Invoke(array, outside));
                Wasm.AssertTrap(TrapCode.ArrayOutOfBounds, () => set.Invoke(array, outside, ValueOf(type, 1)));
                Assert.Throws<ArgumentOutOfRangeException>(() => array.GetElement(outside));
            }

            instance.GetFunction("fill")!.Invoke(array, length / 2, ValueOf(type, 55), length - (length / 2));
            Assert.Equal(
                Enumerable.Range(0, length).Select(i => ValueOf(type, i < length / 2 ? i + 2 : 55)),
                Enumerable.Range(0, length).Select(i => get1.Invoke(array, i)));
            Wasm.AssertTrap(TrapCode.ArrayOutOfBounds, () => instance.GetFunction("fill")!.Invoke(array, 1, ValueOf(type, 1), length));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Elements_are_copied_between_short_and_long_arrays_and_within_them(string type, int longestShort)
    {
        Instance instance = Wasm.Instantiate($"""
            (module
              (type $a (array (mut {type})))
              (func (export "default") (param i32) (result (ref $a)) (array.new_default $a (local.get 0)))
              (func (export "copy") (param (ref null $a) i32 (ref null $a) i32 i32)
                (array.copy $a $a (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4))))
            """);
        Function copy = instance.GetFunction("copy")!;
        int[] lengths = [0, 3, longestShort, longestShort + 1, longestShort + 5];
        foreach (int from in lengths)
        {
            foreach (int to in lengths)
            {
                foreach ((int start, int target, int count) in ((int, int, int)[])[(0, 0, Math.Min(from, to)), (1, 0, Math.Min(from - 1, to)), (0, 1, Math.Min(from, to - 1))])
                {
                    ArrayReference source = Create(from, 100);
                    ArrayReference destination = from == to && count != from ? source : Create(to, 1);
                    object?[] expected = ElementsOf(destination);
                    if (count < 0)
                    {
                        continue;
                    }

                    Array.Copy(ElementsOf(source), start, expected, target, count);
                    copy.Invoke(destination, target, source, start, count);
                    Assert.Equal(expected, ElementsOf(destination));
                    Wasm.AssertTrap(TrapCode.ArrayOutOfBounds, () => copy.Invoke(destination, target, source, start, from - start + 1));
                    Wasm.AssertTrap(TrapCode.ArrayOutOfBounds, () => copy.Invoke(destination, to - count + 1, source, start, count));
                }
            }
        }

        ArrayReference Create(int length, int first)
        {
            var array = (ArrayReference)instance.GetFunction("default")!.Invoke(length)!;
            for (int i = 0; i < length; i++)
            {
                array.SetElement(i, Value.FromObject(ValueOf(type, first + i), array.ElementType.Type));
            }

            return array;
        }

        static object?[] ElementsOf(ArrayReference array) => [.. Enumerable.Range(0, array.Length).Select(i => array.GetElement(i).ToObject())];
    }

    [Theory]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(40)]
    public void Segments_and_lists_of_elements_make_short_and_long_arrays(int length)
    {
        string numbers = string.Join(' ', Enumerable.Range(0, length).Select(static i => Wasm.Format($"(i32.const {i * 3})")));
        string references = string.Join(' ', Enumerable.Range(0, length).Select(static i => Wasm.Format($"(ref.i31 (i32.const {i}))")));
        string bytes = string.Concat(Enumerable.Range(0, length * 4).Select(static i => Wasm.Format($"\\{i & 0x7F:x2}")));
        Instance instance = Wasm.Instantiate($"""
            (module
              (type $n (array (mut i32))) (type $r (array (mut anyref)))
              (data $d "{bytes}")
              (elem $e anyref {string.Join(' ', Enumerable.Range(0, length).Select(static i => Wasm.Format($"(item (ref.i31 (i32.const {i})))")))})
              (global $constant (export "constant") (ref $n) (array.new_fixed $n {length} {numbers}))
              (func (export "fixed") (result (ref $n)) (array.new_fixed $n {length} {numbers}))
              (func (export "references") (result (ref $r)) (array.new_fixed $r {length} {references}))
              (func (export "data") (result (ref $n)) (array.new_data $n $d (i32.const 0) (i32.const {length})))
              (func (export "elements") (result (ref $r)) (array.new_elem $r $e (i32.const 0) (i32.const {length})))
              (func (export "initdata") (result (ref $n)) (local $a (ref null $n)) (local.set $a (array.new_default $n (i32.const {length})))
                (array.init_data $n $d (local.get $a) (i32.const 1) (i32.const 4) (i32.const {length - 1})) (ref.as_non_null (local.get $a)))
              (func (export "initelements") (result (ref $r)) (local $a (ref null $r)) (local.set $a (array.new_default $r (i32.const {length})))
                (array.init_elem $r $e (local.get $a) (i32.const 1) (i32.const 1) (i32.const {length - 1})) (ref.as_non_null (local.get $a))))
            """);
        int[] counting = [.. Enumerable.Range(0, length)];
        int[] words = [.. counting.Select(static i => BitConverter.ToInt32([(byte)(i * 4 & 0x7F), (byte)((i * 4) + 1 & 0x7F), (byte)((i * 4) + 2 & 0x7F), (byte)((i * 4) + 3 & 0x7F)]))];
        Assert.Equal(counting.Select(static i => i * 3), Numbers("fixed"));
        Assert.Equal(counting.Select(static i => i * 3), NumbersOf((ArrayReference)instance.GetGlobal("constant")!.Value.ToObject()!));
        Assert.Equal(words, Numbers("data"));
        Assert.Equal([0, .. words[1..]], Numbers("initdata"));
        Assert.Equal(counting.Select(static i => I31Reference.Create(i)), References("references"));
        Assert.Equal(counting.Select(static i => I31Reference.Create(i)), References("elements"));
        Assert.Equal([null, .. counting[1..].Select(static i => I31Reference.Create(i))], References("initelements"));

        IEnumerable<int> Numbers(string name) => NumbersOf((ArrayReference)instance.GetFunction(name)!.Invoke()!);

        static IEnumerable<int> NumbersOf(ArrayReference array) => Enumerable.Range(0, array.Length).Select(i => array.GetElement(i).AsI32());

        IEnumerable<AnyReference?> References(string name)
        {
            var array = (ArrayReference)instance.GetFunction(name)!.Invoke()!;
            return Enumerable.Range(0, array.Length).Select(i => array.GetElement(i).AsAny());
        }
    }

    private static object ValueOf(string type, int number) => type switch
    {
        "i8" => number & 0xFF,
        "i16" => (number * 257) & 0xFFFF,
        "i32" => number * 0x01010101,
        "i64" => number * 0x0101010101010101L,
        "f32" => number + 0.5f - (number == 0 ? 0.5f : 0),
        "f64" => number * 1.25,
        "v128" => Vector128.Create((byte)number),
        _ => Wasm.Format($"element {number}"),
    };
}
