namespace Codicil.Format;

/// <summary>
/// What this implementation takes at most (WebAssembly 3.0, A.2 Implementation Limitations). Beyond a limit a module is refused with an
/// <see cref="UnsupportedModuleException"/>. The figures follow what browsers agreed on, except where real modules need more.
/// </summary>
public static class ImplementationLimits
{
    /// <summary>Bytes of a module: 1 GiB.</summary>
    public const int ModuleSizeInBytes = 1 << 30;

    /// <summary>Types of a module.</summary>
    public const int Types = 1_000_000;

    /// <summary>Functions of a module, imported ones included.</summary>
    public const int Functions = 1_000_000;

    /// <summary>Imports of a module.</summary>
    public const int Imports = 100_000;

    /// <summary>Exports of a module.</summary>
    public const int Exports = 100_000;

    /// <summary>Globals of a module, imported ones included.</summary>
    public const int Globals = 1_000_000;

    /// <summary>Tables of a module, imported ones included.</summary>
    public const int Tables = 100_000;

    /// <summary>Memories of a module, imported ones included.</summary>
    public const int Memories = 100;

    /// <summary>Tags of a module, imported ones included.</summary>
    public const int Tags = 1_000_000;

    /// <summary>Data segments of a module; Go's linker makes some 70,000.</summary>
    public const int DataSegments = 1_000_000;

    /// <summary>Element segments of a module.</summary>
    public const int ElementSegments = 10_000_000;

    /// <summary>Elements of one element segment.</summary>
    public const int Elements = 10_000_000;

    /// <summary>Parameters of a function type.</summary>
    public const int Parameters = 1_000;

    /// <summary>Results of a function type.</summary>
    public const int Results = 1_000;

    /// <summary>Fields of a structure type.</summary>
    public const int Fields = 10_000;

    /// <summary>Local variables that a function declares, parameters not counted.</summary>
    public const int Locals = 50_000;

    /// <summary>Bytes of a function's body.</summary>
    public const int FunctionBodyInBytes = 7_654_321;

    /// <summary>Labels of a br_table, the default label not counted.</summary>
    public const int BranchTableLabels = 65_520;

    /// <summary>
    /// Operands on the stack. The largest body can push fewer with instructions of one result; only calls and blocks of many results can ask for more,
    /// up to gigabytes for a small module.
    /// </summary>
    public const int Operands = 1 << 22;

    /// <summary>Types between a type and the top of its declared supertypes.</summary>
    public const int SubtypeDepth = 63;

    /// <summary>Clauses of a try_table.</summary>
    public const int CatchClauses = 10_000;

    /// <summary>Bytes of a name: of imports, exports and custom sections.</summary>
    public const int NameInBytes = 100_000;
}
