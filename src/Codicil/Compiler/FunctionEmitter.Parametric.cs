using System.Reflection.Emit;

using Codicil.Format.Instructions;

namespace Codicil.Compiler;

/// <summary>The parametric instructions: drop and select.</summary>
internal sealed partial class FunctionEmitter
{
    /// <summary>Whether the topmost operand is a mutable global, or tells whether one is 0.</summary>
    private bool _isGlobalOnTop;

    private void FollowGlobal(in Instruction instruction) => _isGlobalOnTop = instruction.Opcode switch
    {
        Opcode.GlobalGet => _format.Globals[(int)instruction.Index].IsMutable,
        Opcode.I32Eqz or Opcode.I64Eqz => _isGlobalOnTop,
        _ => false,
    };

    private void EmitDrop()
    {
        if (_pending is PendingKind.Constant or PendingKind.Local)
        {
            _pending = PendingKind.None;
            Pop(1);
            return;
        }

        Materialize();
        if (_onStack > 0)
        {
            _il.Emit(OpCodes.Pop);
            _onStack--;
        }

        _count--;
    }

    private void EmitSelect()
    {
        OperandKind kind = KindAt(_count - 2);
        if (!_isGlobalOnTop && kind is OperandKind.I32 or OperandKind.I64)
        {
            EmitIntegerSelect(kind);
        }
        else
        {
            EmitBranchingSelect(kind);
        }
    }

    // The JIT makes no conditional moves inside loops, and data-dependent selects mispredict there: b ^ ((a ^ b) & mask) instead. A global seldom changes there.
    private void EmitIntegerSelect(OperandKind kind)
    {
        if (_pending == PendingKind.Comparison && _onStack < 3)
        {
            EnsureTop(3);
        }

        Comparison comparison = new(Relation.NotZero, OperandKind.I32, IsNegated: false);
        if (_pending == PendingKind.Comparison)
        {
            comparison = _comparison;
            _pending = PendingKind.None;
        }

        EnsureTop(3);
        bool isInverted = EmitMask(comparison, kind);
        LocalBuilder mask = Scratch(kind);
        LocalBuilder second = Scratch(kind);
        _il.StoreLocal(mask);
        _il.StoreLocal(second);
        LocalBuilder kept = second;
        if (isInverted)
        {
            kept = Scratch(kind);
            _il.StoreLocal(kept);
            _il.LoadLocal(kept);
        }

        _il.LoadLocal(second);
        _il.Emit(OpCodes.Xor);
        _il.LoadLocal(mask);
        _il.Emit(OpCodes.And);
        _il.LoadLocal(kept);
        _il.Emit(OpCodes.Xor);
        Pop(2);
    }

    // All ones for true, or for false when the return value says so. For i32 operands the sign of a 64-bit difference, which is shorter
    // than a flag made a byte, widened and negated.
    private bool EmitMask(Comparison comparison, OperandKind kind)
    {
        if (comparison.Kind != OperandKind.I32)
        {
            EmitComparison(comparison);
            _il.Emit(OpCodes.Neg);
            if (kind == OperandKind.I64)
            {
                _il.Emit(OpCodes.Conv_I8);
            }

            return false;
        }

        bool isInverted = comparison.Relation is Relation.NotZero or Relation.NotEqual
            or Relation.LessOrEqual or Relation.LessOrEqualUnsigned or Relation.GreaterOrEqual or Relation.GreaterOrEqualUnsigned;
        Relation relation = (isInverted ? Negate(comparison) : comparison).Relation;
        switch (relation)
        {
            case Relation.Zero or Relation.Equal:
                if (relation == Relation.Equal)
                {
                    _il.Emit(OpCodes.Xor);
                }

                _il.Emit(OpCodes.Conv_U8);
                _il.LoadInt64(1);
                _il.Emit(OpCodes.Sub);
                break;
            default:
                OpCode widen = relation is Relation.LessUnsigned or Relation.GreaterUnsigned ? OpCodes.Conv_U8 : OpCodes.Conv_I8;
                LocalBuilder right = Scratch(OperandKind.I32);
                _il.StoreLocal(right);
                if (relation is Relation.Less or Relation.LessUnsigned)
                {
                    _il.Emit(widen);
                    _il.LoadLocal(right);
                    _il.Emit(widen);
                }
                else
                {
                    LocalBuilder left = Scratch(OperandKind.I32);
                    _il.StoreLocal(left);
                    _il.LoadLocal(right);
                    _il.Emit(widen);
                    _il.LoadLocal(left);
                    _il.Emit(widen);
                }

                _il.Emit(OpCodes.Sub);
                break;
        }

        _il.LoadInt32(63);
        _il.Emit(OpCodes.Shr);
        if (kind == OperandKind.I32)
        {
            _il.Emit(OpCodes.Conv_I4);
        }

        return isInverted;
    }

    private void EmitBranchingSelect(OperandKind kind)
    {
        LocalBuilder second;
        LocalBuilder first;
        Label keep = _il.DefineLabel();
        if (_pending == PendingKind.Comparison && _onStack >= 3)
        {
            // The operands of the comparison go to locals, so that it can be the branch.
            Comparison comparison = _comparison;
            LocalBuilder? right = comparison.IsUnary ? null : Scratch(comparison.Kind);
            LocalBuilder left = Scratch(comparison.Kind);
            if (right is not null)
            {
                _il.StoreLocal(right);
            }

            _il.StoreLocal(left);
            _pending = PendingKind.None;
            Pop(1);
            (first, second) = StoreTwo(kind);
            _il.LoadLocal(left);
            if (right is not null)
            {
                _il.LoadLocal(right);
            }

            EmitComparisonBranch(comparison, keep, whenTrue: true);
        }
        else
        {
            EnsureTop(3);
            LocalBuilder condition = Scratch(OperandKind.I32);
            _il.StoreLocal(condition);
            Pop(1);
            (first, second) = StoreTwo(kind);
            _il.LoadLocal(condition);
            _il.Branch(OpCodes.Brtrue, keep);
        }

        _il.LoadLocal(second);
        _il.StoreLocal(first);
        _il.Mark(keep);
        _il.LoadLocal(first);
        Push();
    }

    // Takes both operands of a select off, and everything below away from the CIL stack.
    private (LocalBuilder First, LocalBuilder Second) StoreTwo(OperandKind kind)
    {
        LocalBuilder second = Scratch(kind);
        LocalBuilder first = Scratch(kind);
        _il.StoreLocal(second);
        _il.StoreLocal(first);
        Pop(2);
        Flush();
        return (first, second);
    }
}
