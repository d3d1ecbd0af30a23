using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Descriptors;

/// <summary>A file of a file system, with the position and the modes that the program has it open with.</summary>
internal sealed class FileHandleDescriptor : Descriptor
{
    private const FdFlags SynchronisedModes = FdFlags.DSync | FdFlags.RSync | FdFlags.Sync;

    private readonly WasiFile _file;
    private ulong _position;

    public FileHandleDescriptor(WasiFile file, Rights rights, FdFlags flags)
        : base(file.Type, rights, Rights.None)
    {
        _file = file;
        Flags = flags;
        IsSeekable = file.CanSeek;
    }

    public override bool IsSeekable { get; }

    public override Errno SetFlags(FdFlags flags)
    {
        // The synchronised modes are chosen at opening and stay (fcntl, F_SETFL); programs hand them back with the others.
        if ((flags & SynchronisedModes & ~Flags) != 0)
        {
            return Errno.Inval;
        }

        Flags = (flags & ~SynchronisedModes) | (Flags & SynchronisedModes);
        return Errno.Success;
    }

    public override Errno Read(Span<byte> destination, out int count)
    {
        if (!IsSeekable)
        {
            return _file.Read(destination, out count);
        }

        Errno errno = _file.ReadAt(WithinRange(destination, _position), _position, out count);
        _position += (uint)count;
        return errno;
    }

    public override Errno Write(ReadOnlySpan<byte> source, out int count)
    {
        Errno errno;
        if (!IsSeekable)
        {
            return _file.Write(source, out count);
        }

        if ((Flags & FdFlags.Append) != 0)
        {
            errno = _file.Append(source, out ulong position, out count);
            if (count != 0)
            {
                _position = position;
            }

            return errno;
        }

        errno = WriteAt(source, _position, out count);
        _position += (uint)count;
        return errno;
    }

    public override Errno ReadAt(Span<byte> destination, ulong offset, out int count) => _file.ReadAt(WithinRange(destination, offset), offset, out count);

    // POSIX: at the offset also when the descriptor appends.
    public override Errno WriteAt(ReadOnlySpan<byte> source, ulong offset, out int count)
    {
        count = 0;
        if (source.IsEmpty)
        {
            return Errno.Success;
        }

        ulong room = long.MaxValue - offset;
        return room == 0 ? Errno.FBig : _file.WriteAt((ulong)source.Length > room ? source[..(int)room] : source, offset, out count);
    }

    public override Errno Seek(long offset, Whence whence, out ulong position)
    {
        position = 0;
        long start = 0;
        if (whence == Whence.Current)
        {
            start = (long)_position;
        }
        else if (whence == Whence.End)
        {
            Errno errno = _file.GetStatus(out FileStatus status);
            if (errno != Errno.Success)
            {
                return errno;
            }

            start = (long)Math.Min(status.Size, long.MaxValue);
        }

        long target = unchecked(start + offset);
        if (offset >= 0 && target < 0)
        {
            return Errno.Overflow;
        }

        if (target < 0)
        {
            return Errno.Inval;
        }

        position = _position = (ulong)target;
        return Errno.Success;
    }

    // A file never keeps one waiting (POSIX, poll): what is told is how much there is, which at the end is nothing.
    public override Readiness PollRead() =>
        IsSeekable && _file.GetStatus(out FileStatus status) == Errno.Success ? Readiness.Now(status.Size > _position ? status.Size - _position : 0) : Readiness.Now(1);

    public override Errno Sync(bool dataOnly) => _file.Sync(dataOnly);

    public override Errno Advise(ulong offset, ulong length, uint advice) => _file.Advise(offset, length, (Advice)advice);

    public override Errno Allocate(ulong offset, ulong length) => _file.Allocate(offset, length);

    public override Errno GetStatus(out FileStatus status) => _file.GetStatus(out status);

    public override Errno SetSize(ulong size) => _file.SetSize(size);

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime) => _file.SetTimes(accessTime, modificationTime);

    public override Errno Close()
    {
        Dispose();
        return Errno.Success;
    }

    public override void Dispose()
    {
        _file.Dispose();
        base.Dispose();
    }

    private static Span<byte> WithinRange(Span<byte> destination, ulong offset)
    {
        ulong room = long.MaxValue - offset;
        return (ulong)destination.Length > room ? destination[..(int)room] : destination;
    }
}
