using System.Collections.Immutable;

namespace Codicil.Format.Types;

/// <summary>Which composite type a defined type is (2.3.8); the values are the binary format's.</summary>
public enum CompositeKind : byte
{
    /// <summary>A function type.</summary>
    Function = 0x60,

    /// <summary>A structure type.</summary>
    Struct = 0x5F,

    /// <summary>An array type.</summary>
    Array = 0x5E,
}

/// <summary>How a field is stored: as its value type, or packed (2.3.7).</summary>
public enum StorageKind : byte
{
    /// <summary>As the value type.</summary>
    Value,

    /// <summary>As 8 bits, read as i32.</summary>
    I8,

    /// <summary>As 16 bits, read as i32.</summary>
    I16,
}

/// <summary>A field of a structure or the element of an array (2.3.7).</summary>
/// <param name="Type">The type on the operand stack; i32 for packed fields.</param>
/// <param name="Storage">How it is stored.</param>
/// <param name="IsMutable">Whether it can be set.</param>
public readonly record struct FieldType(ValType Type, StorageKind Storage, bool IsMutable);

/// <summary>A function, structure or array type. Immutable and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.8 Composite Types.</remarks>
public sealed class CompositeType
{
    private CompositeType(CompositeKind kind, FunctionType? function, ImmutableArray<FieldType> fields)
    {
        Kind = kind;
        Function = function;
        Fields = fields;
    }

    /// <summary>Which composite type this is.</summary>
    public CompositeKind Kind { get; }

    /// <summary>The function type, for <see cref="CompositeKind.Function"/>.</summary>
    public FunctionType? Function { get; }

    /// <summary>The fields of a structure; the one element type of an array; empty for functions.</summary>
    public ImmutableArray<FieldType> Fields { get; }

    /// <summary>A function type.</summary>
    public static CompositeType OfFunction(FunctionType type) => new(CompositeKind.Function, type, []);

    /// <summary>A structure type.</summary>
    public static CompositeType OfStruct(ImmutableArray<FieldType> fields) => new(CompositeKind.Struct, null, fields);

    /// <summary>An array type.</summary>
    public static CompositeType OfArray(FieldType element) => new(CompositeKind.Array, null, [element]);
}

/// <summary>A defined type of a module: a composite type with its declared supertypes. Immutable and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.9 Recursive Types.</remarks>
/// <param name="Composite">The structure of the type.</param>
/// <param name="IsFinal">Whether it can have no subtypes.</param>
/// <param name="Supertypes">The declared supertypes' indices; at most one in 3.0.</param>
/// <param name="RecursiveGroupStart">The type index at which its recursion group begins.</param>
/// <param name="RecursiveGroupLength">The number of types in its recursion group.</param>
public sealed record SubType(CompositeType Composite, bool IsFinal, ImmutableArray<int> Supertypes, int RecursiveGroupStart, int RecursiveGroupLength);
