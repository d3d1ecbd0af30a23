using System.Collections.Immutable;

namespace Codicil.Format.Types;

/// <summary>
/// What the type indices of one module mean: each stands for a <see cref="CanonicalType"/> of a <see cref="TypeCanonicalizer"/>, so that types of different
/// modules can be compared. Immutable and thread-safe.
/// </summary>
/// <remarks>WebAssembly 3.0, 3.1.1 Types: the specification's closed types.</remarks>
public sealed class TypeContext
{
    private readonly CanonicalType[] _types;

    internal TypeContext(TypeCanonicalizer canonicalizer, CanonicalType[] types)
    {
        Canonicalizer = canonicalizer;
        _types = types;
    }

    /// <summary>Who knows the types.</summary>
    public TypeCanonicalizer Canonicalizer { get; }

    /// <summary>Every type of the module, by type index.</summary>
    public ReadOnlySpan<CanonicalType> Types => _types;

    /// <summary>The context of a module on its own: its types mean nothing to other modules.</summary>
    /// <exception cref="ArgumentException">A type refers to a type behind its recursion group.</exception>
    public static TypeContext Create(ImmutableArray<SubType> types) => new TypeCanonicalizer(keepsTypes: true).CreateContext(types);

    internal CanonicalType TypeOf(HeapType heapType) => _types[heapType.TypeIndex];
}
