using System.Buffers.Text;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Codicil.Runtime;

/// <summary>Hands out reservations for linear memories and takes them back. Thread-safe; never throws for want of addresses, mappings or memory.</summary>
/// <remarks>
/// <para>
/// Guard memories live in slots of 8 GiB + 64 KiB: index (32 bits) + constant offset (32 bits) + the width of an access stays inside one. (A 64-bit memory that may grow beyond
/// 4 GiB has a wide slot, for 34 bits of index, which is an arena by itself.) Slots are
/// cut from arenas of 1 TiB, so that a slot costs no system call to get and the signal filter knows few ranges. Where the address space is limited
/// arenas are smaller, down to one slot.
/// </para>
/// <para>
/// A slot that comes back is not handed out next but after some others: a span that a host kept by mistake finds inaccessible pages for as long
/// as that takes. (Leases make it certain: see <see cref="LinearMemory.TryAddUser"/>.) Its contents are dropped before the next owner sees it.
/// </para>
/// <para>
/// We stop before the system does. When addresses or mappings (<c>vm.max_map_count</c>) run out the whole process suffers: the collector, the JIT and
/// new threads need them and end the process where they get none. So we use at most three quarters of each.
/// </para>
/// </remarks>
internal static class AddressSpace
{
    /// <summary>The length of a guard memory's reservation.</summary>
    public const ulong SlotLength = (8UL << 30) + (64UL << 10);

    /// <summary>How many bits the index into a wide slot has.</summary>
    public const int WideIndexBits = 34;

    /// <summary>The length of the reservation of a guard memory that may grow beyond 4 GiB.</summary>
    public const ulong WideSlotLength = (1UL << WideIndexBits) + (4UL << 30) + (64UL << 10);

    /// <summary>What a recycled reservation may keep resident. Clearing one page of WebAssembly is cheaper than dropping and faulting it in again.</summary>
    public const ulong ResidentLength = 64UL << 10;

    /// <summary>How many other slots are handed out before one is used again.</summary>
    private const int QuarantineDepth = 8;

    /// <summary>How many idle slots may keep contents: 4 MiB in all.</summary>
    private const int ResidentSlots = 64;

    private const int IdleReservations = 8;
    private const int MappingsPerReservation = 2;
    private const int DefaultMaximumMappings = 65_530;
    private const ulong UserAddressSpace = 1UL << 47;
    private const int ResourceAddressSpace = 9;

    private static readonly int[] s_arenaSlots = [128, 8, 1];
    private static readonly Lock s_lock = new();
    private static readonly List<Arena> s_arenas = [];
    private static readonly Queue<GuardSlot> s_idleSlots = [];
    private static readonly Queue<GuardSlot> s_idleWideSlots = [];
    private static readonly Queue<Reservation> s_idleReservations = [];
    private static readonly ulong s_maximumReserved = FindMaximumReserved();
    private static readonly long s_maximumMappings = FindMaximumMappings() / 4 * 3;

    private static Arena? s_freshArena;
    private static int s_residentSlots;
    private static ulong s_reserved;
    private static long s_mappings;
    private static long s_liveSlots;
    private static long s_liveReservations;

    /// <summary>The number of guard slots in use.</summary>
    public static long LiveSlots => Interlocked.Read(ref s_liveSlots);

    /// <summary>The number of reservations of checked memories in use.</summary>
    public static long LiveReservations => Interlocked.Read(ref s_liveReservations);

    /// <summary>Gets a slot. The signal filter must be installed.</summary>
    public static bool TryRentSlot(out GuardSlot slot)
    {
        lock (s_lock)
        {
            if (s_idleSlots.Count <= QuarantineDepth && TryTakeFresh(out slot))
            {
                return true;
            }

            // A clean slot costs mappings again; one that kept its contents never gave them back.
            if (s_idleSlots.TryPeek(out slot) && (slot.DirtyLength != 0 || TryCountMappings()))
            {
                s_idleSlots.Dequeue();
                s_residentSlots -= slot.DirtyLength != 0 ? 1 : 0;
                slot.Arena.Live++;
                s_liveSlots++;
                return true;
            }

            return TryTakeFresh(out slot);
        }
    }

    /// <summary>Gets a slot of <see cref="WideSlotLength"/>, an arena of its own. The signal filter must be installed.</summary>
    public static bool TryRentWideSlot(out GuardSlot slot)
    {
        lock (s_lock)
        {
            if (!TryCountMappings())
            {
                slot = default;
                return false;
            }

            if (s_idleWideSlots.Count > IdleReservations / 2)
            {
                slot = s_idleWideSlots.Dequeue();
            }
            else if (TryReserveArena(1, WideSlotLength) is Arena arena)
            {
                slot = new GuardSlot(arena, arena.Start);
            }
            else if (!s_idleWideSlots.TryDequeue(out slot))
            {
                s_mappings -= MappingsPerReservation;
                return false;
            }

            s_liveSlots++;
            return true;
        }
    }

    /// <summary>Takes back a slot that nobody will use again, in the state that it is in.</summary>
    public static void ReturnSlot(GuardSlot slot)
    {
        if (slot.Arena.SlotLength == WideSlotLength)
        {
            ReturnWideSlot(slot);
            return;
        }

        bool keep = slot.DirtyLength is > 0 and <= ResidentLength;
        lock (s_lock)
        {
            keep = keep && s_residentSlots < ResidentSlots;
            s_residentSlots += keep ? 1 : 0;
        }

        if (!keep && slot.DirtyLength != 0)
        {
            if (!NativeMemoryMap.Decommit(slot.Base, slot.DirtyLength))
            {
                // Its contents cannot be dropped, so nobody may have it. Not seen in practice.
                return;
            }

            slot = new GuardSlot(slot.Arena, slot.Base);
        }

        lock (s_lock)
        {
            s_mappings -= keep ? 0 : MappingsPerReservation;
            s_liveSlots--;
            s_idleSlots.Enqueue(slot);
            if (--slot.Arena.Live == 0)
            {
                TrimArenas(slot.Arena);
            }
        }
    }

    private static void ReturnWideSlot(GuardSlot slot)
    {
        if (slot.DirtyLength != 0 && !NativeMemoryMap.Decommit(slot.Base, slot.DirtyLength))
        {
            // As above.
            return;
        }

        lock (s_lock)
        {
            s_mappings -= MappingsPerReservation;
            s_liveSlots--;
            s_idleWideSlots.Enqueue(new GuardSlot(slot.Arena, slot.Base));
            if (s_idleWideSlots.Count > IdleReservations)
            {
                ReleaseArena(s_idleWideSlots.Dequeue().Arena);
            }
        }
    }

    /// <summary>
    /// Gets a reservation for a checked memory of the length wanted or, where there are no such, of a shorter one.
    /// </summary>
    /// <param name="wanted">The longest that can be used.</param>
    /// <param name="minimum">The shortest that can be used.</param>
    /// <param name="reservation">Inaccessible, but for <see cref="Reservation.AccessibleLength"/> zero bytes from its base.</param>
    public static bool TryRentReservation(ulong wanted, ulong minimum, out Reservation reservation)
    {
        wanted = NativeMemoryMap.RoundUp(wanted);
        minimum = NativeMemoryMap.RoundUp(minimum);
        bool recycled = false;
        lock (s_lock)
        {
            if (s_idleReservations.Count > IdleReservations / 2 && s_idleReservations.Peek().Length == wanted)
            {
                reservation = s_idleReservations.Dequeue();
                s_liveReservations++;
                recycled = true;
            }
            else
            {
                reservation = default;
            }
        }

        if (recycled)
        {
            if (Clear(reservation.Base, reservation.AccessibleLength))
            {
                return true;
            }

            // Never seen in practice: it cannot be emptied, so it goes.
            ReleaseReservation(reservation);
            lock (s_lock)
            {
                s_liveReservations--;
            }
        }

        for (ulong length = wanted; ; length = Math.Max(NativeMemoryMap.RoundUp(length / 2), minimum))
        {
            if (TryReserve(length, out nint address))
            {
                reservation = new Reservation(address, length, 0);
                return true;
            }

            if (length <= minimum)
            {
                return false;
            }
        }
    }

    /// <summary>Takes back a reservation that nobody will use again.</summary>
    /// <remarks>
    /// Stays readable and writable for a while: in checked mode nobody may turn a host's stale span into an exception, so it finds zeros.
    /// </remarks>
    public static void ReturnReservation(Reservation reservation)
    {
        bool keep = reservation.AccessibleLength <= ResidentLength
            || NativeMemoryMap.Reset(reservation.Base, reservation.AccessibleLength);
        Reservation evicted = reservation;
        lock (s_lock)
        {
            s_liveReservations--;
            if (keep)
            {
                s_idleReservations.Enqueue(reservation);
                evicted = s_idleReservations.Count > IdleReservations ? s_idleReservations.Dequeue() : default;
            }
        }

        if (evicted.Length != 0)
        {
            ReleaseReservation(evicted);
        }
    }

    /// <summary>Makes accessible bytes zero: by writing where they are few, otherwise by dropping the pages.</summary>
    public static bool Clear(nint address, ulong length)
    {
        if (length > ResidentLength)
        {
            return NativeMemoryMap.Reset(address, length);
        }

        // SAFETY: the caller owns length accessible bytes at address; length is at most ResidentLength.
        unsafe
        {
            new Span<byte>((void*)address, (int)length).Clear();
        }

        return true;
    }

    /// <summary>What is in use, for messages.</summary>
    public static string Describe()
    {
        lock (s_lock)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{s_liveSlots} guard and {s_liveReservations} checked memories, {s_reserved >> 30} of {s_maximumReserved >> 30} GiB of addresses, {s_mappings} of {s_maximumMappings} mappings");
        }
    }

    private static bool TryTakeFresh(out GuardSlot slot)
    {
        slot = default;
        if (s_freshArena is null && !TryAddArena())
        {
            return false;
        }

        if (!TryCountMappings())
        {
            return false;
        }

        Arena arena = s_freshArena!;
        slot = new GuardSlot(arena, arena.FirstSlot + (nint)((ulong)arena.Issued * arena.SlotLength));
        arena.Live++;
        s_liveSlots++;
        if (++arena.Issued == arena.SlotCount)
        {
            s_freshArena = s_arenas.Find(static other => other.Issued < other.SlotCount);
        }

        return true;
    }

    private static bool TryAddArena()
    {
        foreach (int slots in s_arenaSlots)
        {
            if (TryReserveArena(slots, SlotLength) is Arena arena)
            {
                s_arenas.Add(arena);
                s_freshArena = arena;
                return true;
            }
        }

        // Where addresses are few, those that wait in the queue are wanted more here.
        return ReleaseIdleWideSlots() && TryAddArena();
    }

    private static bool ReleaseIdleWideSlots()
    {
        bool isAny = s_idleWideSlots.Count != 0;
        while (s_idleWideSlots.TryDequeue(out GuardSlot idle))
        {
            ReleaseArena(idle.Arena);
        }

        return isAny;
    }

    private static Arena? TryReserveArena(int slots, ulong slotLength)
    {
        // Guard memory takes three quarters of what we allow ourselves: checked memories must have somewhere to go.
        ulong length = ((ulong)slots * slotLength + SignalFilter.GranuleLength - 1) & ~(SignalFilter.GranuleLength - 1);
        if (length > s_maximumReserved / 4 * 3 - Math.Min(s_reserved, s_maximumReserved / 4 * 3))
        {
            return null;
        }

        // More than needed, so that an aligned piece can be cut out.
        nint address = NativeMemoryMap.Reserve(length + SignalFilter.GranuleLength);
        if (address == 0)
        {
            return null;
        }

        nint start = (nint)(((ulong)address + SignalFilter.GranuleLength - 1) & ~(SignalFilter.GranuleLength - 1));
        ulong before = (ulong)(start - address);
        NativeMemoryMap.Release(address, before);
        NativeMemoryMap.Release(start + (nint)length, SignalFilter.GranuleLength - before);
        SignalFilter.AddRange(start, length);
        s_reserved += length;
        return new Arena(start, length, slots, slotLength);
    }

    private static void ReleaseArena(Arena arena)
    {
        SignalFilter.RemoveRange(arena.Start, arena.Length);
        if (NativeMemoryMap.Release(arena.Start, arena.Length))
        {
            s_reserved -= arena.Length;
        }
    }

    /// <summary>Gives an empty arena back, with its page tables, unless it is the only empty one.</summary>
    private static void TrimArenas(Arena empty)
    {
        if (!s_arenas.Exists(other => other.Live == 0 && other != empty))
        {
            return;
        }

        for (int count = s_idleSlots.Count; count > 0; count--)
        {
            GuardSlot idle = s_idleSlots.Dequeue();
            if (idle.Arena != empty)
            {
                s_idleSlots.Enqueue(idle);
            }
            else if (idle.DirtyLength != 0)
            {
                s_residentSlots--;
                s_mappings -= MappingsPerReservation;
            }
        }

        s_arenas.Remove(empty);
        if (s_freshArena == empty)
        {
            s_freshArena = s_arenas.Find(static other => other.Issued < other.SlotCount);
        }

        ReleaseArena(empty);
    }

    private static bool TryCountMappings()
    {
        if (s_mappings + MappingsPerReservation > s_maximumMappings)
        {
            return false;
        }

        s_mappings += MappingsPerReservation;
        return true;
    }

    private static bool TryReserve(ulong length, out nint address)
    {
        address = 0;
        lock (s_lock)
        {
            bool fits = length <= s_maximumReserved - Math.Min(s_reserved, s_maximumReserved)
                || (ReleaseIdleWideSlots() && length <= s_maximumReserved - Math.Min(s_reserved, s_maximumReserved));
            if (!fits || !TryCountMappings())
            {
                return false;
            }

            s_reserved += length;
            s_liveReservations++;
        }

        address = NativeMemoryMap.Reserve(length);
        if (address != 0)
        {
            return true;
        }

        lock (s_lock)
        {
            s_reserved -= length;
            s_liveReservations--;
            s_mappings -= MappingsPerReservation;
        }

        return false;
    }

    private static void ReleaseReservation(Reservation reservation)
    {
        if (NativeMemoryMap.Release(reservation.Base, reservation.Length))
        {
            lock (s_lock)
            {
                s_reserved -= reservation.Length;
                s_mappings -= MappingsPerReservation;
            }
        }
    }

    private static ulong FindMaximumReserved()
    {
        ulong available = UserAddressSpace / 8 * 7;
        if (OperatingSystem.IsLinux())
        {
            // SAFETY: struct rlimit is two 64-bit words on every 64-bit Linux.
            unsafe
            {
                ulong* limit = stackalloc ulong[2];
                if (NativeMethods.GetResourceLimit(ResourceAddressSpace, limit) == 0 && limit[0] < available)
                {
                    // Half of what is left: the rest of the process lives under the same limit.
                    ulong used = ReadNumber("/proc/self/statm") * NativeMemoryMap.PageSize;
                    available = limit[0] > used ? (limit[0] - used) / 2 : 0;
                }
            }
        }

        return available;
    }

    /// <summary>The mappings that the system lets a process have.</summary>
    public static long FindMaximumMappings()
    {
        if (!OperatingSystem.IsLinux())
        {
            return long.MaxValue;
        }

        ulong maximum = ReadNumber("/proc/sys/vm/max_map_count");
        return (long)(maximum is 0 or > int.MaxValue ? DefaultMaximumMappings : maximum);
    }

    private static ulong ReadNumber(string path)
    {
        try
        {
            // Not File.ReadAllText: this is on the way of every cold start.
            Span<byte> text = stackalloc byte[64];
            using SafeFileHandle file = File.OpenHandle(path);
            text = text[..RandomAccess.Read(file, text, 0)];
            return Utf8Parser.TryParse(text, out ulong number, out _) ? number : 0;
        }
        catch (IOException)
        {
            return 0;
        }
        catch (UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>A guard memory's place: <see cref="Arena.SlotLength"/> bytes at <paramref name="Base"/>.</summary>
    /// <param name="Arena">The arena it is cut from.</param>
    /// <param name="Base">Its lowest address.</param>
    /// <param name="DirtyLength">How many bytes from its base hold contents of an earlier owner. The rest is inaccessible and, once accessible, zero.</param>
    /// <param name="IsAccessible">Whether those bytes are accessible.</param>
    /// <param name="IsApart">Whether <see cref="NativeMemoryMap.SetJoining"/> keeps those bytes' mapping apart.</param>
    public readonly record struct GuardSlot(Arena Arena, nint Base, ulong DirtyLength = 0, bool IsAccessible = false, bool IsApart = false);

    /// <summary>A checked memory's place: <paramref name="Length"/> bytes at <paramref name="Base"/>.</summary>
    /// <param name="Base">Its lowest address.</param>
    /// <param name="Length">What can be made accessible.</param>
    /// <param name="AccessibleLength">What is.</param>
    public readonly record struct Reservation(nint Base, ulong Length, ulong AccessibleLength);

    /// <summary>A range of inaccessible addresses that slots are cut from.</summary>
    internal sealed class Arena(nint start, ulong length, int slotCount, ulong slotLength)
    {
        /// <summary>Its lowest address, a multiple of the filter's granule.</summary>
        public nint Start { get; } = start;

        /// <summary>Its length, a multiple of the filter's granule.</summary>
        public ulong Length { get; } = length;

        /// <summary>The lowest slot's address.</summary>
        public nint FirstSlot => Start;

        /// <summary>The length of each slot.</summary>
        public ulong SlotLength { get; } = slotLength;

        /// <summary>The number of slots.</summary>
        public int SlotCount { get; } = slotCount;

        /// <summary>How many slots have ever been handed out.</summary>
        public int Issued { get; set; }

        /// <summary>How many slots are handed out now.</summary>
        public int Live { get; set; }
    }
}
