using System.Globalization;

namespace Codicil.Runtime;

/// <summary>An upper bound on committed guest memory, shared by everything that is given it. Thread-safe, lock-free.</summary>
/// <remarks>A budget may have a parent: a store's is then bounded by its own limit and by the process's.</remarks>
internal sealed class MemoryBudget
{
    private readonly MemoryBudget? _parent;
    private long _limit;
    private long _used;

    /// <summary>A budget of <paramref name="limitInBytes"/>.</summary>
    public MemoryBudget(long limitInBytes, MemoryBudget? parent = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limitInBytes);
        _limit = limitInBytes;
        _parent = parent;
    }

    /// <summary>The budget of the whole process, unbounded until its <see cref="LimitInBytes"/> is set.</summary>
    public static MemoryBudget Process { get; } = new(long.MaxValue);

    /// <summary>The limit. Lowering it below what is used refuses further reservations and takes nothing away.</summary>
    public long LimitInBytes
    {
        get => Volatile.Read(ref _limit);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            Volatile.Write(ref _limit, value);
        }
    }

    /// <summary>What is reserved now.</summary>
    public long UsedInBytes => Volatile.Read(ref _used);

    /// <summary>Takes <paramref name="bytes"/> from this budget and its parents, or from none of them.</summary>
    public bool TryReserve(ulong bytes)
    {
        if (bytes == 0)
        {
            return true;
        }

        if (bytes > long.MaxValue)
        {
            return false;
        }

        if (!TryReserveOwn(bytes))
        {
            return false;
        }

        if (_parent is not null && !_parent.TryReserve(bytes))
        {
            ReleaseOwn(bytes);
            return false;
        }

        return true;
    }

    /// <summary>Takes <paramref name="bytes"/> from this budget alone: what is not committed memory, and goes with the budget.</summary>
    public bool TryReserveOwn(ulong bytes)
    {
        long used = Volatile.Read(ref _used);
        while (true)
        {
            if (bytes > long.MaxValue || (long)bytes > Volatile.Read(ref _limit) - used)
            {
                return false;
            }

            long seen = Interlocked.CompareExchange(ref _used, used + (long)bytes, used);
            if (seen == used)
            {
                return true;
            }

            used = seen;
        }
    }

    /// <summary>Gives back what <see cref="TryReserveOwn"/> took.</summary>
    public void ReleaseOwn(ulong bytes) => Interlocked.Add(ref _used, -(long)bytes);

    /// <summary>Gives back what <see cref="TryReserve"/> took.</summary>
    public void Release(ulong bytes)
    {
        for (MemoryBudget? budget = this; budget is not null; budget = budget._parent)
        {
            Interlocked.Add(ref budget._used, -(long)bytes);
        }
    }

    /// <summary>Used and limit, for messages.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{UsedInBytes} of {LimitInBytes} bytes used");
}
