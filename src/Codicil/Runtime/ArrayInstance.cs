using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A reference in an array: elements of a structure type are stored without asking the array for its own type.</summary>
internal struct ReferenceElement
{
    public object? Reference;
}

/// <summary>An array: a short one has its elements in itself, the elements of a long one are a .NET array. Which it is, its length tells.</summary>
internal abstract class ArrayInstance : ArrayReference
{
    /// <summary>The most bytes that an array has in itself.</summary>
    public const int ShortBytes = 64;

    /// <summary>From the type of an array to its first element, or to the .NET array that has them.</summary>
    public const int FirstOffset = 16;

    // Of .NET, the type, and the length.
    private const int ShortHeader = 32;
    private const int LongHeader = 64;

    // Read by emitted code.
    public readonly int Count;

    protected ArrayInstance(GcType type, int length)
        : base(type) => Count = length;

    /// <summary>Whether the runtime lays arrays out as emitted code takes for granted.</summary>
    public static bool IsLayoutKnown { get; } = CheckLayout();

    public override int Length => Count;

    public override Value GetElement(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
        return Get(index);
    }

    public override void SetElement(int index, Value value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
        if (!ElementType.IsMutable)
        {
            throw new InvalidOperationException("immutable array cannot be set");
        }

        Put(index, Type.CheckField(value, ElementType));
    }

    /// <summary>Sets an element to a value of the element type.</summary>
    public void Put(int index, Value value)
    {
        switch (StructLayout.SizeOf(ElementType))
        {
            case 0:
                SpanOf<ReferenceElement>(this)[index].Reference = value.RawReference;
                break;
            case 1:
                SpanOf<byte>(this)[index] = (byte)value.RawBits;
                break;
            case 2:
                SpanOf<ushort>(this)[index] = (ushort)value.RawBits;
                break;
            case 4:
                SpanOf<uint>(this)[index] = (uint)value.RawBits;
                break;
            case 8:
                SpanOf<ulong>(this)[index] = value.RawBits;
                break;
            default:
                SpanOf<Vector128<byte>>(this)[index] = value.AsV128();
                break;
        }
    }

    private Value Get(int index) => StructLayout.SizeOf(ElementType) switch
    {
        0 => References.ToValue(SpanOf<ReferenceElement>(this)[index].Reference, ElementType.Type, Type.Types),
        1 => Value.FromI32(SpanOf<byte>(this)[index]),
        2 => Value.FromI32(SpanOf<ushort>(this)[index]),
        4 => Value.FromRaw(ElementType.Type, SpanOf<uint>(this)[index]),
        8 => Value.FromRaw(ElementType.Type, SpanOf<ulong>(this)[index]),
        _ => Value.FromV128(SpanOf<Vector128<byte>>(this)[index]),
    };

    /// <summary>The most elements that an array has in itself.</summary>
    public static int MostShort<T>() => ShortBytes / Unsafe.SizeOf<T>();

    /// <summary>The most elements of a type that an array has in itself.</summary>
    public static int MostShort(FieldType element) => ShortBytes / SizeOf(element);

    /// <summary>The bytes that an element takes.</summary>
    public static int SizeOf(FieldType element) => StructLayout.SizeOf(element) is int size and > 0 ? size : StructLayout.WordBytes;

    /// <summary>The elements of an array whose elements are of a class, or of the numbers of that size.</summary>
    public static Span<T> SpanOf<T>(ArrayInstance array)
    {
        // SAFETY: the length tells which class the array is of, and both were made for elements of this size; references are asked for as such.
        return array.Count <= MostShort<T>()
            ? MemoryMarshal.CreateSpan(ref Unsafe.As<byte, T>(ref FirstByte(array)), array.Count)
            : MemoryMarshal.CreateSpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(Unsafe.As<LongArrayInstance>(array).Elements)), array.Count);
    }

    /// <summary>An array of default values of a type that is known at run time.</summary>
    public static ArrayInstance Create(int length, GcType type)
    {
        Type element = ElementClass(type.Fields[0]);
        return element == typeof(byte) ? Create<byte>(length, type)
            : element == typeof(ushort) ? Create<ushort>(length, type)
            : element == typeof(int) ? Create<int>(length, type)
            : element == typeof(long) ? Create<long>(length, type)
            : element == typeof(float) ? Create<float>(length, type)
            : element == typeof(double) ? Create<double>(length, type)
            : element == typeof(Vector128<byte>) ? Create<Vector128<byte>>(length, type)
            : Create<ReferenceElement>(length, type);
    }

    /// <summary>An array of default values.</summary>
    /// <exception cref="ResourceLimitException">.NET has no arrays of that length, or no memory.</exception>
    public static ArrayInstance Create<T>(int length, GcType type)
    {
        if ((uint)length > (uint)MostShort<T>())
        {
            return CreateLong<T>(length, type);
        }

        int words = ((length * Unsafe.SizeOf<T>()) + StructLayout.WordBytes - 1) / StructLayout.WordBytes;
        type.Store!.HeapBudget.Charge(ShortHeader + (words * StructLayout.WordBytes));
        return typeof(T) == typeof(ReferenceElement)
            ? words switch
            {
                0 => new EmptyArrayInstance(type),
                1 => new ShortArrayInstance<References1>(type, length),
                2 => new ShortArrayInstance<References2>(type, length),
                3 => new ShortArrayInstance<References3>(type, length),
                4 => new ShortArrayInstance<References4>(type, length),
                5 => new ShortArrayInstance<References5>(type, length),
                6 => new ShortArrayInstance<References6>(type, length),
                7 => new ShortArrayInstance<References7>(type, length),
                _ => new ShortArrayInstance<References8>(type, length),
            }
            : words switch
            {
                0 => new EmptyArrayInstance(type),
                1 => new ShortArrayInstance<Words1>(type, length),
                2 => new ShortArrayInstance<Words2>(type, length),
                3 => new ShortArrayInstance<Words3>(type, length),
                4 => new ShortArrayInstance<Words4>(type, length),
                5 => new ShortArrayInstance<Words5>(type, length),
                6 => new ShortArrayInstance<Words6>(type, length),
                7 => new ShortArrayInstance<Words7>(type, length),
                _ => new ShortArrayInstance<Words8>(type, length),
            };
    }

    private static LongArrayInstance CreateLong<T>(int length, GcType type)
    {
        if ((uint)length > (uint)Array.MaxLength)
        {
            ThrowTooLong(length, null);
        }

        type.Store!.HeapBudget.Charge(((long)length * Unsafe.SizeOf<T>()) + LongHeader);
        try
        {
            return new LongArrayInstance(type, new T[length]);
        }
        catch (OutOfMemoryException exception)
        {
            ThrowTooLong(length, exception);
            return null!;
        }
    }

    private static void ThrowTooLong(int length, Exception? cause) => throw new ResourceLimitException(
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"allocation size too large: an array of {(uint)length} elements"), cause);

    private static ref byte FirstByte(ArrayInstance array) =>
        ref Unsafe.AddByteOffset(ref Unsafe.As<GcType, byte>(ref Unsafe.AsRef(in array.Type)), FirstOffset);

    private static bool CheckLayout()
    {
        var references = new ShortArrayInstance<References3>(GcType.Host, 3);
        var words = new ShortArrayInstance<Words5>(GcType.Host, 5);
        long[] elements = [1, 2];
        var separate = new LongArrayInstance(GcType.Host, elements);

        // SAFETY: distances inside one object; nothing is read through them.
        return Unsafe.ByteOffset(ref FirstByte(references), ref Unsafe.As<object?, byte>(ref references.Elements.Reference0)) == 0
            && Unsafe.ByteOffset(ref FirstByte(references), ref Unsafe.As<object?, byte>(ref references.Elements.Reference2)) == 16
            && Unsafe.ByteOffset(ref FirstByte(words), ref Unsafe.As<Words5, byte>(ref words.Elements)) == 0
            && Unsafe.ByteOffset(ref FirstByte(separate), ref Unsafe.As<Array, byte>(ref Unsafe.AsRef(in separate.Elements))) == 0
            && Unsafe.AreSame(ref Unsafe.As<ElementsOfArray>(elements).First, ref Unsafe.As<long, byte>(ref elements[0]));
    }

    /// <summary>The .NET type of the elements of an array type.</summary>
    public static Type ElementClass(FieldType element) => element.Storage switch
    {
        StorageKind.I8 => typeof(byte),
        StorageKind.I16 => typeof(ushort),
        _ => element.Type.Kind switch
        {
            ValKind.I32 => typeof(int),
            ValKind.I64 => typeof(long),
            ValKind.F32 => typeof(float),
            ValKind.F64 => typeof(double),
            ValKind.V128 => typeof(Vector128<byte>),
            _ => typeof(ReferenceElement),
        },
    };
}

/// <summary>An array that has its elements in itself.</summary>
internal sealed class ShortArrayInstance<TElements>(GcType type, int length) : ArrayInstance(type, length)
    where TElements : struct
{
    public TElements Elements;
}

/// <summary>An array without elements.</summary>
internal sealed class EmptyArrayInstance(GcType type) : ArrayInstance(type, 0);

/// <summary>An array whose elements are a .NET array of their class.</summary>
internal sealed class LongArrayInstance(GcType type, Array elements) : ArrayInstance(type, elements.Length)
{
    public readonly Array Elements = elements;
}

/// <summary>What a .NET array looks like to emitted code.</summary>
internal sealed class ElementsOfArray
{
    public nuint Length;
    public byte First;
}

/// <summary>A reference of the host that was made internal.</summary>
internal sealed class HostReference(object value) : AnyReference(GcType.Host)
{
    public object Value => value;

    /// <summary>A reference as any.convert_extern makes it.</summary>
    public static object? Internalize(object? reference) => reference is null or AnyReference ? reference : new HostReference(reference);

    /// <summary>A reference as extern.convert_any makes it.</summary>
    public static object? Externalize(object? reference) => reference is HostReference host ? host.Value : reference;

    public override string ToString() => value.ToString() ?? "";
}
