namespace Codicil.Format.Types;

/// <summary>The class of a value type.</summary>
public enum ValKind : byte
{
    /// <summary>32-bit integer.</summary>
    I32 = 1,

    /// <summary>64-bit integer.</summary>
    I64 = 2,

    /// <summary>32-bit float.</summary>
    F32 = 3,

    /// <summary>64-bit float.</summary>
    F64 = 4,

    /// <summary>128-bit vector.</summary>
    V128 = 5,

    /// <summary>A reference; its heap type tells to what.</summary>
    Reference = 6,

    /// <summary>The type of operands in unreachable code, a subtype of every value type (3.2.4).</summary>
    Bottom = 7,
}
