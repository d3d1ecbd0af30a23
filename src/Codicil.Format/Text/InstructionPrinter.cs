using System.Globalization;

using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>Prints instructions flat, one a line, indented by blocks. Not thread-safe.</summary>
internal sealed class InstructionPrinter
{
    // Deeper code is printed, but not indented further: otherwise the text would grow with the square of the depth.
    private const int LargestIndentation = 40;

    private static readonly IdentifierTable s_noIdentifiers = new(NameMap.Empty, 0);

    private readonly WasmModule _module;
    private readonly ModuleIdentifiers _identifiers;
    private readonly TextWriter _output;
    private readonly LabelScope _labels = new();
    private readonly Dictionary<string, int> _labelSymbols = new(StringComparer.Ordinal);
    private readonly List<string> _labelNames = [];
    private IdentifierTable _locals = s_noIdentifiers;
    private IdentifierTable _labelIdentifiers = s_noIdentifiers;
    private int _blockCount;

    public InstructionPrinter(WasmModule module, ModuleIdentifiers identifiers, TextWriter output)
    {
        _module = module;
        _identifiers = identifiers;
        _output = output;
    }

    /// <summary><c> (param ...) (result ...)</c>, with the identifiers of parameters if there are any.</summary>
    public void WriteFunctionType(FunctionType type, IdentifierTable? locals)
    {
        bool isOpen = false;
        for (int i = 0; i < type.Parameters.Length; i++)
        {
            string valType = _identifiers.ValType(type.Parameters[i]);
            WriteDeclaration("param", locals?.Binding(i), valType, ref isOpen);
        }

        _output.Write(isOpen ? ")" : "");
        isOpen = false;
        foreach (ValType result in type.Results)
        {
            WriteDeclaration("result", null, _identifiers.ValType(result), ref isOpen);
        }

        _output.Write(isOpen ? ")" : "");
    }

    /// <summary>Prints locals and instructions of a function, without the last <c>end</c>.</summary>
    public void PrintBody(int function, FunctionBody body, int parameterCount, IdentifierTable locals)
    {
        _locals = locals;
        _labelIdentifiers = _identifiers.LabelsOf(function);
        _labels.Clear();
        _blockCount = 0;
        PrintLocals(body, parameterCount, locals);
        InstructionReader reader = new(_module.Bytes.Span, body.InstructionsStart, body.Range.End);
        while (!reader.AtEnd)
        {
            reader.Read(out Instruction instruction);
            if (instruction.Opcode == Opcode.End && reader.AtEnd)
            {
                break;
            }

            PrintLine(in instruction);
        }

        _locals = s_noIdentifiers;
    }

    /// <summary>Prints a constant expression behind a space: one instruction in parentheses, or several in a form.</summary>
    /// <param name="expression">The expression, its <c>end</c> included.</param>
    /// <param name="form">The form around several instructions, or null where they can stand alone.</param>
    public void PrintExpression(ByteRange expression, string? form)
    {
        _labels.Clear();
        _blockCount = 0;
        int count = CountInstructions(expression);
        string? around = count == 1 ? "" : form;
        _output.Write(around switch { null => "", "" => " (", _ => $" ({around}" });
        InstructionReader reader = new(_module.Bytes.Span, expression.Start, expression.End);
        for (int i = 0; i < count; i++)
        {
            reader.Read(out Instruction instruction);
            _output.Write(count == 1 ? "" : " ");
            PrintInstruction(in instruction);
        }

        _output.Write(around is null ? "" : ")");
    }

    private int CountInstructions(ByteRange expression)
    {
        InstructionReader reader = new(_module.Bytes.Span, expression.Start, expression.End);
        int count = 0;
        while (!reader.AtEnd)
        {
            reader.Read(out Instruction instruction);
            count += instruction.Opcode == Opcode.End && reader.AtEnd ? 0 : 1;
        }

        return count;
    }

    private void PrintLocals(FunctionBody body, int index, IdentifierTable locals)
    {
        LocalsReader reader = new(_module.Bytes.Span, body);
        bool isOpen = false;
        bool isFirst = true;
        while (reader.Read(out int count, out ValType type))
        {
            string valType = _identifiers.ValType(type);
            for (int i = 0; i < count; i++, index++)
            {
                if (isFirst)
                {
                    _output.Write("\n   ");
                    isFirst = false;
                }

                WriteDeclaration("local", locals.Binding(index), valType, ref isOpen);
            }
        }

        _output.Write(isOpen ? ")" : "");
    }

    /// <summary>Adds to <c>(param i32 i32</c> and the like, or gives a named one a form of its own.</summary>
    private void WriteDeclaration(string keyword, string? identifier, string type, ref bool isOpen)
    {
        if (identifier is not null)
        {
            _output.Write(isOpen ? ")" : "");
            _output.Write($" ({keyword} {identifier} {type})");
            isOpen = false;
            return;
        }

        if (!isOpen)
        {
            _output.Write($" ({keyword}");
            isOpen = true;
        }

        _output.Write(' ');
        _output.Write(type);
    }

    private void PrintLine(in Instruction instruction)
    {
        bool isInner = instruction.Opcode is not (Opcode.Else or Opcode.End or Opcode.Catch or Opcode.CatchAll or Opcode.Delegate);
        int depth = _labels.Depth - (isInner || _labels.Depth == 0 ? 0 : 1);
        _output.Write('\n');
        for (int i = Math.Min(depth, LargestIndentation) + 2; i > 0; i--)
        {
            _output.Write("  ");
        }

        PrintInstruction(in instruction);
    }

    /// <summary>Whether an instruction so far refers to a data segment: then the text's module has a data count section.</summary>
    public bool UsesDataSegments { get; private set; }

    private void PrintInstruction(in Instruction instruction)
    {
        Opcode opcode = instruction.Opcode;
        UsesDataSegments |= OpcodeTable.Immediate(opcode) is ImmediateKind.Data or ImmediateKind.DataAndMemory or ImmediateKind.TypeAndData;
        if (opcode is Opcode.End or Opcode.Delegate && _labels.Depth > 0)
        {
            // The label of delegate counts from outside of its try.
            _labels.Pop();
        }

        _output.Write(OpcodeTable.MnemonicSpan(opcode));
        bool isBlock = OpcodeTable.Immediate(opcode) is ImmediateKind.BlockType or ImmediateKind.BlockTypeAndCatches;
        int symbol = LabelScope.Anonymous;
        if (isBlock && _labelIdentifiers[_blockCount++] is string label)
        {
            symbol = SymbolOf(label);
            _output.Write(' ');
            _output.Write(label);
        }

        PrintImmediates(in instruction);
        if (isBlock)
        {
            _labels.Push(symbol);
        }
    }

    private int SymbolOf(string label)
    {
        if (!_labelSymbols.TryGetValue(label, out int symbol))
        {
            symbol = _labelNames.Count;
            _labelSymbols.Add(label, symbol);
            _labelNames.Add(label);
        }

        return symbol;
    }

    private void PrintImmediates(in Instruction instruction)
    {
        switch (OpcodeTable.Immediate(instruction.Opcode))
        {
            case ImmediateKind.None or ImmediateKind.Fence:
                break;
            case ImmediateKind.BlockType:
                PrintBlockType(instruction.BlockType);
                break;
            case ImmediateKind.BlockTypeAndCatches:
                PrintBlockType(instruction.BlockType);
                PrintCatches(in instruction);
                break;
            case ImmediateKind.Label:
                PrintLabel(instruction.Index);
                break;
            case ImmediateKind.LabelVector:
                PrintLabels(in instruction);
                break;
            case ImmediateKind.Local:
                Argument(_locals.Reference(instruction.Index));
                break;
            case ImmediateKind.Global:
                Argument(_identifiers.Globals.Reference(instruction.Index));
                break;
            case ImmediateKind.Function:
                Argument(_identifiers.Functions.Reference(instruction.Index));
                break;
            case ImmediateKind.Type:
                Argument(_identifiers.Types.Reference(instruction.Index));
                break;
            case ImmediateKind.Tag:
                Argument(_identifiers.Tags.Reference(instruction.Index));
                break;
            case ImmediateKind.Table:
                OptionalIndex(_identifiers.Tables, instruction.Index);
                break;
            case ImmediateKind.TypeAndTable:
                OptionalIndex(_identifiers.Tables, instruction.SecondIndex);
                Argument($"(type {_identifiers.Types.Reference(instruction.Index)})");
                break;
            case ImmediateKind.Memory:
                OptionalIndex(_identifiers.Memories, instruction.Index);
                break;
            case ImmediateKind.MemoryPair:
                PrintPair(_identifiers.Memories, in instruction);
                break;
            case ImmediateKind.TablePair:
                PrintPair(_identifiers.Tables, in instruction);
                break;
            case ImmediateKind.DataAndMemory:
                OptionalIndex(_identifiers.Memories, instruction.SecondIndex);
                Argument(_identifiers.DataSegments.Reference(instruction.Index));
                break;
            case ImmediateKind.ElementAndTable:
                OptionalIndex(_identifiers.Tables, instruction.SecondIndex);
                Argument(_identifiers.ElementSegments.Reference(instruction.Index));
                break;
            case ImmediateKind.Data:
                Argument(_identifiers.DataSegments.Reference(instruction.Index));
                break;
            case ImmediateKind.Element:
                Argument(_identifiers.ElementSegments.Reference(instruction.Index));
                break;
            case ImmediateKind.MemoryArgument:
                PrintMemoryArgument(in instruction);
                break;
            case ImmediateKind.MemoryArgumentAndLane:
                PrintMemoryArgument(in instruction);
                Number(instruction.Lane);
                break;
            case ImmediateKind.Lane:
                Number(instruction.Lane);
                break;
            case ImmediateKind.Lanes:
                for (int i = 0; i < 16; i++)
                {
                    Number((byte)((i < 8 ? instruction.Bits : instruction.HighBits) >> (i % 8 * 8)));
                }

                break;
            case ImmediateKind.I32:
                Argument(instruction.I32.ToString(CultureInfo.InvariantCulture));
                break;
            case ImmediateKind.I64:
                Argument(instruction.I64.ToString(CultureInfo.InvariantCulture));
                break;
            case ImmediateKind.F32:
                Argument(TextWriting.Float32((uint)instruction.Bits));
                break;
            case ImmediateKind.F64:
                Argument(TextWriting.Float64(instruction.Bits));
                break;
            case ImmediateKind.V128:
                _output.Write(string.Create(
                    CultureInfo.InvariantCulture,
                    $" i32x4 0x{(uint)instruction.Bits:x8} 0x{instruction.Bits >> 32:x8} 0x{(uint)instruction.HighBits:x8} 0x{instruction.HighBits >> 32:x8}"));
                break;
            case ImmediateKind.ValueTypes:
                PrintResultTypes(in instruction);
                break;
            case ImmediateKind.HeapType when instruction.Opcode == Opcode.RefNull:
                Argument(_identifiers.HeapType(instruction.HeapType));
                break;
            case ImmediateKind.HeapType:
                bool isNullable = instruction.Opcode is Opcode.RefTestNull or Opcode.RefCastNull;
                Argument(_identifiers.Reference(isNullable, instruction.HeapType));
                break;
            case ImmediateKind.Cast:
                PrintLabel(instruction.Index);
                Argument(_identifiers.Reference((instruction.CastFlags & 1) != 0, instruction.HeapType));
                Argument(_identifiers.Reference((instruction.CastFlags & 2) != 0, instruction.TargetHeapType));
                break;
            case ImmediateKind.TypeAndField:
                Argument(_identifiers.Types.Reference(instruction.Index));
                Argument(_identifiers.FieldsOf((int)Math.Min(instruction.Index, int.MaxValue)).Reference(instruction.SecondIndex));
                break;
            case ImmediateKind.TypePair:
                Argument(_identifiers.Types.Reference(instruction.Index));
                Argument(_identifiers.Types.Reference(instruction.SecondIndex));
                break;
            case ImmediateKind.TypeAndData:
                Argument(_identifiers.Types.Reference(instruction.Index));
                Argument(_identifiers.DataSegments.Reference(instruction.SecondIndex));
                break;
            case ImmediateKind.TypeAndElement:
                Argument(_identifiers.Types.Reference(instruction.Index));
                Argument(_identifiers.ElementSegments.Reference(instruction.SecondIndex));
                break;
            case ImmediateKind.TypeAndLength:
                Argument(_identifiers.Types.Reference(instruction.Index));
                Number(instruction.SecondIndex);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private void Argument(string text)
    {
        _output.Write(' ');
        _output.Write(text);
    }

    private void Number(uint value) => Argument(value.ToString(CultureInfo.InvariantCulture));

    private void OptionalIndex(IdentifierTable names, uint index)
    {
        if (index != 0)
        {
            Argument(names.Reference(index));
        }
    }

    private void PrintPair(IdentifierTable names, in Instruction instruction)
    {
        if (instruction.Index != 0 || instruction.SecondIndex != 0)
        {
            Argument(names.Reference(instruction.Index));
            Argument(names.Reference(instruction.SecondIndex));
        }
    }

    private void PrintLabel(uint index)
    {
        int symbol = _labels.SymbolAt(index);
        bool isVisible = symbol != LabelScope.Anonymous && _labels.TryFind(symbol, out uint visible) && visible == index;
        Argument(isVisible ? _labelNames[symbol] : index.ToString(CultureInfo.InvariantCulture));
    }

    private void PrintLabels(in Instruction instruction)
    {
        VectorReader reader = new(in instruction);
        while (!reader.AtEnd)
        {
            PrintLabel(reader.ReadLabel());
        }

        PrintLabel(instruction.Index);
    }

    private void PrintBlockType(BlockType type)
    {
        if (type.IsEmpty)
        {
            return;
        }

        Argument(type.TypeIndex >= 0 ? $"(type {_identifiers.Types.Reference((uint)type.TypeIndex)})" : $"(result {_identifiers.ValType(type.Result)})");
    }

    private void PrintCatches(in Instruction instruction)
    {
        VectorReader reader = new(in instruction);
        while (!reader.AtEnd)
        {
            CatchClause clause = reader.ReadCatch();
            (string keyword, bool hasTag) = clause.Kind switch
            {
                CatchKind.Catch => ("catch", true),
                CatchKind.CatchRef => ("catch_ref", true),
                CatchKind.CatchAll => ("catch_all", false),
                _ => ("catch_all_ref", false),
            };
            Argument("(" + keyword);
            if (hasTag)
            {
                Argument(_identifiers.Tags.Reference(clause.Tag));
            }

            PrintLabel(clause.Label);
            _output.Write(')');
        }
    }

    private void PrintResultTypes(in Instruction instruction)
    {
        _output.Write(" (result");
        VectorReader reader = new(in instruction);
        while (!reader.AtEnd)
        {
            Argument(_identifiers.ValType(reader.ReadType()));
        }

        _output.Write(')');
    }

    private void PrintMemoryArgument(in Instruction instruction)
    {
        OptionalIndex(_identifiers.Memories, instruction.Index);
        if (instruction.Bits != 0)
        {
            _output.Write(string.Create(CultureInfo.InvariantCulture, $" offset={instruction.Bits}"));
        }

        ulong alignment = 1UL << instruction.Alignment;
        if (alignment != (uint)OpcodeTable.Width(instruction.Opcode))
        {
            _output.Write(string.Create(CultureInfo.InvariantCulture, $" align={alignment}"));
        }
    }
}
