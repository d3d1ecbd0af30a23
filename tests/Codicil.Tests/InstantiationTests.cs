using Codicil.Format;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Linking and instantiation: what fits, what is refused and how, and what a failed instantiation leaves behind.</summary>
public sealed class InstantiationTests
{
    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-09")]
    public void A_failed_instantiation_leaves_what_it_wrote_and_its_functions_live(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        using Store store = engine.CreateStore();
        Instance owner = Wasm.Instantiate(store, """
            (module (memory (export "memory") 1) (table (export "table") 10 funcref) (type $i (func (result i32)))
              (func (export "call") (param i32) (result i32) (call_indirect (type $i) (local.get 0))))
            """);
        void Define(Linker linker) => linker.DefineInstance("o", owner);
        const string Imports = """(import "o" "memory" (memory 1)) (import "o" "table" (table 10 funcref))""";

        // The third element segment does not fit: the first two stay, no data is written.
        Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => Wasm.Instantiate(
            store,
            $"""
            (module {Imports} (global $g (mut i32) (i32.const 40))
              (func $f (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
              (elem (i32.const 0) $f) (elem (i32.const 3) $f) (elem (i32.const 10) $f) (data (i32.const 0) "x"))
            """,
            Define));
        Assert.Equal(41, owner.GetFunction("call")!.Invoke(0));
        Assert.Equal(42, owner.GetFunction("call")!.Invoke(3));
        Assert.Equal(0, owner.GetMemory("memory")!.ReadByte(0));

        // The second data segment does not fit: the first and the elements stay.
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => Wasm.Instantiate(
            store,
            $"""(module {Imports} (func $f (result i32) i32.const 7) (elem (i32.const 5) $f) (data (i32.const 100) "abc") (data (i32.const 65535) "de") (data (i32.const 200) "f"))""",
            Define));
        Assert.Equal(7, owner.GetFunction("call")!.Invoke(5));
        Assert.Equal("abc", owner.GetMemory("memory")!.ReadString(100, 3));
        Assert.Equal(0, owner.GetMemory("memory")!.ReadByte(65_535));
        Assert.Equal(0, owner.GetMemory("memory")!.ReadByte(200));

        // The start function traps: everything stays.
        Wasm.AssertTrap(TrapCode.UnreachableCodeReached, () => Wasm.Instantiate(
            store,
            $"""(module {Imports} (func $f (result i32) (i32.load8_u (i32.const 300))) (elem (i32.const 6) $f) (data (i32.const 300) "A") (func $s (i32.store8 (i32.const 301) (i32.const 66)) unreachable) (start $s))""",
            Define));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.Equal(65, owner.GetFunction("call")!.Invoke(6));
        Assert.Equal(66, owner.GetMemory("memory")!.ReadByte(301));
        Assert.Equal(41 + 2, owner.GetFunction("call")!.Invoke(0));

        // An import that does not fit: nothing happens.
        Assert.Throws<LinkException>(() => Wasm.Instantiate(store, $"""(module {Imports} (import "o" "call" (func)) (data (i32.const 400) "A"))""", Define));
        Assert.Equal(0, owner.GetMemory("memory")!.ReadByte(400));
    }

    [Fact]
    [Trait("Security", "EX-09")]
    public void An_instance_that_failed_for_a_limit_harms_nobody()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore(new ResourceLimits { MemoryBytes = 1 << 16, Memories = 1, Tables = 1, Instances = 3, TableElements = 10 });
        Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module (memory 2))"));
        Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module (table 11 funcref))"));
        Assert.Equal(1, Wasm.Instantiate(store, """(module (memory 1) (func (export "f") (result i32) memory.size))""").GetFunction("f")!.Invoke());
        Assert.Throws<ResourceLimitException>(() => Wasm.Instantiate(store, "(module)"));
    }

    [Fact]
    [Trait("Parity", "WTG-24")]
    public void A_list_of_imports_must_have_the_right_count_kinds_and_types()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """
            (module (import "a" "f" (func (param i32) (result i64))) (import "a" "m" (memory 1 2)) (import "b" "t" (table 1 funcref)) (import "b" "g" (global (mut i32)))
              (export "g" (global 0)) (export "f" (func 0)) (export "t" (table 0)) (export "m" (memory 0)))
            """);
        Function f = Function.FromDelegate(store, static (int value) => (long)value);
        Memory m = Memory.Create(store, new MemoryType(new Limits(1, 2)));
        Table t = Table.Create(store, new TableType(ValType.FuncRef, new Limits(1)), Value.FromFunction(null));
        Global g = Global.Create(store, new GlobalType(ValType.I32, true), Value.FromI32(1));
        Instance instance = store.Instantiate(module, f, m, t, g);
        Assert.Equal(["g", "f", "t", "m"], instance.Exports.Select(static export => export.Name));
        Assert.Equal([ExternKind.Global, ExternKind.Function, ExternKind.Table, ExternKind.Memory], instance.Exports.Select(static export => export.Value.Kind));
        Assert.Equal("expected 4 imports, found 3", Assert.Throws<LinkException>(() => store.Instantiate(module, f, m, t)).Message);
        Assert.Equal("expected 4 imports, found 5", Assert.Throws<LinkException>(() => store.Instantiate(module, f, m, t, g, g)).Message);
        void AssertRefused(string name, params Extern[] imports)
        {
            LinkException exception = Assert.Throws<LinkException>(() => store.Instantiate(module, imports));
            Assert.StartsWith($"incompatible import type for `{name}`", exception.Message, StringComparison.Ordinal);
            Assert.Equal(name, $"{exception.ModuleName}::{exception.Name}");
        }

        AssertRefused("a::f", m, m, t, g);
        AssertRefused("a::f", Function.FromDelegate(store, static (int value) => value), m, t, g);
        AssertRefused("a::f", Function.FromDelegate(store, static (long value) => value), m, t, g);
        AssertRefused("a::m", f, Memory.Create(store, new MemoryType(new Limits(1))), t, g);
        AssertRefused("a::m", f, Memory.Create(store, new MemoryType(new Limits(0, 2))), t, g);
        AssertRefused("a::m", f, Memory.Create(store, new MemoryType(new Limits(1, 3))), t, g);
        AssertRefused("b::t", f, m, Table.Create(store, new TableType(ValType.ExternRef, new Limits(1)), Value.FromExtern(null)), g);
        AssertRefused("b::t", f, m, Table.Create(store, new TableType(ValType.FuncRef, new Limits(0)), Value.FromFunction(null)), g);
        AssertRefused("b::g", f, m, t, Global.Create(store, new GlobalType(ValType.I32, false), Value.FromI32(1)));
        AssertRefused("b::g", f, m, t, Global.Create(store, new GlobalType(ValType.I64, true), Value.FromI64(1)));
        Memory grown = Memory.Create(store, new MemoryType(new Limits(0, 2)));
        Assert.Equal(0u, grown.Grow(1));
        store.Instantiate(module, f, grown, t, g);
    }

    [Fact]
    [Trait("Parity", "WTG-16")]
    [Trait("Parity", "WTG-24")]
    [Trait("Parity", "WTG-26")]
    public void A_linker_names_what_is_missing_refuses_duplicates_and_finds_or_gives_null()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        var linker = new Linker(engine);
        using Module module = Module.FromText(engine, """(module (import "a" "b" (func (result i32))) (func (export "f") (result i32) call 0))""");
        LinkException missing = Assert.Throws<LinkException>(() => linker.Instantiate(store, module));
        Assert.Equal("unknown import: `a::b` has not been defined", missing.Message);
        Assert.Equal("a", missing.ModuleName);
        Assert.Equal("b", missing.Name);
        linker.DefineFunction("a", "b", static () => 1);
        Assert.Equal(1, linker.Instantiate(store, module).GetFunction("f")!.Invoke());
        Assert.Throws<ArgumentException>(() => linker.DefineFunction("a", "b", static () => 2));
        Assert.Throws<ArgumentException>(() => linker.Define("a", "b", Function.FromDelegate(store, static () => 2)));
        linker.AllowShadowing = true;
        linker.DefineFunction("a", "b", static () => 2);
        Assert.Equal(2, linker.Instantiate(store, module).GetFunction("f")!.Invoke());

        // Functions belong to no store; the same one is made only once for each.
        using Store other = engine.CreateStore();
        Assert.Equal(2, linker.Instantiate(other, module).GetFunction("f")!.Invoke());
        Assert.Same(linker.GetFunction(other, "a", "b"), linker.GetFunction(other, "a", "b"));
        Assert.NotSame(linker.GetFunction(store, "a", "b"), linker.GetFunction(other, "a", "b"));
        Assert.Null(linker.Get(store, "a", "c"));
        Assert.Null(linker.GetFunction(store, "x", "b"));
        linker.Define("a", "g", Global.Create(store, new GlobalType(ValType.I32, false), Value.FromI32(1)));
        Assert.Null(linker.GetFunction(store, "a", "g"));
        using Module global = Module.FromText(engine, """(module (import "a" "g" (global i32)))""");
        linker.Instantiate(store, global);
        Assert.Throws<ArgumentException>(() => linker.Instantiate(other, global));

        Instance instance = linker.Instantiate(store, module);
        Assert.Null(instance.GetExport("none"));
        Assert.Null(instance.GetMemory("f"));
        Assert.Null(instance.GetTable("f"));
        Assert.Null(instance.GetGlobal("f"));
        Assert.NotNull(instance.GetFunction("f"));
        linker.DefineInstance("i", instance);
        Assert.Same(instance.GetFunction("f"), linker.GetFunction(store, "i", "f"));
    }

    [Fact]
    [Trait("Parity", "WTG-17")]
    public void A_module_lists_its_imports_and_exports_with_their_types()
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(engine, """
            (module $name (import "a" "f" (func (param i32) (result i64))) (import "a" "f" (func)) (import "b" "m" (memory 1 2))
              (table (export "t") 1 5 externref) (global (export "g") (mut f32) (f32.const 0)) (func (export "h") (param funcref)))
            """);
        Assert.Equal("name", module.Name);
        Assert.Equal(["a f", "a f", "b m"], module.Imports.Select(static import => $"{import.ModuleName} {import.Name}"));
        Assert.Equal(new FunctionType([ValType.I32], [ValType.I64]), module.Imports[0].Type);
        Assert.Equal(new MemoryType(new Limits(1, 2)), module.Imports[2].Type);
        Assert.Equal(["t", "g", "h"], module.Exports.Select(static export => export.Name));
        Assert.Equal(new TableType(ValType.ExternRef, new Limits(1, 5)), module.Exports[0].Type);
        Assert.Equal(new GlobalType(ValType.F32, true), module.Exports[1].Type);
        Assert.Equal(new FunctionType([ValType.FuncRef], []), module.Exports[2].Type);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-04")]
    public void Call_indirect_compares_structure_across_modules_and_keeps_the_instance(MemoryProtection mode)
    {
        using Engine engine = Wasm.CreateEngine(mode);
        using Store store = engine.CreateStore();
        Instance owner = Wasm.Instantiate(store, """
            (module (type $pad (func (param f64 f64))) (type $t (func (param i32) (result i32)))
              (memory (export "memory") 1) (table (export "table") 8 funcref) (global $g (mut i32) (i32.const 100))
              (func (export "call") (param i32 i32) (result i32) (call_indirect (type $t) (local.get 1) (local.get 0)))
              (func $own (type $t) (i32.add (global.get $g) (local.get 0))) (elem (i32.const 0) $own))
            """);
        // The same structure under other indices, another one under the same index.
        Wasm.Instantiate(
            store,
            """
            (module (import "o" "table" (table 8 funcref)) (type $a (func (param i64) (result i32))) (type $b (func (param i32) (result i32))) (type $c (func (param i32) (result i32)))
              (type $d (func (param i32))) (type $e (func (param i32) (result i32 i32))) (type $f (func (param i32) (result f32)))
              (memory 1) (global $g (mut i32) (i32.const 200)) (data (i32.const 0) "\05")
              (func $ok (type $c) (i32.add (i32.add (global.get $g) (local.get 0)) (i32.load8_u (i32.const 0))))
              (func $p (type $a) i32.const 1) (func $q (type $d)) (func $r (type $e) i32.const 1 i32.const 2) (func $s (type $f) f32.const 1)
              (elem (i32.const 1) $ok $p $q $r $s)
              (func (export "call") (param i32) (result i32) (call_indirect (type $b) (local.get 0) (i32.const 0))))
            """,
            linker => linker.DefineInstance("o", owner));
        owner.GetTable("table")!.Set(6, Value.FromFunction(Function.FromDelegate(store, static (int value) => value * 2)));
        Func<int, int, int> call = owner.GetFunction<Func<int, int, int>>("call")!;
        Assert.Equal(101, call(0, 1));
        Assert.Equal(206, call(1, 1));
        Assert.Equal(42, call(6, 21));
        foreach (int wrong in new[] { 2, 3, 4, 5 })
        {
            Wasm.AssertTrap(TrapCode.BadSignature, () => call(wrong, 1));
            Wasm.AssertTrap(TrapCode.BadSignature, () => call(wrong, 1));
        }

        Wasm.AssertTrap(TrapCode.IndirectCallToNull, () => call(7, 1));
        foreach (int outside in new[] { 8, -1, int.MinValue, int.MaxValue })
        {
            Wasm.AssertTrap(TrapCode.UndefinedElement, () => call(outside, 1));
        }

        owner.GetTable("table")!.Grow(1, Value.FromFunction(owner.GetFunction("call")));
        Wasm.AssertTrap(TrapCode.BadSignature, () => call(8, 1));
        Wasm.AssertTrap(TrapCode.UndefinedElement, () => call(9, 1));
        Assert.Same(owner.GetFunction("call"), owner.GetTable("table")!.Get(8).AsFunction());
    }

    [Fact]
    [Trait("Parity", "WTG-23")]
    [Trait("Parity", "WTG-25")]
    public void A_dynamic_call_checks_before_any_code_runs()
    {
        Instance instance = Wasm.Instantiate("""
            (module (global $count (export "count") (mut i32) (i32.const 0))
              (func $count (global.set $count (i32.add (global.get $count) (i32.const 1))))
              (func (export "none") call $count)
              (func (export "one") (param i32 i64) (result i32) call $count local.get 0)
              (func (export "two") (result i32 f64) i32.const 1 f64.const 2)
              (func (export "float") (param f32 f64 externref funcref) call $count)
              (func (export "trap") (result i32) call $count unreachable))
            """);
        Function one = instance.GetFunction("one")!;
        Assert.Null(instance.GetFunction("none")!.Invoke());
        Assert.Equal(5, one.Invoke(5, 6L));
        Assert.Equal(-1, one.Invoke(uint.MaxValue, (byte)6));
        Assert.Equal(7, one.Invoke(7L, ulong.MaxValue));
        Assert.Equal([1, 2.0], Assert.IsType<object?[]>(instance.GetFunction("two")!.Invoke()));
        int before = instance.GetGlobal("count")!.Value.AsI32();
        Assert.Contains("expected 2 arguments, found 1", Assert.Throws<ArgumentException>(() => one.Invoke(1)).Message, StringComparison.Ordinal);
        foreach (object?[] arguments in new object?[][] { [1, 1.0], [1.0f, 1L], [1L << 32, 1L], ["1", 1L], [null, 1L], [1, null], [1, 1m], [(Int128)1, 1L] })
        {
            Assert.Throws<ArgumentException>(() => one.Invoke(arguments));
        }

        Function floats = instance.GetFunction("float")!;
        floats.Invoke(1f, 1.0, null, null);
        foreach (object?[] arguments in new object?[][] { [1.0, 1.0, null, null], [1f, 1f, null, null], [1f, 1, null, null], [1f, 1.0, null, "x"] })
        {
            Assert.Throws<ArgumentException>(() => floats.Invoke(arguments));
        }

        Assert.Equal(before + 1, instance.GetGlobal("count")!.Value.AsI32());
        Assert.Throws<ArgumentException>(() => one.Invoke([Value.FromI32(1), Value.FromI64(1)], []));
        Assert.Throws<ArgumentException>(() => one.Invoke([Value.FromI64(1), Value.FromI64(1)], new Value[1]));
        var results = new Value[1];
        Assert.Throws<TrapException>(() => instance.GetFunction("trap")!.Invoke([], results));
        Assert.Equal(default, results[0]);
    }

    [Fact]
    [Trait("Parity", "WTG-25")]
    public void Values_carry_their_kind()
    {
        object token = new();
        (Value Value, ValKind Kind, object? Object)[] values =
        [
            (Value.FromI32(-1), ValKind.I32, -1), (Value.FromI64(-1), ValKind.I64, -1L), (Value.FromF32(1.5f), ValKind.F32, 1.5f), (Value.FromF64(1.5), ValKind.F64, 1.5),
            (Value.FromExtern(token), ValKind.Reference, token), (Value.FromExtern(null), ValKind.Reference, null), (Value.FromFunction(null), ValKind.Reference, null),
        ];
        foreach ((Value value, ValKind kind, object? expected) in values)
        {
            Assert.Equal(kind, value.Kind);
            Assert.Equal(expected, value.ToObject());
            Action[] accessors = [() => value.AsI32(), () => value.AsI64(), () => value.AsF32(), () => value.AsF64(), () => value.AsV128(), () => value.AsFunction(), () => value.AsExtern()];
            Assert.Equal(1, accessors.Count(accessor => Record.Exception(accessor) is null));
            Assert.All(accessors.Select(Record.Exception).OfType<Exception>(), static exception => Assert.IsType<InvalidOperationException>(exception));
        }

        Assert.Equal(Value.FromI32(1), Value.FromI32(1));
        Assert.NotEqual(Value.FromI32(0), Value.FromF32(0));
        Assert.NotEqual(Value.FromF32(0f), Value.FromF32(-0f));
    }

    [Fact]
    [Trait("Parity", "WTG-14")]
    [Trait("Parity", "PGW-04")]
    public void Tables_and_globals_of_the_host_check_what_they_are_given()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Table table = Table.Create(store, new TableType(ValType.ExternRef, new Limits(1, 3)), Value.FromExtern("a"));
        Assert.Equal("a", table.Get(0).AsExtern());
        Assert.Equal(1u, table.Grow(2, Value.FromExtern("b")));
        Assert.Equal("b", table.Get(2).AsExtern());
        Assert.Equal(3u, table.Length);
        Assert.Throws<ResourceLimitException>(() => table.Grow(1, Value.FromExtern(null)));
        Assert.Equal(3u, table.Grow(0, Value.FromExtern(null)));
        Assert.Throws<ArgumentOutOfRangeException>(() => table.Get(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => table.Set(3, Value.FromExtern(null)));
        Assert.Throws<ArgumentException>(() => table.Set(0, Value.FromFunction(null)));
        Assert.Throws<ArgumentException>(() => table.Set(0, Value.FromI32(0)));
        Assert.Throws<ArgumentException>(() => Table.Create(store, new TableType(ValType.FuncRef, new Limits(1)), Value.FromExtern(null)));
        Global constant = Global.Create(store, new GlobalType(ValType.I64, false), Value.FromI64(5));
        Assert.Throws<InvalidOperationException>(() => constant.Value = Value.FromI64(6));
        Assert.Equal(5, constant.Value.AsI64());
        Global variable = Global.Create(store, new GlobalType(ValType.F64, true), Value.FromF64(5));
        Assert.Throws<ArgumentException>(() => variable.Value = Value.FromF32(6));
        variable.Value = Value.FromF64(7);
        Assert.Equal(7, variable.Value.AsF64());
        Assert.Throws<ArgumentException>(() => Global.Create(store, new GlobalType(ValType.F64, true), Value.FromI32(5)));
    }

    [Fact]
    [Trait("Parity", "WTG-28")]
    public void Options_are_snapshots()
    {
        var options = new EngineOptions { MaxStackBytes = 64 << 10 };
        using Engine engine = Engine.Create(options);
        EngineOptions derived = options with { MaxStackBytes = 128 << 10 };
        Assert.Equal(64 << 10, engine.Options.MaxStackBytes);
        Assert.Equal(128 << 10, derived.MaxStackBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => Engine.Create(new EngineOptions { MaxStackBytes = 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Engine.Create(new EngineOptions { MemoryPageLimit = 65_537 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Engine.Create(new EngineOptions { MemoryProtection = (MemoryProtection)9 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Engine.Create(new EngineOptions { Kind = (EngineKind)9 }));
    }

    [Fact]
    public void Bad_input_is_a_typed_exception()
    {
        using Engine engine = Wasm.CreateEngine();
        Assert.Throws<MalformedModuleException>(() => Module.FromBytes(engine, []));
        Assert.Throws<MalformedModuleException>(() => Module.FromBytes(engine, "hello"u8));
        Assert.Throws<MalformedModuleException>(() => Module.FromBytes(engine, [0, (byte)'a', (byte)'s', (byte)'m']));
        Assert.Throws<MalformedModuleException>(() => Module.FromText(engine, "(module"));
        Assert.Throws<InvalidModuleException>(() => Module.FromText(engine, "(module (func (result i32)))"));
        Assert.Throws<FileNotFoundException>(() => Module.FromFile(engine, "no such file.wasm"));
    }
}
