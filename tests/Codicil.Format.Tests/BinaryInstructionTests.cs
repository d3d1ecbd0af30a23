using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Format.Tests;

/// <summary>Instructions: what the writer writes the reader reads, and errors are where they are.</summary>
public sealed class BinaryInstructionTests
{
    [Fact]
    public void Every_instruction_comes_back_with_all_its_immediates()
    {
        var random = new Random(1);
        foreach (Opcode opcode in OpcodeTable.All)
        {
            for (int round = 0; round < 20; round++)
            {
                Instruction written = default;
                written.Opcode = opcode;
                FillImmediates(ref written, random);
                var writer = new ByteWriter();
                InstructionWriter.Write(writer, written);

                var reader = new InstructionReader(writer.Written, 0, writer.Length);
                reader.Read(out Instruction read);
                Assert.True(reader.AtEnd, OpcodeTable.Mnemonic(opcode));
                AssertEqual(written, read);
            }
        }
    }

    [Fact]
    public void Every_truncation_of_an_instruction_is_an_unexpected_end()
    {
        var random = new Random(2);
        foreach (Opcode opcode in OpcodeTable.All)
        {
            Instruction written = default;
            written.Opcode = opcode;
            FillImmediates(ref written, random);
            var writer = new ByteWriter();
            InstructionWriter.Write(writer, written);
            for (int length = 0; length < writer.Length; length++)
            {
                byte[] bytes = writer.Written[..length].ToArray();
                MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => ReadAll(bytes));
                Assert.True(
                    exception.Message.StartsWith("unexpected end of section or function", StringComparison.Ordinal)
                    || exception.Message.StartsWith("length out of bounds", StringComparison.Ordinal),
                    $"{OpcodeTable.Mnemonic(opcode)}: {exception.Message}");
            }
        }
    }

    [Fact]
    public void Every_instruction_of_a_proposal_is_refused_when_it_is_off()
    {
        var random = new Random(3);
        foreach (Opcode opcode in OpcodeTable.All)
        {
            WasmFeatures feature = OpcodeTable.Feature(opcode);
            if (feature == WasmFeatures.None)
            {
                continue;
            }

            Instruction written = default;
            written.Opcode = opcode;
            FillImmediates(ref written, random);
            var writer = new ByteWriter();
            InstructionWriter.Write(writer, written);
            byte[] bytes = writer.ToArray();
            UnsupportedModuleException exception = Assert.Throws<UnsupportedModuleException>(() => ReadAll(bytes, WasmFeatures.All & ~feature));
            Assert.NotEqual(WasmFeatures.None, exception.Feature & feature);
            Assert.Contains("switched off", exception.Message, StringComparison.Ordinal);
            Assert.Equal(0, exception.Offset);
        }
    }

    [Theory]
    [InlineData("FF", "illegal opcode ff", 0)]
    [InlineData("16", "illegal opcode 16", 0)]
    [InlineData("01FC12", "illegal opcode fc 12", 1)]
    [InlineData("FDFFFFFFFF0F", "illegal opcode fd ffffffff", 0)]
    [InlineData("FC8080808080808000", "integer representation too long", 6)]
    [InlineData("28800100", "malformed memop flags", 1)]
    [InlineData("FE0301", "zero byte expected", 2)]
    [InlineData("1F400104", "malformed catch clause", 3)]
    [InlineData("FB18040071 71", "malformed br_on_cast flags", 2)]
    [InlineData("02C07F", "integer representation too long", 2)]
    [InlineData("0261", "malformed reference type", 1)]
    [InlineData("D040", "malformed heap type", 1)]
    [InlineData("1C0140", "malformed reference type", 2)]
    [InlineData("0E05000000", "length out of bounds", 1)]
    public void Malformed_instructions_are_reported_with_their_offset(string hex, string message, long offset)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => ReadAll(bytes));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(offset, exception.Offset);
    }

    [Fact]
    public void Instructions_that_cross_their_end_are_a_size_mismatch()
    {
        // i32.const with its number behind the end; then an end that closes everything.
        byte[] bytes = [0x41, 0x01, 0x1A, 0x0B];
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() =>
        {
            var reader = new InstructionReader(bytes, 0, 1);
            reader.Read(out _);
        });
        Assert.StartsWith("section size mismatch", exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, exception.Offset);
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Branch_tables_have_a_limit()
    {
        Assert.Equal(ImplementationLimits.BranchTableLabels, ReadBranchTable(ImplementationLimits.BranchTableLabels));
        UnsupportedModuleException exception = Assert.Throws<UnsupportedModuleException>(() => ReadBranchTable(ImplementationLimits.BranchTableLabels + 1));
        Assert.StartsWith("too many labels in br_table: 65521", exception.Message, StringComparison.Ordinal);
        Assert.Equal(WasmFeatures.None, exception.Feature);
    }

    [Fact]
    public void Vectors_are_read_element_by_element()
    {
        byte[] bytes = Convert.FromHexString("0E02 01 80 01 05 1F40 03 00 02 03 02 04 03 05 1C 02 7F 70".Replace(" ", "", StringComparison.Ordinal));
        var reader = new InstructionReader(bytes, 0, bytes.Length);
        reader.Read(out Instruction table);
        var labels = new VectorReader(table);
        Assert.Equal(1u, labels.ReadLabel());
        Assert.Equal(128u, labels.ReadLabel());
        Assert.True(labels.AtEnd);
        Assert.Equal(5u, table.Index);

        reader.Read(out Instruction tryTable);
        Assert.True(tryTable.BlockType.IsEmpty);
        Assert.Equal(3, tryTable.VectorCount);
        var catches = new VectorReader(tryTable);
        Assert.Equal(new CatchClause(CatchKind.Catch, 2, 3), catches.ReadCatch());
        Assert.Equal(new CatchClause(CatchKind.CatchAll, 0, 4), catches.ReadCatch());
        Assert.Equal(new CatchClause(CatchKind.CatchAllRef, 0, 5), catches.ReadCatch());

        reader.Read(out Instruction select);
        var types = new VectorReader(select);
        Assert.Equal(ValType.I32, types.ReadType());
        Assert.Equal(ValType.FuncRef, types.ReadType());
        Assert.True(types.AtEnd);
    }

    [Theory]
    [InlineData("3F00", true)]
    [InlineData("3F01", false)]
    [InlineData("FC0A0000", true)]
    [InlineData("FC0A0001", false)]
    [InlineData("28420100", false)]
    public void Memory_indices_other_than_zero_need_multiple_memories(string hex, bool isAllowed)
    {
        byte[] bytes = Convert.FromHexString(hex);
        if (isAllowed)
        {
            ReadAll(bytes, WasmFeatures.Wasm2);
        }
        else
        {
            Assert.Equal(WasmFeatures.MultiMemory, Assert.Throws<UnsupportedModuleException>(() => ReadAll(bytes, WasmFeatures.Wasm2)).Feature);
        }
    }

    private static int ReadBranchTable(int labels)
    {
        byte[] bytes = [0x0E, .. BinaryModules.U32((uint)labels), .. new byte[labels], 0];
        var reader = new InstructionReader(bytes, 0, bytes.Length);
        reader.Read(out Instruction instruction);
        return instruction.VectorCount;
    }

    private static void ReadAll(byte[] bytes, WasmFeatures features = WasmFeatures.All)
    {
        var reader = new InstructionReader(bytes, 0, bytes.Length, features);
        do
        {
            reader.Read(out _);
        }
        while (!reader.AtEnd);
    }

    private static void FillImmediates(ref Instruction instruction, Random random)
    {
        uint Index() => random.Next(3) == 0 ? (uint)random.NextInt64(1L << 32) : (uint)random.Next(300);
        switch (OpcodeTable.Immediate(instruction.Opcode))
        {
            case ImmediateKind.None or ImmediateKind.Fence:
                break;
            case ImmediateKind.BlockType:
                instruction.BlockType = RandomBlockType(random);
                break;
            case ImmediateKind.BlockTypeAndCatches:
                instruction.BlockType = RandomBlockType(random);
                instruction.VectorCount = 4;
                instruction.Vector = new byte[] { 0, 1, 2, 1, 3, 4, 2, 5, 3, 6 };
                break;
            case ImmediateKind.LabelVector:
                instruction.VectorCount = 3;
                instruction.Vector = new byte[] { 1, 0x80, 0x01, 3 };
                instruction.Index = Index();
                break;
            case ImmediateKind.ValueTypes:
                instruction.VectorCount = 2;
                instruction.Vector = new byte[] { 0x7F, 0x64, 0x70 };
                break;
            case ImmediateKind.MemoryArgument or ImmediateKind.MemoryArgumentAndLane:
                instruction.Index = random.Next(2) == 0 ? 0 : Index();
                instruction.Alignment = (byte)random.Next(64);
                instruction.Bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
                instruction.Lane = OpcodeTable.Immediate(instruction.Opcode) == ImmediateKind.MemoryArgument ? (byte)0 : (byte)random.Next(256);
                break;
            case ImmediateKind.Lane:
                instruction.Lane = (byte)random.Next(256);
                break;
            case ImmediateKind.I32:
                instruction.Bits = (ulong)(long)random.Next(int.MinValue, int.MaxValue);
                break;
            case ImmediateKind.F32:
                instruction.Bits = Index();
                break;
            case ImmediateKind.I64 or ImmediateKind.F64:
                instruction.Bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
                break;
            case ImmediateKind.V128 or ImmediateKind.Lanes:
                instruction.Bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
                instruction.HighBits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
                break;
            case ImmediateKind.HeapType:
                instruction.HeapType = random.Next(2) == 0 ? HeapType.Struct : HeapType.Concrete(random.Next(1000));
                break;
            case ImmediateKind.Cast:
                instruction.CastFlags = (byte)random.Next(4);
                instruction.Index = Index();
                instruction.HeapType = HeapType.Any;
                instruction.TargetHeapType = HeapType.Concrete(random.Next(1000));
                break;
            case ImmediateKind.Label or ImmediateKind.Local or ImmediateKind.Global or ImmediateKind.Function or ImmediateKind.Type
                or ImmediateKind.Tag or ImmediateKind.Table or ImmediateKind.Memory or ImmediateKind.Data or ImmediateKind.Element:
                instruction.Index = Index();
                break;
            default:
                instruction.Index = Index();
                instruction.SecondIndex = Index();
                break;
        }
    }

    private static BlockType RandomBlockType(Random random) => random.Next(3) switch
    {
        0 => BlockType.Empty,
        1 => new BlockType(random.Next(100_000), default),
        _ => new BlockType(-1, random.Next(2) == 0 ? ValType.I64 : ValType.Reference(false, HeapType.Concrete(5))),
    };

    private static void AssertEqual(in Instruction expected, in Instruction actual)
    {
        Assert.Equal(expected.Opcode, actual.Opcode);
        Assert.Equal(expected.Index, actual.Index);
        Assert.Equal(expected.SecondIndex, actual.SecondIndex);
        Assert.Equal(expected.Bits, actual.Bits);
        Assert.Equal(expected.HighBits, actual.HighBits);
        Assert.Equal(expected.Alignment, actual.Alignment);
        Assert.Equal(expected.Lane, actual.Lane);
        Assert.Equal(expected.CastFlags, actual.CastFlags);
        Assert.Equal(expected.BlockType, actual.BlockType);
        Assert.Equal(expected.HeapType, actual.HeapType);
        Assert.Equal(expected.TargetHeapType, actual.TargetHeapType);
        Assert.Equal(expected.VectorCount, actual.VectorCount);
        Assert.Equal(expected.Vector.ToArray(), actual.Vector.ToArray());
    }
}
