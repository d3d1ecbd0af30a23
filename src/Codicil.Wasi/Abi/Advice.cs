namespace Codicil.Wasi.Abi;

/// <summary>How a program will use a range of a file.</summary>
/// <remarks>WASI preview 1, typenames.witx, <c>advice</c>.</remarks>
public enum Advice : byte
{
    /// <summary>Nothing is said.</summary>
    Normal = 0,

    /// <summary>From lower to higher offsets.</summary>
    Sequential = 1,

    /// <summary>In any order.</summary>
    Random = 2,

    /// <summary>Soon.</summary>
    WillNeed = 3,

    /// <summary>Not in the near future.</summary>
    DontNeed = 4,

    /// <summary>Once.</summary>
    NoReuse = 5,
}
