using System.Collections.Immutable;
using System.Runtime.CompilerServices;

using Codicil.Execution;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>The numeric globals that live inside an instance, 8 bytes each.</summary>
[InlineArray(Capacity)]
internal struct InlineGlobals
{
    public const int Capacity = 16;

    private ulong _first;
}

/// <summary>The states of bound imports, one a state type.</summary>
[InlineArray(Capacity)]
internal struct InlineStates
{
    public const int Capacity = 4;

    private object? _first;
}

/// <summary>What a call of an imported function needs: the last argument and the address of the code.</summary>
internal struct InlineImport
{
    public object Target;
    public nint Code;
}

/// <summary>The first imported functions.</summary>
[InlineArray(Capacity)]
internal struct InlineImports
{
    public const int Capacity = 16;

    /// <summary>The size of an entry: a reference and an address.</summary>
    public const int EntryBytes = 16;

    private InlineImport _first;
}

/// <summary>An instance: the last argument of every emitted method, its fields laid out for emitted code.</summary>
internal sealed class ModuleInstance : Instance
{
    // Read by emitted code; see Compiler/RuntimeMembers.
    public readonly ExecutionContext Context;

    /// <summary>A copy of the context's interrupt flag: one load in a loop instead of two.</summary>
    public volatile int InterruptFlag;

    /// <summary>The address of memory 0.</summary>
    public nint MemoryBase;

    /// <summary>The address of memory 0 and <see cref="GuardAddressing.NearBias"/>, for code without checks.</summary>
    public nint NearMemoryBase;

    /// <summary>The address of memory 0 and <see cref="GuardAddressing.FarBias"/>, for code without checks.</summary>
    public nint FarMemoryBase;

    public LinearMemory? Memory0;

    public TableInstance? Table0;

    public InlineGlobals InlineGlobals;

    public InlineStates States;

    /// <summary>The first of <see cref="ImportedFunctions"/>, three loads nearer: a host function waits for each of them, and then for its own.</summary>
    public InlineImports InlineImports;

    /// <summary>Code addresses by defined function; 0 until compiled. The address of a pinned array of the code variant.</summary>
    public nint CodeSlots;

    public FunctionInstance[] ImportedFunctions = [];

    public LinearMemory[] LinearMemories = [];

    public TableInstance[] Tables = [];

    public GlobalInstance?[] Globals = [];

    public TagInstance[] Tags = [];

    /// <summary>By type index the types of the objects that code makes; null for function types.</summary>
    public GcType[] GcTypes = [];

    // Not read by emitted code.
    private readonly ManagedModule _module;
    private readonly ManagedStore _store;
    private readonly FunctionInstance?[] _functions;
    private readonly bool[] _droppedData;
    private readonly object?[]?[] _elements;
    private Dictionary<string, Extern>? _exportMap;
    private ImmutableArray<NamedExtern> _exports;

    public ModuleInstance(ManagedStore store, ManagedModule module)
    {
        _store = store;
        _module = module;
        Context = store.Context;
        WasmModule format = module.Format;
        _functions = new FunctionInstance?[format.Functions.Length];
        _droppedData = format.DataSegments.IsEmpty ? [] : new bool[format.DataSegments.Length];
        _elements = format.ElementSegments.IsEmpty ? [] : new object?[]?[format.ElementSegments.Length];
        Memories = [];
    }

    public override Module Module => _module;

    public override Store Store => _store;

    public ManagedModule ManagedModule => _module;

    public ManagedStore ManagedStore => _store;

    /// <summary>The memories as the host sees them; beside <see cref="LinearMemories"/>.</summary>
    public MemoryInstance[] Memories { get; set; }

    /// <summary>The code this instance runs.</summary>
    public CodeVariant Code { get; set; } = null!;

    public override ImmutableArray<NamedExtern> Exports
    {
        get
        {
            if (_exports.IsDefault)
            {
                ThrowIfLinking();
                ImmutableArray<NamedExtern>.Builder builder = ImmutableArray.CreateBuilder<NamedExtern>(_module.Format.Exports.Length);
                foreach (Export export in _module.Format.Exports)
                {
                    builder.Add(new NamedExtern(export.Name, GetExtern(export.Kind, export.Index)));
                }

                _exports = builder.MoveToImmutable();
            }

            return _exports;
        }
    }

    public override Extern? GetExport(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_exportMap is not null && _exportMap.TryGetValue(name, out Extern? known))
        {
            return known;
        }

        if (!_module.TryGetExport(name, out Export export))
        {
            return null;
        }

        ThrowIfLinking();
        Extern item = GetExtern(export.Kind, export.Index);
        (_exportMap ??= new Dictionary<string, Extern>(StringComparer.Ordinal))[name] = item;
        return item;
    }

    // The host sees an instance before it is whole where a function is given its state for it.
    private void ThrowIfLinking()
    {
        if (Code is null)
        {
            throw new InvalidOperationException("the instance has no exports yet: its imports are being linked");
        }
    }

    /// <summary>The reference to a function of the index space; the same object each time.</summary>
    public FunctionInstance GetFunction(int functionIndex)
    {
        FunctionInstance? function = _functions[functionIndex];
        if (function is null)
        {
            function = functionIndex < ImportedFunctions.Length
                ? ImportedFunctions[functionIndex]
                : new FunctionInstance(this, functionIndex);
            function = Interlocked.CompareExchange(ref _functions[functionIndex], function, null) ?? function;
        }

        return function;
    }

    /// <summary>The bytes of a data segment; empty once dropped.</summary>
    public ReadOnlySpan<byte> GetData(int index)
    {
        if (_droppedData[index])
        {
            return default;
        }

        ByteRange content = _module.Format.DataSegments[index].Content;
        return _module.Format.Bytes.Span.Slice(content.Start, content.Length);
    }

    public void DropData(int index) => _droppedData[index] = true;

    /// <summary>The references of an element segment; empty once dropped.</summary>
    public object?[] GetElements(int index) => _elements[index] ?? [];

    public void SetElements(int index, object?[]? elements) => _elements[index] = elements;

    public Extern GetExtern(ExternKind kind, int index) => kind switch
    {
        ExternKind.Function => GetFunction(index),
        ExternKind.Table => Tables[index],
        ExternKind.Memory => Memories[index],
        ExternKind.Global => Globals[index] ?? throw new System.Diagnostics.UnreachableException(),
        ExternKind.Tag => Tags[index],
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
