using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

// Blocks, branches, calls, variables, exceptions.
public sealed partial class FunctionValidator
{
    private int _branchTables;

    private void StepBlock(in Instruction instruction)
    {
        BlockType type = instruction.BlockType;
        if (!type.IsEmpty)
        {
            CheckBlockType(type);
        }

        if (instruction.Opcode == Opcode.If)
        {
            Pop(ValType.I32);
        }

        if (type.IsEmpty)
        {
            PushFrame(instruction.Opcode, type, isFunction: false);
            return;
        }

        ReadOnlySpan<ValType> parameters = GetParameters(type);
        PopTypes(parameters);
        PushFrame(instruction.Opcode, type, isFunction: false);
        PushTypes(parameters);
    }

    private void CheckBlockType(BlockType type)
    {
        if (type.TypeIndex < 0)
        {
            CheckType(type.Result);
            return;
        }

        FunctionType functionType = FunctionTypeAt((uint)type.TypeIndex);
        if ((!functionType.Parameters.IsEmpty || functionType.Results.Length > 1) && (_features & WasmFeatures.MultiValue) == 0)
        {
            throw new UnsupportedModuleException("a block with parameters or several results needs multiple values", WasmFeatures.MultiValue, _offset);
        }
    }

    private void StepElse()
    {
        if (_frames[_depth - 1].Opcode != Opcode.If)
        {
            ThrowMisplaced("else without if");
        }

        PopFrame(out _, out BlockType type);
        PushFrame(Opcode.Else, type, isFunction: false);
        PushTypes(GetParameters(type));
    }

    private void StepEnd()
    {
        PopFrame(out Opcode opcode, out BlockType type);
        if (type.IsEmpty)
        {
            return;
        }

        ReadOnlySpan<ValType> results = GetResults(type);
        if (opcode == Opcode.If && !SequenceMatches(GetParameters(type), results))
        {
            Fail("type mismatch: if without else must have results like its parameters");
        }

        PushTypes(results);
    }

    private bool SequenceMatches(ReadOnlySpan<ValType> sub, ReadOnlySpan<ValType> super)
    {
        if (sub.Length != super.Length)
        {
            return false;
        }

        for (int i = 0; i < sub.Length; i++)
        {
            if (!Matches(sub[i], super[i]))
            {
                return false;
            }
        }

        return true;
    }

    private void StepBrIf(uint depth)
    {
        Pop(ValType.I32);
        ref readonly Frame frame = ref Label(depth);
        if (frame.BlockType.IsEmpty)
        {
            return;
        }

        ReadOnlySpan<ValType> types = LabelTypes(in frame);
        PopTypes(types);
        PushTypes(types);
    }

    private void StepBrTable(in Instruction instruction)
    {
        Pop(ValType.I32);
        _branchTables++;
        ref Frame defaultFrame = ref Label(instruction.Index);
        defaultFrame.BranchTable = _branchTables;
        ReadOnlySpan<ValType> defaultTypes = LabelTypes(in defaultFrame);
        CheckTypes(defaultTypes);
        VectorReader reader = new(in instruction);
        for (int i = 0; i < instruction.VectorCount; i++)
        {
            // A table may name few labels many times, and labels with a thousand results: each label is looked at once, and one of the same types as
            // the default's not at all.
            ref Frame frame = ref Label(reader.ReadLabel());
            if (frame.BranchTable == _branchTables)
            {
                continue;
            }

            frame.BranchTable = _branchTables;
            ReadOnlySpan<ValType> types = LabelTypes(in frame);
            if (types.Length != defaultTypes.Length)
            {
                Fail($"type mismatch: a label of br_table takes {types.Length} operands, the default {defaultTypes.Length}");
            }

            if (!types.SequenceEqual(defaultTypes))
            {
                CheckTypes(types);
            }
        }

        SetUnreachable();
    }

    private void StepReturn()
    {
        PopTypes(GetResults(_frames[0].BlockType));
        SetUnreachable();
    }

    private void StepCall(uint functionIndex)
    {
        FunctionType type = TypeOfFunction(functionIndex);
        PopTypes(type.Parameters.AsSpan());
        PushTypes(type.Results.AsSpan());
    }

    private void StepTailCall(FunctionType callee)
    {
        ReadOnlySpan<ValType> results = GetResults(_frames[0].BlockType);
        if (!SequenceMatches(callee.Results.AsSpan(), results))
        {
            Fail($"type mismatch: the callee returns {new FunctionType([], callee.Results)}, the function {new FunctionType([], _functionType.Results)}");
        }

        PopTypes(callee.Parameters.AsSpan());
        SetUnreachable();
    }

    /// <summary>Takes the index into a table and gives the type of the function called.</summary>
    private FunctionType PopIndirectCallee(in Instruction instruction)
    {
        TableType table = Table(instruction.SecondIndex);
        if (!Matches(table.ElementType, ValType.FuncRef))
        {
            Fail($"type mismatch: table {instruction.SecondIndex} has elements of type {table.ElementType}, not functions");
        }

        FunctionType callee = FunctionTypeAt(instruction.Index);
        Pop(table.AddressType);
        return callee;
    }

    /// <summary>Takes the reference to a function and gives its type.</summary>
    private FunctionType PopReferencedCallee(uint typeIndex)
    {
        FunctionType callee = FunctionTypeAt(typeIndex);
        Pop(ValType.Reference(true, HeapType.Concrete((int)typeIndex)));
        return callee;
    }

    private void StepCallWith(FunctionType callee)
    {
        PopTypes(callee.Parameters.AsSpan());
        PushTypes(callee.Results.AsSpan());
    }

    private void StepSelect()
    {
        Pop(ValType.I32);
        ValType second = PopAny();
        ValType first = PopAny();
        if (first.IsReference || second.IsReference)
        {
            Fail($"type mismatch: select without a type takes numbers or vectors, not {(first.IsReference ? first : second)}");
        }

        if (first != second && !first.IsBottom && !second.IsBottom)
        {
            FailMismatch(first, second);
        }

        Push(first.IsBottom ? second : first);
    }

    private void StepTypedSelect(in Instruction instruction)
    {
        if (instruction.VectorCount != 1)
        {
            Fail($"invalid result arity: select has {instruction.VectorCount} types");
        }

        ValType type = new VectorReader(in instruction).ReadType();
        CheckType(type);
        Pop(ValType.I32);
        Pop(type);
        Pop(type);
        Push(type);
    }

    private void StepLocalTee(uint index)
    {
        ValType type = WriteLocal(index);
        Pop(type);
        Push(type);
    }

    private void StepGlobalSet(uint index)
    {
        GlobalType global = Global(index);
        if (!global.IsMutable)
        {
            // "global is immutable" is what an earlier release of the suite asks for.
            Fail($"immutable global: global is immutable: {index}");
        }

        Pop(global.Type);
    }

    private void StepTryTable(in Instruction instruction)
    {
        BlockType type = instruction.BlockType;
        CheckBlockType(type);
        ReadOnlySpan<ValType> parameters = GetParameters(type);
        PopTypes(parameters);
        VectorReader reader = new(in instruction);
        for (int i = 0; i < instruction.VectorCount; i++)
        {
            CatchClause clause = reader.ReadCatch();
            ReadOnlySpan<ValType> values = clause.Kind is CatchKind.Catch or CatchKind.CatchRef ? TagType(clause.Tag).Parameters.AsSpan() : [];
            ReadOnlySpan<ValType> label = LabelTypes(in Label(clause.Label));
            bool hasReference = clause.Kind is CatchKind.CatchRef or CatchKind.CatchAllRef;
            if (label.Length != values.Length + (hasReference ? 1 : 0)
                || !SequenceMatches(values, label[..values.Length])
                || (hasReference && !Matches(ValType.Reference(false, HeapType.Exn), label[^1])))
            {
                Fail("type mismatch: a catch clause's values are not what its label takes");
            }
        }

        PushFrame(Opcode.TryTable, type, isFunction: false);
        PushTypes(parameters);
    }

    private void StepThrow(uint tagIndex)
    {
        PopTypes(TagType(tagIndex).Parameters.AsSpan());
        SetUnreachable();
    }

    // The first exceptions proposal (proposals/exception-handling/legacy in WebAssembly/spec).
    private void StepCatch(in Instruction instruction)
    {
        if (_frames[_depth - 1].Opcode is not (Opcode.Try or Opcode.Catch))
        {
            ThrowMisplaced($"{OpcodeTable.Mnemonic(instruction.Opcode)} without try");
        }

        PopFrame(out _, out BlockType type);
        PushFrame(instruction.Opcode, type, isFunction: false);
        if (instruction.Opcode == Opcode.Catch)
        {
            PushTypes(TagType(instruction.Index).Parameters.AsSpan());
        }
    }

    private void StepDelegate(uint depth)
    {
        if (_frames[_depth - 1].Opcode != Opcode.Try)
        {
            ThrowMisplaced("delegate without try");
        }

        PopFrame(out _, out BlockType type);
        Label(depth);
        PushTypes(GetResults(type));
    }

    private void StepRethrow(uint depth)
    {
        if (Label(depth).Opcode is not (Opcode.Catch or Opcode.CatchAll))
        {
            Fail($"invalid rethrow label {depth}");
        }

        SetUnreachable();
    }

    private FunctionType FunctionTypeAt(uint typeIndex)
    {
        if (typeIndex >= (uint)_functionTypes.Length)
        {
            FailUnknown("type", typeIndex, _functionTypes.Length);
        }

        FunctionType? type = _functionTypes[typeIndex];
        if (type is null)
        {
            Fail($"type mismatch: non-function type {typeIndex}");
        }

        return type;
    }

    private FunctionType TypeOfFunction(uint functionIndex)
    {
        if (functionIndex >= (uint)_module.Functions.Length)
        {
            FailUnknown("function", functionIndex, _module.Functions.Length);
        }

        return _functionTypes[_module.Functions[(int)functionIndex]]!;
    }

    private GlobalType Global(uint index)
    {
        if (index >= (uint)_visibleGlobals)
        {
            FailUnknown("global", index, _visibleGlobals);
        }

        return _module.Globals[(int)index];
    }

    private FunctionType TagType(uint index)
    {
        if (index >= (uint)_module.Tags.Length)
        {
            FailUnknown("tag", index, _module.Tags.Length);
        }

        return _functionTypes[_module.Tags[(int)index]]!;
    }
}
