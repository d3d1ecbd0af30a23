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
internal sealed unsafe partial class LinearMemory : IDisposable
{
    private const int ReleaseRequested = 1 << 30;
    private const int Released = int.MinValue;

    /// <summary>The address of byte 0. Never changes.</summary>
    public readonly nint Base;

    /// <summary><see cref="Base"/> and <see cref="GuardAddressing.NearBias"/>, for code without checks.</summary>
    public readonly nint NearBase;

    /// <summary><see cref="Base"/> and <see cref="GuardAddressing.FarBias"/>, for code without checks.</summary>
    public readonly nint FarBase;

    /// <summary>The number of bytes that are memory now. Grows; 0 once the memory is disposed. Emitted code reads it; nobody else writes it.</summary>
    public ulong Length;

    private readonly Lock _lock = new();
    private WaitQueues? _waiters;
    private readonly MemoryBudget _budget;
    private readonly AddressSpace.Reservation _reservation;
    private readonly ulong _maximumLength;
    private AddressSpace.GuardSlot _slot;
    private ulong _accessible;
    private ulong _charged;
    private int _state;
    private bool _exposed;
    private bool _isSpared;
    private bool _lost;
    private volatile bool _disposed;

    public LinearMemory(MemoryType type, MemoryBudget budget, AddressSpace.GuardSlot slot, ulong length, ulong maximumLength, ulong charged)
    {
        Type = type;
        Mode = slot.Arena.SlotLength == AddressSpace.WideSlotLength ? MemoryMode.WideGuard : MemoryMode.Guard;
        Base = slot.Base;
        NearBase = Base + GuardAddressing.NearBias;
        FarBase = Base + GuardAddressing.FarBias;
        Length = length;
        _budget = budget;
        _slot = slot with { DirtyLength = length, IsAccessible = true };
        _maximumLength = maximumLength;
        _accessible = length;
        _charged = charged;
    }

    public LinearMemory(MemoryType type, MemoryBudget budget, AddressSpace.Reservation reservation, ulong length, ulong maximumLength, ulong charged)
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

    /// <summary>Who holds a shared memory; null for one that is not shared.</summary>
    public SharedMemory? Shared { get; set; }

    /// <summary>Who waits at addresses of a shared memory.</summary>
    public WaitQueues Waiters
    {
        get
        {
            if (_waiters is null)
            {
                Interlocked.CompareExchange(ref _waiters, new WaitQueues(), null);
            }

            return _waiters;
        }
    }

    /// <summary>The current size in pages of the type's page size.</summary>
    public ulong PageCount => Volatile.Read(ref Length) >> Type.PageSizeLog2;

    /// <summary>What the memory can grow to, in pages: the least of the declared maximum, the host's limit and the place that was found.</summary>
    public ulong MaximumPages => _maximumLength >> Type.PageSizeLog2;

    /// <summary>Whether <see cref="MakeInaccessible"/> was called.</summary>
    public bool IsDisposed => _disposed;

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
            CommittedMemory.Add(newLength - length);
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
                CommittedMemory.End(Length);
                Volatile.Write(ref Length, 0);
            }

            if (Mode == MemoryMode.Checked)
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
        if (Mode != MemoryMode.Checked)
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
