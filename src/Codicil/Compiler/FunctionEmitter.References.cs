using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Format.Types;
using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>Variables, references and tables.</summary>
internal sealed partial class FunctionEmitter
{
    private bool EmitReference(in Instruction instruction)
    {
        int index = (int)instruction.Index;
        switch (instruction.Opcode)
        {
            case Opcode.LocalGet:
                Materialize();
                _pending = PendingKind.Local;
                _pendingOperand = new PendingOperand(OperandKind.Reference, (ulong)index, IsLocal: true);
                Push();
                return true;
            case Opcode.LocalSet:
                Materialize(isPlain: true);
                EnsureTop(1);
                EmitStoreLocal(index);
                Pop(1);
                return true;
            case Opcode.LocalTee:
                // A tee is a set and a get, and the get can wait for its consumer.
                EnsureTop(1);
                EmitStoreLocal(index);
                _pending = PendingKind.Local;
                _pendingOperand = new PendingOperand(OperandKind.Reference, (ulong)index, IsLocal: true);
                return true;
            case Opcode.GlobalGet:
                EmitGlobalGet(index);
                return true;
            case Opcode.GlobalSet:
                EmitGlobalSet(index);
                return true;
            case Opcode.RefNull:
                Materialize();
                _il.Emit(OpCodes.Ldnull);
                Push();
                return true;
            case Opcode.RefIsNull:
                EnsureTop(1);
                _il.Emit(OpCodes.Ldnull);
                _il.Emit(OpCodes.Ceq);
                return true;
            case Opcode.RefAsNonNull:
                EmitAsNonNull();
                return true;
            case Opcode.BrOnNull:
                EmitBranchOnNull(index);
                return true;
            case Opcode.BrOnNonNull:
                EmitBranchOnNonNull(index);
                return true;
            case Opcode.RefFunc:
                Materialize();
                _il.LoadInt32(index);
                LoadInstance();
                _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.RefFunc)));
                Push();
                return true;
            case Opcode.TableGet:
                EnsureTop(1);
                EmitTableOperands(Is64Table(index));
                EmitLoadTable(index);
                _il.Call(RuntimeMembers.Operation(IsFunctionTable(index) ? nameof(InstanceOps.TableGetFunction) : nameof(InstanceOps.TableGetObject)));
                return true;
            case Opcode.TableSet:
                EnsureTop(2);
                EmitTableOperands(Is64Table(index), false);
                EmitLoadTable(index);
                _il.Call(RuntimeMembers.Operation(IsFunctionTable(index) ? nameof(InstanceOps.TableSetFunction) : nameof(InstanceOps.TableSetObject)));
                Pop(2);
                return true;
            case Opcode.TableSize:
                Materialize();
                EmitLoadTable(index);
                _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.TableSize)));
                EmitTableSize(index);
                Push();
                return true;
            case Opcode.TableGrow:
                EnsureTop(2);
                EmitTableOperands(Is64Table(index));
                EmitLoadTable(index);
                _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.TableGrow)));
                EmitTableSize(index);
                Pop(1);
                return true;
            case Opcode.TableFill:
                EnsureTop(3);
                EmitTableOperands(Is64Table(index), false, Is64Table(index));
                EmitLoadTable(index);
                CallOperation(nameof(InstanceOps.TableFill), 3);
                return true;
            case Opcode.TableCopy:
                EnsureTop(3);
                EmitTableOperands(Is64Table(index), Is64Table((int)instruction.SecondIndex), Is64Table(index) && Is64Table((int)instruction.SecondIndex));
                EmitLoadTable(index);
                EmitLoadTable((int)instruction.SecondIndex);
                CallOperation(nameof(InstanceOps.TableCopy), 3);
                return true;
            case Opcode.TableInit:
                EnsureTop(3);
                EmitTableOperands(Is64Table((int)instruction.SecondIndex), false, false);
                _il.LoadInt32(index);
                EmitLoadTable((int)instruction.SecondIndex);
                CallOperation(nameof(InstanceOps.TableInit), 3);
                return true;
            case Opcode.ElemDrop:
                Materialize();
                _il.LoadInt32(index);
                CallOperation(nameof(InstanceOps.ElementDrop), 0);
                return true;
            default:
                return false;
        }
    }

    private void EmitAsNonNull()
    {
        if (!_validator.PeekOperand(0).IsNullable)
        {
            return;
        }

        LocalBuilder reference = Scratch(OperandKind.Reference);
        EnsureTop(1);
        _il.Operands = _onStack - 1;
        _il.StoreLocal(reference);
        EmitNullCheck(reference);
        _il.LoadLocal(reference);
    }

    // The reference stays in its place, whether anybody looks at it there or not.
    private LocalBuilder EmitReferenceInPlace()
    {
        Flush();
        LocalBuilder reference = Slot(_count - 1, OperandKind.Reference);
        _il.LoadLocal(reference);
        return reference;
    }

    private void EmitBranchOnNull(int depth)
    {
        _ = EmitReferenceInPlace();
        _count--;
        EmitConditionalJump(depth, whenTrue: false);
        _count++;
        _onStack = 0;
    }

    private void EmitBranchOnNonNull(int depth)
    {
        _ = EmitReferenceInPlace();
        EmitConditionalJump(depth, whenTrue: true);
        _count--;
        _onStack = 0;
    }

    private bool Is64Table(int index) => _format.Tables[index].Is64;

    // Indices and lengths of 64 bits among the operands on top become those of 32: what no i32 holds is beyond every table, and becomes the greatest.
    private void EmitTableOperands(params ReadOnlySpan<bool> areWide)
    {
        int first = areWide.IndexOf(true);
        if (first < 0)
        {
            return;
        }

        int position = _count - areWide.Length;
        var above = new LocalBuilder[areWide.Length - first - 1];
        for (int i = above.Length - 1; i >= 0; i--)
        {
            OperandKind kind = KindAt(position + first + 1 + i);
            if (areWide[first + 1 + i])
            {
                _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.ClampIndex)));
                kind = OperandKind.I32;
            }

            above[i] = Scratch(kind);
            _il.StoreLocal(above[i]);
        }

        _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.ClampIndex)));
        foreach (LocalBuilder operand in above)
        {
            _il.LoadLocal(operand);
        }
    }

    // -1 stays -1.
    private void EmitTableSize(int index)
    {
        if (Is64Table(index))
        {
            _il.Emit(OpCodes.Conv_I8);
        }
    }

    private bool IsFunctionTable(int index) => References.IsFunction(_format.Tables[index].ElementType, _module.Module.Owner.Types);

    private void EmitLoadVariable(int index)
    {
        if (index < _parameterCount)
        {
            _il.LoadArgument(index);
        }
        else
        {
            _il.LoadLocal(_locals[index - _parameterCount]);
        }
    }

    private void EmitStoreLocal(int index)
    {
        if (index < _parameterCount)
        {
            _il.StoreArgument(index);
        }
        else
        {
            _il.StoreLocal(_locals[index - _parameterCount]);
        }
    }

    private void EmitGlobalGet(int index)
    {
        GlobalType type = _format.Globals[index];
        OperandKind kind = ClrTypes.KindOf(type.Type);
        Materialize();
        if (_module.Module.ConstantGlobals[index] is ulong constant)
        {
            _pending = PendingKind.Constant;
            _pendingOperand = new PendingOperand(kind, constant, IsLocal: false);
            Push();
            return;
        }

        if (kind == OperandKind.Reference)
        {
            EmitLoadGlobalObject(index);
            _il.LoadField(RuntimeMembers.GlobalReference);
        }
        else
        {
            EmitGlobalAddress(index);
            EmitLoadIndirect(kind);
        }

        Push();
    }

    private void EmitGlobalSet(int index)
    {
        OperandKind kind = ClrTypes.KindOf(_format.Globals[index].Type);
        EnsureTop(1);
        LocalBuilder value = Scratch(kind);
        _il.StoreLocal(value);
        if (kind == OperandKind.Reference)
        {
            EmitLoadGlobalObject(index);
            _il.LoadLocal(value);
            _il.StoreField(RuntimeMembers.GlobalReference);
        }
        else
        {
            EmitGlobalAddress(index);
            _il.LoadLocal(value);
            EmitStoreIndirect(kind);
        }

        Pop(1);
    }

    private void EmitGlobalAddress(int index)
    {
        int slot = _module.Module.InlineGlobalSlots[index];
        if (slot >= 0)
        {
            LoadInstance();
            _il.LoadFieldAddress(RuntimeMembers.InlineGlobals);
            if (slot > 0)
            {
                _il.LoadInt32(slot * sizeof(ulong));
                _il.Emit(OpCodes.Add);
            }

            return;
        }

        EmitLoadGlobalObject(index);
        _il.LoadFieldAddress(_format.Globals[index].Type == ValType.V128 ? RuntimeMembers.GlobalVector : RuntimeMembers.GlobalBits);
    }

    private void EmitLoadGlobalObject(int index)
    {
        LoadInstance();
        _il.LoadField(RuntimeMembers.Globals);
        _il.LoadInt32(index);
        _il.Emit(OpCodes.Ldelem_Ref);
    }
}
