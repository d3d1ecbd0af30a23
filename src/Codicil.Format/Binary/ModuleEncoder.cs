using System.Collections.Immutable;

using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Binary;

/// <summary>Encodes modules: the inverse of <see cref="ModuleDecoder"/>, with every number outside of code and expressions at its shortest.</summary>
/// <remarks>WebAssembly 3.0, 5.5 Modules. Bodies, expressions, data and custom sections are copied as they stand.</remarks>
public static class ModuleEncoder
{
    /// <summary>The sections but the custom ones, in the order of 5.5.16.</summary>
    internal static ReadOnlySpan<SectionId> Order =>
    [
        SectionId.Type, SectionId.Import, SectionId.Function, SectionId.Table, SectionId.Memory, SectionId.Tag, SectionId.Global,
        SectionId.Export, SectionId.Start, SectionId.Element, SectionId.DataCount, SectionId.Code, SectionId.Data,
    ];

    /// <summary>Encodes a module.</summary>
    public static byte[] Encode(WasmModule module)
    {
        ArgumentNullException.ThrowIfNull(module);
        var writer = new ByteWriter(module.Bytes.Length + 64);
        writer.WriteFixed32(0x6D736100);
        writer.WriteFixed32(1);
        WriteCustomSections(writer, module, SectionId.Custom);
        foreach (SectionId id in Order)
        {
            if (!IsEmpty(module, id) || HasCustomSections(module, id))
            {
                int start = writer.BeginSection(id);
                WriteContent(writer, module, id);
                writer.EndSized(start);
                WriteCustomSections(writer, module, id);
            }
        }

        return writer.ToArray();
    }

    /// <summary>Whether there is nothing to write in a section.</summary>
    internal static bool IsEmpty(WasmModule module, SectionId id) => id switch
    {
        SectionId.Type => module.Types.IsEmpty && module.Offsets.EmptyRecursiveGroups.IsEmpty,
        SectionId.Import => module.Imports.IsEmpty,
        SectionId.Function => module.Bodies.IsEmpty,
        SectionId.Table => module.TableInitializers.IsEmpty,
        SectionId.Memory => module.Memories.Length == module.ImportedMemoryCount,
        SectionId.Tag => module.Tags.Length == module.ImportedTagCount,
        SectionId.Global => module.GlobalInitializers.IsEmpty,
        SectionId.Export => module.Exports.IsEmpty,
        SectionId.Start => module.StartFunction is null,
        SectionId.Element => module.ElementSegments.IsEmpty,
        SectionId.DataCount => module.DataCount is null,
        SectionId.Code => module.Bodies.IsEmpty,
        _ => module.DataSegments.IsEmpty,
    };

    private static bool HasCustomSections(WasmModule module, SectionId after)
    {
        foreach (CustomSection section in module.CustomSections)
        {
            if (section.PrecedingSection == after)
            {
                return true;
            }
        }

        return false;
    }

    private static void WriteCustomSections(ByteWriter writer, WasmModule module, SectionId after)
    {
        foreach (CustomSection section in module.CustomSections)
        {
            if (section.PrecedingSection == after)
            {
                int start = writer.BeginSection(SectionId.Custom);
                writer.WriteName(section.Name);
                writer.WriteBytes(Bytes(module, section.Content));
                writer.EndSized(start);
            }
        }
    }

    private static void WriteContent(ByteWriter writer, WasmModule module, SectionId id)
    {
        switch (id)
        {
            case SectionId.Type:
                WriteTypes(writer, module);
                break;
            case SectionId.Import:
                WriteImports(writer, module);
                break;
            case SectionId.Function:
                WriteIndices(writer, module.Functions.AsSpan(module.ImportedFunctionCount, module.Bodies.Length));
                break;
            case SectionId.Table:
                WriteTables(writer, module);
                break;
            case SectionId.Memory:
                writer.WriteU32((uint)(module.Memories.Length - module.ImportedMemoryCount));
                for (int i = module.ImportedMemoryCount; i < module.Memories.Length; i++)
                {
                    TypeWriter.WriteMemoryType(writer, module.Memories[i]);
                }

                break;
            case SectionId.Tag:
                writer.WriteU32((uint)(module.Tags.Length - module.ImportedTagCount));
                for (int i = module.ImportedTagCount; i < module.Tags.Length; i++)
                {
                    WriteTag(writer, module.Tags[i]);
                }

                break;
            case SectionId.Global:
                WriteGlobals(writer, module);
                break;
            case SectionId.Export:
                WriteExports(writer, module);
                break;
            case SectionId.Start:
                writer.WriteU32((uint)module.StartFunction!.Value);
                break;
            case SectionId.Element:
                writer.WriteU32((uint)module.ElementSegments.Length);
                foreach (ElementSegment segment in module.ElementSegments)
                {
                    WriteElementSegment(writer, module, segment);
                }

                break;
            case SectionId.DataCount:
                writer.WriteU32((uint)module.DataCount!.Value);
                break;
            case SectionId.Code:
                writer.WriteU32((uint)module.Bodies.Length);
                foreach (FunctionBody body in module.Bodies)
                {
                    writer.WriteByteVector(Bytes(module, body.Range));
                }

                break;
            default:
                WriteDataSegments(writer, module);
                break;
        }
    }

    private static void WriteTypes(ByteWriter writer, WasmModule module)
    {
        ImmutableArray<int> empty = module.Offsets.EmptyRecursiveGroups;
        int groups = empty.Length;
        for (int i = 0; i < module.Types.Length; i += module.Types[i].RecursiveGroupLength)
        {
            groups++;
        }

        writer.WriteU32((uint)groups);
        int next = 0;
        for (int i = 0; i <= module.Types.Length; i++)
        {
            for (; next < empty.Length && empty[next] == i; next++)
            {
                writer.WriteByte(0x4E);
                writer.WriteU32(0);
            }

            if (i < module.Types.Length)
            {
                WriteType(writer, module, module.Types[i]);
            }
        }
    }

    private static void WriteType(ByteWriter writer, WasmModule module, SubType type)
    {
        if (type.RecursiveGroupLength > 1 && ReferenceEquals(type, module.Types[type.RecursiveGroupStart]))
        {
            writer.WriteByte(0x4E);
            writer.WriteU32((uint)type.RecursiveGroupLength);
        }

        TypeWriter.WriteSubType(writer, type);
    }

    private static void WriteImports(ByteWriter writer, WasmModule module)
    {
        writer.WriteU32((uint)module.Imports.Length);
        foreach (Import import in module.Imports)
        {
            writer.WriteName(import.ModuleName);
            writer.WriteName(import.Name);
            writer.WriteByte((byte)import.Kind);
            switch (import.Kind)
            {
                case ExternKind.Function:
                    writer.WriteU32((uint)module.Functions[import.Index]);
                    break;
                case ExternKind.Table:
                    TypeWriter.WriteTableType(writer, module.Tables[import.Index]);
                    break;
                case ExternKind.Memory:
                    TypeWriter.WriteMemoryType(writer, module.Memories[import.Index]);
                    break;
                case ExternKind.Global:
                    TypeWriter.WriteGlobalType(writer, module.Globals[import.Index]);
                    break;
                default:
                    WriteTag(writer, module.Tags[import.Index]);
                    break;
            }
        }
    }

    private static void WriteTables(ByteWriter writer, WasmModule module)
    {
        writer.WriteU32((uint)module.TableInitializers.Length);
        for (int i = 0; i < module.TableInitializers.Length; i++)
        {
            ByteRange initializer = module.TableInitializers[i];
            if (initializer.Length > 0)
            {
                writer.WriteByte(0x40);
                writer.WriteByte(0x00);
            }

            TypeWriter.WriteTableType(writer, module.Tables[module.ImportedTableCount + i]);
            writer.WriteBytes(Bytes(module, initializer));
        }
    }

    private static void WriteGlobals(ByteWriter writer, WasmModule module)
    {
        writer.WriteU32((uint)module.GlobalInitializers.Length);
        for (int i = 0; i < module.GlobalInitializers.Length; i++)
        {
            TypeWriter.WriteGlobalType(writer, module.Globals[module.ImportedGlobalCount + i]);
            writer.WriteBytes(Bytes(module, module.GlobalInitializers[i]));
        }
    }

    private static void WriteExports(ByteWriter writer, WasmModule module)
    {
        writer.WriteU32((uint)module.Exports.Length);
        foreach (Export export in module.Exports)
        {
            writer.WriteName(export.Name);
            writer.WriteByte((byte)export.Kind);
            writer.WriteU32((uint)export.Index);
        }
    }

    private static void WriteElementSegment(ByteWriter writer, WasmModule module, ElementSegment segment)
    {
        bool hasExpressions = segment.FunctionIndices.IsDefault;
        bool isActive = segment.Mode == SegmentMode.Active;
        bool isShort = isActive && segment.TableIndex == 0 && (!hasExpressions || segment.Type == ValType.FuncRef);
        uint mode = segment.Mode switch { SegmentMode.Passive => 1u, SegmentMode.Declarative => 3u, _ => isShort ? 0u : 2u };
        writer.WriteU32(mode | (hasExpressions ? 4u : 0u));
        if (isActive)
        {
            if (!isShort)
            {
                writer.WriteU32((uint)segment.TableIndex);
            }

            writer.WriteBytes(Bytes(module, segment.Offset));
        }

        if (!isShort)
        {
            if (hasExpressions)
            {
                TypeWriter.WriteValType(writer, segment.Type);
            }
            else
            {
                writer.WriteByte(0x00);
            }
        }

        if (!hasExpressions)
        {
            WriteIndices(writer, segment.FunctionIndices.AsSpan());
            return;
        }

        writer.WriteU32((uint)segment.Expressions.Length);
        foreach (ByteRange expression in segment.Expressions)
        {
            writer.WriteBytes(Bytes(module, expression));
        }
    }

    private static void WriteDataSegments(ByteWriter writer, WasmModule module)
    {
        writer.WriteU32((uint)module.DataSegments.Length);
        foreach (DataSegment segment in module.DataSegments)
        {
            bool isActive = segment.Mode == SegmentMode.Active;
            uint flags = !isActive ? 1u : segment.MemoryIndex == 0 ? 0u : 2u;
            writer.WriteU32(flags);
            if (flags == 2)
            {
                writer.WriteU32((uint)segment.MemoryIndex);
            }

            if (isActive)
            {
                writer.WriteBytes(Bytes(module, segment.Offset));
            }

            writer.WriteByteVector(Bytes(module, segment.Content));
        }
    }

    private static void WriteTag(ByteWriter writer, int typeIndex)
    {
        writer.WriteByte(0x00);
        writer.WriteU32((uint)typeIndex);
    }

    private static void WriteIndices(ByteWriter writer, ReadOnlySpan<int> indices)
    {
        writer.WriteU32((uint)indices.Length);
        foreach (int index in indices)
        {
            writer.WriteU32((uint)index);
        }
    }

    private static ReadOnlySpan<byte> Bytes(WasmModule module, ByteRange range) => module.Bytes.Span.Slice(range.Start, range.Length);
}
