using System.Reflection;

using Codicil.Format.Instructions;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// Vectors. A v128 is a <see cref="System.Runtime.Intrinsics.Vector128{T}"/> of bytes in locals, parameters and on the CIL stack; each instruction is a call
/// of the method that <see cref="VectorIntrinsics"/> finds for it, which the JIT makes one or a few machine instructions of.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private static bool IsVector(Opcode opcode) => (int)opcode >> 16 == 0xFD;

    private bool EmitVector(in Instruction instruction)
    {
        if (EmitRelaxed(instruction.Opcode))
        {
            return true;
        }

        Opcode opcode = StrictOf(instruction.Opcode);
        if (opcode != instruction.Opcode)
        {
            Instruction strict = instruction;
            strict.Opcode = opcode;
            return EmitVector(strict);
        }

        switch (instruction.Opcode)
        {
            case Opcode.V128Const:
                PushConstant(OperandKind.V128, instruction.Bits, instruction.HighBits);
                return true;
            case Opcode.I8x16Shuffle:
                EmitShuffle(instruction.Bits, instruction.HighBits);
                return true;
            default:
                return EmitVectorMemory(instruction) || EmitConstantShift(instruction.Opcode) || EmitVectorSequence(instruction.Opcode) || EmitVectorCall(instruction);
        }
    }

    private bool EmitVectorCall(in Instruction instruction)
    {
        if (VectorIntrinsics.Find(instruction.Opcode) is not MethodInfo method)
        {
            return false;
        }

        int operands = OpcodeTable.Signature(instruction.Opcode).Operands.Length;
        if (instruction.Opcode is Opcode.F32x4Sub or Opcode.F64x2Sub && _pending == PendingKind.Constant && _onStack >= operands)
        {
            // Also 0, which is too common elsewhere to be hidden.
            EmitHiddenVector(TakePending());
            Push();
        }

        EnsureTop(operands);
        if (OpcodeTable.Immediate(instruction.Opcode) == ImmediateKind.Lane)
        {
            _il.LoadInt32(instruction.Lane);
        }

        _il.Call(method);
        Pop(operands - 1);
        return true;
    }

    // The processor takes a constant count in the instruction, and a count as wide as the lane as it is; ours is modulo the width.
    private bool EmitConstantShift(Opcode opcode)
    {
        if (_pending != PendingKind.Constant || _pendingOperand.Kind != OperandKind.I32 || _onStack < 2
            || VectorIntrinsics.FindConstantShift(opcode) is not MethodInfo method)
        {
            return false;
        }

        PendingOperand count = TakePending();
        int width = opcode switch
        {
            Opcode.I16x8Shl or Opcode.I16x8ShrS or Opcode.I16x8ShrU => 16,
            Opcode.I32x4Shl or Opcode.I32x4ShrS or Opcode.I32x4ShrU => 32,
            _ => 64,
        };
        EnsureTop(1);
        _il.LoadInt32((int)count.Bits & (width - 1));
        _il.Call(method);
        return true;
    }

    private void EmitVectorConstant(ulong low, ulong high)
    {
        _il.LoadInt64((long)low);
        _il.LoadInt64((long)high);
        _il.Call(VectorIntrinsics.Constant);
    }

    // The JIT drops x * 1, x / 1, x + -0, x - 0 and x + NaN from arithmetic, and a signalling NaN stays one; compare EmitArithmeticConstant.
    private static bool IsDroppedFromArithmetic(PendingOperand constant)
    {
        if (constant.Bits == constant.HighBits
            && constant.Bits is 0x3F80_0000_3F80_0000 or 0xBF80_0000_BF80_0000 or 0x8000_0000_8000_0000 or 0x3FF0_0000_0000_0000 or 0xBFF0_0000_0000_0000 or 0x8000_0000_0000_0000)
        {
            return true;
        }

        return HasSignallingNaN(constant.Bits) || HasSignallingNaN(constant.HighBits);
    }

    private static bool HasSignallingNaN(ulong bits)
    {
        const ulong Exponent = 0x7FF0_0000_0000_0000;
        const ulong Quiet = 0x0008_0000_0000_0000;
        return ((bits & Exponent) == Exponent && (bits & Quiet) == 0 && (bits & (Quiet - 1)) != 0) || IsSignalling((uint)bits) || IsSignalling((uint)(bits >> 32));

        static bool IsSignalling(uint lane) => (lane & 0x7FC0_0000) == 0x7F80_0000 && (lane & 0x003F_FFFF) != 0;
    }

    // With the bits of a number that is 0, which the JIT does not know.
    private void EmitHiddenVector(PendingOperand constant)
    {
        EmitVectorConstant(constant.Bits, constant.HighBits);
        _il.LoadStaticField(RuntimeMembers.Constant(nameof(NumericOps.I32Zero)));
        _il.Call(VectorIntrinsics.FromInt32);
        CallVector(Opcode.V128Xor);
    }

    private void CallVector(Opcode opcode) => _il.Call(VectorIntrinsics.Find(opcode)!);
}
