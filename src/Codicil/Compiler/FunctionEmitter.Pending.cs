using System.Reflection.Emit;

using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// The topmost operand may wait to be written: a constant or local until its consumer is known, so that a store can finish its address first;
/// a comparison (whose operands are on the CIL stack) so that a branch can take it over.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private PendingKind _pending;
    private PendingOperand _pendingOperand;
    private Comparison _comparison;

    private enum PendingKind : byte
    {
        None,
        Constant,
        Local,
        Comparison,
    }

    private enum Relation : byte
    {
        Equal,
        NotEqual,
        Less,
        LessUnsigned,
        Greater,
        GreaterUnsigned,
        LessOrEqual,
        LessOrEqualUnsigned,
        GreaterOrEqual,
        GreaterOrEqualUnsigned,

        /// <summary>eqz: one operand.</summary>
        Zero,

        /// <summary>Not eqz: one operand.</summary>
        NotZero,
    }

    private readonly record struct PendingOperand(OperandKind Kind, ulong Bits, bool IsLocal, ulong HighBits = 0);

    /// <param name="Relation">The relation between the operands.</param>
    /// <param name="Kind">The kind of the operands.</param>
    /// <param name="IsNegated">For floats: whether the result is the relation's negation, which is true for NaN.</param>
    private readonly record struct Comparison(Relation Relation, OperandKind Kind, bool IsNegated)
    {
        public bool IsUnary => Relation >= Relation.Zero;

        public bool IsFloat => Kind is OperandKind.F32 or OperandKind.F64;
    }

    /// <param name="isPlain">Whether the consumer does no arithmetic, so that the JIT may know a constant.</param>
    private void Materialize(bool isPlain = false)
    {
        PendingKind pending = _pending;
        _pending = PendingKind.None;
        switch (pending)
        {
            case PendingKind.Constant when _pendingOperand.Kind is OperandKind.F32 or OperandKind.F64 && !isPlain:
                EmitArithmeticConstant(_pendingOperand);
                break;
            case PendingKind.Constant when _pendingOperand.Kind == OperandKind.V128 && !isPlain && IsDroppedFromArithmetic(_pendingOperand):
                EmitHiddenVector(_pendingOperand);
                break;
            case PendingKind.Constant or PendingKind.Local:
                EmitPending(_pendingOperand);
                break;
            case PendingKind.Comparison:
                EmitComparison(_comparison);
                break;
        }
    }

    /// <summary>Takes a constant or local off the stack without writing it.</summary>
    private PendingOperand TakePending()
    {
        _pending = PendingKind.None;
        Pop(1);
        return _pendingOperand;
    }

    private void EmitPending(PendingOperand operand)
    {
        if (operand.IsLocal)
        {
            EmitLoadVariable((int)operand.Bits);
            return;
        }

        switch (operand.Kind)
        {
            case OperandKind.I32:
                _il.LoadInt32((int)operand.Bits);
                break;
            case OperandKind.I64:
                _il.LoadInt64((long)operand.Bits);
                break;
            case OperandKind.F32:
                _il.LoadSingle((uint)operand.Bits);
                break;
            case OperandKind.V128:
                EmitVectorConstant(operand.Bits, operand.HighBits);
                break;
            default:
                _il.LoadDouble(operand.Bits);
                break;
        }
    }

    // A float constant on its way into arithmetic: those that the JIT simplifies away are loaded where it cannot see their value.
    private void EmitArithmeticConstant(PendingOperand operand)
    {
        string? name = (operand.Kind, operand.Bits) switch
        {
            (OperandKind.F32, 0) => nameof(NumericOps.F32Zero),
            (OperandKind.F32, 0x8000_0000) => nameof(NumericOps.F32NegativeZero),
            (OperandKind.F32, 0x3F80_0000) => nameof(NumericOps.F32One),
            (OperandKind.F32, 0xBF80_0000) => nameof(NumericOps.F32MinusOne),
            (OperandKind.F64, 0) => nameof(NumericOps.F64Zero),
            (OperandKind.F64, 0x8000_0000_0000_0000) => nameof(NumericOps.F64NegativeZero),
            (OperandKind.F64, 0x3FF0_0000_0000_0000) => nameof(NumericOps.F64One),
            (OperandKind.F64, 0xBFF0_0000_0000_0000) => nameof(NumericOps.F64MinusOne),
            _ => null,
        };
        if (name is null)
        {
            EmitPending(operand);
        }
        else
        {
            _il.LoadStaticField(RuntimeMembers.Constant(name));
        }
    }

    private void PushConstant(OperandKind kind, ulong bits, ulong highBits = 0)
    {
        Materialize();
        _pending = PendingKind.Constant;
        _pendingOperand = new PendingOperand(kind, bits, IsLocal: false, highBits);
        Push();
    }

    private void PushComparison(Relation relation, OperandKind kind)
    {
        Materialize(isPlain: true);
        EnsureTop(2);
        Pop(1);
        _pending = PendingKind.Comparison;
        _comparison = new Comparison(relation, kind, IsNegated: false);
    }

    private void PushZeroTest(OperandKind kind)
    {
        if (_pending == PendingKind.Comparison && kind == OperandKind.I32)
        {
            _comparison = Negate(_comparison);
            return;
        }

        EnsureTop(1);
        _pending = PendingKind.Comparison;
        _comparison = new Comparison(Relation.Zero, kind, IsNegated: false);
    }

    private static Comparison Negate(Comparison comparison)
    {
        if (comparison.IsFloat)
        {
            return comparison with { IsNegated = !comparison.IsNegated };
        }

        return comparison with
        {
            Relation = comparison.Relation switch
            {
                Relation.Equal => Relation.NotEqual,
                Relation.NotEqual => Relation.Equal,
                Relation.Less => Relation.GreaterOrEqual,
                Relation.LessUnsigned => Relation.GreaterOrEqualUnsigned,
                Relation.Greater => Relation.LessOrEqual,
                Relation.GreaterUnsigned => Relation.LessOrEqualUnsigned,
                Relation.LessOrEqual => Relation.Greater,
                Relation.LessOrEqualUnsigned => Relation.GreaterUnsigned,
                Relation.GreaterOrEqual => Relation.Less,
                Relation.GreaterOrEqualUnsigned => Relation.LessUnsigned,
                Relation.Zero => Relation.NotZero,
                _ => Relation.Zero,
            },
        };
    }

    /// <summary>Writes the comparison of the operands on the CIL stack as 0 or 1.</summary>
    private void EmitComparison(Comparison comparison)
    {
        bool negate = comparison.IsNegated;
        switch (comparison.Relation)
        {
            case Relation.Equal:
                _il.Emit(OpCodes.Ceq);
                break;
            case Relation.NotEqual:
                _il.Emit(OpCodes.Ceq);
                negate = !negate;
                break;
            case Relation.Less:
                _il.Emit(OpCodes.Clt);
                break;
            case Relation.LessUnsigned:
                _il.Emit(OpCodes.Clt_Un);
                break;
            case Relation.Greater:
                _il.Emit(OpCodes.Cgt);
                break;
            case Relation.GreaterUnsigned:
                _il.Emit(OpCodes.Cgt_Un);
                break;
            case Relation.LessOrEqual:
                // For floats the unordered form: a <= b is not (a > b or unordered).
                _il.Emit(comparison.IsFloat ? OpCodes.Cgt_Un : OpCodes.Cgt);
                negate = !negate;
                break;
            case Relation.LessOrEqualUnsigned:
                _il.Emit(OpCodes.Cgt_Un);
                negate = !negate;
                break;
            case Relation.GreaterOrEqual:
                _il.Emit(comparison.IsFloat ? OpCodes.Clt_Un : OpCodes.Clt);
                negate = !negate;
                break;
            case Relation.GreaterOrEqualUnsigned:
                _il.Emit(OpCodes.Clt_Un);
                negate = !negate;
                break;
            default:
                EmitZero(comparison.Kind);
                if (comparison.Relation == Relation.Zero)
                {
                    _il.Emit(OpCodes.Ceq);
                }
                else
                {
                    _il.Emit(OpCodes.Cgt_Un);
                }

                break;
        }

        if (negate)
        {
            _il.LoadInt32(0);
            _il.Emit(OpCodes.Ceq);
        }
    }

    private void EmitZero(OperandKind kind)
    {
        if (kind == OperandKind.I64)
        {
            _il.LoadInt64(0);
        }
        else
        {
            _il.LoadInt32(0);
        }
    }

    /// <summary>Takes the condition off and moves everything below it away, so that a branch can follow.</summary>
    private void DetachCondition()
    {
        if (_onStack == 0)
        {
            EnsureTop(1);
        }

        if (_onStack > 1)
        {
            Materialize();
            LocalBuilder condition = Scratch(OperandKind.I32);
            _il.StoreLocal(condition);
            Pop(1);
            Flush();
            _il.LoadLocal(condition);
            return;
        }

        if (_pending != PendingKind.Comparison)
        {
            Materialize();
        }

        Pop(1);
    }

    /// <summary>Branches on what <see cref="DetachCondition"/> left on the CIL stack.</summary>
    private void EmitBranch(Label target, bool whenTrue)
    {
        if (_pending == PendingKind.Comparison)
        {
            _pending = PendingKind.None;
            EmitComparisonBranch(_comparison, target, whenTrue);
            return;
        }

        _il.Branch(whenTrue ? OpCodes.Brtrue : OpCodes.Brfalse, target);
    }

    private void EmitComparisonBranch(Comparison comparison, Label target, bool whenTrue)
    {
        if (comparison.IsFloat)
        {
            bool wanted = whenTrue != comparison.IsNegated;

            // A branch on the negation of a float relation is taken for NaN: the unordered opposite.
            OpCode code = (comparison.Relation, wanted) switch
            {
                (Relation.Equal, true) => OpCodes.Beq,
                (Relation.Equal, false) => OpCodes.Bne_Un,
                (Relation.NotEqual, true) => OpCodes.Bne_Un,
                (Relation.NotEqual, false) => OpCodes.Beq,
                (Relation.Less, true) => OpCodes.Blt,
                (Relation.Less, false) => OpCodes.Bge_Un,
                (Relation.Greater, true) => OpCodes.Bgt,
                (Relation.Greater, false) => OpCodes.Ble_Un,
                (Relation.LessOrEqual, true) => OpCodes.Ble,
                (Relation.LessOrEqual, false) => OpCodes.Bgt_Un,
                (Relation.GreaterOrEqual, true) => OpCodes.Bge,
                _ => OpCodes.Blt_Un,
            };
            _il.Branch(code, target);
            return;
        }

        Relation relation = whenTrue ? comparison.Relation : Negate(comparison).Relation;
        _il.Branch(
            relation switch
            {
                Relation.Equal => OpCodes.Beq,
                Relation.NotEqual => OpCodes.Bne_Un,
                Relation.Less => OpCodes.Blt,
                Relation.LessUnsigned => OpCodes.Blt_Un,
                Relation.Greater => OpCodes.Bgt,
                Relation.GreaterUnsigned => OpCodes.Bgt_Un,
                Relation.LessOrEqual => OpCodes.Ble,
                Relation.LessOrEqualUnsigned => OpCodes.Ble_Un,
                Relation.GreaterOrEqual => OpCodes.Bge,
                Relation.GreaterOrEqualUnsigned => OpCodes.Bge_Un,
                Relation.Zero => OpCodes.Brfalse,
                _ => OpCodes.Brtrue,
            },
            target);
    }
}
