using System.Collections.Concurrent;
using System.Reflection;

using Codicil.Format.Instructions;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// Vectors. A v128 is a <see cref="System.Runtime.Intrinsics.Vector128{T}"/> of bytes in locals, parameters and on the CIL stack; each instruction is a call
/// of its method in <see cref="VectorOps"/>, which the JIT makes one or a few machine instructions of.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private static readonly ConcurrentDictionary<Opcode, MethodInfo?> s_vectorMethods = new();

    private static bool IsVector(Opcode opcode) => (int)opcode >> 16 == 0xFD;

    private bool EmitVector(in Instruction instruction)
    {
        if (instruction.Opcode == Opcode.V128Const)
        {
            PushConstant(OperandKind.V128, instruction.Bits, instruction.HighBits);
            return true;
        }

        if (instruction.Opcode == Opcode.I8x16Shuffle)
        {
            EmitShuffle(instruction.Bits, instruction.HighBits);
            return true;
        }

        if (EmitVectorMemory(instruction))
        {
            return true;
        }

        MethodInfo? method = s_vectorMethods.GetOrAdd(instruction.Opcode, static opcode => RuntimeMembers.Vector(opcode.ToString()));
        if (method is null)
        {
            return false;
        }

        int operands = OpcodeTable.Signature(instruction.Opcode).Operands.Length;
        EnsureTop(operands);
        if (OpcodeTable.Immediate(instruction.Opcode) == ImmediateKind.Lane)
        {
            _il.LoadInt32(instruction.Lane);
        }

        _il.Call(method);
        Pop(operands - 1);
        return true;
    }

    private void EmitVectorConstant(ulong low, ulong high)
    {
        _il.LoadInt64((long)low);
        _il.LoadInt64((long)high);
        _il.Call(s_vectorConstant);
    }

    private void EmitShuffle(ulong low, ulong high)
    {
        EnsureTop(2);
        (ulong lowOfFirst, ulong lowOfSecond) = SplitIndices(low);
        (ulong highOfFirst, ulong highOfSecond) = SplitIndices(high);
        _il.LoadInt64((long)lowOfFirst);
        _il.LoadInt64((long)highOfFirst);
        _il.LoadInt64((long)lowOfSecond);
        _il.LoadInt64((long)highOfSecond);
        _il.Call(s_shuffle);
        Pop(1);
    }

    // Eight indices into both operands become eight into each; bit 7 stands for a byte of the other.
    private static (ulong First, ulong Second) SplitIndices(ulong indices)
    {
        ulong ofSecond = (indices >> 4 & 0x0101_0101_0101_0101) * 0xFF;
        ulong places = indices & 0x0F0F_0F0F_0F0F_0F0F;
        const ulong Others = 0x8080_8080_8080_8080;
        return ((places & ~ofSecond) | (Others & ofSecond), (places & ofSecond) | (Others & ~ofSecond));
    }

    private static readonly MethodInfo s_vectorConstant = RuntimeMembers.Vector(nameof(VectorOps.V128Const));
    private static readonly MethodInfo s_shuffle = RuntimeMembers.Vector(nameof(VectorOps.I8x16Shuffle));
}
