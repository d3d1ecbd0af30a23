using Codicil.Format.Types;

namespace Codicil.Format.Instructions;

/// <summary>One decoded instruction: the opcode and its immediates. Valid as long as the bytes it was read from.</summary>
/// <remarks>WebAssembly 3.0, 2.4 and 5.4. Which members mean something follows from the opcode's <see cref="ImmediateKind"/>.</remarks>
#pragma warning disable CA1051 // A reader fills one of these per instruction: properties would copy what fields hand out by reference.
public ref struct Instruction
{
    /// <summary>The opcode.</summary>
    public Opcode Opcode;

    /// <summary>Offset of the opcode from the start of the module.</summary>
    public int Offset;

    /// <summary>
    /// The first index: label, local, global, function, type, tag, table, memory, data or element segment;
    /// for br_table the default label; for pairs the first of the two; the memory of a memory argument.
    /// </summary>
    public uint Index;

    /// <summary>The second index or length of pairs: call_indirect's table, memory.init's memory, a field, array.new_fixed's length.</summary>
    public uint SecondIndex;

    /// <summary>
    /// The bits of a constant (i32 sign-extended; floats as raw bits), the low half of v128 and of the shuffle lanes, or the offset of a memory argument.
    /// </summary>
    public ulong Bits;

    /// <summary>The high half of v128 and of the shuffle lanes.</summary>
    public ulong HighBits;

    /// <summary>Log2 of the alignment of a memory argument.</summary>
    public byte Alignment;

    /// <summary>The lane.</summary>
    public byte Lane;

    /// <summary>The flags of br_on_cast: bit 0 source nullable, bit 1 target nullable.</summary>
    public byte CastFlags;

    /// <summary>The type of a block, loop, if or try_table.</summary>
    public BlockType BlockType;

    /// <summary>The heap type of ref.null, ref.test, ref.cast; the source of br_on_cast.</summary>
    public HeapType HeapType;

    /// <summary>The target of br_on_cast.</summary>
    public HeapType TargetHeapType;

    /// <summary>The number of elements of <see cref="Vector"/>: labels of br_table (default not counted), types of select, clauses of try_table.</summary>
    public int VectorCount;

    /// <summary>The encoded elements of br_table, select t and try_table; read them with a <see cref="VectorReader"/>.</summary>
    public ReadOnlySpan<byte> Vector;

    /// <summary>The constant of i32.const.</summary>
    public readonly int I32 => (int)Bits;

    /// <summary>The constant of i64.const.</summary>
    public readonly long I64 => (long)Bits;
}
