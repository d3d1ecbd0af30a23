using Codicil.Format;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Memories and tables at their limits, seen from the guest and from the host.</summary>
public sealed class LimitTests
{
    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "LM-04")]
    [Trait("Parity", "WTG-13")]
    public void A_memory_grows_to_its_limit_and_not_beyond(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        using Store store = engine.CreateStore(new ResourceLimits { MemoryBytes = 5 << 16 });
        const string Text = """
            (module (memory (export "memory") 1 10) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))) (func (export "size") (result i32) memory.size)
              (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))
            """;
        Instance instance = Wasm.Instantiate(store, Text);
        Func<int, int> grow = instance.GetFunction<Func<int, int>>("grow")!;
        Func<int, int> load = instance.GetFunction<Func<int, int>>("load")!;
        Memory memory = instance.GetMemory("memory")!;
        Span<byte> early = memory.GetSpan(0, 4);
        foreach (int outside in new[] { -1, 65_536, 65_535, int.MinValue, int.MaxValue, 5 })
        {
            Assert.Equal(-1, grow(outside));
        }

        Assert.Equal(1, grow(0));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => load(65_533));
        Assert.Equal(1, grow(4));
        Assert.Equal(-1, grow(1));
        Assert.Equal(5, grow(0));
        Assert.Equal(0, load((5 << 16) - 4));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => load((5 << 16) - 3));
        early[0] = 9;
        Assert.Equal(9, load(0));
        Assert.Equal(5u, memory.PageCount);
        Assert.Equal(5u << 16, memory.LengthInBytes);
        Assert.Throws<ResourceLimitException>(() => memory.Grow(1));
        Assert.Throws<ResourceLimitException>(() => memory.Grow(ulong.MaxValue));
        Assert.False(memory.TryGrow(1, out ulong _));
        Assert.Equal(5u, memory.Grow(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.GetSpan((5 << 16) - 1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.GetSpan(ulong.MaxValue, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.GetSpan(0, -1));
        Assert.Equal(0, memory.GetSpan(5 << 16, 0).Length);
        Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module (memory 6))"));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "LM-04")]
    public void The_sum_of_a_stores_memories_has_a_limit(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        using Store store = engine.CreateStore(new ResourceLimits { TotalMemoryBytes = 4 << 16 });
        Memory first = Memory.Create(store, new MemoryType(new Limits(1)));
        Memory second = Memory.Create(store, new MemoryType(new Limits(2)));
        Assert.True(first.TryGrow(1, out ulong _));
        Assert.False(first.TryGrow(1, out ulong _));
        Assert.False(second.TryGrow(1, out ulong _));
        Assert.Throws<ResourceLimitException>(() => Memory.Create(store, new MemoryType(new Limits(1))));
        using Store other = engine.CreateStore(new ResourceLimits { TotalMemoryBytes = 4 << 16 });
        Memory.Create(other, new MemoryType(new Limits(4)));
    }

    [Fact]
    [Trait("Security", "LM-04")]
    public void A_declared_minimum_above_the_engines_limit_is_refused()
    {
        using Engine engine = Engine.Create(new EngineOptions { MemoryPageLimit = 4 });
        using Store store = engine.CreateStore();
        Assert.ThrowsAny<WasmException>(() => Wasm.Instantiate(store, "(module (memory 5))"));
        Instance instance = Wasm.Instantiate(store, """(module (memory 4) (func (export "grow") (result i32) (memory.grow (i32.const 1))))""");
        Assert.Equal(-1, instance.GetFunction("grow")!.Invoke());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "LM-04")]
    [Trait("Security", "EX-02")]
    public void A_memory_of_exactly_65536_pages_works_to_its_last_byte(MemoryProtection mode)
    {
        Instance instance = Wasm.Instantiate(
            """
            (module (memory (export "memory") 0)
              (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
              (func (export "size") (result i32) memory.size)
              (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
              (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
              (func (export "wide") (param i32) (result i64) (i64.load offset=4294967295 (local.get 0))))
            """,
            mode);
        Func<int, int> grow = instance.GetFunction<Func<int, int>>("grow")!;
        Assert.Equal(-1, grow(65_537));
        if (grow(65_536) == -1)
        {
            Assert.Skip("4 GiB of address space and commit charge cannot be had here.");
        }

        Assert.Equal(65_536, instance.GetFunction("size")!.Invoke());
        Assert.Equal(-1, grow(1));
        Assert.Equal(-1, grow(-1));
        Assert.Equal(65_536, grow(0));
        instance.GetFunction<Action<int, int>>("store")!(-1, 7);
        Assert.Equal(7, instance.GetFunction<Func<int, int>>("load")!(-1));
        Memory memory = instance.GetMemory("memory")!;
        Assert.Equal(1ul << 32, memory.LengthInBytes);
        Assert.Equal(7, memory.ReadByte(uint.MaxValue));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction<Func<int, long>>("wide")!(0));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction<Func<int, long>>("wide")!(-1));
    }

    [Fact]
    [Trait("Security", "LM-05")]
    public void A_table_grows_to_its_limit_and_not_beyond()
    {
        const string Text = """
            (module (table $t (export "t") 1 funcref) (table $x 0 20 externref)
              (func $f (export "grow") (param i32) (result i32) (table.grow $t (ref.func $f) (local.get 0))) (func (export "size") (result i32) (table.size $t))
              (func (export "growx") (param i32) (result i32) (table.grow $x (ref.null extern) (local.get 0)))
              (func (export "fill") (param i32 i32) (table.fill $t (local.get 0) (ref.null func) (local.get 1)))
              (func (export "set") (param i32) (table.set $t (local.get 0) (ref.func $f))))
            """;
        using Engine engine = Wasm.CreateEngine();
        using Store small = engine.CreateStore(new ResourceLimits { TableElements = 100 });
        Instance instance = Wasm.Instantiate(small, Text);
        Func<int, int> grow = instance.GetFunction<Func<int, int>>("grow")!;
        foreach (int outside in new[] { -1, int.MinValue, int.MaxValue, 100 })
        {
            Assert.Equal(-1, grow(outside));
        }

        Assert.Equal(1, grow(99));
        Assert.Equal(-1, grow(1));
        Assert.Equal(100, grow(0));
        Assert.Same(instance.GetFunction("grow"), instance.GetTable("t")!.Get(99).AsFunction());
        Func<int, int> growx = instance.GetFunction<Func<int, int>>("growx")!;
        Assert.Equal(-1, growx(21));
        Assert.Equal(-1, growx(-1));
        Assert.Equal(0, growx(20));
        Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => instance.GetFunction("fill")!.Invoke(1, -1));
        Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => instance.GetFunction("fill")!.Invoke(-1, 2));
        Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => instance.GetFunction("set")!.Invoke(100));
        Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => instance.GetFunction("set")!.Invoke(-1));
        Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(small, "(module (table 101 funcref))"));

        using Store large = engine.CreateStore();
        Instance big = Wasm.Instantiate(large, Text);
        Assert.Equal(1, big.GetFunction("grow")!.Invoke(9_999_999));
        Assert.Equal(-1, big.GetFunction("grow")!.Invoke(1));
        Assert.Equal(10_000_000, big.GetFunction("size")!.Invoke());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-02")]
    public void Growth_by_a_callee_the_host_or_another_instance_is_seen_at_once(MemoryProtection mode)
    {
        using Store store = Wasm.CreateEngine(mode).CreateStore();
        Memory? memory = null;
        Instance owner = Wasm.Instantiate(
            store,
            """
            (module (import "host" "grow" (func $host)) (memory (export "memory") 1 100)
              (func $grow (export "grow") (drop (memory.grow (i32.const 1))))
              (func (export "callee") (param i32) (result i32) (i32.store (i32.const 0) (i32.const 1)) call $grow (i32.store (local.get 0) (i32.const 7)) (i32.load (local.get 0)))
              (func (export "host") (param i32) (result i32) (drop (i32.load (i32.const 0))) call $host (i32.store (local.get 0) (i32.const 8)) (i32.load (local.get 0))))
            """,
            linker => linker.DefineFunction("host", "grow", () => { memory!.Grow(1); }));
        memory = owner.GetMemory("memory")!;
        Assert.Equal(7, owner.GetFunction("callee")!.Invoke((2 << 16) - 4));
        Assert.Equal(8, owner.GetFunction("host")!.Invoke((3 << 16) - 4));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => owner.GetFunction("host")!.Invoke((4 << 16) - 3));
        Instance other = Wasm.Instantiate(
            store,
            """(module (import "o" "memory" (memory 1)) (import "o" "grow" (func $grow)) (func (export "f") (param i32) (result i32) call $grow (i32.store (local.get 0) (i32.const 9)) (i32.load (local.get 0))))""",
            linker => linker.DefineInstance("o", owner));
        Assert.Equal(9, other.GetFunction("f")!.Invoke((5 << 16) - 4));
        Assert.Equal(5u, memory.PageCount);
    }

    [Fact]
    [Trait("Security", "LM-05")]
    public void All_tables_of_a_store_together_have_a_limit()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore(new ResourceLimits { TotalTableElements = 100 });
        Table first = Table.Create(store, new TableType(ValType.FuncRef, new Limits(40)), Value.FromFunction(null));
        Instance instance = Wasm.Instantiate(
            store,
            """
            (module (table $f 10 funcref) (table $x 10 externref)
              (func (export "f") (param i32) (result i32) (table.grow $f (ref.null func) (local.get 0)))
              (func (export "x") (param i32) (result i32) (table.grow $x (ref.null extern) (local.get 0))))
            """);
        Assert.Equal(-1, instance.GetFunction("f")!.Invoke(41));
        Assert.Equal(10, instance.GetFunction("f")!.Invoke(20));
        Assert.Equal(-1, instance.GetFunction("x")!.Invoke(21));
        Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module (table 21 funcref))"));
        Assert.Throws<ResourceLimitException>(() => first.Grow(21, Value.FromFunction(null)));
        Assert.Equal(10, instance.GetFunction("x")!.Invoke(20));
        Assert.Equal(-1, instance.GetFunction("x")!.Invoke(1));
        Assert.Equal(30, instance.GetFunction("x")!.Invoke(0));

        // A store of its own has a limit of its own.
        using Store other = engine.CreateStore(new ResourceLimits { TotalTableElements = 100 });
        Assert.Equal(100ul, Table.Create(other, new TableType(ValType.ExternRef, new Limits(100)), Value.FromExtern(null)).Length);
    }

    [Fact]
    [Trait("Security", "LM-05")]
    public void Tables_count_against_the_budget_of_the_process_until_the_store_ends()
    {
        // In a process of its own: the budget is shared by all tests.
        ChildProcess.Run(static _ =>
        {
            const ulong Bytes = 1_000_000 * 8;
            using Engine engine = Wasm.CreateEngine();
            long before = Runtime.MemoryBudget.Process.UsedInBytes;
            using (Store store = engine.CreateStore())
            {
                Wasm.Instantiate(store, """(module (table 1000000 funcref))""");
                Assert.Equal(before + (long)Bytes, Runtime.MemoryBudget.Process.UsedInBytes);
                Runtime.MemoryBudget.Process.LimitInBytes = before + (long)Bytes + 1;
                Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module (table 1 funcref))"));
            }

            Assert.Equal(before, Runtime.MemoryBudget.Process.UsedInBytes);

            // A store that is dropped gives it back, too.
            Drop(engine);
            for (int round = 0; round < 200 && Runtime.MemoryBudget.Process.UsedInBytes != before; round++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.Equal(before, Runtime.MemoryBudget.Process.UsedInBytes);
        }).AssertSucceeded();

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void Drop(Engine engine) => Wasm.Instantiate(engine.CreateStore(), "(module (table 1000 funcref))");
    }

    [Fact]
    [Trait("Security", "LM-05")]
    [Trait("Security", "LM-06")]
    [Trait("Parity", "WTG-06")]
    public void Numbers_of_instances_tables_and_memories_have_limits_and_what_fails_does_not_count()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore(new ResourceLimits { Instances = 6, Tables = 2, Memories = 2, TableElements = 10, MemoryBytes = 1 << 16 });
        for (int i = 0; i < 10; i++)
        {
            Assert.Throws<ResourceLimitException>(() => Table.Create(store, new TableType(ValType.FuncRef, new Limits(11)), Value.FromFunction(null)));
            Assert.Throws<ResourceLimitException>(() => Memory.Create(store, new MemoryType(new Limits(2))));
        }

        for (int i = 0; i < 2; i++)
        {
            Wasm.Instantiate(store, "(module (table 10 funcref) (memory 1))");
        }

        Assert.Contains("table count", Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module (table 0 funcref))")).Message, StringComparison.Ordinal);
        Assert.Contains("memory count", Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module (memory 0))")).Message, StringComparison.Ordinal);
        Wasm.Instantiate(store, "(module)");
        Wasm.Instantiate(store, "(module)");
        Assert.Contains("instance count", Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module)")).Message, StringComparison.Ordinal);
        using Store other = engine.CreateStore();
        Wasm.Instantiate(other, "(module (table 11 funcref) (memory 2))");
    }

    [Fact]
    [Trait("Parity", "WTG-06")]
    public void A_negative_limit_keeps_the_default()
    {
        var limits = new ResourceLimits { MemoryBytes = -1, TotalMemoryBytes = -1, TableElements = -1, TotalTableElements = -1, Instances = -1, Tables = -1, Memories = -1 };
        Assert.Equal(ResourceLimits.Default, limits);
        Assert.Equal((10_000, 10_000, 10_000), (limits.Instances, limits.Tables, limits.Memories));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-01")]
    public void Nothing_is_written_by_what_traps(MemoryProtection mode)
    {
        // Every store, fill, copy and init that ends outside, from each place where its first bytes are inside.
        using Store store = Wasm.CreateEngine(mode).CreateStore();
        string[] stores = ["i32.store8", "i32.store16", "i32.store", "i64.store8", "i64.store16", "i64.store32", "i64.store", "f32.store", "f64.store"];
        int[] widths = [1, 2, 4, 1, 2, 4, 8, 4, 8];
        string Value(string name) => name[..3] switch { "i32" => "(i32.const -1)", "i64" => "(i64.const -1)", "f32" => "(f32.const -nan)", _ => "(f64.const -nan)" };
        Instance instance = Wasm.Instantiate(
            store,
            $$"""
            (module (memory (export "memory") 1) (data $d "{{new string('x', 100)}}")
              {{string.Concat(stores.Select((name, i) => Wasm.Format($"""(func (export "s{i}") (param i32) ({name} (local.get 0) {Value(name)})) (func (export "o{i}") (param i32) ({name} offset=4294967295 (local.get 0) {Value(name)})) """)))}}
              (func (export "v128") (param i32) (v128.store (local.get 0) (v128.const i64x2 -1 -1)))
              (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
              (func (export "copy") (param i32 i32) (memory.copy (local.get 0) (i32.const 0) (local.get 1)))
              (func (export "copy_from") (param i32 i32) (memory.copy (i32.const 0) (local.get 0) (local.get 1)))
              (func (export "init") (param i32 i32) (memory.init $d (local.get 0) (i32.const 0) (local.get 1))))
            """);
        Memory memory = instance.GetMemory("memory")!;
        memory.GetSpan(0, 65_536).Fill(0x55);
        void Traps(string name, params object[] arguments)
        {
            Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction(name)!.Invoke(arguments));
            Assert.True(memory.GetSpan(0, 65_536).IndexOfAnyExcept((byte)0x55) < 0, $"{name}({string.Join(", ", arguments)}) has written");
        }

        for (int i = 0; i < stores.Length; i++)
        {
            foreach (int address in (int[])[65_536, 65_537, -1, int.MinValue, int.MaxValue])
            {
                Traps(Wasm.Format($"s{i}"), address);
            }

            for (int inside = 1; inside < widths[i]; inside++)
            {
                Traps(Wasm.Format($"s{i}"), 65_536 - inside);
            }

            // The sum does not wrap.
            foreach (int address in (int[])[0, 1, 2, 65_535, -1])
            {
                Traps(Wasm.Format($"o{i}"), address);
            }
        }

        for (int inside = 0; inside < 16; inside++)
        {
            Traps("v128", 65_536 - inside);
        }

        foreach (int length in (int[])[1, 17, 600, 3000, 65_536, -1, int.MinValue])
        {
            foreach (int start in (int[])[65_536, 65_535 - (length & 0xfff), -1])
            {
                int outside = (uint)start + (ulong)(uint)length > 65_536 ? start : 65_536;
                Traps("fill", outside, length);
                Traps("copy", outside, length);
                Traps("copy_from", outside, length);
            }
        }

        Traps("init", 65_536 - 99, 100);
        Traps("init", 0, 101);
        Traps("init", 65_537, 0);
        Traps("fill", 65_537, 0);
        instance.GetFunction("fill")!.Invoke(65_536, 0);
        instance.GetFunction("copy")!.Invoke(65_536, 0);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-02")]
    public void Growth_keeps_the_contents_and_adds_zeros(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        for (int round = 0; round < 3; round++)
        {
            // The same place may come again: what an earlier owner wrote is never seen.
            using Store store = engine.CreateStore();
            Instance instance = Wasm.Instantiate(
                store,
                """
                (module (memory (export "memory") 0 40)
                  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
                  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))
                """);
            Memory memory = instance.GetMemory("memory")!;
            Func<int, int> grow = instance.GetFunction<Func<int, int>>("grow")!;
            Func<int, int> load = instance.GetFunction<Func<int, int>>("load")!;
            Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => load(0));
            int pages = 0;
            foreach (int delta in (int[])[1, 1, 3, 10, 25])
            {
                Assert.Equal(pages, grow(delta));
                Span<byte> added = memory.GetSpan((ulong)pages << 16, delta << 16);
                Assert.True(added.IndexOfAnyExcept((byte)0) < 0);
                for (int page = 0; page < pages; page++)
                {
                    Assert.True(memory.GetSpan((ulong)page << 16, 1 << 16).IndexOfAnyExcept((byte)(page + 1)) < 0);
                }

                for (int page = pages; page < pages + delta; page++)
                {
                    memory.GetSpan((ulong)page << 16, 1 << 16).Fill((byte)(page + 1));
                }

                pages += delta;
                Assert.Equal(pages, load((pages << 16) - 1));
                Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => load(pages << 16));
                Assert.Equal(-1, grow(41 - pages));
            }
        }
    }

    [Fact]
    [Trait("Parity", "WTG-13")]
    public void A_memory_of_the_host_has_sizes_limits_a_span_and_an_address()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Memory memory = Memory.Create(store, new MemoryType(new Limits(1, 3)));
        Assert.Equal((1ul, 65_536ul, 1ul, 3ul), (memory.PageCount, memory.LengthInBytes, memory.Type.Limits.Minimum, memory.Type.Limits.Maximum!.Value));
        nint address = memory.BaseAddress;
        memory.GetSpan(10, 4).Fill(9);
        Assert.Equal(9, System.Runtime.InteropServices.Marshal.ReadByte(address + 13));
        Assert.Equal(1ul, memory.Grow(2));
        Assert.Equal(address, memory.BaseAddress);
        Assert.Equal(3ul, memory.Grow(0));
        Assert.Throws<ResourceLimitException>(() => memory.Grow(1));
        Assert.Equal(3ul, memory.PageCount);

        // One of 64 bits, beyond what 32 address.
        Memory wide = Memory.Create(store, new MemoryType(new Limits(1, 70_000), is64: true));
        Assert.True(wide.Type.Is64);
        if (!wide.TryGrow(65_539, out ulong previous))
        {
            Assert.Skip("more than 4 GiB of addresses and commit charge cannot be had here");
        }

        Assert.Equal(1ul, previous);
        Assert.Equal(65_540ul << 16, wide.LengthInBytes);
        wide.WriteInt64((65_540ul << 16) - 8, 0x1122334455667788);
        Assert.Equal(0x11, wide.ReadByte((65_540ul << 16) - 1));
        Assert.Equal(0, wide.ReadByte((4ul << 16) - 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => wide.ReadByte(65_540ul << 16));
        Assert.Throws<ArgumentOutOfRangeException>(() => wide.ReadInt64((65_540ul << 16) - 7));
    }
}
