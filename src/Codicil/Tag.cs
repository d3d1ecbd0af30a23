using Codicil.Format.Types;

namespace Codicil;

/// <summary>An exception tag of one store (4.2.10).</summary>
public abstract class Tag : Extern
{
    private protected Tag()
    {
    }

    /// <summary>The types of the values an exception of this tag carries.</summary>
    public abstract TagType Type { get; }

    /// <inheritdoc/>
    public sealed override ExternType ExternType => Type;
}
