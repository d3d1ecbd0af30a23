using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A structure; see <see cref="StructLayout"/>. Emitted code makes them and reaches fields by their offsets.</summary>
internal sealed class StructInstance<TFields> : StructReference
    where TFields : struct
{
    public StructInstance(GcType type)
        : base(type) => type.Charge();

    /// <summary>What follows <see cref="AnyReference.Type"/>.</summary>
    public TFields Fields;
}

/// <summary>The fields of structures for those who know a type only at run time.</summary>
internal static class StructFields
{
    /// <summary>From the type of an object to its first group.</summary>
    public const int FirstOffset = 8;

    /// <summary>Whether the runtime lays objects out as emitted code takes for granted.</summary>
    public static bool IsLayoutKnown { get; } = CheckLayout();

    public static Value Get(StructReference structure, int index)
    {
        FieldType field = structure.Type.Fields[index];
        ref byte place = ref Place(structure, index);

        // SAFETY: Place gives the field's own room, which has its size and, for references, nothing but one.
        return StructLayout.SizeOf(field) switch
        {
            0 => References.ToValue(Unsafe.As<byte, object?>(ref place), field.Type, structure.Type.Types),
            1 => Value.FromI32(place),
            2 => Value.FromI32(Unsafe.ReadUnaligned<ushort>(ref place)),
            4 => Value.FromRaw(field.Type, Unsafe.ReadUnaligned<uint>(ref place)),
            8 => Value.FromRaw(field.Type, Unsafe.ReadUnaligned<ulong>(ref place)),
            _ => Value.FromV128(Unsafe.ReadUnaligned<Vector128<byte>>(ref place)),
        };
    }

    /// <summary>Sets a field to a value of its type.</summary>
    public static void Set(StructReference structure, int index, Value value)
    {
        ref byte place = ref Place(structure, index);

        // SAFETY: as in Get.
        switch (StructLayout.SizeOf(structure.Type.Fields[index]))
        {
            case 0:
                Unsafe.As<byte, object?>(ref place) = value.RawReference;
                break;
            case 1:
                place = (byte)value.RawBits;
                break;
            case 2:
                Unsafe.WriteUnaligned(ref place, (ushort)value.RawBits);
                break;
            case 4:
                Unsafe.WriteUnaligned(ref place, (uint)value.RawBits);
                break;
            case 8:
                Unsafe.WriteUnaligned(ref place, value.RawBits);
                break;
            default:
                Unsafe.WriteUnaligned(ref place, value.AsV128());
                break;
        }
    }

    // SAFETY: the type of an object is the one that it was made with, whose layout chose its class.
    private static ref byte Place(StructReference structure, int index) =>
        ref Unsafe.AddByteOffset(ref FirstByte(structure), structure.Type.Layout!.Offsets[index]);

    private static ref byte FirstByte(AnyReference reference) =>
        ref Unsafe.AddByteOffset(ref Unsafe.As<GcType, byte>(ref Unsafe.AsRef(in reference.Type)), FirstOffset);

    private static bool CheckLayout()
    {
        var large = new StructInstance<Groups<Row2>>(GcType.Host);
        var small = new StructInstance<FirstReferences>(GcType.Host);
        var middle = new StructInstance<Groups<LaterReferences>>(GcType.Host);

        // SAFETY: distances inside one object; nothing is read through them.
        return Unsafe.ByteOffset(ref FirstByte(large), ref Unsafe.As<object?, byte>(ref large.Fields.First.Reference0)) == 0
            && Unsafe.ByteOffset(ref FirstByte(large), ref Unsafe.As<object?, byte>(ref large.Fields.First.Reference1)) == 8
            && Unsafe.ByteOffset(ref FirstByte(large), ref Unsafe.As<ulong, byte>(ref large.Fields.First.Bytes0)) == 16
            && Unsafe.ByteOffset(ref FirstByte(large), ref Unsafe.As<ulong, byte>(ref large.Fields.First.Bytes1)) == 24
            && Unsafe.ByteOffset(ref FirstByte(large), ref Unsafe.As<object?, byte>(ref large.Fields.Rest[0].Reference0)) == 32
            && Unsafe.ByteOffset(ref FirstByte(large), ref Unsafe.As<object?, byte>(ref large.Fields.Rest[1].Reference3)) == 32 + 48 + 24
            && Unsafe.ByteOffset(ref FirstByte(large), ref Unsafe.As<ulong, byte>(ref large.Fields.Rest[1].Bytes1)) == 32 + 48 + 40
            && Unsafe.ByteOffset(ref FirstByte(small), ref Unsafe.As<object?, byte>(ref small.Fields.Reference1)) == 8
            && Unsafe.ByteOffset(ref FirstByte(middle), ref Unsafe.As<object?, byte>(ref middle.Fields.Rest.Reference3)) == 32 + 24;
    }
}

/// <summary>The fields of a structure without any.</summary>
internal struct NoGroup;

/// <summary>The references of the first group.</summary>
internal struct FirstReferences
{
    public object? Reference0;
    public object? Reference1;
}

/// <summary>The first group.</summary>
internal struct FirstGroup
{
    public object? Reference0;
    public object? Reference1;
    public ulong Bytes0;
    public ulong Bytes1;
}

/// <summary>The references of a later group.</summary>
internal struct LaterReferences
{
    public object? Reference0;
    public object? Reference1;
    public object? Reference2;
    public object? Reference3;
}

/// <summary>A later group.</summary>
internal struct LaterGroup
{
    public object? Reference0;
    public object? Reference1;
    public object? Reference2;
    public object? Reference3;
    public ulong Bytes0;
    public ulong Bytes1;
}

/// <summary>The first group and those behind it.</summary>
internal struct Groups<TRow>
    where TRow : struct
{
    public FirstGroup First;
    public TRow Rest;
}

[InlineArray(1)]
internal struct Row1
{
    private LaterGroup _first;
}

[InlineArray(2)]
internal struct Row2
{
    private LaterGroup _first;
}

[InlineArray(3)]
internal struct Row3
{
    private LaterGroup _first;
}

[InlineArray(4)]
internal struct Row4
{
    private LaterGroup _first;
}

[InlineArray(6)]
internal struct Row6
{
    private LaterGroup _first;
}

[InlineArray(8)]
internal struct Row8
{
    private LaterGroup _first;
}

[InlineArray(12)]
internal struct Row12
{
    private LaterGroup _first;
}

[InlineArray(16)]
internal struct Row16
{
    private LaterGroup _first;
}

[InlineArray(24)]
internal struct Row24
{
    private LaterGroup _first;
}

[InlineArray(32)]
internal struct Row32
{
    private LaterGroup _first;
}

[InlineArray(64)]
internal struct Row64
{
    private LaterGroup _first;
}

[InlineArray(128)]
internal struct Row128
{
    private LaterGroup _first;
}

[InlineArray(256)]
internal struct Row256
{
    private LaterGroup _first;
}

[InlineArray(512)]
internal struct Row512
{
    private LaterGroup _first;
}

[InlineArray(1024)]
internal struct Row1024
{
    private LaterGroup _first;
}

[InlineArray(4096)]
internal struct Row4096
{
    private LaterGroup _first;
}
