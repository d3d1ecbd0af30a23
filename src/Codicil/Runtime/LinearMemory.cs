using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A linear memory: the bytes, their length, and what makes raw accesses to them sound.</summary>
/// <remarks>
/// <para>
/// WebAssembly 3.0, 4.2.9 Memory Instances. In guard mode exactly <see cref="Length"/> bytes from <see cref="Base"/> are accessible and every other
/// byte of the slot faults; in checked mode code compares with <see cref="Length"/> first. The base never moves in either mode.
/// </para>
/// <para>
/// <see cref="Grow"/>, <see cref="Dispose"/>, users and reading <see cref="Length"/> are thread-safe. The bytes themselves are as shared as their users make them.
/// </para>
/// <para>
/// The end of a memory has two steps. <see cref="MakeInaccessible"/>: every access fails from now on (guard mode: by faulting, checked mode: <see cref="Length"/>
/// is 0, and code that has read it before reaches bytes that are still there). <see cref="Release"/>: the place may go to another memory, as soon as nobody is
/// registered with <see cref="TryAddUser"/>. A store calls the second when no call is inside it. <see cref="Dispose"/> is both, and so is
/// <see cref="Retire"/>, for who knows that no code runs inside.
/// An owner that is lost without a word is cleaned up after by the finalizer: whoever uses the bytes keeps this object reachable.
/// </para>
/// </remarks>
internal sealed unsafe class LinearMemory : IDisposable
{
    /// <summary>The longest piece of a bulk operation between two polls: a longer one would hold up the collector and an interruption.</summary>
    private const ulong PieceLength = 1UL << 20;

    /// <summary>Up to this the runtime copies in managed code: its threshold for native code is 2,048 bytes on Linux x64.</summary>
    private const ulong ShortLength = 512;

    /// <summary>What a 64-bit memory without a lower maximum may grow to.</summary>
    private const ulong DefaultReservationOf64Bit = 16UL << 30;

    private const int ReleaseRequested = 1 << 30;
    private const int Released = int.MinValue;
    private const int CollectionIntervalInMilliseconds = 1000;

    /// <summary>How many bytes are committed before the collector is told: an eighth of what the machine has.</summary>
    private static readonly long s_collectionInterval = Math.Max(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 256L << 20);

    private static long s_lastCollection = long.MinValue / 2;
    private static long s_committed;
    private static long s_committedAtCollection;

    /// <summary>The address of byte 0. Never changes.</summary>
    public readonly nint Base;

    /// <summary>The number of bytes that are memory now. Grows; 0 once the memory is disposed. Emitted code reads it; nobody else writes it.</summary>
    public ulong Length;

    private readonly Lock _lock = new();
    private readonly MemoryBudget _budget;
    private readonly AddressSpace.Reservation _reservation;
    private readonly ulong _maximumLength;
    private AddressSpace.GuardSlot _slot;
    private ulong _accessible;
    private ulong _charged;
    private int _state;
    private int _pieces;
    private bool _exposed;
    private bool _isSpared;
    private bool _lost;
    private volatile bool _disposed;

    private LinearMemory(MemoryType type, MemoryBudget budget, AddressSpace.GuardSlot slot, ulong length, ulong maximumLength, ulong charged)
    {
        Type = type;
        Mode = MemoryMode.Guard;
        Base = slot.Base;
        Length = length;
        _budget = budget;
        _slot = slot with { DirtyLength = length, IsAccessible = true };
        _maximumLength = maximumLength;
        _accessible = length;
        _charged = charged;
    }

    private LinearMemory(MemoryType type, MemoryBudget budget, AddressSpace.Reservation reservation, ulong length, ulong maximumLength, ulong charged)
    {
        Type = type;
        Mode = MemoryMode.Checked;
        Base = reservation.Base;
        Length = length;
        _budget = budget;
        _reservation = reservation;
        _maximumLength = maximumLength;
        _accessible = reservation.AccessibleLength;
        _charged = charged;
    }

    /// <summary>Releases what an owner lost without disposing it.</summary>
    /// <remarks>
    /// A span keeps nothing alive, so a host may be using one whose memory has just become unreachable. It shall fault and not meet another memory:
    /// where spans were taken the place goes to others only when a later collection comes by again.
    /// </remarks>
    ~LinearMemory()
    {
        End(isIdle: true);
        ReleaseBudget();
        if (_exposed && !_lost)
        {
            _lost = true;
            GC.ReRegisterForFinalize(this);
            return;
        }

        // A user that is garbage too may still sign off afterwards.
        if (Interlocked.Exchange(ref _state, Released) != Released)
        {
            ReturnPlace();
        }
    }

    /// <summary>How accesses outside are noticed. Emitted code's variant follows it.</summary>
    public MemoryMode Mode { get; }

    /// <summary>The declared type. <see cref="Length"/> tells the current size.</summary>
    public MemoryType Type { get; }

    /// <summary>The current size in pages of the type's page size.</summary>
    public ulong PageCount => Volatile.Read(ref Length) >> Type.PageSizeLog2;

    /// <summary>What the memory can grow to, in pages: the least of the declared maximum, the host's limit and the place that was found.</summary>
    public ulong MaximumPages => _maximumLength >> Type.PageSizeLog2;

    /// <summary>Whether <see cref="MakeInaccessible"/> was called.</summary>
    public bool IsDisposed => _disposed;

    /// <summary>Makes a memory of its type's minimum size, zero.</summary>
    /// <param name="type">A valid memory type.</param>
    /// <param name="mode">
    /// The mode wanted. 64-bit memories and those with custom page sizes are checked, and so are all where guard slots have run out,
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
            SuggestCollection();

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

    /// <summary>Grows by a number of pages (memory.grow).</summary>
    /// <returns>The size before in pages, or -1 where the maximum, the host's limit, the budget or the system forbids it. Never throws.</returns>
    public long Grow(ulong deltaPages)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return -1;
            }

            ulong length = Length;
            int pageSizeLog2 = Type.PageSizeLog2;
            ulong pages = length >> pageSizeLog2;
            if (deltaPages == 0)
            {
                return (long)pages;
            }

            if (deltaPages > (_maximumLength >> pageSizeLog2) - pages)
            {
                return -1;
            }

            ulong newLength = (pages + deltaPages) << pageSizeLog2;
            ulong charge = newLength > _charged ? newLength - _charged : 0;
            if (!_budget.TryReserve(charge))
            {
                return -1;
            }

            ulong newAccessible = NativeMemoryMap.RoundUp(newLength);
            if (newAccessible > _accessible && !TryExtend(newAccessible))
            {
                _budget.Release(charge);
                return -1;
            }

            _charged += charge;
            Interlocked.Add(ref s_committed, (long)(newLength - length));
            Volatile.Write(ref Length, newLength);
            return (long)pages;
        }
    }

    /// <summary>The bytes at <paramref name="offset"/>, valid until the memory is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Part of the range is no memory.</exception>
    /// <exception cref="ObjectDisposedException">The memory is disposed.</exception>
    public Span<byte> GetSpan(ulong offset, int length)
    {
        // First this, then the length: see Close.
        if (!_exposed)
        {
            Volatile.Write(ref _exposed, true);
        }

        ulong accessible = Volatile.Read(ref Length);
        if (length < 0 || offset > accessible || (ulong)length > accessible - offset)
        {
            ThrowOutOfRange(offset, length);
        }

        // SAFETY: offset + length <= Length was checked; memory never shrinks before it is disposed.
        return new Span<byte>((void*)(Base + (nint)offset), length);
    }

    /// <summary><see cref="Base"/> for a host to keep: as with a span, the memory's end will make it fault.</summary>
    public nint Expose()
    {
        Volatile.Write(ref _exposed, true);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Base;
    }

    /// <summary>memory.fill. Checks first, then writes in pieces with a poll between.</summary>
    /// <returns>Whether the range is memory; if not, nothing is written.</returns>
    public bool Fill(ulong offset, byte value, ulong length, InterruptPoll? poll = null)
    {
        if (!Contains(offset, length))
        {
            return false;
        }

        // SAFETY: the range was checked; see TryBeginPiece for a concurrent Dispose.
        byte* target = (byte*)Base + offset;
        if (length <= ShortLength)
        {
            return TryFillShort(target, value, (int)length);
        }

        while (true)
        {
            int piece = (int)Math.Min(length, PieceLength);
            if (!TryBeginPiece())
            {
                return false;
            }

            new Span<byte>(target, piece).Fill(value);
            EndPiece();
            target += piece;
            length -= (ulong)piece;
            if (length == 0)
            {
                return true;
            }

            poll?.Poll();
        }
    }

    /// <summary>memory.copy into this memory, from it or another. Checks first, then copies in pieces with a poll between; ranges may overlap.</summary>
    /// <returns>Whether both ranges are memory; if not, nothing is written.</returns>
    public bool CopyFrom(LinearMemory source, ulong sourceOffset, ulong offset, ulong length, InterruptPoll? poll = null)
    {
        if (!source.Contains(sourceOffset, length) || !Contains(offset, length))
        {
            return false;
        }

        // SAFETY: both ranges were checked; each piece is copied as if through a buffer, and the order of pieces never overwrites what is still to be read.
        // See TryBeginPiece for a concurrent Dispose.
        byte* from = (byte*)source.Base + sourceOffset;
        byte* to = (byte*)Base + offset;
        if (length <= ShortLength)
        {
            return TryCopyShort(from, to, length);
        }

        bool forward = to <= from || to >= from + length;
        while (true)
        {
            ulong piece = Math.Min(length, PieceLength);
            length -= piece;
            if (!source.TryBeginPiece())
            {
                return false;
            }

            bool begun = TryBeginPiece();
            if (begun)
            {
                ulong start = forward ? 0 : length;
                Copy(from + start, to + start, piece);
                EndPiece();
            }

            source.EndPiece();
            if (!begun)
            {
                return false;
            }

            if (length == 0)
            {
                return true;
            }

            if (forward)
            {
                from += piece;
                to += piece;
            }

            poll?.Poll();
        }
    }

    /// <summary>memory.init: copies from a data segment. Checks first, then copies in pieces with a poll between.</summary>
    /// <returns>Whether both ranges exist; if not, nothing is written.</returns>
    public bool Init(ReadOnlySpan<byte> data, ulong sourceOffset, ulong offset, ulong length, InterruptPoll? poll = null)
    {
        if (sourceOffset > (ulong)data.Length || length > (ulong)data.Length - sourceOffset)
        {
            return false;
        }

        // Instantiation writes its segments from outside any call, so nothing else keeps the place if the store is disposed meanwhile.
        if (!TryAddUser())
        {
            return false;
        }

        try
        {
            if (!Contains(offset, length))
            {
                return false;
            }

            // SAFETY: both ranges were checked.
            fixed (byte* start = data)
            {
                byte* from = start + sourceOffset;
                byte* to = (byte*)Base + offset;
                while (length > 0)
                {
                    ulong piece = Math.Min(length, PieceLength);
                    if (!TryBeginPiece())
                    {
                        return false;
                    }

                    Copy(from, to, piece);
                    EndPiece();
                    from += piece;
                    to += piece;
                    length -= piece;
                    if (length > 0)
                    {
                        poll?.Poll();
                    }
                }
            }

            return true;
        }
        finally
        {
            ReleaseUser();
        }
    }

    /// <summary>Registers somebody who may touch the bytes: until <see cref="ReleaseUser"/> their addresses go to nobody else. False once released.</summary>
    public bool TryAddUser()
    {
        int state = Volatile.Read(ref _state);
        while ((uint)state < ReleaseRequested && !_disposed)
        {
            int seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state)
            {
                return true;
            }

            state = seen;
        }

        return false;
    }

    /// <summary>Ends what <see cref="TryAddUser"/> began.</summary>
    public void ReleaseUser()
    {
        if (Interlocked.Decrement(ref _state) == ReleaseRequested)
        {
            FreeIfUnused();
        }
    }

    /// <summary>The first step of the end: from now on accesses fail. Safe while code runs inside. Later calls do nothing.</summary>
    public void MakeInaccessible() => End(isIdle: false);

    /// <summary>
    /// As <see cref="MakeInaccessible"/>, for a memory that a host function may be using: where a host was ever given an address, the bytes stay accessible
    /// until <see cref="Retire"/>. The runtime copies what is long in native code, where a fault is the end of the process.
    /// </summary>
    public void Close() => End(isIdle: false, sparesHost: true);

    /// <summary>The second step of the end: the place goes to others as soon as there are no users. Call <see cref="MakeInaccessible"/> first.</summary>
    public void Release()
    {
        Interlocked.Or(ref _state, ReleaseRequested);
        FreeIfUnused();
    }

    /// <summary>Both steps of the end. Later calls do nothing.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "While there are users the finalizer stays the last resort; FreeIfUnused suppresses it.")]
    public void Dispose()
    {
        MakeInaccessible();
        Release();
    }

    /// <summary>
    /// As <see cref="Dispose"/>, for a memory in which no code runs. Cheaper: where no host ever had an address (<see cref="GetSpan"/>,
    /// <see cref="Expose"/>) nobody can notice whether it is inaccessible, and two changes of protection are saved.
    /// </summary>
    public void Retire()
    {
        End(isIdle: true);
        Release();
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
            bool guard = mode == MemoryMode.Guard && !type.Is64 && type.PageSizeLog2 == 16;
            if (guard && SignalFilter.TryInstall())
            {
                memory = TryCreateGuard(type, length, maximumLength, budget, charged);
            }

            if (memory is null && !(guard && requireMode))
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
            Interlocked.Add(ref s_committed, (long)length);
        }

        obstacle = memory is null ? $"the system has no memory or addresses left ({AddressSpace.Describe()})" : null;
        return memory is not null;
    }

    private static LinearMemory? TryCreateGuard(MemoryType type, ulong length, ulong maximumLength, MemoryBudget budget, ulong charged)
    {
        if (!AddressSpace.TryRentSlot(out AddressSpace.GuardSlot slot))
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
        ulong wanted = type.Is64 ? Math.Min(maximumLength, Math.Max(DefaultReservationOf64Bit, charged)) : maximumLength;

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

    /// <summary>
    /// The collector sees small objects and not what they hold, so memories that are dropped without Dispose could fill the machine before it
    /// runs. Whenever much has been added since the last time it is told to, in the background. (GC.AddMemoryPressure counts what comes and not
    /// what is there: it would collect every few dozen memories although each is disposed.)
    /// </summary>
    private static void SuggestCollection()
    {
        long committed = Volatile.Read(ref s_committed);
        long before = Volatile.Read(ref s_committedAtCollection);
        if (committed - before > s_collectionInterval
            && Interlocked.CompareExchange(ref s_committedAtCollection, committed, before) == before)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }
    }

    private static void SubtractCommitted(ulong length)
    {
        long committed = Interlocked.Add(ref s_committed, -(long)length);

        // Lost updates only make the next collection come sooner or later.
        if (committed < Volatile.Read(ref s_committedAtCollection))
        {
            Volatile.Write(ref s_committedAtCollection, committed);
        }
    }

    private static void Copy(byte* from, byte* to, ulong length) => Buffer.MemoryCopy(from, to, length, length);

    private static bool TryCopyShort(byte* from, byte* to, ulong length)
    {
        try
        {
            Copy(from, to, length);
            return true;
        }
        catch (NullReferenceException)
        {
            return false;
        }
    }

    private static bool TryFillShort(byte* target, byte value, int length)
    {
        try
        {
            new Span<byte>(target, length).Fill(value);
            return true;
        }
        catch (NullReferenceException)
        {
            return false;
        }
    }

    /// <summary>
    /// Announces a piece of a bulk operation; false once the memory has ended. The runtime copies what is long in native code, where a fault is the
    /// end of the process: so the pages stay until <see cref="EndPiece"/>. What is short it copies itself, and a fault is an exception.
    /// </summary>
    private bool TryBeginPiece()
    {
        Interlocked.Increment(ref _pieces);
        if (!_disposed)
        {
            return true;
        }

        EndPiece();
        return false;
    }

    private void EndPiece()
    {
        Interlocked.Decrement(ref _pieces);
        GC.KeepAlive(this);
    }

    private bool Contains(ulong offset, ulong length)
    {
        ulong accessible = Volatile.Read(ref Length);
        return offset <= accessible && length <= accessible - offset;
    }

    private bool TryExtend(ulong newAccessible)
    {
        if (_slot.IsApart)
        {
            // One mapping for all of it from now on; the next end drops it anyway.
            _slot = _slot with { IsApart = !NativeMemoryMap.SetJoining(Base, _accessible, allowed: true) };
        }

        ulong delta = newAccessible - _accessible;
        nint address = Base + (nint)_accessible;
        if (!NativeMemoryMap.Commit(address, delta))
        {
            // Whatever part of it became accessible must not stay so: in guard mode nobody else checks.
            NativeMemoryMap.MakeInaccessible(address, delta);
            return false;
        }

        _accessible = newAccessible;
        return true;
    }

    private void End(bool isIdle, bool sparesHost = false)
    {
        lock (_lock)
        {
            if (_disposed && !_isSpared)
            {
                return;
            }

            if (!_disposed)
            {
                _disposed = true;
                SubtractCommitted(Length);
                Volatile.Write(ref Length, 0);
            }

            if (Mode != MemoryMode.Guard)
            {
                return;
            }

            if (sparesHost)
            {
                // Who asks for a span from here on sees the length; who asked before has left word.
                Interlocked.MemoryBarrierProcessWide();
                _isSpared = Volatile.Read(ref _exposed);
                if (_isSpared)
                {
                    return;
                }
            }

            _isSpared = false;

            // Whoever begins a piece after this barrier sees the flag. A piece takes microseconds, and with fresh pages less than a millisecond.
            Interlocked.MemoryBarrier();
            SpinWait wait = default;
            while (Volatile.Read(ref _pieces) != 0)
            {
                wait.SpinOnce();
            }

            _slot = _slot with { DirtyLength = _accessible };
            if (_accessible > AddressSpace.ResidentLength)
            {
                // Inaccessible and empty in one system call.
                if (NativeMemoryMap.Decommit(Base, _accessible))
                {
                    _slot = new AddressSpace.GuardSlot(_slot.Arena, Base);
                }
            }
            else if (_accessible != 0 && (!isIdle || _exposed))
            {
                // Kept for the next owner, who clears it.
                bool isApart = _slot.IsApart || NativeMemoryMap.SetJoining(Base, _accessible, allowed: false);
                _slot = _slot with { IsApart = isApart, IsAccessible = !NativeMemoryMap.MakeInaccessible(Base, _accessible) };
            }
        }
    }

    [SuppressMessage("Usage", "CA1816", Justification = "The place is freed here, which may be after Dispose.")]
    private void FreeIfUnused()
    {
        if (Interlocked.CompareExchange(ref _state, Released, ReleaseRequested) == ReleaseRequested)
        {
            GC.SuppressFinalize(this);
            ReleaseBudget();
            ReturnPlace();
        }
    }

    private void ReleaseBudget()
    {
        _budget.Release(_charged);
        _charged = 0;
    }

    private void ReturnPlace()
    {
        if (Mode == MemoryMode.Guard)
        {
            AddressSpace.ReturnSlot(_slot);
        }
        else
        {
            AddressSpace.ReturnReservation(_reservation with { AccessibleLength = _accessible });
        }
    }

    [DoesNotReturn]
    private void ThrowOutOfRange(ulong offset, int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        throw new ArgumentOutOfRangeException(
            nameof(offset),
            string.Create(CultureInfo.InvariantCulture, $"{length} bytes at {offset} are not within a memory of {Volatile.Read(ref Length)} bytes."));
    }
}
