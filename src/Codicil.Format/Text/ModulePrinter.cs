using System.Collections.Immutable;
using System.Globalization;

using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>
/// Prints modules in the text format. Parsing the text gives a module with the same types, index spaces, code and names, and the same custom
/// sections in the same places. From then on text and bytes stay as they are. Thread-safe.
/// </summary>
/// <remarks>
/// WebAssembly 3.0, 6 Text Format. Time and memory are linear in the module, but for local declarations, which have no short form in text:
/// a body of few bytes can declare 50,000.
/// </remarks>
public sealed class ModulePrinter
{
    private readonly WasmModule _module;
    private readonly TextWriter _output;
    private readonly InstructionPrinter _instructions;
    private readonly ModuleIdentifiers _identifiers;

    private ModulePrinter(WasmModule module, TextWriter output)
    {
        _module = module;
        _output = output;
        _identifiers = new ModuleIdentifiers(module);
        _instructions = new InstructionPrinter(module, _identifiers, output);
    }

    /// <summary>The text of a module.</summary>
    /// <param name="module">A decoded module; it need not be valid.</param>
    /// <exception cref="MalformedModuleException">The bytes of a function body or expression are no instructions.</exception>
    public static string Print(WasmModule module)
    {
        using StringWriter output = new(CultureInfo.InvariantCulture) { NewLine = "\n" };
        Print(module, output);
        return output.ToString();
    }

    /// <summary>Writes the text of a module.</summary>
    /// <param name="module">A decoded module; it need not be valid.</param>
    /// <param name="output">Where the text goes; lines end with LF.</param>
    /// <exception cref="MalformedModuleException">The bytes of a function body or expression are no instructions.</exception>
    public static void Print(WasmModule module, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(output);
        new ModulePrinter(module, output).PrintModule();
    }

    private void PrintModule()
    {
        _output.Write("(module");
        if (_identifiers.Module is string name)
        {
            _output.Write(' ');
            _output.Write(name);
        }

        PrintTypes();
        PrintImports();
        PrintFunctions();
        PrintTables();
        PrintMemories();
        PrintTags();
        PrintGlobals();
        PrintExports();
        if (_module.StartFunction is int start)
        {
            Line(1, $"(start {_identifiers.Functions.Reference((uint)start)})");
        }

        PrintElementSegments();
        PrintDataSegments();
        PrintCustomSections();
        _output.Write(")\n");
    }

    private void PrintTypes()
    {
        ImmutableArray<int> empty = _module.Offsets.EmptyRecursiveGroups;
        int next = 0;
        for (int i = 0; i <= _module.Types.Length;)
        {
            for (; next < empty.Length && empty[next] == i; next++)
            {
                Line(1, "(rec)");
            }

            if (i == _module.Types.Length)
            {
                break;
            }

            int length = _module.Types[i].RecursiveGroupLength;
            if (length == 1)
            {
                PrintType(i, 1);
                i++;
                continue;
            }

            Line(1, "(rec");
            for (int end = i + length; i < end; i++)
            {
                PrintType(i, 2);
            }

            _output.Write(')');
        }
    }

    private void PrintType(int index, int indentation)
    {
        SubType type = _module.Types[index];
        Line(indentation, $"(type {Declare(_identifiers.Types, index)} ");
        bool isSub = !type.IsFinal || !type.Supertypes.IsEmpty;
        if (isSub)
        {
            _output.Write(type.IsFinal ? "(sub final " : "(sub ");
            foreach (int supertype in type.Supertypes)
            {
                _output.Write(_identifiers.Types.Reference((uint)supertype));
                _output.Write(' ');
            }
        }

        PrintCompositeType(index, type.Composite);
        _output.Write(isSub ? "))" : ")");
    }

    private void PrintCompositeType(int index, CompositeType composite)
    {
        switch (composite.Kind)
        {
            case CompositeKind.Function:
                _output.Write("(func");
                _instructions.WriteFunctionType(composite.Function!, null);
                break;

            case CompositeKind.Array:
                _output.Write("(array ");
                PrintFieldType(composite.Fields[0]);
                break;

            default:
                _output.Write("(struct");
                IdentifierTable names = _identifiers.FieldsOf(index);
                for (int i = 0; i < composite.Fields.Length; i++)
                {
                    _output.Write(names.Binding(i) is string name ? $" (field {name} " : " (field ");
                    PrintFieldType(composite.Fields[i]);
                    _output.Write(')');
                }

                break;
        }

        _output.Write(')');
    }

    private void PrintFieldType(FieldType field)
    {
        string type = field.Storage switch
        {
            StorageKind.I8 => "i8",
            StorageKind.I16 => "i16",
            _ => _identifiers.ValType(field.Type),
        };
        _output.Write(field.IsMutable ? $"(mut {type})" : type);
    }

    private void PrintImports()
    {
        foreach (Import import in _module.Imports)
        {
            Line(1, $"(import {TextWriting.Name(import.ModuleName)} {TextWriting.Name(import.Name)} (");
            switch (import.Kind)
            {
                case ExternKind.Function:
                    _output.Write($"func {Declare(_identifiers.Functions, import.Index)}");
                    PrintTypeUse(_module.Functions[import.Index], null);
                    break;
                case ExternKind.Table:
                    PrintTableType(import.Index);
                    break;
                case ExternKind.Memory:
                    PrintMemoryType(import.Index);
                    break;
                case ExternKind.Global:
                    PrintGlobalType(import.Index);
                    break;
                default:
                    _output.Write($"tag {Declare(_identifiers.Tags, import.Index)}");
                    PrintTypeUse(_module.Tags[import.Index], null);
                    break;
            }

            _output.Write("))");
        }
    }

    private void PrintTableType(int index)
    {
        TableType type = _module.Tables[index];
        _output.Write($"table {Declare(_identifiers.Tables, index)} {(type.Is64 ? "i64 " : "")}{type.Limits} {_identifiers.ValType(type.ElementType)}");
    }

    private void PrintMemoryType(int index)
    {
        MemoryType type = _module.Memories[index];
        string shared = type.IsShared ? " shared" : "";
        string pageSize = type.PageSizeLog2 == 16 ? "" : string.Create(CultureInfo.InvariantCulture, $" (pagesize {1UL << type.PageSizeLog2})");
        _output.Write($"memory {Declare(_identifiers.Memories, index)} {(type.Is64 ? "i64 " : "")}{type.Limits}{shared}{pageSize}");
    }

    private void PrintGlobalType(int index)
    {
        GlobalType type = _module.Globals[index];
        string valType = _identifiers.ValType(type.Type);
        _output.Write($"global {Declare(_identifiers.Globals, index)} {(type.IsMutable ? $"(mut {valType})" : valType)}");
    }

    private void PrintFunctions()
    {
        for (int i = 0; i < _module.Bodies.Length; i++)
        {
            int index = _module.ImportedFunctionCount + i;
            int typeIndex = _module.Functions[index];
            FunctionType? type = FunctionTypeOf(typeIndex);
            int parameterCount = type?.Parameters.Length ?? 0;
            IdentifierTable locals = _identifiers.LocalsOf(index, parameterCount + _module.Bodies[i].LocalCount);
            Line(1, $"(func {Declare(_identifiers.Functions, index)}");
            PrintTypeUse(typeIndex, locals);
            _instructions.PrintBody(index, _module.Bodies[i], parameterCount, locals);
            _output.Write(')');
        }
    }

    private void PrintTypeUse(int typeIndex, IdentifierTable? locals)
    {
        _output.Write($" (type {_identifiers.Types.Reference((uint)typeIndex)})");
        if (FunctionTypeOf(typeIndex) is FunctionType type)
        {
            _instructions.WriteFunctionType(type, locals);
        }
    }

    private FunctionType? FunctionTypeOf(int typeIndex) =>
        (uint)typeIndex < (uint)_module.Types.Length ? _module.Types[typeIndex].Composite.Function : null;

    private void PrintTables()
    {
        for (int i = _module.ImportedTableCount; i < _module.Tables.Length; i++)
        {
            Line(1, "(");
            PrintTableType(i);
            ByteRange initializer = _module.TableInitializers[i - _module.ImportedTableCount];
            if (initializer.Length > 0)
            {
                _instructions.PrintExpression(initializer, null);
            }

            _output.Write(')');
        }
    }

    private void PrintMemories()
    {
        for (int i = _module.ImportedMemoryCount; i < _module.Memories.Length; i++)
        {
            Line(1, "(");
            PrintMemoryType(i);
            _output.Write(')');
        }
    }

    private void PrintTags()
    {
        for (int i = _module.ImportedTagCount; i < _module.Tags.Length; i++)
        {
            Line(1, $"(tag {Declare(_identifiers.Tags, i)}");
            PrintTypeUse(_module.Tags[i], null);
            _output.Write(')');
        }
    }

    private void PrintGlobals()
    {
        for (int i = _module.ImportedGlobalCount; i < _module.Globals.Length; i++)
        {
            Line(1, "(");
            PrintGlobalType(i);
            _instructions.PrintExpression(_module.GlobalInitializers[i - _module.ImportedGlobalCount], null);
            _output.Write(')');
        }
    }

    private void PrintExports()
    {
        foreach (Export export in _module.Exports)
        {
            (string keyword, IdentifierTable names) = export.Kind switch
            {
                ExternKind.Function => ("func", _identifiers.Functions),
                ExternKind.Table => ("table", _identifiers.Tables),
                ExternKind.Memory => ("memory", _identifiers.Memories),
                ExternKind.Global => ("global", _identifiers.Globals),
                _ => ("tag", _identifiers.Tags),
            };
            Line(1, $"(export {TextWriting.Name(export.Name)} ({keyword} {names.Reference((uint)export.Index)}))");
        }
    }

    private void PrintElementSegments()
    {
        for (int i = 0; i < _module.ElementSegments.Length; i++)
        {
            ElementSegment segment = _module.ElementSegments[i];
            Line(1, $"(elem {Declare(_identifiers.ElementSegments, i)}");
            if (segment.Mode == SegmentMode.Declarative)
            {
                _output.Write(" declare");
            }
            else if (segment.Mode == SegmentMode.Active)
            {
                if (segment.TableIndex != 0)
                {
                    _output.Write($" (table {_identifiers.Tables.Reference((uint)segment.TableIndex)})");
                }

                _instructions.PrintExpression(segment.Offset, "offset");
            }

            if (segment.FunctionIndices is { IsDefault: false } indices)
            {
                _output.Write(" func");
                foreach (int index in indices)
                {
                    _output.Write(' ');
                    _output.Write(_identifiers.Functions.Reference((uint)index));
                }
            }
            else
            {
                _output.Write(' ');
                _output.Write(_identifiers.ValType(segment.Type));
                foreach (ByteRange expression in segment.Expressions)
                {
                    _instructions.PrintExpression(expression, "item");
                }
            }

            _output.Write(')');
        }
    }

    private void PrintDataSegments()
    {
        for (int i = 0; i < _module.DataSegments.Length; i++)
        {
            DataSegment segment = _module.DataSegments[i];
            Line(1, $"(data {Declare(_identifiers.DataSegments, i)}");
            if (segment.Mode == SegmentMode.Active)
            {
                if (segment.MemoryIndex != 0)
                {
                    _output.Write($" (memory {_identifiers.Memories.Reference((uint)segment.MemoryIndex)})");
                }

                _instructions.PrintExpression(segment.Offset, "offset");
            }

            _output.Write(' ');
            TextWriting.WriteBytes(_output, _module.Bytes.Span.Slice(segment.Content.Start, segment.Content.Length));
            _output.Write(')');
        }
    }

    private void PrintCustomSections()
    {
        SectionId? placeOfNames = null;
        foreach (CustomSection section in _module.CustomSections)
        {
            // Names are identifiers in text. The parser puts them behind the last section and before custom sections without a place.
            if (section.Name == "name")
            {
                placeOfNames = section.PrecedingSection;
                continue;
            }

            string place = section.PrecedingSection == placeOfNames ? "" : PlaceBehind(section.PrecedingSection);
            Line(1, $"(@custom {TextWriting.Name(section.Name)}{place} ");
            TextWriting.WriteBytes(_output, _module.Bytes.Span.Slice(section.Content.Start, section.Content.Length));
            _output.Write(')');
        }
    }

    /// <summary>The place behind a section, or behind the last before it that the text will have: empty sections do not come back.</summary>
    private string PlaceBehind(SectionId section)
    {
        for (int i = ModuleEncoder.Order.IndexOf(section); i >= 0; i--)
        {
            SectionId id = ModuleEncoder.Order[i];
            if (id == SectionId.DataCount ? _instructions.UsesDataSegments : !ModuleEncoder.IsEmpty(_module, id))
            {
                return $" (after {CustomAnnotationParser.NameOf(id)})";
            }
        }

        return " (before first)";
    }

    /// <summary>An identifier, if there is one, and the index as a comment.</summary>
    private static string Declare(IdentifierTable names, int index) => names.Binding(index) is string name
        ? string.Create(CultureInfo.InvariantCulture, $"{name} (;{index};)")
        : string.Create(CultureInfo.InvariantCulture, $"(;{index};)");

    private void Line(int indentation, string text)
    {
        _output.Write('\n');
        for (int i = 0; i < indentation; i++)
        {
            _output.Write("  ");
        }

        _output.Write(text);
    }
}
