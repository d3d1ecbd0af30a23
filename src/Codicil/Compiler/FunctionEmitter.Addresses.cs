using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Format.Types;
using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>Where accesses of linear memories start from, and how an index becomes an address.</summary>
internal sealed partial class FunctionEmitter
{
    private static readonly MemoryAccess s_noAccess = new();

    /// <summary>How a memory is accessed in this function.</summary>
    private sealed class MemoryAccess
    {
        /// <summary>The local with the base; null where the function has no access.</summary>
        public LocalBuilder? Base;

        /// <summary>With checks: the local with the memory, whose length is compared.</summary>
        public LocalBuilder? Memory;

        public bool IsChecked;

        /// <summary>Whether addresses are i64.</summary>
        public bool Is64;

        /// <summary>Whether an i64 index in guard mode has 34 bits instead of 32; see <see cref="AddressSpace.WideIndexBits"/>.</summary>
        public bool HasWideSlot;

        /// <summary>What is in the base beyond the memory's address; see <see cref="GuardAddressing"/>.</summary>
        public int Bias;

        /// <summary>In guard mode the bases of loads, by the logarithm of their width, which are not the one of all other accesses; see <see cref="LoadWidths"/>.</summary>
        public readonly LocalBuilder?[] OtherBases = new LocalBuilder?[5];

        /// <summary>The width of the loads from <see cref="Base"/> that may trap.</summary>
        public int MostWidth;

        /// <summary>What the memory has at least.</summary>
        public ulong MinimumBytes;
    }

    /// <summary>What a function does with a memory.</summary>
    private sealed class MemoryUse
    {
        private LoadWidths _widths;

        public bool HasFarOffset { get; private set; }

        public ref readonly LoadWidths Widths => ref _widths;

        /// <summary>Sees an access.</summary>
        /// <param name="instruction">The instruction.</param>
        /// <param name="indexOffset">What may be added to its offset where it is a load.</param>
        /// <param name="loopDepth">In how many loops it is.</param>
        public void See(in Instruction instruction, uint indexOffset, int loopDepth)
        {
            HasFarOffset |= !GuardAddressing.IsNear(instruction.Bits) || !GuardAddressing.IsNear(instruction.Bits + indexOffset);
            _widths.See(instruction.Opcode, loopDepth);
        }
    }

    private bool IsChecked(int memory) => _module.Variant.MemoryModes[memory] == MemoryMode.Checked;

    // Between instructions the first memory is selected, where the function accesses it.
    private void SelectMemory(int index) => _access = _memories.GetValueOrDefault(index, s_noAccess);

    /// <summary>Loads what accesses of a memory start from into locals.</summary>
    private MemoryAccess EmitMemoryAccess(int memory, MemoryUse use)
    {
        MemoryType type = _format.Memories[memory];
        var access = new MemoryAccess
        {
            Is64 = type.Is64,
            IsChecked = IsChecked(memory),
            HasWideSlot = _module.Variant.MemoryModes[memory] == MemoryMode.WideGuard,
            MostWidth = use.Widths.Most,
            MinimumBytes = type.Limits.Minimum << type.PageSizeLog2,
            Base = _il.DeclareLocal(typeof(nint)),
        };
        if (access.IsChecked)
        {
            EmitLoadBase(memory, access.Base, RuntimeMembers.MemoryBase, RuntimeMembers.MemoryAddress);
            access.Memory = _il.DeclareLocal(typeof(LinearMemory));
            EmitLoadMemory(memory);
            _il.StoreLocal(access.Memory);
            return access;
        }

        // A constant index is an offset too. In the first page it never traps, if there is one; elsewhere it is above the JIT's limit.
        bool isFar = use.HasFarOffset || access.MinimumBytes == 0;
        access.Bias = isFar ? GuardAddressing.FarBias : GuardAddressing.NearBias;
        EmitLoadGuardBase(memory, access.Base, isFar);
        for (int width = 1; width <= LoadWidths.Widest; width *= 2)
        {
            if (use.Widths.Has(width) && width != use.Widths.Most)
            {
                LocalBuilder other = _il.DeclareLocal(typeof(nint));
                EmitLoadGuardBase(memory, other, isFar);
                access.OtherBases[BitOperations.Log2((uint)width)] = other;
            }
        }

        return access;
    }

    private void EmitLoadGuardBase(int memory, LocalBuilder local, bool isFar)
    {
        if (isFar)
        {
            EmitLoadBase(memory, local, RuntimeMembers.FarMemoryBase, RuntimeMembers.FarMemoryAddress);
        }
        else
        {
            EmitLoadBase(memory, local, RuntimeMembers.NearMemoryBase, RuntimeMembers.NearMemoryAddress);
        }
    }

    // The first memory's base is in the instance. In guard mode it is volatile; see LoadWidths.
    private void EmitLoadBase(int memory, LocalBuilder local, FieldInfo first, FieldInfo other)
    {
        if (memory == 0)
        {
            LoadInstance();
        }
        else
        {
            EmitLoadMemory(memory);
        }

        if (!IsChecked(memory))
        {
            _il.Emit(OpCodes.Volatile);
        }

        _il.LoadField(memory == 0 ? first : other);
        _il.StoreLocal(local);
    }

    /// <summary>Turns the index below the value on top into an address.</summary>
    private void EmitAddressBelow(OperandKind kind, ulong offset, int width)
    {
        if (!_access.IsChecked && _pending is PendingKind.Constant or PendingKind.Local && _onStack >= 2)
        {
            // The value is not written yet: the address can be finished first.
            PendingOperand pending = TakePending();
            EmitAddress(offset, _access.Base!);
            EmitPending(pending);
            Push();
            return;
        }

        EnsureTop(2);
        LocalBuilder value = Scratch(kind);
        _il.StoreLocal(value);
        Pop(1);
        if (_access.IsChecked)
        {
            EmitCheckedAddress(offset, width);
        }
        else
        {
            EmitAddress(offset, _access.Base!);
        }

        _il.LoadLocal(value);
        Push();
    }

    /// <summary>Turns the index on top into the address of a load, which is checked where the load itself does not trap.</summary>
    private void EmitLoadAddress(ulong offset, int width)
    {
        if (_access.IsChecked)
        {
            EnsureTop(1);
            EmitCheckedAddress(offset, width);
        }
        else
        {
            EmitAddress(offset, BaseOf(offset, width));
        }
    }

    /// <summary>The base of a load in guard mode whose index is on top; see <see cref="LoadWidths"/>.</summary>
    private LocalBuilder BaseOf(ulong offset, int width)
    {
        // Neither this load nor one at the same address of the width that has the other base.
        bool neverTraps = !_access.Is64 && _bounds.Top + offset + (ulong)Math.Max(width, _access.MostWidth) <= _access.MinimumBytes;
        return (neverTraps ? null : _access.OtherBases[BitOperations.Log2((uint)width)]) ?? _access.Base!;
    }

    /// <summary>Turns the index on top into base + index + offset.</summary>
    private void EmitAddress(ulong offset, LocalBuilder memoryBase)
    {
        if (_access.Is64)
        {
            offset = EmitNarrowIndex(offset);
        }

        if (_pending == PendingKind.Constant && _onStack >= 1)
        {
            PendingOperand index = TakePending();
            _il.LoadLocal(memoryBase);
            EmitOffset((long)((uint)index.Bits + offset) - _access.Bias);
            Push();
            return;
        }

        offset += TakeWideOffset();
        EnsureTop(1);
        _il.Emit(OpCodes.Conv_U);
        _il.LoadLocal(memoryBase);
        _il.Emit(OpCodes.Add);
        EmitOffset((long)offset - _access.Bias);
    }

    /// <summary>Turns the i64 on top, an index in guard mode, into one that stays in the slot, or traps: within the slot the pages tell. A constant that fits stays one.</summary>
    /// <returns>What is still to be added.</returns>
    private ulong EmitNarrowIndex(ulong offset)
    {
        if (offset <= uint.MaxValue && _pending == PendingKind.Constant && _onStack >= 1 && _pendingOperand.Bits <= uint.MaxValue)
        {
            return offset;
        }

        EnsureTop(1);
        _il.Operands = _onStack - 1;
        if (offset <= uint.MaxValue)
        {
            EmitIndexBits();
            return offset;
        }

        if (!_access.HasWideSlot || offset >> AddressSpace.WideIndexBits != 0)
        {
            // No memory of this kind reaches that far.
            _il.Emit(OpCodes.Pop);
            _il.Call(RuntimeMembers.Trap(nameof(Traps.MemoryOutOfBounds)));
            _il.LoadInt32(0);
            return 0;
        }

        EmitIndexBits();
        _il.LoadInt64((long)offset);
        _il.Emit(OpCodes.Add);
        EmitIndexBits();
        return 0;
    }

    /// <summary>
    /// Leaves of the i64 on top the bits that an index of the slot can have, or traps if there are others. To the JIT the result is another number than the index, as the cast of an i32
    /// is: it must not add a constant in the index to the offset (<see cref="GuardAddressing"/>).
    /// </summary>
    private void EmitIndexBits()
    {
        LocalBuilder index = Scratch(OperandKind.I64);
        LocalBuilder bits = Scratch(_access.HasWideSlot ? OperandKind.I64 : OperandKind.I32);
        Label inside = _il.DefineLabel();
        _il.StoreLocal(index);
        _il.LoadLocal(index);
        if (_access.HasWideSlot)
        {
            _il.LoadInt64((1L << AddressSpace.WideIndexBits) - 1);
            _il.Emit(OpCodes.And);
        }
        else
        {
            _il.Emit(OpCodes.Conv_U4);
        }

        _il.StoreLocal(bits);
        _il.LoadLocal(bits);
        _il.Emit(OpCodes.Conv_U8);
        _il.LoadLocal(index);
        _il.Branch(OpCodes.Beq, inside);
        _il.Call(RuntimeMembers.Trap(nameof(Traps.MemoryOutOfBounds)));
        _il.Mark(inside);
        _il.LoadLocal(bits);
    }

    private void EmitOffset(long offset)
    {
        if (offset == 0)
        {
            return;
        }

        if (offset is >= int.MinValue and <= int.MaxValue)
        {
            _il.LoadInt32((int)offset);
        }
        else
        {
            _il.LoadInt64(offset);
        }

        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Add);
    }

    /// <summary>Turns the index on top into the address of an access that is inside the memory, or traps.</summary>
    private void EmitCheckedAddress(ulong offset, int width)
    {
        if (_access.Is64)
        {
            EmitChecked64BitAddress(offset, width);
            return;
        }

        LocalBuilder index = Scratch(OperandKind.I64);
        _il.Operands = _onStack - 1;
        offset += TakeWideOffset();
        _il.Emit(OpCodes.Conv_U8);
        _il.StoreLocal(index);
        _il.LoadLocal(index);
        _il.LoadInt64((long)(offset + (ulong)width));
        _il.Emit(OpCodes.Add);
        EmitAddressInside(index, offset);
    }

    // An i64 and a 64-bit offset may have a sum beyond 64 bits, which then is less than what was added.
    private void EmitChecked64BitAddress(ulong offset, int width)
    {
        LocalBuilder index = Scratch(OperandKind.I64);
        LocalBuilder end = Scratch(OperandKind.I64);
        ulong added = unchecked(offset + (ulong)width);
        _il.Operands = _onStack - 1;
        _il.StoreLocal(index);
        if (added < offset)
        {
            // No memory reaches that far.
            _il.Call(RuntimeMembers.Trap(nameof(Traps.MemoryOutOfBounds)));
        }

        Label noWrap = _il.DefineLabel();
        _il.LoadLocal(index);
        _il.LoadInt64((long)added);
        _il.Emit(OpCodes.Add);
        _il.StoreLocal(end);
        _il.LoadLocal(end);
        _il.LoadInt64((long)added);
        _il.Branch(OpCodes.Bge_Un, noWrap);
        _il.Call(RuntimeMembers.Trap(nameof(Traps.MemoryOutOfBounds)));
        _il.Mark(noWrap);
        _il.LoadLocal(end);
        EmitAddressInside(index, offset);
    }

    // The access's end is on top: a trap if it lies beyond the memory's, else the address.
    private void EmitAddressInside(LocalBuilder index, ulong offset)
    {
        Label inside = _il.DefineLabel();
        _il.LoadLocal(_access.Memory!);
        _il.LoadField(RuntimeMembers.MemoryLength);
        _il.Branch(OpCodes.Ble_Un, inside);
        _il.Call(RuntimeMembers.Trap(nameof(Traps.MemoryOutOfBounds)));
        _il.Mark(inside);
        _il.LoadLocal(index);
        _il.Emit(OpCodes.Conv_I);
        _il.LoadLocal(_access.Base!);
        _il.Emit(OpCodes.Add);
        EmitOffset((long)offset);
    }
}
