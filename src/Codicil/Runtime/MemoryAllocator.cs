using System.Diagnostics.CodeAnalysis;
using System.Globalization;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>Makes linear memories: the limits, the budget, a place in the address space, and what to do when there is none left.</summary>
internal static class MemoryAllocator
{
    /// <summary>What a 64-bit memory without a lower maximum may grow to.</summary>
    private const ulong MaximumOf64Bit = 1UL << AddressSpace.WideIndexBits;

    private const int CollectionIntervalInMilliseconds = 1000;

    private static long s_lastCollection = long.MinValue / 2;

    /// <summary>Makes a memory of its type's minimum size, zero.</summary>
    /// <param name="type">A valid memory type.</param>
    /// <param name="mode">
    /// The mode wanted. Memories with custom page sizes are checked, 64-bit ones that begin above 16 GiB, and all where guard slots have run out,
    /// unless <paramref name="requireMode"/>.
    /// </param>
    /// <param name="pageLimit">The host's limit in pages of the type's page size.</param>
    /// <param name="budget">What bytes are charged to; the process's budget where null.</param>
    /// <param name="commitMaximum">Whether room for the maximum is charged, and committed in checked mode, from the start: growth within it cannot fail.</param>
    /// <param name="requireMode">Whether running out of guard slots is an error.</param>
    /// <exception cref="ResourceLimitException">The size exceeds the limit or the budget, or the system gives no memory or addresses.</exception>
    public static LinearMemory Create(
        MemoryType type, MemoryMode mode, ulong pageLimit, MemoryBudget? budget, bool commitMaximum = false, bool requireMode = false)
    {
        budget ??= MemoryBudget.Process;
        ulong maximumPages = Math.Min(Math.Min(type.Limits.Maximum ?? ulong.MaxValue, pageLimit), GetImplementationLimit(type));
        ulong minimumPages = type.Limits.Minimum;
        if (minimumPages > maximumPages)
        {
            throw new ResourceLimitException(string.Create(
                CultureInfo.InvariantCulture, $"memory size exceeds limit: {minimumPages} pages are declared, {maximumPages} are allowed"));
        }

        ulong length = minimumPages << type.PageSizeLog2;
        ulong maximumLength = maximumPages << type.PageSizeLog2;
        if (TryCreate(type, mode, length, maximumLength, budget, commitMaximum, requireMode, out LinearMemory? memory, out string? obstacle))
        {
            CommittedMemory.SuggestCollection();
            return memory;
        }

        // Memories that were dropped without Dispose may hold what is missing. The wait is bounded: a finalizer of somebody else may want
        // a lock that our caller holds.
        long now = Environment.TickCount64;
        long last = Volatile.Read(ref s_lastCollection);
        if (now - last >= CollectionIntervalInMilliseconds && Interlocked.CompareExchange(ref s_lastCollection, now, last) == last)
        {
            for (int round = 0; round < 20; round++)
            {
                // Twice: see the finalizer.
                if (round is 0 or 5)
                {
                    GC.Collect();
                }

                Thread.Sleep(round == 0 ? 0 : 5);
                if (TryCreate(type, mode, length, maximumLength, budget, commitMaximum, requireMode, out memory, out obstacle))
                {
                    return memory;
                }
            }
        }

        throw new ResourceLimitException(string.Create(
            CultureInfo.InvariantCulture, $"out of memory: a memory of {minimumPages} pages cannot be had: {obstacle}"));
    }

    private static bool TryCreate(
        MemoryType type,
        MemoryMode mode,
        ulong length,
        ulong maximumLength,
        MemoryBudget budget,
        bool commitMaximum,
        bool requireMode,
        [NotNullWhen(true)] out LinearMemory? memory,
        [NotNullWhen(false)] out string? obstacle)
    {
        memory = null;
        ulong charged = commitMaximum ? maximumLength : length;
        if (!budget.TryReserve(charged))
        {
            obstacle = $"the memory budget is exceeded ({budget})";
            return false;
        }

        try
        {
            mode = FindMode(type, mode, maximumLength >> type.PageSizeLog2);
            if (mode == MemoryMode.WideGuard && charged > MaximumOf64Bit)
            {
                mode = MemoryMode.Checked;
            }

            if (mode != MemoryMode.Checked && SignalFilter.TryInstall())
            {
                memory = TryCreateGuard(type, mode, length, maximumLength, budget, charged);
            }

            if (memory is null && (mode == MemoryMode.Checked || !requireMode))
            {
                memory = TryCreateChecked(type, length, maximumLength, budget, charged);
            }
        }
        finally
        {
            if (memory is null)
            {
                budget.Release(charged);
            }
        }

        if (memory is not null)
        {
            CommittedMemory.Begin(length);
        }

        obstacle = memory is null ? $"the system has no memory or addresses left ({AddressSpace.Describe()})" : null;
        return memory is not null;
    }

    private static LinearMemory? TryCreateGuard(MemoryType type, MemoryMode mode, ulong length, ulong maximumLength, MemoryBudget budget, ulong charged)
    {
        AddressSpace.GuardSlot slot;
        if (mode == MemoryMode.WideGuard)
        {
            maximumLength = Math.Min(maximumLength, MaximumOf64Bit);
            if (!AddressSpace.TryRentWideSlot(out slot))
            {
                return null;
            }
        }
        else if (!AddressSpace.TryRentSlot(out slot))
        {
            return null;
        }

        // What an earlier owner left must go before anybody can reach it: by writing zeros where all of it is in use again, else by dropping it.
        if (slot.DirtyLength > length)
        {
            if (!NativeMemoryMap.Decommit(slot.Base, slot.DirtyLength))
            {
                AddressSpace.ReturnSlot(slot);
                return null;
            }

            slot = new AddressSpace.GuardSlot(slot.Arena, slot.Base);
        }

        if (slot.DirtyLength < length && slot.IsApart)
        {
            slot = slot with { IsApart = !NativeMemoryMap.SetJoining(slot.Base, slot.DirtyLength, allowed: true) };
        }

        bool isReady = slot.IsAccessible && slot.DirtyLength == length;
        if ((!isReady && !NativeMemoryMap.Commit(slot.Base, length)) || !AddressSpace.Clear(slot.Base, slot.DirtyLength))
        {
            NativeMemoryMap.MakeInaccessible(slot.Base, length);
            AddressSpace.ReturnSlot(slot with { DirtyLength = length, IsAccessible = false });
            return null;
        }

        try
        {
            return new LinearMemory(type, budget, slot, length, maximumLength, charged);
        }
        catch (OutOfMemoryException)
        {
            AddressSpace.ReturnSlot(slot with { DirtyLength = length, IsAccessible = true });
            throw;
        }
    }

    private static LinearMemory? TryCreateChecked(MemoryType type, ulong length, ulong maximumLength, MemoryBudget budget, ulong charged)
    {
        ulong wanted = type.Is64 ? Math.Min(maximumLength, Math.Max(MaximumOf64Bit, charged)) : maximumLength;

        // One inaccessible page at the end, which also gives an empty memory an address.
        ulong guardPage = NativeMemoryMap.PageSize;
        if (!AddressSpace.TryRentReservation(NativeMemoryMap.RoundUp(wanted) + guardPage, NativeMemoryMap.RoundUp(charged) + guardPage, out AddressSpace.Reservation reservation))
        {
            return null;
        }

        ulong accessible = Math.Max(NativeMemoryMap.RoundUp(charged), reservation.AccessibleLength);
        if (!NativeMemoryMap.Commit(reservation.Base, accessible))
        {
            AddressSpace.ReturnReservation(reservation);
            return null;
        }

        maximumLength = Math.Min(maximumLength, reservation.Length - guardPage);
        reservation = reservation with { AccessibleLength = accessible };
        try
        {
            return new LinearMemory(type, budget, reservation, length, maximumLength, charged);
        }
        catch (OutOfMemoryException)
        {
            AddressSpace.ReturnReservation(reservation);
            throw;
        }
    }

    /// <summary>The mode that a memory gets: guarded are those with whole pages of the system, in a slot for what they may grow to.</summary>
    /// <param name="type">The type.</param>
    /// <param name="mode">The mode wanted.</param>
    /// <param name="maximumPages">What it can grow to.</param>
    public static MemoryMode FindMode(MemoryType type, MemoryMode mode, ulong maximumPages)
    {
        if (mode == MemoryMode.Checked || type.PageSizeLog2 != 16)
        {
            return MemoryMode.Checked;
        }

        if (!type.Is64 || maximumPages <= 65536)
        {
            return MemoryMode.Guard;
        }

        return type.Limits.Minimum <= MaximumOf64Bit >> 16 ? MemoryMode.WideGuard : MemoryMode.Checked;
    }

    /// <summary>The most pages that a memory of this type can have, whatever it declares.</summary>
    private static ulong GetImplementationLimit(MemoryType type)
    {
        if (type.Is64)
        {
            return (1UL << 47) >> type.PageSizeLog2;
        }

        // With one-byte pages the size in pages must itself fit an i32.
        return Math.Min((1UL << 32) >> type.PageSizeLog2, uint.MaxValue);
    }
}
