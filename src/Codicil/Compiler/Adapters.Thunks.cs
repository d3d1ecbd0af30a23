using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Compiler;

/// <summary>From WebAssembly to the host: a thunk for a delegate type, a bound import, a listener.</summary>
internal sealed partial class Adapters
{
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
    private static Thunk EmitBoundThunk(BoundImport definition)
    {
        FunctionType type = definition.Shape.Type;
        (TypeBuilder builder, MethodBuilder method) = DefineThunk(type, [definition.Method.Module.Assembly, definition.StateType.Assembly]);
        ILGenerator il = method.GetILGenerator();
        int host = type.Parameters.Length;
        void LoadState()
        {
            il.Emit(OpCodes.Ldarg, (short)host);
            il.Emit(OpCodes.Ldfld, RuntimeMembers.HostState);
            il.Emit(OpCodes.Castclass, definition.StateType);
        }

        if (definition.StateIsFirst)
        {
            LoadState();
        }

        for (int i = 0; i < host; i++)
        {
            il.Emit(OpCodes.Ldarg, (short)i);
            EmitToHost(il, definition.Parameters[i].ParameterType);
        }

        if (!definition.StateIsFirst)
        {
            LoadState();
        }

        il.Emit(OpCodes.Call, definition.Method);
        EmitHostResults(il, definition.Method.ReturnType, type);
        return FinishThunk(type, builder, method, wantsCaller: false);
    }

    [RequiresDynamicCode("Emits code.")]
    private static Thunk EmitListeningThunk(FunctionType type)
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

    private static Thunk FinishThunk(FunctionType type, TypeBuilder builder, MethodBuilder method, bool wantsCaller)
    {
        MethodInfo created = Finish(builder, method);
        return new Thunk(type, created.MethodHandle.GetFunctionPointer(), created, wantsCaller);
    }
}
