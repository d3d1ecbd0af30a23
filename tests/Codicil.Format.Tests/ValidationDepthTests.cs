using System.Text;

using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;
using Codicil.Format.Validation;
using Codicil.Tests;

namespace Codicil.Format.Tests;

/// <summary>Bodies that are deep, wide or dear: validation must need neither stack nor more than linear time and memory.</summary>
public sealed class ValidationDepthTests
{
    private const int Depth = 1_000_000;
    private const int SmallStack = 256 << 10;

    [Theory]
    [InlineData("block", 0x02)]
    [InlineData("loop", 0x03)]
    [InlineData("try_table", 0x1F)]
    [Trait("Security", "DV-05")]
    public void Validates_a_million_nested_blocks_on_a_small_stack(string name, byte opcode)
    {
        Assert.NotEmpty(name);
        ChildProcess.Run(ValidateNested, new() { Arguments = [opcode.ToString(System.Globalization.CultureInfo.InvariantCulture)] }).AssertSucceeded();
    }

    [Fact]
    [Trait("Security", "DV-05")]
    public void Validates_millions_of_operands_on_a_small_stack() => ChildProcess.Run(ValidateOperands).AssertSucceeded();

    [Fact]
    [Trait("Security", "DV-05")]
    public void Validates_a_million_nested_conditions_with_else()
    {
        // 350,000 times i32.const 0, if, and their ends, with an else in each.
        byte[] instructions = new byte[(350_000 * 7) + 2];
        int position = 0;
        for (int i = 0; i < 350_000; i++)
        {
            new byte[] { 0x41, 0, 0x04, 0x40 }.CopyTo(instructions, position);
            position += 4;
        }

        for (int i = 0; i < 350_000; i++)
        {
            new byte[] { 0x05, 0x01, 0x0B }.CopyTo(instructions, position);
            position += 3;
        }

        instructions[position] = 0x41;
        ModuleValidator.Validate(ModuleDecoder.Decode(ValidationModules.WithBody([0], instructions)));
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Takes_fifty_thousand_locals_and_no_more()
    {
        // One run of 50,000 i64; local.get 49,999, i32.wrap_i64.
        byte[] most = ValidationModules.WithBody([1, 0xD0, 0x86, 0x03, 0x7E], [0x20, 0xCF, 0x86, 0x03, 0xA7]);
        WasmModule module = ModuleDecoder.Decode(most);
        ModuleValidator.Validate(module);
        FunctionValidator validator = new(module);
        validator.Begin(0);
        Assert.Equal(50_000, validator.Locals.Length);
        Assert.DoesNotContain(validator.Locals.ToArray(), type => type != ValType.I64);

        byte[] behind = ValidationModules.WithBody([1, 0xD0, 0x86, 0x03, 0x7E], [0x20, 0xD0, 0x86, 0x03, 0xA7]);
        InvalidModuleException unknown = Assert.Throws<InvalidModuleException>(() => ModuleValidator.Validate(ModuleDecoder.Decode(behind)));
        Assert.StartsWith("unknown local 50000: function has 50000", unknown.Message, StringComparison.Ordinal);

        byte[] tooMany = ValidationModules.WithBody([1, 0xD1, 0x86, 0x03, 0x7E], [0x41, 0]);
        Assert.Throws<UnsupportedModuleException>(() => ModuleDecoder.Decode(tooMany));

        // Two runs of 2^32 - 1 and 2.
        byte[] overflow = ValidationModules.WithBody([2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x7E, 2, 0x7E], [0x41, 0]);
        Assert.Throws<MalformedModuleException>(() => ModuleDecoder.Decode(overflow));
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Finds_each_of_many_runs_of_locals()
    {
        // 10,000 runs of three locals: i32 i32 i32, i64 i64 i64, ...
        ByteWriter locals = new();
        locals.WriteU32(10_000);
        ByteWriter instructions = new();
        for (uint i = 0; i < 10_000; i++)
        {
            locals.WriteBytes([3, i % 2 == 0 ? (byte)0x7F : (byte)0x7E]);
            instructions.WriteByte(0x20);
            instructions.WriteU32((i * 3) + (i % 3));
            instructions.WriteBytes(i % 2 == 0 ? [0x45, 0x1A] : [0x50, 0x1A]);
        }

        instructions.WriteBytes([0x41, 0]);
        ModuleValidator.Validate(ModuleDecoder.Decode(ValidationModules.WithBody(locals.Written, instructions.Written)));
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Does_not_spread_out_the_locals_of_many_functions()
    {
        StringBuilder text = new("(module ");
        for (int i = 0; i < 2_000; i++)
        {
            text.Append("(func)");
        }

        // Each of the functions declares 50,000 locals in four bytes: as an array they would be 200 KB a function.
        byte[] few = Text.Wat.Parse(text.Append(')').ToString()).ToArray();
        byte[] module = ReplaceBodies(few, 2_000, [6, 1, 0xD0, 0x86, 0x03, 0x7B, 0x0B]);
        WasmModule decoded = ModuleDecoder.Decode(module);
        ModuleValidator.Validate(decoded);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ModuleValidator.Validate(decoded);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Takes_a_thousand_parameters_and_results()
    {
        string many = string.Join(' ', Enumerable.Repeat("i64", 1_000));
        string pushes = string.Join(' ', Enumerable.Range(0, 1_000).Select(i => $"local.get {i}"));
        ValidationModules.Validate(
            $"(module (type $t (func (param {many}) (result {many}))) (func (type $t) {pushes} call 0 block (type $t) loop (type $t) br 1 end end))");
        Assert.Throws<UnsupportedModuleException>(() => ValidationModules.Validate($"(module (type $t (func (param {many} i64))))"));
        Assert.Throws<UnsupportedModuleException>(() => ValidationModules.Validate($"(module (type $t (func (result {many} i64))))"));
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Does_not_multiply_the_labels_of_a_table_by_their_types()
    {
        // 500 open blocks, each of its own type of a thousand results, and 40 tables that name all of them a hundred times.
        string many = string.Join(' ', Enumerable.Repeat("i32", 1_000));
        StringBuilder text = new("(module ");
        for (int i = 0; i < 500; i++)
        {
            text.Append($"(type (func (result {many})))");
        }

        text.Append("(func (type 0) ");
        for (int i = 0; i < 500; i++)
        {
            text.Append($"block (type {i}) ");
        }

        string labels = string.Join(' ', Enumerable.Range(0, 50_000).Select(i => i % 500));
        string values = string.Concat(Enumerable.Repeat("i32.const 0 ", 1_001));
        for (int i = 0; i < 40; i++)
        {
            text.Append($"block (type 0) {values} br_table {labels} end br 0 ");
        }

        for (int i = 0; i < 500; i++)
        {
            text.Append("end ");
        }

        ValidationModules.Validate(text.Append("))").ToString());
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Refuses_calls_that_leave_millions_of_operands()
    {
        string many = string.Join(' ', Enumerable.Repeat("i64", 1_000));
        string calls = string.Concat(Enumerable.Repeat("call 0 ", 5_000));
        UnsupportedModuleException exception = Assert.Throws<UnsupportedModuleException>(
            () => ValidationModules.Validate($"(module (func (result {many}) unreachable) (func {calls} unreachable))"));
        Assert.Equal(WasmFeatures.None, exception.Feature);
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Takes_huge_fixed_arrays_of_unknown_operands()
    {
        ValidationModules.Validate("(module (type $a (array i32)) (func (result (ref $a)) unreachable (array.new_fixed $a 10000)))");
    }

    internal static void ValidateNested(string[] arguments)
    {
        byte opcode = byte.Parse(arguments[0], System.Globalization.CultureInfo.InvariantCulture);
        ReadOnlySpan<byte> block = opcode == 0x1F ? [0x1F, 0x40, 0] : [opcode, 0x40];
        byte[] instructions = new byte[(Depth * (block.Length + 1)) + 2];
        for (int i = 0; i < Depth; i++)
        {
            block.CopyTo(instructions.AsSpan(i * block.Length));
        }

        instructions.AsSpan(Depth * block.Length, Depth).Fill(0x0B);
        instructions[^2] = (byte)Opcode.I32Const;
        OnSmallStack(ValidationModules.WithBody([0], instructions));
    }

    internal static void ValidateOperands(string[] arguments)
    {
        byte[] instructions = new byte[7_000_001];
        for (int i = 0; i < instructions.Length - 1; i += 2)
        {
            instructions[i] = (byte)Opcode.I32Const;
        }

        instructions[^1] = (byte)Opcode.Return;
        OnSmallStack(ValidationModules.WithBody([0], instructions));
    }

    private static void OnSmallStack(byte[] bytes)
    {
        bool succeeded = false;
        Thread thread = new(
            () =>
            {
                ModuleValidator.Validate(ModuleDecoder.Decode(bytes));
                succeeded = true;
            },
            SmallStack);
        thread.Start();
        thread.Join();
        if (!succeeded)
        {
            throw new InvalidOperationException("not validated");
        }
    }

    private static byte[] ReplaceBodies(byte[] module, uint count, ReadOnlySpan<byte> body)
    {
        // The code section of a module of empty functions is the last: id 10, size, count, then bodies of three bytes.
        int start = module.Length - (3 * (int)count) - 2 - 2 - 1;
        Assert.Equal(10, module[start]);
        ByteWriter writer = new();
        writer.WriteBytes(module.AsSpan(0, start + 1));
        writer.WriteU32(2 + (count * (uint)body.Length));
        writer.WriteU32(count);
        for (uint i = 0; i < count; i++)
        {
            writer.WriteBytes(body);
        }

        return writer.ToArray();
    }
}
