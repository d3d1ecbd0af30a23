using System.Buffers.Binary;
using System.Text.Unicode;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>What Windows's calls say about files, as WASI sees it.</summary>
internal static class WindowsFiles
{
    /// <summary>How every handle is opened: calls return when they are done.</summary>
    public const uint Options = Nt.SynchronousIoNonAlert;

    private const int BasicSize = 40;
    private const int StandardSize = 24;
    private const long TicksPerSecond = 10_000_000;

    // From 1601, where Windows begins to count, to 1970.
    private const long Epoch = 11_644_473_600 * TicksPerSecond;

    /// <summary>A name of the guest's, without its NUL, as Windows has it; false for what is not the name of a file (<see cref="WindowsNames"/>).</summary>
    public static bool TryGetName(ReadOnlySpan<byte> terminatedName, Span<char> buffer, out ReadOnlySpan<char> name)
    {
        name = default;
        if (Utf8.ToUtf16(terminatedName[..^1], buffer, out _, out int length, replaceInvalidSequences: false) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        name = buffer[..length];
        return WindowsNames.IsFileName(name);
    }

    /// <summary>The attributes of an open file, which may be a link.</summary>
    /// <param name="files">The system.</param>
    /// <param name="file">The file.</param>
    /// <param name="device">The number of the volume: all that is beneath a root is on its volume.</param>
    /// <param name="status">The attributes.</param>
    public static uint GetStatus(INtFiles files, NtHandle file, ulong device, out FileStatus status)
    {
        status = default;
        Span<byte> basic = stackalloc byte[BasicSize];
        Span<byte> standard = stackalloc byte[StandardSize];
        Span<byte> identity = stackalloc byte[8];
        Span<byte> tag = stackalloc byte[8];
        uint result = files.Query(file, Nt.BasicInformation, basic);
        if (!Nt.IsError(result))
        {
            result = files.Query(file, Nt.StandardInformation, standard);
        }

        if (!Nt.IsError(result))
        {
            result = files.Query(file, Nt.InternalInformation, identity);
        }

        if (!Nt.IsError(result))
        {
            result = files.Query(file, Nt.AttributeTagInformation, tag);
        }

        if (Nt.IsError(result))
        {
            return result;
        }

        FileType type = TypeOf(BinaryPrimitives.ReadUInt32LittleEndian(tag), BinaryPrimitives.ReadUInt32LittleEndian(tag[4..]));
        ulong size = (ulong)BinaryPrimitives.ReadInt64LittleEndian(standard[8..]);
        if (type == FileType.SymbolicLink)
        {
            Span<byte> target = stackalloc byte[HostWalk.LongestPath];
            size = ReadLink(files, file, target, out int length) == Errno.Success ? (ulong)length : 0;
        }

        status = new FileStatus(
            device,
            BinaryPrimitives.ReadUInt64LittleEndian(identity),
            type,
            BinaryPrimitives.ReadUInt32LittleEndian(standard[16..]),
            size,
            ToNanoseconds(BinaryPrimitives.ReadInt64LittleEndian(basic[8..])),
            ToNanoseconds(BinaryPrimitives.ReadInt64LittleEndian(basic[16..])),
            ToNanoseconds(BinaryPrimitives.ReadInt64LittleEndian(basic[24..])));
        return Nt.StatusSuccess;
    }

    /// <summary>Whether what is open, without having been followed, is a directory and not a link to one.</summary>
    public static uint IsDirectory(INtFiles files, NtHandle file, out bool isDirectory)
    {
        Span<byte> tag = stackalloc byte[8];
        tag.Clear();
        uint result = files.Query(file, Nt.AttributeTagInformation, tag);
        isDirectory = TypeOf(BinaryPrimitives.ReadUInt32LittleEndian(tag), BinaryPrimitives.ReadUInt32LittleEndian(tag[4..])) == FileType.Directory;
        return result;
    }

    /// <summary>The number of the volume of an open file.</summary>
    public static uint GetDevice(INtFiles files, NtHandle file, out ulong device)
    {
        Span<byte> volume = stackalloc byte[64];
        volume.Clear();
        uint result = files.QueryVolume(file, Nt.VolumeInformation, volume);
        device = BinaryPrimitives.ReadUInt32LittleEndian(volume[8..]);
        return result;
    }

    /// <summary>The target of an open link.</summary>
    public static Errno ReadLink(INtFiles files, NtHandle link, Span<byte> target, out int length)
    {
        length = 0;
        byte[] rented = System.Buffers.ArrayPool<byte>.Shared.Rent(Nt.LongestReparsePoint);
        try
        {
            uint result = files.Control(link, Nt.GetReparsePoint, [], rented.AsSpan(0, Nt.LongestReparsePoint), out int count);
            return Nt.IsError(result) ? WindowsErrors.Translate(result) : WindowsReparsePoint.ReadTarget(rented.AsSpan(0, count), target, out length);
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Sets the times of an open file; those that are null stay.</summary>
    public static uint SetTimes(INtFiles files, NtHandle file, ulong? accessTime, ulong? modificationTime)
    {
        // A time of 0, and no attributes: they stay.
        Span<byte> basic = stackalloc byte[BasicSize];
        basic.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(basic[8..], FromNanoseconds(accessTime));
        BinaryPrimitives.WriteInt64LittleEndian(basic[16..], FromNanoseconds(modificationTime));
        return files.Set(file, Nt.BasicInformation, basic);
    }

    /// <summary>
    /// What something is by its attributes and its tag. Links, mount points and whatever else stands for another place are links; other tags are a file system's own business (compressed, in the cloud).
    /// </summary>
    public static FileType TypeOf(uint attributes, uint tag)
    {
        if ((attributes & Nt.AttributeReparsePoint) != 0)
        {
            if ((tag & Nt.TagNameSurrogate) != 0)
            {
                return FileType.SymbolicLink;
            }

            switch (tag)
            {
                case Nt.TagUnixSocket:
                    return FileType.SocketStream;
                case Nt.TagFifo:
                    return FileType.Unknown;
                case Nt.TagCharacterDevice:
                    return FileType.CharacterDevice;
                case Nt.TagBlockDevice:
                    return FileType.BlockDevice;
            }
        }

        return (attributes & Nt.AttributeDirectory) != 0 ? FileType.Directory : (attributes & Nt.AttributeDevice) != 0 ? FileType.CharacterDevice : FileType.RegularFile;
    }

    // WASI has no times before 1970, nor after 2554.
    private static ulong ToNanoseconds(long time) => time <= Epoch ? 0 : (ulong)UInt128.Min((UInt128)(ulong)(time - Epoch) * 100, ulong.MaxValue);

    private static long FromNanoseconds(ulong? time) => time is ulong nanoseconds ? Epoch + (long)(nanoseconds / 100) : 0;
}
