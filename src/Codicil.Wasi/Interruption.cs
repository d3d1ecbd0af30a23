namespace Codicil.Wasi;

/// <summary>How a wait of the host stays within the guest's limits: it is cut into slices, and the store is asked between them.</summary>
internal static class Interruption
{
    /// <summary>How long one may wait before asking again.</summary>
    public static int SliceInMilliseconds(Store store) => store.Engine.Options.Interruptible ? 10 : 100;

    /// <summary>Throws when the store was interrupted or disposed.</summary>
    public static void Check(Store store)
    {
        ObjectDisposedException.ThrowIf(store.IsDisposed, store);
        store.ThrowIfInterrupted();
    }

    /// <summary>Waits for one of some tasks, whatever its outcome.</summary>
    public static int WaitAny(Store store, Task[] tasks)
    {
        int slice = SliceInMilliseconds(store);
        while (true)
        {
            Check(store);
            int index = Task.WaitAny(tasks, slice);
            if (index >= 0)
            {
                return index;
            }
        }
    }
}
