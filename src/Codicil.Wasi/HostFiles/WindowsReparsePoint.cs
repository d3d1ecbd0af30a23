using System.Buffers.Binary;
using System.Text.Unicode;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>What a symbolic link of Windows says, and how one is written.</summary>
/// <remarks>MS-FSCC, 2.1.2.4, Symbolic Link Reparse Data Buffer.</remarks>
internal static class WindowsReparsePoint
{
    private const int HeaderSize = 8;
    private const int NamesOffset = 20;
    private const uint Relative = 1;

    /// <summary>
    /// The target of a link, with <c>/</c> between its names. A link that is not relative, and whatever else stands for another place, is <see cref="Errno.Perm"/>; what stands for nothing else is <see cref="Errno.Inval"/>.
    /// </summary>
    public static Errno ReadTarget(ReadOnlySpan<byte> data, Span<byte> target, out int length)
    {
        length = 0;
        if (data.Length < HeaderSize)
        {
            return Errno.Inval;
        }

        uint tag = BinaryPrimitives.ReadUInt32LittleEndian(data);
        if (tag != Nt.TagSymbolicLink)
        {
            return (tag & Nt.TagNameSurrogate) != 0 ? Errno.Perm : Errno.Inval;
        }

        if (data.Length < NamesOffset)
        {
            return Errno.Io;
        }

        int offset = NamesOffset + BinaryPrimitives.ReadUInt16LittleEndian(data[8..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(data[10..]);
        if ((BinaryPrimitives.ReadUInt32LittleEndian(data[16..]) & Relative) == 0)
        {
            return Errno.Perm;
        }

        if (offset + size > data.Length || size % sizeof(char) != 0)
        {
            return Errno.Io;
        }

        Span<char> name = stackalloc char[HostWalk.LongestPath];
        if (size / sizeof(char) > name.Length)
        {
            return Errno.NameTooLong;
        }

        name = name[..(size / sizeof(char))];
        for (int i = 0; i < name.Length; i++)
        {
            name[i] = (char)BinaryPrimitives.ReadUInt16LittleEndian(data[(offset + (i * sizeof(char)))..]);
        }

        name.Replace('\\', '/');
        return Utf8.FromUtf16(name, target, out _, out length, replaceInvalidSequences: false) switch
        {
            System.Buffers.OperationStatus.Done => Errno.Success,
            System.Buffers.OperationStatus.DestinationTooSmall => Errno.NameTooLong,
            _ => Errno.IlSeq,
        };
    }

    /// <summary>A relative link to a target. Every name in it must be one that <see cref="WindowsNames"/> lets pass.</summary>
    public static Errno Create(ReadOnlySpan<byte> target, out byte[] data)
    {
        data = [];
        Span<char> text = stackalloc char[HostWalk.LongestPath];
        if (Utf8.ToUtf16(target, text, out _, out int length, replaceInvalidSequences: false) != System.Buffers.OperationStatus.Done)
        {
            return Errno.IlSeq;
        }

        text = text[..length];
        foreach (Range range in MemoryExtensions.Split(text, '/'))
        {
            ReadOnlySpan<char> name = text[range];
            if (!name.IsEmpty && name is not ("." or "..") && !WindowsNames.IsFileName(name))
            {
                return Errno.Inval;
            }
        }

        text.Replace('/', '\\');

        // The name that is followed and the one that is shown are the same, one after the other.
        int size = length * sizeof(char);
        if (NamesOffset + (2 * size) > Nt.LongestReparsePoint)
        {
            return Errno.NameTooLong;
        }

        data = new byte[NamesOffset + (2 * size)];
        BinaryPrimitives.WriteUInt32LittleEndian(data, Nt.TagSymbolicLink);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(4), (ushort)(data.Length - HeaderSize));
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(8), 0);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(10), (ushort)size);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(12), (ushort)size);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(14), (ushort)size);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(16), Relative);
        for (int i = 0; i < length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(NamesOffset + (i * sizeof(char))), text[i]);
        }

        data.AsSpan(NamesOffset, size).CopyTo(data.AsSpan(NamesOffset + size));
        return Errno.Success;
    }
}
