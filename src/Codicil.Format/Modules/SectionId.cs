namespace Codicil.Format.Modules;

/// <summary>The id of a section (5.5.2). Sections stand in the order of <see cref="SectionOrder"/>, not of these values.</summary>
public enum SectionId : byte
{
    /// <summary>Custom sections; anywhere, any number.</summary>
    Custom = 0,

    /// <summary>Types.</summary>
    Type = 1,

    /// <summary>Imports.</summary>
    Import = 2,

    /// <summary>Type indices of functions.</summary>
    Function = 3,

    /// <summary>Tables.</summary>
    Table = 4,

    /// <summary>Memories.</summary>
    Memory = 5,

    /// <summary>Globals.</summary>
    Global = 6,

    /// <summary>Exports.</summary>
    Export = 7,

    /// <summary>The start function.</summary>
    Start = 8,

    /// <summary>Element segments.</summary>
    Element = 9,

    /// <summary>Bodies of functions.</summary>
    Code = 10,

    /// <summary>Data segments.</summary>
    Data = 11,

    /// <summary>The number of data segments; before the code section.</summary>
    DataCount = 12,

    /// <summary>Tags; between memories and globals.</summary>
    Tag = 13,
}

/// <summary>The order of sections in a module (5.5.16).</summary>
internal static class SectionOrder
{
    // Indexed by id; 0 is never asked for.
    private static ReadOnlySpan<byte> Ranks => [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

    public static int Rank(SectionId id) => Ranks[(int)id];
}
