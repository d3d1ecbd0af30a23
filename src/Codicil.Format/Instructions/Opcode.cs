namespace Codicil.Format.Instructions;

#pragma warning disable CS1591 // The mnemonic in the attribute is the documentation of each member.

/// <summary>
/// Every instruction of WebAssembly 3.0, threads, wide arithmetic and the legacy exceptions: the rows of the opcode table.
/// The value is the opcode byte, or <c>prefix &lt;&lt; 16 | sub-opcode</c> for the prefixes 0xFB to 0xFE.
/// </summary>
/// <remarks>
/// WebAssembly 3.0, 5.4 Instructions and A.8 Index of Instructions. The name of a member is its mnemonic in PascalCase; three mnemonics
/// have a second opcode that the arguments tell apart (<see cref="SelectTyped"/>, <see cref="RefTestNull"/>, <see cref="RefCastNull"/>).
/// </remarks>
public enum Opcode : uint
{
    // Control
    [Instruction("unreachable", null)]
    Unreachable = 0x00,

    [Instruction("nop", "->")]
    Nop = 0x01,

    [Instruction("block", null, ImmediateKind.BlockType)]
    Block = 0x02,

    [Instruction("loop", null, ImmediateKind.BlockType)]
    Loop = 0x03,

    [Instruction("if", null, ImmediateKind.BlockType)]
    If = 0x04,

    [Instruction("else", null)]
    Else = 0x05,

    [Instruction("try", null, ImmediateKind.BlockType, WasmFeatures.LegacyExceptions)]
    Try = 0x06,

    [Instruction("catch", null, ImmediateKind.Tag, WasmFeatures.LegacyExceptions)]
    Catch = 0x07,

    [Instruction("throw", null, ImmediateKind.Tag, WasmFeatures.Exceptions)]
    Throw = 0x08,

    [Instruction("rethrow", null, ImmediateKind.Label, WasmFeatures.LegacyExceptions)]
    Rethrow = 0x09,

    [Instruction("throw_ref", null, feature: WasmFeatures.Exceptions)]
    ThrowRef = 0x0A,

    [Instruction("end", null, IsConstant = true)]
    End = 0x0B,

    [Instruction("br", null, ImmediateKind.Label)]
    Br = 0x0C,

    [Instruction("br_if", null, ImmediateKind.Label)]
    BrIf = 0x0D,

    [Instruction("br_table", null, ImmediateKind.LabelVector)]
    BrTable = 0x0E,

    [Instruction("return", null)]
    Return = 0x0F,

    [Instruction("call", null, ImmediateKind.Function)]
    Call = 0x10,

    [Instruction("call_indirect", null, ImmediateKind.TypeAndTable)]
    CallIndirect = 0x11,

    [Instruction("return_call", null, ImmediateKind.Function, WasmFeatures.TailCalls)]
    ReturnCall = 0x12,

    [Instruction("return_call_indirect", null, ImmediateKind.TypeAndTable, WasmFeatures.TailCalls)]
    ReturnCallIndirect = 0x13,

    [Instruction("call_ref", null, ImmediateKind.Type, WasmFeatures.FunctionReferences)]
    CallRef = 0x14,

    [Instruction("return_call_ref", null, ImmediateKind.Type, WasmFeatures.TailCalls | WasmFeatures.FunctionReferences)]
    ReturnCallRef = 0x15,

    [Instruction("delegate", null, ImmediateKind.Label, WasmFeatures.LegacyExceptions)]
    Delegate = 0x18,

    [Instruction("catch_all", null, feature: WasmFeatures.LegacyExceptions)]
    CatchAll = 0x19,

    // Parametric
    [Instruction("drop", null)]
    Drop = 0x1A,

    [Instruction("select", null)]
    Select = 0x1B,

    [Instruction("select", null, ImmediateKind.ValueTypes, WasmFeatures.ReferenceTypes)]
    SelectTyped = 0x1C,

    // Control: exceptions
    [Instruction("try_table", null, ImmediateKind.BlockTypeAndCatches, WasmFeatures.Exceptions)]
    TryTable = 0x1F,

    // Variables
    [Instruction("local.get", null, ImmediateKind.Local)]
    LocalGet = 0x20,

    [Instruction("local.set", null, ImmediateKind.Local)]
    LocalSet = 0x21,

    [Instruction("local.tee", null, ImmediateKind.Local)]
    LocalTee = 0x22,

    [Instruction("global.get", null, ImmediateKind.Global, IsConstant = true)]
    GlobalGet = 0x23,

    [Instruction("global.set", null, ImmediateKind.Global)]
    GlobalSet = 0x24,

    // Tables
    [Instruction("table.get", null, ImmediateKind.Table, WasmFeatures.ReferenceTypes)]
    TableGet = 0x25,

    [Instruction("table.set", null, ImmediateKind.Table, WasmFeatures.ReferenceTypes)]
    TableSet = 0x26,

    // Memory
    [Instruction("i32.load", "addr -> i32", ImmediateKind.MemoryArgument, Width = 4)]
    I32Load = 0x28,

    [Instruction("i64.load", "addr -> i64", ImmediateKind.MemoryArgument, Width = 8)]
    I64Load = 0x29,

    [Instruction("f32.load", "addr -> f32", ImmediateKind.MemoryArgument, Width = 4)]
    F32Load = 0x2A,

    [Instruction("f64.load", "addr -> f64", ImmediateKind.MemoryArgument, Width = 8)]
    F64Load = 0x2B,

    [Instruction("i32.load8_s", "addr -> i32", ImmediateKind.MemoryArgument, Width = 1)]
    I32Load8S = 0x2C,

    [Instruction("i32.load8_u", "addr -> i32", ImmediateKind.MemoryArgument, Width = 1)]
    I32Load8U = 0x2D,

    [Instruction("i32.load16_s", "addr -> i32", ImmediateKind.MemoryArgument, Width = 2)]
    I32Load16S = 0x2E,

    [Instruction("i32.load16_u", "addr -> i32", ImmediateKind.MemoryArgument, Width = 2)]
    I32Load16U = 0x2F,

    [Instruction("i64.load8_s", "addr -> i64", ImmediateKind.MemoryArgument, Width = 1)]
    I64Load8S = 0x30,

    [Instruction("i64.load8_u", "addr -> i64", ImmediateKind.MemoryArgument, Width = 1)]
    I64Load8U = 0x31,

    [Instruction("i64.load16_s", "addr -> i64", ImmediateKind.MemoryArgument, Width = 2)]
    I64Load16S = 0x32,

    [Instruction("i64.load16_u", "addr -> i64", ImmediateKind.MemoryArgument, Width = 2)]
    I64Load16U = 0x33,

    [Instruction("i64.load32_s", "addr -> i64", ImmediateKind.MemoryArgument, Width = 4)]
    I64Load32S = 0x34,

    [Instruction("i64.load32_u", "addr -> i64", ImmediateKind.MemoryArgument, Width = 4)]
    I64Load32U = 0x35,

    [Instruction("i32.store", "addr i32 ->", ImmediateKind.MemoryArgument, Width = 4)]
    I32Store = 0x36,

    [Instruction("i64.store", "addr i64 ->", ImmediateKind.MemoryArgument, Width = 8)]
    I64Store = 0x37,

    [Instruction("f32.store", "addr f32 ->", ImmediateKind.MemoryArgument, Width = 4)]
    F32Store = 0x38,

    [Instruction("f64.store", "addr f64 ->", ImmediateKind.MemoryArgument, Width = 8)]
    F64Store = 0x39,

    [Instruction("i32.store8", "addr i32 ->", ImmediateKind.MemoryArgument, Width = 1)]
    I32Store8 = 0x3A,

    [Instruction("i32.store16", "addr i32 ->", ImmediateKind.MemoryArgument, Width = 2)]
    I32Store16 = 0x3B,

    [Instruction("i64.store8", "addr i64 ->", ImmediateKind.MemoryArgument, Width = 1)]
    I64Store8 = 0x3C,

    [Instruction("i64.store16", "addr i64 ->", ImmediateKind.MemoryArgument, Width = 2)]
    I64Store16 = 0x3D,

    [Instruction("i64.store32", "addr i64 ->", ImmediateKind.MemoryArgument, Width = 4)]
    I64Store32 = 0x3E,

    [Instruction("memory.size", "-> addr", ImmediateKind.Memory)]
    MemorySize = 0x3F,

    [Instruction("memory.grow", "addr -> addr", ImmediateKind.Memory)]
    MemoryGrow = 0x40,

    // Constants
    [Instruction("i32.const", "-> i32", ImmediateKind.I32, IsConstant = true)]
    I32Const = 0x41,

    [Instruction("i64.const", "-> i64", ImmediateKind.I64, IsConstant = true)]
    I64Const = 0x42,

    [Instruction("f32.const", "-> f32", ImmediateKind.F32, IsConstant = true)]
    F32Const = 0x43,

    [Instruction("f64.const", "-> f64", ImmediateKind.F64, IsConstant = true)]
    F64Const = 0x44,

    // Comparisons: i32
    [Instruction("i32.eqz", "i32 -> i32")]
    I32Eqz = 0x45,

    [Instruction("i32.eq", "i32 i32 -> i32")]
    I32Eq = 0x46,

    [Instruction("i32.ne", "i32 i32 -> i32")]
    I32Ne = 0x47,

    [Instruction("i32.lt_s", "i32 i32 -> i32")]
    I32LtS = 0x48,

    [Instruction("i32.lt_u", "i32 i32 -> i32")]
    I32LtU = 0x49,

    [Instruction("i32.gt_s", "i32 i32 -> i32")]
    I32GtS = 0x4A,

    [Instruction("i32.gt_u", "i32 i32 -> i32")]
    I32GtU = 0x4B,

    [Instruction("i32.le_s", "i32 i32 -> i32")]
    I32LeS = 0x4C,

    [Instruction("i32.le_u", "i32 i32 -> i32")]
    I32LeU = 0x4D,

    [Instruction("i32.ge_s", "i32 i32 -> i32")]
    I32GeS = 0x4E,

    [Instruction("i32.ge_u", "i32 i32 -> i32")]
    I32GeU = 0x4F,

    // Comparisons: i64
    [Instruction("i64.eqz", "i64 -> i32")]
    I64Eqz = 0x50,

    [Instruction("i64.eq", "i64 i64 -> i32")]
    I64Eq = 0x51,

    [Instruction("i64.ne", "i64 i64 -> i32")]
    I64Ne = 0x52,

    [Instruction("i64.lt_s", "i64 i64 -> i32")]
    I64LtS = 0x53,

    [Instruction("i64.lt_u", "i64 i64 -> i32")]
    I64LtU = 0x54,

    [Instruction("i64.gt_s", "i64 i64 -> i32")]
    I64GtS = 0x55,

    [Instruction("i64.gt_u", "i64 i64 -> i32")]
    I64GtU = 0x56,

    [Instruction("i64.le_s", "i64 i64 -> i32")]
    I64LeS = 0x57,

    [Instruction("i64.le_u", "i64 i64 -> i32")]
    I64LeU = 0x58,

    [Instruction("i64.ge_s", "i64 i64 -> i32")]
    I64GeS = 0x59,

    [Instruction("i64.ge_u", "i64 i64 -> i32")]
    I64GeU = 0x5A,

    // Comparisons: f32
    [Instruction("f32.eq", "f32 f32 -> i32")]
    F32Eq = 0x5B,

    [Instruction("f32.ne", "f32 f32 -> i32")]
    F32Ne = 0x5C,

    [Instruction("f32.lt", "f32 f32 -> i32")]
    F32Lt = 0x5D,

    [Instruction("f32.gt", "f32 f32 -> i32")]
    F32Gt = 0x5E,

    [Instruction("f32.le", "f32 f32 -> i32")]
    F32Le = 0x5F,

    [Instruction("f32.ge", "f32 f32 -> i32")]
    F32Ge = 0x60,

    // Comparisons: f64
    [Instruction("f64.eq", "f64 f64 -> i32")]
    F64Eq = 0x61,

    [Instruction("f64.ne", "f64 f64 -> i32")]
    F64Ne = 0x62,

    [Instruction("f64.lt", "f64 f64 -> i32")]
    F64Lt = 0x63,

    [Instruction("f64.gt", "f64 f64 -> i32")]
    F64Gt = 0x64,

    [Instruction("f64.le", "f64 f64 -> i32")]
    F64Le = 0x65,

    [Instruction("f64.ge", "f64 f64 -> i32")]
    F64Ge = 0x66,

    // Arithmetic: i32
    [Instruction("i32.clz", "i32 -> i32")]
    I32Clz = 0x67,

    [Instruction("i32.ctz", "i32 -> i32")]
    I32Ctz = 0x68,

    [Instruction("i32.popcnt", "i32 -> i32")]
    I32Popcnt = 0x69,

    [Instruction("i32.add", "i32 i32 -> i32", IsConstant = true, ConstantFeature = WasmFeatures.ExtendedConstants)]
    I32Add = 0x6A,

    [Instruction("i32.sub", "i32 i32 -> i32", IsConstant = true, ConstantFeature = WasmFeatures.ExtendedConstants)]
    I32Sub = 0x6B,

    [Instruction("i32.mul", "i32 i32 -> i32", IsConstant = true, ConstantFeature = WasmFeatures.ExtendedConstants)]
    I32Mul = 0x6C,

    [Instruction("i32.div_s", "i32 i32 -> i32")]
    I32DivS = 0x6D,

    [Instruction("i32.div_u", "i32 i32 -> i32")]
    I32DivU = 0x6E,

    [Instruction("i32.rem_s", "i32 i32 -> i32")]
    I32RemS = 0x6F,

    [Instruction("i32.rem_u", "i32 i32 -> i32")]
    I32RemU = 0x70,

    [Instruction("i32.and", "i32 i32 -> i32")]
    I32And = 0x71,

    [Instruction("i32.or", "i32 i32 -> i32")]
    I32Or = 0x72,

    [Instruction("i32.xor", "i32 i32 -> i32")]
    I32Xor = 0x73,

    [Instruction("i32.shl", "i32 i32 -> i32")]
    I32Shl = 0x74,

    [Instruction("i32.shr_s", "i32 i32 -> i32")]
    I32ShrS = 0x75,

    [Instruction("i32.shr_u", "i32 i32 -> i32")]
    I32ShrU = 0x76,

    [Instruction("i32.rotl", "i32 i32 -> i32")]
    I32Rotl = 0x77,

    [Instruction("i32.rotr", "i32 i32 -> i32")]
    I32Rotr = 0x78,

    // Arithmetic: i64
    [Instruction("i64.clz", "i64 -> i64")]
    I64Clz = 0x79,

    [Instruction("i64.ctz", "i64 -> i64")]
    I64Ctz = 0x7A,

    [Instruction("i64.popcnt", "i64 -> i64")]
    I64Popcnt = 0x7B,

    [Instruction("i64.add", "i64 i64 -> i64", IsConstant = true, ConstantFeature = WasmFeatures.ExtendedConstants)]
    I64Add = 0x7C,

    [Instruction("i64.sub", "i64 i64 -> i64", IsConstant = true, ConstantFeature = WasmFeatures.ExtendedConstants)]
    I64Sub = 0x7D,

    [Instruction("i64.mul", "i64 i64 -> i64", IsConstant = true, ConstantFeature = WasmFeatures.ExtendedConstants)]
    I64Mul = 0x7E,

    [Instruction("i64.div_s", "i64 i64 -> i64")]
    I64DivS = 0x7F,

    [Instruction("i64.div_u", "i64 i64 -> i64")]
    I64DivU = 0x80,

    [Instruction("i64.rem_s", "i64 i64 -> i64")]
    I64RemS = 0x81,

    [Instruction("i64.rem_u", "i64 i64 -> i64")]
    I64RemU = 0x82,

    [Instruction("i64.and", "i64 i64 -> i64")]
    I64And = 0x83,

    [Instruction("i64.or", "i64 i64 -> i64")]
    I64Or = 0x84,

    [Instruction("i64.xor", "i64 i64 -> i64")]
    I64Xor = 0x85,

    [Instruction("i64.shl", "i64 i64 -> i64")]
    I64Shl = 0x86,

    [Instruction("i64.shr_s", "i64 i64 -> i64")]
    I64ShrS = 0x87,

    [Instruction("i64.shr_u", "i64 i64 -> i64")]
    I64ShrU = 0x88,

    [Instruction("i64.rotl", "i64 i64 -> i64")]
    I64Rotl = 0x89,

    [Instruction("i64.rotr", "i64 i64 -> i64")]
    I64Rotr = 0x8A,

    // Arithmetic: f32
    [Instruction("f32.abs", "f32 -> f32")]
    F32Abs = 0x8B,

    [Instruction("f32.neg", "f32 -> f32")]
    F32Neg = 0x8C,

    [Instruction("f32.ceil", "f32 -> f32")]
    F32Ceil = 0x8D,

    [Instruction("f32.floor", "f32 -> f32")]
    F32Floor = 0x8E,

    [Instruction("f32.trunc", "f32 -> f32")]
    F32Trunc = 0x8F,

    [Instruction("f32.nearest", "f32 -> f32")]
    F32Nearest = 0x90,

    [Instruction("f32.sqrt", "f32 -> f32")]
    F32Sqrt = 0x91,

    [Instruction("f32.add", "f32 f32 -> f32")]
    F32Add = 0x92,

    [Instruction("f32.sub", "f32 f32 -> f32")]
    F32Sub = 0x93,

    [Instruction("f32.mul", "f32 f32 -> f32")]
    F32Mul = 0x94,

    [Instruction("f32.div", "f32 f32 -> f32")]
    F32Div = 0x95,

    [Instruction("f32.min", "f32 f32 -> f32")]
    F32Min = 0x96,

    [Instruction("f32.max", "f32 f32 -> f32")]
    F32Max = 0x97,

    [Instruction("f32.copysign", "f32 f32 -> f32")]
    F32Copysign = 0x98,

    // Arithmetic: f64
    [Instruction("f64.abs", "f64 -> f64")]
    F64Abs = 0x99,

    [Instruction("f64.neg", "f64 -> f64")]
    F64Neg = 0x9A,

    [Instruction("f64.ceil", "f64 -> f64")]
    F64Ceil = 0x9B,

    [Instruction("f64.floor", "f64 -> f64")]
    F64Floor = 0x9C,

    [Instruction("f64.trunc", "f64 -> f64")]
    F64Trunc = 0x9D,

    [Instruction("f64.nearest", "f64 -> f64")]
    F64Nearest = 0x9E,

    [Instruction("f64.sqrt", "f64 -> f64")]
    F64Sqrt = 0x9F,

    [Instruction("f64.add", "f64 f64 -> f64")]
    F64Add = 0xA0,

    [Instruction("f64.sub", "f64 f64 -> f64")]
    F64Sub = 0xA1,

    [Instruction("f64.mul", "f64 f64 -> f64")]
    F64Mul = 0xA2,

    [Instruction("f64.div", "f64 f64 -> f64")]
    F64Div = 0xA3,

    [Instruction("f64.min", "f64 f64 -> f64")]
    F64Min = 0xA4,

    [Instruction("f64.max", "f64 f64 -> f64")]
    F64Max = 0xA5,

    [Instruction("f64.copysign", "f64 f64 -> f64")]
    F64Copysign = 0xA6,

    // Conversions
    [Instruction("i32.wrap_i64", "i64 -> i32")]
    I32WrapI64 = 0xA7,

    [Instruction("i32.trunc_f32_s", "f32 -> i32")]
    I32TruncF32S = 0xA8,

    [Instruction("i32.trunc_f32_u", "f32 -> i32")]
    I32TruncF32U = 0xA9,

    [Instruction("i32.trunc_f64_s", "f64 -> i32")]
    I32TruncF64S = 0xAA,

    [Instruction("i32.trunc_f64_u", "f64 -> i32")]
    I32TruncF64U = 0xAB,

    [Instruction("i64.extend_i32_s", "i32 -> i64")]
    I64ExtendI32S = 0xAC,

    [Instruction("i64.extend_i32_u", "i32 -> i64")]
    I64ExtendI32U = 0xAD,

    [Instruction("i64.trunc_f32_s", "f32 -> i64")]
    I64TruncF32S = 0xAE,

    [Instruction("i64.trunc_f32_u", "f32 -> i64")]
    I64TruncF32U = 0xAF,

    [Instruction("i64.trunc_f64_s", "f64 -> i64")]
    I64TruncF64S = 0xB0,

    [Instruction("i64.trunc_f64_u", "f64 -> i64")]
    I64TruncF64U = 0xB1,

    [Instruction("f32.convert_i32_s", "i32 -> f32")]
    F32ConvertI32S = 0xB2,

    [Instruction("f32.convert_i32_u", "i32 -> f32")]
    F32ConvertI32U = 0xB3,

    [Instruction("f32.convert_i64_s", "i64 -> f32")]
    F32ConvertI64S = 0xB4,

    [Instruction("f32.convert_i64_u", "i64 -> f32")]
    F32ConvertI64U = 0xB5,

    [Instruction("f32.demote_f64", "f64 -> f32")]
    F32DemoteF64 = 0xB6,

    [Instruction("f64.convert_i32_s", "i32 -> f64")]
    F64ConvertI32S = 0xB7,

    [Instruction("f64.convert_i32_u", "i32 -> f64")]
    F64ConvertI32U = 0xB8,

    [Instruction("f64.convert_i64_s", "i64 -> f64")]
    F64ConvertI64S = 0xB9,

    [Instruction("f64.convert_i64_u", "i64 -> f64")]
    F64ConvertI64U = 0xBA,

    [Instruction("f64.promote_f32", "f32 -> f64")]
    F64PromoteF32 = 0xBB,

    [Instruction("i32.reinterpret_f32", "f32 -> i32")]
    I32ReinterpretF32 = 0xBC,

    [Instruction("i64.reinterpret_f64", "f64 -> i64")]
    I64ReinterpretF64 = 0xBD,

    [Instruction("f32.reinterpret_i32", "i32 -> f32")]
    F32ReinterpretI32 = 0xBE,

    [Instruction("f64.reinterpret_i64", "i64 -> f64")]
    F64ReinterpretI64 = 0xBF,

    // Sign extension
    [Instruction("i32.extend8_s", "i32 -> i32", feature: WasmFeatures.SignExtension)]
    I32Extend8S = 0xC0,

    [Instruction("i32.extend16_s", "i32 -> i32", feature: WasmFeatures.SignExtension)]
    I32Extend16S = 0xC1,

    [Instruction("i64.extend8_s", "i64 -> i64", feature: WasmFeatures.SignExtension)]
    I64Extend8S = 0xC2,

    [Instruction("i64.extend16_s", "i64 -> i64", feature: WasmFeatures.SignExtension)]
    I64Extend16S = 0xC3,

    [Instruction("i64.extend32_s", "i64 -> i64", feature: WasmFeatures.SignExtension)]
    I64Extend32S = 0xC4,

    // References
    [Instruction("ref.null", null, ImmediateKind.HeapType, WasmFeatures.ReferenceTypes, IsConstant = true)]
    RefNull = 0xD0,

    [Instruction("ref.is_null", null, feature: WasmFeatures.ReferenceTypes)]
    RefIsNull = 0xD1,

    [Instruction("ref.func", null, ImmediateKind.Function, WasmFeatures.ReferenceTypes, IsConstant = true)]
    RefFunc = 0xD2,

    [Instruction("ref.eq", null, feature: WasmFeatures.GarbageCollection)]
    RefEq = 0xD3,

    [Instruction("ref.as_non_null", null, feature: WasmFeatures.FunctionReferences)]
    RefAsNonNull = 0xD4,

    [Instruction("br_on_null", null, ImmediateKind.Label, WasmFeatures.FunctionReferences)]
    BrOnNull = 0xD5,

    [Instruction("br_on_non_null", null, ImmediateKind.Label, WasmFeatures.FunctionReferences)]
    BrOnNonNull = 0xD6,

    // Aggregates and casts
    [Instruction("struct.new", null, ImmediateKind.Type, WasmFeatures.GarbageCollection, IsConstant = true)]
    StructNew = 0xFB_0000,

    [Instruction("struct.new_default", null, ImmediateKind.Type, WasmFeatures.GarbageCollection, IsConstant = true)]
    StructNewDefault = 0xFB_0001,

    [Instruction("struct.get", null, ImmediateKind.TypeAndField, WasmFeatures.GarbageCollection)]
    StructGet = 0xFB_0002,

    [Instruction("struct.get_s", null, ImmediateKind.TypeAndField, WasmFeatures.GarbageCollection)]
    StructGetS = 0xFB_0003,

    [Instruction("struct.get_u", null, ImmediateKind.TypeAndField, WasmFeatures.GarbageCollection)]
    StructGetU = 0xFB_0004,

    [Instruction("struct.set", null, ImmediateKind.TypeAndField, WasmFeatures.GarbageCollection)]
    StructSet = 0xFB_0005,

    [Instruction("array.new", null, ImmediateKind.Type, WasmFeatures.GarbageCollection, IsConstant = true)]
    ArrayNew = 0xFB_0006,

    [Instruction("array.new_default", null, ImmediateKind.Type, WasmFeatures.GarbageCollection, IsConstant = true)]
    ArrayNewDefault = 0xFB_0007,

    [Instruction("array.new_fixed", null, ImmediateKind.TypeAndLength, WasmFeatures.GarbageCollection, IsConstant = true)]
    ArrayNewFixed = 0xFB_0008,

    [Instruction("array.new_data", null, ImmediateKind.TypeAndData, WasmFeatures.GarbageCollection)]
    ArrayNewData = 0xFB_0009,

    [Instruction("array.new_elem", null, ImmediateKind.TypeAndElement, WasmFeatures.GarbageCollection)]
    ArrayNewElem = 0xFB_000A,

    [Instruction("array.get", null, ImmediateKind.Type, WasmFeatures.GarbageCollection)]
    ArrayGet = 0xFB_000B,

    [Instruction("array.get_s", null, ImmediateKind.Type, WasmFeatures.GarbageCollection)]
    ArrayGetS = 0xFB_000C,

    [Instruction("array.get_u", null, ImmediateKind.Type, WasmFeatures.GarbageCollection)]
    ArrayGetU = 0xFB_000D,

    [Instruction("array.set", null, ImmediateKind.Type, WasmFeatures.GarbageCollection)]
    ArraySet = 0xFB_000E,

    [Instruction("array.len", null, feature: WasmFeatures.GarbageCollection)]
    ArrayLen = 0xFB_000F,

    [Instruction("array.fill", null, ImmediateKind.Type, WasmFeatures.GarbageCollection)]
    ArrayFill = 0xFB_0010,

    [Instruction("array.copy", null, ImmediateKind.TypePair, WasmFeatures.GarbageCollection)]
    ArrayCopy = 0xFB_0011,

    [Instruction("array.init_data", null, ImmediateKind.TypeAndData, WasmFeatures.GarbageCollection)]
    ArrayInitData = 0xFB_0012,

    [Instruction("array.init_elem", null, ImmediateKind.TypeAndElement, WasmFeatures.GarbageCollection)]
    ArrayInitElem = 0xFB_0013,

    [Instruction("ref.test", null, ImmediateKind.HeapType, WasmFeatures.GarbageCollection)]
    RefTest = 0xFB_0014,

    [Instruction("ref.test", null, ImmediateKind.HeapType, WasmFeatures.GarbageCollection)]
    RefTestNull = 0xFB_0015,

    [Instruction("ref.cast", null, ImmediateKind.HeapType, WasmFeatures.GarbageCollection)]
    RefCast = 0xFB_0016,

    [Instruction("ref.cast", null, ImmediateKind.HeapType, WasmFeatures.GarbageCollection)]
    RefCastNull = 0xFB_0017,

    [Instruction("br_on_cast", null, ImmediateKind.Cast, WasmFeatures.GarbageCollection)]
    BrOnCast = 0xFB_0018,

    [Instruction("br_on_cast_fail", null, ImmediateKind.Cast, WasmFeatures.GarbageCollection)]
    BrOnCastFail = 0xFB_0019,

    [Instruction("any.convert_extern", null, feature: WasmFeatures.GarbageCollection, IsConstant = true)]
    AnyConvertExtern = 0xFB_001A,

    [Instruction("extern.convert_any", null, feature: WasmFeatures.GarbageCollection, IsConstant = true)]
    ExternConvertAny = 0xFB_001B,

    [Instruction("ref.i31", null, feature: WasmFeatures.GarbageCollection, IsConstant = true)]
    RefI31 = 0xFB_001C,

    [Instruction("i31.get_s", null, feature: WasmFeatures.GarbageCollection)]
    I31GetS = 0xFB_001D,

    [Instruction("i31.get_u", null, feature: WasmFeatures.GarbageCollection)]
    I31GetU = 0xFB_001E,

    // Saturating conversions
    [Instruction("i32.trunc_sat_f32_s", "f32 -> i32", feature: WasmFeatures.SaturatingFloatToInt)]
    I32TruncSatF32S = 0xFC_0000,

    [Instruction("i32.trunc_sat_f32_u", "f32 -> i32", feature: WasmFeatures.SaturatingFloatToInt)]
    I32TruncSatF32U = 0xFC_0001,

    [Instruction("i32.trunc_sat_f64_s", "f64 -> i32", feature: WasmFeatures.SaturatingFloatToInt)]
    I32TruncSatF64S = 0xFC_0002,

    [Instruction("i32.trunc_sat_f64_u", "f64 -> i32", feature: WasmFeatures.SaturatingFloatToInt)]
    I32TruncSatF64U = 0xFC_0003,

    [Instruction("i64.trunc_sat_f32_s", "f32 -> i64", feature: WasmFeatures.SaturatingFloatToInt)]
    I64TruncSatF32S = 0xFC_0004,

    [Instruction("i64.trunc_sat_f32_u", "f32 -> i64", feature: WasmFeatures.SaturatingFloatToInt)]
    I64TruncSatF32U = 0xFC_0005,

    [Instruction("i64.trunc_sat_f64_s", "f64 -> i64", feature: WasmFeatures.SaturatingFloatToInt)]
    I64TruncSatF64S = 0xFC_0006,

    [Instruction("i64.trunc_sat_f64_u", "f64 -> i64", feature: WasmFeatures.SaturatingFloatToInt)]
    I64TruncSatF64U = 0xFC_0007,

    // Bulk memory and tables
    [Instruction("memory.init", null, ImmediateKind.DataAndMemory, WasmFeatures.BulkMemory)]
    MemoryInit = 0xFC_0008,

    [Instruction("data.drop", null, ImmediateKind.Data, WasmFeatures.BulkMemory)]
    DataDrop = 0xFC_0009,

    [Instruction("memory.copy", null, ImmediateKind.MemoryPair, WasmFeatures.BulkMemory)]
    MemoryCopy = 0xFC_000A,

    [Instruction("memory.fill", "addr i32 addr ->", ImmediateKind.Memory, WasmFeatures.BulkMemory)]
    MemoryFill = 0xFC_000B,

    [Instruction("table.init", null, ImmediateKind.ElementAndTable, WasmFeatures.BulkMemory)]
    TableInit = 0xFC_000C,

    [Instruction("elem.drop", null, ImmediateKind.Element, WasmFeatures.BulkMemory)]
    ElemDrop = 0xFC_000D,

    [Instruction("table.copy", null, ImmediateKind.TablePair, WasmFeatures.BulkMemory)]
    TableCopy = 0xFC_000E,

    [Instruction("table.grow", null, ImmediateKind.Table, WasmFeatures.ReferenceTypes)]
    TableGrow = 0xFC_000F,

    [Instruction("table.size", null, ImmediateKind.Table, WasmFeatures.ReferenceTypes)]
    TableSize = 0xFC_0010,

    [Instruction("table.fill", null, ImmediateKind.Table, WasmFeatures.ReferenceTypes)]
    TableFill = 0xFC_0011,

    // Wide arithmetic
    [Instruction("i64.add128", "i64 i64 i64 i64 -> i64 i64", feature: WasmFeatures.WideArithmetic)]
    I64Add128 = 0xFC_0013,

    [Instruction("i64.sub128", "i64 i64 i64 i64 -> i64 i64", feature: WasmFeatures.WideArithmetic)]
    I64Sub128 = 0xFC_0014,

    [Instruction("i64.mul_wide_s", "i64 i64 -> i64 i64", feature: WasmFeatures.WideArithmetic)]
    I64MulWideS = 0xFC_0015,

    [Instruction("i64.mul_wide_u", "i64 i64 -> i64 i64", feature: WasmFeatures.WideArithmetic)]
    I64MulWideU = 0xFC_0016,

    // Vectors: memory
    [Instruction("v128.load", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 16)]
    V128Load = 0xFD_0000,

    [Instruction("v128.load8x8_s", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 8)]
    V128Load8x8S = 0xFD_0001,

    [Instruction("v128.load8x8_u", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 8)]
    V128Load8x8U = 0xFD_0002,

    [Instruction("v128.load16x4_s", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 8)]
    V128Load16x4S = 0xFD_0003,

    [Instruction("v128.load16x4_u", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 8)]
    V128Load16x4U = 0xFD_0004,

    [Instruction("v128.load32x2_s", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 8)]
    V128Load32x2S = 0xFD_0005,

    [Instruction("v128.load32x2_u", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 8)]
    V128Load32x2U = 0xFD_0006,

    [Instruction("v128.load8_splat", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 1)]
    V128Load8Splat = 0xFD_0007,

    [Instruction("v128.load16_splat", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 2)]
    V128Load16Splat = 0xFD_0008,

    [Instruction("v128.load32_splat", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 4)]
    V128Load32Splat = 0xFD_0009,

    [Instruction("v128.load64_splat", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 8)]
    V128Load64Splat = 0xFD_000A,

    [Instruction("v128.store", "addr v128 ->", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 16)]
    V128Store = 0xFD_000B,

    // Vectors: constants, shuffles, lanes
    [Instruction("v128.const", "-> v128", ImmediateKind.V128, WasmFeatures.Simd, IsConstant = true)]
    V128Const = 0xFD_000C,

    [Instruction("i8x16.shuffle", "v128 v128 -> v128", ImmediateKind.Lanes, WasmFeatures.Simd)]
    I8x16Shuffle = 0xFD_000D,

    [Instruction("i8x16.swizzle", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16Swizzle = 0xFD_000E,

    [Instruction("i8x16.splat", "i32 -> v128", feature: WasmFeatures.Simd)]
    I8x16Splat = 0xFD_000F,

    [Instruction("i16x8.splat", "i32 -> v128", feature: WasmFeatures.Simd)]
    I16x8Splat = 0xFD_0010,

    [Instruction("i32x4.splat", "i32 -> v128", feature: WasmFeatures.Simd)]
    I32x4Splat = 0xFD_0011,

    [Instruction("i64x2.splat", "i64 -> v128", feature: WasmFeatures.Simd)]
    I64x2Splat = 0xFD_0012,

    [Instruction("f32x4.splat", "f32 -> v128", feature: WasmFeatures.Simd)]
    F32x4Splat = 0xFD_0013,

    [Instruction("f64x2.splat", "f64 -> v128", feature: WasmFeatures.Simd)]
    F64x2Splat = 0xFD_0014,

    [Instruction("i8x16.extract_lane_s", "v128 -> i32", ImmediateKind.Lane, WasmFeatures.Simd, Width = 1)]
    I8x16ExtractLaneS = 0xFD_0015,

    [Instruction("i8x16.extract_lane_u", "v128 -> i32", ImmediateKind.Lane, WasmFeatures.Simd, Width = 1)]
    I8x16ExtractLaneU = 0xFD_0016,

    [Instruction("i8x16.replace_lane", "v128 i32 -> v128", ImmediateKind.Lane, WasmFeatures.Simd, Width = 1)]
    I8x16ReplaceLane = 0xFD_0017,

    [Instruction("i16x8.extract_lane_s", "v128 -> i32", ImmediateKind.Lane, WasmFeatures.Simd, Width = 2)]
    I16x8ExtractLaneS = 0xFD_0018,

    [Instruction("i16x8.extract_lane_u", "v128 -> i32", ImmediateKind.Lane, WasmFeatures.Simd, Width = 2)]
    I16x8ExtractLaneU = 0xFD_0019,

    [Instruction("i16x8.replace_lane", "v128 i32 -> v128", ImmediateKind.Lane, WasmFeatures.Simd, Width = 2)]
    I16x8ReplaceLane = 0xFD_001A,

    [Instruction("i32x4.extract_lane", "v128 -> i32", ImmediateKind.Lane, WasmFeatures.Simd, Width = 4)]
    I32x4ExtractLane = 0xFD_001B,

    [Instruction("i32x4.replace_lane", "v128 i32 -> v128", ImmediateKind.Lane, WasmFeatures.Simd, Width = 4)]
    I32x4ReplaceLane = 0xFD_001C,

    [Instruction("i64x2.extract_lane", "v128 -> i64", ImmediateKind.Lane, WasmFeatures.Simd, Width = 8)]
    I64x2ExtractLane = 0xFD_001D,

    [Instruction("i64x2.replace_lane", "v128 i64 -> v128", ImmediateKind.Lane, WasmFeatures.Simd, Width = 8)]
    I64x2ReplaceLane = 0xFD_001E,

    [Instruction("f32x4.extract_lane", "v128 -> f32", ImmediateKind.Lane, WasmFeatures.Simd, Width = 4)]
    F32x4ExtractLane = 0xFD_001F,

    [Instruction("f32x4.replace_lane", "v128 f32 -> v128", ImmediateKind.Lane, WasmFeatures.Simd, Width = 4)]
    F32x4ReplaceLane = 0xFD_0020,

    [Instruction("f64x2.extract_lane", "v128 -> f64", ImmediateKind.Lane, WasmFeatures.Simd, Width = 8)]
    F64x2ExtractLane = 0xFD_0021,

    [Instruction("f64x2.replace_lane", "v128 f64 -> v128", ImmediateKind.Lane, WasmFeatures.Simd, Width = 8)]
    F64x2ReplaceLane = 0xFD_0022,

    // Vectors: comparisons
    [Instruction("i8x16.eq", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16Eq = 0xFD_0023,

    [Instruction("i8x16.ne", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16Ne = 0xFD_0024,

    [Instruction("i8x16.lt_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16LtS = 0xFD_0025,

    [Instruction("i8x16.lt_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16LtU = 0xFD_0026,

    [Instruction("i8x16.gt_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16GtS = 0xFD_0027,

    [Instruction("i8x16.gt_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16GtU = 0xFD_0028,

    [Instruction("i8x16.le_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16LeS = 0xFD_0029,

    [Instruction("i8x16.le_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16LeU = 0xFD_002A,

    [Instruction("i8x16.ge_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16GeS = 0xFD_002B,

    [Instruction("i8x16.ge_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16GeU = 0xFD_002C,

    [Instruction("i16x8.eq", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8Eq = 0xFD_002D,

    [Instruction("i16x8.ne", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8Ne = 0xFD_002E,

    [Instruction("i16x8.lt_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8LtS = 0xFD_002F,

    [Instruction("i16x8.lt_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8LtU = 0xFD_0030,

    [Instruction("i16x8.gt_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8GtS = 0xFD_0031,

    [Instruction("i16x8.gt_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8GtU = 0xFD_0032,

    [Instruction("i16x8.le_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8LeS = 0xFD_0033,

    [Instruction("i16x8.le_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8LeU = 0xFD_0034,

    [Instruction("i16x8.ge_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8GeS = 0xFD_0035,

    [Instruction("i16x8.ge_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8GeU = 0xFD_0036,

    [Instruction("i32x4.eq", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4Eq = 0xFD_0037,

    [Instruction("i32x4.ne", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4Ne = 0xFD_0038,

    [Instruction("i32x4.lt_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4LtS = 0xFD_0039,

    [Instruction("i32x4.lt_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4LtU = 0xFD_003A,

    [Instruction("i32x4.gt_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4GtS = 0xFD_003B,

    [Instruction("i32x4.gt_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4GtU = 0xFD_003C,

    [Instruction("i32x4.le_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4LeS = 0xFD_003D,

    [Instruction("i32x4.le_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4LeU = 0xFD_003E,

    [Instruction("i32x4.ge_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4GeS = 0xFD_003F,

    [Instruction("i32x4.ge_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4GeU = 0xFD_0040,

    [Instruction("f32x4.eq", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Eq = 0xFD_0041,

    [Instruction("f32x4.ne", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Ne = 0xFD_0042,

    [Instruction("f32x4.lt", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Lt = 0xFD_0043,

    [Instruction("f32x4.gt", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Gt = 0xFD_0044,

    [Instruction("f32x4.le", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Le = 0xFD_0045,

    [Instruction("f32x4.ge", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Ge = 0xFD_0046,

    [Instruction("f64x2.eq", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Eq = 0xFD_0047,

    [Instruction("f64x2.ne", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Ne = 0xFD_0048,

    [Instruction("f64x2.lt", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Lt = 0xFD_0049,

    [Instruction("f64x2.gt", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Gt = 0xFD_004A,

    [Instruction("f64x2.le", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Le = 0xFD_004B,

    [Instruction("f64x2.ge", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Ge = 0xFD_004C,

    // Vectors: bits
    [Instruction("v128.not", "v128 -> v128", feature: WasmFeatures.Simd)]
    V128Not = 0xFD_004D,

    [Instruction("v128.and", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    V128And = 0xFD_004E,

    [Instruction("v128.andnot", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    V128Andnot = 0xFD_004F,

    [Instruction("v128.or", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    V128Or = 0xFD_0050,

    [Instruction("v128.xor", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    V128Xor = 0xFD_0051,

    [Instruction("v128.bitselect", "v128 v128 v128 -> v128", feature: WasmFeatures.Simd)]
    V128Bitselect = 0xFD_0052,

    [Instruction("v128.any_true", "v128 -> i32", feature: WasmFeatures.Simd)]
    V128AnyTrue = 0xFD_0053,

    // Vectors: memory, lanes
    [Instruction("v128.load8_lane", "addr v128 -> v128", ImmediateKind.MemoryArgumentAndLane, WasmFeatures.Simd, Width = 1)]
    V128Load8Lane = 0xFD_0054,

    [Instruction("v128.load16_lane", "addr v128 -> v128", ImmediateKind.MemoryArgumentAndLane, WasmFeatures.Simd, Width = 2)]
    V128Load16Lane = 0xFD_0055,

    [Instruction("v128.load32_lane", "addr v128 -> v128", ImmediateKind.MemoryArgumentAndLane, WasmFeatures.Simd, Width = 4)]
    V128Load32Lane = 0xFD_0056,

    [Instruction("v128.load64_lane", "addr v128 -> v128", ImmediateKind.MemoryArgumentAndLane, WasmFeatures.Simd, Width = 8)]
    V128Load64Lane = 0xFD_0057,

    [Instruction("v128.store8_lane", "addr v128 ->", ImmediateKind.MemoryArgumentAndLane, WasmFeatures.Simd, Width = 1)]
    V128Store8Lane = 0xFD_0058,

    [Instruction("v128.store16_lane", "addr v128 ->", ImmediateKind.MemoryArgumentAndLane, WasmFeatures.Simd, Width = 2)]
    V128Store16Lane = 0xFD_0059,

    [Instruction("v128.store32_lane", "addr v128 ->", ImmediateKind.MemoryArgumentAndLane, WasmFeatures.Simd, Width = 4)]
    V128Store32Lane = 0xFD_005A,

    [Instruction("v128.store64_lane", "addr v128 ->", ImmediateKind.MemoryArgumentAndLane, WasmFeatures.Simd, Width = 8)]
    V128Store64Lane = 0xFD_005B,

    [Instruction("v128.load32_zero", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 4)]
    V128Load32Zero = 0xFD_005C,

    [Instruction("v128.load64_zero", "addr -> v128", ImmediateKind.MemoryArgument, WasmFeatures.Simd, Width = 8)]
    V128Load64Zero = 0xFD_005D,

    // Vectors: arithmetic and conversions
    [Instruction("f32x4.demote_f64x2_zero", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4DemoteF64x2Zero = 0xFD_005E,

    [Instruction("f64x2.promote_low_f32x4", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2PromoteLowF32x4 = 0xFD_005F,

    [Instruction("i8x16.abs", "v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16Abs = 0xFD_0060,

    [Instruction("i8x16.neg", "v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16Neg = 0xFD_0061,

    [Instruction("i8x16.popcnt", "v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16Popcnt = 0xFD_0062,

    [Instruction("i8x16.all_true", "v128 -> i32", feature: WasmFeatures.Simd)]
    I8x16AllTrue = 0xFD_0063,

    [Instruction("i8x16.bitmask", "v128 -> i32", feature: WasmFeatures.Simd)]
    I8x16Bitmask = 0xFD_0064,

    [Instruction("i8x16.narrow_i16x8_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16NarrowI16x8S = 0xFD_0065,

    [Instruction("i8x16.narrow_i16x8_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16NarrowI16x8U = 0xFD_0066,

    [Instruction("f32x4.ceil", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Ceil = 0xFD_0067,

    [Instruction("f32x4.floor", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Floor = 0xFD_0068,

    [Instruction("f32x4.trunc", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Trunc = 0xFD_0069,

    [Instruction("f32x4.nearest", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Nearest = 0xFD_006A,

    [Instruction("i8x16.shl", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I8x16Shl = 0xFD_006B,

    [Instruction("i8x16.shr_s", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I8x16ShrS = 0xFD_006C,

    [Instruction("i8x16.shr_u", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I8x16ShrU = 0xFD_006D,

    [Instruction("i8x16.add", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16Add = 0xFD_006E,

    [Instruction("i8x16.add_sat_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16AddSatS = 0xFD_006F,

    [Instruction("i8x16.add_sat_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16AddSatU = 0xFD_0070,

    [Instruction("i8x16.sub", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16Sub = 0xFD_0071,

    [Instruction("i8x16.sub_sat_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16SubSatS = 0xFD_0072,

    [Instruction("i8x16.sub_sat_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16SubSatU = 0xFD_0073,

    [Instruction("f64x2.ceil", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Ceil = 0xFD_0074,

    [Instruction("f64x2.floor", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Floor = 0xFD_0075,

    [Instruction("i8x16.min_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16MinS = 0xFD_0076,

    [Instruction("i8x16.min_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16MinU = 0xFD_0077,

    [Instruction("i8x16.max_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16MaxS = 0xFD_0078,

    [Instruction("i8x16.max_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16MaxU = 0xFD_0079,

    [Instruction("f64x2.trunc", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Trunc = 0xFD_007A,

    [Instruction("i8x16.avgr_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I8x16AvgrU = 0xFD_007B,

    [Instruction("i16x8.extadd_pairwise_i8x16_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtaddPairwiseI8x16S = 0xFD_007C,

    [Instruction("i16x8.extadd_pairwise_i8x16_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtaddPairwiseI8x16U = 0xFD_007D,

    [Instruction("i32x4.extadd_pairwise_i16x8_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtaddPairwiseI16x8S = 0xFD_007E,

    [Instruction("i32x4.extadd_pairwise_i16x8_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtaddPairwiseI16x8U = 0xFD_007F,

    [Instruction("i16x8.abs", "v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8Abs = 0xFD_0080,

    [Instruction("i16x8.neg", "v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8Neg = 0xFD_0081,

    [Instruction("i16x8.q15mulr_sat_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8Q15mulrSatS = 0xFD_0082,

    [Instruction("i16x8.all_true", "v128 -> i32", feature: WasmFeatures.Simd)]
    I16x8AllTrue = 0xFD_0083,

    [Instruction("i16x8.bitmask", "v128 -> i32", feature: WasmFeatures.Simd)]
    I16x8Bitmask = 0xFD_0084,

    [Instruction("i16x8.narrow_i32x4_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8NarrowI32x4S = 0xFD_0085,

    [Instruction("i16x8.narrow_i32x4_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8NarrowI32x4U = 0xFD_0086,

    [Instruction("i16x8.extend_low_i8x16_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtendLowI8x16S = 0xFD_0087,

    [Instruction("i16x8.extend_high_i8x16_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtendHighI8x16S = 0xFD_0088,

    [Instruction("i16x8.extend_low_i8x16_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtendLowI8x16U = 0xFD_0089,

    [Instruction("i16x8.extend_high_i8x16_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtendHighI8x16U = 0xFD_008A,

    [Instruction("i16x8.shl", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I16x8Shl = 0xFD_008B,

    [Instruction("i16x8.shr_s", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I16x8ShrS = 0xFD_008C,

    [Instruction("i16x8.shr_u", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I16x8ShrU = 0xFD_008D,

    [Instruction("i16x8.add", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8Add = 0xFD_008E,

    [Instruction("i16x8.add_sat_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8AddSatS = 0xFD_008F,

    [Instruction("i16x8.add_sat_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8AddSatU = 0xFD_0090,

    [Instruction("i16x8.sub", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8Sub = 0xFD_0091,

    [Instruction("i16x8.sub_sat_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8SubSatS = 0xFD_0092,

    [Instruction("i16x8.sub_sat_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8SubSatU = 0xFD_0093,

    [Instruction("f64x2.nearest", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Nearest = 0xFD_0094,

    [Instruction("i16x8.mul", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8Mul = 0xFD_0095,

    [Instruction("i16x8.min_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8MinS = 0xFD_0096,

    [Instruction("i16x8.min_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8MinU = 0xFD_0097,

    [Instruction("i16x8.max_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8MaxS = 0xFD_0098,

    [Instruction("i16x8.max_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8MaxU = 0xFD_0099,

    [Instruction("i16x8.avgr_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8AvgrU = 0xFD_009B,

    [Instruction("i16x8.extmul_low_i8x16_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtmulLowI8x16S = 0xFD_009C,

    [Instruction("i16x8.extmul_high_i8x16_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtmulHighI8x16S = 0xFD_009D,

    [Instruction("i16x8.extmul_low_i8x16_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtmulLowI8x16U = 0xFD_009E,

    [Instruction("i16x8.extmul_high_i8x16_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I16x8ExtmulHighI8x16U = 0xFD_009F,

    [Instruction("i32x4.abs", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4Abs = 0xFD_00A0,

    [Instruction("i32x4.neg", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4Neg = 0xFD_00A1,

    [Instruction("i32x4.all_true", "v128 -> i32", feature: WasmFeatures.Simd)]
    I32x4AllTrue = 0xFD_00A3,

    [Instruction("i32x4.bitmask", "v128 -> i32", feature: WasmFeatures.Simd)]
    I32x4Bitmask = 0xFD_00A4,

    [Instruction("i32x4.extend_low_i16x8_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtendLowI16x8S = 0xFD_00A7,

    [Instruction("i32x4.extend_high_i16x8_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtendHighI16x8S = 0xFD_00A8,

    [Instruction("i32x4.extend_low_i16x8_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtendLowI16x8U = 0xFD_00A9,

    [Instruction("i32x4.extend_high_i16x8_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtendHighI16x8U = 0xFD_00AA,

    [Instruction("i32x4.shl", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I32x4Shl = 0xFD_00AB,

    [Instruction("i32x4.shr_s", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I32x4ShrS = 0xFD_00AC,

    [Instruction("i32x4.shr_u", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I32x4ShrU = 0xFD_00AD,

    [Instruction("i32x4.add", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4Add = 0xFD_00AE,

    [Instruction("i32x4.sub", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4Sub = 0xFD_00B1,

    [Instruction("i32x4.mul", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4Mul = 0xFD_00B5,

    [Instruction("i32x4.min_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4MinS = 0xFD_00B6,

    [Instruction("i32x4.min_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4MinU = 0xFD_00B7,

    [Instruction("i32x4.max_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4MaxS = 0xFD_00B8,

    [Instruction("i32x4.max_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4MaxU = 0xFD_00B9,

    [Instruction("i32x4.dot_i16x8_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4DotI16x8S = 0xFD_00BA,

    [Instruction("i32x4.extmul_low_i16x8_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtmulLowI16x8S = 0xFD_00BC,

    [Instruction("i32x4.extmul_high_i16x8_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtmulHighI16x8S = 0xFD_00BD,

    [Instruction("i32x4.extmul_low_i16x8_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtmulLowI16x8U = 0xFD_00BE,

    [Instruction("i32x4.extmul_high_i16x8_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4ExtmulHighI16x8U = 0xFD_00BF,

    [Instruction("i64x2.abs", "v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2Abs = 0xFD_00C0,

    [Instruction("i64x2.neg", "v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2Neg = 0xFD_00C1,

    [Instruction("i64x2.all_true", "v128 -> i32", feature: WasmFeatures.Simd)]
    I64x2AllTrue = 0xFD_00C3,

    [Instruction("i64x2.bitmask", "v128 -> i32", feature: WasmFeatures.Simd)]
    I64x2Bitmask = 0xFD_00C4,

    [Instruction("i64x2.extend_low_i32x4_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2ExtendLowI32x4S = 0xFD_00C7,

    [Instruction("i64x2.extend_high_i32x4_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2ExtendHighI32x4S = 0xFD_00C8,

    [Instruction("i64x2.extend_low_i32x4_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2ExtendLowI32x4U = 0xFD_00C9,

    [Instruction("i64x2.extend_high_i32x4_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2ExtendHighI32x4U = 0xFD_00CA,

    [Instruction("i64x2.shl", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I64x2Shl = 0xFD_00CB,

    [Instruction("i64x2.shr_s", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I64x2ShrS = 0xFD_00CC,

    [Instruction("i64x2.shr_u", "v128 i32 -> v128", feature: WasmFeatures.Simd)]
    I64x2ShrU = 0xFD_00CD,

    [Instruction("i64x2.add", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2Add = 0xFD_00CE,

    [Instruction("i64x2.sub", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2Sub = 0xFD_00D1,

    [Instruction("i64x2.mul", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2Mul = 0xFD_00D5,

    [Instruction("i64x2.eq", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2Eq = 0xFD_00D6,

    [Instruction("i64x2.ne", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2Ne = 0xFD_00D7,

    [Instruction("i64x2.lt_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2LtS = 0xFD_00D8,

    [Instruction("i64x2.gt_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2GtS = 0xFD_00D9,

    [Instruction("i64x2.le_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2LeS = 0xFD_00DA,

    [Instruction("i64x2.ge_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2GeS = 0xFD_00DB,

    [Instruction("i64x2.extmul_low_i32x4_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2ExtmulLowI32x4S = 0xFD_00DC,

    [Instruction("i64x2.extmul_high_i32x4_s", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2ExtmulHighI32x4S = 0xFD_00DD,

    [Instruction("i64x2.extmul_low_i32x4_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2ExtmulLowI32x4U = 0xFD_00DE,

    [Instruction("i64x2.extmul_high_i32x4_u", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    I64x2ExtmulHighI32x4U = 0xFD_00DF,

    [Instruction("f32x4.abs", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Abs = 0xFD_00E0,

    [Instruction("f32x4.neg", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Neg = 0xFD_00E1,

    [Instruction("f32x4.sqrt", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Sqrt = 0xFD_00E3,

    [Instruction("f32x4.add", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Add = 0xFD_00E4,

    [Instruction("f32x4.sub", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Sub = 0xFD_00E5,

    [Instruction("f32x4.mul", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Mul = 0xFD_00E6,

    [Instruction("f32x4.div", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Div = 0xFD_00E7,

    [Instruction("f32x4.min", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Min = 0xFD_00E8,

    [Instruction("f32x4.max", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Max = 0xFD_00E9,

    [Instruction("f32x4.pmin", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Pmin = 0xFD_00EA,

    [Instruction("f32x4.pmax", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4Pmax = 0xFD_00EB,

    [Instruction("f64x2.abs", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Abs = 0xFD_00EC,

    [Instruction("f64x2.neg", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Neg = 0xFD_00ED,

    [Instruction("f64x2.sqrt", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Sqrt = 0xFD_00EF,

    [Instruction("f64x2.add", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Add = 0xFD_00F0,

    [Instruction("f64x2.sub", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Sub = 0xFD_00F1,

    [Instruction("f64x2.mul", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Mul = 0xFD_00F2,

    [Instruction("f64x2.div", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Div = 0xFD_00F3,

    [Instruction("f64x2.min", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Min = 0xFD_00F4,

    [Instruction("f64x2.max", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Max = 0xFD_00F5,

    [Instruction("f64x2.pmin", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Pmin = 0xFD_00F6,

    [Instruction("f64x2.pmax", "v128 v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2Pmax = 0xFD_00F7,

    [Instruction("i32x4.trunc_sat_f32x4_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4TruncSatF32x4S = 0xFD_00F8,

    [Instruction("i32x4.trunc_sat_f32x4_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4TruncSatF32x4U = 0xFD_00F9,

    [Instruction("f32x4.convert_i32x4_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4ConvertI32x4S = 0xFD_00FA,

    [Instruction("f32x4.convert_i32x4_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    F32x4ConvertI32x4U = 0xFD_00FB,

    [Instruction("i32x4.trunc_sat_f64x2_s_zero", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4TruncSatF64x2SZero = 0xFD_00FC,

    [Instruction("i32x4.trunc_sat_f64x2_u_zero", "v128 -> v128", feature: WasmFeatures.Simd)]
    I32x4TruncSatF64x2UZero = 0xFD_00FD,

    [Instruction("f64x2.convert_low_i32x4_s", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2ConvertLowI32x4S = 0xFD_00FE,

    [Instruction("f64x2.convert_low_i32x4_u", "v128 -> v128", feature: WasmFeatures.Simd)]
    F64x2ConvertLowI32x4U = 0xFD_00FF,

    // Relaxed vectors
    [Instruction("i8x16.relaxed_swizzle", "v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I8x16RelaxedSwizzle = 0xFD_0100,

    [Instruction("i32x4.relaxed_trunc_f32x4_s", "v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I32x4RelaxedTruncF32x4S = 0xFD_0101,

    [Instruction("i32x4.relaxed_trunc_f32x4_u", "v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I32x4RelaxedTruncF32x4U = 0xFD_0102,

    [Instruction("i32x4.relaxed_trunc_f64x2_s_zero", "v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I32x4RelaxedTruncF64x2SZero = 0xFD_0103,

    [Instruction("i32x4.relaxed_trunc_f64x2_u_zero", "v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I32x4RelaxedTruncF64x2UZero = 0xFD_0104,

    [Instruction("f32x4.relaxed_madd", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    F32x4RelaxedMadd = 0xFD_0105,

    [Instruction("f32x4.relaxed_nmadd", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    F32x4RelaxedNmadd = 0xFD_0106,

    [Instruction("f64x2.relaxed_madd", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    F64x2RelaxedMadd = 0xFD_0107,

    [Instruction("f64x2.relaxed_nmadd", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    F64x2RelaxedNmadd = 0xFD_0108,

    [Instruction("i8x16.relaxed_laneselect", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I8x16RelaxedLaneselect = 0xFD_0109,

    [Instruction("i16x8.relaxed_laneselect", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I16x8RelaxedLaneselect = 0xFD_010A,

    [Instruction("i32x4.relaxed_laneselect", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I32x4RelaxedLaneselect = 0xFD_010B,

    [Instruction("i64x2.relaxed_laneselect", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I64x2RelaxedLaneselect = 0xFD_010C,

    [Instruction("f32x4.relaxed_min", "v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    F32x4RelaxedMin = 0xFD_010D,

    [Instruction("f32x4.relaxed_max", "v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    F32x4RelaxedMax = 0xFD_010E,

    [Instruction("f64x2.relaxed_min", "v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    F64x2RelaxedMin = 0xFD_010F,

    [Instruction("f64x2.relaxed_max", "v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    F64x2RelaxedMax = 0xFD_0110,

    [Instruction("i16x8.relaxed_q15mulr_s", "v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I16x8RelaxedQ15mulrS = 0xFD_0111,

    [Instruction("i16x8.relaxed_dot_i8x16_i7x16_s", "v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I16x8RelaxedDotI8x16I7x16S = 0xFD_0112,

    [Instruction("i32x4.relaxed_dot_i8x16_i7x16_add_s", "v128 v128 v128 -> v128", feature: WasmFeatures.RelaxedSimd)]
    I32x4RelaxedDotI8x16I7x16AddS = 0xFD_0113,

    // Atomics
    [Instruction("memory.atomic.notify", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    MemoryAtomicNotify = 0xFE_0000,

    [Instruction("memory.atomic.wait32", "addr i32 i64 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    MemoryAtomicWait32 = 0xFE_0001,

    [Instruction("memory.atomic.wait64", "addr i64 i64 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    MemoryAtomicWait64 = 0xFE_0002,

    [Instruction("atomic.fence", "->", ImmediateKind.Fence, WasmFeatures.Threads)]
    AtomicFence = 0xFE_0003,

    [Instruction("i32.atomic.load", "addr -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicLoad = 0xFE_0010,

    [Instruction("i64.atomic.load", "addr -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicLoad = 0xFE_0011,

    [Instruction("i32.atomic.load8_u", "addr -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicLoad8U = 0xFE_0012,

    [Instruction("i32.atomic.load16_u", "addr -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicLoad16U = 0xFE_0013,

    [Instruction("i64.atomic.load8_u", "addr -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicLoad8U = 0xFE_0014,

    [Instruction("i64.atomic.load16_u", "addr -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicLoad16U = 0xFE_0015,

    [Instruction("i64.atomic.load32_u", "addr -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicLoad32U = 0xFE_0016,

    [Instruction("i32.atomic.store", "addr i32 ->", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicStore = 0xFE_0017,

    [Instruction("i64.atomic.store", "addr i64 ->", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicStore = 0xFE_0018,

    [Instruction("i32.atomic.store8", "addr i32 ->", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicStore8 = 0xFE_0019,

    [Instruction("i32.atomic.store16", "addr i32 ->", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicStore16 = 0xFE_001A,

    [Instruction("i64.atomic.store8", "addr i64 ->", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicStore8 = 0xFE_001B,

    [Instruction("i64.atomic.store16", "addr i64 ->", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicStore16 = 0xFE_001C,

    [Instruction("i64.atomic.store32", "addr i64 ->", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicStore32 = 0xFE_001D,

    [Instruction("i32.atomic.rmw.add", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicRmwAdd = 0xFE_001E,

    [Instruction("i64.atomic.rmw.add", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicRmwAdd = 0xFE_001F,

    [Instruction("i32.atomic.rmw8.add_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicRmw8AddU = 0xFE_0020,

    [Instruction("i32.atomic.rmw16.add_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicRmw16AddU = 0xFE_0021,

    [Instruction("i64.atomic.rmw8.add_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicRmw8AddU = 0xFE_0022,

    [Instruction("i64.atomic.rmw16.add_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicRmw16AddU = 0xFE_0023,

    [Instruction("i64.atomic.rmw32.add_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicRmw32AddU = 0xFE_0024,

    [Instruction("i32.atomic.rmw.sub", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicRmwSub = 0xFE_0025,

    [Instruction("i64.atomic.rmw.sub", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicRmwSub = 0xFE_0026,

    [Instruction("i32.atomic.rmw8.sub_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicRmw8SubU = 0xFE_0027,

    [Instruction("i32.atomic.rmw16.sub_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicRmw16SubU = 0xFE_0028,

    [Instruction("i64.atomic.rmw8.sub_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicRmw8SubU = 0xFE_0029,

    [Instruction("i64.atomic.rmw16.sub_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicRmw16SubU = 0xFE_002A,

    [Instruction("i64.atomic.rmw32.sub_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicRmw32SubU = 0xFE_002B,

    [Instruction("i32.atomic.rmw.and", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicRmwAnd = 0xFE_002C,

    [Instruction("i64.atomic.rmw.and", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicRmwAnd = 0xFE_002D,

    [Instruction("i32.atomic.rmw8.and_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicRmw8AndU = 0xFE_002E,

    [Instruction("i32.atomic.rmw16.and_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicRmw16AndU = 0xFE_002F,

    [Instruction("i64.atomic.rmw8.and_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicRmw8AndU = 0xFE_0030,

    [Instruction("i64.atomic.rmw16.and_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicRmw16AndU = 0xFE_0031,

    [Instruction("i64.atomic.rmw32.and_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicRmw32AndU = 0xFE_0032,

    [Instruction("i32.atomic.rmw.or", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicRmwOr = 0xFE_0033,

    [Instruction("i64.atomic.rmw.or", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicRmwOr = 0xFE_0034,

    [Instruction("i32.atomic.rmw8.or_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicRmw8OrU = 0xFE_0035,

    [Instruction("i32.atomic.rmw16.or_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicRmw16OrU = 0xFE_0036,

    [Instruction("i64.atomic.rmw8.or_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicRmw8OrU = 0xFE_0037,

    [Instruction("i64.atomic.rmw16.or_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicRmw16OrU = 0xFE_0038,

    [Instruction("i64.atomic.rmw32.or_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicRmw32OrU = 0xFE_0039,

    [Instruction("i32.atomic.rmw.xor", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicRmwXor = 0xFE_003A,

    [Instruction("i64.atomic.rmw.xor", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicRmwXor = 0xFE_003B,

    [Instruction("i32.atomic.rmw8.xor_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicRmw8XorU = 0xFE_003C,

    [Instruction("i32.atomic.rmw16.xor_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicRmw16XorU = 0xFE_003D,

    [Instruction("i64.atomic.rmw8.xor_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicRmw8XorU = 0xFE_003E,

    [Instruction("i64.atomic.rmw16.xor_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicRmw16XorU = 0xFE_003F,

    [Instruction("i64.atomic.rmw32.xor_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicRmw32XorU = 0xFE_0040,

    [Instruction("i32.atomic.rmw.xchg", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicRmwXchg = 0xFE_0041,

    [Instruction("i64.atomic.rmw.xchg", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicRmwXchg = 0xFE_0042,

    [Instruction("i32.atomic.rmw8.xchg_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicRmw8XchgU = 0xFE_0043,

    [Instruction("i32.atomic.rmw16.xchg_u", "addr i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicRmw16XchgU = 0xFE_0044,

    [Instruction("i64.atomic.rmw8.xchg_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicRmw8XchgU = 0xFE_0045,

    [Instruction("i64.atomic.rmw16.xchg_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicRmw16XchgU = 0xFE_0046,

    [Instruction("i64.atomic.rmw32.xchg_u", "addr i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicRmw32XchgU = 0xFE_0047,

    [Instruction("i32.atomic.rmw.cmpxchg", "addr i32 i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I32AtomicRmwCmpxchg = 0xFE_0048,

    [Instruction("i64.atomic.rmw.cmpxchg", "addr i64 i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 8)]
    I64AtomicRmwCmpxchg = 0xFE_0049,

    [Instruction("i32.atomic.rmw8.cmpxchg_u", "addr i32 i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I32AtomicRmw8CmpxchgU = 0xFE_004A,

    [Instruction("i32.atomic.rmw16.cmpxchg_u", "addr i32 i32 -> i32", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I32AtomicRmw16CmpxchgU = 0xFE_004B,

    [Instruction("i64.atomic.rmw8.cmpxchg_u", "addr i64 i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 1)]
    I64AtomicRmw8CmpxchgU = 0xFE_004C,

    [Instruction("i64.atomic.rmw16.cmpxchg_u", "addr i64 i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 2)]
    I64AtomicRmw16CmpxchgU = 0xFE_004D,

    [Instruction("i64.atomic.rmw32.cmpxchg_u", "addr i64 i64 -> i64", ImmediateKind.MemoryArgument, WasmFeatures.Threads, Width = 4)]
    I64AtomicRmw32CmpxchgU = 0xFE_004E,
}
