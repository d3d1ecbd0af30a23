using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A function of a store: code and what it is called with. What a funcref is.</summary>
/// <remarks>
/// <see cref="TypeId"/> stays <see cref="NotReady"/> until <see cref="Code"/> is there, so that one compare in call_indirect
/// serves the type and the laziness; the slow path tells them apart.
/// </remarks>
internal sealed class FunctionInstance : Function
{
    public const long NotReady = -1;

    /// <summary>What elements of a funcref table hold for null: its type id equals no type's.</summary>
    public static readonly FunctionInstance Null = new();

    // Read by emitted code.

    /// <summary>The last argument: a <see cref="ModuleInstance"/>, a <see cref="HostFunction"/>, a <see cref="ListenedImport"/>, or the state of a bound import that takes it last.</summary>
    public readonly object Target;

    /// <summary>The address of the code; 0 until compiled.</summary>
    public nint Code;

    /// <summary>The id of the canonical type once the code is there.</summary>
    public long TypeId;

    /// <summary>The store's context: one load less for entries.</summary>
    public readonly ExecutionContext Context;

    private readonly ManagedStore _store;
    private readonly CanonicalType _canonicalType;

    /// <summary>A function that a module defines.</summary>
    public FunctionInstance(ModuleInstance instance, int functionIndex)
    {
        _store = instance.ManagedStore;
        Context = _store.Context;
        Target = instance;
        FunctionIndex = functionIndex;
        Type = instance.ManagedModule.Format.GetTypeOfFunction(functionIndex);
        _canonicalType = instance.ManagedModule.CanonicalTypes[instance.ManagedModule.Format.Functions[functionIndex]];
        TypeId = NotReady;
        nint code = instance.Code.TryGetCode(functionIndex);
        if (code != 0)
        {
            Publish(code);
        }
    }

    /// <summary>A function of the host.</summary>
    public FunctionInstance(ManagedStore store, HostFunction? host, object target, FunctionType type, CanonicalType canonicalType, nint code)
    {
        Host = host;
        _store = store;
        Context = store.Context;
        Target = target;
        FunctionIndex = -1;
        Type = type;
        _canonicalType = canonicalType;
        Publish(code);
    }

    private FunctionInstance()
    {
        _store = null!;
        Context = null!;
        Target = null!;
        Type = null!;
        TypeId = NotReady;
        _canonicalType = null!;
    }

    public override FunctionType Type { get; }

    public override Store Store => _store;

    public ManagedStore ManagedStore => _store;

    /// <summary>The index in the module, or -1 for host functions.</summary>
    public int FunctionIndex { get; }

    /// <summary>Whether it is a function of the host, a listener before it or not.</summary>
    public bool IsHosts => Host is not null || Target is ListenedImport;

    /// <summary>The type in the engine; the function keeps it known there.</summary>
    public CanonicalType CanonicalType => _canonicalType;

    /// <summary>What the type indices of <see cref="Type"/> mean.</summary>
    public TypeContext Types => Host?.Types ?? Target switch
    {
        ModuleInstance instance => instance.ManagedModule.Types,
        ListenedImport listened => listened.Function.Types,
        _ => _store.ManagedEngine.HostTypes,
    };

    /// <summary>For a function of the host that no listener stands before: what is known of it, and what keeps its code.</summary>
    public HostFunction? Host { get; }

    /// <summary>The code's address, compiled now if it is not yet.</summary>
    public nint GetCode()
    {
        nint code = Code;
        if (code == 0)
        {
            code = ((ModuleInstance)Target).Code.GetCode(FunctionIndex);
            Publish(code);
        }

        return code;
    }

    [RequiresDynamicCode("The call into WebAssembly is compiled for the delegate's type at run time.")]
    public override TDelegate CreateDelegate<TDelegate>()
    {
        _ = GetCode();
        return (TDelegate)_store.ManagedEngine.Adapters.CreateDelegate(this, typeof(TDelegate));
    }

    public override void Invoke(ReadOnlySpan<Value> arguments, Span<Value> results)
    {
        DynamicCall.CheckArguments(this, arguments, results);
        _ = GetCode();
        _store.ManagedEngine.Adapters.GetDynamicEntry(Type).Invoke(this, arguments, results);
    }

    public override async Task<Value[]> InvokeAsync(ReadOnlyMemory<Value> arguments, CancellationToken cancellationToken = default)
    {
        var results = new Value[Type.Results.Length];
        DynamicCall.CheckArguments(this, arguments.Span, results);
        if (!cancellationToken.CanBeCanceled)
        {
            await _store.ManagedEngine.RunAsync(() => Invoke(arguments.Span, results), cancellationToken).ConfigureAwait(false);
            return results;
        }

        var cancellation = new CallCancellation(_store, cancellationToken);
        try
        {
            await _store.ManagedEngine.RunAsync(() => cancellation.Run(() => Invoke(arguments.Span, results)), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.HasBegun)
        {
            throw cancellation.Canceled();
        }

        return results;
    }

    private void Publish(nint code)
    {
        Code = code;
        Volatile.Write(ref TypeId, _canonicalType.Id);
    }
}

/// <summary>A function of the host: the last argument of its emitted thunk.</summary>
internal sealed class HostFunction
{
    // Read by emitted code.
    public readonly Delegate Callback;

    /// <summary>For bound imports: the state.</summary>
    public readonly object? State;

    /// <summary>The instance that imported it, for functions that want a caller.</summary>
    public ModuleInstance? Instance { get; }

    private readonly ManagedStore _store;
    private readonly TypeContext? _types;

    // Holds the code of the thunk, which the engine may keep no longer than functions have it.
    private readonly object? _thunk;

    public HostFunction(
        ManagedStore store, object? thunk, Delegate callback, object? state, BoundImport? definition, FunctionType? type, TypeContext? types = null)
    {
        _thunk = thunk;
        _types = types;
        Type = type;
        _store = store;
        Callback = callback;
        State = state;
        Definition = definition;
    }

    private HostFunction(HostFunction other, ModuleInstance caller)
    {
        _thunk = other._thunk;
        _types = other._types;
        _store = other._store;
        Type = other.Type;
        Callback = other.Callback;
        StateOf = other.StateOf;
        Definition = other.Definition;
        State = StateOf is null ? other.State : Definition!.CheckState(StateOf(caller));
        Instance = caller;
    }

    public BoundImport? Definition { get; }

    /// <summary>For bound imports whose state depends on the instance that imports them.</summary>
    public Func<Instance?, object>? StateOf { get; init; }

    /// <summary>For functions in the raw form, and those that want a caller: the type.</summary>
    public FunctionType? Type { get; }

    /// <summary>What the type indices of <see cref="Type"/> mean.</summary>
    public TypeContext Types => _types ?? _store.ManagedEngine.HostTypes;

    /// <summary>The same function for another calling instance.</summary>
    public HostFunction For(ModuleInstance caller) => new(this, caller);

    public ManagedStore Store => _store;

    /// <summary>Called by thunks.</summary>
    public static ManagedStore StoreOf(HostFunction host) => host._store;

    /// <summary>Called by thunks: the caller is good until <see cref="EndCaller"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Caller BeginCaller(HostFunction host) => new(host, host._store.Context.BeginCaller());

    /// <summary>Called by thunks when the function has ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EndCaller(HostFunction host) => host._store.Context.EndCaller();
}
