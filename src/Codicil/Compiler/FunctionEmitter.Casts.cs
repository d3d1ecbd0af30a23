using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Format.Types;
using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// Tests and casts. What an object is stands in its type: for a defined type, final or not, the question is whether the ancestor at that type's depth is
/// the type, which is two loads and a comparison with a constant.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private bool EmitCast(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.RefTest or Opcode.RefTestNull:
                {
                    ValType source = _validator.PeekOperand(0);
                    EnsureTop(1);
                    LocalBuilder reference = Scratch(OperandKind.Reference);
                    _il.Operands = _onStack - 1;
                    _il.StoreLocal(reference);
                    EmitTest(reference, source, ValType.Reference(instruction.Opcode == Opcode.RefTestNull, instruction.HeapType));
                    return true;
                }

            case Opcode.RefCast or Opcode.RefCastNull:
                EmitRefCast(ValType.Reference(instruction.Opcode == Opcode.RefCastNull, instruction.HeapType));
                return true;
            case Opcode.BrOnCast or Opcode.BrOnCastFail:
                {
                    ValType source = _validator.PeekOperand(0);
                    ValType target = ValType.Reference((instruction.CastFlags & 2) != 0, instruction.TargetHeapType);
                    Flush();
                    EmitTest(Slot(_count - 1, OperandKind.Reference), source, target);
                    EmitConditionalJump((int)instruction.Index, whenTrue: instruction.Opcode == Opcode.BrOnCast);
                    _onStack = 0;
                    return true;
                }

            case Opcode.RefEq:
                EnsureTop(2);
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.RefEqual)));
                Pop(1);
                return true;
            case Opcode.AnyConvertExtern:
                EnsureTop(1);
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.Internalize)));
                return true;
            case Opcode.ExternConvertAny:
                EnsureTop(1);
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.Externalize)));
                return true;
            default:
                return false;
        }
    }

    private void EmitRefCast(ValType target)
    {
        ValType source = _validator.PeekOperand(0);
        if (Matches(source, target))
        {
            return;
        }

        EnsureTop(1);
        LocalBuilder reference = Scratch(OperandKind.Reference);
        _il.Operands = _onStack - 1;
        _il.StoreLocal(reference);
        Label success = _il.DefineLabel();
        bool isOfHeapType = Matches(ValType.Reference(false, source.HeapType), target);
        if (source.IsNullable && target.IsNullable)
        {
            _il.LoadLocal(reference);
            _il.Branch(OpCodes.Brfalse, success);
        }
        else if (source.IsNullable && !isOfHeapType)
        {
            Label present = _il.DefineLabel();
            _il.LoadLocal(reference);
            _il.Branch(OpCodes.Brtrue, present);
            _il.Call(RuntimeMembers.Trap(nameof(Traps.CastFailure)));
            _il.Mark(present);
        }

        EmitTestOfObject(reference, source, target);
        _il.Branch(OpCodes.Brtrue, success);
        _il.Call(RuntimeMembers.Trap(nameof(Traps.CastFailure)));
        _il.Mark(success);
        _il.LoadLocal(reference);
    }

    /// <summary>Whether a reference is of a type, as 0 or 1.</summary>
    private void EmitTest(LocalBuilder reference, ValType source, ValType target)
    {
        if (Matches(source, target))
        {
            _il.LoadInt32(1);
            return;
        }

        if (!source.IsNullable || (!target.IsNullable && Matches(ValType.Reference(false, source.HeapType), target)))
        {
            EmitTestOfObject(reference, source, target);
            return;
        }

        LocalBuilder result = Scratch(OperandKind.I32);
        Label done = _il.DefineLabel();
        _il.LoadInt32(target.IsNullable ? 1 : 0);
        _il.StoreLocal(result);
        _il.LoadLocal(reference);
        _il.Branch(OpCodes.Brfalse, done);
        EmitTestOfObject(reference, source, target);
        _il.StoreLocal(result);
        _il.Mark(done);
        _il.LoadLocal(result);
    }

    // The reference is not null, or its being so is all that is asked.
    private void EmitTestOfObject(LocalBuilder reference, ValType source, ValType target)
    {
        HeapType heap = target.HeapType;
        if (Matches(ValType.Reference(false, source.HeapType), ValType.Reference(false, heap)))
        {
            _il.LoadLocal(reference);
            _il.Emit(OpCodes.Ldnull);
            _il.Emit(OpCodes.Cgt_Un);
        }
        else if (heap.IsConcrete)
        {
            EmitTestOfDefinedType(reference, heap.TypeIndex);
        }
        else if (heap == HeapType.Eq)
        {
            EmitLoadKind(reference);
            _il.LoadInt32((int)GcKind.Host);
            _il.Emit(OpCodes.Cgt_Un);
        }
        else if (heap == HeapType.I31 || heap == HeapType.Struct || heap == HeapType.Array)
        {
            EmitLoadKind(reference);
            _il.LoadInt32((int)(heap == HeapType.I31 ? GcKind.I31 : heap == HeapType.Struct ? GcKind.Struct : GcKind.Array));
            _il.Emit(OpCodes.Ceq);
        }
        else
        {
            // The bottom of a hierarchy: only null is of it.
            _il.LoadInt32(0);
        }
    }

    private void EmitLoadKind(LocalBuilder reference)
    {
        _il.LoadLocal(reference);
        _il.LoadField(RuntimeMembers.ObjectType);
        _il.LoadField(RuntimeMembers.ObjectKind);
    }

    private void EmitTestOfDefinedType(LocalBuilder reference, int typeIndex)
    {
        CanonicalType type = _module.Module.Owner.CanonicalTypes[typeIndex];
        _il.LoadLocal(reference);
        if (type.Kind == CompositeKind.Function)
        {
            _il.LoadInt64(type.Id);
            _il.Call(RuntimeMembers.Gc(nameof(GcOps.IsFunction)));
            return;
        }

        if (type.Depth >= GcType.InlineDepths)
        {
            _il.LoadInt32(type.Depth);
            _il.LoadInt64(type.Id);
            _il.Call(RuntimeMembers.Gc(nameof(GcOps.HasAncestor)));
            return;
        }

        _il.LoadField(RuntimeMembers.ObjectType);
        _il.LoadField(RuntimeMembers.Ancestor(type.Depth));
        _il.LoadInt64(type.Id);
        _il.Emit(OpCodes.Ceq);
    }

    private bool Matches(ValType sub, ValType super) => TypeMatching.Matches(sub, super, _module.Module.Owner.Types);
}
