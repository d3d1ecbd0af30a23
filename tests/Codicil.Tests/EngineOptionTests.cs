using Codicil.Format;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>What an engine is told to allow, and what that does to modules, memories and stacks.</summary>
public sealed class EngineOptionTests
{
    /// <summary>A module for each feature that nothing but the feature makes different.</summary>
    public static TheoryData<WasmFeatures, string> FeatureModules => new()
    {
        { WasmFeatures.SignExtension, "(module (func (result i32) (i32.extend8_s (i32.const 200))))" },
        { WasmFeatures.SaturatingFloatToInt, "(module (func (result i32) (i32.trunc_sat_f32_s (f32.const 1e30))))" },
        { WasmFeatures.MultiValue, "(module (func (result i32 i32) (i32.const 1) (i32.const 2)))" },
        { WasmFeatures.BulkMemory, "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))" },
        { WasmFeatures.ReferenceTypes, "(module (func (param externref)))" },
        { WasmFeatures.Simd, "(module (func (drop (v128.const i32x4 0 0 0 0))))" },
        { WasmFeatures.ExtendedConstants, "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))" },
        { WasmFeatures.MutableGlobals, """(module (global (export "g") (mut i32) (i32.const 1)))""" },
        { WasmFeatures.TailCalls, "(module (func $f (return_call $f)))" },
        { WasmFeatures.FunctionReferences, "(module (type $t (func)) (func (param (ref null $t))))" },
        { WasmFeatures.GarbageCollection, "(module (type (struct (field i32))))" },
        { WasmFeatures.MultiMemory, "(module (memory 1) (memory 1))" },
        { WasmFeatures.Memory64, "(module (memory i64 1))" },
        { WasmFeatures.Exceptions, "(module (tag))" },
        { WasmFeatures.RelaxedSimd, "(module (func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))" },
        { WasmFeatures.Threads, "(module (memory 1 1 shared))" },
        { WasmFeatures.WideArithmetic, "(module (func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 1))))" },
        { WasmFeatures.LegacyExceptions, "(module (func (try (do) (catch_all))))" },
    };

    [Theory]
    [MemberData(nameof(FeatureModules))]
    [Trait("Parity", "WAZ-01")]
    [Trait("Parity", "WTG-18")]
    public void A_feature_that_is_off_is_named_when_a_module_needs_it(WasmFeatures feature, string text)
    {
        using Engine all = Engine.Create(new EngineOptions { Features = WasmFeatures.All });
        Module.FromText(all, text).Dispose();

        // What builds on a feature goes with it.
        WasmFeatures without = WasmFeatures.All & ~feature;
        without &= feature switch
        {
            WasmFeatures.Simd => ~WasmFeatures.RelaxedSimd,
            WasmFeatures.ReferenceTypes => ~(WasmFeatures.FunctionReferences | WasmFeatures.GarbageCollection | WasmFeatures.Exceptions),
            WasmFeatures.BulkMemory => ~(WasmFeatures.ReferenceTypes | WasmFeatures.FunctionReferences | WasmFeatures.GarbageCollection | WasmFeatures.Exceptions),
            WasmFeatures.FunctionReferences => ~WasmFeatures.GarbageCollection,
            _ => WasmFeatures.All,
        };
        using Engine limited = Engine.Create(new EngineOptions { Features = without });
        Assert.Equal(feature, Assert.Throws<UnsupportedModuleException>(() => Module.FromText(limited, text)).Feature);
        Assert.Equal(feature, Assert.Throws<UnsupportedModuleException>(() => Module.Validate(limited, Format.Text.Wat.ToBinary(text))).Feature);
    }

    [Fact]
    [Trait("Parity", "WAZ-01")]
    [Trait("Parity", "WTG-18")]
    public void Custom_page_sizes_are_malformed_limits_until_they_are_switched_on()
    {
        const string text = "(module (memory 1 (pagesize 1)))";
        using Engine all = Engine.Create(new EngineOptions { Features = WasmFeatures.All });
        Module.FromText(all, text).Dispose();
        using Engine limited = Engine.Create(new EngineOptions { Features = WasmFeatures.All & ~WasmFeatures.CustomPageSizes });
        Assert.Contains("custom page sizes are switched off", Assert.Throws<MalformedModuleException>(() => Module.FromText(limited, text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "WAZ-01")]
    public void Presets_are_the_standards_and_the_default_is_the_newest()
    {
        Assert.Equal(WasmFeatures.Wasm3, EngineOptions.Default.Features);
        using Engine first = Engine.Create(new EngineOptions { Features = WasmFeatures.Wasm1 });
        Module.FromText(first, "(module (memory 1) (func (param i32) (result i32) (i32.load (local.get 0))))").Dispose();
        using Engine second = Engine.Create(new EngineOptions { Features = WasmFeatures.Wasm2 });
        foreach (TheoryDataRow<WasmFeatures, string> row in FeatureModules)
        {
            (WasmFeatures feature, string text) = row.Data;
            if (feature == WasmFeatures.MutableGlobals)
            {
                continue;
            }

            bool isOfSecond = (WasmFeatures.Wasm2 & feature) != 0;
            Assert.Equal(feature, Assert.Throws<UnsupportedModuleException>(() => Module.FromText(isOfSecond ? first : second, text)).Feature);
            if (isOfSecond)
            {
                Module.FromText(second, text).Dispose();
            }
        }

        Module.FromText(second, "(module (func (drop (v128.const i32x4 0 0 0 0))))").Dispose();
        Assert.Throws<UnsupportedModuleException>(() => Module.FromText(second, "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))"));
        Assert.Equal(WasmFeatures.Threads, Assert.Throws<UnsupportedModuleException>(() => Module.FromText(second, "(module (memory 1 1 shared))")).Feature);
    }

    [Theory]
    [InlineData(WasmFeatures.Wasm3 & ~WasmFeatures.Simd, "RelaxedSimd", "Simd")]
    [InlineData(WasmFeatures.Wasm2 & ~WasmFeatures.BulkMemory, "ReferenceTypes", "BulkMemory")]
    [InlineData(WasmFeatures.Wasm3 & ~WasmFeatures.FunctionReferences, "GarbageCollection", "FunctionReferences")]
    [Trait("Parity", "WTG-18")]
    public void Features_that_contradict_each_other_are_refused_by_name(WasmFeatures features, string feature, string needed)
    {
        string message = Assert.Throws<ArgumentException>(() => Engine.Create(new EngineOptions { Features = features })).Message;
        Assert.Contains(feature, message, StringComparison.Ordinal);
        Assert.Contains(needed, message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "WAZ-02")]
    [Trait("Security", "LM-04")]
    public void The_page_limit_refuses_a_larger_minimum_at_load_and_lowers_a_larger_maximum()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Engine.Create(new EngineOptions { MemoryPageLimit = 65_537 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Engine.Create(new EngineOptions { MemoryPageLimit = -1 }));
        Assert.Equal(65_536, EngineOptions.Default.MemoryPageLimit);
        using Engine engine = Engine.Create(new EngineOptions { MemoryPageLimit = 4 });
        Assert.Contains("memory size", Assert.Throws<ResourceLimitException>(() => Module.FromText(engine, "(module (memory 5))")).Message, StringComparison.Ordinal);
        Assert.Throws<ResourceLimitException>(() => Module.FromText(engine, """(module (import "a" "b" (memory 5)))"""));
        Assert.Throws<ResourceLimitException>(() => Module.FromBytes(engine, Format.Text.Wat.ToBinary("(module (memory 65536 65536))")));
        Module.Validate(engine, Format.Text.Wat.ToBinary("(module (memory 5))"));
        using Store store = engine.CreateStore();
        Instance instance = Wasm.Instantiate(store, """(module (memory (export "m") 3 100) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))""");
        Assert.Equal(-1, instance.GetFunction("grow")!.Invoke(2));
        Assert.Equal(3, instance.GetFunction("grow")!.Invoke(1));
        Assert.Equal(-1, instance.GetFunction("grow")!.Invoke(1));
        Assert.Equal(100ul, instance.GetMemory("m")!.Type.Limits.Maximum);
        Assert.Throws<ResourceLimitException>(() => Memory.Create(store, new MemoryType(new Limits(5))));
        using Engine none = Engine.Create(new EngineOptions { MemoryPageLimit = 0 });
        Module.FromText(none, "(module (memory 0))").Dispose();
        Assert.Throws<ResourceLimitException>(() => Module.FromText(none, "(module (memory 1))"));
    }

    [Theory]
    [InlineData(MemoryProtection.Guard)]
    [InlineData(MemoryProtection.Checked)]
    [Trait("Parity", "WAZ-03")]
    public void A_memory_that_commits_its_maximum_is_charged_for_it_at_once(MemoryProtection mode)
    {
        Assert.SkipUnless(Wasm.Modes.Contains(mode), "there is no guard memory here");
        Assert.False(EngineOptions.Default.CommitMaximumMemory);
        using Engine engine = Engine.Create(new EngineOptions { CommitMaximumMemory = true, MemoryPageLimit = 6, MemoryProtection = mode });
        using Store store = engine.CreateStore(new ResourceLimits { TotalMemoryBytes = 10 << 16 });
        Memory declared = Memory.Create(store, new MemoryType(new Limits(1, 4)));
        Memory undeclared = Memory.Create(store, new MemoryType(new Limits(0)));
        Assert.Throws<ResourceLimitException>(() => Memory.Create(store, new MemoryType(new Limits(0, 1))));

        // Growth within it cannot fail, and stays within it.
        Assert.Equal(1ul, declared.Grow(3));
        Assert.Equal(0ul, undeclared.Grow(6));
        declared.GetSpan(0, 4 << 16).Fill(1);
        undeclared.GetSpan(0, 6 << 16).Fill(1);
        Assert.False(undeclared.TryGrow(1, out _));
    }

    [Fact]
    [Trait("Parity", "WTG-07")]
    public void The_stack_that_guests_may_use_is_what_was_asked_for_through_the_host_too()
    {
        int Depth(int bytes, bool throughHost)
        {
            using Engine engine = Engine.Create(new EngineOptions { MaxStackBytes = bytes });
            using Store store = engine.CreateStore();
            int depth = 0;
            Instance instance = Wasm.Instantiate(
                store,
                """
                (module (import "host" "count" (func $count)) (import "host" "again" (func $again))
                  (func $f (export "f") call $count call $f call $count)
                  (func (export "g") call $count call $again call $count))
                """,
                linker => linker
                    .DefineFunction("host", "count", () => { depth++; })
                    .DefineFunction("host", "again", (Caller caller) => { caller.GetFunction("g")!.Invoke(); }));
            Wasm.AssertTrap(TrapCode.StackOverflow, () => instance.GetFunction(throughHost ? "g" : "f")!.Invoke());
            return depth;
        }

        foreach (bool throughHost in new[] { false, true })
        {
            int small = Depth(128 * 1024, throughHost);
            Assert.InRange(Depth(512 * 1024, throughHost), small * 3, small * 5);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => Engine.Create(new EngineOptions { MaxStackBytes = 1024 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Engine.Create(new EngineOptions { MaxStackBytes = int.MaxValue }));
    }
}
