using System.Collections.Concurrent;
using System.Collections.Immutable;
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
internal sealed class Adapters(ManagedEngine engine)
{
    /// <summary>The most entries of a kind that are kept. Guests choose their exports' types, and each entry is an assembly with about ten mappings of the process.</summary>
    private const int MostEntries = 256;

    private readonly ConcurrentDictionary<(Type Delegate, FunctionType Type), Lazy<MethodInfo>> _entries = new();
    private readonly ConcurrentDictionary<FunctionType, Lazy<DynamicCall.Entry>> _dynamicEntries = new();
    private readonly ConcurrentDictionary<Type, Lazy<Thunk>> _thunks = new();
    private readonly ConcurrentDictionary<MethodInfo, Lazy<Thunk>> _boundThunks = new();
    private readonly ConcurrentDictionary<FunctionType, Lazy<Thunk>> _rawThunks = new();
    private readonly ConcurrentDictionary<FunctionType, Lazy<Thunk>> _listeningThunks = new();

    /// <summary>A thunk's address, with what keeps its code alive.</summary>
    private sealed record Thunk(FunctionType Type, int CanonicalTypeId, nint Code, MethodInfo Method, bool WantsCaller);

    [RequiresDynamicCode("Emits code.")]
    public Delegate CreateDelegate(FunctionInstance function, Type delegateType)
    {
        MethodInfo entry = GetEntry(_entries, (delegateType, function.Type), key => EmitEntry(key.Item1, key.Item2));
        return Delegate.CreateDelegate(delegateType, function, entry);
    }

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public DynamicCall.Entry GetDynamicEntry(FunctionType type) => GetEntry(_dynamicEntries, type, key => EmitDynamicEntry(key));

    // Delegates hold the code they lead to: what is dropped here lives as long as it is used. What could not be made (CodeMappings) may be made later, so failures are not kept.
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
        var host = new HostFunction(store, callback, null, null, thunk.WantsCaller ? thunk.Type : null, null);
        return new FunctionInstance(store, host, thunk.Type, thunk.CanonicalTypeId, thunk.Code);
    }

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public FunctionInstance CreateHostFunction(ManagedStore store, FunctionType type, Delegate callback)
    {
        Thunk thunk = _rawThunks.GetOrAdd(type, key => new Lazy<Thunk>(() => EmitRawThunk(key), LazyThreadSafetyMode.PublicationOnly)).Value;
        return new FunctionInstance(store, new HostFunction(store, callback, null, null, type, null), type, thunk.CanonicalTypeId, thunk.Code);
    }

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public FunctionInstance CreateHostFunction(ManagedStore store, BoundImport definition, object state)
    {
        if (!definition.StateType.IsInstanceOfType(state))
        {
            throw new ArgumentException($"the state is a {state.GetType().Name}, the bound import wants a {definition.StateType.Name}", nameof(state));
        }

        Thunk thunk = _boundThunks.GetOrAdd(definition.Method, _ => new Lazy<Thunk>(() => EmitBoundThunk(definition), LazyThreadSafetyMode.PublicationOnly)).Value;
        return new FunctionInstance(store, new HostFunction(store, NoCallback, state, definition, null, null), thunk.Type, thunk.CanonicalTypeId, thunk.Code);
    }

    /// <summary>Whether a host function is given a <see cref="Caller"/>.</summary>
    public static bool WantsCaller(HostFunction host) => host.Type is not null;

    /// <summary>The same host function, with the instance that imported it as its caller.</summary>
    public static FunctionInstance Rebind(FunctionInstance function, HostFunction host, ModuleInstance caller) =>
        new(function.ManagedStore, host.For(caller), function.Type, function.CanonicalTypeId, function.Code);

    /// <summary>The same host function, heard of by the listener of the module that imports it.</summary>
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public FunctionInstance Listen(FunctionInstance function, ModuleInstance importer, int functionIndex)
    {
        Thunk thunk = _listeningThunks.GetOrAdd(function.Type, key => new Lazy<Thunk>(() => EmitListeningThunk(key), LazyThreadSafetyMode.PublicationOnly)).Value;
        return new FunctionInstance(
            function.ManagedStore, new ListenedImport(importer, functionIndex, function.Target, function.GetCode()), function.Type, function.CanonicalTypeId, thunk.Code);
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

    [RequiresDynamicCode("Emits code.")]
    private static MethodInfo EmitEntry(Type delegateType, FunctionType type)
    {
        MethodInfo invoke = DelegateSignature.InvokeMethod(delegateType);
        ParameterInfo[] parameters = invoke.GetParameters();
        ImmutableArray<Type> results = DelegateSignature.ResultTypes(invoke.ReturnType);
        bool fits = parameters.Length == type.Parameters.Length && results.Length == type.Results.Length;
        for (int i = 0; fits && i < parameters.Length; i++)
        {
            fits = AcceptsArgument(parameters[i].ParameterType, type.Parameters[i]);
        }

        for (int i = 0; fits && i < results.Length; i++)
        {
            fits = AcceptsResult(results[i], type.Results[i]);
        }

        if (!fits)
        {
            throw new ArgumentException($"delegate {invoke} does not fit the function type {type}", nameof(delegateType));
        }

        var types = new Type[parameters.Length + 1];
        types[0] = typeof(FunctionInstance);
        for (int i = 0; i < parameters.Length; i++)
        {
            types[i + 1] = parameters[i].ParameterType;
        }

        TypeBuilder builder = EmittedAssembly.Create(AssembliesOfSignature(delegateType)).DefineType("Entry", TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed);
        MethodBuilder method = builder.DefineMethod("enter", MethodAttributes.Public | MethodAttributes.Static, invoke.ReturnType, types);
        method.InitLocals = false;

        // Out of line: boxing and the like cost the entry registers.
        MethodBuilder large = builder.DefineMethod("enterOnLargeStack", MethodAttributes.Public | MethodAttributes.Static, invoke.ReturnType, types);
        large.SetImplementationFlags(MethodImplAttributes.IL | MethodImplAttributes.NoInlining);
        EmitLargeStackCall(large.GetILGenerator(), method, invoke.ReturnType, types);
        ILGenerator il = method.GetILGenerator();
        EmitEntryBody(
            il,
            type,
            argument =>
            {
                il.Emit(OpCodes.Ldarg, (short)(argument + 1));
                EmitArgument(il, types[argument + 1], type.Parameters[argument], argument);
            },
            locals => EmitResult(il, invoke.ReturnType, results, type, locals),
            large,
            types);
        return Finish(builder, method);
    }

    [RequiresDynamicCode("Emits code.")]
    private static DynamicCall.Entry EmitDynamicEntry(FunctionType type)
    {
        Type[] types = [typeof(FunctionInstance), typeof(ReadOnlySpan<Value>), typeof(Span<Value>)];
        TypeBuilder builder = EmittedAssembly.Create().DefineType("Entry", TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed);
        MethodBuilder method = builder.DefineMethod("enter", MethodAttributes.Public | MethodAttributes.Static, typeof(void), types);
        method.InitLocals = false;
        ILGenerator il = method.GetILGenerator();
        EmitEntryBody(
            il,
            type,
            argument =>
            {
                il.Emit(OpCodes.Ldarg_1);
                il.Emit(OpCodes.Ldc_I4, argument);
                il.Emit(OpCodes.Call, Dynamic(NameOf("Get", type.Parameters[argument])));
            },
            locals =>
            {
                for (int i = 0; i < locals.Length; i++)
                {
                    il.Emit(OpCodes.Ldloc, locals[i]);
                    il.Emit(OpCodes.Ldarg_2);
                    il.Emit(OpCodes.Ldc_I4, i);
                    if (type.Results[i].IsReference)
                    {
                        il.Emit(OpCodes.Ldarg_0);
                        il.Emit(OpCodes.Call, Dynamic(nameof(DynamicCall.SetResult)));
                        continue;
                    }

                    il.Emit(OpCodes.Call, Dynamic(NameOf("Set", type.Results[i])));
                }
            },
            null,
            types);
        return Finish(builder, method).CreateDelegate<DynamicCall.Entry>();
    }

    private static string NameOf(string prefix, ValType type) => prefix + ClrTypes.KindOf(type).ToString();

    // enter; try { call } filter { a fault becomes a trap } finally { leave }; then the results.
    private static void EmitEntryBody(
        ILGenerator il, FunctionType type, Action<int> loadArgument, Action<LocalBuilder[]> finish, MethodBuilder? onLargeStack, Type[] parameters)
    {
        LocalBuilder saved = il.DeclareLocal(typeof(nuint));
        var results = new LocalBuilder[type.Results.Length];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = il.DeclareLocal(ClrTypes.Of(type.Results[i]));
        }

        Label entered = il.DefineLabel();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldloca, saved);
        il.Emit(OpCodes.Call, Entry(nameof(EntryOps.TryEnter)));
        il.Emit(OpCodes.Brtrue, entered);
        if (onLargeStack is not null)
        {
            for (int i = 0; i < parameters.Length; i++)
            {
                il.Emit(OpCodes.Ldarg, (short)i);
            }

            il.Emit(OpCodes.Call, onLargeStack);
            il.Emit(OpCodes.Ret);
        }
        else
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Ldarg_2);
            il.Emit(OpCodes.Call, Entry(nameof(EntryOps.InvokeDynamicOnLargeStack)));
            il.Emit(OpCodes.Ret);
        }

        il.MarkLabel(entered);
        il.BeginExceptionBlock();
        il.BeginExceptionBlock();
        for (int i = 0; i < type.Parameters.Length; i++)
        {
            loadArgument(i);
        }

        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldfld, RuntimeMembers.FunctionTarget);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldfld, RuntimeMembers.FunctionCode);
        il.EmitCalli(OpCodes.Calli, CallingConventions.Standard, ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(object)), null);
        if (results.Length > 0)
        {
            il.Emit(OpCodes.Stloc, results[0]);
        }

        for (int i = 1; i < results.Length; i++)
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldc_I4, i - 1);
            il.Emit(OpCodes.Call, Entry("TakeResult" + ClrTypes.KindOf(type.Results[i])));
            il.Emit(OpCodes.Stloc, results[i]);
        }

        il.BeginExceptFilterBlock();
        il.Emit(OpCodes.Castclass, typeof(Exception));
        il.Emit(OpCodes.Call, Entry(nameof(EntryOps.IsFault)));
        il.BeginCatchBlock(null!);
        il.Emit(OpCodes.Castclass, typeof(Exception));
        il.Emit(OpCodes.Call, Entry(nameof(EntryOps.ToTrap)));
        il.Emit(OpCodes.Throw);
        il.EndExceptionBlock();
        il.BeginFinallyBlock();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldloc, saved);
        il.Emit(OpCodes.Call, Entry(nameof(EntryOps.Exit)));
        il.EndExceptionBlock();
        finish(results);
        il.Emit(OpCodes.Ret);
    }

    private static void EmitLargeStackCall(ILGenerator il, MethodBuilder self, Type returnType, Type[] parameters)
    {
        il.Emit(OpCodes.Ldtoken, self);
        il.Emit(OpCodes.Ldc_I4, parameters.Length);
        il.Emit(OpCodes.Newarr, typeof(object));
        for (int i = 0; i < parameters.Length; i++)
        {
            il.Emit(OpCodes.Dup);
            il.Emit(OpCodes.Ldc_I4, i);
            il.Emit(OpCodes.Ldarg, (short)i);
            if (parameters[i].IsValueType)
            {
                il.Emit(OpCodes.Box, parameters[i]);
            }

            il.Emit(OpCodes.Stelem_Ref);
        }

        il.Emit(OpCodes.Call, Entry(nameof(EntryOps.InvokeOnLargeStack)));
        if (returnType == typeof(void))
        {
            il.Emit(OpCodes.Pop);
        }
        else
        {
            il.Emit(OpCodes.Unbox_Any, returnType);
        }

        il.Emit(OpCodes.Ret);
    }

    private static bool AcceptsArgument(Type type, ValType wanted)
    {
        if (wanted.IsReference)
        {
            // Of which kind a type of the module is, shows when there is an argument.
            HeapType heap = wanted.HeapType;
            return heap.IsConcrete ? type == typeof(Function)
                : heap == HeapType.Extern || heap == HeapType.NoExtern ? DelegateSignature.ToValType(type) == ValType.ExternRef
                : DelegateSignature.ToValType(type) is ValType { IsReference: true } given && given.HeapType == TopOf(heap);
        }

        return DelegateSignature.ToValType(type) == wanted;
    }

    private static bool AcceptsResult(Type type, ValType wanted) => AcceptsArgument(type, wanted);

    private static HeapType TopOf(HeapType type) =>
        type == HeapType.Func || type == HeapType.NoFunc ? HeapType.Func
        : type == HeapType.Exn || type == HeapType.NoExn ? HeapType.Exn
        : HeapType.Any;

    // An argument of the host on the stack becomes what the guest takes.
    private static void EmitArgument(ILGenerator il, Type type, ValType wanted, int index)
    {
        if (wanted == ValType.FuncRef)
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Call, Entry(nameof(EntryOps.StoreOf)));
            il.Emit(OpCodes.Call, Dynamic(nameof(DynamicCall.CheckFunction)));
        }
        else if (wanted.IsReference && wanted != ValType.ExternRef)
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldc_I4, index);
            il.Emit(OpCodes.Call, Entry(nameof(EntryOps.CheckArgument)));
        }
        else
        {
            EmitNumberToGuest(il, type);
        }
    }

    private static void EmitNumberToGuest(ILGenerator il, Type type)
    {
        if (type == typeof(bool))
        {
            // A bool may hold any non-zero byte.
            il.Emit(OpCodes.Ldc_I4_0);
            il.Emit(OpCodes.Cgt_Un);
        }
    }

    private static void EmitToHost(ILGenerator il, Type type)
    {
        if (type == typeof(bool))
        {
            il.Emit(OpCodes.Ldc_I4_0);
            il.Emit(OpCodes.Cgt_Un);
        }
        else if (!type.IsValueType && type != typeof(object))
        {
            il.Emit(OpCodes.Castclass, type);
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Tuples keep their constructors when their types are used.")]
    private static void EmitResult(ILGenerator il, Type returnType, ImmutableArray<Type> results, FunctionType type, LocalBuilder[] locals)
    {
        for (int i = 0; i < locals.Length; i++)
        {
            il.Emit(OpCodes.Ldloc, locals[i]);
            EmitToHost(il, results[i]);
        }

        if (DelegateSignature.IsTuple(returnType))
        {
            EmitNewTuple(il, returnType);
        }
    }

    // A tuple's eighth field is a tuple of the rest: the innermost is made first, from the values on top.
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Tuples keep their constructors when their types are used.")]
    private static void EmitNewTuple(ILGenerator il, Type tuple)
    {
        Type[] arguments = tuple.GetGenericArguments();
        if (arguments.Length == 8)
        {
            EmitNewTuple(il, arguments[7]);
        }

        il.Emit(OpCodes.Newobj, tuple.GetConstructor(arguments)!);
    }

    [RequiresDynamicCode("Emits code.")]
    [UnconditionalSuppressMessage("Trimming", "IL2060", Justification = "Unsafe.As has no requirements.")]
    private Thunk EmitThunk(Type delegateType)
    {
        FunctionType type = DelegateSignature.ToFunctionType(delegateType);
        MethodInfo invoke = DelegateSignature.InvokeMethod(delegateType);
        ParameterInfo[] parameters = invoke.GetParameters();
        bool wantsCaller = parameters.Length > 0 && parameters[0].ParameterType == typeof(Caller);
        int skip = wantsCaller ? 1 : 0;
        Type? awaited = AsyncHostCall.AwaitedType(invoke.ReturnType);
        Type returned = awaited ?? invoke.ReturnType;
        (TypeBuilder builder, MethodBuilder method) = DefineThunk(type, AssembliesOfSignature(delegateType));
        ILGenerator il = method.GetILGenerator();
        int host = type.Parameters.Length;
        LocalBuilder? caller = null;
        LocalBuilder? previous = null;
        if (awaited is not null)
        {
            previous = il.DeclareLocal(typeof(SynchronizationContext));
            il.Emit(OpCodes.Call, typeof(AsyncHostCall).GetMethod(nameof(AsyncHostCall.Begin))!);
            il.Emit(OpCodes.Stloc, previous);
        }

        if (wantsCaller)
        {
            // The caller ends with the function, however that ends.
            caller = il.DeclareLocal(typeof(Caller));
            il.Emit(OpCodes.Ldarg, (short)host);
            il.Emit(OpCodes.Call, typeof(HostFunction).GetMethod(nameof(HostFunction.BeginCaller))!);
            il.Emit(OpCodes.Stloc, caller);
        }

        if (caller is not null || previous is not null)
        {
            il.BeginExceptionBlock();
        }

        il.Emit(OpCodes.Ldarg, (short)host);
        il.Emit(OpCodes.Ldfld, RuntimeMembers.HostCallback);
        il.Emit(OpCodes.Call, typeof(Unsafe).GetMethods().Single(static candidate => candidate.Name == nameof(Unsafe.As) && candidate.GetGenericArguments().Length == 1).MakeGenericMethod(delegateType));
        if (caller is not null)
        {
            il.Emit(OpCodes.Ldloc, caller);
        }

        for (int i = 0; i < host; i++)
        {
            il.Emit(OpCodes.Ldarg, (short)i);
            EmitToHost(il, parameters[i + skip].ParameterType);
        }

        il.Emit(OpCodes.Callvirt, invoke);
        if (awaited is not null)
        {
            il.Emit(OpCodes.Ldarg, (short)host);
            il.Emit(OpCodes.Call, AsyncHostCall.AwaitMethod(invoke.ReturnType));
        }

        if (caller is not null || previous is not null)
        {
            LocalBuilder? result = returned == typeof(void) ? null : il.DeclareLocal(returned);
            if (result is not null)
            {
                il.Emit(OpCodes.Stloc, result);
            }

            il.BeginFinallyBlock();
            if (caller is not null)
            {
                il.Emit(OpCodes.Ldarg, (short)host);
                il.Emit(OpCodes.Call, typeof(HostFunction).GetMethod(nameof(HostFunction.EndCaller))!);
            }

            if (previous is not null)
            {
                il.Emit(OpCodes.Ldloc, previous);
                il.Emit(OpCodes.Call, typeof(AsyncHostCall).GetMethod(nameof(AsyncHostCall.End))!);
            }

            il.EndExceptionBlock();
            if (result is not null)
            {
                il.Emit(OpCodes.Ldloc, result);
            }
        }

        EmitHostResults(il, returned, type);
        return FinishThunk(type, builder, method, wantsCaller);
    }

    // The first result is returned, the others go into the context.
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Tuples keep their fields when their types are used.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "Tuples keep their fields when their types are used.")]
    private static void EmitHostResults(ILGenerator il, Type returnType, FunctionType type)
    {
        int host = type.Parameters.Length;
        void LoadOwner() => il.Emit(OpCodes.Ldarg, (short)host);
        if (!DelegateSignature.IsTuple(returnType))
        {
            if (returnType != typeof(void))
            {
                EmitHostToGuest(il, returnType, type.Results[0], LoadOwner);
            }

            il.Emit(OpCodes.Ret);
            return;
        }

        LocalBuilder tuple = il.DeclareLocal(returnType);
        il.Emit(OpCodes.Stloc, tuple);
        for (int i = type.Results.Length - 1; i >= 0; i--)
        {
            il.Emit(OpCodes.Ldloca, tuple);
            Type current = returnType;
            int index = i;
            while (index >= 7 && current.GetGenericArguments().Length == 8)
            {
                FieldInfo rest = current.GetField("Rest")!;
                il.Emit(OpCodes.Ldflda, rest);
                current = rest.FieldType;
                index -= 7;
            }

            FieldInfo field = current.GetField(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Item{index + 1}"))!;
            il.Emit(OpCodes.Ldfld, field);
            EmitHostToGuest(il, field.FieldType, type.Results[i], LoadOwner);
            if (i > 0)
            {
                LoadOwner();
                il.Emit(OpCodes.Ldc_I4, i - 1);
                il.Emit(OpCodes.Call, Entry("PutResult" + ClrTypes.KindOf(type.Results[i])));
            }
        }

        il.Emit(OpCodes.Ret);
    }

    private static void EmitHostToGuest(ILGenerator il, Type type, ValType wanted, Action loadHost)
    {
        if (wanted.IsReference && wanted != ValType.ExternRef)
        {
            loadHost();
            il.Emit(OpCodes.Call, typeof(HostFunction).GetMethod(nameof(HostFunction.StoreOf))!);
            il.Emit(OpCodes.Call, Dynamic(wanted == ValType.FuncRef ? nameof(DynamicCall.CheckFunction) : nameof(DynamicCall.CheckReference)));
            return;
        }

        EmitNumberToGuest(il, type);
    }

    [RequiresDynamicCode("Emits code.")]
    private Thunk EmitBoundThunk(BoundImport definition)
    {
        FunctionType type = DelegateSignature.ToFunctionType(definition);
        (TypeBuilder builder, MethodBuilder method) = DefineThunk(type, [definition.Method.Module.Assembly, definition.StateType.Assembly]);
        ILGenerator il = method.GetILGenerator();
        int host = type.Parameters.Length;
        il.Emit(OpCodes.Ldarg, (short)host);
        il.Emit(OpCodes.Ldfld, RuntimeMembers.HostState);
        il.Emit(OpCodes.Castclass, definition.StateType);
        for (int i = 0; i < host; i++)
        {
            il.Emit(OpCodes.Ldarg, (short)i);
        }

        il.Emit(OpCodes.Call, definition.Method);
        EmitHostResults(il, definition.Method.ReturnType, type);
        return FinishThunk(type, builder, method, wantsCaller: false);
    }

    [RequiresDynamicCode("Emits code.")]
    private Thunk EmitListeningThunk(FunctionType type)
    {
        (TypeBuilder builder, MethodBuilder method) = DefineThunk(type, [], typeof(ListenedImport));
        ListenerEmitter.EmitThunk(method.GetILGenerator(), type);
        return FinishThunk(type, builder, method, wantsCaller: false);
    }

    [RequiresDynamicCode("Emits code.")]
    private Thunk EmitRawThunk(FunctionType type)
    {
        (TypeBuilder builder, MethodBuilder method) = DefineThunk(type, []);
        ILGenerator il = method.GetILGenerator();
        int host = type.Parameters.Length;
        LocalBuilder arguments = il.DeclareLocal(typeof(Value[]));
        LocalBuilder results = il.DeclareLocal(typeof(Value[]));
        il.Emit(OpCodes.Ldc_I4, host);
        il.Emit(OpCodes.Newarr, typeof(Value));
        il.Emit(OpCodes.Stloc, arguments);
        for (int i = 0; i < host; i++)
        {
            il.Emit(OpCodes.Ldarg, (short)i);
            EmitSpan(il, arguments, typeof(Span<Value>));
            il.Emit(OpCodes.Ldc_I4, i);
            if (type.Parameters[i].IsReference)
            {
                il.Emit(OpCodes.Ldarg, (short)host);
                il.Emit(OpCodes.Call, Dynamic(nameof(DynamicCall.SetArgument)));
                continue;
            }

            il.Emit(OpCodes.Call, Dynamic(NameOf("Set", type.Parameters[i])));
        }

        il.Emit(OpCodes.Ldloc, arguments);
        il.Emit(OpCodes.Ldarg, (short)host);
        il.Emit(OpCodes.Call, Dynamic(nameof(DynamicCall.CallHost)));
        il.Emit(OpCodes.Stloc, results);
        for (int i = type.Results.Length - 1; i >= 0; i--)
        {
            EmitSpan(il, results, typeof(ReadOnlySpan<Value>));
            il.Emit(OpCodes.Ldc_I4, i);
            il.Emit(OpCodes.Call, Dynamic(NameOf("Get", type.Results[i])));
            if (i > 0)
            {
                il.Emit(OpCodes.Ldarg, (short)host);
                il.Emit(OpCodes.Ldc_I4, i - 1);
                il.Emit(OpCodes.Call, Entry("PutResult" + ClrTypes.KindOf(type.Results[i])));
            }
        }

        il.Emit(OpCodes.Ret);
        return FinishThunk(type, builder, method, wantsCaller: true);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Spans keep their conversions.")]
    private static void EmitSpan(ILGenerator il, LocalBuilder array, Type span)
    {
        il.Emit(OpCodes.Ldloc, array);
        il.Emit(OpCodes.Call, span.GetMethod("op_Implicit", [typeof(Value[])])!);
    }

    [RequiresDynamicCode("Emits code.")]
    private static (TypeBuilder Builder, MethodBuilder Method) DefineThunk(FunctionType type, IEnumerable<Assembly> friends, Type? target = null)
    {
        TypeBuilder builder = EmittedAssembly.Create(friends).DefineType("Thunk", TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed);
        MethodBuilder method = builder.DefineMethod(
            "call", MethodAttributes.Public | MethodAttributes.Static, ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, target ?? typeof(HostFunction)));
        method.SetImplementationFlags(MethodImplAttributes.IL | MethodImplAttributes.NoInlining);
        method.InitLocals = false;
        return (builder, method);
    }

    private Thunk FinishThunk(FunctionType type, TypeBuilder builder, MethodBuilder method, bool wantsCaller)
    {
        MethodInfo created = Finish(builder, method);
        return new Thunk(type, engine.Types.GetFunctionTypeId(type), created.MethodHandle.GetFunctionPointer(), created, wantsCaller);
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
