using System.Net.Sockets;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>Whether something can be read or written without waiting, and if not, what to wait for: a task, a socket, or one of this process's standard streams.</summary>
internal readonly record struct Readiness(ulong ByteCount, bool IsHungUp, object? Source, SelectMode Mode)
{
    /// <summary>Whether it can be done now.</summary>
    public bool IsReady => Source is null;

    /// <summary>It can be done now.</summary>
    public static Readiness Now(ulong byteCount, bool isHungUp = false) => new(byteCount, isHungUp, null, default);

    /// <summary>It can be done when a task has completed.</summary>
    public static Readiness After(Task task) => new(0, false, task, default);

    /// <summary>It can be done when a socket can be read, or written.</summary>
    public static Readiness After(System.Net.Sockets.Socket socket, SelectMode mode) => new(0, false, socket, mode);

    /// <summary>It can be done when one of this process's standard streams can be read, or written.</summary>
    public static Readiness After(ConsoleStream stream, SelectMode mode) => new(0, false, stream, mode);
}

/// <summary>
/// What a descriptor number stands for. The functions check rights and addresses; a descriptor does the work, on spans of the guest's memory.
/// What a kind of descriptor cannot do, it answers as POSIX systems do.
/// </summary>
internal abstract class Descriptor(FileType type, Rights rightsBase, Rights rightsInheriting, Stream? plainOutput = null) : IDisposable
{
    /// <summary>What it refers to.</summary>
    public FileType Type { get; } = type;

    /// <summary>What may be done with it.</summary>
    public Rights RightsBase { get; private set; } = rightsBase;

    /// <summary>What may be done with descriptors that are opened through it.</summary>
    public Rights RightsInheriting { get; private set; } = rightsInheriting;

    /// <summary>
    /// The stream whose <c>Write</c> is all that there is to a write here; null where there is more to it or writing is not allowed. What it throws goes to <see cref="FailWrite"/>.
    /// </summary>
    public Stream? PlainOutput { get; private set; } = plainOutput;

    /// <summary>Its flags.</summary>
    public FdFlags Flags { get; protected set; }

    /// <summary>Whether it has a position that can be set.</summary>
    public virtual bool IsSeekable => false;

    /// <summary>Whether it is a socket.</summary>
    public virtual bool IsSocket => false;

    /// <summary>The guest's name of a pre-opened directory, as UTF-8; null for everything else.</summary>
    public virtual ReadOnlyMemory<byte>? PreopenName => null;

    /// <summary>Takes rights away; false, and nothing changed, when one would be added.</summary>
    public bool TryReduceRights(Rights newBase, Rights newInheriting)
    {
        if ((newBase & ~RightsBase) != 0 || (newInheriting & ~RightsInheriting) != 0)
        {
            return false;
        }

        RightsBase = newBase;
        PlainOutput = (newBase & Rights.FdWrite) != 0 ? PlainOutput : null;
        RightsInheriting = newInheriting;
        return true;
    }

    /// <summary>Sets the flags.</summary>
    public virtual Errno SetFlags(FdFlags flags)
    {
        // The synchronised modes are chosen at opening (fcntl, F_SETFL).
        if ((flags & ~(FdFlags.Append | FdFlags.NonBlock)) != 0)
        {
            return Errno.Inval;
        }

        Flags = flags;
        return Errno.Success;
    }

    /// <summary>Reads at the position. Zero bytes into a range that is not empty is the end.</summary>
    public virtual Errno Read(Span<byte> destination, out int count)
    {
        count = 0;
        return Errno.BadF;
    }

    /// <summary>Writes at the position.</summary>
    public virtual Errno Write(ReadOnlySpan<byte> source, out int count)
    {
        count = 0;
        return Errno.BadF;
    }

    /// <summary>What a program is told when the stream it writes to has thrown an exception that <see cref="StreamErrors"/> knows.</summary>
    public virtual Errno FailWrite(Exception exception) => StreamErrors.TryGetErrno(exception, out Errno errno) ? errno : Errno.Io;

    /// <summary>Reads at an offset.</summary>
    public virtual Errno ReadAt(Span<byte> destination, ulong offset, out int count)
    {
        count = 0;
        return Errno.SPipe;
    }

    /// <summary>Writes at an offset.</summary>
    public virtual Errno WriteAt(ReadOnlySpan<byte> source, ulong offset, out int count)
    {
        count = 0;
        return Errno.SPipe;
    }

    /// <summary>Whether the next read returns without waiting. A scattered read that has some bytes never waits for more.</summary>
    public virtual bool IsReadable => true;

    /// <summary>Moves the position.</summary>
    public virtual Errno Seek(long offset, Whence whence, out ulong position)
    {
        position = 0;
        return Errno.SPipe;
    }

    /// <summary>Hands on what has been written.</summary>
    public virtual Errno Flush() => Errno.Success;

    /// <summary>Makes data durable, and metadata when asked for.</summary>
    public virtual Errno Sync(bool dataOnly) => Flush();

    /// <summary>Tells how a range will be used.</summary>
    public virtual Errno Advise(ulong offset, ulong length, uint advice) => Errno.SPipe;

    /// <summary>Makes sure that a range has storage.</summary>
    public virtual Errno Allocate(ulong offset, ulong length) => Errno.SPipe;

    /// <summary>The attributes of the file.</summary>
    public virtual Errno GetStatus(out FileStatus status)
    {
        status = new FileStatus(0, 0, Type, 0, 0, 0, 0, 0);
        return Errno.Success;
    }

    /// <summary>Cuts or extends the file.</summary>
    public virtual Errno SetSize(ulong size) => Errno.Inval;

    /// <summary>Sets times; those that are null stay.</summary>
    public virtual Errno SetTimes(ulong? accessTime, ulong? modificationTime) => Errno.Inval;

    /// <summary>Lists a directory into a buffer of <c>dirent</c>.</summary>
    public virtual Errno ReadDirectory(Span<byte> destination, ulong cookie, out int count)
    {
        count = 0;
        return Errno.NotDir;
    }

    /// <summary>Whether it can be read now.</summary>
    public virtual Readiness PollRead() => Readiness.Now(1);

    /// <summary>Whether it can be written now.</summary>
    public virtual Readiness PollWrite() => Readiness.Now(1);

    /// <summary>The guest lets go of it. The number is free already.</summary>
    public virtual Errno Close() => Errno.Success;

    /// <summary>Gives back what it holds of the host, because the store has ended: on any thread, while a call may be inside.</summary>
    public virtual void Dispose()
    {
    }
}
