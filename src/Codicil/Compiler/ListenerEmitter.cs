using System.Reflection;
using System.Reflection.Emit;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Compiler;

/// <summary>Emits the code around a function that a listener hears of.</summary>
internal static class ListenerEmitter
{
    private static readonly FieldInfo s_importer = typeof(ListenedImport).GetField(nameof(ListenedImport.Importer))!;
    private static readonly FieldInfo s_index = typeof(ListenedImport).GetField(nameof(ListenedImport.FunctionIndex))!;
    private static readonly FieldInfo s_target = typeof(ListenedImport).GetField(nameof(ListenedImport.Target))!;
    private static readonly FieldInfo s_code = typeof(ListenedImport).GetField(nameof(ListenedImport.Code))!;

    /// <summary>Emits the way through a function's entry to its body, whose last argument is the instance.</summary>
    public static void EmitEntry(ILGenerator il, FunctionType type, int functionIndex, MethodInfo body)
    {
        int instance = type.Parameters.Length;
        EmitListening(
            il,
            type,
            () => il.Emit(OpCodes.Ldarg, (short)instance),
            () => il.Emit(OpCodes.Ldc_I4, functionIndex),
            () =>
            {
                EmitArguments(il, type);
                il.Emit(OpCodes.Ldarg, (short)instance);
                il.Emit(OpCodes.Call, body);
            });
    }

    /// <summary>Emits the way to a host function, from a <see cref="ListenedImport"/> in the last argument.</summary>
    public static void EmitThunk(ILGenerator il, FunctionType type)
    {
        int import = type.Parameters.Length;
        EmitListening(
            il,
            type,
            () => LoadOfImport(s_importer),
            () => LoadOfImport(s_index),
            () =>
            {
                EmitArguments(il, type);
                LoadOfImport(s_target);
                LoadOfImport(s_code);
                il.EmitCalli(OpCodes.Calli, CallingConventions.Standard, ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(object)), null);
            });

        void LoadOfImport(FieldInfo field)
        {
            il.Emit(OpCodes.Ldarg, (short)import);
            il.Emit(OpCodes.Ldfld, field);
        }
    }

    // enter; before; try { try { call } filter { keep the exception, catch nothing } } fault { abort }; after.
    // The filter runs in the first pass of the exception's way, where it is known; the fault block in the second, in the order in which frames end. A catch that rethrows
    // would keep the frames below it on the stack for each level of a deep recursion.
    private static void EmitListening(ILGenerator il, FunctionType type, Action loadInstance, Action loadIndex, Action call)
    {
        LocalBuilder values = il.DeclareLocal(typeof(Span<Value>));
        LocalBuilder exception = il.DeclareLocal(typeof(Exception));
        LocalBuilder? result = type.Results.IsEmpty ? null : il.DeclareLocal(ClrTypes.Of(type.Results[0]));
        il.Emit(OpCodes.Ldnull);
        il.Emit(OpCodes.Stloc, exception);
        loadInstance();
        loadIndex();
        il.Emit(OpCodes.Call, Operation(nameof(ListenerOps.Enter)));
        il.Emit(OpCodes.Stloc, values);
        for (int i = 0; i < type.Parameters.Length; i++)
        {
            il.Emit(OpCodes.Ldarg, (short)i);
            EmitSet(il, values, i, type.Parameters[i]);
        }

        loadInstance();
        il.Emit(OpCodes.Ldloc, values);
        il.Emit(OpCodes.Call, Operation(nameof(ListenerOps.Before)));

        il.BeginExceptionBlock();
        il.BeginExceptionBlock();
        call();
        if (result is not null)
        {
            il.Emit(OpCodes.Stloc, result);
        }

        il.BeginExceptFilterBlock();
        il.Emit(OpCodes.Castclass, typeof(Exception));
        il.Emit(OpCodes.Stloc, exception);
        il.Emit(OpCodes.Ldc_I4_0);
        il.BeginCatchBlock(null!);
        il.Emit(OpCodes.Pop);
        il.EndExceptionBlock();
        il.BeginFaultBlock();
        loadInstance();
        il.Emit(OpCodes.Ldloc, exception);
        il.Emit(OpCodes.Call, Operation(nameof(ListenerOps.Abort)));
        il.EndExceptionBlock();

        if (result is not null)
        {
            il.Emit(OpCodes.Ldloc, result);
            EmitSet(il, values, 0, type.Results[0]);
        }

        loadInstance();
        il.Emit(OpCodes.Ldloc, values);
        il.Emit(OpCodes.Call, Operation(nameof(ListenerOps.After)));
        if (result is not null)
        {
            il.Emit(OpCodes.Ldloc, result);
        }

        il.Emit(OpCodes.Ret);
    }

    private static void EmitArguments(ILGenerator il, FunctionType type)
    {
        for (int i = 0; i < type.Parameters.Length; i++)
        {
            il.Emit(OpCodes.Ldarg, (short)i);
        }
    }

    private static void EmitSet(ILGenerator il, LocalBuilder values, int index, ValType type)
    {
        il.Emit(OpCodes.Ldloc, values);
        il.Emit(OpCodes.Ldc_I4, index);
        il.Emit(OpCodes.Call, typeof(DynamicCall).GetMethod("Set" + Kind(type), BindingFlags.Static | BindingFlags.Public)!);

        static string Kind(ValType type) =>
            type == ValType.FuncRef ? "Function"
            : type == ValType.ExternRef ? "Extern"
            : ClrTypes.KindOf(type).ToString();
    }

    private static MethodInfo Operation(string name) => typeof(ListenerOps).GetMethod(name, BindingFlags.Static | BindingFlags.Public)!;
}
