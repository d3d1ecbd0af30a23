using Codicil.Format;

namespace Codicil.Tests;

/// <summary>Memories beside the first, 64-bit memories and tables, and pages of one byte.</summary>
public sealed class SeveralMemoriesTests
{
    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    public void Each_memory_has_its_own_bytes_and_its_own_end(MemoryProtection mode)
    {
        Instance instance = Wasm.Instantiate(
            """
            (module (memory $a 1) (memory $b 2) (memory $c i64 3) (data (memory $b) (i32.const 8) "\01\02\03\04") (data $p "\09\08\07")
              (func (export "load0") (param i32) (result i32) (i32.load $a (local.get 0)))
              (func (export "load1") (param i32) (result i32) (i32.load $b (local.get 0)))
              (func (export "load2") (param i64) (result i32) (i32.load $c offset=16 (local.get 0)))
              (func (export "store") (param i32 i32) (i32.store $a (local.get 0) (local.get 1)) (i32.store $b offset=4 (local.get 0) (i32.mul (local.get 1) (i32.const 2)))
                (i64.store $c (i64.extend_i32_u (local.get 0)) (i64.extend_i32_s (i32.mul (local.get 1) (i32.const 3)))))
              (func (export "wide") (param i32) (result i64) (i64.load $b (local.get 0)))
              (func (export "vector") (param i32) (result i64) (v128.store $b (local.get 0) (v128.const i64x2 5 6)) (i64x2.extract_lane 1 (v128.load $b (local.get 0))))
              (func (export "copy") (param i32 i64 i32) (memory.copy $a $c (local.get 0) (local.get 1) (local.get 2)))
              (func (export "back") (param i64 i32 i32) (memory.copy $c $b (local.get 0) (local.get 1) (local.get 2)))
              (func (export "fill") (param i64 i32 i64) (memory.fill $c (local.get 0) (local.get 1) (local.get 2)))
              (func (export "init") (param i64) (memory.init $c $p (local.get 0) (i32.const 1) (i32.const 2)))
              (func (export "sizes") (result i32 i32 i64) (memory.size $a) (memory.size $b) (memory.size $c))
              (func (export "grow") (result i32 i64) (memory.grow $b (i32.const 1)) (memory.grow $c (i64.const 1))))
            """,
            mode);
        object? Call(string name, params object?[] arguments) => instance.GetFunction(name)!.Invoke(arguments);
        Assert.Equal(0x04030201, Call("load1", 8));
        Call("store", 100, 7);
        Assert.Equal([7, 14, 21], new[] { Call("load0", 100), Call("load1", 104), Call("load2", 84L) });
        Assert.Equal(6L, Call("vector", 200));
        Call("fill", 1000L, 0xAB, 50L);
        Call("copy", 40, 1010L, 8);
        Assert.Equal(unchecked((int)0xABABABAB), Call("load0", 44));
        Call("back", 2000L, 8, 4);
        Assert.Equal(0x04030201, Call("load2", 1984L));
        Call("init", 3000L);
        Assert.Equal(0x0708, Call("load2", 2984L));
        Assert.Equal([1, 2, 3L], (object?[])Call("sizes")!);

        // The last bytes, and one beyond.
        Assert.Equal(0, Call("load0", 65532));
        Assert.Equal(0, Call("load1", 131068));
        Assert.Equal(0, Call("load2", 196608L - 20));
        Assert.Equal(0L, Call("wide", 131064));
        foreach ((string name, object address) in new (string, object)[]
        {
            ("load0", 65533), ("load1", 131069), ("load2", 196608L - 19), ("wide", 131065), ("load1", -1), ("load2", -1L), ("load2", -16L), ("load2", -20L), ("load2", long.MinValue), ("load2", 1L << 47),
            ("vector", 131057), ("load1", 0x7FFF_FFFF),
        })
        {
            Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => Call(name, address));
        }

        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => Call("copy", 0, 196600L, 9));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => Call("copy", 65535, 0L, 2));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => Call("back", -1L, 0, 1));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => Call("fill", 1L, 0, -1L));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => Call("fill", -1L, 0, 2L));
        Assert.Equal([2, 3L], (object?[])Call("grow")!);
        Assert.Equal(0, Call("load1", 131069));
        Assert.Equal(0, Call("load2", 196608L));
    }

    [Fact]
    [Trait("Security", "DV-09")]
    public void Offsets_that_wrap_around_are_out_of_bounds()
    {
        foreach (string offset in new[] { "0xffffffffffffffff", "0xfffffffffffffff8", "0x8000000000000000", "0x7fffffffffffffff", "0x1000000000000" })
        {
            Instance instance = Wasm.Instantiate($"""
                (module (memory i64 1) (func (export "load") (param i64) (result i64) (i64.load offset={offset} (local.get 0)))
                  (func (export "store") (param i64) (i64.store offset={offset} (local.get 0) (i64.const 1))))
                """);
            foreach (long address in new[] { 0, 1, 7, 8, 9, 16, -1, -8, 65528, long.MinValue, long.MaxValue })
            {
                Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("load")!.Invoke(address));
                Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("store")!.Invoke(address));
            }
        }
    }

    [Fact]
    [Trait("Parity", "WTG-13")]
    public void A_64_bit_memory_goes_beyond_4_GiB()
    {
        const ulong Pages = (5UL << 30) >> 16;
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Instance instance = Wasm.Instantiate(store, $"""
            (module (memory (export "m") i64 0 {Pages}) (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
              (func (export "set") (param i64 i32) (i32.store8 (local.get 0) (local.get 1))) (func (export "get") (param i64) (result i32) (i32.load8_u (local.get 0))))
            """);
        Assert.Equal(0L, instance.GetFunction("grow")!.Invoke((long)Pages));
        Assert.Equal(-1L, instance.GetFunction("grow")!.Invoke(1L));
        long last = (5L << 30) - 1;
        instance.GetFunction("set")!.Invoke(last, 77);
        Assert.Equal(77, instance.GetFunction("get")!.Invoke(last));
        Assert.Equal(0, instance.GetFunction("get")!.Invoke(last - (1L << 32)));
        Memory memory = instance.GetMemory("m")!;
        Assert.Equal(77, memory.ReadByte((ulong)last));
        Assert.Equal(5UL << 30, memory.LengthInBytes);
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("get")!.Invoke(last + 1));
    }

    [Fact]
    public void Tables_with_64_bit_indices_end_where_they_end()
    {
        Instance instance = Wasm.Instantiate("""
            (module (type $t (func (result i32))) (table $w i64 3 10 funcref) (table $n 3 funcref) (elem (table $w) (i64.const 1) func $one)
              (func $one (result i32) i32.const 1)
              (func (export "call") (param i64) (result i32) (call_indirect $w (type $t) (local.get 0)))
              (func (export "last") (param i64) (result i32) (return_call_indirect $w (type $t) (local.get 0)))
              (func (export "get") (param i64) (result i32) (ref.is_null (table.get $w (local.get 0))))
              (func (export "set") (param i64) (table.set $w (local.get 0) (ref.func $one)))
              (func (export "size") (result i64) (table.size $w))
              (func (export "grow") (param i64) (result i64) (table.grow $w (ref.func $one) (local.get 0)))
              (func (export "fill") (param i64 i64) (table.fill $w (local.get 0) (ref.func $one) (local.get 1)))
              (func (export "copy") (param i64 i32 i32) (table.copy $w $n (local.get 0) (local.get 1) (local.get 2))))
            """);
        object? Call(string name, params object?[] arguments) => instance.GetFunction(name)!.Invoke(arguments);
        Assert.Equal(1, Call("call", 1L));
        Assert.Equal(1, Call("last", 1L));
        Wasm.AssertTrap(TrapCode.IndirectCallToNull, () => Call("call", 0L));
        foreach (long index in new[] { 3, 1L << 32, (1L << 32) + 1, -1, long.MinValue })
        {
            Wasm.AssertTrap(TrapCode.UndefinedElement, () => Call("call", index));
            Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => Call("get", index));
            Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => Call("set", index));
            Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => Call("fill", index, 1L));
            Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => Call("copy", index, 0, 1));
        }

        Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => Call("fill", 1L, 1L << 32));
        Assert.Equal(3L, Call("grow", 4L));
        Assert.Equal(-1L, Call("grow", 1L << 32));
        Assert.Equal(-1L, Call("grow", 4L));
        Assert.Equal(7L, Call("size"));
        Call("fill", 0L, 2L);
        Assert.Equal(1, Call("call", 0L));
    }

    [Fact]
    public void Pages_can_be_bytes()
    {
        using Engine engine = Engine.Create(new EngineOptions { Features = WasmFeatures.All });
        Instance instance = Wasm.Instantiate(engine.CreateStore(), """
            (module (memory (export "m") 3 200000 (pagesize 1)) (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
              (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
            """);
        Assert.Equal(0, instance.GetFunction("get")!.Invoke(2));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("get")!.Invoke(3));
        Assert.Equal(3, instance.GetFunction("grow")!.Invoke(100_000));
        Assert.Equal(0, instance.GetFunction("get")!.Invoke(100_002));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("get")!.Invoke(100_003));
        Assert.Equal(-1, instance.GetFunction("grow")!.Invoke(100_000));
    }
}
