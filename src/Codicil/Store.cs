using System.Runtime.ExceptionServices;

using Codicil.Format.Types;

namespace Codicil;

/// <summary>
/// The world that instances live in: everything made in a store lives as long as the store. One thread at a time may use it;
/// misuse may give wrong results, never memory unsafety. <see cref="Interrupt"/> and <see cref="Dispose()"/> may be called from any thread.
/// </summary>
/// <remarks>WebAssembly 3.0, 4.2.3 Store.</remarks>
public abstract class Store : IDisposable
{
    private readonly Lock _ownedLock = new();
    private List<IDisposable>? _owned = [];

    private protected Store(ResourceLimits limits) => Limits = limits;

    /// <summary>The engine.</summary>
    public abstract Engine Engine { get; }

    /// <summary>What it may use.</summary>
    public ResourceLimits Limits { get; }

    /// <summary>Whatever the host wants to find again in its functions, through <see cref="Caller.Store"/>.</summary>
    public object? Data { get; set; }

    /// <summary>Whether it was disposed.</summary>
    public abstract bool IsDisposed { get; }

    /// <summary>What its linear memories hold together, in bytes; 0 once it is disposed. May be read from any thread.</summary>
    public abstract long MemoryBytes { get; }

    /// <summary>
    /// Instantiates a module with a list of imports in the module's order (4.7.2): the start function runs, nothing else does.
    /// </summary>
    /// <exception cref="LinkException">Count, kind or type of an import is wrong; the import is named.</exception>
    /// <exception cref="TrapException">A segment does not fit or the start function trapped.</exception>
    /// <exception cref="ResourceLimitException">A limit was met.</exception>
    public abstract Instance Instantiate(Module module, params ReadOnlySpan<Extern> imports);

    /// <summary>
    /// Ends the call that is running in this store, from any thread: it throws <paramref name="reason"/>'s exception, or a trap (<see cref="TrapCode.Interrupt"/>) when null.
    /// Without a running call the next one ends at once, and so do all until <see cref="ResetInterrupt"/>. A disposed store stays as it is.
    /// </summary>
    /// <exception cref="InvalidOperationException">The engine was made without <see cref="EngineOptions.Interruptible"/>.</exception>
    public abstract void Interrupt(Exception? reason = null);

    /// <summary>Takes back an interrupt, so that calls run again; a call inside that has not met it goes on.</summary>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public abstract void ResetInterrupt();

    /// <summary>
    /// Throws the interrupt's exception when the store was interrupted: for host functions that work for long.
    /// </summary>
    public abstract void ThrowIfInterrupted();

    /// <summary>
    /// Waits until a task is complete or the store is interrupted or disposed: for host functions that have to wait on the thread that calls them. The task of an interrupted wait is left
    /// to itself; its exception counts as observed.
    /// </summary>
    /// <exception cref="Exception">The task's own, or the interrupt's.</exception>
    public void Wait(Task task)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (!task.IsCompleted)
        {
            WaitUntilComplete(task);
        }

        task.GetAwaiter().GetResult();
    }

    /// <returns>The task's result.</returns>
    /// <inheritdoc cref="Wait(Task)"/>
    public T Wait<T>(Task<T> task)
    {
        Wait((Task)task);
        return task.Result;
    }

    /// <summary>
    /// Takes bytes that the host keeps for guests from what the memories of the store may have together (<see cref="ResourceLimits.TotalMemoryBytes"/>). They go with the store. Thread-safe.
    /// </summary>
    /// <returns>False when they exceed it: nothing is taken. True where there is no such limit.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public abstract bool TryReserveMemory(long bytes);

    /// <summary>Gives back what <see cref="TryReserveMemory"/> took, or part of it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public abstract void ReleaseMemory(long bytes);

    private protected abstract void WaitUntilComplete(Task task);

    internal abstract Function CreateFunction(Delegate callback);

    internal abstract Function CreateFunction(FunctionType type, HostFunctionCallback callback);

    internal abstract Function CreateFunction(FunctionType type, AsyncHostFunctionCallback callback);

    internal abstract Function CreateFunction(BoundImport definition, object state, Func<Instance?, object>? stateOf);

    internal abstract Function CreateFunction(Module module, int typeIndex, Delegate callback);

    internal abstract Runtime.GcType GetGcType(Module module, int typeIndex);

    internal abstract Memory CreateMemory(MemoryType type);

    internal abstract Memory CreateMemory(SharedMemory memory);

    internal abstract Table CreateTable(TableType type, Value initial);

    internal abstract Global CreateGlobal(GlobalType type, Value value);

    internal abstract Tag CreateTag(TagType type);

    /// <summary>
    /// Ends everything in the store. Memory becomes inaccessible at once, for running code too; it is given back when no call is inside. Idempotent.
    /// </summary>
    /// <exception cref="Exception">What was registered (<see cref="RegisterForDispose"/>) threw: its exception, or an <see cref="AggregateException"/> of several. Everything has been disposed by then.</exception>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
        List<IDisposable>? owned;
        lock (_ownedLock)
        {
            owned = _owned;
            _owned = null;
        }

        List<Exception>? failures = null;
        for (int i = (owned?.Count ?? 0) - 1; i >= 0; i--)
        {
            try
            {
                owned![i].Dispose();
            }
#pragma warning disable CA1031 // Thrown below: one that fails must not keep the others' handles open.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                (failures ??= []).Add(exception);
            }
        }

        if (failures is [Exception only])
        {
            ExceptionDispatchInfo.Throw(only);
        }

        if (failures is not null)
        {
            throw new AggregateException(failures);
        }
    }

    /// <summary>
    /// Disposes something when the store is disposed, the last registered first; at once when it was disposed already. For what host functions keep open
    /// for a store. A call may still be inside, on another thread. What it throws does not keep others from being disposed. May be called from any thread.
    /// </summary>
    public void RegisterForDispose(IDisposable resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        lock (_ownedLock)
        {
            if (_owned is not null)
            {
                _owned.Add(resource);
                return;
            }
        }

        resource.Dispose();
    }

    /// <summary>Releases the store.</summary>
    protected abstract void Dispose(bool disposing);
}
