using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.HostFiles;

/// <summary>A regular file of the host. Bytes go straight between the guest's memory and the system.</summary>
internal sealed class UnixFile(UnixHandle handle) : WasiFile
{
    // Reading ahead is a favour, which a guest may not ask for without bounds.
    private const long LargestReadAhead = 16 << 20;

    // Between pieces a file that was closed meanwhile ends the call.
    private const long AllocationPiece = 1L << 30;

    // A write beyond the process's limit makes a signal that ends the process.
    private static readonly long s_sizeLimit = UnixCalls.GetFileSizeLimit();

    private bool _isAppending;

    public override Errno GetStatus(out FileStatus status)
    {
        int error = UnixCalls.GetStatus(handle, out UnixStatus unixStatus);
        status = unixStatus.Attributes;
        return UnixErrors.Translate(error);
    }

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime) => UnixErrors.Translate(UnixCalls.SetTimes(handle, accessTime, modificationTime));

    public override Errno Sync(bool dataOnly) => UnixErrors.Translate(UnixCalls.Sync(handle, dataOnly));

    public override Errno ReadAt(Span<byte> destination, ulong offset, out int count)
    {
        if (offset > long.MaxValue)
        {
            count = 0;
            return Errno.Success;
        }

        destination = destination[..(int)Math.Min(destination.Length, long.MaxValue - (long)offset)];
        return UnixErrors.Translate(UnixCalls.ReadAt(handle, destination, (long)offset, out count));
    }

    public override Errno WriteAt(ReadOnlySpan<byte> source, ulong offset, out int count)
    {
        count = 0;
        if (source.IsEmpty)
        {
            return Errno.Success;
        }

        if (offset >= (ulong)s_sizeLimit)
        {
            return Errno.FBig;
        }

        source = source[..(int)Math.Min(source.Length, s_sizeLimit - (long)offset)];
        int error = SetAppending(false);
        return UnixErrors.Translate(error != 0 ? error : UnixCalls.WriteAt(handle, source, (long)offset, out count));
    }

    public override Errno Append(ReadOnlySpan<byte> source, out ulong position, out int count)
    {
        count = 0;
        position = 0;
        if (s_sizeLimit != long.MaxValue)
        {
            Errno errno = GetStatus(out FileStatus status);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (status.Size >= (ulong)s_sizeLimit && !source.IsEmpty)
            {
                return Errno.FBig;
            }

            source = source[..(int)Math.Min(source.Length, s_sizeLimit - (long)status.Size)];
        }

        int error = SetAppending(true);
        if (error == 0)
        {
            error = UnixCalls.Append(handle, source, out long end, out count);
            position = (ulong)Math.Max(0, end);
        }

        return UnixErrors.Translate(error);
    }

    public override Errno SetSize(ulong size) => size > (ulong)s_sizeLimit ? Errno.FBig : UnixErrors.Translate(UnixCalls.SetSize(handle, (long)size));

    public override Errno Allocate(ulong offset, ulong length)
    {
        if (offset > (ulong)s_sizeLimit || length > (ulong)s_sizeLimit - offset)
        {
            return Errno.FBig;
        }

        int error = UnixCalls.GetStatus(handle, out UnixStatus unixStatus);
        FileStatus status = unixStatus.Attributes;
        if (!UnixNumbers.IsLinux || error != 0)
        {
            // Storage is not reserved elsewhere; the size is what it would be.
            return error != 0 || status.Size >= offset + length ? UnixErrors.Translate(error) : SetSize(offset + length);
        }

        long position = (long)offset;
        long end = (long)(offset + length);
        while (position < end && error == 0)
        {
            // What there is no room for is not begun: not even for a moment is the disk full. All that the file has may be in the range.
            ulong needed = (ulong)(end - position);
            if (needed > unixStatus.AllocatedSize && needed - unixStatus.AllocatedSize > UnixCalls.GetFreeSpace(handle))
            {
                error = UnixNumbers.ErrorNoSpace;
                break;
            }

            long piece = Math.Min(end - position, AllocationPiece);
            error = UnixCalls.Allocate(handle, position, piece);
            position += piece;
        }

        // Others take room, too; then what there was is given back.
        if (error != 0 && position != (long)offset && status.Size < offset + length)
        {
            SetSize(status.Size);
        }

        return UnixErrors.Translate(error);
    }

    public override Errno Advise(ulong offset, ulong length, Advice advice)
    {
        if (!UnixNumbers.IsLinux || offset > long.MaxValue)
        {
            return Errno.Success;
        }

        long count = (long)Math.Min(length, (ulong)(long.MaxValue - (long)offset));
        if (advice == Advice.WillNeed)
        {
            count = count == 0 ? LargestReadAhead : Math.Min(count, LargestReadAhead);
        }

        // Linux has the random before the sequential.
        int number = advice switch
        {
            Advice.Random => 1,
            Advice.Sequential => 2,
            _ => (int)advice,
        };
        return UnixErrors.Translate(UnixCalls.Advise(handle, (long)offset, count, number));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            handle.Dispose();
        }

        base.Dispose(disposing);
    }

    // A mode of the handle, which is this object's alone.
    private int SetAppending(bool isAppending)
    {
        if (_isAppending == isAppending)
        {
            return 0;
        }

        int error = UnixCalls.SetAppending(handle, isAppending);
        if (error == 0)
        {
            _isAppending = isAppending;
        }

        return error;
    }
}
