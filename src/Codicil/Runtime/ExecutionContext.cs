using Codicil.Semantics;

namespace Codicil.Runtime;

/// <summary>What running code shares in a store: the stack limit, results beyond the first, and who is inside.</summary>
/// <remarks>
/// Reached from the instance. The protocol between entry and interruption: an entry stores <see cref="StackLimit"/> and then reads
/// <see cref="InterruptFlag"/>; an interrupt sets the flag, makes every processor pass a barrier, and then stores the limit that no
/// stack pointer reaches. So either the entry sees the flag or its limit is overwritten, without a fence on the entry's side.
/// </remarks>
internal sealed unsafe class ExecutionContext : InterruptPoll
{
    /// <summary>The lowest stack address code may reach; the greatest value while interrupted.</summary>
    public nuint StackLimit;

    /// <summary>Non-zero while interrupted.</summary>
    public volatile int InterruptFlag;

    /// <summary>The calls from the host that are inside now; more than one when host functions call back.</summary>
    public int Depth;

    /// <summary>The lowest stack address of the thread that is or was last inside: its identity. 0 for none.</summary>
    public nuint Owner;

    /// <summary>Whether <see cref="Owner"/> is kept between calls, so that the same thread enters without an atomic operation.</summary>
    public bool IsBiased = true;

    /// <summary>Changes when the outermost call returns.</summary>
    public long CallSerial;

    /// <summary>Results beyond the first, 8 bytes each: the address of <see cref="_extraNumbers"/>.</summary>
    public nint ExtraResults;

    /// <summary>References among the results beyond the first; cleared when read.</summary>
    public object?[] ExtraReferences;

    private ulong[] _extraNumbers;

    public ExecutionContext()
    {
        _extraNumbers = [];
        ExtraReferences = [];
        EnsureExtraResults(8);
    }

    /// <summary>The exception that an interrupt asked for; null is a trap.</summary>
    public Exception? InterruptReason { get; set; }

    /// <summary>Throws the interruption, if there is one.</summary>
    public override void Poll()
    {
        if (InterruptFlag != 0)
        {
            Traps.ThrowInterrupt(this);
        }
    }

    /// <summary>Makes room for the results beyond the first of any function of a module.</summary>
    public void EnsureExtraResults(int count)
    {
        if (count <= _extraNumbers.Length)
        {
            return;
        }

        // SAFETY: the array is pinned for its life, and this object holds it as long as code of the store can run.
        _extraNumbers = GC.AllocateArray<ulong>(count, pinned: true);
        ExtraResults = (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(_extraNumbers));
        ExtraReferences = new object?[count];
    }
}
