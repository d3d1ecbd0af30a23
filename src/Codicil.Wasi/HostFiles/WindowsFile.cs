using System.Buffers.Binary;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.HostFiles;

/// <summary>A file of the host on Windows. Bytes go straight between the guest's memory and the system.</summary>
internal sealed class WindowsFile(INtFiles files, NtHandle handle, ulong device) : WasiFile
{
    /// <summary>What is asked for to open a file.</summary>
    public static uint AccessOf(in WasiOpenOptions options)
    {
        uint access = Nt.ReadAttributes | Nt.Synchronize;
        access |= (options.Access & FileAccess.Read) != 0 ? Nt.ReadData : 0;
        return options.CanWrite ? access | Nt.WriteData | Nt.AppendData : access;
    }

    /// <summary>How a file is opened.</summary>
    public static uint OptionsOf(in WasiOpenOptions options) =>
        WindowsFiles.Options | ((options.Flags & (FdFlags.Sync | FdFlags.RSync | FdFlags.DSync)) != 0 ? Nt.WriteThrough : 0);

    /// <summary>Cuts or extends an open file.</summary>
    public static uint SetSize(INtFiles files, NtHandle file, long size)
    {
        Span<byte> buffer = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(buffer, size);
        return files.Set(file, Nt.EndOfFileInformation, buffer);
    }

    public override Errno GetStatus(out FileStatus status) => WindowsErrors.Translate(WindowsFiles.GetStatus(files, handle, device, out status));

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime)
    {
        // The right to it was not asked for when the file was opened: many may read a file and not change its times.
        uint result = files.Open(handle, default, new NtOpenRequest(Nt.WriteAttributes | Nt.Synchronize, Nt.OpenExisting, WindowsFiles.Options, StopsAtReparsePoints: true), out NtHandle? open);
        if (open is not null)
        {
            result = WindowsFiles.SetTimes(files, open, accessTime, modificationTime);
            open.Dispose();
        }

        return WindowsErrors.Translate(result);
    }

    public override Errno Sync(bool dataOnly)
    {
        Errno errno = WindowsErrors.Translate(files.Flush(handle));

        // What was opened to be read has nothing to hand on.
        return errno == Errno.Acces ? Errno.Success : errno;
    }

    public override Errno ReadAt(Span<byte> destination, ulong offset, out int count)
    {
        count = 0;
        if (offset > long.MaxValue)
        {
            return Errno.Success;
        }

        destination = destination[..(int)Math.Min(destination.Length, long.MaxValue - (long)offset)];
        while (count < destination.Length)
        {
            uint result = files.Read(handle, destination[count..], (long)offset + count, out int read);
            if (Nt.IsError(result) || read == 0)
            {
                // What was read counts; the next call tells why.
                return result == Nt.StatusEndOfFile || count != 0 ? Errno.Success : WindowsErrors.Translate(result);
            }

            count += read;
        }

        return Errno.Success;
    }

    public override Errno WriteAt(ReadOnlySpan<byte> source, ulong offset, out int count)
    {
        count = 0;
        if (source.IsEmpty)
        {
            return Errno.Success;
        }

        if (offset >= long.MaxValue)
        {
            return Errno.FBig;
        }

        source = source[..(int)Math.Min(source.Length, long.MaxValue - (long)offset)];
        while (count < source.Length)
        {
            uint result = files.Write(handle, source[count..], (long)offset + count, out int written);
            if (Nt.IsError(result) || written == 0)
            {
                return count != 0 ? Errno.Success : TooLarge(result);
            }

            count += written;
        }

        return Errno.Success;
    }

    public override Errno Append(ReadOnlySpan<byte> source, out ulong position, out int count)
    {
        position = 0;
        uint result = files.Write(handle, source, Nt.EndOfFile, out count);
        if (Nt.IsError(result))
        {
            return TooLarge(result);
        }

        // The handle's own position is where its write ended, wherever the file ends by now.
        Span<byte> buffer = stackalloc byte[sizeof(long)];
        result = files.Query(handle, Nt.PositionInformation, buffer);
        position = (ulong)Math.Max(0, BinaryPrimitives.ReadInt64LittleEndian(buffer));
        return WindowsErrors.Translate(result);
    }

    public override Errno SetSize(ulong size) => size > long.MaxValue ? Errno.FBig : TooLarge(SetSize(files, handle, (long)size));

    public override Errno Allocate(ulong offset, ulong length)
    {
        if (offset > long.MaxValue || length > long.MaxValue - offset)
        {
            return Errno.FBig;
        }

        // All of a file that is not sparse has storage; what is added to it gets some.
        Errno errno = GetStatus(out FileStatus status);
        if (errno != Errno.Success || status.Size >= offset + length)
        {
            return errno;
        }

        Span<byte> volume = stackalloc byte[32];
        uint result = files.QueryVolume(handle, Nt.FullSizeInformation, volume);
        if (Nt.IsError(result))
        {
            return WindowsErrors.Translate(result);
        }

        UInt128 free = (UInt128)BinaryPrimitives.ReadUInt64LittleEndian(volume[8..]) * BinaryPrimitives.ReadUInt32LittleEndian(volume[24..]) * BinaryPrimitives.ReadUInt32LittleEndian(volume[28..]);
        return offset + length - status.Size > free ? Errno.NoSpc : SetSize(offset + length);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            handle.Dispose();
        }

        base.Dispose(disposing);
    }

    // Of an offset beyond what a file can have Windows says that it is a wrong parameter. There is no other one here.
    private static Errno TooLarge(uint result) => result == Nt.StatusInvalidParameter ? Errno.FBig : WindowsErrors.Translate(result);
}
