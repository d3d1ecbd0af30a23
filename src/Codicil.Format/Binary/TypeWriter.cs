using System.Diagnostics;

using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Format.Binary;

/// <summary>Encodes types; the inverse of <see cref="TypeReader"/>.</summary>
/// <remarks>WebAssembly 3.0, 5.3 Types.</remarks>
internal static class TypeWriter
{
    private const byte SubFinal = 0x4F;
    private const byte SubOpen = 0x50;

    public static void WriteValType(ByteWriter writer, ValType type)
    {
        switch (type.Kind)
        {
            case ValKind.I32:
                writer.WriteByte(0x7F);
                break;
            case ValKind.I64:
                writer.WriteByte(0x7E);
                break;
            case ValKind.F32:
                writer.WriteByte(0x7D);
                break;
            case ValKind.F64:
                writer.WriteByte(0x7C);
                break;
            case ValKind.V128:
                writer.WriteByte(0x7B);
                break;
            case ValKind.Reference when type.IsNullable && !type.HeapType.IsConcrete:
                WriteHeapType(writer, type.HeapType);
                break;
            case ValKind.Reference:
                writer.WriteByte(type.IsNullable ? (byte)0x63 : (byte)0x64);
                WriteHeapType(writer, type.HeapType);
                break;
            default:
                throw new UnreachableException();
        }
    }

    public static void WriteHeapType(ByteWriter writer, HeapType type) => writer.WriteSigned(type.TypeIndex);

    public static void WriteBlockType(ByteWriter writer, BlockType type)
    {
        if (type.TypeIndex >= 0)
        {
            writer.WriteSigned(type.TypeIndex);
        }
        else if (type.Result == default)
        {
            writer.WriteByte(0x40);
        }
        else
        {
            WriteValType(writer, type.Result);
        }
    }

    public static void WriteFieldType(ByteWriter writer, FieldType field)
    {
        switch (field.Storage)
        {
            case StorageKind.I8:
                writer.WriteByte(0x78);
                break;
            case StorageKind.I16:
                writer.WriteByte(0x77);
                break;
            default:
                WriteValType(writer, field.Type);
                break;
        }

        WriteMutability(writer, field.IsMutable);
    }

    /// <summary>Writes a defined type without the head of its recursion group.</summary>
    public static void WriteSubType(ByteWriter writer, SubType type)
    {
        if (!type.IsFinal || !type.Supertypes.IsEmpty)
        {
            writer.WriteByte(type.IsFinal ? SubFinal : SubOpen);
            writer.WriteU32((uint)type.Supertypes.Length);
            foreach (int supertype in type.Supertypes)
            {
                writer.WriteU32((uint)supertype);
            }
        }

        WriteCompositeType(writer, type.Composite);
    }

    public static void WriteCompositeType(ByteWriter writer, CompositeType type)
    {
        writer.WriteByte((byte)type.Kind);
        switch (type.Kind)
        {
            case CompositeKind.Function:
                WriteValTypes(writer, type.Function!.Parameters.AsSpan());
                WriteValTypes(writer, type.Function.Results.AsSpan());
                break;
            case CompositeKind.Struct:
                writer.WriteU32((uint)type.Fields.Length);
                foreach (FieldType field in type.Fields)
                {
                    WriteFieldType(writer, field);
                }

                break;
            default:
                WriteFieldType(writer, type.Fields[0]);
                break;
        }
    }

    public static void WriteValTypes(ByteWriter writer, ReadOnlySpan<ValType> types)
    {
        writer.WriteU32((uint)types.Length);
        foreach (ValType type in types)
        {
            WriteValType(writer, type);
        }
    }

    public static void WriteGlobalType(ByteWriter writer, GlobalType type)
    {
        WriteValType(writer, type.Type);
        WriteMutability(writer, type.IsMutable);
    }

    public static void WriteTableType(ByteWriter writer, TableType type)
    {
        WriteValType(writer, type.ElementType);
        WriteLimits(writer, type.Limits, type.Is64 ? LimitsFlags.Is64 : 0);
    }

    public static void WriteMemoryType(ByteWriter writer, MemoryType type)
    {
        bool hasPageSize = type.PageSizeLog2 != 16;
        WriteLimits(
            writer,
            type.Limits,
            (type.Is64 ? LimitsFlags.Is64 : 0) | (type.IsShared ? LimitsFlags.Shared : 0) | (hasPageSize ? LimitsFlags.PageSize : 0));
        if (hasPageSize)
        {
            writer.WriteU32((uint)type.PageSizeLog2);
        }
    }

    private static void WriteLimits(ByteWriter writer, Limits limits, uint flags)
    {
        writer.WriteByte((byte)(flags | (limits.Maximum is null ? 0 : LimitsFlags.HasMaximum)));
        writer.WriteU64(limits.Minimum);
        if (limits.Maximum is ulong maximum)
        {
            writer.WriteU64(maximum);
        }
    }

    private static void WriteMutability(ByteWriter writer, bool isMutable) => writer.WriteByte(isMutable ? (byte)1 : (byte)0);
}
