using System.Reflection;
using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>The relaxed instructions on vectors, and the instructions on numbers of 128 bits.</summary>
internal sealed partial class FunctionEmitter
{
    private static readonly MethodInfo s_highOfUnsigned = RuntimeMembers.Numeric(nameof(NumericOps.MultiplyHighU));
    private static readonly MethodInfo s_highOfSigned = RuntimeMembers.Numeric(nameof(NumericOps.MultiplyHighS));

    /// <summary>The instruction whose results are among those that a relaxed one may give, and the only ones of the deterministic profile; any other stays itself.</summary>
    private static Opcode StrictOf(Opcode opcode) => opcode switch
    {
        Opcode.I8x16RelaxedSwizzle => Opcode.I8x16Swizzle,
        Opcode.I32x4RelaxedTruncF32x4S => Opcode.I32x4TruncSatF32x4S,
        Opcode.I32x4RelaxedTruncF32x4U => Opcode.I32x4TruncSatF32x4U,
        Opcode.I32x4RelaxedTruncF64x2SZero => Opcode.I32x4TruncSatF64x2SZero,
        Opcode.I32x4RelaxedTruncF64x2UZero => Opcode.I32x4TruncSatF64x2UZero,
        Opcode.I8x16RelaxedLaneselect or Opcode.I16x8RelaxedLaneselect or Opcode.I32x4RelaxedLaneselect or Opcode.I64x2RelaxedLaneselect => Opcode.V128Bitselect,
        Opcode.F32x4RelaxedMin => Opcode.F32x4Min,
        Opcode.F32x4RelaxedMax => Opcode.F32x4Max,
        Opcode.F64x2RelaxedMin => Opcode.F64x2Min,
        Opcode.F64x2RelaxedMax => Opcode.F64x2Max,
        Opcode.I16x8RelaxedQ15mulrS => Opcode.I16x8Q15mulrSatS,
        _ => opcode,
    };

    // What the processor does in one instruction.
    private static string? NativeOf(Opcode opcode) => opcode switch
    {
        Opcode.I8x16RelaxedSwizzle => nameof(VectorOps.I8x16NativeSwizzle),
        Opcode.I32x4RelaxedTruncF32x4S => nameof(VectorOps.I32x4NativeTruncF32x4S),
        Opcode.F32x4RelaxedMadd => nameof(VectorOps.F32x4NativeMadd),
        Opcode.F32x4RelaxedNmadd => nameof(VectorOps.F32x4NativeNmadd),
        Opcode.F64x2RelaxedMadd => nameof(VectorOps.F64x2NativeMadd),
        Opcode.F64x2RelaxedNmadd => nameof(VectorOps.F64x2NativeNmadd),
        Opcode.F32x4RelaxedMin => nameof(VectorOps.F32x4NativeMin),
        Opcode.F32x4RelaxedMax => nameof(VectorOps.F32x4NativeMax),
        Opcode.F64x2RelaxedMin => nameof(VectorOps.F64x2NativeMin),
        Opcode.F64x2RelaxedMax => nameof(VectorOps.F64x2NativeMax),
        _ => null,
    };

    private bool EmitRelaxed(Opcode opcode)
    {
        if (_module.IsDeterministic || NativeOf(opcode) is not string name)
        {
            return false;
        }

        int operands = OpcodeTable.Signature(opcode).Operands.Length;
        EnsureTop(operands);
        _il.Call(RuntimeMembers.Vector(name));
        Pop(operands - 1);
        return true;
    }

    private bool EmitWide(Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.I64Add128 or Opcode.I64Sub128:
                EmitWideSum(isSum: opcode == Opcode.I64Add128);
                return true;
            case Opcode.I64MulWideS or Opcode.I64MulWideU:
                {
                    LocalBuilder[] factors = TakeOperands(2);
                    _il.LoadLocal(factors[0]);
                    _il.LoadLocal(factors[1]);
                    _il.Emit(OpCodes.Mul);
                    Push();
                    _il.LoadLocal(factors[0]);
                    _il.LoadLocal(factors[1]);
                    _il.Call(opcode == Opcode.I64MulWideS ? s_highOfSigned : s_highOfUnsigned);
                    Push();
                    return true;
                }

            default:
                return false;
        }
    }

    // Low halves, then high halves with what was carried or borrowed: the sum is less than a part of it, or the first less than what is taken off it.
    private void EmitWideSum(bool isSum)
    {
        LocalBuilder[] halves = TakeOperands(4);
        LocalBuilder low = Scratch(OperandKind.I64);
        OpCode code = isSum ? OpCodes.Add : OpCodes.Sub;
        _il.LoadLocal(halves[0]);
        _il.LoadLocal(halves[2]);
        _il.Emit(code);
        _il.StoreLocal(low);
        _il.LoadLocal(low);
        Push();
        _il.LoadLocal(halves[1]);
        _il.LoadLocal(halves[3]);
        _il.Emit(code);
        _il.LoadLocal(isSum ? low : halves[0]);
        _il.LoadLocal(isSum ? halves[0] : halves[2]);
        _il.Emit(OpCodes.Clt_Un);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(code);
        Push();
    }
}
