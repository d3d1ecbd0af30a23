namespace Codicil.Format.Instructions;

/// <summary>What follows an opcode in the binary format, and so what the text format's arguments are (5.4).</summary>
public enum ImmediateKind : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A block type (s33): block, loop, if, the legacy try.</summary>
    BlockType,

    /// <summary>A block type and a vector of catch clauses: try_table.</summary>
    BlockTypeAndCatches,

    /// <summary>A label index.</summary>
    Label,

    /// <summary>A vector of labels and a default label: br_table.</summary>
    LabelVector,

    /// <summary>A local index.</summary>
    Local,

    /// <summary>A global index.</summary>
    Global,

    /// <summary>A function index.</summary>
    Function,

    /// <summary>A type index.</summary>
    Type,

    /// <summary>A tag index.</summary>
    Tag,

    /// <summary>A table index.</summary>
    Table,

    /// <summary>A type index, then a table index: call_indirect.</summary>
    TypeAndTable,

    /// <summary>A memory index.</summary>
    Memory,

    /// <summary>Two memory indices, destination first: memory.copy.</summary>
    MemoryPair,

    /// <summary>Two table indices, destination first: table.copy.</summary>
    TablePair,

    /// <summary>A data segment, then a memory index: memory.init.</summary>
    DataAndMemory,

    /// <summary>An element segment, then a table index: table.init.</summary>
    ElementAndTable,

    /// <summary>A data segment index.</summary>
    Data,

    /// <summary>An element segment index.</summary>
    Element,

    /// <summary>Alignment, optional memory index, offset.</summary>
    MemoryArgument,

    /// <summary>A memory argument, then a lane.</summary>
    MemoryArgumentAndLane,

    /// <summary>A lane.</summary>
    Lane,

    /// <summary>Sixteen lanes: i8x16.shuffle.</summary>
    Lanes,

    /// <summary>A signed 32-bit LEB128.</summary>
    I32,

    /// <summary>A signed 64-bit LEB128.</summary>
    I64,

    /// <summary>Four bytes.</summary>
    F32,

    /// <summary>Eight bytes.</summary>
    F64,

    /// <summary>Sixteen bytes.</summary>
    V128,

    /// <summary>A vector of value types: select t.</summary>
    ValueTypes,

    /// <summary>A heap type: ref.null; ref.test and ref.cast, whose nullability is part of the opcode.</summary>
    HeapType,

    /// <summary>Flags, a label, two heap types: br_on_cast.</summary>
    Cast,

    /// <summary>A structure type index, then a field index.</summary>
    TypeAndField,

    /// <summary>Two type indices: array.copy.</summary>
    TypePair,

    /// <summary>An array type index, then a data segment.</summary>
    TypeAndData,

    /// <summary>An array type index, then an element segment.</summary>
    TypeAndElement,

    /// <summary>An array type index, then a length: array.new_fixed.</summary>
    TypeAndLength,

    /// <summary>One reserved byte that must be zero: atomic.fence.</summary>
    Fence,
}
