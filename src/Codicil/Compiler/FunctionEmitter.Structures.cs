using System.Collections.Immutable;
using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Format.Types;
using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>Structures and arrays. Validation has made sure of the types: what is left to check are nulls and indices, explicitly, since nothing but linear memory may fault.</summary>
internal sealed partial class FunctionEmitter
{
    private const int ElementAddressPool = 10;

    private bool EmitAggregate(in Instruction instruction)
    {
        int type = (int)instruction.Index;
        int second = (int)instruction.SecondIndex;
        switch (instruction.Opcode)
        {
            case Opcode.StructNew:
                EmitStructNew(type);
                return true;
            case Opcode.StructNewDefault:
                Materialize();
                EmitNewStructure(type);
                Push();
                return true;
            case Opcode.StructGet or Opcode.StructGetS or Opcode.StructGetU:
                EmitStructGet(type, second, isSigned: instruction.Opcode == Opcode.StructGetS);
                return true;
            case Opcode.StructSet:
                EmitStructSet(type, second);
                return true;
            case Opcode.ArrayNew:
                EnsureTop(2);
                EmitLoadGcType(type);
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.ArrayNewI8)[..^2] + SuffixOf(ElementOf(type))));
                Pop(1);
                return true;
            case Opcode.ArrayNewDefault:
                EnsureTop(1);
                EmitLoadGcType(type);
                _il.Call(RuntimeMembers.GcOf(nameof(GcOps.ArrayNewDefaultOf), ArrayInstance.ElementClass(ElementOf(type))));
                return true;
            case Opcode.ArrayNewFixed:
                EmitArrayNewFixed(type, second);
                return true;
            case Opcode.ArrayNewData:
                EnsureTop(2);
                _il.LoadInt32(second);
                EmitLoadGcType(type);
                LoadInstance();
                _il.Call(RuntimeMembers.GcOf(nameof(GcOps.ArrayNewData), ArrayInstance.ElementClass(ElementOf(type))));
                Pop(1);
                return true;
            case Opcode.ArrayNewElem:
                EnsureTop(2);
                _il.LoadInt32(second);
                EmitLoadGcType(type);
                LoadInstance();
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.ArrayNewElements)));
                Pop(1);
                return true;
            case Opcode.ArrayGet or Opcode.ArrayGetS or Opcode.ArrayGetU:
                EmitArrayGet(type, isSigned: instruction.Opcode == Opcode.ArrayGetS);
                return true;
            case Opcode.ArraySet:
                EmitArraySet(type);
                return true;
            case Opcode.ArrayLen:
                EmitNonNullTop();
                _il.LoadField(RuntimeMembers.ArrayCount);
                return true;
            case Opcode.ArrayFill:
                EnsureTop(4);
                LoadInstance();
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.ArrayFillI8)[..^2] + SuffixOf(ElementOf(type))));
                Pop(4);
                return true;
            case Opcode.ArrayCopy:
                EnsureTop(5);
                LoadInstance();
                _il.Call(RuntimeMembers.GcOf(nameof(GcOps.ArrayCopy), ArrayInstance.ElementClass(ElementOf(type))));
                Pop(5);
                return true;
            case Opcode.ArrayInitData:
                EnsureTop(4);
                _il.LoadInt32(second);
                LoadInstance();
                _il.Call(RuntimeMembers.GcOf(nameof(GcOps.ArrayInitData), ArrayInstance.ElementClass(ElementOf(type))));
                Pop(4);
                return true;
            case Opcode.ArrayInitElem:
                EnsureTop(4);
                _il.LoadInt32(second);
                LoadInstance();
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.ArrayInitElements)));
                Pop(4);
                return true;
            case Opcode.RefI31:
                EnsureTop(1);
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.CreateI31)));
                return true;
            case Opcode.I31GetS or Opcode.I31GetU:
                EmitNonNullTop();
                _il.LoadField(RuntimeMembers.I31Number);
                if (instruction.Opcode == Opcode.I31GetU)
                {
                    _il.LoadInt32(0x7FFF_FFFF);
                    _il.Emit(OpCodes.And);
                }

                return true;
            default:
                return false;
        }
    }

    private FieldType ElementOf(int type) => _format.Types[type].Composite.Fields[0];

    private static string SuffixOf(FieldType field) => field.Storage switch
    {
        StorageKind.I8 => "I8",
        StorageKind.I16 => "I16",
        _ => ClrTypes.KindOf(field.Type).ToString(),
    };

    private void EmitLoadGcType(int type)
    {
        LoadInstance();
        _il.LoadField(RuntimeMembers.GcTypes);
        _il.LoadInt32(type);
        _il.Emit(OpCodes.Ldelem_Ref);
    }

    private void EmitNewStructure(int type)
    {
        EmitLoadGcType(type);
        _il.NewObject(_module.Module.Owner.GetLayout(type).Class.Constructor);
    }

    private void EmitStructNew(int type)
    {
        ImmutableArray<FieldType> fields = _format.Types[type].Composite.Fields;
        LocalBuilder[] values = TakeOperands(fields.Length);
        LocalBuilder structure = Scratch(OperandKind.Reference);
        EmitNewStructure(type);
        _il.StoreLocal(structure);
        for (int i = 0; i < values.Length; i++)
        {
            EmitFieldAddress(structure, type, i);
            _il.LoadLocal(values[i]);
            EmitStoreField(fields[i]);
        }

        _il.LoadLocal(structure);
        Push();
    }

    private void EmitStructGet(int type, int index, bool isSigned)
    {
        FieldType field = _format.Types[type].Composite.Fields[index];
        EmitNonNullTop();
        EmitFieldAddress(type, index);
        EmitLoadField(field, isSigned);
    }

    private void EmitStructSet(int type, int index)
    {
        FieldType field = _format.Types[type].Composite.Fields[index];
        EnsureTop(2);
        LocalBuilder value = Scratch(ClrTypes.KindOf(field.Type));
        _il.StoreLocal(value);
        Pop(1);
        EmitNonNullTop(below: 1);
        EmitFieldAddress(type, index);
        _il.LoadLocal(value);
        EmitStoreField(field);
        Pop(1);
    }

    /// <summary>Takes the topmost operands, and gives for each the local where it is.</summary>
    private LocalBuilder[] TakeOperands(int count)
    {
        var values = new LocalBuilder[count];
        Materialize();
        bool inPlaces = _onStack < count || count > MostStackOperands;
        if (inPlaces)
        {
            Flush();
        }

        for (int i = count - 1; i >= 0; i--)
        {
            int position = _count - count + i;
            if (inPlaces)
            {
                values[i] = Slot(position, KindAt(position));
            }
            else
            {
                values[i] = Scratch(KindAt(position));
                _il.StoreLocal(values[i]);
            }
        }

        _count -= count;
        _onStack -= inPlaces ? 0 : count;
        return values;
    }

    /// <summary>The reference on top, which is not null from here on. Operands above it were taken by the same instruction already.</summary>
    private void EmitNonNullTop(int below = 0)
    {
        EnsureTop(1);
        if (!_validator.PeekOperand(below).IsNullable)
        {
            return;
        }

        LocalBuilder reference = Scratch(OperandKind.Reference);
        _il.Operands = _onStack - 1;
        _il.StoreLocal(reference);
        EmitNullCheck(reference);
        _il.LoadLocal(reference);
    }

    private void EmitFieldAddress(LocalBuilder structure, int type, int index)
    {
        _il.LoadLocal(structure);
        EmitFieldAddress(type, index);
    }

    // From the object's type field, which lies in front of all others. The JIT sees an address in an object, for which it has the shorter write barrier.
    private void EmitFieldAddress(int type, int index)
    {
        _il.LoadFieldAddress(RuntimeMembers.ObjectType);
        _il.LoadInt32(StructFields.FirstOffset + _module.Module.Owner.GetLayout(type).Offsets[index]);
        _il.Emit(OpCodes.Add);
    }

    private void EmitLoadField(FieldType field, bool isSigned)
    {
        switch (field.Storage)
        {
            case StorageKind.I8:
                _il.Emit(isSigned ? OpCodes.Ldind_I1 : OpCodes.Ldind_U1);
                break;
            case StorageKind.I16:
                _il.Emit(isSigned ? OpCodes.Ldind_I2 : OpCodes.Ldind_U2);
                break;
            default:
                if (field.Type.IsReference)
                {
                    _il.Emit(OpCodes.Ldind_Ref);
                }
                else
                {
                    EmitLoadIndirect(ClrTypes.KindOf(field.Type));
                }

                break;
        }
    }

    private void EmitStoreField(FieldType field)
    {
        switch (field.Storage)
        {
            case StorageKind.I8:
                _il.Emit(OpCodes.Stind_I1);
                break;
            case StorageKind.I16:
                _il.Emit(OpCodes.Stind_I2);
                break;
            default:
                if (field.Type.IsReference)
                {
                    _il.Emit(OpCodes.Stind_Ref);
                }
                else
                {
                    EmitStoreIndirect(ClrTypes.KindOf(field.Type));
                }

                break;
        }
    }

    private void EmitArrayNewFixed(int type, int length)
    {
        FieldType element = ElementOf(type);
        LocalBuilder[] values = TakeOperands(length);
        LocalBuilder array = Scratch(OperandKind.Reference);
        _il.LoadInt32(length);
        EmitLoadGcType(type);
        _il.Call(RuntimeMembers.GcOf(nameof(GcOps.ArrayNewDefaultOf), ArrayInstance.ElementClass(element)));
        _il.StoreLocal(array);
        bool isShort = length <= ArrayInstance.MostShort(element);
        LocalBuilder elements = array;
        if (!isShort)
        {
            elements = Scratch(OperandKind.Reference);
            _il.LoadLocal(array);
            _il.LoadField(RuntimeMembers.ArrayElements);
            _il.StoreLocal(elements);
        }

        for (int i = 0; i < length; i++)
        {
            _il.LoadLocal(elements);
            EmitFirstOf(isShort);
            _il.LoadInt32(i * ArrayInstance.SizeOf(element));
            _il.Emit(OpCodes.Add);
            _il.LoadLocal(values[i]);
            EmitStoreField(element);
        }

        _il.LoadLocal(array);
        Push();
    }

    private void EmitArrayGet(int type, bool isSigned)
    {
        FieldType element = ElementOf(type);
        EnsureTop(2);
        LocalBuilder index = Scratch(OperandKind.I32);
        _il.StoreLocal(index);
        Pop(1);
        LocalBuilder address = Scratch(ElementAddressPool, typeof(byte).MakeByRefType());
        Label isShort = _il.DefineLabel();
        (LocalBuilder array, LocalBuilder length) = EmitCheckedArray(index, below: 1);
        EmitFirstElement(array, isShort: true);
        _il.StoreLocal(address);
        EmitBranchIfShort(length, element, isShort);
        EmitFirstElement(array, isShort: false);
        _il.StoreLocal(address);
        _il.Mark(isShort);
        _il.LoadLocal(address);
        EmitAddIndex(element, index);
        EmitLoadField(element, isSigned);
    }

    private void EmitArraySet(int type)
    {
        FieldType element = ElementOf(type);
        EnsureTop(3);
        LocalBuilder value = Scratch(ClrTypes.KindOf(element.Type));
        LocalBuilder index = Scratch(OperandKind.I32);
        _il.StoreLocal(value);
        _il.StoreLocal(index);
        Pop(2);
        Label isShort = _il.DefineLabel();
        Label done = _il.DefineLabel();
        (LocalBuilder array, LocalBuilder length) = EmitCheckedArray(index, below: 2);
        Pop(1);
        EmitBranchIfShort(length, element, isShort);

        // Twice, so that the JIT sees an address in an object, for which it has the shorter write barrier.
        EmitFirstElement(array, isShort: false);
        EmitAddIndex(element, index);
        _il.LoadLocal(value);
        EmitStoreField(element);
        _il.Branch(OpCodes.Br, done);
        _il.Mark(isShort);
        EmitFirstElement(array, isShort: true);
        EmitAddIndex(element, index);
        _il.LoadLocal(value);
        EmitStoreField(element);
        _il.Mark(done);
    }

    // The array on top, which has an element at the index, and its length.
    private (LocalBuilder Array, LocalBuilder Length) EmitCheckedArray(LocalBuilder index, int below)
    {
        EmitNonNullTop(below);
        LocalBuilder array = Scratch(OperandKind.Reference);
        LocalBuilder length = Scratch(OperandKind.I32);
        Label inside = _il.DefineLabel();
        _il.Operands = _onStack - 1;
        _il.StoreLocal(array);
        _il.LoadLocal(array);
        _il.LoadField(RuntimeMembers.ArrayCount);
        _il.StoreLocal(length);
        _il.LoadLocal(index);
        _il.LoadLocal(length);
        _il.Branch(OpCodes.Blt_Un, inside);
        _il.Call(RuntimeMembers.Trap(nameof(Traps.ArrayOutOfBounds)));
        _il.Mark(inside);
        return (array, length);
    }

    private void EmitBranchIfShort(LocalBuilder length, FieldType element, Label isShort)
    {
        _il.LoadLocal(length);
        _il.LoadInt32(ArrayInstance.MostShort(element));
        _il.Branch(OpCodes.Ble_Un, isShort);
    }

    private void EmitFirstElement(LocalBuilder array, bool isShort)
    {
        _il.LoadLocal(array);
        if (!isShort)
        {
            _il.LoadField(RuntimeMembers.ArrayElements);
        }

        EmitFirstOf(isShort);
    }

    // The address of the first element: of the short array on top, or of the .NET array.
    private void EmitFirstOf(bool isShort)
    {
        if (!isShort)
        {
            _il.LoadFieldAddress(RuntimeMembers.FirstElement);
            return;
        }

        _il.LoadFieldAddress(RuntimeMembers.ObjectType);
        _il.LoadInt32(ArrayInstance.FirstOffset);
        _il.Emit(OpCodes.Add);
    }

    private void EmitAddIndex(FieldType element, LocalBuilder index)
    {
        _il.LoadLocal(index);
        _il.Emit(OpCodes.Conv_U);
        int size = ArrayInstance.SizeOf(element);
        if (size > 1)
        {
            _il.LoadInt32(size);
            _il.Emit(OpCodes.Mul);
        }

        _il.Emit(OpCodes.Add);
    }
}
