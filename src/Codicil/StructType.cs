using System.Collections.Immutable;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil;

/// <summary>
/// A structure type in a store: what structures of the host are made of. Two are equal when the types are, of whichever modules they come. Immutable and thread-safe.
/// </summary>
/// <remarks>WebAssembly 3.0, 2.3.8 Composite Types. Objects and their types belong to one store.</remarks>
public sealed class StructType : IEquatable<StructType>
{
    internal StructType(GcType definition) => Definition = definition;

    internal GcType Definition { get; }

    /// <summary>The store.</summary>
    public Store Store => Definition.Store!;

    /// <summary>How the fields are stored. A type index in one means what it means in the module that the type was first taken from.</summary>
    public ImmutableArray<FieldType> Fields => Definition.Fields;

    /// <summary>A structure type that a module defines. The index is that of the module's types, as <see cref="HeapType.TypeIndex"/> in the type of an import or export gives it.</summary>
    /// <param name="store">The store.</param>
    /// <param name="module">The module; it need not be instantiated.</param>
    /// <param name="typeIndex">The type index.</param>
    /// <exception cref="ArgumentException">The module is another engine's, or the type is another kind of type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such type.</exception>
    public static StructType Get(Store store, Module module, int typeIndex)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(module);
        GcType definition = store.GetGcType(module, typeIndex);
        return definition.Kind == (int)GcKind.Struct
            ? new StructType(definition)
            : throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"type {typeIndex} is no structure type"), nameof(typeIndex));
    }

    /// <summary>Whether this type is another, or was declared below it (3.3.9).</summary>
    public bool IsSubtypeOf(StructType other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return ReferenceEquals(Store, other.Store) && Definition.CanonicalType!.IsSubtypeOf(other.Definition.CanonicalType!);
    }

    /// <inheritdoc/>
    public bool Equals(StructType? other) => other is not null && ReferenceEquals(Definition, other.Definition);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as StructType);

    /// <inheritdoc/>
    public override int GetHashCode() => Definition.GetHashCode();
}
