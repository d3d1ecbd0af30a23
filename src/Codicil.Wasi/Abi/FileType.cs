namespace Codicil.Wasi.Abi;

/// <summary>What a descriptor or an entry of a directory refers to.</summary>
/// <remarks>WASI preview 1, typenames.witx, <c>filetype</c>. There is no type for a FIFO: it is <see cref="Unknown"/>.</remarks>
public enum FileType : byte
{
    /// <summary>None of the others, or not known.</summary>
    Unknown = 0,

    /// <summary>A block device.</summary>
    BlockDevice = 1,

    /// <summary>A character device.</summary>
    CharacterDevice = 2,

    /// <summary>A directory.</summary>
    Directory = 3,

    /// <summary>A regular file.</summary>
    RegularFile = 4,

    /// <summary>A datagram socket.</summary>
    SocketDatagram = 5,

    /// <summary>A byte-stream socket.</summary>
    SocketStream = 6,

    /// <summary>A symbolic link.</summary>
    SymbolicLink = 7,
}
