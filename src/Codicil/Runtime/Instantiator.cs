using System.Globalization;

using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>Instantiation (4.7.2): link, allocate, initialise, start; a method a step.</summary>
internal readonly ref struct Instantiator(ManagedStore store, ManagedModule module)
{
    public Instance Run(ReadOnlySpan<Extern> imports)
    {
        WasmModule format = module.Format;
        CheckImports(imports);
        var instance = new ModuleInstance(store, module);
        store.AddInstance(instance);
        store.Context.EnsureExtraResults(module.Code.MostResults);
        LinkImports(instance, imports);
        AllocateMemories(instance, imports);
        instance.Code = module.Code.GetVariant(instance);
        instance.CodeSlots = instance.Code.SlotsAddress;
        instance.GcTypes = store.GetGcTypes(module);
        AllocateGlobals(instance, imports);
        AllocateTables(instance, imports);
        AllocateTags(instance, imports);
        InitializeTables(instance);
        InitializeElements(instance);
        InitializeData(instance);
        if (format.StartFunction is int start)
        {
            instance.GetFunction(start).Invoke([], []);
        }

        return instance;
    }

    private void CheckImports(ReadOnlySpan<Extern> imports)
    {
        WasmModule format = module.Format;
        if (imports.Length != format.Imports.Length)
        {
            throw new LinkException(string.Create(CultureInfo.InvariantCulture, $"expected {format.Imports.Length} imports, found {imports.Length}"));
        }

        for (int i = 0; i < imports.Length; i++)
        {
            Import import = format.Imports[i];
            Extern item = imports[i] ?? throw new LinkException($"unknown import: `{import.ModuleName}::{import.Name}` is null", import.ModuleName, import.Name);
            if (!ReferenceEquals(item.Store, store))
            {
                throw new ArgumentException($"import `{import.ModuleName}::{import.Name}` belongs to another store", nameof(imports));
            }

            if (!Fits(import, item))
            {
                ExternType expected = format.GetExternType(import.Kind, import.Index);
                throw new LinkException(
                    $"incompatible import type for `{import.ModuleName}::{import.Name}`: expected {Describe(expected)}, found {Describe(item.ExternType)}", import.ModuleName, import.Name);
            }
        }
    }

    // Import matching (3.3.9, 4.7.2) on canonical types.
    private bool Fits(Import import, Extern item)
    {
        WasmModule format = module.Format;
        switch (import.Kind)
        {
            case ExternKind.Function:
                return item is FunctionInstance function
                    && function.CanonicalType.IsSubtypeOf(module.CanonicalTypes[format.Functions[import.Index]]);
            case ExternKind.Table:
                {
                    TableType expected = format.Tables[import.Index];
                    return item is TableInstance table && TypeMatching.Matches(table.Type, table.Types, expected, module.Types);
                }

            case ExternKind.Memory:
                {
                    MemoryType expected = format.Memories[import.Index];
                    return item is MemoryInstance memory && memory.Linear.Type.Is64 == expected.Is64 && memory.Linear.Type.IsShared == expected.IsShared
                        && memory.Linear.Type.PageSizeLog2 == expected.PageSizeLog2 && TypeMatching.Matches(memory.Type.Limits, expected.Limits);
                }

            case ExternKind.Global:
                return item is GlobalInstance global && TypeMatching.Matches(global.Type, global.Types, format.Globals[import.Index], module.Types);
            case ExternKind.Tag:
                return item is TagInstance tag && ReferenceEquals(tag.CanonicalType, module.CanonicalTypes[format.Tags[import.Index]]);
            default:
                return false;
        }
    }

    private static string Describe(ExternType type) => type switch
    {
        FunctionType function => $"(func {(function.Parameters.IsEmpty && function.Results.IsEmpty ? "" : function.ToString())})".Replace(" )", ")", StringComparison.Ordinal),
        _ => type.ToString() ?? "",
    };

    private void LinkImports(ModuleInstance instance, ReadOnlySpan<Extern> imports)
    {
        WasmModule format = module.Format;
        instance.ImportedFunctions = new FunctionInstance[format.ImportedFunctionCount];
        for (int i = 0; i < imports.Length; i++)
        {
            Import import = format.Imports[i];
            if (import.Kind != ExternKind.Function)
            {
                continue;
            }

            FunctionInstance function = module.ManagedEngine.Adapters.Rebind((FunctionInstance)imports[i], instance);
            _ = function.GetCode();
            if (function.IsHosts && module.Code.IsListened(import.Index))
            {
                function = module.ManagedEngine.Adapters.Listen(function, instance, import.Index);
            }

            instance.ImportedFunctions[import.Index] = function;
            if (import.Index < InlineImports.Capacity)
            {
                instance.InlineImports[import.Index] = new InlineImport { Target = function.Target, Code = function.GetCode() };
            }
        }
    }

    private void AllocateMemories(ModuleInstance instance, ReadOnlySpan<Extern> imports)
    {
        WasmModule format = module.Format;
        if (format.Memories.IsEmpty)
        {
            return;
        }

        var memories = new MemoryInstance[format.Memories.Length];
        CopyImports(imports, ExternKind.Memory, memories);
        for (int i = format.ImportedMemoryCount; i < memories.Length; i++)
        {
            memories[i] = new MemoryInstance(store, store.AllocateMemory(format.Memories[i]));
        }

        instance.Memories = memories;
        instance.LinearMemories = Array.ConvertAll(memories, static memory => memory.Linear);
        instance.Memory0 = instance.LinearMemories[0];
        instance.MemoryBase = instance.Memory0.Base;
        instance.NearMemoryBase = instance.Memory0.NearBase;
        instance.FarMemoryBase = instance.Memory0.FarBase;
    }

    private void AllocateGlobals(ModuleInstance instance, ReadOnlySpan<Extern> imports)
    {
        WasmModule format = module.Format;
        if (format.Globals.IsEmpty)
        {
            return;
        }

        var globals = new GlobalInstance?[format.Globals.Length];
        CopyImports(imports, ExternKind.Global, globals);
        instance.Globals = globals;
        for (int i = format.ImportedGlobalCount; i < globals.Length; i++)
        {
            ConstantEvaluator.Constant constant = ConstantEvaluator.Evaluate(instance, format.GlobalInitializers[i - format.ImportedGlobalCount]);
            int slot = module.Code.InlineGlobalSlots[i];
            if (slot >= 0)
            {
                instance.InlineGlobals[slot] = constant.Bits;
            }
            else
            {
                globals[i] = new GlobalInstance(store, format.Globals[i], module.Types) { Bits = constant.Bits, Vector = constant.Vector, Reference = constant.Reference };
            }
        }
    }

    private void AllocateTables(ModuleInstance instance, ReadOnlySpan<Extern> imports)
    {
        WasmModule format = module.Format;
        if (format.Tables.IsEmpty)
        {
            return;
        }

        var tables = new TableInstance[format.Tables.Length];
        CopyImports(imports, ExternKind.Table, tables);
        instance.Tables = tables;
        for (int i = format.ImportedTableCount; i < tables.Length; i++)
        {
            ByteRange initializer = format.TableInitializers[i - format.ImportedTableCount];
            object? initial = initializer.Length == 0 ? null : ConstantEvaluator.Evaluate(instance, initializer).Reference;
            tables[i] = store.AllocateTable(format.Tables[i], module.Types, initial);
        }

        instance.Table0 = tables[0];
    }

    private void AllocateTags(ModuleInstance instance, ReadOnlySpan<Extern> imports)
    {
        WasmModule format = module.Format;
        if (format.Tags.IsEmpty)
        {
            return;
        }

        var tags = new TagInstance[format.Tags.Length];
        CopyImports(imports, ExternKind.Tag, tags);
        for (int i = format.ImportedTagCount; i < tags.Length; i++)
        {
            int type = format.Tags[i];
            tags[i] = new TagInstance(store, new TagType(format.GetFunctionType(type)), module.Types, module.CanonicalTypes[type]);
        }

        instance.Tags = tags;
    }

    private void CopyImports<T>(ReadOnlySpan<Extern> imports, ExternKind kind, T?[] target)
        where T : Extern
    {
        for (int i = 0; i < imports.Length; i++)
        {
            Import import = module.Format.Imports[i];
            if (import.Kind == kind)
            {
                target[import.Index] = (T)imports[i];
            }
        }
    }

    private void InitializeTables(ModuleInstance instance)
    {
        // Elements of segments that are not passive are made when they are copied; passive ones wait for table.init.
        for (int i = 0; i < module.Format.ElementSegments.Length; i++)
        {
            ElementSegment segment = module.Format.ElementSegments[i];
            if (segment.Mode == SegmentMode.Passive)
            {
                instance.SetElements(i, MakeElements(instance, segment));
            }
        }
    }

    private void InitializeElements(ModuleInstance instance)
    {
        foreach (ElementSegment segment in module.Format.ElementSegments)
        {
            if (segment.Mode != SegmentMode.Active)
            {
                continue;
            }

            TableInstance table = instance.Tables[segment.TableIndex];
            ulong offset = ConstantEvaluator.Evaluate(instance, segment.Offset).Bits;
            ulong count = (ulong)segment.Count;
            if (offset > table.Length || count > table.Length - offset)
            {
                throw new TrapException(TrapCode.TableOutOfBounds);
            }

            for (int i = 0; i < segment.Count; i++)
            {
                table.SetRaw(offset + (ulong)i, MakeElement(instance, segment, i));
            }
        }
    }

    private static object?[] MakeElements(ModuleInstance instance, ElementSegment segment)
    {
        var elements = new object?[segment.Count];
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = MakeElement(instance, segment, i);
        }

        return elements;
    }

    private static object? MakeElement(ModuleInstance instance, ElementSegment segment, int index) => segment.FunctionIndices.IsDefault
        ? ConstantEvaluator.Evaluate(instance, segment.Expressions[index]).Reference
        : instance.GetFunction(segment.FunctionIndices[index]);

    private void InitializeData(ModuleInstance instance)
    {
        WasmModule format = module.Format;
        ReadOnlySpan<byte> bytes = format.Bytes.Span;
        for (int i = 0; i < format.DataSegments.Length; i++)
        {
            DataSegment segment = format.DataSegments[i];
            if (segment.Mode != SegmentMode.Active)
            {
                continue;
            }

            ulong offset = ConstantEvaluator.Evaluate(instance, segment.Offset).Bits;
            ReadOnlySpan<byte> content = bytes.Slice(segment.Content.Start, segment.Content.Length);
            if (!instance.LinearMemories[segment.MemoryIndex].Init(content, 0, offset, (ulong)content.Length))
            {
                throw new TrapException(TrapCode.MemoryOutOfBounds);
            }

            instance.DropData(i);
        }
    }
}
