namespace Codicil.Format.Types;

/// <summary>What kind of entity is imported or exported (2.5.10, 5.5.5); the values are the binary format's.</summary>
public enum ExternKind : byte
{
    /// <summary>A function.</summary>
    Function = 0,

    /// <summary>A table.</summary>
    Table = 1,

    /// <summary>A memory.</summary>
    Memory = 2,

    /// <summary>A global.</summary>
    Global = 3,

    /// <summary>A tag.</summary>
    Tag = 4,
}

/// <summary>The type of an import or export: <see cref="FunctionType"/>, <see cref="TableType"/>, <see cref="MemoryType"/>, <see cref="GlobalType"/> or <see cref="TagType"/>. Immutable and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.16 External Types.</remarks>
public abstract class ExternType
{
    private protected ExternType()
    {
    }

    /// <summary>Which kind of entity this types.</summary>
    public abstract ExternKind Kind { get; }
}
