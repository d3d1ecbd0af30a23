using System.Diagnostics;

using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

// References, structures, arrays, casts; and the switch over every instruction that has a rule of its own and is not in Step.
public sealed partial class FunctionValidator
{
    private void StepSpecial(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.Unreachable:
                SetUnreachable();
                break;
            case Opcode.Return:
                StepReturn();
                break;
            case Opcode.BrTable:
                StepBrTable(in instruction);
                break;
            case Opcode.CallIndirect:
                StepCallWith(PopIndirectCallee(in instruction));
                break;
            case Opcode.ReturnCall:
                StepTailCall(TypeOfFunction(instruction.Index));
                break;
            case Opcode.ReturnCallIndirect:
                StepTailCall(PopIndirectCallee(in instruction));
                break;
            case Opcode.CallRef:
                StepCallWith(PopReferencedCallee(instruction.Index));
                break;
            case Opcode.ReturnCallRef:
                StepTailCall(PopReferencedCallee(instruction.Index));
                break;
            case Opcode.SelectTyped:
                StepTypedSelect(in instruction);
                break;
            case Opcode.TryTable:
                StepTryTable(in instruction);
                break;
            case Opcode.Throw:
                StepThrow(instruction.Index);
                break;
            case Opcode.ThrowRef:
                Pop(ValType.Reference(true, HeapType.Exn));
                SetUnreachable();
                break;
            case Opcode.Try:
                StepBlock(in instruction);
                break;
            case Opcode.Catch:
            case Opcode.CatchAll:
                StepCatch(in instruction);
                break;
            case Opcode.Delegate:
                StepDelegate(instruction.Index);
                break;
            case Opcode.Rethrow:
                StepRethrow(instruction.Index);
                break;
            case Opcode.TableGet:
                StepTableGet(instruction.Index);
                break;
            case Opcode.TableSet:
                StepTableSet(instruction.Index);
                break;
            case Opcode.TableSize:
                Push(Table(instruction.Index).AddressType);
                break;
            case Opcode.TableGrow:
                StepTableGrow(instruction.Index);
                break;
            case Opcode.TableFill:
                StepTableFill(instruction.Index);
                break;
            case Opcode.TableCopy:
                StepTableCopy(in instruction);
                break;
            case Opcode.TableInit:
                StepTableInit(in instruction);
                break;
            case Opcode.ElemDrop:
                Elements(instruction.Index);
                break;
            case Opcode.MemoryInit:
                StepMemoryInit(in instruction);
                break;
            case Opcode.MemoryCopy:
                StepMemoryCopy(in instruction);
                break;
            case Opcode.DataDrop:
                CheckData(instruction.Index);
                break;
            default:
                StepReference(in instruction);
                break;
        }
    }

    private void StepReference(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.RefNull:
                CheckHeapType(instruction.HeapType);
                Push(ValType.Reference(true, instruction.HeapType));
                break;
            case Opcode.RefIsNull:
                PopReference();
                Push(ValType.I32);
                break;
            case Opcode.RefFunc:
                StepRefFunc(instruction.Index);
                break;
            case Opcode.RefAsNonNull:
                Push(ValType.Reference(false, PopReference().HeapType));
                break;
            case Opcode.RefEq:
                Pop(ValType.Reference(true, HeapType.Eq));
                Pop(ValType.Reference(true, HeapType.Eq));
                Push(ValType.I32);
                break;
            case Opcode.BrOnNull:
                StepBrOnNull(instruction.Index);
                break;
            case Opcode.BrOnNonNull:
                StepBrOnNonNull(instruction.Index);
                break;
            case Opcode.RefTest:
            case Opcode.RefTestNull:
                PopCastOperand(instruction.HeapType);
                Push(ValType.I32);
                break;
            case Opcode.RefCast:
            case Opcode.RefCastNull:
                PopCastOperand(instruction.HeapType);
                Push(ValType.Reference(instruction.Opcode == Opcode.RefCastNull, instruction.HeapType));
                break;
            case Opcode.BrOnCast:
            case Opcode.BrOnCastFail:
                StepBrOnCast(in instruction);
                break;
            case Opcode.RefI31:
                Pop(ValType.I32);
                Push(ValType.Reference(false, HeapType.I31));
                break;
            case Opcode.I31GetS:
            case Opcode.I31GetU:
                Pop(ValType.Reference(true, HeapType.I31));
                Push(ValType.I32);
                break;
            case Opcode.AnyConvertExtern:
                StepConvert(HeapType.Extern, HeapType.Any);
                break;
            case Opcode.ExternConvertAny:
                StepConvert(HeapType.Any, HeapType.Extern);
                break;
            default:
                StepAggregate(in instruction);
                break;
        }
    }

    private void StepAggregate(in Instruction instruction)
    {
        uint type = instruction.Index;
        switch (instruction.Opcode)
        {
            case Opcode.StructNew:
                StepStructNew(type, isDefault: false);
                break;
            case Opcode.StructNewDefault:
                StepStructNew(type, isDefault: true);
                break;
            case Opcode.StructGet:
            case Opcode.StructGetS:
            case Opcode.StructGetU:
                {
                    FieldType field = StructField(type, instruction.SecondIndex);
                    CheckPacking(field, instruction.Opcode != Opcode.StructGet);
                    Pop(NullableReference(type));
                    Push(field.Type);
                    break;
                }

            case Opcode.StructSet:
                {
                    FieldType field = StructField(type, instruction.SecondIndex);
                    CheckMutable(field, "field");
                    Pop(field.Type);
                    Pop(NullableReference(type));
                    break;
                }

            case Opcode.ArrayNew:
                {
                    FieldType element = ArrayElement(type);
                    Pop(ValType.I32);
                    Pop(element.Type);
                    Push(NonNullReference(type));
                    break;
                }

            case Opcode.ArrayNewDefault:
                CheckDefaultable(ArrayElement(type), "array type");
                Pop(ValType.I32);
                Push(NonNullReference(type));
                break;
            case Opcode.ArrayNewFixed:
                StepArrayNewFixed(type, instruction.SecondIndex);
                break;
            case Opcode.ArrayNewData:
                CheckArrayData(ArrayElement(type), instruction.SecondIndex);
                Pop(ValType.I32);
                Pop(ValType.I32);
                Push(NonNullReference(type));
                break;
            case Opcode.ArrayNewElem:
                CheckElements(Elements(instruction.SecondIndex).Type, UnpackedElement(type));
                Pop(ValType.I32);
                Pop(ValType.I32);
                Push(NonNullReference(type));
                break;
            case Opcode.ArrayGet:
            case Opcode.ArrayGetS:
            case Opcode.ArrayGetU:
                {
                    FieldType element = ArrayElement(type);
                    CheckPacking(element, instruction.Opcode != Opcode.ArrayGet);
                    Pop(ValType.I32);
                    Pop(NullableReference(type));
                    Push(element.Type);
                    break;
                }

            case Opcode.ArraySet:
                {
                    FieldType element = ArrayElement(type);
                    CheckMutable(element, "array");
                    Pop(element.Type);
                    Pop(ValType.I32);
                    Pop(NullableReference(type));
                    break;
                }

            case Opcode.ArrayLen:
                Pop(ValType.Reference(true, HeapType.Array));
                Push(ValType.I32);
                break;
            case Opcode.ArrayFill:
                {
                    FieldType element = ArrayElement(type);
                    CheckMutable(element, "array");
                    Pop(ValType.I32);
                    Pop(element.Type);
                    Pop(ValType.I32);
                    Pop(NullableReference(type));
                    break;
                }

            case Opcode.ArrayCopy:
                StepArrayCopy(type, instruction.SecondIndex);
                break;
            case Opcode.ArrayInitData:
                {
                    FieldType element = ArrayElement(type);
                    CheckMutable(element, "array");
                    CheckArrayData(element, instruction.SecondIndex);
                    PopArrayInitialization(type);
                    break;
                }

            case Opcode.ArrayInitElem:
                {
                    CheckMutable(ArrayElement(type), "array");
                    CheckElements(Elements(instruction.SecondIndex).Type, UnpackedElement(type));
                    PopArrayInitialization(type);
                    break;
                }

            default:
                throw new UnreachableException($"{instruction.Opcode} has neither a signature nor a rule");
        }
    }

    private void StepRefFunc(uint index)
    {
        TypeOfFunction(index);
        if (!_isConstant && !_context.IsDeclared(index))
        {
            Fail($"undeclared function reference {index}");
        }

        Push(ValType.Reference(false, HeapType.Concrete(_module.Functions[(int)index])));
    }

    private void StepBrOnNull(uint depth)
    {
        ValType reference = PopReference();
        ReadOnlySpan<ValType> types = LabelTypes(in Label(depth));
        PopTypes(types);
        PushTypes(types);
        Push(ValType.Reference(false, reference.HeapType));
    }

    private void StepBrOnNonNull(uint depth)
    {
        ReadOnlySpan<ValType> types = LabelTypes(in Label(depth));
        if (types.IsEmpty || !types[^1].IsReference)
        {
            Fail("type mismatch: the label of br_on_non_null must take a reference last");
        }

        Pop(ValType.Reference(true, types[^1].HeapType));
        PopTypes(types[..^1]);
        PushTypes(types[..^1]);
    }

    private void PopCastOperand(HeapType target)
    {
        CheckHeapType(target);
        Pop(ValType.Reference(true, TypeMatching.Top(target, _context.Types)));
    }

    private void StepBrOnCast(in Instruction instruction)
    {
        CheckHeapType(instruction.HeapType);
        CheckHeapType(instruction.TargetHeapType);
        ValType source = ValType.Reference((instruction.CastFlags & 1) != 0, instruction.HeapType);
        ValType target = ValType.Reference((instruction.CastFlags & 2) != 0, instruction.TargetHeapType);
        if (!Matches(target, source))
        {
            Fail($"type mismatch: {target} is no subtype of {source}");
        }

        // What is left of the source when the cast fails: null only if the cast would not have taken it.
        ValType rest = ValType.Reference(source.IsNullable && !target.IsNullable, source.HeapType);
        bool branchesOnSuccess = instruction.Opcode == Opcode.BrOnCast;
        ReadOnlySpan<ValType> types = LabelTypes(in Label(instruction.Index));
        if (types.IsEmpty || !Matches(branchesOnSuccess ? target : rest, types[^1]))
        {
            Fail($"type mismatch: the label must take {(branchesOnSuccess ? target : rest)} last");
        }

        Pop(source);
        PopTypes(types[..^1]);
        PushTypes(types[..^1]);
        Push(branchesOnSuccess ? rest : target);
    }

    private void StepConvert(HeapType from, HeapType to)
    {
        ValType reference = PopReference();
        if (!Matches(reference, ValType.Reference(true, from)))
        {
            FailMismatch(ValType.Reference(true, from), reference);
        }

        Push(ValType.Reference(reference.IsNullable, to));
    }

    private void StepStructNew(uint type, bool isDefault)
    {
        ReadOnlySpan<FieldType> fields = StructFields(type);
        for (int i = fields.Length - 1; i >= 0; i--)
        {
            if (isDefault)
            {
                CheckDefaultable(fields[i], "field type");
            }
            else
            {
                Pop(fields[i].Type);
            }
        }

        Push(NonNullReference(type));
    }

    private void StepArrayNewFixed(uint type, uint length)
    {
        ValType element = ArrayElement(type).Type;

        // The length is not bounded by the size of the code where operands are unknown: stop at the first that is.
        for (uint i = 0; i < length && !(_isUnreachable && _count == _height); i++)
        {
            Pop(element);
        }

        Push(NonNullReference(type));
    }

    private void StepArrayCopy(uint destinationType, uint sourceType)
    {
        FieldType destination = ArrayElement(destinationType);
        FieldType source = ArrayElement(sourceType);
        CheckMutable(destination, "array");
        if (source.Storage != destination.Storage || (source.Storage == StorageKind.Value && !Matches(source.Type, destination.Type)))
        {
            Fail("array types do not match");
        }

        Pop(ValType.I32);
        Pop(ValType.I32);
        Pop(NullableReference(sourceType));
        Pop(ValType.I32);
        Pop(NullableReference(destinationType));
    }

    private void PopArrayInitialization(uint type)
    {
        Pop(ValType.I32);
        Pop(ValType.I32);
        Pop(ValType.I32);
        Pop(NullableReference(type));
    }

    private static ValType NullableReference(uint type) => ValType.Reference(true, HeapType.Concrete((int)type));

    private static ValType NonNullReference(uint type) => ValType.Reference(false, HeapType.Concrete((int)type));

    private CompositeType Composite(uint type)
    {
        if (type >= (uint)_module.Types.Length)
        {
            FailUnknown("type", type, _module.Types.Length);
        }

        return _module.Types[(int)type].Composite;
    }

    private ReadOnlySpan<FieldType> StructFields(uint type)
    {
        CompositeType composite = Composite(type);
        if (composite.Kind != CompositeKind.Struct)
        {
            Fail($"type mismatch: non-structure type {type}");
        }

        return composite.Fields.AsSpan();
    }

    private FieldType StructField(uint type, uint index)
    {
        ReadOnlySpan<FieldType> fields = StructFields(type);
        if (index >= (uint)fields.Length)
        {
            Fail($"unknown field {index}: structure {type} has {fields.Length}");
        }

        return fields[(int)index];
    }

    private FieldType ArrayElement(uint type)
    {
        CompositeType composite = Composite(type);
        if (composite.Kind != CompositeKind.Array)
        {
            Fail($"type mismatch: non-array type {type}");
        }

        return composite.Fields[0];
    }

    private ValType UnpackedElement(uint type)
    {
        FieldType element = ArrayElement(type);
        return element.Type;
    }

    private void CheckArrayData(FieldType element, uint dataIndex)
    {
        CheckData(dataIndex);
        if (element.Type.IsReference)
        {
            Fail("array type is not numeric or vector");
        }
    }

    private void CheckPacking(FieldType field, bool isExtended)
    {
        bool isPacked = field.Storage != StorageKind.Value;
        if (isPacked != isExtended)
        {
            Fail(isPacked ? "type mismatch: field is packed" : "type mismatch: field is unpacked");
        }
    }

    private void CheckMutable(FieldType field, string what)
    {
        if (!field.IsMutable)
        {
            Fail($"immutable {what}");
        }
    }

    private void CheckDefaultable(FieldType field, string what)
    {
        if (!field.Type.IsDefaultable)
        {
            Fail($"type mismatch: {what} is not defaultable");
        }
    }

    private void CheckHeapType(HeapType type)
    {
        if (type.IsConcrete && type.TypeIndex >= _module.Types.Length)
        {
            FailUnknown("type", (uint)type.TypeIndex, _module.Types.Length);
        }
    }

    private void CheckType(ValType type)
    {
        if (type.IsReference && type.HeapType.IsConcrete)
        {
            CheckHeapType(type.HeapType);
        }
    }
}
