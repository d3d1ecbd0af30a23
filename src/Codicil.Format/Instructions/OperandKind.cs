using Codicil.Format.Types;

namespace Codicil.Format.Instructions;

/// <summary>The type of an operand or result in a row of the opcode table; the values are those of <see cref="ValKind"/>.</summary>
public enum OperandKind : byte
{
    /// <summary>No operand.</summary>
    None = 0,

    /// <summary>i32.</summary>
    I32 = ValKind.I32,

    /// <summary>i64.</summary>
    I64 = ValKind.I64,

    /// <summary>f32.</summary>
    F32 = ValKind.F32,

    /// <summary>f64.</summary>
    F64 = ValKind.F64,

    /// <summary>v128.</summary>
    V128 = ValKind.V128,

    /// <summary>The address type of the instruction's memory: i32 or i64.</summary>
    Address = 8,
}
