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

/// <summary>A structure without fields.</summary>
internal sealed class EmptyStructInstance : StructReference
{
    public EmptyStructInstance(GcType type)
        : base(type) => type.Charge();
}

/// <summary>The fields of structures for those who know a type only at run time.</summary>
internal static class StructFields
{
    /// <summary>From the type of an object to its first word.</summary>
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

    // A run of each kind at its longest, the most runs that there can be, groups, and what lies behind a run that is not whole.
    private static bool CheckLayout()
    {
        var references = new StructInstance<References8>(GcType.Host);
        var bytes = new StructInstance<Words8>(GcType.Host);
        var runs = new StructInstance<Head<Words1, References1, Words1, References1, Words1, References1, Words1, References1>>(GcType.Host);
        var groups = new StructInstance<Head<Head<Words2, References3>, Row2>>(GcType.Host);
        var last = new StructInstance<Head<Head<References3, Words1>, References4>>(GcType.Host);

        // SAFETY: distances inside one object; nothing is read through them.
        return Unsafe.SizeOf<References8>() == 64
            && Unsafe.SizeOf<Words8>() == 64
            && Unsafe.SizeOf<Group>() == StructLayout.GroupSize
            && Unsafe.ByteOffset(ref FirstByte(references), ref Unsafe.As<object?, byte>(ref references.Fields.Reference0)) == 0
            && Unsafe.ByteOffset(ref FirstByte(references), ref Unsafe.As<object?, byte>(ref references.Fields.Reference1)) == 8
            && Unsafe.ByteOffset(ref FirstByte(references), ref Unsafe.As<object?, byte>(ref references.Fields.Reference7)) == 56
            && Unsafe.ByteOffset(ref FirstByte(bytes), ref Unsafe.As<Words8, byte>(ref bytes.Fields)) == 0
            && Unsafe.ByteOffset(ref FirstByte(runs), ref Unsafe.As<Words1, byte>(ref runs.Fields.First)) == 0
            && Unsafe.ByteOffset(ref FirstByte(runs), ref Unsafe.As<References1, byte>(ref runs.Fields.Second)) == 8
            && Unsafe.ByteOffset(ref FirstByte(runs), ref Unsafe.As<Words1, byte>(ref runs.Fields.Third)) == 16
            && Unsafe.ByteOffset(ref FirstByte(runs), ref Unsafe.As<Words1, byte>(ref runs.Fields.Seventh)) == 48
            && Unsafe.ByteOffset(ref FirstByte(runs), ref Unsafe.As<References1, byte>(ref runs.Fields.Eighth)) == 56
            && Unsafe.ByteOffset(ref FirstByte(groups), ref Unsafe.As<References3, byte>(ref groups.Fields.First.Second)) == 16
            && Unsafe.ByteOffset(ref FirstByte(groups), ref Unsafe.As<Row2, byte>(ref groups.Fields.Second)) == 40
            && Unsafe.ByteOffset(ref FirstByte(groups), ref Unsafe.As<object?, byte>(ref groups.Fields.Second[1].References.Reference3)) == 40 + 48 + 24
            && Unsafe.ByteOffset(ref FirstByte(groups), ref Unsafe.As<Words2, byte>(ref groups.Fields.Second[1].Bytes)) == 40 + 48 + 32
            && Unsafe.ByteOffset(ref FirstByte(last), ref Unsafe.As<Words1, byte>(ref last.Fields.First.Second)) == 24
            && Unsafe.ByteOffset(ref FirstByte(last), ref Unsafe.As<object?, byte>(ref last.Fields.Second.Reference3)) == 32 + 24;
    }
}
