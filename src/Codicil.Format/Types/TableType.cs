namespace Codicil.Format.Types;

/// <summary>The type of a table. Immutable, compared by structure, thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.15 Table Types.</remarks>
public sealed class TableType : ExternType, IEquatable<TableType>
{
    /// <summary>A table of <paramref name="limits"/> elements.</summary>
    public TableType(ValType elementType, Limits limits, bool is64 = false)
    {
        ElementType = elementType;
        Limits = limits;
        Is64 = is64;
    }

    /// <summary>The reference type of the elements.</summary>
    public ValType ElementType { get; }

    /// <summary>The size range in elements.</summary>
    public Limits Limits { get; }

    /// <summary>Whether indices are i64.</summary>
    public bool Is64 { get; }

    /// <summary>The type of indices: i32 or i64.</summary>
    public ValType AddressType => Is64 ? ValType.I64 : ValType.I32;

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Table;

    /// <inheritdoc/>
    public bool Equals(TableType? other) =>
        other is not null && ElementType == other.ElementType && Limits == other.Limits && Is64 == other.Is64;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TableType);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ElementType, Limits, Is64);

    /// <summary>The text format's form: <c>(table 1 10 funcref)</c>.</summary>
    public override string ToString() => $"(table {(Is64 ? "i64 " : "")}{Limits} {ElementType})";
}
