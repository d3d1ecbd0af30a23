namespace Codicil.Runtime;

/// <summary>
/// What the elements of a store's tables are charged to: the store's limit, and with 8 bytes each the process's budget of guest memory. Tables do
/// not shrink, and elements stay charged until the store ends or is collected. Thread-safe.
/// </summary>
internal sealed class TableBudget(long limitInElements) : IDisposable
{
    private readonly Lock _lock = new();
    private ulong _elements;
    private bool _ended;

    /// <summary>A store that was lost without Dispose.</summary>
    ~TableBudget() => GiveBack();

    /// <summary>Charges elements; false where the store's limit or the process's budget forbids it.</summary>
    public bool TryReserve(ulong elements)
    {
        lock (_lock)
        {
            ulong limit = (ulong)limitInElements;
            if (_ended || elements > limit || _elements > limit - elements || !MemoryBudget.Process.TryReserve(elements * (ulong)IntPtr.Size))
            {
                return false;
            }

            _elements += elements;
            return true;
        }
    }

    /// <summary>Gives back what <see cref="TryReserve"/> took.</summary>
    public void Release(ulong elements)
    {
        lock (_lock)
        {
            // After the end there is nothing left to give back.
            if (!_ended)
            {
                _elements -= elements;
                MemoryBudget.Process.Release(elements * (ulong)IntPtr.Size);
            }
        }
    }

    /// <summary>Gives everything back; nothing can be charged any more. Later calls do nothing.</summary>
    public void Dispose()
    {
        GiveBack();
        GC.SuppressFinalize(this);
    }

    private void GiveBack()
    {
        lock (_lock)
        {
            if (!_ended)
            {
                _ended = true;
                MemoryBudget.Process.Release(_elements * (ulong)IntPtr.Size);
            }
        }
    }
}
