using System.Globalization;

namespace Codicil.Runtime;

/// <summary>
/// What keeps guests' objects from filling the process. They lie in .NET's heap beside the host's, and nobody knows how many of them live before a collection has looked: so
/// a store counts what it allocates, and each time that much has come together looks at the whole heap.
/// </summary>
internal sealed class HeapBudget(long? limit)
{
    private const long LeastInterval = 1L << 20;
    private const long MostInterval = 64L << 20;

    private readonly long _limit = limit ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3;
    private long _untilLook;

    /// <summary>Bytes are about to be allocated.</summary>
    /// <exception cref="ResourceLimitException">The heap would exceed the limit.</exception>
    public void Charge(long bytes)
    {
        _untilLook -= bytes;
        if (_untilLook < 0)
        {
            Look(bytes);
        }
    }

    private void Look(long bytes)
    {
        long room = _limit - GC.GetTotalMemory(forceFullCollection: false);
        if (bytes > room)
        {
            GC.Collect();
            room = _limit - GC.GetTotalMemory(forceFullCollection: false);
            if (bytes > room)
            {
                _untilLook = 0;
                throw new ResourceLimitException(string.Create(
                    CultureInfo.InvariantCulture, $"allocation size too large: {bytes} bytes more on a heap that may have {_limit} ({nameof(ResourceLimits)}.{nameof(ResourceLimits.HeapBytes)})"));
            }
        }

        _untilLook = Math.Clamp((room - bytes) / 8, LeastInterval, MostInterval);
    }
}
