using System.Collections.Immutable;
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
    private readonly List<SharedMemory> _sharedMemories = [];
    private readonly Dictionary<CanonicalType, GcType> _gcTypes = [];
    private readonly Dictionary<ManagedModule, GcType[]> _gcTypesOfModules = [];
    private readonly MemoryBudget _budget;
    private int _tableCount;
    private volatile bool _disposed;
    private bool _memoriesReleased;

    public ManagedStore(ManagedEngine engine, ResourceLimits limits)
        : base(limits)
    {
        _engine = engine;
        _budget = limits.TotalMemoryBytes is long total ? new MemoryBudget(total, MemoryBudget.Process) : MemoryBudget.Process;
        TableBudget = new TableBudget(limits.TotalTableElements);
        HeapBudget = new HeapBudget(limits.HeapBytes);
        Context = new ExecutionContext { MaxStackBytes = (nuint)engine.Options.MaxStackBytes };
    }

    public override Engine Engine => _engine;

    public ManagedEngine ManagedEngine => _engine;

    public ExecutionContext Context { get; }

    public TableBudget TableBudget { get; }

    public HeapBudget HeapBudget { get; }

    public override bool IsDisposed => _disposed;

    public override long MemoryBytes
    {
        get
        {
            if (_disposed)
            {
                return 0;
            }

            ulong sum = 0;
            lock (_lock)
            {
                foreach (LinearMemory memory in _memories)
                {
                    sum += Volatile.Read(ref memory.Length);
                }
            }

            return (long)sum;
        }
    }

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

    public override bool TryReserveMemory(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return Limits.TotalMemoryBytes is null || _budget.TryReserveOwn((ulong)bytes);
    }

    public override void ReleaseMemory(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (Limits.TotalMemoryBytes is not null)
        {
            _budget.ReleaseOwn((ulong)bytes);
        }
    }

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

    internal override Function CreateFunction(FunctionType type, AsyncHostFunctionCallback callback)
    {
        CheckUsable();
        return _engine.Adapters.CreateHostFunction(this, type, callback);
    }

    internal override Function CreateFunction(BoundImport definition, object state)
    {
        CheckUsable();
        return _engine.Adapters.CreateHostFunction(this, definition, state);
    }

    internal override Function CreateFunction(Module module, int typeIndex, Delegate callback) =>
        _engine.Adapters.CreateHostFunction(this, CheckType(module, typeIndex, CompositeKind.Function), typeIndex, callback);

    internal override GcType GetGcType(Module module, int typeIndex)
    {
        ManagedModule managed = CheckType(module, typeIndex, null);
        return managed.Format.Types[typeIndex].Composite.Kind == CompositeKind.Function
            ? throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"type {typeIndex} is a function type"), nameof(typeIndex))
            : GetGcTypes(managed)[typeIndex];
    }

    private ManagedModule CheckType(Module module, int typeIndex, CompositeKind? kind)
    {
        CheckUsable();
        if (module is not ManagedModule managed || !ReferenceEquals(managed.Engine, _engine))
        {
            throw new ArgumentException("the module belongs to another engine", nameof(module));
        }

        managed.CheckUsable();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)typeIndex, (uint)managed.Format.Types.Length, nameof(typeIndex));
        return kind is null || managed.Format.Types[typeIndex].Composite.Kind == kind
            ? managed
            : throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"type {typeIndex} is no {kind} type"), nameof(typeIndex));
    }

    internal override Memory CreateMemory(MemoryType type)
    {
        CheckUsable();
        return new MemoryInstance(this, AllocateMemory(type));
    }

    internal override Memory CreateMemory(SharedMemory memory)
    {
        CheckUsable();
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_memoriesReleased || !memory.TryJoin(), memory);
            _sharedMemories.Add(memory);
        }

        return new MemoryInstance(this, memory.Linear);
    }

    internal override Table CreateTable(TableType type, Value initial)
    {
        CheckUsable();
        return AllocateTable(type, _engine.HostTypes, References.FromValue(initial, type.ElementType, _engine.HostTypes, this));
    }

    internal override Global CreateGlobal(GlobalType type, Value value)
    {
        CheckUsable();
        var global = new GlobalInstance(this, type, _engine.HostTypes);
        global.Set(value);
        return global;
    }

    internal override Tag CreateTag(TagType type)
    {
        CheckUsable();
        return new TagInstance(this, type, _engine.HostTypes, _engine.Types.GetFunctionType(type.FunctionType));
    }

    public LinearMemory AllocateMemory(MemoryType type)
    {
        lock (_lock)
        {
            if (_memories.Count + _sharedMemories.Count >= Limits.Memories)
            {
                throw new ResourceLimitException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"memory count too high: {Limits.Memories} memories are allowed"));
            }
        }

        ulong pages = type.Is64 ? ulong.MaxValue : ((ulong)_engine.Options.MemoryPageLimit << 16) >> type.PageSizeLog2;
        if (Limits.MemoryBytes is long bytes)
        {
            pages = Math.Min(pages, (ulong)bytes >> type.PageSizeLog2);
        }

        LinearMemory memory = MemoryAllocator.Create(type, _engine.MemoryMode, pages, _budget, _engine.Options.CommitMaximumMemory, _engine.RequireMemoryMode);
        lock (_lock)
        {
            if (type.IsShared)
            {
                // Its end is not the store's to decide.
                memory.Shared = new SharedMemory(memory);
                _sharedMemories.Add(memory.Shared);
            }
            else
            {
                _memories.Add(memory);
            }
        }

        return memory;
    }

    /// <summary>The types of the objects that instances of a module make, by type index; null for function types.</summary>
    public GcType[] GetGcTypes(ManagedModule module)
    {
        lock (_gcTypes)
        {
            if (_gcTypesOfModules.TryGetValue(module, out GcType[]? known))
            {
                return known;
            }

            ImmutableArray<SubType> definitions = module.Format.Types;
            GcType[] types = [];
            for (int i = 0; i < definitions.Length; i++)
            {
                if (definitions[i].Composite.Kind == CompositeKind.Function)
                {
                    continue;
                }

                if (!StructFields.IsLayoutKnown)
                {
                    throw new PlatformNotSupportedException("this runtime lays objects out in a way that is not known");
                }

                CanonicalType canonicalType = module.CanonicalTypes[i];
                if (!_gcTypes.TryGetValue(canonicalType, out GcType? type))
                {
                    type = new GcType(this, definitions[i], module.Types, canonicalType);
                    _gcTypes.Add(canonicalType, type);
                }

                types = types.Length == 0 ? new GcType[definitions.Length] : types;
                types[i] = type;
            }

            _gcTypesOfModules.Add(module, types);
            return types;
        }
    }

    public TableInstance AllocateTable(TableType type, TypeContext types, object? initial)
    {
        if (Interlocked.Increment(ref _tableCount) > Limits.Tables)
        {
            Interlocked.Decrement(ref _tableCount);
            throw new ResourceLimitException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"table count too high: {Limits.Tables} tables are allowed"));
        }

        try
        {
            return new TableInstance(this, type, types, initial);
        }
        catch
        {
            Interlocked.Decrement(ref _tableCount);
            throw;
        }
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
            instance.InterruptFlag = Context.Attention & ExecutionContext.Interrupted;
        }
    }

    public void CheckUsable() => ObjectDisposedException.ThrowIf(_disposed, this);

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
        if (!Context.IsInside)
        {
            ReleaseMemories();
            return;
        }

        // A call is inside: its exit releases the memories. Interruptible code ends at its next back-edge, and its memories stay until then, for
        // it may be in a host function, where the runtime's native code would take a fault for the end of the process. Other code has to be ended
        // by its next access, unless a host function may be using a span.
        if (_engine.Options.Interruptible)
        {
            return;
        }

        lock (_lock)
        {
            foreach (LinearMemory memory in _memories)
            {
                memory.Close();
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

    private void ReleaseMemories()
    {
        lock (_lock)
        {
            if (_memoriesReleased)
            {
                return;
            }

            _memoriesReleased = true;
            TableBudget.Dispose();
            foreach (LinearMemory memory in _memories)
            {
                memory.Retire();
            }

            foreach (SharedMemory memory in _sharedMemories)
            {
                memory.Leave();
            }
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
