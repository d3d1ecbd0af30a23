using System.Diagnostics;

using Codicil.Format.Instructions;

namespace Codicil.Format.Binary;

/// <summary>Encodes instructions: the inverse of <see cref="InstructionReader"/>, from the same <see cref="Instruction"/>.</summary>
/// <remarks>WebAssembly 3.0, 5.4 Instructions.</remarks>
internal static class InstructionWriter
{
    /// <summary>Writes an opcode without immediates.</summary>
    public static void WriteOpcode(ByteWriter writer, Opcode opcode)
    {
        uint value = (uint)opcode;
        if (value <= byte.MaxValue)
        {
            writer.WriteByte((byte)value);
        }
        else
        {
            writer.WriteByte((byte)(value >> 16));
            writer.WriteU32(value & 0xFFFF);
        }
    }

    /// <summary>Writes an instruction. <see cref="Instruction.Vector"/> is copied as it stands.</summary>
    public static void Write(ByteWriter writer, in Instruction instruction)
    {
        WriteOpcode(writer, instruction.Opcode);
        switch (OpcodeTable.Immediate(instruction.Opcode))
        {
            case ImmediateKind.None:
                break;
            case ImmediateKind.BlockType:
                TypeWriter.WriteBlockType(writer, instruction.BlockType);
                break;
            case ImmediateKind.BlockTypeAndCatches:
                TypeWriter.WriteBlockType(writer, instruction.BlockType);
                WriteVector(writer, instruction);
                break;
            case ImmediateKind.Label or ImmediateKind.Local or ImmediateKind.Global or ImmediateKind.Function or ImmediateKind.Type
                or ImmediateKind.Tag or ImmediateKind.Table or ImmediateKind.Memory or ImmediateKind.Data or ImmediateKind.Element:
                writer.WriteU32(instruction.Index);
                break;
            case ImmediateKind.LabelVector:
                WriteVector(writer, instruction);
                writer.WriteU32(instruction.Index);
                break;
            case ImmediateKind.TypeAndTable or ImmediateKind.MemoryPair or ImmediateKind.TablePair or ImmediateKind.DataAndMemory
                or ImmediateKind.ElementAndTable or ImmediateKind.TypeAndField or ImmediateKind.TypePair or ImmediateKind.TypeAndData
                or ImmediateKind.TypeAndElement or ImmediateKind.TypeAndLength:
                writer.WriteU32(instruction.Index);
                writer.WriteU32(instruction.SecondIndex);
                break;
            case ImmediateKind.MemoryArgument:
                WriteMemoryArgument(writer, instruction);
                break;
            case ImmediateKind.MemoryArgumentAndLane:
                WriteMemoryArgument(writer, instruction);
                writer.WriteByte(instruction.Lane);
                break;
            case ImmediateKind.Lane:
                writer.WriteByte(instruction.Lane);
                break;
            case ImmediateKind.I32:
                writer.WriteSigned(instruction.I32);
                break;
            case ImmediateKind.I64:
                writer.WriteSigned(instruction.I64);
                break;
            case ImmediateKind.F32:
                writer.WriteFixed32((uint)instruction.Bits);
                break;
            case ImmediateKind.F64:
                writer.WriteFixed64(instruction.Bits);
                break;
            case ImmediateKind.V128 or ImmediateKind.Lanes:
                writer.WriteFixed64(instruction.Bits);
                writer.WriteFixed64(instruction.HighBits);
                break;
            case ImmediateKind.ValueTypes:
                WriteVector(writer, instruction);
                break;
            case ImmediateKind.HeapType:
                TypeWriter.WriteHeapType(writer, instruction.HeapType);
                break;
            case ImmediateKind.Cast:
                writer.WriteByte(instruction.CastFlags);
                writer.WriteU32(instruction.Index);
                TypeWriter.WriteHeapType(writer, instruction.HeapType);
                TypeWriter.WriteHeapType(writer, instruction.TargetHeapType);
                break;
            case ImmediateKind.Fence:
                writer.WriteByte(0);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private static void WriteVector(ByteWriter writer, in Instruction instruction)
    {
        writer.WriteU32((uint)instruction.VectorCount);
        writer.WriteBytes(instruction.Vector);
    }

    private static void WriteMemoryArgument(ByteWriter writer, in Instruction instruction)
    {
        writer.WriteU32(instruction.Alignment | (instruction.Index == 0 ? 0u : 0x40u));
        if (instruction.Index != 0)
        {
            writer.WriteU32(instruction.Index);
        }

        writer.WriteU64(instruction.Bits);
    }
}
