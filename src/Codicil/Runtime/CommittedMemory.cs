namespace Codicil.Runtime;

/// <summary>How much memory guests have, for the collector, which sees small objects and not what they hold.</summary>
internal static class CommittedMemory
{
    /// <summary>How many bytes are committed before the collector is told: an eighth of what the machine has.</summary>
    private static readonly long s_collectionInterval = Math.Max(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 256L << 20);

    private static long s_committed;
    private static long s_committedAtCollection;

    /// <summary>Memory was made or grew.</summary>
    public static void Add(ulong length) => Interlocked.Add(ref s_committed, (long)length);

    /// <summary>
    /// The collector sees small objects and not what they hold, so memories that are dropped without Dispose could fill the machine before it
    /// runs. Whenever much has been added since the last time it is told to, in the background. (GC.AddMemoryPressure counts what comes and not
    /// what is there: it would collect every few dozen memories although each is disposed.)
    /// </summary>
    public static void SuggestCollection()
    {
        long committed = Volatile.Read(ref s_committed);
        long before = Volatile.Read(ref s_committedAtCollection);
        if (committed - before > s_collectionInterval
            && Interlocked.CompareExchange(ref s_committedAtCollection, committed, before) == before)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }
    }

    /// <summary>Memory has ended.</summary>
    public static void Subtract(ulong length)
    {
        long committed = Interlocked.Add(ref s_committed, -(long)length);

        // Lost updates only make the next collection come sooner or later.
        if (committed < Volatile.Read(ref s_committedAtCollection))
        {
            Volatile.Write(ref s_committedAtCollection, committed);
        }
    }
}
