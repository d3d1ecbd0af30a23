using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;

using Codicil.Format.Instructions;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>Numeric instructions: one or a few CIL instructions, an intrinsic of the runtime, or a method of <see cref="NumericOps"/>.</summary>
internal sealed partial class FunctionEmitter
{
    private bool EmitNumeric(Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.I32Eqz: PushZeroTest(OperandKind.I32); return true;
            case Opcode.I32Eq: PushComparison(Relation.Equal, OperandKind.I32); return true;
            case Opcode.I32Ne: PushComparison(Relation.NotEqual, OperandKind.I32); return true;
            case Opcode.I32LtS: PushComparison(Relation.Less, OperandKind.I32); return true;
            case Opcode.I32LtU: PushComparison(Relation.LessUnsigned, OperandKind.I32); return true;
            case Opcode.I32GtS: PushComparison(Relation.Greater, OperandKind.I32); return true;
            case Opcode.I32GtU: PushComparison(Relation.GreaterUnsigned, OperandKind.I32); return true;
            case Opcode.I32LeS: PushComparison(Relation.LessOrEqual, OperandKind.I32); return true;
            case Opcode.I32LeU: PushComparison(Relation.LessOrEqualUnsigned, OperandKind.I32); return true;
            case Opcode.I32GeS: PushComparison(Relation.GreaterOrEqual, OperandKind.I32); return true;
            case Opcode.I32GeU: PushComparison(Relation.GreaterOrEqualUnsigned, OperandKind.I32); return true;
            case Opcode.I64Eqz: PushZeroTest(OperandKind.I64); return true;
            case Opcode.I64Eq: PushComparison(Relation.Equal, OperandKind.I64); return true;
            case Opcode.I64Ne: PushComparison(Relation.NotEqual, OperandKind.I64); return true;
            case Opcode.I64LtS: PushComparison(Relation.Less, OperandKind.I64); return true;
            case Opcode.I64LtU: PushComparison(Relation.LessUnsigned, OperandKind.I64); return true;
            case Opcode.I64GtS: PushComparison(Relation.Greater, OperandKind.I64); return true;
            case Opcode.I64GtU: PushComparison(Relation.GreaterUnsigned, OperandKind.I64); return true;
            case Opcode.I64LeS: PushComparison(Relation.LessOrEqual, OperandKind.I64); return true;
            case Opcode.I64LeU: PushComparison(Relation.LessOrEqualUnsigned, OperandKind.I64); return true;
            case Opcode.I64GeS: PushComparison(Relation.GreaterOrEqual, OperandKind.I64); return true;
            case Opcode.I64GeU: PushComparison(Relation.GreaterOrEqualUnsigned, OperandKind.I64); return true;
            case Opcode.F32Eq: PushComparison(Relation.Equal, OperandKind.F32); return true;
            case Opcode.F32Ne: PushComparison(Relation.NotEqual, OperandKind.F32); return true;
            case Opcode.F32Lt: PushComparison(Relation.Less, OperandKind.F32); return true;
            case Opcode.F32Gt: PushComparison(Relation.Greater, OperandKind.F32); return true;
            case Opcode.F32Le: PushComparison(Relation.LessOrEqual, OperandKind.F32); return true;
            case Opcode.F32Ge: PushComparison(Relation.GreaterOrEqual, OperandKind.F32); return true;
            case Opcode.F64Eq: PushComparison(Relation.Equal, OperandKind.F64); return true;
            case Opcode.F64Ne: PushComparison(Relation.NotEqual, OperandKind.F64); return true;
            case Opcode.F64Lt: PushComparison(Relation.Less, OperandKind.F64); return true;
            case Opcode.F64Gt: PushComparison(Relation.Greater, OperandKind.F64); return true;
            case Opcode.F64Le: PushComparison(Relation.LessOrEqual, OperandKind.F64); return true;
            case Opcode.F64Ge: PushComparison(Relation.GreaterOrEqual, OperandKind.F64); return true;

            case Opcode.I32Clz: UnaryCall(s_lzcnt32); return true;
            case Opcode.I32Ctz: UnaryCall(s_tzcnt32); return true;
            case Opcode.I32Popcnt: UnaryCall(s_popcnt32); return true;
            case Opcode.I64Clz: UnaryCall(s_lzcnt64, OpCodes.Conv_U8); return true;
            case Opcode.I64Ctz: UnaryCall(s_tzcnt64, OpCodes.Conv_U8); return true;
            case Opcode.I64Popcnt: UnaryCall(s_popcnt64, OpCodes.Conv_U8); return true;

            case Opcode.I32Add or Opcode.I64Add or Opcode.F32Add or Opcode.F64Add: Binary(OpCodes.Add); return true;
            case Opcode.I32Sub or Opcode.I64Sub or Opcode.F32Sub or Opcode.F64Sub: Binary(OpCodes.Sub); return true;
            case Opcode.I32Mul or Opcode.I64Mul: BinaryUnlessAbsorbed(OpCodes.Mul, 0); return true;
            case Opcode.F32Mul or Opcode.F64Mul: Binary(OpCodes.Mul); return true;
            case Opcode.F32Div or Opcode.F64Div: Binary(OpCodes.Div); return true;
            case Opcode.I32And or Opcode.I64And: BinaryUnlessAbsorbed(OpCodes.And, 0); return true;
            case Opcode.I32Or or Opcode.I64Or: BinaryUnlessAbsorbed(OpCodes.Or, -1); return true;
            case Opcode.I32Xor or Opcode.I64Xor: Binary(OpCodes.Xor); return true;

            // The processor's faults become the traps: zero divides, and overflow of the least number by -1.
            case Opcode.I32DivS or Opcode.I64DivS: Binary(OpCodes.Div); return true;
            case Opcode.I32DivU or Opcode.I64DivU: Binary(OpCodes.Div_Un); return true;
            case Opcode.I32RemU or Opcode.I64RemU: Binary(OpCodes.Rem_Un); return true;
            case Opcode.I32RemS: Remainder(nameof(NumericOps.I32RemS), uint.MaxValue); return true;
            case Opcode.I64RemS: Remainder(nameof(NumericOps.I64RemS), ulong.MaxValue); return true;

            case Opcode.I32Shl: Shift32(OpCodes.Shl); return true;
            case Opcode.I32ShrS: Shift32(OpCodes.Shr); return true;
            case Opcode.I32ShrU: Shift32(OpCodes.Shr_Un); return true;
            case Opcode.I64Shl: Shift64(OpCodes.Shl); return true;
            case Opcode.I64ShrS: Shift64(OpCodes.Shr); return true;
            case Opcode.I64ShrU: Shift64(OpCodes.Shr_Un); return true;
            case Opcode.I32Rotl: Rotate32(s_rotl32); return true;
            case Opcode.I32Rotr: Rotate32(s_rotr32); return true;
            case Opcode.I64Rotl: Rotate64(s_rotl64); return true;
            case Opcode.I64Rotr: Rotate64(s_rotr64); return true;

            case Opcode.F32Abs: UnaryCall(s_abs32); return true;
            case Opcode.F64Abs: UnaryCall(s_abs64); return true;
            case Opcode.F32Neg or Opcode.F64Neg: Unary(OpCodes.Neg); return true;
            case Opcode.F32Ceil: UnaryCall(s_ceil32); return true;
            case Opcode.F64Ceil: UnaryCall(s_ceil64); return true;
            case Opcode.F32Floor: UnaryCall(s_floor32); return true;
            case Opcode.F64Floor: UnaryCall(s_floor64); return true;
            case Opcode.F32Trunc: UnaryCall(s_trunc32); return true;
            case Opcode.F64Trunc: UnaryCall(s_trunc64); return true;
            case Opcode.F32Nearest: UnaryCall(s_round32); return true;
            case Opcode.F64Nearest: UnaryCall(s_round64); return true;
            case Opcode.F32Sqrt: UnaryCall(s_sqrt32); return true;
            case Opcode.F64Sqrt: UnaryCall(s_sqrt64); return true;

            case Opcode.I32WrapI64: Unary(OpCodes.Conv_I4); return true;
            case Opcode.I64ExtendI32S: Unary(OpCodes.Conv_I8); return true;
            case Opcode.I64ExtendI32U: Unary(OpCodes.Conv_U8); return true;
            case Opcode.F32ConvertI32S or Opcode.F32ConvertI64S: Unary(OpCodes.Conv_R4); return true;
            case Opcode.F64ConvertI32S or Opcode.F64ConvertI64S or Opcode.F64PromoteF32: Unary(OpCodes.Conv_R8); return true;
            case Opcode.I32ReinterpretF32:
                UnaryCall(s_singleToInt32);
                EmitNarrowingBarrier();
                return true;
            case Opcode.I64ReinterpretF64: UnaryCall(s_doubleToInt64); return true;
            case Opcode.F32ReinterpretI32:
                // RyuJIT 10.0 makes one load of 4 bytes of a load of 1 or 2 bytes whose value becomes a float, be it behind a local.
                EnsureTop(1);
                EmitNarrowingBarrier();
                UnaryCall(s_int32ToSingle);
                return true;
            case Opcode.F64ReinterpretI64: UnaryCall(s_int64ToDouble); return true;

            // A cast to a small type would let the JIT make a load before it narrower; see CanBeNarrowed. Two shifts do not.
            case Opcode.I32Extend8S: ExtendByShifts(24); return true;
            case Opcode.I32Extend16S: ExtendByShifts(16); return true;
            case Opcode.I64Extend8S: ExtendByShifts(56); return true;
            case Opcode.I64Extend16S: ExtendByShifts(48); return true;
            case Opcode.I64Extend32S: ExtendByShifts(32); return true;

            case Opcode.F32Min or Opcode.F32Max or Opcode.F64Min or Opcode.F64Max or Opcode.F32Copysign or Opcode.F64Copysign:
                BinaryCall(s_named[opcode]);
                return true;
            default:
                if (s_named.TryGetValue(opcode, out MethodInfo? method))
                {
                    UnaryCall(method);
                    return true;
                }

                return false;
        }
    }

    private bool EmitConstant(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.I32Const: PushConstant(OperandKind.I32, (uint)instruction.I32); return true;
            case Opcode.I64Const: PushConstant(OperandKind.I64, instruction.Bits); return true;
            case Opcode.F32Const: PushConstant(OperandKind.F32, instruction.Bits); return true;
            case Opcode.F64Const: PushConstant(OperandKind.F64, instruction.Bits); return true;
            default: return false;
        }
    }

    private void Unary(OpCode code)
    {
        EnsureTop(1);
        _il.Emit(code);
    }

    private void UnaryCall(MethodInfo method)
    {
        EnsureTop(1);
        _il.Call(method);
    }

    private void UnaryCall(MethodInfo method, OpCode conversion)
    {
        UnaryCall(method);
        _il.Emit(conversion);
    }

    private void Binary(OpCode code)
    {
        EnsureTop(2);
        _il.Emit(code);
        Pop(1);
    }

    // A constant that decides the result alone, like a mask of 0: the other operand is dropped here, as a statement of its own. Left to the JIT, a
    // load in it would go with it where a narrower one at its address came before; see GuardAddressing.
    private void BinaryUnlessAbsorbed(OpCode code, int absorbing)
    {
        if (_pending == PendingKind.Constant && _onStack >= 2
            && _pendingOperand.Bits == (_pendingOperand.Kind == OperandKind.I32 ? (uint)absorbing : (ulong)(long)absorbing))
        {
            PendingOperand constant = TakePending();
            _il.Emit(OpCodes.Pop);
            Pop(1);
            PushConstant(constant.Kind, constant.Bits);
            return;
        }

        Binary(code);
    }

    private void BinaryCall(MethodInfo method)
    {
        EnsureTop(2);
        _il.Call(method);
        Pop(1);
    }

    private void Remainder(string name, ulong minusOne)
    {
        if (_pending == PendingKind.Constant && _pendingOperand.Bits != minusOne && _onStack >= 2)
        {
            Binary(OpCodes.Rem);
            return;
        }

        BinaryCall(RuntimeMembers.Numeric(name));
    }

    private void Shift32(OpCode code)
    {
        if (code == OpCodes.Shr_Un && TryShiftByDivision(31))
        {
            return;
        }

        EnsureTop(2);
        if (code == OpCodes.Shr_Un)
        {
            HideCount();
        }

        _il.LoadInt32(31);
        _il.Emit(OpCodes.And);
        _il.Emit(code);
        Pop(1);
    }

    private void Shift64(OpCode code)
    {
        if (code == OpCodes.Shr_Un && TryShiftByDivision(63))
        {
            return;
        }

        EnsureTop(2);
        _il.Emit(OpCodes.Conv_I4);
        if (code == OpCodes.Shr_Un)
        {
            HideCount();
        }

        _il.LoadInt32(63);
        _il.Emit(OpCodes.And);
        _il.Emit(code);
        Pop(1);
    }

    /// <summary>
    /// A logical shift by a constant as an unsigned division by a power of two, which becomes a shift again when the JIT lowers its tree. Until then it is
    /// no shift, and the JIT does not take it for one half of a rotation, whose zero test it would leave out: see <see cref="Rotate32"/>. The other
    /// half may be a shift or a product, its count may come through locals or from an inlined function: only this half is within reach.
    /// </summary>
    private bool TryShiftByDivision(int mask)
    {
        if (_pending != PendingKind.Constant || _onStack < 2)
        {
            return false;
        }

        int count = (int)TakePending().Bits & mask;
        if (count == 0)
        {
            return true;
        }

        if (mask == 31)
        {
            _il.LoadInt32(1 << count);
        }
        else
        {
            _il.LoadInt64(1L << count);
        }

        _il.Emit(OpCodes.Div_Un);
        return true;
    }

    /// <summary>A count that the JIT does not know: a bitwise or with a static field that is 0.</summary>
    private void HideCount()
    {
        _il.LoadStaticField(RuntimeMembers.Constant(nameof(NumericOps.I32Zero)));
        _il.Emit(OpCodes.Or);
    }

    /// <summary>
    /// RyuJIT 10.0 leaves the test out when a rotation by a constant is compared with 0, as if it set the zero flag; it does not. Between the rotation
    /// and whatever looks at it, here or behind locals and inlined calls, two casts stay that cost at most a move.
    /// </summary>
    private void Rotate32(MethodInfo method)
    {
        BinaryCall(method);
        EmitNarrowingBarrier();
    }

    /// <summary>As <see cref="Rotate32"/>. There is no wider type to cast to; <c>bzhi</c> with all 64 bits leaves the number as it is and does set the flag.</summary>
    private void Rotate64(MethodInfo method)
    {
        EnsureTop(2);
        _il.Emit(OpCodes.Conv_I4);
        if (!Bmi2.X64.IsSupported)
        {
            HideCount();
        }

        _il.Call(method);
        if (Bmi2.X64.IsSupported)
        {
            _il.LoadInt64(64);
            _il.Call(s_zeroHighBits);
        }

        Pop(1);
    }

    private void ExtendByShifts(int bits)
    {
        EnsureTop(1);
        _il.LoadInt32(bits);
        _il.Emit(OpCodes.Shl);
        _il.LoadInt32(bits);
        _il.Emit(OpCodes.Shr);
    }

    private static MethodInfo Method(Delegate function) => function.Method;

    private static readonly MethodInfo s_lzcnt32 = Method((Func<uint, int>)BitOperations.LeadingZeroCount);
    private static readonly MethodInfo s_lzcnt64 = Method((Func<ulong, int>)BitOperations.LeadingZeroCount);
    private static readonly MethodInfo s_tzcnt32 = Method((Func<uint, int>)BitOperations.TrailingZeroCount);
    private static readonly MethodInfo s_tzcnt64 = Method((Func<ulong, int>)BitOperations.TrailingZeroCount);
    private static readonly MethodInfo s_popcnt32 = Method((Func<uint, int>)BitOperations.PopCount);
    private static readonly MethodInfo s_popcnt64 = Method((Func<ulong, int>)BitOperations.PopCount);
    private static readonly MethodInfo s_rotl32 = Method((Func<uint, int, uint>)BitOperations.RotateLeft);
    private static readonly MethodInfo s_rotr32 = Method((Func<uint, int, uint>)BitOperations.RotateRight);
    private static readonly MethodInfo s_rotl64 = Method((Func<ulong, int, ulong>)BitOperations.RotateLeft);
    private static readonly MethodInfo s_rotr64 = Method((Func<ulong, int, ulong>)BitOperations.RotateRight);
    private static readonly MethodInfo s_zeroHighBits = Method((Func<ulong, ulong, ulong>)Bmi2.X64.ZeroHighBits);
    private static readonly MethodInfo s_abs32 = Method((Func<float, float>)MathF.Abs);
    private static readonly MethodInfo s_abs64 = Method((Func<double, double>)Math.Abs);
    private static readonly MethodInfo s_ceil32 = Method((Func<float, float>)MathF.Ceiling);
    private static readonly MethodInfo s_ceil64 = Method((Func<double, double>)Math.Ceiling);
    private static readonly MethodInfo s_floor32 = Method((Func<float, float>)MathF.Floor);
    private static readonly MethodInfo s_floor64 = Method((Func<double, double>)Math.Floor);
    private static readonly MethodInfo s_trunc32 = Method((Func<float, float>)MathF.Truncate);
    private static readonly MethodInfo s_trunc64 = Method((Func<double, double>)Math.Truncate);
    private static readonly MethodInfo s_round32 = Method((Func<float, float>)MathF.Round);
    private static readonly MethodInfo s_round64 = Method((Func<double, double>)Math.Round);
    private static readonly MethodInfo s_sqrt32 = Method((Func<float, float>)MathF.Sqrt);
    private static readonly MethodInfo s_sqrt64 = Method((Func<double, double>)Math.Sqrt);
    private static readonly MethodInfo s_singleToInt32 = Method((Func<float, int>)BitConverter.SingleToInt32Bits);
    private static readonly MethodInfo s_doubleToInt64 = Method((Func<double, long>)BitConverter.DoubleToInt64Bits);
    private static readonly MethodInfo s_int32ToSingle = Method((Func<int, float>)BitConverter.Int32BitsToSingle);
    private static readonly MethodInfo s_int64ToDouble = Method((Func<long, double>)BitConverter.Int64BitsToDouble);

    private static readonly Dictionary<Opcode, MethodInfo> s_named = new()
    {
        [Opcode.F32Min] = Method((Func<float, float, float>)NumericOps.F32Min),
        [Opcode.F32Max] = Method((Func<float, float, float>)NumericOps.F32Max),
        [Opcode.F64Min] = Method((Func<double, double, double>)NumericOps.F64Min),
        [Opcode.F64Max] = Method((Func<double, double, double>)NumericOps.F64Max),
        [Opcode.F32Copysign] = Method((Func<float, float, float>)NumericOps.F32CopySign),
        [Opcode.F64Copysign] = Method((Func<double, double, double>)NumericOps.F64CopySign),
        [Opcode.I32TruncF32S] = Method((Func<float, int>)NumericOps.I32TruncF32S),
        [Opcode.I32TruncF32U] = Method((Func<float, int>)NumericOps.I32TruncF32U),
        [Opcode.I32TruncF64S] = Method((Func<double, int>)NumericOps.I32TruncF64S),
        [Opcode.I32TruncF64U] = Method((Func<double, int>)NumericOps.I32TruncF64U),
        [Opcode.I64TruncF32S] = Method((Func<float, long>)NumericOps.I64TruncF32S),
        [Opcode.I64TruncF32U] = Method((Func<float, long>)NumericOps.I64TruncF32U),
        [Opcode.I64TruncF64S] = Method((Func<double, long>)NumericOps.I64TruncF64S),
        [Opcode.I64TruncF64U] = Method((Func<double, long>)NumericOps.I64TruncF64U),
        [Opcode.I32TruncSatF32S] = Method((Func<float, int>)NumericOps.I32TruncSatF32S),
        [Opcode.I32TruncSatF32U] = Method((Func<float, int>)NumericOps.I32TruncSatF32U),
        [Opcode.I32TruncSatF64S] = Method((Func<double, int>)NumericOps.I32TruncSatF64S),
        [Opcode.I32TruncSatF64U] = Method((Func<double, int>)NumericOps.I32TruncSatF64U),
        [Opcode.I64TruncSatF32S] = Method((Func<float, long>)NumericOps.I64TruncSatF32S),
        [Opcode.I64TruncSatF32U] = Method((Func<float, long>)NumericOps.I64TruncSatF32U),
        [Opcode.I64TruncSatF64S] = Method((Func<double, long>)NumericOps.I64TruncSatF64S),
        [Opcode.I64TruncSatF64U] = Method((Func<double, long>)NumericOps.I64TruncSatF64U),
        [Opcode.F32DemoteF64] = Method((Func<double, float>)NumericOps.F32DemoteF64),
        [Opcode.F32ConvertI32U] = Method((Func<int, float>)NumericOps.F32ConvertI32U),
        [Opcode.F32ConvertI64U] = Method((Func<long, float>)NumericOps.F32ConvertI64U),
        [Opcode.F64ConvertI32U] = Method((Func<int, double>)NumericOps.F64ConvertI32U),
        [Opcode.F64ConvertI64U] = Method((Func<long, double>)NumericOps.F64ConvertI64U),
    };
}
