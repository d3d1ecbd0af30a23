using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A store: owns everything made in it. The door for calls from the host is in the other part.</summary>
internal sealed partial class ManagedStore : Store
{
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

    internal override Function CreateFunction(BoundImport definition, object state, Func<Instance?, object>? stateOf)
    {
        CheckUsable();
        return _engine.Adapters.CreateHostFunction(this, definition, state, stateOf);
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

                if (!StructFields.IsLayoutKnown || !ArrayInstance.IsLayoutKnown)
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
}
