namespace Codicil.Runtime;

/// <summary>How much memory guests have, for the collector, which sees small objects and not what they hold.</summary>
internal static class CommittedMemory
{
    /// <summary>How many bytes are committed before the collector is told: an eighth of what the machine has.</summary>
    private static readonly long s_collectionInterval = Math.Max(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 256L << 20);

    /// <summary>What a memory counts for beyond its bytes: it takes addresses and mappings, of which there are some for ten thousand or two.</summary>
    private static readonly long s_placeOfMemory = s_collectionInterval / 1024;

    private static long s_committed;
    private static long s_committedAtCollection;

    /// <summary>A memory was made.</summary>
    public static void Begin(ulong length) => Interlocked.Add(ref s_committed, (long)length + s_placeOfMemory);

    /// <summary>A memory grew.</summary>
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

    /// <summary>A memory has ended.</summary>
    public static void End(ulong length)
    {
        long committed = Interlocked.Add(ref s_committed, -(long)length - s_placeOfMemory);

        // Lost updates only make the next collection come sooner or later.
        if (committed < Volatile.Read(ref s_committedAtCollection))
        {
            Volatile.Write(ref s_committedAtCollection, committed);
        }
    }
}
