using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Descriptors;

namespace Codicil.Wasi.Functions;

/// <summary>Sockets. No function makes one but <c>sock_accept</c>, from a listener that the program was given.</summary>
internal sealed class Socket(WasiContext context)
{
    // Smaller pieces of one call are put together, so that they are not a packet each.
    private const int GatherSize = 16 * 1024;

    private const uint ChunkSize = 1 << 20;
    private const ulong LargestTransfer = 0x7FFF_F000;

    public Errno Accept(InstanceState caller, uint fd, uint flags, uint result)
    {
        Errno errno = Find(fd, Rights.SockAccept, out SocketDescriptor listener);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if ((flags & ~(uint)FdFlags.NonBlock) != 0)
        {
            return Errno.Inval;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.Contains(result, sizeof(uint)))
        {
            return Errno.Fault;
        }

        // A connection that there is no number for stays where it is.
        if (!context.Descriptors.HasRoom)
        {
            return Errno.NFile;
        }

        // Only listeners have the right.
        errno = ((ListenerDescriptor)listener).Accept((FdFlags)flags, out ConnectionDescriptor? connection);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = context.Descriptors.Add(connection!, out uint number);
        if (errno != Errno.Success)
        {
            connection!.Dispose();
            return errno;
        }

        memory.WriteUInt32(result, number);
        return Errno.Success;
    }

    public Errno Receive(InstanceState caller, uint fd, uint vectors, uint count, uint flags, uint result, uint resultFlags)
    {
        Errno errno = Find(fd, Rights.FdRead, out SocketDescriptor socket);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if ((flags & ~(uint)(ReceiveFlags.Peek | ReceiveFlags.WaitAll)) != 0)
        {
            return Errno.NotSup;
        }

        GuestMemory memory = caller.GetMemory();
        if (!memory.TryGetSpan(resultFlags, sizeof(ushort), out Span<byte> outFlags))
        {
            return Errno.Fault;
        }

        errno = Receive(memory, socket, vectors, count, (ReceiveFlags)flags, result);
        if (errno == Errno.Success)
        {
            // Only messages can be truncated; these sockets are streams.
            BinaryPrimitives.WriteUInt16LittleEndian(outFlags, 0);
        }

        return errno;
    }

    public Errno Send(InstanceState caller, uint fd, uint vectors, uint count, uint flags, uint result)
    {
        Errno errno = Find(fd, Rights.FdWrite, out SocketDescriptor socket);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // No flags are defined (typenames.witx, siflags).
        return flags != 0 ? Errno.NotSup : Send(caller.GetMemory(), socket, vectors, count, result);
    }

    public Errno Shutdown(uint fd, uint how)
    {
        Errno errno = Find(fd, Rights.SockShutdown, out SocketDescriptor socket);
        if (errno != Errno.Success)
        {
            return errno;
        }

        var connection = (ConnectionDescriptor)socket;
        return how switch
        {
            1 => connection.Shutdown(SocketShutdown.Receive),
            2 => connection.Shutdown(SocketShutdown.Send),
            3 => connection.Shutdown(SocketShutdown.Both),
            _ => Errno.Inval,
        };
    }

    /// <summary><c>sock_recv</c>, and <c>fd_read</c> of a socket.</summary>
    public Errno Receive(GuestMemory memory, SocketDescriptor socket, uint vectorAddress, uint count, ReceiveFlags flags, uint result)
    {
        var vectors = new IoVectors(memory, vectorAddress, count);
        if (!memory.Contains(result, sizeof(uint)) || !vectors.AreInside(context.Store))
        {
            return Errno.Fault;
        }

        // Nothing can be received from a listener.
        if (socket is not ConnectionDescriptor connection)
        {
            return Errno.NotConn;
        }

        bool waitsForAll = (flags & ReceiveFlags.WaitAll) != 0;
        Errno errno = (flags & ReceiveFlags.Peek) != 0
            ? Peek(memory, connection, vectors, count, waitsForAll, out ulong total)
            : Scatter(memory, connection, vectors, count, waitsForAll, out total);
        if (errno == Errno.Success)
        {
            memory.WriteUInt32(result, (uint)total);
        }

        return errno;
    }

    /// <summary><c>sock_send</c>, and <c>fd_write</c> to a socket.</summary>
    public Errno Send(GuestMemory memory, SocketDescriptor socket, uint vectorAddress, uint count, uint result)
    {
        var vectors = new IoVectors(memory, vectorAddress, count);
        if (!memory.Contains(result, sizeof(uint)) || !vectors.AreInside(context.Store))
        {
            return Errno.Fault;
        }

        if (socket is not ConnectionDescriptor connection)
        {
            return Errno.NotConn;
        }

        Errno errno = count > 1 && TotalLength(vectors, count, GatherSize) <= GatherSize
            ? SendTogether(memory, connection, vectors, count, out ulong total)
            : SendEach(memory, connection, vectors, count, out total);
        if (errno == Errno.Success)
        {
            memory.WriteUInt32(result, (uint)total);
        }

        return errno;
    }

    // Buffers are filled in order. Without wait-all it ends when there is nothing more; an error after some bytes is told by the next call.
    private Errno Scatter(GuestMemory memory, ConnectionDescriptor socket, IoVectors vectors, uint count, bool waitsForAll, out ulong total)
    {
        total = 0;
        for (uint i = 0; i < count && total < LargestTransfer; i++)
        {
            (uint address, uint length) = vectors[i];
            uint done = 0;
            while (done < length && total < LargestTransfer)
            {
                if (total != 0 && !waitsForAll && !socket.IsReadable)
                {
                    return Errno.Success;
                }

                int chunk = (int)Math.Min(Math.Min(length - done, ChunkSize), LargestTransfer - total);
                Errno errno = socket.Read(memory.GetSpan((ulong)address + done, chunk), out int received);
                if (errno != Errno.Success || received == 0)
                {
                    return EndEarly(socket, errno, total);
                }

                total += (uint)received;
                done += (uint)received;
                if (received < chunk && !waitsForAll)
                {
                    return Errno.Success;
                }
            }

            CheckNowAndThen(i);
        }

        return Errno.Success;
    }

    private Errno Peek(GuestMemory memory, ConnectionDescriptor socket, IoVectors vectors, uint count, bool waitsForAll, out ulong total)
    {
        total = 0;
        int wanted = (int)Math.Min(TotalLength(vectors, count, ConnectionDescriptor.MostPeeked), ConnectionDescriptor.MostPeeked);
        Errno errno = socket.Peek(wanted, waitsForAll, out ReadOnlySpan<byte> seen);
        total = (uint)seen.Length;
        for (uint i = 0; !seen.IsEmpty; i++)
        {
            (uint address, uint length) = vectors[i];
            ReadOnlySpan<byte> part = seen[..(int)Math.Min(length, (uint)seen.Length)];
            part.CopyTo(memory.GetSpan(address, part.Length));
            seen = seen[part.Length..];
        }

        return errno;
    }

    private Errno SendEach(GuestMemory memory, ConnectionDescriptor socket, IoVectors vectors, uint count, out ulong total)
    {
        total = 0;
        for (uint i = 0; i < count && total < LargestTransfer; i++)
        {
            (uint address, uint length) = vectors[i];
            uint done = 0;
            while (done < length && total < LargestTransfer)
            {
                int chunk = (int)Math.Min(Math.Min(length - done, ChunkSize), LargestTransfer - total);
                Errno errno = socket.Write(memory.GetSpan((ulong)address + done, chunk), out int sent);
                total += (uint)sent;
                done += (uint)sent;
                if (errno != Errno.Success || sent < chunk)
                {
                    return total == 0 ? errno : Errno.Success;
                }
            }

            CheckNowAndThen(i);
        }

        return Errno.Success;
    }

    private static Errno SendTogether(GuestMemory memory, ConnectionDescriptor socket, IoVectors vectors, uint count, out ulong total)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(GatherSize);
        try
        {
            int length = 0;
            for (uint i = 0; i < count; i++)
            {
                (uint address, uint partLength) = vectors[i];

                // Another thread may have made it longer.
                int part = (int)Math.Min(partLength, (uint)(buffer.Length - length));
                memory.GetSpan(address, part).CopyTo(buffer.AsSpan(length));
                length += part;
            }

            Errno errno = socket.Write(buffer.AsSpan(0, length), out int sent);
            total = (uint)sent;
            return errno;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // The sum of the lengths, as far as it is of interest.
    private ulong TotalLength(IoVectors vectors, uint count, uint enough)
    {
        ulong total = 0;
        for (uint i = 0; i < count && total <= enough; i++)
        {
            total += vectors[i].Length;
            CheckNowAndThen(i);
        }

        return total;
    }

    private void CheckNowAndThen(uint index)
    {
        if ((index & 0xFFFF) == 0xFFFF)
        {
            Interruption.Check(context.Store);
        }
    }

    private static Errno EndEarly(ConnectionDescriptor socket, Errno errno, ulong total)
    {
        if (errno == Errno.Success || total == 0)
        {
            return errno;
        }

        if (errno != Errno.Again)
        {
            socket.Keep(errno);
        }

        return Errno.Success;
    }

    private Errno Find(uint fd, Rights needed, out SocketDescriptor socket)
    {
        socket = null!;
        if (!context.Descriptors.TryGet(fd, out Descriptor? descriptor))
        {
            return Errno.BadF;
        }

        if (descriptor is not SocketDescriptor found)
        {
            return Errno.NotSock;
        }

        socket = found;
        return (found.RightsBase & needed) == needed ? Errno.Success : Errno.NotCapable;
    }
}
