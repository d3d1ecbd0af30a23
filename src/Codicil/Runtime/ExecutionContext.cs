using System.Runtime.CompilerServices;

using Codicil.Format.Types;
using Codicil.Semantics;

namespace Codicil.Runtime;

/// <summary>What running code shares in a store: the stack limit, results beyond the first, and who is inside.</summary>
/// <remarks>
/// Reached from the instance. The protocol between entry and interruption: an entry closes the <see cref="Door"/>, reads <see cref="Attention"/>,
/// stores <see cref="StackLimit"/> and reads <see cref="Attention"/> again; an interrupt sets its bit there, makes every processor pass a barrier,
/// and then stores the limit that no stack pointer reaches. So either the entry sees the bit or its limit is overwritten, without a fence on the
/// entry's side. A thread that wants the store of another does the same and then looks whether the door is closed. If it is not, the store
/// belongs to nobody from then on, and the bit stays: no entry takes the short way again.
/// </remarks>
internal sealed unsafe class ExecutionContext : InterruptPoll
{
    /// <summary>In <see cref="Attention"/>: the store is interrupted.</summary>
    public const int Interrupted = 1;

    /// <summary>In <see cref="Attention"/>: another thread wants the store, or it belongs to nobody for good.</summary>
    public const int Wanted = 2;

    /// <summary>The room of a result beyond the first: a v128 fits.</summary>
    public const int ExtraResultBytes = 16;

    /// <summary>The lowest stack address code may reach; the greatest value while interrupted.</summary>
    public nuint StackLimit;

    /// <summary>What <see cref="StackLimit"/> was when an interrupt overwrote it.</summary>
    public nuint InterruptedLimit;

    /// <summary>What wakes the host function that waits for a task, or null. An interrupt completes it after setting its bit; who waits writes it before looking at the bit.</summary>
    public volatile TaskCompletionSource? Waiting;

    /// <summary>Zero, or what an entry has to look at: <see cref="Interrupted"/>, <see cref="Wanted"/>.</summary>
    public volatile int Attention;

    /// <summary>
    /// While the store belongs to a thread that is not inside: that thread's identity (the lowest address of its stack); else 0.
    /// </summary>
    public nuint Door;

    /// <summary>The lowest stack address at which the owner may enter with enough room below.</summary>
    public nuint LowestEntry;

    /// <summary>The stack WebAssembly code may use, in bytes.</summary>
    public nuint MaxStackBytes;

    /// <summary>The thread that the store belongs to, or that is inside; 0 for none.</summary>
    public nuint Owner;

    /// <summary>Whether the store belongs to a thread between calls, so that it enters with plain stores.</summary>
    public bool IsBiased = true;

    /// <summary>The calls inside that came through the slow path.</summary>
    public int Depth;

    /// <summary>Results beyond the first, <see cref="ExtraResultBytes"/> each: the address of the last of <see cref="_extraNumbers"/>.</summary>
    public nint ExtraResults;

    /// <summary>References among the results beyond the first; cleared when read.</summary>
    public object?[] ExtraReferences;

    // The serial numbers of the callers that running host functions were given, from the outermost; 0 above the depth.
    // Of a caller's token; the rest numbers callers.
    private const int CallerDepthBits = 20;

    private long[] _callers = new long[4];
    private int _callerDepth;
    private long _lastCaller;

    private readonly Lock _extraLock = new();

    // Also those that were replaced: whoever is inside may still write to them.
    private readonly List<ulong[]> _extraNumbers = [];

    /// <summary>The calls that listeners have heard of; null while no module with a listener has run.</summary>
    public ListenerStack? Listeners;

    public ExecutionContext()
    {
        ExtraReferences = [];
        EnsureExtraResults(8);
    }

    /// <summary>Whether a call is inside. Exact for the owner and under the store's lock after a barrier.</summary>
    public bool IsInside => IsBiased ? Owner != 0 && Volatile.Read(ref Door) == 0 : Volatile.Read(ref Depth) != 0;

    /// <summary>The exception that an interrupt asked for; null is a trap.</summary>
    public Exception? InterruptReason { get; set; }

    /// <summary>Throws the interruption, if there is one.</summary>
    public override void Poll()
    {
        if ((Attention & Interrupted) != 0)
        {
            Traps.ThrowInterrupt(this);
        }
    }

    /// <summary>A host function begins that wants a caller. What is returned names it: how many such functions were inside, and a number that none before it had.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long BeginCaller()
    {
        int depth = _callerDepth;
        long[] callers = _callers;
        if ((uint)depth >= (uint)callers.Length)
        {
            callers = GrowCallers();
        }

        long token = (++_lastCaller << CallerDepthBits) | (uint)depth;
        callers[depth] = token;
        _callerDepth = depth + 1;
        return token;
    }

    /// <summary>The host function that began last has ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndCaller() => _callers[--_callerDepth] = 0;

    /// <summary>Whether the host function that was given a caller is running, or waits for one that it called.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsCallerActive(long token)
    {
        long[] callers = _callers;
        int depth = (int)token & ((1 << CallerDepthBits) - 1);
        return (uint)depth < (uint)callers.Length && callers[depth] == token;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long[] GrowCallers()
    {
        // Each of them has frames on the stack: there is none that large.
        if (_callers.Length == 1 << CallerDepthBits)
        {
            throw new InsufficientExecutionStackException();
        }

        Array.Resize(ref _callers, _callers.Length * 2);
        return _callers;
    }

    /// <summary>A result beyond the first that was left here; a reference is not kept.</summary>
    public Value TakeExtraResult(int index, ValType type, TypeContext types)
    {
        if (type.IsReference)
        {
            object? reference = ExtraReferences[index];
            ExtraReferences[index] = null;
            return References.ToValue(reference, type, types);
        }

        // SAFETY: the function that left it there had made room for it (EnsureExtraResults), which is never taken back.
        byte* place = (byte*)ExtraResults + (index * ExtraResultBytes);
        return type.Kind switch
        {
            ValKind.I32 => Value.FromI32(*(int*)place),
            ValKind.I64 => Value.FromI64(*(long*)place),
            ValKind.F32 => Value.FromF32(*(float*)place),
            ValKind.F64 => Value.FromF64(*(double*)place),
            _ => Value.FromV128(System.Runtime.Intrinsics.Vector128.Load(place)),
        };
    }

    /// <summary>Leaves a result beyond the first that <see cref="TakeExtraResult"/> took.</summary>
    public void PutExtraResult(int index, Value value)
    {
        if (value.Type.IsReference)
        {
            ExtraReferences[index] = value.RawReference;
            return;
        }

        // SAFETY: as above.
        byte* place = (byte*)ExtraResults + (index * ExtraResultBytes);
        switch (value.Kind)
        {
            case ValKind.I32:
                *(int*)place = value.AsI32();
                break;
            case ValKind.I64:
                *(long*)place = value.AsI64();
                break;
            case ValKind.F32:
                *(float*)place = value.AsF32();
                break;
            case ValKind.F64:
                *(double*)place = value.AsF64();
                break;
            default:
                System.Runtime.Intrinsics.Vector128.Store(value.AsV128(), place);
                break;
        }
    }

    /// <summary>Makes room for the results beyond the first of any function of a module. Never less than before, whatever other threads do.</summary>
    public void EnsureExtraResults(int count)
    {
        if (count <= Volatile.Read(ref ExtraReferences).Length)
        {
            return;
        }

        lock (_extraLock)
        {
            if (count <= ExtraReferences.Length)
            {
                return;
            }

            // SAFETY: the array is pinned for its life, and this object holds it as long as code of the store can run.
            int length = Math.Max(count, ExtraReferences.Length * 2);
            ulong[] numbers = GC.AllocateArray<ulong>(length * (ExtraResultBytes / sizeof(ulong)), pinned: true);
            _extraNumbers.Add(numbers);
            ExtraResults = (nint)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(numbers));

            // Last: its length says how much room there is.
            Volatile.Write(ref ExtraReferences, new object?[length]);
        }
    }
}
