using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>Atomic instructions: an address that was checked, and a method that the JIT makes one locked instruction of where there is one.</summary>
internal sealed partial class FunctionEmitter
{
    private bool EmitAtomic(in Instruction instruction)
    {
        if ((int)instruction.Opcode >> 16 != 0xFE)
        {
            return false;
        }

        if (instruction.Opcode == Opcode.AtomicFence)
        {
            Materialize();
            _il.Call(RuntimeMembers.Atomic(nameof(AtomicOps.AtomicFence)));
            return true;
        }

        InstructionSignature signature = OpcodeTable.Signature(instruction.Opcode);
        LocalBuilder[] operands = TakeOperands(signature.Operands.Length);
        int memory = (int)instruction.Index;
        _il.LoadLocal(operands[0]);
        if (!Is64(memory))
        {
            _il.Emit(OpCodes.Conv_U8);
        }

        bool waits = instruction.Opcode is Opcode.MemoryAtomicWait32 or Opcode.MemoryAtomicWait64;
        bool isWhole = waits || instruction.Opcode == Opcode.MemoryAtomicNotify;
        if (!isWhole)
        {
            _il.LoadInt64((long)instruction.Bits);
            _il.LoadInt32(OpcodeTable.Width(instruction.Opcode));
            EmitLoadMemory(memory);
            _il.Call(RuntimeMembers.Atomic(nameof(AtomicOps.Address)));
        }

        for (int i = 1; i < operands.Length; i++)
        {
            _il.LoadLocal(operands[i]);
        }

        if (isWhole)
        {
            _il.LoadInt64((long)instruction.Bits);
            EmitLoadMemory(memory);
            if (waits)
            {
                LoadInstance();
            }
        }

        _il.Call(RuntimeMembers.Atomic(instruction.Opcode.ToString()));
        if (signature.Results.Length > 0)
        {
            Push();
        }

        return true;
    }
}
