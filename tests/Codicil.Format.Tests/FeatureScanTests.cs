using System.Globalization;
using System.Numerics;

using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Text;
using Codicil.Format.Text.Scripts;
using Codicil.Format.Validation;

namespace Codicil.Format.Tests;

/// <summary>The features that a module uses: what it cannot be without, and nothing else.</summary>
public sealed class FeatureScanTests
{
    [Theory]
    [InlineData("(module (func (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))) (memory 1) (table 1 funcref) (data (i32.const 0) \"a\"))", WasmFeatures.None)]
    [InlineData("(module (global (export \"g\") (mut i32) (i32.const 0)))", WasmFeatures.MutableGlobals)]
    [InlineData("(module (import \"a\" \"b\" (global (mut i32))))", WasmFeatures.MutableGlobals)]
    [InlineData("(module (global (mut i32) (i32.const 0)))", WasmFeatures.None)]
    [InlineData("(module (func (drop (i32.extend8_s (i32.const 1)))))", WasmFeatures.SignExtension)]
    [InlineData("(module (func (drop (i32.trunc_sat_f32_s (f32.const 1)))))", WasmFeatures.SaturatingFloatToInt)]
    [InlineData("(module (func (result i32 i32) (i32.const 1) (i32.const 2)))", WasmFeatures.MultiValue)]
    [InlineData("(module (func (i32.const 1) (block (param i32) (drop))))", WasmFeatures.MultiValue)]
    [InlineData("(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))", WasmFeatures.BulkMemory)]
    [InlineData("(module (data \"a\"))", WasmFeatures.BulkMemory)]
    [InlineData("(module (func (param externref)))", WasmFeatures.ReferenceTypes)]
    [InlineData("(module (table 1 funcref) (table 1 funcref))", WasmFeatures.ReferenceTypes)]
    [InlineData("(module (func (local v128)))", WasmFeatures.Simd)]
    [InlineData("(module (func (drop (v128.const i64x2 1 2))))", WasmFeatures.Simd)]
    [InlineData("(module (global i32 (i32.add (i32.const 1) (i32.const 1))))", WasmFeatures.ExtendedConstants)]
    [InlineData("(module (global i32 (i32.const 1)) (global i32 (global.get 0)))", WasmFeatures.ExtendedConstants)]
    [InlineData("(module (func $f (return_call $f)))", WasmFeatures.TailCalls)]
    [InlineData("(module (type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0))))", WasmFeatures.FunctionReferences | WasmFeatures.ReferenceTypes)]
    [InlineData("(module (type (struct (field i32))))", WasmFeatures.GarbageCollection)]
    [InlineData("(module (func (param i31ref)))", WasmFeatures.GarbageCollection | WasmFeatures.ReferenceTypes)]
    [InlineData("(module (global i31ref (ref.i31 (i32.const 1))) (global i31ref (global.get 0)))", WasmFeatures.GarbageCollection | WasmFeatures.ReferenceTypes)]
    [InlineData("(module (memory 1) (memory 1))", WasmFeatures.MultiMemory)]
    [InlineData("(module (memory i64 1))", WasmFeatures.Memory64)]
    [InlineData("(module (table i64 1 funcref))", WasmFeatures.Memory64)]
    [InlineData("(module (tag))", WasmFeatures.Exceptions)]
    [InlineData("(module (func (block $b (try_table (catch_all $b)))))", WasmFeatures.Exceptions)]
    [InlineData("(module (func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))", WasmFeatures.RelaxedSimd | WasmFeatures.Simd)]
    [InlineData("(module (memory 1 1 shared))", WasmFeatures.Threads)]
    [InlineData("(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))", WasmFeatures.Threads)]
    [InlineData("(module (memory 1 (pagesize 1)))", WasmFeatures.CustomPageSizes)]
    [InlineData("(module (func (i64.add128 (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1)) (drop) (drop)))", WasmFeatures.WideArithmetic)]
    [InlineData("(module (func (try (do) (catch_all))))", WasmFeatures.LegacyExceptions)]
    public void Each_feature_is_found_where_it_is_used(string text, WasmFeatures expected)
    {
        WasmModule module = ValidationModules.Validate(text).Module;
        Assert.Equal(expected, module.FindUsedFeatures());
        AssertExact(module, text);
    }

    [Fact]
    public void Every_feature_has_a_module_above()
    {
        WasmFeatures named = typeof(FeatureScanTests).GetMethod(nameof(Each_feature_is_found_where_it_is_used))!.GetCustomAttributes(typeof(InlineDataAttribute), false)
            .Cast<InlineDataAttribute>().Aggregate(WasmFeatures.None, static (all, row) => all | (row.Data[1] is WasmFeatures features ? features : WasmFeatures.None));
        Assert.Equal(WasmFeatures.All, named);
    }

    [Fact]
    public void A_table_index_that_a_linker_left_room_for_needs_reference_types()
    {
        byte[] bytes = Wat.Parse("(module (type (func)) (table 1 funcref) (func (call_indirect (type 0) (i32.const 0))))").Bytes.ToArray();
        int at = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x41, 0x00, 0x11, 0x00, 0x00, 0x0B]);
        Assert.Equal(WasmFeatures.None, ModuleDecoder.Decode(bytes, WasmFeatures.All).FindUsedFeatures());

        // One byte more, in the body and in the sizes of body and section.
        byte[] padded = [.. bytes[..(at + 4)], 0x80, 0x00, .. bytes[(at + 5)..]];
        padded[at - 2]++;
        padded[at - 4]++;
        WasmModule module = ModuleDecoder.Decode(padded, WasmFeatures.All);
        Assert.Equal(WasmFeatures.ReferenceTypes, module.FindUsedFeatures());
    }

    [Theory]
    [InlineData("conformance/spec3")]
    [InlineData("conformance/spec-proposals/wide-arithmetic")]
    [InlineData("conformance/spec-proposals/threads/threads")]
    public void Modules_of_the_suites_pass_with_what_is_found_and_not_without_any_of_it(string directory)
    {
        WasmFeatures seen = WasmFeatures.None;
        int modules = 0;
        foreach (string file in TextSharedFiles.Files(directory, "*.wast"))
        {
            foreach (ModuleCommand command in WastScript.Parse(File.ReadAllBytes(file)).Commands.OfType<ModuleCommand>())
            {
                if (command.Module.Kind == ScriptModuleKind.Binary)
                {
                    // Long forms of what has a short one are counted as the short one.
                    continue;
                }

                WasmModule module = ModuleValidator.Validate(ModuleDecoder.Decode(command.Module.Parse().Bytes.Span, WasmFeatures.All)).Module;
                AssertExact(module, file);
                seen |= module.FindUsedFeatures();
                modules++;
            }
        }

        Assert.True(modules > 0, modules.ToString(CultureInfo.InvariantCulture));
        Assert.NotEqual(WasmFeatures.None, seen);
    }

    [Fact]
    public void Modules_of_compilers_pass_with_what_is_found_and_not_without_any_of_it()
    {
        foreach (string file in TextSharedFiles.Files("bench/kernels", "*.wasm").Concat(TextSharedFiles.Files("conformance/extism", "*.wasm")).Where(static file => new FileInfo(file).Length < 200_000))
        {
            AssertExact(ModuleValidator.Validate(ModuleDecoder.Decode(File.ReadAllBytes(file), WasmFeatures.All)).Module, file);
        }
    }

    private static void AssertExact(WasmModule module, string what)
    {
        WasmFeatures used = module.FindUsedFeatures();
        try
        {
            ModuleValidator.Validate(ModuleDecoder.Decode(module.Bytes.Span, used));
        }
        catch (WasmException exception)
        {
            Assert.Fail($"{what}: refused with {used}: {exception.Message}");
        }

        for (uint left = (uint)used; left != 0; left &= left - 1)
        {
            var feature = (WasmFeatures)(1u << BitOperations.TrailingZeroCount(left));
            if (feature == WasmFeatures.Exceptions && (used & WasmFeatures.LegacyExceptions) != 0)
            {
                // A tag is of either.
                continue;
            }

            try
            {
                ModuleValidator.Validate(ModuleDecoder.Decode(module.Bytes.Span, used & ~feature));
            }
            catch (WasmException)
            {
                continue;
            }

            Assert.Fail($"{what}: accepted without {feature} of {used}");
        }
    }
}
