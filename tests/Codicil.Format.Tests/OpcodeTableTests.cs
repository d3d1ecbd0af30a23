using System.Reflection;
using System.Text;

using Codicil.Format.Instructions;

namespace Codicil.Format.Tests;

/// <summary>The generated tables say what the attributes say, and the attributes keep the rules of the table.</summary>
public sealed class OpcodeTableTests
{
    private static readonly Dictionary<string, Opcode> SecondOfTheirName = new()
    {
        ["SelectTyped"] = Opcode.SelectTyped,
        ["RefTestNull"] = Opcode.RefTestNull,
        ["RefCastNull"] = Opcode.RefCastNull,
    };

    [Fact]
    public void Tables_hold_what_the_attributes_say()
    {
        foreach ((Opcode opcode, InstructionAttribute row) in Rows())
        {
            Assert.True(OpcodeTable.IsDefined(opcode));
            Assert.Equal(row.Mnemonic, OpcodeTable.Mnemonic(opcode));
            Assert.Equal(row.Immediate, OpcodeTable.Immediate(opcode));
            Assert.Equal(row.Feature, OpcodeTable.Feature(opcode));
            Assert.Equal(row.Width, OpcodeTable.Width(opcode));
            Assert.Equal(row.IsConstant, OpcodeTable.IsConstant(opcode));
            Assert.Equal(row.ConstantFeature, OpcodeTable.ConstantFeature(opcode));
            Assert.Equal(row.Signature is null ? InstructionShape.Special : InstructionShape.Signature, OpcodeTable.Shape(opcode));
            Assert.Equal(row.Signature ?? "->", Text(OpcodeTable.Signature(opcode)));
        }
    }

    [Fact]
    public void Every_member_has_a_row_and_stands_in_All_once_in_ascending_order()
    {
        Assert.Equal(Enum.GetValues<Opcode>(), OpcodeTable.All.ToArray());
        Assert.Equal(OpcodeTable.All.Length, Rows().Count);
        Assert.Equal(575, OpcodeTable.All.Length);
    }

    [Fact]
    public void Mnemonics_are_unique_but_for_three_pairs_and_are_found()
    {
        var seen = new Dictionary<string, Opcode>();
        foreach ((Opcode opcode, InstructionAttribute row) in Rows())
        {
            if (SecondOfTheirName.ContainsKey(opcode.ToString()))
            {
                Assert.True(seen.ContainsKey(row.Mnemonic));
                continue;
            }

            Assert.True(seen.TryAdd(row.Mnemonic, opcode), row.Mnemonic);
            Assert.True(OpcodeTable.TryFindMnemonic(row.Mnemonic, out Opcode found), row.Mnemonic);
            Assert.Equal(opcode, found);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("i32")]
    [InlineData("i32.adds")]
    [InlineData("i32.ad")]
    [InlineData("I32.add")]
    [InlineData("get_local")]
    [InlineData("module")]
    public void Other_words_are_no_mnemonics(string word) => Assert.False(OpcodeTable.TryFindMnemonic(word, out _));

    [Fact]
    public void Members_are_named_as_their_mnemonics()
    {
        foreach ((Opcode opcode, InstructionAttribute row) in Rows())
        {
            if (!SecondOfTheirName.ContainsKey(opcode.ToString()))
            {
                Assert.Equal(PascalCase(row.Mnemonic), opcode.ToString());
            }
        }
    }

    [Fact]
    public void Slots_are_dense_and_unique()
    {
        var slots = new HashSet<int>();
        foreach (Opcode opcode in OpcodeTable.All)
        {
            int slot = OpcodeTable.Slot(opcode);
            Assert.InRange(slot, 0, OpcodeTable.Slots - 1);
            Assert.True(slots.Add(slot));
        }

        Assert.True(OpcodeTable.Slots < 2 * OpcodeTable.All.Length);
    }

    [Fact]
    public void Every_encoding_that_is_no_opcode_is_undefined()
    {
        HashSet<Opcode> defined = [.. OpcodeTable.All.ToArray()];
        for (uint first = 0; first <= 0xFF; first++)
        {
            bool isPrefix = first is >= 0xFB and <= 0xFE;
            for (uint sub = 0; sub < (isPrefix ? 0x400u : 1u); sub++)
            {
                var opcode = (Opcode)(isPrefix ? (first << 16) | sub : first);
                Assert.Equal(defined.Contains(opcode), OpcodeTable.TryGet((byte)first, sub, out Opcode found));
                Assert.Equal(defined.Contains(opcode), OpcodeTable.IsDefined(opcode));
                Assert.Equal(defined.Contains(opcode) ? opcode : default, found);
            }
        }

        Assert.False(OpcodeTable.IsDefined((Opcode)0x0100));
        Assert.False(OpcodeTable.IsDefined((Opcode)0xFF_0000));
        Assert.False(OpcodeTable.IsDefined((Opcode)uint.MaxValue));
        Assert.False(OpcodeTable.TryGet(0xFD, uint.MaxValue, out _));
    }

    [Fact]
    public void Memory_instructions_have_a_width_and_an_address_as_first_operand()
    {
        foreach ((Opcode opcode, InstructionAttribute row) in Rows())
        {
            bool accessesMemory = row.Immediate is ImmediateKind.MemoryArgument or ImmediateKind.MemoryArgumentAndLane;
            bool hasLane = row.Immediate is ImmediateKind.Lane or ImmediateKind.MemoryArgumentAndLane;
            Assert.Equal(accessesMemory || hasLane, row.Width is 1 or 2 or 4 or 8 or 16);
            if (accessesMemory)
            {
                Assert.Equal(OperandKind.Address, OpcodeTable.Signature(opcode).Operands[0]);
            }
        }
    }

    [Fact]
    public void Each_prefix_holds_the_instructions_of_its_proposals()
    {
        foreach ((Opcode opcode, InstructionAttribute row) in Rows())
        {
            WasmFeatures allowed = ((uint)opcode >> 16) switch
            {
                0xFB => WasmFeatures.GarbageCollection,
                0xFC => WasmFeatures.SaturatingFloatToInt | WasmFeatures.BulkMemory | WasmFeatures.ReferenceTypes | WasmFeatures.WideArithmetic,
                0xFD => WasmFeatures.Simd | WasmFeatures.RelaxedSimd,
                0xFE => WasmFeatures.Threads,
                _ => WasmFeatures.All,
            };
            Assert.Equal(WasmFeatures.None, row.Feature & ~allowed);
            Assert.True((uint)opcode < 0x100 || row.Feature != WasmFeatures.None, row.Mnemonic);
        }
    }

    private static List<(Opcode Opcode, InstructionAttribute Row)> Rows()
    {
        var rows = new List<(Opcode, InstructionAttribute)>();
        foreach (FieldInfo field in typeof(Opcode).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            InstructionAttribute? row = field.GetCustomAttribute<InstructionAttribute>();
            Assert.NotNull(row);
            rows.Add(((Opcode)field.GetRawConstantValue()!, row));
        }

        return rows;
    }

    private static string PascalCase(string mnemonic)
    {
        var name = new StringBuilder();
        foreach (string word in mnemonic.Split('.', '_'))
        {
            name.Append(char.ToUpperInvariant(word[0])).Append(word, 1, word.Length - 1);
        }

        return name.ToString();
    }

    private static string Text(InstructionSignature signature)
    {
        var words = new List<string>();
        foreach (OperandKind operand in signature.Operands)
        {
            words.Add(Word(operand));
        }

        words.Add("->");
        foreach (OperandKind result in signature.Results)
        {
            words.Add(Word(result));
        }

        return string.Join(' ', words);
    }

    private static string Word(OperandKind kind) => kind == OperandKind.Address ? "addr" : kind.ToString().ToLowerInvariant();
}
