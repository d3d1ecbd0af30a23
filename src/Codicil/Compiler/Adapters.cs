using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Compiler;

/// <summary>
/// The doors between host and WebAssembly: an entry for each delegate type and function type, a thunk for each host delegate type. Emitted once and kept
/// with the engine. Thread-safe.
/// </summary>
internal sealed partial class Adapters(ManagedEngine engine)
{
    /// <summary>The most entries of a kind that are kept. Guests choose their exports' types, hosts may follow guests in their functions', and each entry is an assembly with about ten mappings of the process.</summary>
    private const int MostEntries = 256;

    private readonly ConcurrentDictionary<(Type Delegate, FunctionType Type), Lazy<MethodInfo>> _entries = new();
    private readonly ConcurrentDictionary<FunctionType, Lazy<DynamicCall.Entry>> _dynamicEntries = new();
    private readonly ConcurrentDictionary<Type, Lazy<Thunk>> _thunks = new();
    private readonly ConcurrentDictionary<MethodInfo, Lazy<Thunk>> _boundThunks = new();
    private readonly ConcurrentDictionary<FunctionType, Lazy<Thunk>> _rawThunks = new();
    private readonly ConcurrentDictionary<FunctionType, Lazy<Thunk>> _listeningThunks = new();

    /// <summary>A thunk's address, with what keeps its code alive.</summary>
    private sealed record Thunk(FunctionType Type, nint Code, MethodInfo Method, bool WantsCaller)
    {
        private WeakReference<CanonicalType>? _canonicalType;

        // Functions keep the type known to the engine, thunks do not: they stay, and what types the host gives its functions may be its guests' choice.
        // A weak reference spares functions of one type, of which instances make many, the look into the table.
        public CanonicalType GetCanonicalType(TypeCanonicalizer types)
        {
            if (_canonicalType is not WeakReference<CanonicalType> reference || !reference.TryGetTarget(out CanonicalType? type))
            {
                type = types.GetFunctionType(Type);
                _canonicalType = new WeakReference<CanonicalType>(type);
            }

            return type;
        }
    }

    [RequiresDynamicCode("Emits code.")]
    public Delegate CreateDelegate(FunctionInstance function, Type delegateType)
    {
        MethodInfo entry = GetEntry(_entries, (delegateType, function.Type), key => EmitEntry(key.Item1, key.Item2));
        return Delegate.CreateDelegate(delegateType, function, entry);
    }

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public DynamicCall.Entry GetDynamicEntry(FunctionType type) => GetEntry(_dynamicEntries, type, key => EmitDynamicEntry(key));

    // Delegates and functions hold the code they lead to: what is dropped here lives as long as it is used. What could not be made (CodeMappings) may be made later, so failures are not kept.
    private static TEntry GetEntry<TKey, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TEntry>(ConcurrentDictionary<TKey, Lazy<TEntry>> entries, TKey key, Func<TKey, TEntry> emit)
        where TKey : notnull
    {
        if (entries.TryGetValue(key, out Lazy<TEntry>? entry))
        {
            return entry.Value;
        }

        if (entries.Count >= MostEntries)
        {
            entries.Clear();
        }

        return entries.GetOrAdd(key, key => new Lazy<TEntry>(() => emit(key), LazyThreadSafetyMode.PublicationOnly)).Value;
    }

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public FunctionInstance CreateHostFunction(ManagedStore store, Delegate callback)
    {
        Thunk thunk = _thunks.GetOrAdd(callback.GetType(), key => new Lazy<Thunk>(() => EmitThunk(key), LazyThreadSafetyMode.PublicationOnly)).Value;
        var host = new HostFunction(store, thunk, callback, null, null, thunk.WantsCaller ? thunk.Type : null);
        return new FunctionInstance(store, host, host, thunk.Type, thunk.GetCanonicalType(engine.Types), thunk.Code);
    }

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public FunctionInstance CreateHostFunction(ManagedStore store, FunctionType type, Delegate callback)
    {
        Thunk thunk = GetEntry(_rawThunks, type, key => EmitRawThunk(key));
        var host = new HostFunction(store, thunk, callback, null, null, type);
        return new FunctionInstance(store, host, host, type, thunk.GetCanonicalType(engine.Types), thunk.Code);
    }

    /// <summary>A host function in its raw form of a type of a module.</summary>
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public FunctionInstance CreateHostFunction(ManagedStore store, ManagedModule module, int typeIndex, Delegate callback)
    {
        FunctionType type = module.Format.GetFunctionType(typeIndex);
        Thunk thunk = GetEntry(_rawThunks, WithoutIndices(type), key => EmitRawThunk(key));
        var host = new HostFunction(store, thunk, callback, null, null, type, module.Types);
        return new FunctionInstance(store, host, host, type, module.CanonicalTypes[typeIndex], thunk.Code);
    }

    /// <summary>The function of a bound import.</summary>
    /// <param name="store">The store.</param>
    /// <param name="definition">The import.</param>
    /// <param name="state">The state.</param>
    /// <param name="stateOf">The state of each instance that imports the function; null where all have the same.</param>
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public FunctionInstance CreateHostFunction(ManagedStore store, BoundImport definition, object state, Func<Instance?, object>? stateOf)
    {
        if (!_boundThunks.TryGetValue(definition.Method, out Lazy<Thunk>? made))
        {
            made = _boundThunks.GetOrAdd(definition.Method, new Lazy<Thunk>(() => MakeBoundThunk(definition), LazyThreadSafetyMode.PublicationOnly));
        }

        Thunk thunk = made.Value;
        var host = new HostFunction(store, thunk, NoCallback, definition.CheckState(state), definition, null) { StateOf = stateOf };
        object target = definition.Shape.IsGuestForm ? state : host;
        return new FunctionInstance(store, host, target, thunk.Type, thunk.GetCanonicalType(engine.Types), thunk.Code);
    }

    // A method that has the form of WebAssembly's functions is its own thunk.
    [RequiresDynamicCode("Emits code.")]
    private static Thunk MakeBoundThunk(BoundImport definition) => definition.Shape.IsGuestForm
        ? new Thunk(definition.Shape.Type, definition.Method.MethodHandle.GetFunctionPointer(), definition.Method, WantsCaller: false)
        : EmitBoundThunk(definition);

    /// <summary>The same host function for the instance that imports it, where that makes a difference.</summary>
    public FunctionInstance Rebind(FunctionInstance function, ModuleInstance caller)
    {
        if (function.Target is ListenedImport heard)
        {
            // Whoever exports it again goes on hearing of it.
            FunctionInstance inner = Rebind(heard.Function, caller);
            return ReferenceEquals(inner, heard.Function) ? function : Listen(inner, heard.Importer, heard.FunctionIndex);
        }

        if (function.Host is not HostFunction host || host is { Type: null, StateOf: null })
        {
            return function;
        }

        HostFunction own = host.For(caller);
        object target = ReferenceEquals(function.Target, host) ? own : own.State!;
        return new FunctionInstance(function.ManagedStore, own, target, function.Type, function.CanonicalType, function.Code);
    }

    /// <summary>The same host function, heard of by the listener of the module that imports it.</summary>
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public FunctionInstance Listen(FunctionInstance function, ModuleInstance importer, int functionIndex)
    {
        Thunk thunk = GetEntry(_listeningThunks, WithoutIndices(function.Type), key => EmitListeningThunk(key));
        return new FunctionInstance(
            function.ManagedStore, null, new ListenedImport(thunk, importer, functionIndex, function), function.Type, function.CanonicalType, thunk.Code);
    }

    // References are held alike, whatever they point to: thunks for types of different modules are the same code, and what an index means is the host function's to know.
    private static FunctionType WithoutIndices(FunctionType type)
    {
        return type.Parameters.Any(HasIndex) || type.Results.Any(HasIndex)
            ? new FunctionType([.. type.Parameters.Select(Replace)], [.. type.Results.Select(Replace)])
            : type;

        static bool HasIndex(ValType type) => type.IsReference && type.HeapType.IsConcrete;

        static ValType Replace(ValType type) => HasIndex(type) ? ValType.Reference(true, HeapType.Any) : type;
    }

    private static void NoCallback()
    {
    }

    private static MethodInfo Entry(string name) => typeof(EntryOps).GetMethod(name, BindingFlags.Static | BindingFlags.Public)!;

    private static MethodInfo Dynamic(string name) => typeof(DynamicCall).GetMethod(name, BindingFlags.Static | BindingFlags.Public)!;

    // The runtime's own assemblies are open; every other that the signature names may be closed to us.
    private static IEnumerable<Assembly> AssembliesOf(Type type)
    {
        yield return type.Assembly;
        foreach (Type argument in type.GetGenericArguments())
        {
            foreach (Assembly assembly in AssembliesOf(argument))
            {
                yield return assembly;
            }
        }
    }

    private static IEnumerable<Assembly> AssembliesOfSignature(Type delegateType)
    {
        MethodInfo invoke = DelegateSignature.InvokeMethod(delegateType);
        return AssembliesOf(delegateType).Concat(AssembliesOf(invoke.ReturnType)).Concat(invoke.GetParameters().SelectMany(static parameter => AssembliesOf(parameter.ParameterType)));
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The type is emitted here.")]
    private static MethodInfo Finish(TypeBuilder builder, MethodBuilder method)
    {
        Type created = builder.CreateType();
        var finished = (MethodInfo)created.Module.ResolveMethod(method.MetadataToken)!;

        // Compiled before anybody takes its address: a delegate of it then leads to the code, not to a jump there.
        RuntimeHelpers.PrepareMethod(finished.MethodHandle);
        return finished;
    }
}
