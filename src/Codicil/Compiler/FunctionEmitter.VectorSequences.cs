using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;

using Codicil.Format.Instructions;

namespace Codicil.Compiler;

/// <summary>
/// Instructions on vectors that are two to six of the processor's. The JIT inlines no more than some hundred methods into a function
/// (it stops when there are too many locals; 130 of f32x4.min, 305 of i8x16.swizzle), and functions with more of them exist. So what compilers make
/// often is written here; the meaning is the method of <see cref="Semantics.VectorOps"/>, as for the others.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private bool EmitVectorSequence(Opcode opcode)
    {
        if (!Sse41.IsSupported)
        {
            return false;
        }

        switch (opcode)
        {
            case Opcode.V128Not:
                EnsureTop(1);
                EmitComplement();
                return true;
            case Opcode.V128Andnot:
                SwapTopVectors();
                EmitBinary(VectorIntrinsics.AndNot);
                return true;
            case Opcode.V128Bitselect:
                EmitBitselect();
                return true;
            case Opcode.I8x16Swizzle:
                // An index from 16 on gets bit 7, for which the processor's shuffle gives 0.
                EnsureTop(2);
                EmitVectorConstant(0x7070_7070_7070_7070, 0x7070_7070_7070_7070);
                CallVector(Opcode.I8x16AddSatU);
                EmitBinary(VectorIntrinsics.ShuffleBytes);
                return true;
            case Opcode.I8x16Ne or Opcode.I16x8Ne or Opcode.I32x4Ne or Opcode.I64x2Ne:
                EmitBinary(VectorIntrinsics.Find(EqualityOf(opcode))!);
                EmitComplement();
                return true;
            case Opcode.I8x16Neg or Opcode.I16x8Neg or Opcode.I32x4Neg or Opcode.I64x2Neg:
                EmitNegation(opcode);
                return true;
            case Opcode.F32x4Abs:
                EmitWithConstant(0x7FFF_FFFF_7FFF_FFFF, Opcode.V128And);
                return true;
            case Opcode.F64x2Abs:
                EmitWithConstant(0x7FFF_FFFF_FFFF_FFFF, Opcode.V128And);
                return true;
            case Opcode.F32x4Neg:
                EmitWithConstant(0x8000_0000_8000_0000, Opcode.V128Xor);
                return true;
            case Opcode.F64x2Neg:
                EmitWithConstant(0x8000_0000_0000_0000, Opcode.V128Xor);
                return true;
            default:
                return EmitOrder(opcode) || EmitExtension(opcode) || EmitVariableShift(opcode) || EmitExtremum(opcode);
        }
    }

    private void EmitBinary(MethodInfo method)
    {
        EnsureTop(2);
        _il.Call(method);
        Pop(1);
    }

    private void EmitComplement() => EmitWithConstant(ulong.MaxValue, Opcode.V128Xor);

    private void EmitWithConstant(ulong half, Opcode opcode)
    {
        EnsureTop(1);
        EmitVectorConstant(half, half);
        CallVector(opcode);
    }

    private void EmitNegation(Opcode opcode)
    {
        EnsureTop(1);
        LocalBuilder value = Scratch(OperandKind.V128);
        _il.StoreLocal(value);
        EmitVectorConstant(0, 0);
        _il.LoadLocal(value);
        CallVector(opcode switch
        {
            Opcode.I8x16Neg => Opcode.I8x16Sub,
            Opcode.I16x8Neg => Opcode.I16x8Sub,
            Opcode.I32x4Neg => Opcode.I32x4Sub,
            _ => Opcode.I64x2Sub,
        });
    }

    private static Opcode EqualityOf(Opcode opcode) => opcode switch
    {
        Opcode.I8x16Ne => Opcode.I8x16Eq,
        Opcode.I16x8Ne => Opcode.I16x8Eq,
        Opcode.I32x4Ne => Opcode.I32x4Eq,
        _ => Opcode.I64x2Eq,
    };

    private void EmitBitselect()
    {
        EnsureTop(3);
        if (Avx512F.VL.IsSupported)
        {
            // For each bit: the third operand chooses between the first and the second.
            _il.LoadInt32(0xE4);
            _il.Call(VectorIntrinsics.TernaryLogic);
            Pop(2);
            return;
        }

        LocalBuilder mask = Scratch(OperandKind.V128);
        LocalBuilder second = Scratch(OperandKind.V128);
        _il.StoreLocal(mask);
        _il.StoreLocal(second);
        _il.LoadLocal(mask);
        CallVector(Opcode.V128And);
        _il.LoadLocal(mask);
        _il.LoadLocal(second);
        _il.Call(VectorIntrinsics.AndNot);
        CallVector(Opcode.V128Or);
        Pop(2);
    }

    // x >= y where x is the greater of both; the opposite is the complement. AVX-512 has comparisons of its own.
    private bool EmitOrder(Opcode opcode)
    {
        if (Avx512BW.VL.IsSupported)
        {
            return false;
        }

        (Opcode extremum, Opcode equality, bool isComplement) = opcode switch
        {
            Opcode.I8x16GeS => (Opcode.I8x16MaxS, Opcode.I8x16Eq, false),
            Opcode.I8x16GeU => (Opcode.I8x16MaxU, Opcode.I8x16Eq, false),
            Opcode.I8x16LeS => (Opcode.I8x16MinS, Opcode.I8x16Eq, false),
            Opcode.I8x16LeU => (Opcode.I8x16MinU, Opcode.I8x16Eq, false),
            Opcode.I8x16LtU => (Opcode.I8x16MaxU, Opcode.I8x16Eq, true),
            Opcode.I8x16GtU => (Opcode.I8x16MinU, Opcode.I8x16Eq, true),
            Opcode.I16x8GeS => (Opcode.I16x8MaxS, Opcode.I16x8Eq, false),
            Opcode.I16x8GeU => (Opcode.I16x8MaxU, Opcode.I16x8Eq, false),
            Opcode.I16x8LeS => (Opcode.I16x8MinS, Opcode.I16x8Eq, false),
            Opcode.I16x8LeU => (Opcode.I16x8MinU, Opcode.I16x8Eq, false),
            Opcode.I16x8LtU => (Opcode.I16x8MaxU, Opcode.I16x8Eq, true),
            Opcode.I16x8GtU => (Opcode.I16x8MinU, Opcode.I16x8Eq, true),
            Opcode.I32x4GeS => (Opcode.I32x4MaxS, Opcode.I32x4Eq, false),
            Opcode.I32x4GeU => (Opcode.I32x4MaxU, Opcode.I32x4Eq, false),
            Opcode.I32x4LeS => (Opcode.I32x4MinS, Opcode.I32x4Eq, false),
            Opcode.I32x4LeU => (Opcode.I32x4MinU, Opcode.I32x4Eq, false),
            Opcode.I32x4LtU => (Opcode.I32x4MaxU, Opcode.I32x4Eq, true),
            Opcode.I32x4GtU => (Opcode.I32x4MinU, Opcode.I32x4Eq, true),
            _ => (Opcode.Unreachable, Opcode.Unreachable, false),
        };
        if (extremum == Opcode.Unreachable)
        {
            return false;
        }

        PendingOperand? pending = TakeSecond(out LocalBuilder? second);
        LocalBuilder first = Scratch(OperandKind.V128);
        _il.StoreLocal(first);
        _il.LoadLocal(first);
        PutSecond(pending, second);
        CallVector(extremum);
        _il.LoadLocal(first);
        CallVector(equality);
        Pop(1);
        if (isComplement)
        {
            EmitComplement();
        }

        return true;
    }

    private bool EmitExtension(Opcode opcode)
    {
        (Opcode low, bool high, MethodInfo? product) = opcode switch
        {
            Opcode.I16x8ExtendHighI8x16S => (Opcode.I16x8ExtendLowI8x16S, true, null),
            Opcode.I16x8ExtendHighI8x16U => (Opcode.I16x8ExtendLowI8x16U, true, null),
            Opcode.I32x4ExtendHighI16x8S => (Opcode.I32x4ExtendLowI16x8S, true, null),
            Opcode.I32x4ExtendHighI16x8U => (Opcode.I32x4ExtendLowI16x8U, true, null),
            Opcode.I64x2ExtendHighI32x4S => (Opcode.I64x2ExtendLowI32x4S, true, null),
            Opcode.I64x2ExtendHighI32x4U => (Opcode.I64x2ExtendLowI32x4U, true, null),
            Opcode.I16x8ExtmulLowI8x16S => (Opcode.I16x8ExtendLowI8x16S, false, VectorIntrinsics.Find(Opcode.I16x8Mul)),
            Opcode.I16x8ExtmulLowI8x16U => (Opcode.I16x8ExtendLowI8x16U, false, VectorIntrinsics.Find(Opcode.I16x8Mul)),
            Opcode.I16x8ExtmulHighI8x16S => (Opcode.I16x8ExtendLowI8x16S, true, VectorIntrinsics.Find(Opcode.I16x8Mul)),
            Opcode.I16x8ExtmulHighI8x16U => (Opcode.I16x8ExtendLowI8x16U, true, VectorIntrinsics.Find(Opcode.I16x8Mul)),
            Opcode.I32x4ExtmulLowI16x8S => (Opcode.I32x4ExtendLowI16x8S, false, VectorIntrinsics.Find(Opcode.I32x4Mul)),
            Opcode.I32x4ExtmulLowI16x8U => (Opcode.I32x4ExtendLowI16x8U, false, VectorIntrinsics.Find(Opcode.I32x4Mul)),
            Opcode.I32x4ExtmulHighI16x8S => (Opcode.I32x4ExtendLowI16x8S, true, VectorIntrinsics.Find(Opcode.I32x4Mul)),
            Opcode.I32x4ExtmulHighI16x8U => (Opcode.I32x4ExtendLowI16x8U, true, VectorIntrinsics.Find(Opcode.I32x4Mul)),
            _ => (Opcode.Unreachable, false, null),
        };
        if (low == Opcode.Unreachable)
        {
            return false;
        }

        if (product is null)
        {
            EnsureTop(1);
            EmitHalf(low, high);
            return true;
        }

        PendingOperand? pending = TakeSecond(out LocalBuilder? second);
        EmitHalf(low, high);
        PutSecond(pending, second);
        EmitHalf(low, high);
        EmitBinary(product);
        return true;
    }

    private void EmitHalf(Opcode low, bool high)
    {
        if (high)
        {
            _il.LoadInt32(LaneCount / 2);
            _il.Call(VectorIntrinsics.ShiftBytesRight);
        }

        CallVector(low);
    }

    private bool EmitVariableShift(Opcode opcode)
    {
        if (VectorIntrinsics.FindVariableShift(opcode) is not (MethodInfo method, int width))
        {
            return false;
        }

        EnsureTop(2);
        _il.LoadInt32(width - 1);
        _il.Emit(OpCodes.And);
        _il.Call(VectorIntrinsics.FromInt32);
        EmitBinary(method);
        return true;
    }

    // See VectorOps.F32x4Min.
    private bool EmitExtremum(Opcode opcode)
    {
        bool isMinimum = opcode is Opcode.F32x4Min or Opcode.F64x2Min or Opcode.F32x4Pmin or Opcode.F64x2Pmin;
        bool isSingle = opcode is Opcode.F32x4Min or Opcode.F32x4Max or Opcode.F32x4Pmin or Opcode.F32x4Pmax;
        MethodInfo native = VectorIntrinsics.NativeExtremum(isSingle, isMinimum);
        if (opcode is Opcode.F32x4Pmin or Opcode.F32x4Pmax or Opcode.F64x2Pmin or Opcode.F64x2Pmax)
        {
            SwapTopVectors();
            EmitBinary(native);
            return true;
        }

        if (opcode is not (Opcode.F32x4Min or Opcode.F32x4Max or Opcode.F64x2Min or Opcode.F64x2Max))
        {
            return false;
        }

        EnsureTop(2);
        LocalBuilder second = Scratch(OperandKind.V128);
        LocalBuilder first = Scratch(OperandKind.V128);
        _il.StoreLocal(second);
        _il.StoreLocal(first);
        _il.LoadLocal(first);
        _il.LoadLocal(second);
        if (Avx512DQ.VL.IsSupported)
        {
            _il.LoadInt32(isMinimum ? 0b01_00 : 0b01_01);
            _il.Call(isSingle ? VectorIntrinsics.RangeSingle : VectorIntrinsics.RangeDouble);
        }
        else
        {
            _il.Call(native);
            _il.LoadLocal(second);
            _il.LoadLocal(first);
            _il.Call(native);
            CallVector(isMinimum ? Opcode.V128Or : Opcode.V128And);
        }

        _il.LoadLocal(first);
        _il.LoadLocal(second);
        CallVector(isSingle ? Opcode.F32x4Add : Opcode.F64x2Add);
        _il.LoadLocal(first);
        _il.LoadLocal(second);
        _il.Call(isSingle ? VectorIntrinsics.UnorderedSingle : VectorIntrinsics.UnorderedDouble);
        _il.Call(isSingle ? VectorIntrinsics.BlendSingle : VectorIntrinsics.BlendDouble);
        Pop(1);
        return true;
    }
}
