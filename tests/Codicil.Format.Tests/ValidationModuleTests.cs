using Codicil.Format.Binary;
using Codicil.Format.Validation;

namespace Codicil.Format.Tests;

public sealed class ValidationModuleTests
{
    [Theory]
    [Trait("Security", "DV-09")]
    [InlineData("(memory 65536 65536)")]
    [InlineData("(memory i64 0x1000000000000)")]
    [InlineData("(table 0 0xffffffff funcref)")]
    [InlineData("(import \"m\" \"g\" (global i32)) (memory 1) (data (offset (global.get 0)) \"x\")")]
    [InlineData("(global $a i32 (i32.const 1)) (global i32 (i32.add (global.get $a) (i32.const 1)))")]
    [InlineData("(func $f) (global funcref (ref.func $f)) (table 1 (ref func) (ref.func $f))")]
    [InlineData("(table 1 funcref) (elem (i32.const 0) funcref (ref.null func))")]
    [InlineData("(func $main) (start $main) (export \"a\" (func $main)) (export \"b\" (func $main))")]
    public void Takes_what_is_valid(string fields) => ValidationModules.Validate($"(module {fields})");

    [Theory]
    [Trait("Security", "DV-09")]
    [InlineData("(memory 2 1)", "size minimum must not be greater than maximum")]
    [InlineData("(memory 65537)", "memory size must be at most 65536 pages (4GiB)")]
    [InlineData("(memory 0 65537)", "memory size must be at most 65536 pages (4GiB)")]
    [InlineData("(memory i64 0x1000000000001)", "memory size must be at most 2^48 pages")]
    [InlineData("(memory 1 shared)", "shared memory must have maximum")]
    [InlineData("(table 2 1 funcref)", "size minimum must not be greater than maximum")]
    [InlineData("(table 1 (ref func))", "type mismatch")]
    [InlineData("(func (type 3))", "unknown type 3")]
    [InlineData("(func) (export \"a\" (func 0)) (export \"a\" (func 0))", "duplicate export name \"a\"")]
    [InlineData("(export \"a\" (func 0))", "unknown function 0")]
    [InlineData("(export \"a\" (table 0))", "unknown table 0")]
    [InlineData("(export \"a\" (memory 0))", "unknown memory 0")]
    [InlineData("(export \"a\" (global 0))", "unknown global 0")]
    [InlineData("(start 0)", "unknown function 0")]
    [InlineData("(func (param i32)) (start 0)", "start function")]
    [InlineData("(global i32 (i64.const 1))", "type mismatch")]
    [InlineData("(global i32 (i32.const 1) (i32.const 1))", "type mismatch")]
    [InlineData("(global i32 (i32.clz (i32.const 1)))", "constant expression required")]
    [InlineData("(global (mut i32) (i32.const 1)) (global i32 (global.get 0))", "constant expression required")]
    [InlineData("(global i32 (global.get 0))", "unknown global 0")]
    [InlineData("(global i32 (global.get 1)) (global i32 (i32.const 1))", "unknown global 1")]
    [InlineData("(global i32 (i32.const 1)) (table 1 funcref (global.get 0))", "unknown global 0")]
    [InlineData("(data (i32.const 0) \"\")", "unknown memory 0")]
    [InlineData("(memory 1) (data (i64.const 0) \"\")", "type mismatch")]
    [InlineData("(elem (i32.const 0))", "unknown table 0")]
    [InlineData("(table 1 funcref) (elem (i32.const 0) 4)", "unknown function 4")]
    [InlineData("(table 1 externref) (func) (elem (i32.const 0) func 0)", "type mismatch")]
    [InlineData("(tag (result i32))", "non-empty tag result type")]
    [InlineData("(type (func (param (ref 1)))) (type (func))", "unknown type 1")]
    [InlineData("(type (struct)) (type (sub 0 (struct)))", "sub type 1 has final super type 0")]
    [InlineData("(type (sub (struct (field i32)))) (type (sub 0 (struct)))", "sub type 1 does not match super type 0")]
    public void Refuses_what_is_invalid(string fields, string message) => ValidationModules.AssertInvalid($"(module {fields})", message);

    [Theory]
    [InlineData("(memory 1) (memory 1)", WasmFeatures.MultiMemory)]
    [InlineData("(table 1 funcref) (table 1 funcref)", WasmFeatures.ReferenceTypes)]
    [InlineData("(memory i64 1)", WasmFeatures.Memory64)]
    [InlineData("(memory 1 1 shared)", WasmFeatures.Threads)]
    [InlineData("(func (result i32 i32) unreachable)", WasmFeatures.MultiValue)]
    [InlineData("(func (i32.const 1) (block (param i32) drop))", WasmFeatures.MultiValue)]
    [InlineData("(global (export \"g\") (mut i32) (i32.const 0))", WasmFeatures.MutableGlobals)]
    [InlineData("(import \"m\" \"g\" (global (mut i32)))", WasmFeatures.MutableGlobals)]
    [InlineData("(type (struct))", WasmFeatures.GarbageCollection)]
    [InlineData("(func (local (ref func)))", WasmFeatures.FunctionReferences)]
    [InlineData("(func (local v128))", WasmFeatures.Simd)]
    [InlineData("(func unreachable i32.extend8_s drop)", WasmFeatures.SignExtension)]
    [InlineData("(func (return_call 0))", WasmFeatures.TailCalls)]
    [InlineData("(tag)", WasmFeatures.Exceptions)]
    [InlineData("(memory 1) (data \"passive\")", WasmFeatures.BulkMemory)]
    public void Names_the_feature_that_is_switched_off(string fields, WasmFeatures feature)
    {
        string wat = $"(module {fields})";
        UnsupportedModuleException exception = Assert.Throws<UnsupportedModuleException>(() => ValidationModules.Validate(wat, WasmFeatures.All & ~feature));
        Assert.Equal(feature, exception.Feature & feature);
        ValidationModules.Validate(wat);
    }

    [Fact]
    public void Without_extended_constants_only_imported_globals_are_constant()
    {
        const WasmFeatures features = WasmFeatures.Wasm2;
        ValidationModules.Validate("(module (import \"m\" \"g\" (global i32)) (global i32 (global.get 0)))", features);
        ValidationModules.AssertInvalid("(module (global i32 (i32.const 1)) (global i32 (global.get 0)))", "unknown global 0", features);
        UnsupportedModuleException exception = Assert.Throws<UnsupportedModuleException>(
            () => ValidationModules.Validate("(module (global i32 (i32.add (i32.const 1) (i32.const 1))))", features));
        Assert.Equal(WasmFeatures.ExtendedConstants, exception.Feature);
    }

    [Fact]
    public void Reports_the_first_faulty_function_on_any_number_of_threads()
    {
        string fields = string.Concat(Enumerable.Range(0, 400).Select(i => i is 137 or 138 or 300 ? "(func drop)" : "(func (drop (i32.const 1)))"));
        Modules.WasmModule module = ValidationModules.Decode($"(module {fields})");
        foreach (int threads in (int[])[1, 2, 8])
        {
            InvalidModuleException exception = Assert.Throws<InvalidModuleException>(() => ModuleValidator.Validate(module, threads));
            Assert.Equal(137, exception.FunctionIndex);
        }
    }

    [Theory]
    [InlineData("conformance/apps")]
    [InlineData("conformance/extism")]
    [InlineData("conformance/go-plugin")]
    [InlineData("bench/kernels")]
    public void Takes_real_modules(string folder)
    {
        foreach (string file in TextSharedFiles.Files(folder, "*.wasm"))
        {
            try
            {
                ModuleValidator.Validate(ModuleDecoder.Decode(File.ReadAllBytes(file), WasmFeatures.All), 2);
            }
            catch (WasmException exception)
            {
                Assert.Fail($"{file}: {exception}");
            }
        }
    }
}
