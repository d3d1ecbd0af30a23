using System.Diagnostics.CodeAnalysis;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>A stream to which writing is nothing but <see cref="Stream.Write(ReadOnlySpan{byte})"/>, and the descriptor that tells what its exceptions mean; null is none.</summary>
internal readonly record struct PlainOutput(Stream? Stream, Descriptor? Descriptor);

/// <summary>The open descriptors of a store's programs, by number. The lowest free number is given out first, as programs expect.</summary>
internal sealed class DescriptorTable(int capacity) : IDisposable
{
    private const int MostPlainOutputs = 8;

    private Descriptor?[] _entries = new Descriptor?[Math.Min(capacity, MostPlainOutputs)];
    private bool _isShared;
    private int _lowestFree;
    private volatile bool _isDisposed;

    /// <summary>
    /// Of the lowest numbers those that are streams to which writing is nothing but <c>Write</c>, at hand: programs write there all the time, and each step on the way to the stream is waited for.
    /// None while several threads use the table. Always the same array.
    /// </summary>
    public PlainOutput[] PlainOutputs { get; } = new PlainOutput[MostPlainOutputs];

    /// <summary>Whether another descriptor can be opened.</summary>
    public bool HasRoom
    {
        get
        {
            if (_entries.Length < capacity)
            {
                return true;
            }

            while (_lowestFree < _entries.Length && _entries[_lowestFree] is not null)
            {
                _lowestFree++;
            }

            return _lowestFree < _entries.Length;
        }
    }

    /// <summary>Opens a number for a descriptor.</summary>
    public Errno Add(Descriptor descriptor, out uint fd)
    {
        int index = _lowestFree;
        while (index < _entries.Length && _entries[index] is not null)
        {
            index++;
        }

        if (index == _entries.Length)
        {
            if (index >= capacity)
            {
                _lowestFree = index;
                fd = 0;
                return Errno.NFile;
            }

            Array.Resize(ref _entries, Math.Min(capacity, index * 2));
        }

        Set(index, descriptor);
        _lowestFree = index + 1;
        fd = (uint)index;

        // The store may end on another thread while a call opens something: either it sees the new one, or this sees that it has ended.
        Interlocked.MemoryBarrier();
        if (_isDisposed)
        {
            descriptor.Dispose();
        }

        return Errno.Success;
    }

    /// <summary>The descriptor of a number; false when there is none.</summary>
    public bool TryGet(uint fd, [NotNullWhen(true)] out Descriptor? descriptor)
    {
        Descriptor?[] entries = _entries;
        descriptor = fd < (uint)entries.Length ? entries[fd] : null;
        return descriptor is not null;
    }

    /// <summary>Takes rights of an open number away; false, and nothing changed, when one would be added.</summary>
    public bool TryReduceRights(uint fd, Rights newBase, Rights newInheriting)
    {
        Descriptor descriptor = _entries[fd]!;
        bool isReduced = descriptor.TryReduceRights(newBase, newInheriting);
        Set((int)fd, descriptor);
        return isReduced;
    }

    /// <summary>From now on several threads use the table, in turns.</summary>
    public void Share()
    {
        _isShared = true;
        Array.Clear(PlainOutputs);
    }

    /// <summary>Closes a number.</summary>
    public Errno Close(uint fd)
    {
        if (!TryGet(fd, out Descriptor? descriptor))
        {
            return Errno.BadF;
        }

        Remove(fd);
        return descriptor.Close();
    }

    /// <summary>Gives a descriptor another number, whose descriptor is closed. Both must be open.</summary>
    public Errno Renumber(uint from, uint to)
    {
        if (!TryGet(from, out Descriptor? descriptor) || !TryGet(to, out Descriptor? replaced))
        {
            return Errno.BadF;
        }

        if (from == to)
        {
            return Errno.Success;
        }

        Set((int)to, descriptor);
        Remove(from);

        // As with dup2: what goes wrong in closing is not reported.
        replaced.Close();
        return Errno.Success;
    }

    /// <summary>Gives back what all of them hold of the host. On any thread: the numbers stay, for a call that may be inside.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        Interlocked.MemoryBarrier();
        var disposal = default(Disposal);
        foreach (Descriptor? descriptor in _entries)
        {
            disposal.Dispose(descriptor);
        }

        disposal.End();
    }

    /// <summary>Hands on what has been written to all of them.</summary>
    public void FlushAll()
    {
        foreach (Descriptor? descriptor in _entries)
        {
            descriptor?.Flush();
        }
    }

    private void Remove(uint fd)
    {
        Set((int)fd, null);
        _lowestFree = Math.Min(_lowestFree, (int)fd);
    }

    private void Set(int index, Descriptor? descriptor)
    {
        _entries[index] = descriptor;
        if (index < MostPlainOutputs)
        {
            PlainOutputs[index] = descriptor is null || _isShared ? default : new PlainOutput(descriptor.PlainOutput, descriptor);
        }
    }
}
