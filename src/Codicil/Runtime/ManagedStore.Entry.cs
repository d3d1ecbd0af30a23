using System.Runtime.CompilerServices;

using Codicil.Semantics;

namespace Codicil.Runtime;

/// <summary>The door of a store: entries and exits of calls, whose the store is, and interrupts. The protocol is in docs/threading.md.</summary>
internal sealed partial class ManagedStore
{
    /// <summary>
    /// What stays free below the limit: for the JIT, which compiles first calls on the guest's stack (51 KiB were measured over three large programs
    /// and the shapes that make deep trees and many blocks), for frames that are not checked before they exist (two of 32 KiB), for throwing the
    /// trap, and for host functions.
    /// </summary>
    public const int StackReserve = 256 * 1024;

    /// <summary>Enters the store for a call: takes it for this thread, and sets the stack limit.</summary>
    /// <param name="function">The function to be called.</param>
    /// <param name="saved">What <see cref="Exit"/> wants back.</param>
    /// <returns>False when this thread has too little stack; the call has to be made on another one, and nothing was entered.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    [SkipLocalsInit]
    public static unsafe bool TryEnter(FunctionInstance function, out nuint saved)
    {
        ExecutionContext context = function.Context;
        nuint lowest = ThreadStack.LowestAddress;

        // SAFETY: only the address of the local is used.
        nuint local;
        nuint here = (nuint)(&local);
        bool isClosed = false;
        if (context.Door == lowest && here >= context.LowestEntry)
        {
            // The first look: a thread that took the store between our look at the door and its closing is inside, and its limit is not ours to write.
            // The second look: an interrupt.
            Volatile.Write(ref context.Door, 0);
            if (context.Attention == 0)
            {
                Volatile.Write(ref context.StackLimit, here - context.MaxStackBytes);
                saved = lowest;
                if (context.Attention == 0)
                {
                    return true;
                }
            }

            isClosed = true;
        }

        return function.ManagedStore.TryEnterSlowly(lowest, here, isClosed, out saved);
    }

    /// <summary>Leaves the store after a call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exit(FunctionInstance function, nuint saved)
    {
        ExecutionContext context = function.Context;
        if (saved == context.Owner)
        {
            Volatile.Write(ref context.Door, saved);
            if (context.Attention == 0)
            {
                return;
            }
        }

        function.ManagedStore.ExitSlowly(saved);
    }

    public override void Interrupt(Exception? reason = null)
    {
        if (!_engine.Options.Interruptible)
        {
            throw new InvalidOperationException("the engine was made without EngineOptions.Interruptible");
        }

        lock (_lock)
        {
            // A deadline that comes too late must not replace the reason of the end.
            if (!_disposed)
            {
                RaiseInterrupt(reason);
            }
        }
    }

    public override void ResetInterrupt()
    {
        lock (_lock)
        {
            CheckUsable();
            Context.InterruptReason = null;
            Context.Attention &= ~ExecutionContext.Interrupted;
            foreach (ModuleInstance instance in _instances)
            {
                instance.InterruptFlag = 0;
            }

            if (Context.IsInside && Volatile.Read(ref Context.StackLimit) == nuint.MaxValue)
            {
                // The call inside goes on with the limit that it came with. One that is being refused on another thread may have written none yet: then
                // this one is an earlier call's, and must not lie below that thread's stack.
                Volatile.Write(ref Context.StackLimit, nuint.Max(Context.InterruptedLimit, Context.Owner + StackReserve));
            }
        }
    }

    /// <summary>Takes back an interrupt unless somebody else has raised another since.</summary>
    public void ResetInterrupt(Exception reason)
    {
        lock (_lock)
        {
            if (!_disposed && ReferenceEquals(Context.InterruptReason, reason))
            {
                ResetInterrupt();
            }
        }
    }

    public override void ThrowIfInterrupted() => Context.Poll();

    private protected override void WaitUntilComplete(Task task)
    {
        try
        {
            do
            {
                // A host function that waits may have been called from one that waits no more: one at a time.
                var woken = new TaskCompletionSource();
                Context.Waiting = woken;
                Interlocked.MemoryBarrier();
                Context.Poll();

                // As a wait for tasks, not for an event: of those the pool knows, and makes up for its thread at once. Otherwise calls on all its threads wait for work that needs one.
                Task.WaitAny([task, woken.Task]);
                Context.Poll();
            }
            while (!task.IsCompleted);
        }
        finally
        {
            Context.Waiting = null;
            if (!task.IsCompleted)
            {
                _ = task.ContinueWith(
                    static abandoned => _ = abandoned.Exception,
                    CancellationToken.None,
                    TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default);
            }
        }
    }

    private void RaiseInterrupt(Exception? reason)
    {
        lock (_lock)
        {
            Context.InterruptReason = reason;
            Context.Attention |= ExecutionContext.Interrupted;
            foreach (ModuleInstance instance in _instances)
            {
                instance.InterruptFlag = 1;
            }

            Interlocked.MemoryBarrierProcessWide();

            // A call that is inside has its limit there. One that comes later sees the bit, and writes its limit only to be refused.
            nuint limit = Volatile.Read(ref Context.StackLimit);
            if (limit != nuint.MaxValue)
            {
                Context.InterruptedLimit = limit;
            }

            Volatile.Write(ref Context.StackLimit, nuint.MaxValue);
            Context.Waiting?.TrySetResult();
        }
    }

    // What Exit wants back: the owner's identity for its outermost call, 0 for an outermost call of a store that belongs to nobody, 1 for a call
    // from a host function, whose limit is that of the outermost call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryEnterSlowly(nuint lowest, nuint here, bool isClosed, out nuint saved)
    {
        ExecutionContext context = Context;
        if (!isClosed && Volatile.Read(ref context.Door) == 0 && Volatile.Read(ref context.Owner) == lowest)
        {
            // The order of the reads: who takes the store from this thread clears the owner before the door.

            // A host function calls back: the budget is the outer call's.
            saved = 1;
            context.Depth++;
            ThrowIfUnusable(saved);
            return true;
        }

        if (isClosed)
        {
            lock (_lock)
            {
                if (context.IsBiased)
                {
                    Volatile.Write(ref context.Door, lowest);
                }
            }
        }

        CheckUsable();
        saved = 0;
        if (here - lowest < context.MaxStackBytes + StackReserve)
        {
            return false;
        }

        saved = TakeOwnership(lowest);
        Volatile.Write(ref context.StackLimit, (here - context.MaxStackBytes) & ~(nuint)1);
        ThrowIfUnusable(saved);
        return true;
    }

    private void ThrowIfUnusable(nuint saved)
    {
        if (_disposed || (Context.Attention & ExecutionContext.Interrupted) != 0)
        {
            ExitSlowly(saved == Context.Owner ? Reopen(saved) : saved);
            CheckUsable();
            Traps.ThrowInterrupt(Context);
        }
    }

    private nuint Reopen(nuint owner)
    {
        Volatile.Write(ref Context.Door, owner);
        return owner;
    }

    // The store belongs to the thread that was first inside, so that it enters again with plain stores. Another thread announces itself,
    // lets every processor pass a barrier, and looks whether the door is closed. From then on the store belongs to whoever is inside.
    private nuint TakeOwnership(nuint lowest)
    {
        ExecutionContext context = Context;
        lock (_lock)
        {
            if (context.IsBiased)
            {
                if (context.Owner == 0)
                {
                    context.LowestEntry = lowest + context.MaxStackBytes + StackReserve;
                    context.Owner = lowest;
                    return lowest;
                }

                if (context.Owner == lowest)
                {
                    Volatile.Write(ref context.Door, 0);
                    return lowest;
                }

                context.Attention |= ExecutionContext.Wanted;
                Interlocked.MemoryBarrierProcessWide();
                if (Volatile.Read(ref context.Door) == 0)
                {
                    context.Attention &= ~ExecutionContext.Wanted;
                    ThrowBusy();
                }

                // The bit stays: the owner may have looked at the door before it is closed now, and go on any time later.
                context.IsBiased = false;
                context.Owner = 0;
                Volatile.Write(ref context.Door, 0);
            }

            if (context.Owner != 0)
            {
                ThrowBusy();
            }

            context.Depth = 1;
            context.Owner = lowest;
            return 0;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ExitSlowly(nuint saved)
    {
        ExecutionContext context = Context;
        if ((saved & 1) != 0)
        {
            context.Depth--;
            return;
        }

        if (saved == 0)
        {
            lock (_lock)
            {
                Volatile.Write(ref context.Depth, 0);
                context.Owner = 0;
            }
        }

        if (_disposed)
        {
            ReleaseMemories();
        }
    }

    private static void ThrowBusy() => throw new InvalidOperationException("the store is in use by another thread");
}
