using System.Runtime.CompilerServices;

using Codicil.Format.Types;
using Codicil.Semantics;

namespace Codicil.Runtime;

/// <summary>A store: owns everything made in it, and keeps the door for calls from the host.</summary>
internal sealed class ManagedStore : Store
{
    /// <summary>
    /// What stays free below the limit: for the JIT, which compiles first calls on the guest's stack (51 KiB were measured over three large programs
    /// and the shapes that make deep trees and many blocks), for frames that are not checked before they exist (two of 32 KiB), for throwing the
    /// trap, and for host functions.
    /// </summary>
    public const int StackReserve = 256 * 1024;

    private readonly ManagedEngine _engine;
    private readonly Lock _lock = new();
    private readonly List<ModuleInstance> _instances = [];
    private readonly List<LinearMemory> _memories = [];
    private readonly MemoryBudget _budget;
    private readonly nuint _maxStackBytes;
    private int _tableCount;
    private volatile bool _disposed;
    private bool _memoriesReleased;

    public ManagedStore(ManagedEngine engine, ResourceLimits limits)
        : base(limits)
    {
        _engine = engine;
        _maxStackBytes = (nuint)engine.Options.MaxStackBytes;
        _budget = limits.TotalMemoryBytes is long total ? new MemoryBudget(total, MemoryBudget.Process) : MemoryBudget.Process;
        Context = new ExecutionContext();
    }

    public override Engine Engine => _engine;

    public ManagedEngine ManagedEngine => _engine;

    public ExecutionContext Context { get; }

    public override bool IsDisposed => _disposed;

    public override Instance Instantiate(Module module, params ReadOnlySpan<Extern> imports)
    {
        ArgumentNullException.ThrowIfNull(module);
        CheckUsable();
        if (module is not ManagedModule managed || !ReferenceEquals(managed.Engine, _engine))
        {
            throw new ArgumentException("the module belongs to another engine", nameof(module));
        }

        managed.CheckUsable();
        return new Instantiator(this, managed).Run(imports);
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
            Context.InterruptFlag = 0;
            foreach (ModuleInstance instance in _instances)
            {
                instance.InterruptFlag = 0;
            }

            if (Context.Depth > 0)
            {
                // The limit of the call inside was overwritten; any that leaves the reserve will do for the rest of it.
                Volatile.Write(ref Context.StackLimit, Context.Owner + StackReserve);
            }
        }
    }

    public override void ThrowIfInterrupted() => Context.Poll();

    internal override Function CreateFunction(Delegate callback)
    {
        CheckUsable();
        return _engine.Adapters.CreateHostFunction(this, callback);
    }

    internal override Function CreateFunction(FunctionType type, HostFunctionCallback callback)
    {
        CheckUsable();
        return _engine.Adapters.CreateHostFunction(this, type, callback);
    }

    internal override Function CreateFunction(BoundImport definition, object state)
    {
        CheckUsable();
        return _engine.Adapters.CreateHostFunction(this, definition, state);
    }

    internal override Memory CreateMemory(MemoryType type)
    {
        CheckUsable();
        return new MemoryInstance(this, AllocateMemory(type));
    }

    internal override Table CreateTable(TableType type, Value initial)
    {
        CheckUsable();
        return AllocateTable(type, References.FromValue(initial, type.ElementType, this));
    }

    internal override Global CreateGlobal(GlobalType type, Value value)
    {
        CheckUsable();
        var global = new GlobalInstance(this, type);
        global.Set(value);
        return global;
    }

    public LinearMemory AllocateMemory(MemoryType type)
    {
        lock (_lock)
        {
            if (_memories.Count >= Limits.Memories)
            {
                throw new ResourceLimitException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"memory count too high: {Limits.Memories} memories are allowed"));
            }
        }

        ulong pages = type.Is64 ? ulong.MaxValue : (ulong)_engine.Options.MemoryPageLimit;
        if (Limits.MemoryBytes is long bytes)
        {
            pages = Math.Min(pages, (ulong)bytes >> type.PageSizeLog2);
        }

        LinearMemory memory = LinearMemory.Create(type, _engine.MemoryMode, pages, _budget, _engine.Options.CommitMaximumMemory, _engine.RequireMemoryMode);
        lock (_lock)
        {
            _memories.Add(memory);
        }

        return memory;
    }

    public TableInstance AllocateTable(TableType type, object? initial)
    {
        if (Interlocked.Increment(ref _tableCount) > Limits.Tables)
        {
            throw new ResourceLimitException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"table count too high: {Limits.Tables} tables are allowed"));
        }

        return new TableInstance(this, type, initial);
    }

    public void AddInstance(ModuleInstance instance)
    {
        lock (_lock)
        {
            if (_instances.Count >= Limits.Instances)
            {
                throw new ResourceLimitException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"instance count too high: {Limits.Instances} instances are allowed"));
            }

            _instances.Add(instance);
            instance.InterruptFlag = Context.InterruptFlag;
        }
    }

    public void CheckUsable() => ObjectDisposedException.ThrowIf(_disposed, this);

    /// <summary>Enters the store for a call: takes it for this thread, and sets the stack limit.</summary>
    /// <param name="savedLimit">What <see cref="Exit"/> wants back.</param>
    /// <returns>False when this thread has too little stack; the call has to be made on another one, and nothing was entered.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe bool TryEnter(out nuint savedLimit)
    {
        ExecutionContext context = Context;
        nuint lowest = ThreadStack.LowestAddress;

        // SAFETY: only the address of the local is used.
        nuint local;
        nuint here = (nuint)(&local);
        savedLimit = context.StackLimit;
        if (context.Owner == lowest && context.IsBiased && context.Depth == 0)
        {
            Volatile.Write(ref context.Depth, 1);
            if (Volatile.Read(ref context.Owner) == lowest && here - lowest >= _maxStackBytes + StackReserve)
            {
                Volatile.Write(ref context.StackLimit, here - _maxStackBytes);
                if (context.InterruptFlag == 0)
                {
                    return true;
                }
            }

            Volatile.Write(ref context.Depth, 0);
        }

        return TryEnterSlowly(lowest, here, out savedLimit);
    }

    /// <summary>Leaves the store after a call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit(nuint savedLimit)
    {
        ExecutionContext context = Context;
        if (context.IsBiased && context.Depth == 1)
        {
            context.CallSerial++;
            Volatile.Write(ref context.Depth, 0);
            if (!_disposed)
            {
                return;
            }
        }

        ExitSlowly(savedLimit);
    }

    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _disposed = true;
            }
        }

        // Entries and function calls look at the flag and the limit also in code that was compiled without interruption.
        RaiseInterrupt(new ObjectDisposedException(nameof(Store)));
        if (Volatile.Read(ref Context.Depth) == 0)
        {
            ReleaseMemories();
            return;
        }

        // A call is inside: it ends at its next access, and its exit releases the memories.
        lock (_lock)
        {
            foreach (LinearMemory memory in _memories)
            {
                memory.MakeInaccessible();
            }
        }
    }

    private void RaiseInterrupt(Exception? reason)
    {
        lock (_lock)
        {
            Context.InterruptReason = reason;
            Context.InterruptFlag = 1;
            foreach (ModuleInstance instance in _instances)
            {
                instance.InterruptFlag = 1;
            }

            Interlocked.MemoryBarrierProcessWide();
            Volatile.Write(ref Context.StackLimit, nuint.MaxValue);
        }
    }

    private void ReleaseMemories()
    {
        lock (_lock)
        {
            if (_memoriesReleased)
            {
                return;
            }

            _memoriesReleased = true;
            foreach (LinearMemory memory in _memories)
            {
                memory.Retire();
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryEnterSlowly(nuint lowest, nuint here, out nuint savedLimit)
    {
        CheckUsable();
        ExecutionContext context = Context;
        savedLimit = context.StackLimit;
        if (context.Depth > 0 && context.Owner == lowest)
        {
            // A host function calls back: the budget is the outer call's.
            context.Depth++;
            if (_disposed || context.InterruptFlag != 0)
            {
                ThrowAfterEntry(savedLimit);
            }

            return true;
        }

        if (here - lowest < _maxStackBytes + StackReserve)
        {
            return false;
        }

        TakeOwnership(lowest);
        savedLimit = context.StackLimit;
        Volatile.Write(ref context.StackLimit, here - _maxStackBytes);
        if (_disposed || context.InterruptFlag != 0)
        {
            ThrowAfterEntry(savedLimit);
        }

        return true;
    }

    private void ThrowAfterEntry(nuint savedLimit)
    {
        ExitSlowly(savedLimit);
        CheckUsable();
        Traps.ThrowInterrupt(Context);
    }

    // The store belongs to the thread that was last inside, so that it enters again with plain stores. Another thread takes it away:
    // it announces itself in Owner, lets every processor pass a barrier, and looks whether the old owner is inside. A store that changes
    // threads goes over to an atomic exchange at each entry.
    private void TakeOwnership(nuint lowest)
    {
        ExecutionContext context = Context;
        lock (_lock)
        {
            nuint owner = context.Owner;
            if (context.Depth > 0 && owner == lowest)
            {
                // Another thread was looking when the first look was taken.
                context.Depth++;
                return;
            }

            if (context.IsBiased)
            {
                if (owner != 0 && owner != lowest)
                {
                    Volatile.Write(ref context.Owner, 0);
                    Interlocked.MemoryBarrierProcessWide();
                    if (Volatile.Read(ref context.Depth) != 0)
                    {
                        Volatile.Write(ref context.Owner, owner);
                        ThrowBusy();
                    }

                    context.IsBiased = false;
                }

                if (context.Depth != 0)
                {
                    ThrowBusy();
                }
            }
            else if (owner != 0)
            {
                ThrowBusy();
            }

            Volatile.Write(ref context.Depth, 1);
            Volatile.Write(ref context.Owner, lowest);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ExitSlowly(nuint savedLimit)
    {
        ExecutionContext context = Context;
        if (context.Depth > 1)
        {
            context.Depth--;
            Volatile.Write(ref context.StackLimit, savedLimit);
            if (context.InterruptFlag != 0)
            {
                Volatile.Write(ref context.StackLimit, nuint.MaxValue);
            }

            return;
        }

        if (context.Depth == 1)
        {
            context.CallSerial++;
            lock (_lock)
            {
                Volatile.Write(ref context.Depth, 0);
                if (!context.IsBiased)
                {
                    Volatile.Write(ref context.Owner, 0);
                }
            }
        }

        if (_disposed)
        {
            ReleaseMemories();
        }
    }

    private static void ThrowBusy() => throw new InvalidOperationException("the store is in use by another thread");
}
