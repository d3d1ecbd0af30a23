using System.Buffers.Binary;

namespace Codicil.Wasi.Abi;

/// <summary>Attributes of a file, a directory or a link.</summary>
/// <param name="Device">The file system it is in. Together with <paramref name="Inode"/> it says whether two names are the same file.</param>
/// <param name="Inode">Its number in the file system.</param>
/// <param name="Type">What it is.</param>
/// <param name="LinkCount">How many names it has.</param>
/// <param name="Size">For a file its size in bytes, for a link the length of its target.</param>
/// <param name="AccessTime">When it was last read, in nanoseconds since 1970.</param>
/// <param name="ModificationTime">When its contents were last changed, in nanoseconds since 1970.</param>
/// <param name="ChangeTime">When its contents or attributes were last changed, in nanoseconds since 1970.</param>
/// <remarks>WASI preview 1, typenames.witx, <c>filestat</c>.</remarks>
public readonly record struct FileStatus(
    ulong Device,
    ulong Inode,
    FileType Type,
    ulong LinkCount,
    ulong Size,
    ulong AccessTime,
    ulong ModificationTime,
    ulong ChangeTime)
{
    /// <summary>Writes the record in a snapshot's layout.</summary>
    internal void Write(Span<byte> destination, Snapshot snapshot)
    {
        destination = destination[..snapshot.FileStatSize];
        destination.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(destination, Device);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], Inode);
        destination[16] = (byte)Type;
        int offset;
        if (snapshot.LinkCountSize == 4)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination[20..], (uint)Math.Min(LinkCount, uint.MaxValue));
            offset = 24;
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], LinkCount);
            offset = 32;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(destination[offset..], Size);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[(offset + 8)..], AccessTime);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[(offset + 16)..], ModificationTime);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[(offset + 24)..], ChangeTime);
    }
}
