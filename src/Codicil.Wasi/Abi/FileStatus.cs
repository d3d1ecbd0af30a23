using System.Buffers.Binary;

namespace Codicil.Wasi.Abi;

/// <summary>Attributes of a file (typenames.witx, <c>filestat</c>). Times are nanoseconds since 1970.</summary>
internal readonly record struct FileStatus(
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
    public void Write(Span<byte> destination, Snapshot snapshot)
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
