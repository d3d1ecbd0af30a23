using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A reference in an array: elements of a structure type are stored without asking the array for its own type.</summary>
internal struct ReferenceElement
{
    public object? Reference;
}

/// <summary>An array: its elements are a .NET array of the storage type.</summary>
internal sealed class ArrayInstance(GcType type, Array elements) : ArrayReference(type)
{
    // Of this object and of the elements'.
    private const int HeaderBytes = 48;

    // Read by emitted code, which knows the elements' type.
    public readonly Array Elements = elements;

    public override int Length => Elements.Length;

    public override Value GetElement(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
        return Elements switch
        {
            byte[] numbers => Value.FromI32(numbers[index]),
            ushort[] numbers => Value.FromI32(numbers[index]),
            int[] numbers => Value.FromI32(numbers[index]),
            long[] numbers => Value.FromI64(numbers[index]),
            float[] numbers => Value.FromF32(numbers[index]),
            double[] numbers => Value.FromF64(numbers[index]),
            Vector128<byte>[] vectors => Value.FromV128(vectors[index]),
            _ => References.ToValue(((ReferenceElement[])Elements)[index].Reference, ElementType.Type, Type.Types),
        };
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
        switch (Elements)
        {
            case byte[] numbers:
                numbers[index] = (byte)value.RawBits;
                break;
            case ushort[] numbers:
                numbers[index] = (ushort)value.RawBits;
                break;
            case int[] numbers:
                numbers[index] = value.AsI32();
                break;
            case long[] numbers:
                numbers[index] = value.AsI64();
                break;
            case float[] numbers:
                numbers[index] = value.AsF32();
                break;
            case double[] numbers:
                numbers[index] = value.AsF64();
                break;
            case Vector128<byte>[] vectors:
                vectors[index] = value.AsV128();
                break;
            default:
                ((ReferenceElement[])Elements)[index].Reference = value.RawReference;
                break;
        }
    }

    /// <summary>An array of default values of a type that is known at run time.</summary>
    public static ArrayInstance Create(int length, GcType type)
    {
        Type element = ElementClass(type.Fields[0]);
        return new ArrayInstance(
            type,
            element == typeof(byte) ? Allocate<byte>(length, type)
            : element == typeof(ushort) ? Allocate<ushort>(length, type)
            : element == typeof(int) ? Allocate<int>(length, type)
            : element == typeof(long) ? Allocate<long>(length, type)
            : element == typeof(float) ? Allocate<float>(length, type)
            : element == typeof(double) ? Allocate<double>(length, type)
            : element == typeof(Vector128<byte>) ? Allocate<Vector128<byte>>(length, type)
            : Allocate<ReferenceElement>(length, type));
    }

    /// <summary>Elements for an array.</summary>
    /// <exception cref="ResourceLimitException">.NET has no arrays of that length, or no memory.</exception>
    public static T[] Allocate<T>(int length, GcType type)
    {
        if ((uint)length > (uint)Array.MaxLength)
        {
            ThrowTooLong(length, null);
        }

        type.Store!.HeapBudget.Charge(((long)length * Unsafe.SizeOf<T>()) + HeaderBytes);
        try
        {
            return new T[length];
        }
        catch (OutOfMemoryException exception)
        {
            ThrowTooLong(length, exception);
            return null!;
        }
    }

    private static void ThrowTooLong(int length, Exception? cause) => throw new ResourceLimitException(
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"allocation size too large: an array of {(uint)length} elements"), cause);

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
