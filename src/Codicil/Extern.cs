using Codicil.Format.Types;

namespace Codicil;

/// <summary>Something that modules import and export: a <see cref="Function"/>, <see cref="Table"/>, <see cref="Memory"/>, <see cref="Global"/> or <see cref="Tag"/> of one store.</summary>
/// <remarks>WebAssembly 3.0, 4.2.13 External Addresses. Belongs to one store, whose rules on threads hold.</remarks>
public abstract class Extern
{
    private protected Extern()
    {
    }

    /// <summary>The store it belongs to.</summary>
    public abstract Store Store { get; }

    /// <summary>Its type; for memories and tables with the present size as the minimum.</summary>
    public abstract ExternType ExternType { get; }

    /// <summary>What kind of entity it is.</summary>
    public ExternKind Kind => ExternType.Kind;
}
