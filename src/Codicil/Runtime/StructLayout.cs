using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>
/// Where the fields of a structure are. A subtype has the fields of its supertype in front, and they must be where the supertype's code looks for them; but
/// .NET puts references first. So an object is a row of groups, each with room for references and then for bytes: fields take the next room of their kind,
/// and what comes later moves nothing. There are a few classes of objects, by the number of groups, and none is ever made for a guest.
/// </summary>
internal sealed class StructLayout
{
    private const int FirstCount = 2;
    private const int LaterCount = 4;
    private const int GroupBytes = 16;

    // Of .NET, and the type.
    private const int ObjectHeader = 24;
    private const int FirstSize = (FirstCount * 8) + GroupBytes;
    private const int LaterSize = (LaterCount * 8) + GroupBytes;

    // The numbers of later groups that there are classes for; see ClassOf.
    private static readonly (int Groups, Lazy<StructClass> Class)[] s_classes =
    [
        (1, Define<Groups<Row1>>()), (2, Define<Groups<Row2>>()), (3, Define<Groups<Row3>>()), (4, Define<Groups<Row4>>()),
        (6, Define<Groups<Row6>>()), (8, Define<Groups<Row8>>()), (12, Define<Groups<Row12>>()), (16, Define<Groups<Row16>>()),
        (24, Define<Groups<Row24>>()), (32, Define<Groups<Row32>>()), (64, Define<Groups<Row64>>()), (128, Define<Groups<Row128>>()),
        (256, Define<Groups<Row256>>()), (512, Define<Groups<Row512>>()), (1024, Define<Groups<Row1024>>()), (4096, Define<Groups<Row4096>>()),
    ];

    private static readonly Lazy<StructClass> s_none = Define<NoGroup>();
    private static readonly Lazy<StructClass> s_references = Define<FirstReferences>();
    private static readonly Lazy<StructClass> s_first = Define<FirstGroup>();
    private static readonly Lazy<StructClass> s_more = Define<Groups<LaterReferences>>();

    private StructLayout(int[] offsets, StructClass @class)
    {
        Offsets = offsets;
        Class = @class;
    }

    /// <summary>The offset of each field from the first group.</summary>
    public int[] Offsets { get; }

    /// <summary>The class of the objects.</summary>
    public StructClass Class { get; }

    /// <summary>What an object takes.</summary>
    public int ObjectBytes => ObjectHeader + Class.FieldBytes;

    public static StructLayout Create(ImmutableArray<FieldType> fields)
    {
        int[] offsets = new int[fields.Length];
        int references = 0;
        int bytes = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            int size = SizeOf(fields[i]);
            if (size == 0)
            {
                offsets[i] = PlaceOfReference(references++);
                continue;
            }

            bytes = (bytes + size - 1) & -size;
            offsets[i] = PlaceOfBytes(bytes);
            bytes += size;
        }

        return new StructLayout(offsets, ClassOf(references, bytes));
    }

    /// <summary>The bytes that a field takes; 0 for a reference.</summary>
    public static int SizeOf(FieldType field) => field.Storage switch
    {
        StorageKind.I8 => 1,
        StorageKind.I16 => 2,
        _ => field.Type.Kind switch
        {
            ValKind.I32 or ValKind.F32 => 4,
            ValKind.I64 or ValKind.F64 => 8,
            ValKind.V128 => 16,
            _ => 0,
        },
    };

    private static int PlaceOfReference(int index) => index < FirstCount
        ? index * 8
        : FirstSize + ((index - FirstCount) / LaterCount * LaterSize) + ((index - FirstCount) % LaterCount * 8);

    private static int PlaceOfBytes(int index) => index < GroupBytes
        ? (FirstCount * 8) + index
        : FirstSize + ((index / GroupBytes) - 1) * LaterSize + (LaterCount * 8) + (index % GroupBytes);

    private static StructClass ClassOf(int references, int bytes)
    {
        int groupsOfReferences = references <= FirstCount ? 0 : (references - FirstCount + LaterCount - 1) / LaterCount;
        int groupsOfBytes = bytes <= GroupBytes ? 0 : (bytes - 1) / GroupBytes;
        switch (groupsOfReferences, groupsOfBytes)
        {
            case (0, 0):
                return (references + bytes == 0 ? s_none : bytes == 0 ? s_references : s_first).Value;
            case (1, 0):
                return s_more.Value;
        }

        int groups = Math.Max(groupsOfReferences, groupsOfBytes);
        foreach ((int capacity, Lazy<StructClass> @class) in s_classes)
        {
            if (capacity >= groups)
            {
                return @class.Value;
            }
        }

        throw new ResourceLimitException("a structure has too many fields");
    }

    private static Lazy<StructClass> Define<TFields>()
        where TFields : struct =>
        new(static () => new StructClass(typeof(StructInstance<TFields>).GetConstructors()[0], static type => new StructInstance<TFields>(type), Unsafe.SizeOf<TFields>()));
}

/// <summary>A class of structures.</summary>
/// <param name="Constructor">What emitted code calls with the type.</param>
/// <param name="Allocate">Makes an object without values.</param>
/// <param name="FieldBytes">The size of the fields.</param>
internal sealed record StructClass(ConstructorInfo Constructor, Func<GcType, StructReference> Allocate, int FieldBytes);
