using System.Runtime.CompilerServices;

using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

// Memories, tables and their segments.
public sealed partial class FunctionValidator
{
    private ValType CheckAccess(in Instruction instruction, InstructionRow row)
    {
        ValType address = _addressOfMemory0;
        if (instruction.Index != 0 || address == default)
        {
            address = Address(instruction.Index);
        }

        int alignment = instruction.Alignment;
        if (alignment > row.WidthLog2)
        {
            FailAlignment(row.IsAtomic);
        }

        if (row.IsAtomic && alignment != row.WidthLog2)
        {
            FailAlignment(isAtomic: true);
        }

        if (instruction.Bits > uint.MaxValue && address == ValType.I32)
        {
            Fail($"offset out of range: {instruction.Bits} in a 32-bit memory");
        }

        return address;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FailAlignment(bool isAtomic) =>
        Fail(isAtomic ? "atomic alignment must be natural" : "alignment must not be larger than natural");

    private void CheckLane(byte lane, int lanes)
    {
        if (lane >= lanes)
        {
            Fail($"invalid lane index {lane}: there are {lanes}");
        }
    }

    private void CheckShuffle(ulong low, ulong high)
    {
        // Each of the sixteen lanes picks one of thirty-two.
        if (((low | high) & 0xE0E0_E0E0_E0E0_E0E0) != 0)
        {
            Fail("invalid lane index: a shuffle picks from 32 lanes");
        }
    }

    private ValType Address(uint memoryIndex)
    {
        if (memoryIndex >= (uint)_module.Memories.Length)
        {
            FailUnknown("memory", memoryIndex, _module.Memories.Length);
        }

        return _module.Memories[(int)memoryIndex].AddressType;
    }

    private TableType Table(uint index)
    {
        if (index >= (uint)_module.Tables.Length)
        {
            FailUnknown("table", index, _module.Tables.Length);
        }

        return _module.Tables[(int)index];
    }

    private ElementSegment Elements(uint index)
    {
        if (index >= (uint)_module.ElementSegments.Length)
        {
            FailUnknown("elem segment", index, _module.ElementSegments.Length);
        }

        return _module.ElementSegments[(int)index];
    }

    private void CheckData(uint index)
    {
        if (_module.DataCount is not int count)
        {
            throw new MalformedModuleException("data count section required", _offset);
        }

        if (index >= (uint)count)
        {
            FailUnknown("data segment", index, count);
        }
    }

    private void StepMemoryInit(in Instruction instruction)
    {
        ValType address = Address(instruction.SecondIndex);
        CheckData(instruction.Index);
        Pop(ValType.I32);
        Pop(ValType.I32);
        Pop(address);
    }

    private void StepMemoryCopy(in Instruction instruction)
    {
        ValType destination = Address(instruction.Index);
        ValType source = Address(instruction.SecondIndex);
        Pop(Smaller(destination, source));
        Pop(source);
        Pop(destination);
    }

    private void StepTableGet(uint index)
    {
        TableType table = Table(index);
        Pop(table.AddressType);
        Push(table.ElementType);
    }

    private void StepTableSet(uint index)
    {
        TableType table = Table(index);
        Pop(table.ElementType);
        Pop(table.AddressType);
    }

    private void StepTableGrow(uint index)
    {
        TableType table = Table(index);
        Pop(table.AddressType);
        Pop(table.ElementType);
        Push(table.AddressType);
    }

    private void StepTableFill(uint index)
    {
        TableType table = Table(index);
        Pop(table.AddressType);
        Pop(table.ElementType);
        Pop(table.AddressType);
    }

    private void StepTableCopy(in Instruction instruction)
    {
        TableType destination = Table(instruction.Index);
        TableType source = Table(instruction.SecondIndex);
        CheckElements(source.ElementType, destination.ElementType);
        Pop(Smaller(destination.AddressType, source.AddressType));
        Pop(source.AddressType);
        Pop(destination.AddressType);
    }

    private void StepTableInit(in Instruction instruction)
    {
        TableType table = Table(instruction.SecondIndex);
        CheckElements(Elements(instruction.Index).Type, table.ElementType);
        Pop(ValType.I32);
        Pop(ValType.I32);
        Pop(table.AddressType);
    }

    private void CheckElements(ValType source, ValType destination)
    {
        if (!Matches(source, destination))
        {
            Fail($"type mismatch: elements of type {source} do not match {destination}");
        }
    }

    private static ValType Smaller(ValType left, ValType right) => left == ValType.I64 ? right : left;
}
