using System.Buffers.Binary;
using System.Runtime.CompilerServices;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Descriptors;

namespace Codicil.Wasi.Functions;

/// <summary>
/// What is done with open descriptors. Each function looks up the descriptor, then what it may be used for, then every address it was given;
/// only then does anything happen.
/// </summary>
internal sealed class FileDescriptor(WasiContext context)
{
    private const int FdStatSize = 24;
    private const int PrestatSize = 8;

    // As much as one system call takes on Linux: a whole number of pages below 2 GiB. More is a short count.
    private const ulong LargestTransfer = 0x7FFF_F000;

    // Offsets and sizes are off_t to POSIX: what is above is negative.
    private const ulong LargestOffset = long.MaxValue;

    // Between chunks a guest that was interrupted is stopped.
    private const uint ChunkSize = 1 << 20;

    private readonly DescriptorTable _table = context.Descriptors;

    public Errno Advise(uint fd, ulong offset, ulong length, uint advice)
    {
        const uint LastAdvice = 5;
        Errno errno = Find(fd, Rights.None, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (advice > LastAdvice)
        {
            return Errno.Inval;
        }

        errno = RequireSeekable(descriptor, Rights.FdAdvise);
        return errno != Errno.Success ? errno : offset > LargestOffset || length > LargestOffset ? Errno.Inval : descriptor.Advise(offset, length, advice);
    }

    public Errno Allocate(uint fd, ulong offset, ulong length)
    {
        Errno errno = FindSeekable(fd, Rights.FdAllocate, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // posix_fallocate: a length of zero and negative numbers are invalid, a range that ends beyond them is too large.
        return length == 0 || offset > LargestOffset || length > LargestOffset ? Errno.Inval : offset + length > LargestOffset ? Errno.FBig : descriptor.Allocate(offset, length);
    }

    public Errno Close(uint fd) => _table.Close(fd);

    public Errno Sync(uint fd, bool dataOnly)
    {
        Errno errno = Find(fd, dataOnly ? Rights.FdDataSync : Rights.FdSync, out Descriptor descriptor);
        return errno != Errno.Success ? errno : descriptor.Sync(dataOnly);
    }

    public Errno GetFdStat(InstanceState caller, uint fd, uint result)
    {
        Errno errno = Find(fd, Rights.None, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (!caller.GetMemory().TryGetSpan(result, FdStatSize, out Span<byte> stat))
        {
            return Errno.Fault;
        }

        stat.Clear();
        stat[0] = (byte)descriptor.Type;
        BinaryPrimitives.WriteUInt16LittleEndian(stat[2..], (ushort)descriptor.Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(stat[8..], (ulong)descriptor.RightsBase);
        BinaryPrimitives.WriteUInt64LittleEndian(stat[16..], (ulong)descriptor.RightsInheriting);
        return Errno.Success;
    }

    public Errno SetFlags(uint fd, uint flags)
    {
        const uint AllFlags = 0x1F;
        Errno errno = Find(fd, Rights.FdFdStatSetFlags, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        return flags > AllFlags ? Errno.Inval : descriptor.SetFlags((FdFlags)flags);
    }

    public Errno SetRights(uint fd, ulong rightsBase, ulong rightsInheriting)
    {
        Errno errno = Find(fd, Rights.None, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        return _table.TryReduceRights(fd, (Rights)rightsBase, (Rights)rightsInheriting) ? Errno.Success : Errno.NotCapable;
    }

    public Errno GetFileStat(InstanceState caller, uint fd, uint result, Snapshot snapshot)
    {
        Errno errno = Find(fd, Rights.FdFileStatGet, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (!caller.GetMemory().TryGetSpan(result, snapshot.FileStatSize, out Span<byte> destination))
        {
            return Errno.Fault;
        }

        errno = descriptor.GetStatus(out FileStatus status);
        if (errno == Errno.Success)
        {
            status.Write(destination, snapshot);
        }

        return errno;
    }

    public Errno SetSize(uint fd, ulong size)
    {
        Errno errno = Find(fd, Rights.None, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // Cutting what has no size is a wrong argument, whatever the rights (ftruncate).
        return descriptor.IsSeekable && (descriptor.RightsBase & Rights.FdFileStatSetSize) == 0 ? Errno.NotCapable :
            size > LargestOffset ? Errno.Inval : descriptor.SetSize(size);
    }

    public Errno SetTimes(InstanceState caller, uint fd, ulong accessTime, ulong modificationTime, uint flags)
    {
        Errno errno = Find(fd, Rights.FdFileStatSetTimes, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = FileTimes.Choose(caller, accessTime, modificationTime, flags, out ulong? access, out ulong? modification);
        return errno != Errno.Success ? errno : descriptor.SetTimes(access, modification);
    }

    public Errno Read(InstanceState caller, uint fd, uint vectors, uint count, uint result)
    {
        Errno errno = Find(fd, Rights.FdRead, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        GuestMemory memory = caller.GetMemory();
        return descriptor is SocketDescriptor socket
            ? context.Socket.Receive(memory, socket, vectors, count, ReceiveFlags.None, result)
            : Read(memory, descriptor, vectors, count, result, offset: null);
    }

    public Errno ReadAt(InstanceState caller, uint fd, uint vectors, uint count, ulong offset, uint result)
    {
        Errno errno = FindSeekable(fd, Rights.FdRead | Rights.FdSeek, out Descriptor descriptor);
        return errno != Errno.Success ? errno : Read(caller.GetMemory(), descriptor, vectors, count, result, offset);
    }

    // One short vector of a program without threads is what nearly every call has, and for a byte the way there is most of the cost. Here everything stays in registers.
    // What programs do most, in a straight line: one vector, to a stream that never waits. Nothing is called before the stream, so that the arguments stay in registers; no more is loaded on the
    // way to it and to the bytes than must be; and as the protected region is around all of it, it is one piece of code, without a jump.
    public static int Write(uint fd, uint vectors, uint count, uint result, InstanceState caller)
    {
        Descriptor? descriptor = null;
        try
        {
            PlainOutput[] outputs = caller.PlainOutputs;
            if (count == 1 && fd < (uint)outputs.Length && outputs[fd].Stream is Stream output)
            {
                GuestMemory memory = caller.GetKnownMemory();
                if (memory.Contains(vectors, IoVectors.EntrySize) && memory.Contains(result, sizeof(uint)))
                {
                    ulong entry = memory.ReadUInt64(vectors);
                    uint address = (uint)entry;
                    uint length = (uint)(entry >> 32);
                    if (length != 0 && length <= ChunkSize && memory.Contains(address, length))
                    {
                        Span<byte> written = memory.GetSpan(result, sizeof(uint));
                        descriptor = outputs[fd].Descriptor;
                        output.Write(memory.GetSpan(address, (int)length));
                        BinaryPrimitives.WriteUInt32LittleEndian(written, length);
                        goto Written;
                    }
                }
            }
        }
        catch (Exception exception) when (descriptor is not null && StreamErrors.IsKnown(exception))
        {
            return (int)descriptor.FailWrite(exception);
        }

        return (int)caller.Context.FileDescriptor.WriteAny(caller, fd, vectors, count, result);

    Written:
        return (int)Errno.Success;
    }

    public Errno WriteAt(InstanceState caller, uint fd, uint vectors, uint count, ulong offset, uint result)
    {
        Errno errno = FindSeekable(fd, Rights.FdWrite | Rights.FdSeek, out Descriptor descriptor);
        return errno != Errno.Success ? errno : Write(caller.GetMemory(), descriptor, vectors, count, result, offset);
    }

    public Errno GetPrestat(InstanceState caller, uint fd, uint result)
    {
        if (!_table.TryGet(fd, out Descriptor? descriptor) || descriptor.PreopenName is not ReadOnlyMemory<byte> name)
        {
            // Programs ask from 3 on, until this is the answer.
            return Errno.BadF;
        }

        if (!caller.GetMemory().TryGetSpan(result, PrestatSize, out Span<byte> prestat))
        {
            return Errno.Fault;
        }

        // The tag of a directory is 0.
        prestat.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(prestat[4..], (uint)name.Length);
        return Errno.Success;
    }

    public Errno GetPrestatDirectoryName(InstanceState caller, uint fd, uint path, uint length)
    {
        if (!_table.TryGet(fd, out Descriptor? descriptor))
        {
            return Errno.BadF;
        }

        if (descriptor.PreopenName is not ReadOnlyMemory<byte> name)
        {
            return Errno.NotDir;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.Contains(path, length))
        {
            return Errno.Fault;
        }

        if (length < (uint)name.Length)
        {
            return Errno.NameTooLong;
        }

        name.Span.CopyTo(memory.GetSpan(path, name.Length));
        return Errno.Success;
    }

    public Errno ReadDirectory(InstanceState caller, uint fd, uint buffer, uint length, ulong cookie, uint result)
    {
        Errno errno = Find(fd, Rights.None, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (descriptor.Type != FileType.Directory)
        {
            return Errno.NotDir;
        }

        if ((descriptor.RightsBase & Rights.FdReadDir) == 0)
        {
            return Errno.NotCapable;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.Contains(buffer, length) || !memory.Contains(result, sizeof(uint)))
        {
            return Errno.Fault;
        }

        errno = descriptor.ReadDirectory(memory.GetSpan(buffer, (int)Math.Min(length, LargestTransfer)), cookie, out int count);
        if (errno == Errno.Success)
        {
            memory.WriteUInt32(result, (uint)count);
        }

        return errno;
    }

    public Errno Renumber(uint from, uint to) => _table.Renumber(from, to);

    public Errno Seek(InstanceState caller, uint fd, ulong offset, uint whenceNumber, uint result, Snapshot snapshot)
    {
        bool isKnown = snapshot.TryGetWhence(whenceNumber, out Whence whence);

        // To ask where one is takes less than to go elsewhere.
        Rights needed = whence == Whence.Current && offset == 0 ? Rights.FdTell : Rights.FdSeek;
        Errno errno = FindSeekable(fd, needed, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (!isKnown)
        {
            return Errno.Inval;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.Contains(result, sizeof(ulong)))
        {
            return Errno.Fault;
        }

        errno = descriptor.Seek((long)offset, whence, out ulong position);
        if (errno == Errno.Success)
        {
            memory.WriteUInt64(result, position);
        }

        return errno;
    }

    public Errno Tell(InstanceState caller, uint fd, uint result)
    {
        Errno errno = FindSeekable(fd, Rights.FdTell, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.Contains(result, sizeof(ulong)))
        {
            return Errno.Fault;
        }

        errno = descriptor.Seek(0, Whence.Current, out ulong position);
        if (errno == Errno.Success)
        {
            memory.WriteUInt64(result, position);
        }

        return errno;
    }

    // The right to seek includes the right to tell (typenames.witx, rights).
    private static Errno RequireSeekable(Descriptor descriptor, Rights needed)
    {
        if (!descriptor.IsSeekable)
        {
            // A directory cannot have these rights.
            return descriptor.Type == FileType.Directory ? Errno.NotCapable : Errno.SPipe;
        }

        Rights held = descriptor.RightsBase;
        if ((held & Rights.FdSeek) != 0)
        {
            held |= Rights.FdTell;
        }

        return (held & needed) == needed ? Errno.Success : Errno.NotCapable;
    }

    private Errno Find(uint fd, Rights needed, out Descriptor descriptor)
    {
        if (!_table.TryGet(fd, out descriptor!))
        {
            return Errno.BadF;
        }

        return (descriptor.RightsBase & needed) == needed ? Errno.Success : Errno.NotCapable;
    }

    private Errno FindSeekable(uint fd, Rights needed, out Descriptor descriptor)
    {
        if (!_table.TryGet(fd, out descriptor!))
        {
            return Errno.BadF;
        }

        return RequireSeekable(descriptor, needed);
    }

    // Scatter: buffers are filled in order, straight from the descriptor; a short read ends it, and one that would wait when there is something already.
    private Errno Read(GuestMemory memory, Descriptor descriptor, uint vectorAddress, uint count, uint result, ulong? offset)
    {
        var vectors = new IoVectors(memory, vectorAddress, count);
        if (!memory.Contains(result, sizeof(uint)) || !vectors.AreInside(context.Store))
        {
            return Errno.Fault;
        }

        if (offset > LargestOffset)
        {
            return Errno.Inval;
        }

        ulong total = 0;
        Errno errno = Errno.Success;
        for (uint i = 0; i < count && total < LargestTransfer; i++)
        {
            (uint address, uint length) = vectors[i];
            uint done = 0;
            while (done < length && total < LargestTransfer)
            {
                if (total != 0 && !descriptor.IsReadable)
                {
                    goto End;
                }

                int chunk = (int)Math.Min(Math.Min(length - done, ChunkSize), LargestTransfer - total);
                Span<byte> destination = memory.GetSpan((ulong)address + done, chunk);
                errno = offset is ulong start ? descriptor.ReadAt(destination, unchecked(start + total), out int read) : descriptor.Read(destination, out read);
                total += (uint)read;
                done += (uint)read;
                if (errno != Errno.Success || read < chunk)
                {
                    goto End;
                }

                if (chunk == ChunkSize)
                {
                    Interruption.Check(context.Store);
                }
            }

            if ((i & 0xFFFF) == 0xFFFF)
            {
                Interruption.Check(context.Store);
            }
        }

    End:
        return Finish(memory, result, total, errno);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Errno WriteAny(InstanceState caller, uint fd, uint vectors, uint count, uint result)
    {
        using WasiGate.Inside inside = context.Enter();
        Errno errno = Find(fd, Rights.FdWrite, out Descriptor descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        GuestMemory memory = caller.GetMemory();
        return descriptor is SocketDescriptor socket
            ? context.Socket.Send(memory, socket, vectors, count, result)
            : Write(memory, descriptor, vectors, count, result, offset: null);
    }

    // Gather, likewise.
    private Errno Write(GuestMemory memory, Descriptor descriptor, uint vectorAddress, uint count, uint result, ulong? offset)
    {
        var vectors = new IoVectors(memory, vectorAddress, count);
        if (!memory.Contains(result, sizeof(uint)) || !vectors.AreInside(context.Store))
        {
            return Errno.Fault;
        }

        if (offset > LargestOffset)
        {
            return Errno.Inval;
        }

        ulong total = 0;
        Errno errno = Errno.Success;
        for (uint i = 0; i < count && total < LargestTransfer; i++)
        {
            (uint address, uint length) = vectors[i];
            uint done = 0;
            while (done < length && total < LargestTransfer)
            {
                int chunk = (int)Math.Min(Math.Min(length - done, ChunkSize), LargestTransfer - total);
                ReadOnlySpan<byte> source = memory.GetSpan((ulong)address + done, chunk);
                errno = offset is ulong start ? descriptor.WriteAt(source, unchecked(start + total), out int written) : descriptor.Write(source, out written);
                total += (uint)written;
                done += (uint)written;
                if (errno != Errno.Success || written < chunk)
                {
                    goto End;
                }

                if (chunk == ChunkSize)
                {
                    Interruption.Check(context.Store);
                }
            }

            if ((i & 0xFFFF) == 0xFFFF)
            {
                Interruption.Check(context.Store);
            }
        }

    End:
        return Finish(memory, result, total, errno);
    }

    // An error after some bytes is told by the next call (readv, writev).
    private static Errno Finish(GuestMemory memory, uint result, ulong total, Errno errno)
    {
        if (errno != Errno.Success && total == 0)
        {
            return errno;
        }

        memory.WriteUInt32(result, (uint)total);
        return Errno.Success;
    }
}
