using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Runtime.Intrinsics;

using Codicil.Format.Instructions;
using Codicil.Format.Types;
using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>Structures and arrays. Validation has made sure of the types: what is left to check are nulls and indices, explicitly, since nothing but linear memory may fault.</summary>
internal sealed partial class FunctionEmitter
{
    private const int FirstElementPool = 10;

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
                _il.LoadField(RuntimeMembers.ArrayElements);
                _il.Emit(OpCodes.Ldlen);
                _il.Emit(OpCodes.Conv_I4);
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
                _il.Call(RuntimeMembers.Gc(nameof(GcOps.ArrayCopy)));
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
        LocalBuilder elements = ScratchElements(element);
        _il.LoadInt32(length);
        EmitLoadGcType(type);
        _il.Call(RuntimeMembers.GcOf(nameof(GcOps.AllocateElements), ArrayInstance.ElementClass(element)));
        _il.StoreLocal(elements);
        for (int i = 0; i < length; i++)
        {
            _il.LoadLocal(elements);
            _il.LoadInt32(i);
            EmitStoreElement(element, values[i]);
        }

        _il.LoadLocal(elements);
        EmitLoadGcType(type);
        _il.Call(RuntimeMembers.Gc(nameof(GcOps.Wrap)));
        Push();
    }

    private void EmitArrayGet(int type, bool isSigned)
    {
        FieldType element = ElementOf(type);
        EnsureTop(2);
        LocalBuilder index = Scratch(OperandKind.I32);
        _il.StoreLocal(index);
        Pop(1);
        LocalBuilder elements = EmitCheckedElements(element, index, below: 1);
        _il.LoadLocal(elements);
        _il.LoadLocal(index);
        switch (ArrayInstance.ElementClass(element))
        {
            case Type t when t == typeof(byte):
                _il.Emit(isSigned ? OpCodes.Ldelem_I1 : OpCodes.Ldelem_U1);
                break;
            case Type t when t == typeof(ushort):
                _il.Emit(isSigned ? OpCodes.Ldelem_I2 : OpCodes.Ldelem_U2);
                break;
            case Type t when t == typeof(ReferenceElement):
                _il.EmitType(OpCodes.Ldelema, t);
                _il.Emit(OpCodes.Ldind_Ref);
                break;
            case Type t:
                _il.EmitType(OpCodes.Ldelem, t);
                break;
        }
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
        LocalBuilder elements = EmitCheckedElements(element, index, below: 2);
        Pop(1);
        _il.LoadLocal(elements);
        _il.LoadLocal(index);
        EmitStoreElement(element, value);
    }

    // The elements of the array on top, which has one at the index.
    private LocalBuilder EmitCheckedElements(FieldType element, LocalBuilder index, int below)
    {
        EmitNonNullTop(below);
        LocalBuilder elements = ScratchElements(element);
        _il.Operands = _onStack - 1;
        _il.LoadField(RuntimeMembers.ArrayElements);
        _il.StoreLocal(elements);
        EmitIndexCheck(index, elements, nameof(Traps.ArrayOutOfBounds));
        return elements;
    }

    // Into the array and index on top.
    private void EmitStoreElement(FieldType element, LocalBuilder value)
    {
        Type @class = ArrayInstance.ElementClass(element);
        if (@class == typeof(ReferenceElement))
        {
            _il.EmitType(OpCodes.Ldelema, @class);
            _il.LoadLocal(value);
            _il.Emit(OpCodes.Stind_Ref);
            return;
        }

        _il.LoadLocal(value);
        if (@class == typeof(byte))
        {
            _il.Emit(OpCodes.Stelem_I1);
        }
        else if (@class == typeof(ushort))
        {
            _il.Emit(OpCodes.Stelem_I2);
        }
        else
        {
            _il.EmitType(OpCodes.Stelem, @class);
        }
    }

    private LocalBuilder ScratchElements(FieldType element) => ArrayInstance.ElementClass(element) switch
    {
        Type t when t == typeof(byte) => Scratch(FirstElementPool, typeof(byte[])),
        Type t when t == typeof(ushort) => Scratch(FirstElementPool + 1, typeof(ushort[])),
        Type t when t == typeof(int) => Scratch(FirstElementPool + 2, typeof(int[])),
        Type t when t == typeof(long) => Scratch(FirstElementPool + 3, typeof(long[])),
        Type t when t == typeof(float) => Scratch(FirstElementPool + 4, typeof(float[])),
        Type t when t == typeof(double) => Scratch(FirstElementPool + 5, typeof(double[])),
        Type t when t == typeof(Vector128<byte>) => Scratch(FirstElementPool + 6, typeof(Vector128<byte>[])),
        _ => Scratch(FirstElementPool + 7, typeof(ReferenceElement[])),
    };
}
