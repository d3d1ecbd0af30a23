namespace Codicil.Fuzz.Generators;

/// <summary>What a generated program is mostly made of.</summary>
internal enum ProgramStyle
{
    /// <summary>Some of everything.</summary>
    Mixed,

    /// <summary>Many small functions of one expression, called with many arguments: what a JIT folds.</summary>
    Expressions,

    /// <summary>Accesses around the end of memory, with all kinds of offsets.</summary>
    MemoryEdges,

    /// <summary>Rotations, shifts and tests for zero, with constants that come through locals.</summary>
    Rotations,

    /// <summary>Nested blocks with values, loops, tables of branches.</summary>
    Control,

    /// <summary>Calls, also through tables with wrong types and null, and to the host; several results.</summary>
    Calls,

    /// <summary>Growth, fills, copies, segments and tables in loops.</summary>
    Bulk,

    /// <summary>So many functions that the code is cut into chunks.</summary>
    Large,
}
