namespace Codicil.Format.Instructions;

/// <summary>
/// What there is to know of each instruction: mnemonic, typing, immediates, feature. The data is generated from the attributes of
/// <see cref="Opcode"/>; every look-up is a few loads from constant data. Thread-safe.
/// </summary>
/// <remarks>WebAssembly 3.0, 5.4 Instructions and A.8 Index of Instructions.</remarks>
public static partial class OpcodeTable
{
    internal const byte UndefinedImmediate = 0xFF;

    private const byte ConstantFlag = 1;
    private const byte SpecialFlag = 2;

    /// <summary>Whether a value is an instruction's opcode.</summary>
    public static bool IsDefined(Opcode opcode) => Slot(opcode) >= 0;

    /// <summary>Finds the instruction of an opcode byte, or of a prefix byte and its sub-opcode.</summary>
    /// <param name="first">The opcode byte or prefix.</param>
    /// <param name="sub">The sub-opcode; ignored unless <paramref name="first"/> is a prefix.</param>
    /// <param name="opcode">The opcode.</param>
    public static bool TryGet(byte first, uint sub, out Opcode opcode)
    {
        int slot = first < SlotsOfFB ? first : PrefixedSlot(first, sub);
        bool found = (uint)slot < SlotCount && Immediates[slot] != UndefinedImmediate;
        opcode = found ? (Opcode)Opcodes[slot] : default;
        return found;
    }

    /// <summary>The name in the text format.</summary>
    public static string Mnemonic(Opcode opcode) => MnemonicSpan(opcode).ToString();

    /// <summary>The name in the text format, without an allocation.</summary>
    public static ReadOnlySpan<char> MnemonicSpan(Opcode opcode)
    {
        int slot = DefinedSlot(opcode);
        return Names.AsSpan(NameStarts[slot], NameLengths[slot]);
    }

    /// <summary>
    /// Finds an instruction by its name. <c>select</c>, <c>ref.test</c> and <c>ref.cast</c> give the opcode without a type and without
    /// null; the arguments decide whether it is <see cref="Opcode.SelectTyped"/>, <see cref="Opcode.RefTestNull"/> or <see cref="Opcode.RefCastNull"/>.
    /// </summary>
    public static bool TryFindMnemonic(ReadOnlySpan<char> mnemonic, out Opcode opcode)
    {
        uint hash = Hash(mnemonic);
        uint displacement = HashDisplacements[(int)(hash % HashBuckets)];
        int slot = HashToSlot[(int)(((hash ^ (displacement * 0x9E3779B1)) * 0x85EBCA6B) >> 22)];
        if (slot < SlotCount && mnemonic.SequenceEqual(Names.AsSpan(NameStarts[slot], NameLengths[slot])))
        {
            opcode = (Opcode)Opcodes[slot];
            return true;
        }

        opcode = default;
        return false;
    }

    /// <summary>What follows the opcode.</summary>
    public static ImmediateKind Immediate(Opcode opcode) => (ImmediateKind)Immediates[DefinedSlot(opcode)];

    /// <summary>The proposals that the instruction needs, all of them; none for those of WebAssembly 1.0.</summary>
    public static WasmFeatures Feature(Opcode opcode) => (WasmFeatures)Features[DefinedSlot(opcode)];

    /// <summary>The number of bytes that a memory instruction accesses, or of the lane that a lane instruction accesses; 0 for others.</summary>
    public static int Width(Opcode opcode) => Widths[DefinedSlot(opcode)];

    /// <summary>Whether the instruction may stand in a constant expression (3.4.12) when the proposals of <see cref="Feature"/> and <see cref="ConstantFeature"/> are on.</summary>
    public static bool IsConstant(Opcode opcode) => (Flags[DefinedSlot(opcode)] & ConstantFlag) != 0;

    /// <summary>The proposal that allows the instruction in constant expressions, where that is not the one it came with.</summary>
    public static WasmFeatures ConstantFeature(Opcode opcode) => (WasmFeatures)ConstantFeatures[DefinedSlot(opcode)];

    /// <summary>Whether <see cref="Signature"/> types the instruction, or a rule of the validator.</summary>
    public static InstructionShape Shape(Opcode opcode) =>
        (Flags[DefinedSlot(opcode)] & SpecialFlag) != 0 ? InstructionShape.Special : InstructionShape.Signature;

    /// <summary>The operands and results; none of either for instructions of <see cref="InstructionShape.Special"/>.</summary>
    public static InstructionSignature Signature(Opcode opcode)
    {
        int start = SignatureStarts[DefinedSlot(opcode)];
        ReadOnlySpan<OperandKind> signature = Signatures[start..];
        int operands = (int)signature[0];
        int results = (int)signature[1];
        return new InstructionSignature(signature.Slice(2, operands), signature.Slice(2 + operands, results));
    }

    /// <summary>The place of an opcode in the tables, or -1: dense, for tables of others that are indexed by opcode.</summary>
    public static int Slot(Opcode opcode)
    {
        int slot = DefinedSlot(opcode);
        return (uint)slot < SlotCount && Immediates[slot] != UndefinedImmediate ? slot : -1;
    }

    /// <summary>The number of places that <see cref="Slot"/> gives out, holes included.</summary>
    public static int Slots => SlotCount;

    internal static int PrefixedSlot(uint prefix, uint sub)
    {
        (int start, int end) = prefix switch
        {
            0xFB => (SlotsOfFB, SlotsOfFC),
            0xFC => (SlotsOfFC, SlotsOfFD),
            0xFD => (SlotsOfFD, SlotsOfFE),
            0xFE => (SlotsOfFE, SlotCount),
            _ => (0, 0),
        };
        return sub < (uint)(end - start) ? start + (int)sub : -1;
    }

    private static int DefinedSlot(Opcode opcode)
    {
        // An undefined opcode can only be a value that no decoder gave out: the span's own check reports -1.
        uint value = (uint)opcode;
        return value < SlotsOfFB ? (int)value : PrefixedSlot(value >> 16, value & 0xFFFF);
    }

    private static uint Hash(ReadOnlySpan<char> name)
    {
        // FNV-1a over the characters: the generator computes the same when it builds the tables.
        uint hash = 2166136261;
        foreach (char c in name)
        {
            hash = (hash ^ c) * 16777619;
        }

        return hash;
    }
}
