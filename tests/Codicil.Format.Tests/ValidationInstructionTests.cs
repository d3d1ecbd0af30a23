namespace Codicil.Format.Tests;

public sealed class ValidationInstructionTests
{
    [Theory]
    [InlineData("(func (result i32) (i32.add (i32.const 1) (i32.const 2)))")]
    [InlineData("(func (result i32) unreachable i32.add)")]
    [InlineData("(func (result i32) unreachable (i64.const 1) (i32.const 1) select drop)")]
    [InlineData("(func (result f32) unreachable select)")]
    [InlineData("(func (param i32) (result i32) (block (result i32) (br_table 0 1 0 (local.get 0) (local.get 0))))")]
    [InlineData("(func (param i32) (loop (param) (br_if 0 (local.get 0))))")]
    [InlineData("(func (result i32) (if (result i32) (i32.const 1) (then (i32.const 1)) (else (i32.const 2))))")]
    [InlineData("(func (param i32) (result i32) local.get 0 i32.const 1 if (param i32) (result i32) end)")]
    [InlineData("(memory 1) (func (result i32) (i32.load offset=4294967295 align=4 (i32.const 0)))")]
    [InlineData("(memory i64 1) (func (result i32) (i32.load offset=4294967296 (i64.const 0)))")]
    [InlineData("(memory 1) (memory i64 1) (func (memory.copy 0 1 (i32.const 0) (i64.const 0) (i32.const 0)))")]
    [InlineData("(table 1 funcref) (elem declare func 0) (func (table.set (i32.const 0) (ref.func 0)))")]
    [InlineData("(func (result v128) (i8x16.shuffle 31 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 (v128.const i64x2 0 0) (v128.const i64x2 0 0)))")]
    [InlineData("(func (result i32) (return_call 0))")]
    [InlineData("(type $t (func)) (func (param (ref $t)) (local (ref $t)) (local.set 1 (local.get 0)) (call_ref $t (local.get 1)))")]
    [InlineData("(type $t (func)) (func (param (ref null $t)) (block (call_ref $t (br_on_null 0 (local.get 0)))))")]
    [InlineData("(type $s (struct (field (mut i8)))) (func (param (ref null $s)) (result i32) (struct.get_u $s 0 (local.get 0)))")]
    [InlineData("(type $s (sub (struct (field i32)))) (type $u (sub $s (struct (field i32 i64)))) (func (param (ref $u)) (result (ref null $s)) (local.get 0))")]
    [InlineData("(type $a (array (mut f32))) (func (result (ref $a)) (array.new_fixed $a 2 (f32.const 1) (f32.const 2)))")]
    [InlineData("(func (param anyref) (result i32) (ref.test (ref i31) (local.get 0)))")]
    [InlineData("(func (param anyref) (result anyref) (block (result anyref) (br_on_cast 0 anyref (ref i31) (local.get 0))))")]
    [InlineData("(tag $e (param i32)) (func (result i32) (block $h (result i32) (try_table (catch $e $h) (throw $e (i32.const 1))) (i32.const 0)))")]
    [InlineData("(func unreachable (throw_ref))")]
    [InlineData("(func unreachable (br_on_null 0) (ref.is_null) drop)")]
    [InlineData("(tag $e (param i64)) (func (result i64) (try (result i64) (do (call 0)) (catch $e) (catch_all (rethrow 0))))")]
    [InlineData("(func (try (do (try (do) (delegate 0))) (catch_all)))")]
    [InlineData("(memory 1 1 shared) (func (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))")]
    public void Takes_what_is_valid(string fields) => ValidationModules.Validate($"(module {fields})");

    [Theory]
    [InlineData("(func (result i32))", "type mismatch: instruction requires [i32] but stack has []")]
    [InlineData("(func (result i32) (i64.const 1))", "type mismatch: instruction requires [i32] but stack has [i64]")]
    [InlineData("(func (i32.const 1))", "type mismatch")]
    [InlineData("(func (drop))", "type mismatch")]
    [InlineData("(func (block (i32.add (i32.const 1) (i32.const 1))))", "type mismatch")]
    [InlineData("(func (i32.const 1) (block (drop)))", "type mismatch")]
    [InlineData("(func (result i32) unreachable i64.add)", "type mismatch")]
    [InlineData("(func (result i32) (if (result i32) (i32.const 1) (then (i32.const 1))))", "type mismatch")]
    [InlineData("(func (drop (select (i32.const 1) (i64.const 1) (i32.const 1))))", "type mismatch")]
    [InlineData("(func (drop (select (ref.null func) (ref.null func) (i32.const 1))))", "type mismatch")]
    [InlineData("(func (drop (select (result i32 i32) (i32.const 1) (i32.const 1) (i32.const 1))))", "invalid result arity")]
    [InlineData("(func (block (result i32) (block (br_table 0 1 (i32.const 1) (i32.const 1)))) drop)", "type mismatch")]
    [InlineData("(func (br 1))", "unknown label 1")]
    [InlineData("(func (local i32) (drop (local.get 7)))", "unknown local 7: function has 1")]
    [InlineData("(func (call 1))", "unknown function 1")]
    [InlineData("(func (drop (global.get 0)))", "unknown global 0")]
    [InlineData("(global i32 (i32.const 0)) (func (global.set 0 (i32.const 0)))", "immutable global: global is immutable")]
    [InlineData("(func (drop (i32.load (i32.const 0))))", "unknown memory 0")]
    [InlineData("(memory 1) (func (drop (i32.load16_u align=4 (i32.const 0))))", "alignment must not be larger than natural")]
    [InlineData("(memory 1 1 shared) (func (drop (i32.atomic.load align=1 (i32.const 0))))", "atomic alignment must be natural")]
    [InlineData("(func (drop (table.get 0 (i32.const 0))))", "unknown table 0")]
    [InlineData("(func (call_indirect (i32.const 0)))", "unknown table 0")]
    [InlineData("(table 1 externref) (func (call_indirect (i32.const 0)))", "type mismatch")]
    [InlineData("(table 1 externref) (func (table.set (i32.const 0) (ref.null func)))", "type mismatch")]
    [InlineData("(table 1 funcref) (func (table.init 0 (i32.const 0) (i32.const 0) (i32.const 0)))", "unknown elem segment 0")]
    [InlineData("(memory 1) (data \"\") (func (data.drop 1))", "unknown data segment 1")]
    [InlineData("(func (drop (ref.func 0)))", "undeclared function reference 0")]
    [InlineData("(func (param v128) (drop (i64x2.extract_lane 2 (local.get 0))))", "invalid lane index")]
    [InlineData("(type $t (func)) (func (param (ref null $t)) (result (ref $t)) (local.get 0))", "type mismatch")]
    [InlineData("(type $t (func)) (func (local (ref $t)) (drop (local.get 0)))", "uninitialized local 0")]
    [InlineData("(type $t (func)) (func (param (ref $t)) (local (ref $t)) (block (local.set 1 (local.get 0))) (drop (local.get 1)))", "uninitialized local 1")]
    [InlineData("(type $s (struct (field i8))) (func (param (ref $s)) (drop (struct.get $s 0 (local.get 0))))", "type mismatch: field is packed")]
    [InlineData("(type $s (struct (field i32))) (func (param (ref $s)) (struct.set $s 0 (local.get 0) (i32.const 1)))", "immutable field")]
    [InlineData("(type $s (struct (field (ref any)))) (func (drop (struct.new_default $s)))", "type mismatch: field type is not defaultable")]
    [InlineData("(func (param anyref) (drop (ref.test (ref func) (local.get 0))))", "type mismatch")]
    [InlineData("(func (result i32) unreachable (ref.as_non_null))", "type mismatch")]
    [InlineData("(tag $e) (func (block $h (result i32) (try_table (catch $e $h)) (i32.const 0)) drop)", "type mismatch")]
    [InlineData("(func (throw 0))", "unknown tag 0")]
    [InlineData("(func (try (do) (delegate 1)))", "unknown label 1")]
    [InlineData("(func (block (rethrow 0)))", "invalid rethrow label")]
    [InlineData("(tag $e (param i64)) (func (try (do) (catch $e)))", "type mismatch")]
    [InlineData("(func (result i32) (return_call 1)) (func (result i64) (i64.const 1))", "type mismatch")]
    public void Refuses_what_is_invalid(string fields, string message) => ValidationModules.AssertInvalid($"(module {fields})", message);

    [Fact]
    public void Says_in_which_function_and_where()
    {
        InvalidModuleException exception = ValidationModules.AssertInvalid("(module (import \"m\" \"f\" (func)) (func) (func nop i32.add drop))", "type mismatch");
        Assert.Equal(2, exception.FunctionIndex);
        Assert.Equal(ValidationModules.Decode("(module (import \"m\" \"f\" (func)) (func) (func nop i32.add drop))").Bodies[1].InstructionsStart + 1, exception.Offset);
    }

    [Fact]
    public void Refuses_a_body_that_goes_on_behind_its_end()
    {
        byte[] module = ValidationModules.WithBody([0], [0x41, 0, 0x0B, 0x01]);
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Validation.ModuleValidator.Validate(Binary.ModuleDecoder.Decode(module)));
        Assert.StartsWith("END opcode expected", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_a_body_that_stops_before_its_end()
    {
        byte[] module = ValidationModules.WithBody([0], [0x02, 0x40]);
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Validation.ModuleValidator.Validate(Binary.ModuleDecoder.Decode(module)));
        Assert.StartsWith("unexpected end", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x05)]
    [InlineData(0x19)]
    public void Refuses_what_stands_outside_its_block(byte opcode)
    {
        byte[] module = ValidationModules.WithBody([0], [0x41, 0, opcode]);
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(
            () => Validation.ModuleValidator.Validate(Binary.ModuleDecoder.Decode(module, WasmFeatures.All)));
        Assert.StartsWith("unexpected token", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_malformed_instructions_in_unreachable_code()
    {
        byte[] module = ValidationModules.WithBody([0], [0x00, 0xFF]);
        Assert.Throws<MalformedModuleException>(() => Validation.ModuleValidator.Validate(Binary.ModuleDecoder.Decode(module)));
    }

    [Fact]
    public void Asks_for_a_data_count_section()
    {
        // (memory 1) (func (data.drop 0)) (data "") without section 12.
        byte[] module =
        [
            0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 10, 7, 1, 5, 0, 0xFC, 9, 0, 0x0B, 11, 3, 1, 1, 0,
        ];
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Validation.ModuleValidator.Validate(Binary.ModuleDecoder.Decode(module)));
        Assert.StartsWith("data count section required", exception.Message, StringComparison.Ordinal);
    }
}
