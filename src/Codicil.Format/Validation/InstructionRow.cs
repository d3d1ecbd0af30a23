using Codicil.Format.Instructions;

namespace Codicil.Format.Validation;

/// <summary>How <see cref="InstructionRow"/>s are checked fastest; one value a common signature.</summary>
internal enum RowShape : byte
{
    /// <summary>A hand-written rule.</summary>
    Special,

    /// <summary>No operands, one result.</summary>
    Push,

    /// <summary>One operand, one result.</summary>
    Unary,

    /// <summary>Two operands, one result.</summary>
    Binary,

    /// <summary>A memory address, one result.</summary>
    Load,

    /// <summary>A memory address and one operand, no result.</summary>
    Store,

    /// <summary>Any other signature, and every instruction with a lane.</summary>
    General,
}

/// <summary>A row of the opcode table, packed so that typing an instruction is one load: made once for the process.</summary>
/// <remarks>Operands from the top of the stack downwards, four bits each; the values are those of <see cref="OperandKind"/>.</remarks>
internal readonly struct InstructionRow
{
    private static readonly InstructionRow[] s_all = MakeAll();

    private readonly ulong _bits;

    private InstructionRow(ulong bits) => _bits = bits;

    public static ReadOnlySpan<InstructionRow> All => s_all;

    public RowShape Shape => (RowShape)(_bits & 0xFF);

    public ImmediateKind Immediate => (ImmediateKind)((_bits >> 8) & 0xFF);

    /// <summary>Log2 of the width of a memory access or lane.</summary>
    public int WidthLog2 => (int)((_bits >> 16) & 0xF);

    public int OperandCount => (int)((_bits >> 20) & 0xF);

    public int ResultCount => (int)((_bits >> 24) & 0xF);

    public bool IsAtomic => ((_bits >> 28) & 1) != 0;

    /// <summary>The operand at the top of the stack.</summary>
    public int Operand => (int)((_bits >> 32) & 0xF);

    /// <summary>The first result, the deepest.</summary>
    public int Result => (int)((_bits >> 56) & 0xF);

    public int GetOperand(int depth) => (int)((_bits >> (32 + (4 * depth))) & 0xF);

    public int GetResult(int index) => (int)((_bits >> (56 + (4 * index))) & 0xF);

    private static InstructionRow[] MakeAll()
    {
        InstructionRow[] rows = new InstructionRow[OpcodeTable.Slots];
        for (uint opcode = 0; opcode < 0xFB; opcode++)
        {
            Add(rows, opcode);
        }

        for (uint prefix = 0xFB; prefix <= 0xFE; prefix++)
        {
            for (uint sub = 0; sub < 0x200; sub++)
            {
                Add(rows, (prefix << 16) | sub);
            }
        }

        return rows;
    }

    private static void Add(InstructionRow[] rows, uint value)
    {
        Opcode opcode = (Opcode)value;
        int slot = OpcodeTable.Slot(opcode);
        if (slot < 0 || OpcodeTable.Shape(opcode) == InstructionShape.Special)
        {
            return;
        }

        InstructionSignature signature = OpcodeTable.Signature(opcode);
        ImmediateKind immediate = OpcodeTable.Immediate(opcode);
        bool hasLane = immediate is ImmediateKind.Lane or ImmediateKind.Lanes or ImmediateKind.MemoryArgumentAndLane;
        bool isAtomic = value >> 16 == 0xFE;
        bool isAccess = immediate == ImmediateKind.MemoryArgument && signature.Operands[0] == OperandKind.Address;
        RowShape shape = (signature.Operands.Length, signature.Results.Length) switch
        {
            _ when hasLane => RowShape.General,
            (1, 1) when isAccess => RowShape.Load,
            (2, 0) when isAccess => RowShape.Store,
            _ when isAccess || immediate == ImmediateKind.Memory => RowShape.General,
            (0, 1) => RowShape.Push,
            (1, 1) => RowShape.Unary,
            (2, 1) => RowShape.Binary,
            _ => RowShape.General,
        };
        int width = OpcodeTable.Width(opcode);
        ulong bits = (ulong)shape
            | ((ulong)immediate << 8)
            | ((ulong)(width == 0 ? 0 : int.Log2(width)) << 16)
            | ((ulong)signature.Operands.Length << 20)
            | ((ulong)signature.Results.Length << 24)
            | (isAtomic ? 1UL << 28 : 0);
        for (int i = 0; i < signature.Operands.Length; i++)
        {
            bits |= (ulong)signature.Operands[^(i + 1)] << (32 + (4 * i));
        }

        for (int i = 0; i < signature.Results.Length; i++)
        {
            bits |= (ulong)signature.Results[i] << (56 + (4 * i));
        }

        rows[slot] = new InstructionRow(bits);
    }
}
