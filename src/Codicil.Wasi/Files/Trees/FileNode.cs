using System.Numerics;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files.Trees;

/// <summary>
/// A file: pages of bytes, of which only those that were written exist. What is in no page is a zero, or what the lower file has there. A page's array may be shorter than a page; what is
/// beyond it is zeros. So is every byte of a page beyond the size of the file.
/// </summary>
internal sealed class FileNode : Node
{
    private const int PageSize = 1 << 16;
    private const int LeastPageSize = 64;

    // What a page costs beyond its bytes: headers, and its place in the table.
    private const long PageCost = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, byte[]> _pages = [];
    private readonly byte[]? _lowerPath;
    private WasiFile? _lower;
    private ulong _size;
    private ulong _lowerSize;
    private int _openCount;
    private bool _isUnlinked;
    private bool _isFreed;

    public FileNode(FileTree tree)
        : base(tree)
    {
    }

    public FileNode(FileTree tree, byte[] lowerPath, in FileStatus lower)
        : base(tree, lower)
    {
        _lowerPath = lowerPath;
        _size = _lowerSize = lower.Size;
    }

    public override FileType Type => FileType.RegularFile;

    protected override ulong Size => _size;

    /// <summary>Opens it; its contents live as long as it is open. Under the tree's lock, as is <see cref="Close"/>.</summary>
    public Errno Open(bool truncate)
    {
        lock (_lock)
        {
            if (truncate)
            {
                Cut(0);
                Changed();
            }

            if (_lower is null && _lowerSize != 0)
            {
                Errno errno = Tree.Lower!.OpenFile(_lowerPath!, out _lower);
                if (errno != Errno.Success)
                {
                    return errno;
                }
            }

            _openCount++;
            return Errno.Success;
        }
    }

    public void Close()
    {
        lock (_lock)
        {
            _openCount--;
            FreeIfUnused();
        }
    }

    public override FileStatus GetStatus()
    {
        lock (_lock)
        {
            return base.GetStatus();
        }
    }

    public override void SetTimes(ulong? accessTime, ulong? modificationTime)
    {
        lock (_lock)
        {
            base.SetTimes(accessTime, modificationTime);
        }
    }

    public override void Touch()
    {
        lock (_lock)
        {
            base.Touch();
        }
    }

    public override void Unlink()
    {
        base.Unlink();
        lock (_lock)
        {
            _isUnlinked = LinkCount == 0;
            FreeIfUnused();
        }
    }

    public Errno Read(Span<byte> destination, ulong offset, out int count)
    {
        lock (_lock)
        {
            // As systems that do not want to write for every read (relatime).
            if (AccessTime <= ModificationTime)
            {
                AccessTime = Tree.Now();
            }

            count = 0;
            if (offset >= _size)
            {
                return Errno.Success;
            }

            if ((ulong)destination.Length > _size - offset)
            {
                destination = destination[..(int)(_size - offset)];
            }

            while (!destination.IsEmpty)
            {
                int start = (int)(offset % PageSize);
                Span<byte> part = destination[..Math.Min(destination.Length, PageSize - start)];
                Errno errno = ReadPage(offset / PageSize, start, part);
                if (errno != Errno.Success)
                {
                    return count == 0 ? errno : Errno.Success;
                }

                destination = destination[part.Length..];
                offset += (uint)part.Length;
                count += part.Length;
            }

            return Errno.Success;
        }
    }

    public Errno Write(ReadOnlySpan<byte> source, ulong offset, out int count)
    {
        lock (_lock)
        {
            return WriteCore(source, offset, out count);
        }
    }

    public Errno Append(ReadOnlySpan<byte> source, out ulong position, out int count)
    {
        lock (_lock)
        {
            Errno errno = Errno.Success;
            count = 0;
            ulong room = long.MaxValue - _size;
            if ((ulong)source.Length > room)
            {
                source = source[..(int)room];
                errno = source.IsEmpty ? Errno.FBig : Errno.Success;
            }

            if (errno == Errno.Success)
            {
                errno = WriteCore(source, _size, out count);
            }

            position = _size;
            return errno;
        }
    }

    public Errno SetSize(ulong size)
    {
        lock (_lock)
        {
            if (_isFreed)
            {
                return Errno.BadF;
            }

            Cut(size);
            _size = size;
            Changed();
            return Errno.Success;
        }
    }

    public Errno Allocate(ulong offset, ulong length)
    {
        lock (_lock)
        {
            if (_isFreed)
            {
                return Errno.BadF;
            }

            // Each page is taken from the budget before the next: what does not fit ends soon, whatever the length.
            var added = new List<ulong>();
            for (ulong index = offset / PageSize; index <= (offset + length - 1) / PageSize; index++)
            {
                if (index * PageSize < _lowerSize || (_pages.TryGetValue(index, out byte[]? page) && page.Length == PageSize))
                {
                    continue;
                }

                bool isNew = page is null;
                if (!TryResize(index, page, PageSize))
                {
                    foreach (ulong other in added)
                    {
                        Remove(other);
                    }

                    return Errno.NoSpc;
                }

                if (isNew)
                {
                    added.Add(index);
                }
            }

            _size = Math.Max(_size, offset + length);
            Changed();
            return Errno.Success;
        }
    }

    private Errno WriteCore(ReadOnlySpan<byte> source, ulong offset, out int count)
    {
        count = 0;
        if (_isFreed)
        {
            return Errno.BadF;
        }

        Errno errno = Errno.Success;
        while (!source.IsEmpty)
        {
            int start = (int)(offset % PageSize);
            int length = Math.Min(source.Length, PageSize - start);
            errno = PrepareToWrite(offset / PageSize, start, length, out byte[]? page);
            if (errno != Errno.Success)
            {
                break;
            }

            source[..length].CopyTo(page.AsSpan(start));
            source = source[length..];
            offset += (uint)length;
            count += length;
            _size = Math.Max(_size, offset);
        }

        if (count == 0)
        {
            return errno;
        }

        Changed();
        return Errno.Success;
    }

    private Errno ReadPage(ulong index, int start, Span<byte> destination)
    {
        if (_pages.TryGetValue(index, out byte[]? page))
        {
            int length = Math.Clamp(page.Length - start, 0, destination.Length);
            page.AsSpan(Math.Min(start, page.Length), length).CopyTo(destination);
            destination[length..].Clear();
            return Errno.Success;
        }

        return ReadLower((index * PageSize) + (uint)start, destination);
    }

    // The lower file's bytes, and zeros after its end.
    private Errno ReadLower(ulong offset, Span<byte> destination)
    {
        int length = offset < _lowerSize ? (int)Math.Min(_lowerSize - offset, (uint)destination.Length) : 0;
        int done = 0;
        while (done < length)
        {
            if (_lower is null)
            {
                return Errno.BadF;
            }

            Errno errno = _lower.ReadAt(destination[done..length], offset + (uint)done, out int count);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (count == 0)
            {
                break;
            }

            done += count;
        }

        destination[done..].Clear();
        return Errno.Success;
    }

    // A page with room for a range. What the lower file has in it is fetched, unless all of that will be overwritten.
    private Errno PrepareToWrite(ulong index, int start, int length, out byte[]? page)
    {
        int needed = start + length;
        if (_pages.TryGetValue(index, out page))
        {
            if (page.Length < needed && !TryResize(index, page, needed))
            {
                return Errno.NoSpc;
            }

            page = _pages[index];
            return Errno.Success;
        }

        ulong offset = index * PageSize;
        int lower = offset < _lowerSize ? (int)Math.Min(_lowerSize - offset, PageSize) : 0;
        if (!TryResize(index, null, Math.Max(needed, lower)))
        {
            return Errno.NoSpc;
        }

        page = _pages[index];
        if (lower == 0 || (start == 0 && length >= lower))
        {
            return Errno.Success;
        }

        Errno errno = ReadLower(offset, page.AsSpan(0, lower));
        if (errno != Errno.Success)
        {
            Remove(index);
        }

        return errno;
    }

    private bool TryResize(ulong index, byte[]? page, int needed)
    {
        int length = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(needed, LeastPageSize));
        long cost = page is null ? length + PageCost : length - page.Length;
        if (!Tree.TryReserve(cost))
        {
            return false;
        }

        try
        {
            byte[] resized = new byte[length];
            page?.CopyTo(resized, 0);
            _pages[index] = resized;
            return true;
        }
        catch (OutOfMemoryException)
        {
            // A budget above what the process may have: to the guest a full disk all the same.
            Tree.Release(cost);
            return false;
        }
    }

    private void Remove(ulong index)
    {
        if (_pages.Remove(index, out byte[]? page))
        {
            Tree.Release(page.Length + PageCost);
        }
    }

    private void Cut(ulong size)
    {
        if (size >= _size)
        {
            return;
        }

        // As many steps as there are pages, however large the file.
        ulong last = size / PageSize;
        foreach (ulong index in (ulong[])[.. _pages.Keys])
        {
            if (index > last || (index == last && size % PageSize == 0))
            {
                Remove(index);
            }
        }

        if (_pages.TryGetValue(last, out byte[]? page))
        {
            int kept = (int)(size % PageSize);
            if (kept < page.Length)
            {
                page.AsSpan(kept).Clear();
            }
        }

        _lowerSize = Math.Min(_lowerSize, size);
        _size = size;
    }

    private void Changed() => ModificationTime = ChangeTime = Tree.Now();

    private void FreeIfUnused()
    {
        if (_openCount != 0)
        {
            return;
        }

        if (_isUnlinked && !_isFreed)
        {
            _isFreed = true;
            foreach (byte[] page in _pages.Values)
            {
                Tree.Release(page.Length + PageCost);
            }

            _pages.Clear();
        }

        WasiFile? lower = _lower;
        _lower = null;
        lower?.Dispose();
    }
}
