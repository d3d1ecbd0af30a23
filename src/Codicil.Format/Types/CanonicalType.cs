namespace Codicil.Format.Types;

/// <summary>
/// A defined type as such, whichever modules define it: two types of a <see cref="TypeCanonicalizer"/> are equal exactly when they are the same object. Whoever
/// holds it keeps it known to the canonicalizer. Immutable and thread-safe.
/// </summary>
/// <remarks>WebAssembly 3.0, 3.1.1 Types: the specification's closed types.</remarks>
public sealed class CanonicalType
{
    // Its group lives as long as any of its types, so that equal groups find it.
    private readonly CanonicalGroup _group;

    internal CanonicalType(CanonicalGroup group, long id, CompositeKind kind, CanonicalType? supertype)
    {
        _group = group;
        Id = id;
        Kind = kind;
        Supertype = supertype;
        Depth = supertype is null ? 0 : supertype.Depth + 1;
    }

    /// <summary>A number that is this type's alone: no other type of the canonicalizer ever has it, not even when this one is gone.</summary>
    public long Id { get; }

    /// <summary>Which composite type it is.</summary>
    public CompositeKind Kind { get; }

    /// <summary>The declared supertype, or null.</summary>
    public CanonicalType? Supertype { get; }

    /// <summary>The number of types above it.</summary>
    public int Depth { get; }

    internal CanonicalGroup Group => _group;

    /// <summary>Whether this type is another, or was declared below it, at any distance (3.3.9).</summary>
    public bool IsSubtypeOf(CanonicalType other)
    {
        ArgumentNullException.ThrowIfNull(other);
        CanonicalType type = this;
        while (type.Depth > other.Depth)
        {
            type = type.Supertype!;
        }

        return ReferenceEquals(type, other);
    }

    /// <summary>Whether this type has an id, or was declared below the type that has.</summary>
    public bool IsSubtypeOf(long id)
    {
        // Validation bounds the depth of declarations, so the walk is short; a final function type, the common case, has none.
        for (CanonicalType? type = this; type is not null; type = type.Supertype)
        {
            if (type.Id == id)
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A recursion group: what equal groups are found by, its types, and the types outside that it refers to, which its key names by their ids.</summary>
internal sealed class CanonicalGroup(int[] key, int length, CanonicalType[] references)
{
    public int[] Key => key;

    /// <summary>The group's types, in order.</summary>
    public CanonicalType[] Types { get; } = new CanonicalType[length];

    /// <summary>Were one of these forgotten, an equal one would have another id, and an equal group would not be found any more.</summary>
    public CanonicalType[] References => references;
}
