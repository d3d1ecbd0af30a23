using Codicil.Format.Types;

namespace Codicil;

/// <summary>An exception tag of one store (4.2.10).</summary>
public abstract class Tag : Extern
{
    private protected Tag()
    {
    }

    /// <summary>A tag that the host makes; every tag is different from every other.</summary>
    /// <exception cref="ArgumentException">The type has results, or type indices.</exception>
    public static Tag Create(Store store, TagType type)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(type);
        return type.FunctionType.Results.IsEmpty ? store.CreateTag(type) : throw new ArgumentException("a tag's type has no results", nameof(type));
    }

    /// <summary>The types of the values an exception of this tag carries.</summary>
    public abstract TagType Type { get; }

    /// <inheritdoc/>
    public sealed override ExternType ExternType => Type;
}
