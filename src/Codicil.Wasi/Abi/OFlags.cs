namespace Codicil.Wasi.Abi;

/// <summary>How a file is opened.</summary>
/// <remarks>WASI preview 1, typenames.witx, <c>oflags</c>.</remarks>
[Flags]
public enum OFlags : ushort
{
    /// <summary>No flags: what is there is opened.</summary>
    None = 0,

    /// <summary>Create the file if it does not exist.</summary>
    Create = 1 << 0,

    /// <summary>Fail if it is not a directory.</summary>
    Directory = 1 << 1,

    /// <summary>Fail if it exists already.</summary>
    Exclusive = 1 << 2,

    /// <summary>Cut the file to size 0.</summary>
    Truncate = 1 << 3,
}
