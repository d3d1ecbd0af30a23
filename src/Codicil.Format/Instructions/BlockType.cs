using Codicil.Format.Types;

namespace Codicil.Format.Instructions;

/// <summary>The type of a block: nothing, one result, or a function type of the module (2.4.11, 5.4.1).</summary>
/// <param name="TypeIndex">The type index, or -1 when it is <paramref name="Result"/>.</param>
/// <param name="Result">The one result; the default value (no kind) for none.</param>
public readonly record struct BlockType(int TypeIndex, ValType Result)
{
    /// <summary>No parameters, no results.</summary>
    public static BlockType Empty => new(-1, default);

    /// <summary>Whether there are neither parameters nor results.</summary>
    public bool IsEmpty => TypeIndex < 0 && Result == default;
}
