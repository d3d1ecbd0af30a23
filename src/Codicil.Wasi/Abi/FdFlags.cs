namespace Codicil.Wasi.Abi;

/// <summary>State of a descriptor.</summary>
/// <remarks>WASI preview 1, typenames.witx, <c>fdflags</c>.</remarks>
[Flags]
public enum FdFlags : ushort
{
    /// <summary>No flags.</summary>
    None = 0,

    /// <summary>Data is always written at the end.</summary>
    Append = 1 << 0,

    /// <summary>Writes are complete when the data is durable.</summary>
    DSync = 1 << 1,

    /// <summary>Reads and writes do not wait.</summary>
    NonBlock = 1 << 2,

    /// <summary>Reads are as synchronised as writes.</summary>
    RSync = 1 << 3,

    /// <summary>Writes are complete when data and attributes are durable.</summary>
    Sync = 1 << 4,
}
