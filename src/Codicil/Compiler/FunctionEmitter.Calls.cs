using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

using Codicil.Format.Types;
using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>Calls and results. The target is the last argument, so that the operands need not be moved for it.</summary>
internal sealed partial class FunctionEmitter
{
    private void EmitCall(int functionIndex)
    {
        FunctionType type = _format.GetTypeOfFunction(functionIndex);
        int parameters = type.Parameters.Length;
        EnsureTop(parameters);
        if (functionIndex >= _format.ImportedFunctionCount)
        {
            LoadInstance();
            _il.Call(_module.GetCallee(functionIndex));
        }
        else if (FindBoundImport(functionIndex) is BoundImport bound)
        {
            EmitBoundCall(functionIndex, bound, type);
        }
        else
        {
            EmitLoadImport(functionIndex);
            _il.CallIndirect(ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(object)));
        }

        Pop(parameters);
        PushResults(type);
    }

    // The target and the code of an imported function, which are what they were when the instance was linked.
    private void EmitLoadImport(int functionIndex)
    {
        if (functionIndex < InlineImports.Capacity)
        {
            EmitInlineImportAddress(functionIndex);
            _il.LoadField(RuntimeMembers.ImportTarget);
            EmitInlineImportAddress(functionIndex);
            _il.LoadField(RuntimeMembers.ImportCode);
            return;
        }

        LocalBuilder function = ScratchFunction();
        LoadInstance();
        _il.LoadField(RuntimeMembers.ImportedFunctions);
        _il.LoadInt32(functionIndex);
        _il.Emit(OpCodes.Ldelem_Ref);
        _il.StoreLocal(function);
        EmitLoadTarget(function);
    }

    private void EmitInlineImportAddress(int functionIndex)
    {
        LoadInstance();
        _il.LoadFieldAddress(RuntimeMembers.InlineImports);
        _il.LoadInt32(functionIndex * InlineImports.EntryBytes);
        _il.Emit(OpCodes.Add);
    }

    // A direct call of the method. Where the state comes first, the operands are moved for it.
    private void EmitBoundCall(int functionIndex, BoundImport bound, FunctionType type)
    {
        LocalBuilder[] arguments = bound.StateIsFirst ? new LocalBuilder[type.Parameters.Length] : [];
        for (int i = arguments.Length - 1; i >= 0; i--)
        {
            arguments[i] = Scratch(ClrTypes.KindOf(type.Parameters[i]));
            _il.StoreLocal(arguments[i]);
        }

        int slot = _module.Module.StateSlots[functionIndex];
        if (_states[slot] is LocalBuilder state)
        {
            _il.LoadLocal(state);
        }
        else
        {
            EmitLoadState(slot);
        }

        foreach (LocalBuilder argument in arguments)
        {
            _il.LoadLocal(argument);
        }

        _il.Call(_module.GetBoundCallee(functionIndex, bound));
    }

    // The bound import that a function index is in this variant of the code, or null.
    private BoundImport? FindBoundImport(int functionIndex) =>
        functionIndex < _format.ImportedFunctionCount && _module.Variant.UsesBoundImports ? _module.Module.BoundImports[functionIndex] : null;

    private void EmitLoadState(int slot)
    {
        LoadInstance();
        _il.LoadFieldAddress(RuntimeMembers.States);
        _il.LoadInt32(slot * IntPtr.Size);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldind_Ref);
    }

    private void EmitCallIndirect(int typeIndex, int tableIndex)
    {
        FunctionType type = _format.GetFunctionType(typeIndex);
        LocalBuilder function = EmitIndirectCallee(typeIndex, tableIndex);
        int parameters = type.Parameters.Length;
        EnsureTop(parameters);
        EmitCallOfReference(function, type);
        Pop(parameters);
        PushResults(type);
    }

    /// <summary>Takes the index on top: the function of the type that the table has there, with its code.</summary>
    private LocalBuilder EmitIndirectCallee(int typeIndex, int tableIndex)
    {
        long typeId = _module.Module.Owner.CanonicalTypes[typeIndex].Id;
        LocalBuilder index = Scratch(OperandKind.I32);
        LocalBuilder functions = ScratchFunctions();
        LocalBuilder function = ScratchFunction();
        EnsureTop(1);
        EmitTableOperands(Is64Table(tableIndex));
        _il.StoreLocal(index);
        Pop(1);
        Flush();

        EmitLoadTable(tableIndex);
        _il.LoadField(RuntimeMembers.TableFunctions);
        _il.StoreLocal(functions);
        EmitIndexCheck(index, functions, nameof(Traps.UndefinedElement));
        _il.LoadLocal(functions);
        _il.LoadLocal(index);
        _il.Emit(OpCodes.Ldelem_Ref);
        _il.StoreLocal(function);

        Label ready = _il.DefineLabel();
        _il.LoadLocal(function);
        if (!X86Base.IsSupported)
        {
            // The code is published before the type id, and must be read behind it. Processors of this family keep the order of loads; others need to
            // be told. (What is reached through the reference itself is read in order everywhere.)
            _il.Emit(OpCodes.Volatile);
        }

        _il.LoadField(RuntimeMembers.FunctionTypeId);
        _il.LoadInt64(typeId);
        _il.Branch(OpCodes.Beq, ready);
        _il.LoadLocal(function);
        _il.LoadInt64(typeId);
        _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.ResolveIndirect)));
        _il.StoreLocal(function);
        _il.Mark(ready);
        return function;
    }

    /// <summary>A trap unless the array has an element at the index; the JIT knows it from here on.</summary>
    private void EmitIndexCheck(LocalBuilder index, LocalBuilder array, string trap)
    {
        Label inside = _il.DefineLabel();
        _il.LoadLocal(index);
        _il.LoadLocal(array);
        _il.Emit(OpCodes.Ldlen);
        _il.Emit(OpCodes.Conv_I4);
        _il.Branch(OpCodes.Blt_Un, inside);
        _il.Call(RuntimeMembers.Trap(trap));
        _il.Mark(inside);
    }

    private void EmitCallOfReference(LocalBuilder function, FunctionType type)
    {
        EmitLoadTarget(function);
        _il.CallIndirect(ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(object)));
    }

    // Target and code are read in this order; only the code ever changes, from 0 to its address.
    private void EmitLoadTarget(LocalBuilder function)
    {
        _il.LoadLocal(function);
        _il.LoadField(RuntimeMembers.FunctionTarget);
        _il.LoadLocal(function);
        _il.LoadField(RuntimeMembers.FunctionCode);
    }

    private void PushResults(FunctionType type)
    {
        for (int i = 0; i < type.Results.Length; i++)
        {
            if (i > 0)
            {
                EmitLoadExtraResult(i - 1, ClrTypes.KindOf(type.Results[i]));
            }

            Push();
        }
    }

    private void EmitStoreExtraResult(int index, OperandKind kind, LocalBuilder value)
    {
        LoadInstance();
        _il.LoadField(RuntimeMembers.Context);
        if (kind == OperandKind.Reference)
        {
            _il.LoadField(RuntimeMembers.ExtraReferences);
            _il.LoadInt32(index);
            _il.LoadLocal(value);
            _il.Emit(OpCodes.Stelem_Ref);
            return;
        }

        EmitExtraResultAddress(index);
        _il.LoadLocal(value);
        EmitStoreIndirect(kind);
    }

    private void EmitLoadExtraResult(int index, OperandKind kind)
    {
        if (kind == OperandKind.Reference)
        {
            _il.LoadInt32(index);
            LoadInstance();
            _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.TakeReference)));
            return;
        }

        LoadInstance();
        _il.LoadField(RuntimeMembers.Context);
        EmitExtraResultAddress(index);
        EmitLoadIndirect(kind);
    }

    private void EmitExtraResultAddress(int index)
    {
        _il.LoadField(RuntimeMembers.ExtraResults);
        if (index > 0)
        {
            _il.LoadInt32(index * Runtime.ExecutionContext.ExtraResultBytes);
            _il.Emit(OpCodes.Add);
        }
    }

    private void EmitLoadIndirect(OperandKind kind)
    {
        if (kind == OperandKind.V128)
        {
            _il.EmitUnaligned(OpCodes.Ldobj, typeof(Vector128<byte>));
            return;
        }

        _il.Emit(kind switch
        {
            OperandKind.I32 => OpCodes.Ldind_I4,
            OperandKind.I64 => OpCodes.Ldind_I8,
            OperandKind.F32 => OpCodes.Ldind_R4,
            _ => OpCodes.Ldind_R8,
        });
    }

    private void EmitStoreIndirect(OperandKind kind)
    {
        if (kind == OperandKind.V128)
        {
            _il.EmitUnaligned(OpCodes.Stobj, typeof(Vector128<byte>));
            return;
        }

        _il.Emit(kind switch
        {
            OperandKind.I32 => OpCodes.Stind_I4,
            OperandKind.I64 => OpCodes.Stind_I8,
            OperandKind.F32 => OpCodes.Stind_R4,
            _ => OpCodes.Stind_R8,
        });
    }

    private void EmitLoadTable(int tableIndex)
    {
        LoadInstance();
        if (tableIndex == 0)
        {
            _il.LoadField(RuntimeMembers.Table0);
            return;
        }

        _il.LoadField(RuntimeMembers.Tables);
        _il.LoadInt32(tableIndex);
        _il.Emit(OpCodes.Ldelem_Ref);
    }
}
