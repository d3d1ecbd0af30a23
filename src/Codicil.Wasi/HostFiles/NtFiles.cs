using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Codicil.Wasi.HostFiles;

/// <summary>The system itself. Nothing is decided here: arguments are put into structures, and handles are held while they are used.</summary>
internal sealed unsafe class NtFiles : INtFiles
{
    private const uint ShareAll = 7;
    private const uint Normal = 0x80;

    // What one call moves at most.
    private const int LargestTransfer = 0x4000_0000;

    private NtFiles()
    {
    }

    /// <summary>The one there is.</summary>
    public static NtFiles System { get; } = new();

    public uint Open(NtHandle? directory, ReadOnlySpan<char> name, NtOpenRequest request, out NtHandle? handle)
    {
        handle = null;
        using NtHandle.Lease at = directory is null ? default : directory.Acquire();
        if (directory is not null && !at.IsHeld)
        {
            return Nt.StatusInvalidHandle;
        }

        nint value;
        uint result;

        // SAFETY: the name is pinned for the call, its length passed in bytes: a path of the system is shorter than 32,767 characters, a name than 256. The other structures are on the stack. Sizes and layouts are those of 64-bit Windows.
        fixed (char* pointer = name)
        {
            char empty = '\0';
            var text = new NativeMethods.UnicodeString { Length = checked((ushort)(name.Length * sizeof(char))), MaximumLength = checked((ushort)(name.Length * sizeof(char))), Buffer = name.IsEmpty ? &empty : pointer };
            var attributes = new NativeMethods.ObjectAttributes
            {
                Length = (uint)sizeof(NativeMethods.ObjectAttributes),
                RootDirectory = at.Value,
                ObjectName = &text,
                Attributes = Nt.CaseInsensitive | (request.StopsAtReparsePoints ? Nt.DontReparse : 0),
            };
            NativeMethods.StatusBlock status;
            result = NativeMethods.NtCreateFile(&value, request.Access, &attributes, &status, null, Normal, ShareAll, request.Disposition, request.Options, null, 0);
        }

        if (!Nt.IsError(result))
        {
            handle = new NtHandle(this, value);
        }

        return result;
    }

    public uint Query(NtHandle file, int informationClass, Span<byte> buffer)
    {
        using NtHandle.Lease lease = file.Acquire();

        // SAFETY: the buffer is pinned for the call, and its length is passed.
        fixed (byte* pointer = buffer)
        {
            NativeMethods.StatusBlock status;
            return lease.IsHeld ? NativeMethods.NtQueryInformationFile(lease.Value, &status, pointer, (uint)buffer.Length, informationClass) : Nt.StatusInvalidHandle;
        }
    }

    public uint QueryVolume(NtHandle file, int informationClass, Span<byte> buffer)
    {
        using NtHandle.Lease lease = file.Acquire();

        // SAFETY: as Query.
        fixed (byte* pointer = buffer)
        {
            NativeMethods.StatusBlock status;
            return lease.IsHeld ? NativeMethods.NtQueryVolumeInformationFile(lease.Value, &status, pointer, (uint)buffer.Length, informationClass) : Nt.StatusInvalidHandle;
        }
    }

    public uint Set(NtHandle file, int informationClass, ReadOnlySpan<byte> buffer)
    {
        using NtHandle.Lease lease = file.Acquire();

        // SAFETY: as Query; the system reads it.
        fixed (byte* pointer = buffer)
        {
            NativeMethods.StatusBlock status;
            return lease.IsHeld ? NativeMethods.NtSetInformationFile(lease.Value, &status, pointer, (uint)buffer.Length, informationClass) : Nt.StatusInvalidHandle;
        }
    }

    public uint SetName(NtHandle file, int informationClass, uint flags, NtHandle directory, ReadOnlySpan<char> name)
    {
        using NtHandle.Lease at = directory.Acquire();
        if (!at.IsHeld)
        {
            return Nt.StatusInvalidHandle;
        }

        // FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION of 64-bit Windows: flags, the directory's handle at 8, the length of the name in bytes at 16, the name.
        // The system wants no less than the structure with its padding, whose name is one character.
        const int NameOffset = 20;
        const int StructureSize = 24;
        Span<byte> buffer = stackalloc byte[NameOffset + (HostWalk.LongestName * sizeof(char))];
        buffer = buffer[..Math.Max(StructureSize, NameOffset + (name.Length * sizeof(char)))];
        buffer.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(buffer, flags);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[8..], at.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(buffer[16..], (uint)(name.Length * sizeof(char)));
        MemoryMarshal.AsBytes(name).CopyTo(buffer[NameOffset..]);
        return Set(file, informationClass, buffer);
    }

    public uint Control(NtHandle file, uint code, ReadOnlySpan<byte> input, Span<byte> output, out int count)
    {
        using NtHandle.Lease lease = file.Acquire();
        NativeMethods.StatusBlock status = default;
        uint result = Nt.StatusInvalidHandle;

        // SAFETY: both are pinned for the call, and their lengths are passed.
        fixed (byte* inputPointer = input)
        fixed (byte* outputPointer = output)
        {
            if (lease.IsHeld)
            {
                result = NativeMethods.NtFsControlFile(lease.Value, 0, null, null, &status, code, inputPointer, (uint)input.Length, outputPointer, (uint)output.Length);
            }
        }

        count = Nt.IsError(result) ? 0 : (int)status.Information;
        return result;
    }

    public uint ReadDirectory(NtHandle directory, Span<byte> buffer, bool restart, out int count)
    {
        using NtHandle.Lease lease = directory.Acquire();
        NativeMethods.StatusBlock status = default;
        uint result = Nt.StatusInvalidHandle;

        // SAFETY: as Query. The buffer of an array is aligned to 8 bytes, as the entries have to be.
        fixed (byte* pointer = buffer)
        {
            if (lease.IsHeld)
            {
                result = NativeMethods.NtQueryDirectoryFile(lease.Value, 0, null, null, &status, pointer, (uint)buffer.Length, Nt.IdFullDirectoryInformation, 0, null, restart ? (byte)1 : (byte)0);
            }
        }

        count = result == Nt.StatusSuccess ? (int)status.Information : 0;
        return result;
    }

    public uint Read(NtHandle file, Span<byte> destination, long offset, out int count) => Transfer(&NativeMethods.NtReadFile, file, destination, offset, out count);

    public uint Write(NtHandle file, ReadOnlySpan<byte> source, long offset, out int count) => Transfer(&NativeMethods.NtWriteFile, file, source, offset, out count);

    public uint Flush(NtHandle file)
    {
        using NtHandle.Lease lease = file.Acquire();

        // SAFETY: the structure is on the stack.
        NativeMethods.StatusBlock status;
        return lease.IsHeld ? NativeMethods.NtFlushBuffersFile(lease.Value, &status) : Nt.StatusInvalidHandle;
    }

    public bool Close(nint handle) => !Nt.IsError(NativeMethods.NtClose(handle));

    private static uint Transfer(
        delegate*<nint, nint, void*, void*, NativeMethods.StatusBlock*, byte*, uint, long*, uint*, uint> call, NtHandle file, ReadOnlySpan<byte> buffer, long offset, out int count)
    {
        using NtHandle.Lease lease = file.Acquire();
        NativeMethods.StatusBlock status = default;
        uint result = Nt.StatusInvalidHandle;

        // SAFETY: pinned for the call, and no more is read than there is room for; only a read writes, and its span may be written. The span may be a guest's memory that is made inaccessible meanwhile: the system
        // answers STATUS_ACCESS_VIOLATION, and the range is not given to anybody else while the guest's call is inside.
        fixed (byte* pointer = buffer)
        {
            if (lease.IsHeld)
            {
                result = call(lease.Value, 0, null, null, &status, pointer, (uint)Math.Min(buffer.Length, LargestTransfer), &offset, null);
            }
        }

        count = Nt.IsError(result) ? 0 : (int)status.Information;
        return result;
    }
}
