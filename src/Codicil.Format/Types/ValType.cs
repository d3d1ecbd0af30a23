namespace Codicil.Format.Types;

/// <summary>A value type (the specification's <c>valtype</c>): number, vector or reference. Immutable and thread-safe.</summary>
/// <remarks>
/// WebAssembly 3.0, 2.3.6. Named as the specification's production is, because <see cref="System.ValueType"/> is in scope in every C# file.
/// A type index inside a reference type is relative to the module that declares it.
/// </remarks>
public readonly struct ValType : IEquatable<ValType>
{
    // kind: bits 0-3, nullable: bit 4, heap type: bits 8-31 (signed).
    private readonly int _bits;

    private ValType(int bits) => _bits = bits;

    /// <summary>32-bit integer.</summary>
    public static ValType I32 => new((int)ValKind.I32);

    /// <summary>64-bit integer.</summary>
    public static ValType I64 => new((int)ValKind.I64);

    /// <summary>32-bit float.</summary>
    public static ValType F32 => new((int)ValKind.F32);

    /// <summary>64-bit float.</summary>
    public static ValType F64 => new((int)ValKind.F64);

    /// <summary>128-bit vector.</summary>
    public static ValType V128 => new((int)ValKind.V128);

    /// <summary>The bottom type; only in validation.</summary>
    public static ValType Bottom => new((int)ValKind.Bottom);

    /// <summary><c>(ref null func)</c>.</summary>
    public static ValType FuncRef => Reference(true, HeapType.Func);

    /// <summary><c>(ref null extern)</c>.</summary>
    public static ValType ExternRef => Reference(true, HeapType.Extern);

    /// <summary>The class of this type.</summary>
    public ValKind Kind => (ValKind)(_bits & 0xF);

    /// <summary>Whether this is a reference type.</summary>
    public bool IsReference => (_bits & 0xF) == (int)ValKind.Reference;

    /// <summary>Whether this is i32, i64, f32 or f64.</summary>
    public bool IsNumber => (_bits & 0xF) is >= (int)ValKind.I32 and <= (int)ValKind.F64;

    /// <summary>Whether this is the bottom type.</summary>
    public bool IsBottom => (_bits & 0xF) == (int)ValKind.Bottom;

    /// <summary>For a reference: whether null belongs to it.</summary>
    public bool IsNullable => (_bits & 0x10) != 0;

    /// <summary>For a reference: what it points to.</summary>
    public HeapType HeapType => HeapType.FromRaw(_bits >> 8);

    internal int Bits => _bits;

    /// <summary>Whether every value has a default: numbers, vectors, nullable references (3.4.2).</summary>
    public bool IsDefaultable => !IsReference || IsNullable;

    internal static ValType FromBits(int bits) => new(bits);

    /// <summary>A reference type.</summary>
    public static ValType Reference(bool nullable, HeapType heapType) =>
        new((int)ValKind.Reference | (nullable ? 0x10 : 0) | (heapType.TypeIndex << 8));

    /// <summary>Structural equality of the encoding; two type indices that denote the same type are not equal here.</summary>
    public static bool operator ==(ValType left, ValType right) => left._bits == right._bits;

    /// <summary>The negation of equality.</summary>
    public static bool operator !=(ValType left, ValType right) => left._bits != right._bits;

    /// <inheritdoc/>
    public bool Equals(ValType other) => _bits == other._bits;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ValType other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _bits;

    /// <summary>The text format's name: <c>i32</c>, <c>funcref</c>, <c>(ref null 3)</c>.</summary>
    public override string ToString() => Kind switch
    {
        ValKind.I32 => "i32",
        ValKind.I64 => "i64",
        ValKind.F32 => "f32",
        ValKind.F64 => "f64",
        ValKind.V128 => "v128",
        ValKind.Bottom => "bot",
        ValKind.Reference when IsNullable && !HeapType.IsConcrete => AbbreviatedName(HeapType),
        ValKind.Reference => IsNullable ? $"(ref null {HeapType})" : $"(ref {HeapType})",
        _ => "none",
    };

    private static string AbbreviatedName(HeapType heapType) => heapType.ToString() switch
    {
        "none" => "nullref",
        "nofunc" => "nullfuncref",
        "noextern" => "nullexternref",
        "noexn" => "nullexnref",
        string name => name + "ref",
    };
}
