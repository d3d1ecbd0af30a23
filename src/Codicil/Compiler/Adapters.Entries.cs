using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Compiler;

/// <summary>From the host into WebAssembly: an entry for a delegate type and a function type.</summary>
internal sealed partial class Adapters
{
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
}
