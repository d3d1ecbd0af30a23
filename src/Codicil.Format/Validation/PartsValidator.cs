using System.Diagnostics.CodeAnalysis;

using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

/// <summary>Validates the parts of a module around its function bodies (3.5): declarations, initialisers, segments, exports, start.</summary>
internal sealed class PartsValidator(ModuleContext context)
{
    private readonly WasmModule _module = context.Module;
    private readonly FunctionValidator _expressions = new(context);
    private int _offset;

    public void Validate()
    {
        CheckFunctions();
        CheckTags();
        CheckTables();
        CheckMemories();
        CheckGlobals();
        CheckTableInitializers();
        CheckGlobalInitializers();
        CheckExports();
        CheckStart();
        CheckElementSegments();
        CheckDataSegments();
    }

    private void CheckFunctions()
    {
        for (int i = 0; i < _module.Functions.Length; i++)
        {
            Locate(_module.Offsets.Functions, i);
            CheckFunctionType(_module.Functions[i]);
        }
    }

    private FunctionType CheckFunctionType(int typeIndex)
    {
        if ((uint)typeIndex >= (uint)_module.Types.Length)
        {
            Fail($"unknown type {typeIndex}: the module has {_module.Types.Length}");
        }

        FunctionType? type = context.FunctionTypes[typeIndex];
        if (type is null)
        {
            Fail($"type mismatch: non-function type {typeIndex}");
        }

        return type;
    }

    private void CheckTags()
    {
        for (int i = 0; i < _module.Tags.Length; i++)
        {
            Locate(_module.Offsets.Tags, i);
            if ((_module.Features & (WasmFeatures.Exceptions | WasmFeatures.LegacyExceptions)) == 0)
            {
                Require(WasmFeatures.Exceptions, "a tag");
            }

            if (!CheckFunctionType(_module.Tags[i]).Results.IsEmpty)
            {
                Fail("non-empty tag result type");
            }
        }
    }

    private void CheckTables()
    {
        for (int i = 0; i < _module.Tables.Length; i++)
        {
            Locate(_module.Offsets.Tables, i);
            TableType table = _module.Tables[i];
            if (i > 0)
            {
                Require(WasmFeatures.ReferenceTypes, "multiple tables:");
            }

            CheckType(table.ElementType);

            if (table.Is64)
            {
                Require(WasmFeatures.Memory64, "a 64-bit table");
            }

            CheckLimits(table.Limits, table.Is64 ? ulong.MaxValue : uint.MaxValue, "table size must be at most 2^32-1");
        }
    }

    private void CheckMemories()
    {
        for (int i = 0; i < _module.Memories.Length; i++)
        {
            Locate(_module.Offsets.Memories, i);
            MemoryType memory = _module.Memories[i];
            if (i > 0)
            {
                Require(WasmFeatures.MultiMemory, "multiple memories:");
            }

            if (memory.Is64)
            {
                Require(WasmFeatures.Memory64, "a 64-bit memory");
            }

            if (memory.IsShared)
            {
                Require(WasmFeatures.Threads, "a shared memory");
                if (memory.Limits.Maximum is null)
                {
                    Fail("shared memory must have maximum");
                }
            }

            CheckPages(memory);
        }
    }

    private void CheckPages(MemoryType memory)
    {
        if (memory.PageSizeLog2 == 16)
        {
            CheckLimits(
                memory.Limits,
                memory.Is64 ? 1UL << 48 : 1UL << 16,
                memory.Is64 ? "memory size must be at most 2^48 pages (16 EiB)" : "memory size must be at most 65536 pages (4GiB)");
            return;
        }

        Require(WasmFeatures.CustomPageSizes, "a page size");
        if (memory.PageSizeLog2 != 0)
        {
            Fail($"invalid custom page size: 2^{memory.PageSizeLog2} is neither 1 nor 65536");
        }

        CheckLimits(memory.Limits, memory.Is64 ? ulong.MaxValue : uint.MaxValue, $"memory size must be at most 2^{(memory.Is64 ? 64 : 32)}-1 bytes");
    }

    private void CheckLimits(Limits limits, ulong largest, string message)
    {
        if (limits.Minimum > largest || limits.Maximum > largest)
        {
            Fail(message);
        }

        if (limits.Minimum > limits.Maximum)
        {
            Fail($"size minimum must not be greater than maximum: {limits}");
        }
    }

    private void CheckGlobals()
    {
        for (int i = 0; i < _module.Globals.Length; i++)
        {
            Locate(_module.Offsets.Globals, i);
            GlobalType global = _module.Globals[i];
            CheckType(global.Type);
            if (global.IsMutable && i < _module.ImportedGlobalCount)
            {
                Require(WasmFeatures.MutableGlobals, "the import of a mutable global");
            }
        }
    }

    private void CheckTableInitializers()
    {
        for (int i = 0; i < _module.TableInitializers.Length; i++)
        {
            Locate(_module.Offsets.Tables, _module.ImportedTableCount + i);
            ValType elementType = _module.Tables[_module.ImportedTableCount + i].ElementType;
            ByteRange initializer = _module.TableInitializers[i];
            if (initializer.Length > 0)
            {
                Require(WasmFeatures.FunctionReferences, "a table's initialiser");

                // Tables come before globals in the context (3.5.14), so only imported globals are known here.
                CheckExpression(initializer, elementType, _module.ImportedGlobalCount);
            }
            else if (!elementType.IsDefaultable)
            {
                Fail($"type mismatch: a table of {elementType} needs an initialiser");
            }
        }
    }

    private void CheckGlobalInitializers()
    {
        int imported = _module.ImportedGlobalCount;
        for (int i = 0; i < _module.GlobalInitializers.Length; i++)
        {
            Locate(_module.Offsets.Globals, imported + i);
            CheckExpression(_module.GlobalInitializers[i], _module.Globals[imported + i].Type, VisibleGlobals(imported + i));
        }
    }

    // Before extended constants and garbage collection a constant expression could name imported globals only.
    private int VisibleGlobals(int defined) =>
        (_module.Features & (WasmFeatures.ExtendedConstants | WasmFeatures.GarbageCollection)) != 0 ? defined : _module.ImportedGlobalCount;

    private void CheckExports()
    {
        HashSet<string> names = new(_module.Exports.Length, StringComparer.Ordinal);
        for (int i = 0; i < _module.Exports.Length; i++)
        {
            Locate(_module.Offsets.Exports, i);
            Export export = _module.Exports[i];
            switch (export.Kind)
            {
                case ExternKind.Function:
                    CheckIndex("function", export.Index, _module.Functions.Length);
                    break;
                case ExternKind.Table:
                    CheckIndex("table", export.Index, _module.Tables.Length);
                    break;
                case ExternKind.Memory:
                    CheckIndex("memory", export.Index, _module.Memories.Length);
                    break;
                case ExternKind.Global:
                    CheckIndex("global", export.Index, _module.Globals.Length);
                    if (_module.Globals[export.Index].IsMutable)
                    {
                        Require(WasmFeatures.MutableGlobals, "the export of a mutable global");
                    }

                    break;
                default:
                    CheckIndex("tag", export.Index, _module.Tags.Length);
                    break;
            }

            if (!names.Add(export.Name))
            {
                Fail($"duplicate export name \"{export.Name}\"");
            }
        }
    }

    private void CheckStart()
    {
        if (_module.StartFunction is not int start)
        {
            return;
        }

        _offset = _module.Offsets.Start;
        CheckIndex("function", start, _module.Functions.Length);
        FunctionType type = _module.GetTypeOfFunction(start);
        if (!type.Parameters.IsEmpty || !type.Results.IsEmpty)
        {
            Fail($"start function must not have parameters or results: function {start} is {type}");
        }
    }

    private void CheckElementSegments()
    {
        for (int i = 0; i < _module.ElementSegments.Length; i++)
        {
            Locate(_module.Offsets.ElementSegments, i);
            ElementSegment segment = _module.ElementSegments[i];
            if (segment.Mode != SegmentMode.Active)
            {
                Require(WasmFeatures.BulkMemory, "a passive element segment");
            }

            CheckType(segment.Type);

            if (segment.Mode == SegmentMode.Active)
            {
                CheckIndex("table", segment.TableIndex, _module.Tables.Length);
                TableType table = _module.Tables[segment.TableIndex];
                if (segment.Type != table.ElementType && !TypeMatching.Matches(segment.Type, table.ElementType, context.Types))
                {
                    Fail($"type mismatch: elements of type {segment.Type} do not match table {segment.TableIndex} of {table.ElementType}");
                }

                CheckExpression(segment.Offset, table.AddressType, VisibleGlobals(_module.Globals.Length));
            }

            CheckElements(segment);
        }
    }

    private void CheckElements(ElementSegment segment)
    {
        if (segment.Expressions.IsDefault)
        {
            foreach (int index in segment.FunctionIndices)
            {
                CheckIndex("function", index, _module.Functions.Length);
            }

            return;
        }

        foreach (ByteRange expression in segment.Expressions)
        {
            CheckExpression(expression, segment.Type, VisibleGlobals(_module.Globals.Length));
        }
    }

    private void CheckDataSegments()
    {
        for (int i = 0; i < _module.DataSegments.Length; i++)
        {
            Locate(_module.Offsets.DataSegments, i);
            DataSegment segment = _module.DataSegments[i];
            if (segment.Mode != SegmentMode.Active)
            {
                Require(WasmFeatures.BulkMemory, "a passive data segment");
                continue;
            }

            CheckIndex("memory", segment.MemoryIndex, _module.Memories.Length);
            CheckExpression(segment.Offset, _module.Memories[segment.MemoryIndex].AddressType, VisibleGlobals(_module.Globals.Length));
        }
    }

    private void CheckExpression(ByteRange range, ValType type, int visibleGlobals)
    {
        _expressions.BeginExpression(type, visibleGlobals);
        InstructionReader reader = new(_module.Bytes.Span, range.Start, range.End, _module.Features);
        do
        {
            reader.Read(out Instruction instruction);
            _expressions.Step(in instruction);
        }
        while (!_expressions.IsFinished);
    }

    private void CheckType(ValType type)
    {
        if (type.IsReference && type.HeapType.IsConcrete)
        {
            CheckIndex("type", type.HeapType.TypeIndex, _module.Types.Length);
        }
    }

    private void CheckIndex(string what, int index, int count)
    {
        if ((uint)index >= (uint)count)
        {
            Fail($"unknown {what} {(uint)index}: the module has {count}");
        }
    }

    private void Require(WasmFeatures feature, string what)
    {
        if ((feature & ~_module.Features) != 0)
        {
            throw new UnsupportedModuleException($"{what} needs {feature & ~_module.Features}", feature & ~_module.Features, _offset);
        }
    }

    private void Locate(System.Collections.Immutable.ImmutableArray<int> offsets, int index) => _offset = ModuleOffsets.At(offsets, index);

    [DoesNotReturn]
    private void Fail(string message) => throw new InvalidModuleException(message, _offset);
}
