using System.Diagnostics;
using System.Runtime.Intrinsics;

using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>Evaluates constant expressions (3.4.12, 4.7.2): global and table initialisers, segment offsets, elements.</summary>
internal static class ConstantEvaluator
{
    /// <summary>What a constant expression is: bits for a number, else a vector or a reference.</summary>
    public readonly record struct Constant(ulong Bits, Vector128<byte> Vector, object? Reference);

    /// <summary>The value of a validated constant expression.</summary>
    public static Constant Evaluate(ModuleInstance instance, ByteRange expression)
    {
        WasmModule module = instance.ManagedModule.Format;
        var reader = new InstructionReader(module.Bytes.Span, expression.Start, expression.End);
        Span<ulong> bits = stackalloc ulong[8];
        object? reference = null;
        Vector128<byte> vector = default;
        int count = 0;
        while (true)
        {
            reader.Read(out Instruction instruction);
            switch (instruction.Opcode)
            {
                case Opcode.End:
                    return new Constant(count > 0 ? bits[count - 1] : 0, vector, reference);
                case Opcode.I32Const:
                    Push(ref bits, ref count, (uint)instruction.I32);
                    break;
                case Opcode.I64Const or Opcode.F32Const or Opcode.F64Const:
                    Push(ref bits, ref count, instruction.Bits);
                    break;
                case Opcode.V128Const:
                    vector = Vector128.Create(instruction.Bits, instruction.HighBits).AsByte();
                    break;
                case Opcode.GlobalGet:
                    {
                        GlobalType type = module.Globals[(int)instruction.Index];
                        GlobalInstance? global = instance.Globals[(int)instruction.Index];
                        if (type.Type.IsReference)
                        {
                            reference = global!.Reference;
                        }
                        else if (type.Type == ValType.V128)
                        {
                            vector = global!.Vector;
                        }
                        else
                        {
                            Push(ref bits, ref count, global?.Bits ?? instance.InlineGlobals[instance.Code.Module.InlineGlobalSlots[(int)instruction.Index]]);
                        }

                        break;
                    }

                case Opcode.RefNull:
                    reference = null;
                    break;
                case Opcode.RefFunc:
                    reference = instance.GetFunction((int)instruction.Index);
                    break;
                case Opcode.I32Add:
                    count--;
                    bits[count - 1] = (uint)bits[count - 1] + (uint)bits[count] & 0xFFFF_FFFF;
                    break;
                case Opcode.I32Sub:
                    count--;
                    bits[count - 1] = (uint)((uint)bits[count - 1] - (uint)bits[count]);
                    break;
                case Opcode.I32Mul:
                    count--;
                    bits[count - 1] = (uint)((uint)bits[count - 1] * (uint)bits[count]);
                    break;
                case Opcode.I64Add:
                    count--;
                    bits[count - 1] += bits[count];
                    break;
                case Opcode.I64Sub:
                    count--;
                    bits[count - 1] -= bits[count];
                    break;
                case Opcode.I64Mul:
                    count--;
                    bits[count - 1] *= bits[count];
                    break;
                default:
                    throw new UnreachableException($"constant instruction {instruction.Opcode}");
            }
        }
    }

    private static void Push(ref Span<ulong> bits, ref int count, ulong value)
    {
        if (count == bits.Length)
        {
            // Chains as long as the guest likes: the heap, not the host's stack.
            ulong[] longer = new ulong[count * 2];
            bits.CopyTo(longer);
            bits = longer;
        }

        bits[count++] = value;
    }
}
