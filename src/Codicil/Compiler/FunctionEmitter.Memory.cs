using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// Linear memory. Addresses are native integers, never references: the JIT knows nothing of what lies behind them. In guard mode the access itself
/// traps; in checked mode a comparison does. What the JIT may do with an access that is unused or only partly used is kept from losing a trap:
/// see <see cref="NeedsProbe"/>.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private bool EmitMemory(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case >= Opcode.I32Load and <= Opcode.I64Load32U:
                EmitLoad(instruction);
                return true;
            case >= Opcode.I32Store and <= Opcode.I64Store32:
                EmitStore(instruction);
                return true;
            case Opcode.MemorySize:
                Materialize();
                EmitLoadMemory((int)instruction.Index);
                _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.MemorySize)));
                Push();
                return true;
            case Opcode.MemoryGrow:
                EnsureTop(1);
                EmitLoadMemory((int)instruction.Index);
                _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.MemoryGrow)));
                return true;
            case Opcode.MemoryFill:
                EnsureTop(3);
                EmitLoadMemory((int)instruction.Index);
                CallOperation(nameof(InstanceOps.MemoryFill), 3);
                return true;
            case Opcode.MemoryCopy:
                EnsureTop(3);
                EmitLoadMemory((int)instruction.Index);
                EmitLoadMemory((int)instruction.SecondIndex);
                CallOperation(nameof(InstanceOps.MemoryCopy), 3);
                return true;
            case Opcode.MemoryInit:
                EnsureTop(3);
                _il.LoadInt32((int)instruction.Index);
                EmitLoadMemory((int)instruction.SecondIndex);
                CallOperation(nameof(InstanceOps.MemoryInit), 3);
                return true;
            case Opcode.DataDrop:
                Materialize();
                _il.LoadInt32((int)instruction.Index);
                CallOperation(nameof(InstanceOps.DataDrop), 0);
                return true;
            default:
                return false;
        }
    }

    private void CallOperation(string name, int operands)
    {
        LoadInstance();
        _il.Call(RuntimeMembers.Operation(name));
        Pop(operands);
    }

    private void EmitLoadMemory(int index)
    {
        LoadInstance();
        if (index == 0)
        {
            _il.LoadField(RuntimeMembers.Memory0);
            return;
        }

        _il.LoadField(RuntimeMembers.LinearMemories);
        _il.LoadInt32(index);
        _il.Emit(OpCodes.Ldelem_Ref);
    }

    private void EmitLoad(in Instruction instruction)
    {
        int width = OpcodeTable.Width(instruction.Opcode);
        if (_isChecked)
        {
            EnsureTop(1);
            EmitCheckedAddress(instruction.Bits, width);
        }
        else
        {
            EmitAddress(instruction.Bits);
            if (NeedsProbe(instruction.Opcode, _nextOpcode))
            {
                LocalBuilder address = ScratchAddress();
                _il.StoreLocal(address);
                _il.LoadLocal(address);
                _il.LoadInt32(width - 1);
                _il.Emit(OpCodes.Add);
                _il.Emit(OpCodes.Ldind_U1);
                _il.Emit(OpCodes.Pop);
                _il.LoadLocal(address);
            }
        }

        switch (instruction.Opcode)
        {
            case Opcode.I32Load:
                _il.Emit(OpCodes.Ldind_I4);
                break;
            case Opcode.I64Load:
                _il.Emit(OpCodes.Ldind_I8);
                break;
            case Opcode.F32Load:
                _il.Emit(OpCodes.Ldind_R4);
                break;
            case Opcode.F64Load:
                _il.Emit(OpCodes.Ldind_R8);
                break;
            case Opcode.I32Load8S:
                _il.Emit(OpCodes.Ldind_I1);
                break;
            case Opcode.I32Load8U:
                _il.Emit(OpCodes.Ldind_U1);
                break;
            case Opcode.I32Load16S:
                _il.Emit(OpCodes.Ldind_I2);
                break;
            case Opcode.I32Load16U:
                _il.Emit(OpCodes.Ldind_U2);
                break;
            case Opcode.I64Load8S:
                _il.Emit(OpCodes.Ldind_I1);
                _il.Emit(OpCodes.Conv_I8);
                break;
            case Opcode.I64Load8U:
                _il.Emit(OpCodes.Ldind_U1);
                _il.Emit(OpCodes.Conv_U8);
                break;
            case Opcode.I64Load16S:
                _il.Emit(OpCodes.Ldind_I2);
                _il.Emit(OpCodes.Conv_I8);
                break;
            case Opcode.I64Load16U:
                _il.Emit(OpCodes.Ldind_U2);
                _il.Emit(OpCodes.Conv_U8);
                break;
            case Opcode.I64Load32S:
                _il.Emit(OpCodes.Ldind_I4);
                _il.Emit(OpCodes.Conv_I8);
                break;
            default:
                _il.Emit(OpCodes.Ldind_U4);
                _il.Emit(OpCodes.Conv_U8);
                break;
        }
    }

    /// <summary>
    /// Whether a load in guard mode needs a probe of its last byte: the JIT keeps an unused load of 8 bytes as one of 4, and makes one narrower
    /// whose result is narrowed, so that a trap in the last bytes of the memory would be lost. A store of the whole value rules both out.
    /// </summary>
    private static bool NeedsProbe(Opcode load, Opcode next) => load switch
    {
        Opcode.I64Load => next != Opcode.I64Store,
        Opcode.F64Load => next != Opcode.F64Store,
        _ => false,
    };

    private void EmitStore(in Instruction instruction)
    {
        int width = OpcodeTable.Width(instruction.Opcode);
        bool isConstant = _pending == PendingKind.Constant;
        if (!_isChecked && _pending is PendingKind.Constant or PendingKind.Local && _onStack >= 2)
        {
            // The value is not written yet: the address can be finished first.
            PendingOperand value = TakePending();
            EmitAddress(instruction.Bits);
            EmitPending(value);
            Push();
        }
        else
        {
            EnsureTop(2);
            LocalBuilder value = Scratch(StoredKind(instruction.Opcode));
            _il.StoreLocal(value);
            Pop(1);
            if (_isChecked)
            {
                EmitCheckedAddress(instruction.Bits, width);
            }
            else
            {
                EmitAddress(instruction.Bits);
            }

            _il.LoadLocal(value);
            Push();
        }

        if (isConstant)
        {
            // The JIT merges adjacent stores of constants into a wider one, and the first would be lost when the second traps.
            _il.Emit(OpCodes.Volatile);
        }

        _il.Emit(instruction.Opcode switch
        {
            Opcode.I32Store or Opcode.I64Store32 => OpCodes.Stind_I4,
            Opcode.I64Store => OpCodes.Stind_I8,
            Opcode.F32Store => OpCodes.Stind_R4,
            Opcode.F64Store => OpCodes.Stind_R8,
            Opcode.I32Store8 or Opcode.I64Store8 => OpCodes.Stind_I1,
            _ => OpCodes.Stind_I2,
        });
        Pop(2);
    }

    private static OperandKind StoredKind(Opcode opcode) => opcode switch
    {
        Opcode.I32Store or Opcode.I32Store8 or Opcode.I32Store16 => OperandKind.I32,
        Opcode.F32Store => OperandKind.F32,
        Opcode.F64Store => OperandKind.F64,
        _ => OperandKind.I64,
    };

    /// <summary>Turns the i32 on top into base + index + offset.</summary>
    private void EmitAddress(ulong offset)
    {
        if (_pending == PendingKind.Constant && _onStack >= 1)
        {
            PendingOperand index = TakePending();
            _il.LoadLocal(_memoryBase!);
            EmitOffset((uint)index.Bits + offset);
            Push();
            return;
        }

        EnsureTop(1);
        _il.Emit(OpCodes.Conv_U);
        _il.LoadLocal(_memoryBase!);
        _il.Emit(OpCodes.Add);
        EmitOffset(offset);
    }

    private void EmitOffset(ulong offset)
    {
        if (offset == 0)
        {
            return;
        }

        if (offset <= int.MaxValue)
        {
            _il.LoadInt32((int)offset);
            _il.Emit(OpCodes.Conv_I);
        }
        else
        {
            _il.LoadInt64((long)offset);
            _il.Emit(OpCodes.Conv_I);
        }

        _il.Emit(OpCodes.Add);
    }

    /// <summary>Turns the i32 on top into the address of an access that is inside the memory, or traps.</summary>
    private void EmitCheckedAddress(ulong offset, int width)
    {
        LocalBuilder index = Scratch(OperandKind.I64);
        Label inside = _il.DefineLabel();
        _il.Operands = _onStack - 1;
        _il.Emit(OpCodes.Conv_U8);
        _il.StoreLocal(index);
        _il.LoadLocal(index);
        _il.LoadInt64((long)(offset + (ulong)width));
        _il.Emit(OpCodes.Add);
        _il.LoadLocal(_memory!);
        _il.LoadField(RuntimeMembers.MemoryLength);
        _il.Branch(OpCodes.Ble_Un, inside);
        _il.Call(RuntimeMembers.Trap(nameof(Traps.MemoryOutOfBounds)));
        _il.Mark(inside);
        _il.LoadLocal(index);
        _il.Emit(OpCodes.Conv_I);
        _il.LoadLocal(_memoryBase!);
        _il.Emit(OpCodes.Add);
        EmitOffset(offset);
    }
}
