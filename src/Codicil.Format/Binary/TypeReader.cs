using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Format.Binary;

/// <summary>Decodes types.</summary>
/// <remarks>WebAssembly 3.0, 5.3 Types. What follows a type's first byte decides on errors as in the reference interpreter.</remarks>
internal static class TypeReader
{
    private const int EmptyBlockType = 0x40;

    public static ValType ReadValType(ref ByteReader reader, WasmFeatures features)
    {
        int start = reader.Position;
        int code = reader.ReadS7();
        switch (code)
        {
            case -0x01:
                return ValType.I32;
            case -0x02:
                return ValType.I64;
            case -0x03:
                return ValType.F32;
            case -0x04:
                return ValType.F64;
            case -0x05:
                FeatureGate.Require(features, WasmFeatures.Simd, start);
                return ValType.V128;
            default:
                ValType reference = ReadReferenceType(ref reader, code, features, start);
                FeatureGate.Require(features, WasmFeatures.ReferenceTypes, start);
                return reference;
        }
    }

    public static ValType ReadReferenceType(ref ByteReader reader, WasmFeatures features)
    {
        int start = reader.Position;
        return ReadReferenceType(ref reader, reader.ReadS7(), features, start);
    }

    public static HeapType ReadHeapType(ref ByteReader reader, WasmFeatures features)
    {
        int start = reader.Position;
        long code = reader.ReadS33();
        if (code >= 0)
        {
            FeatureGate.Require(features, WasmFeatures.FunctionReferences, start);
            return Concrete(code, start);
        }

        if (reader.Position != start + 1)
        {
            // Abstract heap types are s7: a negative number of several bytes is none.
            Malformed.Throw("integer representation too long", start + 1);
        }

        if (!HeapType.TryFromEncoding(code, out HeapType heapType))
        {
            Malformed.Throw("malformed heap type", start);
        }

        FeatureGate.Require(features, FeatureOf(heapType), start);
        return heapType;
    }

    public static BlockType ReadBlockType(ref ByteReader reader, WasmFeatures features)
    {
        int start = reader.Position;
        int first = reader.Peek();
        if (first == EmptyBlockType)
        {
            reader.Position++;
            return BlockType.Empty;
        }

        if (first is >= 0x40 and < 0x80)
        {
            return new BlockType(-1, ReadValType(ref reader, features));
        }

        long index = reader.ReadS33();
        if (index < 0)
        {
            Malformed.Throw("integer representation too long", start + 1);
        }

        FeatureGate.Require(features, WasmFeatures.MultiValue, start);
        return new BlockType((int)Math.Min(index, int.MaxValue), default);
    }

    public static bool ReadMutability(ref ByteReader reader)
    {
        byte mutability = reader.ReadByte();
        if (mutability > 1)
        {
            Malformed.Throw("malformed mutability", reader.Position - 1);
        }

        return mutability == 1;
    }

    public static FieldType ReadFieldType(ref ByteReader reader, WasmFeatures features)
    {
        int start = reader.Position;
        int first = reader.Peek();
        StorageKind storage = first switch { 0x78 => StorageKind.I8, 0x77 => StorageKind.I16, _ => StorageKind.Value };
        ValType type = ValType.I32;
        if (storage != StorageKind.Value)
        {
            reader.Position++;
        }
        else if (first is 0x7F or 0x7E or 0x7D or 0x7C or 0x7B or >= 0x69 and <= 0x74 or 0x64 or 0x63 or < 0 or >= 0x80)
        {
            type = ReadValType(ref reader, features);
        }
        else
        {
            Malformed.Throw("malformed storage type", start);
        }

        return new FieldType(type, storage, ReadMutability(ref reader));
    }

    public static GlobalType ReadGlobalType(ref ByteReader reader, WasmFeatures features)
    {
        ValType type = ReadValType(ref reader, features);
        return new GlobalType(type, ReadMutability(ref reader));
    }

    public static TableType ReadTableType(ref ByteReader reader, WasmFeatures features)
    {
        int start = reader.Position;
        ValType elementType = ReadReferenceType(ref reader, features);
        if (elementType != ValType.FuncRef)
        {
            FeatureGate.Require(features, WasmFeatures.ReferenceTypes, start);
        }

        int flagsOffset = reader.Position;
        uint flags = ReadLimitsFlags(ref reader);
        if ((flags & LimitsFlags.Shared) != 0 && (features & WasmFeatures.Threads) != 0)
        {
            Malformed.Throw("tables cannot be shared (yet)", flagsOffset);
        }

        if ((flags & ~(LimitsFlags.HasMaximum | LimitsFlags.Is64)) != 0)
        {
            Malformed.Throw($"malformed limits flags 0x{flags:x2}", flagsOffset);
        }

        bool is64 = (flags & LimitsFlags.Is64) != 0;
        FeatureGate.Require(features, is64 ? WasmFeatures.Memory64 : WasmFeatures.None, flagsOffset);
        return new TableType(elementType, ReadLimits(ref reader, flags), is64);
    }

    public static MemoryType ReadMemoryType(ref ByteReader reader, WasmFeatures features)
    {
        int flagsOffset = reader.Position;
        uint flags = ReadLimitsFlags(ref reader);
        if ((flags & LimitsFlags.PageSize) != 0 && (features & WasmFeatures.CustomPageSizes) == 0)
        {
            // The suite of 3.0 calls the flag malformed, which it is until the proposal is finished.
            Malformed.Throw($"malformed limits flags 0x{flags:x2}: {FeatureGate.Message(WasmFeatures.CustomPageSizes)}", flagsOffset);
        }

        bool is64 = (flags & LimitsFlags.Is64) != 0;
        bool isShared = (flags & LimitsFlags.Shared) != 0;
        FeatureGate.Require(features, (is64 ? WasmFeatures.Memory64 : 0) | (isShared ? WasmFeatures.Threads : 0), flagsOffset);
        Limits limits = ReadLimits(ref reader, flags);
        int pageSizeLog2 = 16;
        if ((flags & LimitsFlags.PageSize) != 0)
        {
            int pageSizeOffset = reader.Position;
            uint log2 = reader.ReadU32();
            if (log2 >= 64)
            {
                Malformed.Throw($"invalid custom page size: 2^{log2}", pageSizeOffset);
            }

            pageSizeLog2 = (int)log2;
        }

        return new MemoryType(limits, is64, isShared, pageSizeLog2);
    }

    private static uint ReadLimitsFlags(ref ByteReader reader)
    {
        int start = reader.Position;
        uint flags = reader.ReadByte();
        if (flags >= 0x10)
        {
            Malformed.Throw($"malformed limits flags 0x{flags:x2}", start);
        }

        return flags;
    }

    private static Limits ReadLimits(ref ByteReader reader, uint flags)
    {
        ulong minimum = reader.ReadU64();
        return new Limits(minimum, (flags & LimitsFlags.HasMaximum) != 0 ? reader.ReadU64() : null);
    }

    private static ValType ReadReferenceType(ref ByteReader reader, int code, WasmFeatures features, int start)
    {
        switch (code)
        {
            case -0x1C:
                FeatureGate.Require(features, WasmFeatures.FunctionReferences, start);
                return ValType.Reference(false, ReadHeapType(ref reader, features));
            case -0x1D:
                FeatureGate.Require(features, WasmFeatures.FunctionReferences, start);
                return ValType.Reference(true, ReadHeapType(ref reader, features));
            default:
                if (code >= 0 || !HeapType.TryFromEncoding(code, out HeapType heapType))
                {
                    Malformed.Throw("malformed reference type", start);
                    return default;
                }

                FeatureGate.Require(features, FeatureOf(heapType), start);
                return ValType.Reference(true, heapType);
        }
    }

    private static HeapType Concrete(long index, int offset) => HeapType.TryFromEncoding(index, out HeapType heapType)
        ? heapType
        : throw new InvalidModuleException($"unknown type {index}", offset);

    /// <summary>The proposal of an abstract heap type.</summary>
    public static WasmFeatures FeatureOf(HeapType heapType) => heapType.TypeIndex switch
    {
        -0x10 => WasmFeatures.None,
        -0x11 => WasmFeatures.ReferenceTypes,
        -0x17 or -0x0C => WasmFeatures.Exceptions,
        _ => WasmFeatures.GarbageCollection,
    };
}
