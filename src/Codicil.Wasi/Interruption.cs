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

    /// <summary>Waits for a task, whatever its outcome.</summary>
    public static void Wait(Store store, Task task)
    {
        int slice = SliceInMilliseconds(store);
        do
        {
            Check(store);
        }
        while (Task.WaitAny([task], slice) < 0);
    }
}
