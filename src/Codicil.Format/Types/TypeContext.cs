using System.Collections.Immutable;

namespace Codicil.Format.Types;

/// <summary>
/// What the type indices of one module mean: each stands for a canonical id of a <see cref="TypeCanonicalizer"/>, so that types of different
/// modules can be compared. Immutable and thread-safe.
/// </summary>
/// <remarks>WebAssembly 3.0, 3.1.1 Types: the specification's closed types.</remarks>
public sealed class TypeContext
{
    private readonly int[] _ids;

    internal TypeContext(TypeCanonicalizer canonicalizer, int[] ids)
    {
        Canonicalizer = canonicalizer;
        _ids = ids;
    }

    /// <summary>Who gave out the ids.</summary>
    public TypeCanonicalizer Canonicalizer { get; }

    /// <summary>The canonical id of every type of the module, by type index.</summary>
    public ReadOnlySpan<int> Ids => _ids;

    /// <summary>The context of a module on its own: its ids mean nothing to other modules.</summary>
    /// <exception cref="ArgumentException">A type refers to a type behind its recursion group.</exception>
    public static TypeContext Create(ImmutableArray<SubType> types) => new TypeCanonicalizer().CreateContext(types);

    internal int IdOf(HeapType heapType) => _ids[heapType.TypeIndex];
}
