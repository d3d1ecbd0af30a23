using System.Reflection.Emit;

using Codicil.Format.Instructions;

namespace Codicil.Compiler;

/// <summary>Vectors in linear memory. What is said of the other accesses holds here, too: an access traps or happens as a whole.</summary>
internal sealed partial class FunctionEmitter
{
    private bool EmitVectorMemory(in Instruction instruction)
    {
        if (OpcodeTable.Immediate(instruction.Opcode) is not (ImmediateKind.MemoryArgument or ImmediateKind.MemoryArgumentAndLane))
        {
            return false;
        }

        SelectMemory((int)instruction.Index);
        bool isEmitted = EmitVectorAccess(instruction);
        SelectMemory(0);
        return isEmitted;
    }

    private bool EmitVectorAccess(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case >= Opcode.V128Load and <= Opcode.V128Load64Splat or Opcode.V128Load32Zero or Opcode.V128Load64Zero:
                EmitLoadAddress(instruction.Bits, OpcodeTable.Width(instruction.Opcode));
                EmitVectorLoad(instruction.Opcode);
                return true;
            case Opcode.V128Store:
                EmitAddressBelow(OperandKind.V128, instruction.Bits, OpcodeTable.Width(instruction.Opcode));
                EmitVolatileInGuardMode();
                EmitStoreIndirect(OperandKind.V128);
                Pop(2);
                return true;
            case >= Opcode.V128Load8Lane and <= Opcode.V128Load64Lane:
                EmitLoadLane(instruction);
                return true;
            case >= Opcode.V128Store8Lane and <= Opcode.V128Store64Lane:
                EmitStoreLane(instruction);
                return true;
            default:
                return false;
        }
    }

    // From the address on top.
    private void EmitVectorLoad(Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.V128Load:
                EmitLoadVector();
                break;
            case Opcode.V128Load8Splat:
                _il.Emit(OpCodes.Ldind_U1);
                CallVector(Opcode.I8x16Splat);
                break;
            case Opcode.V128Load16Splat:
                _il.Emit(OpCodes.Ldind_U2);
                CallVector(Opcode.I16x8Splat);
                break;
            case Opcode.V128Load32Splat:
                _il.Emit(OpCodes.Ldind_I4);
                CallVector(Opcode.I32x4Splat);
                break;
            case Opcode.V128Load64Splat:
                if (!_access.IsChecked)
                {
                    _il.Call(VectorIntrinsics.LoadAndDuplicate);
                }
                else
                {
                    _il.Emit(OpCodes.Ldind_I8);
                    CallVector(Opcode.I64x2Splat);
                }

                break;
            case Opcode.V128Load32Zero:
                _il.Emit(OpCodes.Ldind_I4);
                if (!_access.IsChecked)
                {
                    EmitNarrowingBarrier();
                }

                _il.Call(VectorIntrinsics.FromInt32);
                break;
            case Opcode.V128Load64Zero:
                EmitLoad64Zero();
                break;
            default:
                EmitLoadLow64();
                CallVector(ExtensionOf(opcode));
                break;
        }
    }

    private static Opcode ExtensionOf(Opcode opcode) => opcode switch
    {
        Opcode.V128Load8x8S => Opcode.I16x8ExtendLowI8x16S,
        Opcode.V128Load8x8U => Opcode.I16x8ExtendLowI8x16U,
        Opcode.V128Load16x4S => Opcode.I32x4ExtendLowI16x8S,
        Opcode.V128Load16x4U => Opcode.I32x4ExtendLowI16x8U,
        Opcode.V128Load32x2S => Opcode.I64x2ExtendLowI32x4S,
        _ => Opcode.I64x2ExtendLowI32x4U,
    };

    /// <summary>
    /// 16 bytes. In guard mode as an intrinsic that the JIT takes for nothing else: an indirection would become a load of 1 byte where the vector is not
    /// used, and of one lane where one lane is.
    /// </summary>
    private void EmitLoadVector()
    {
        if (_access.IsChecked || _nextOpcode == Opcode.V128Store)
        {
            EmitLoadIndirect(OperandKind.V128);
        }
        else
        {
            _il.Call(VectorIntrinsics.Load);
        }
    }

    // 8 bytes for an instruction that uses all of them: the JIT makes them its operand.
    private void EmitLoadLow64()
    {
        if (!_access.IsChecked)
        {
            _il.Call(VectorIntrinsics.LoadScalarInt64);
            return;
        }

        _il.Emit(OpCodes.Ldind_I8);
        _il.Call(VectorIntrinsics.FromInt64);
    }

    /// <summary>
    /// 8 bytes for any use. A scalar load would become the operand of an instruction that takes the lowest lane only, and load no more than that; one
    /// that duplicates does not, and a move clears the upper lane.
    /// </summary>
    private void EmitLoad64Zero()
    {
        if (_access.IsChecked)
        {
            _il.Emit(OpCodes.Ldind_I8);
            _il.Call(VectorIntrinsics.FromInt64);
            return;
        }

        _il.Call(VectorIntrinsics.LoadAndDuplicate);
        _il.Call(VectorIntrinsics.ClearUpper);
    }

    private void EmitLoadLane(in Instruction instruction)
    {
        EnsureTop(2);
        LocalBuilder vector = Scratch(OperandKind.V128);
        _il.StoreLocal(vector);
        Pop(1);
        EmitLoadAddress(instruction.Bits, OpcodeTable.Width(instruction.Opcode));
        switch (instruction.Opcode)
        {
            case Opcode.V128Load8Lane:
                _il.Emit(OpCodes.Ldind_U1);
                break;
            case Opcode.V128Load16Lane:
                _il.Emit(OpCodes.Ldind_U2);
                break;
            case Opcode.V128Load32Lane:
                _il.Emit(OpCodes.Ldind_I4);
                break;
            case Opcode.V128Load64Lane when !_access.IsChecked:
                EmitWideLoad(Opcode.I64Load);
                break;
            default:
                _il.Emit(OpCodes.Ldind_I8);
                break;
        }

        LocalBuilder value = Scratch(instruction.Opcode == Opcode.V128Load64Lane ? OperandKind.I64 : OperandKind.I32);
        _il.StoreLocal(value);
        _il.LoadLocal(vector);
        _il.LoadLocal(value);
        _il.LoadInt32(instruction.Lane);
        CallVector(instruction.Opcode switch
        {
            Opcode.V128Load8Lane => Opcode.I8x16ReplaceLane,
            Opcode.V128Load16Lane => Opcode.I16x8ReplaceLane,
            Opcode.V128Load32Lane => Opcode.I32x4ReplaceLane,
            _ => Opcode.I64x2ReplaceLane,
        });
    }

    // The lane is taken out first: then it is a store of a number.
    private void EmitStoreLane(in Instruction instruction)
    {
        EnsureTop(2);
        _il.LoadInt32(instruction.Lane);
        CallVector(instruction.Opcode switch
        {
            Opcode.V128Store8Lane => Opcode.I8x16ExtractLaneU,
            Opcode.V128Store16Lane => Opcode.I16x8ExtractLaneU,
            Opcode.V128Store32Lane => Opcode.I32x4ExtractLane,
            _ => Opcode.I64x2ExtractLane,
        });
        EmitAddressBelow(
            instruction.Opcode == Opcode.V128Store64Lane ? OperandKind.I64 : OperandKind.I32, instruction.Bits, OpcodeTable.Width(instruction.Opcode));
        EmitVolatileInGuardMode();
        _il.Emit(instruction.Opcode switch
        {
            Opcode.V128Store8Lane => OpCodes.Stind_I1,
            Opcode.V128Store16Lane => OpCodes.Stind_I2,
            Opcode.V128Store32Lane => OpCodes.Stind_I4,
            _ => OpCodes.Stind_I8,
        });
        Pop(2);
    }

    // Constants may come here without our knowing it; see EmitStore.
    private void EmitVolatileInGuardMode()
    {
        if (!_access.IsChecked)
        {
            _il.Emit(OpCodes.Volatile);
        }
    }
}
