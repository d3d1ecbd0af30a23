using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

using Codicil.Runtime;

namespace Codicil.Semantics;

/// <summary>The meaning of instructions on structures, arrays and casts (4.6.5) that are more than a few CIL instructions; called by emitted code.</summary>
internal static class GcOps
{
    /// <summary>What is copied or filled between two looks at the interrupt flag.</summary>
    private const int PieceElements = 1 << 18;

    public static object? Internalize(object? reference) => HostReference.Internalize(reference);

    public static object? Externalize(object? reference) => HostReference.Externalize(reference);

    public static int RefEqual(object? first, object? second) =>
        ReferenceEquals(first, second) || (first is I31Reference a && second is I31Reference b && a.Number == b.Number) ? 1 : 0;

    public static object CreateI31(int value) => I31Reference.Create(value);

    /// <summary>Whether an object that is not null has a type above it beyond the depths that emitted code compares itself.</summary>
    public static bool HasAncestor(AnyReference reference, int depth, long id) => reference.Type.HasAncestor(depth, id);

    /// <summary>Whether a function that is not null is of a type.</summary>
    public static bool IsFunction(object reference, long typeId) => ((FunctionInstance)reference).CanonicalType.IsSubtypeOf(typeId);

    public static object ArrayNewDefaultOf<T>(int length, GcType type) => new ArrayInstance(type, ArrayInstance.Allocate<T>(length, type));

    /// <summary>An array for elements that the caller puts in.</summary>
    public static T[] AllocateElements<T>(int length, GcType type) => ArrayInstance.Allocate<T>(length, type);

    public static object Wrap(Array elements, GcType type) => new ArrayInstance(type, elements);

    public static object ArrayNewI8(int value, int length, GcType type) => New((byte)value, length, type);

    public static object ArrayNewI16(int value, int length, GcType type) => New((ushort)value, length, type);

    public static object ArrayNewI32(int value, int length, GcType type) => New(value, length, type);

    public static object ArrayNewI64(long value, int length, GcType type) => New(value, length, type);

    public static object ArrayNewF32(float value, int length, GcType type) => New(value, length, type);

    public static object ArrayNewF64(double value, int length, GcType type) => New(value, length, type);

    public static object ArrayNewV128(Vector128<byte> value, int length, GcType type) => New(value, length, type);

    public static object ArrayNewReference(object? value, int length, GcType type) => New(new ReferenceElement { Reference = value }, length, type);

    public static void ArrayFillI8(object? array, int index, int value, int count, ModuleInstance instance) => Fill(array, index, (byte)value, count, instance);

    public static void ArrayFillI16(object? array, int index, int value, int count, ModuleInstance instance) => Fill(array, index, (ushort)value, count, instance);

    public static void ArrayFillI32(object? array, int index, int value, int count, ModuleInstance instance) => Fill(array, index, value, count, instance);

    public static void ArrayFillI64(object? array, int index, long value, int count, ModuleInstance instance) => Fill(array, index, value, count, instance);

    public static void ArrayFillF32(object? array, int index, float value, int count, ModuleInstance instance) => Fill(array, index, value, count, instance);

    public static void ArrayFillF64(object? array, int index, double value, int count, ModuleInstance instance) => Fill(array, index, value, count, instance);

    public static void ArrayFillV128(object? array, int index, Vector128<byte> value, int count, ModuleInstance instance) => Fill(array, index, value, count, instance);

    public static void ArrayFillReference(object? array, int index, object? value, int count, ModuleInstance instance) =>
        Fill(array, index, new ReferenceElement { Reference = value }, count, instance);

    public static void ArrayCopy(object? destination, int destinationIndex, object? source, int sourceIndex, int count, ModuleInstance instance)
    {
        Array to = ElementsOf(destination);
        Array from = ElementsOf(source);
        CheckRange(to, destinationIndex, count);
        CheckRange(from, sourceIndex, count);
        bool isForward = !ReferenceEquals(to, from) || destinationIndex <= sourceIndex;
        for (int left = count; left > 0;)
        {
            int piece = Math.Min(left, PieceElements);
            int start = isForward ? count - left : left - piece;
            Array.Copy(from, sourceIndex + start, to, destinationIndex + start, piece);
            left -= piece;
            if (left > 0)
            {
                instance.Context.Poll();
            }
        }
    }

    public static object ArrayNewData<T>(int offset, int length, int segment, GcType type, ModuleInstance instance)
        where T : unmanaged
    {
        ReadOnlySpan<byte> data = DataOf<T>(offset, length, segment, instance);
        T[] elements = ArrayInstance.Allocate<T>(length, type);
        CopyData(data, elements.AsSpan());
        return new ArrayInstance(type, elements);
    }

    public static void ArrayInitData<T>(object? array, int index, int offset, int count, int segment, ModuleInstance instance)
        where T : unmanaged
    {
        var elements = (T[])ElementsOf(array);
        CheckRange(elements, index, count);
        CopyData(DataOf<T>(offset, count, segment, instance), elements.AsSpan(index, count));
    }

    public static object ArrayNewElements(int offset, int length, int segment, GcType type, ModuleInstance instance)
    {
        ReadOnlySpan<object?> source = ElementsOf(offset, length, segment, instance);
        ReferenceElement[] elements = ArrayInstance.Allocate<ReferenceElement>(length, type);
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i].Reference = source[i];
        }

        return new ArrayInstance(type, elements);
    }

    public static void ArrayInitElements(object? array, int index, int offset, int count, int segment, ModuleInstance instance)
    {
        var elements = (ReferenceElement[])ElementsOf(array);
        CheckRange(elements, index, count);
        ReadOnlySpan<object?> source = ElementsOf(offset, count, segment, instance);
        for (int i = 0; i < source.Length; i++)
        {
            elements[index + i].Reference = source[i];
        }
    }

    private static ArrayInstance New<T>(T value, int length, GcType type)
    {
        T[] elements = ArrayInstance.Allocate<T>(length, type);
        elements.AsSpan().Fill(value);
        return new ArrayInstance(type, elements);
    }

    private static void Fill<T>(object? array, int index, T value, int count, ModuleInstance instance)
    {
        var elements = (T[])ElementsOf(array);
        CheckRange(elements, index, count);
        for (int done = 0; done < count;)
        {
            int piece = Math.Min(count - done, PieceElements);
            elements.AsSpan(index + done, piece).Fill(value);
            done += piece;
            if (done < count)
            {
                instance.Context.Poll();
            }
        }
    }

    private static Array ElementsOf(object? array)
    {
        if (array is null)
        {
            Traps.NullReference();
        }

        return ((ArrayInstance)array!).Elements;
    }

    private static void CheckRange(Array elements, int index, int count)
    {
        if ((ulong)(uint)index + (uint)count > (uint)elements.Length)
        {
            Traps.ArrayOutOfBounds();
        }
    }

    private static ReadOnlySpan<byte> DataOf<T>(int offset, int count, int segment, ModuleInstance instance)
        where T : unmanaged
    {
        ReadOnlySpan<byte> data = instance.GetData(segment);
        ulong length = (ulong)(uint)count * (uint)Unsafe.SizeOf<T>();
        if ((uint)offset > (uint)data.Length || length > (ulong)data.Length - (uint)offset)
        {
            Traps.MemoryOutOfBounds();
        }

        return data.Slice(offset, (int)length);
    }

    // SAFETY: the elements are numbers, any bytes of which are one; the spans have the same length in bytes.
    private static void CopyData<T>(ReadOnlySpan<byte> data, Span<T> elements)
        where T : unmanaged => data.CopyTo(MemoryMarshal.AsBytes(elements));

    private static ReadOnlySpan<object?> ElementsOf(int offset, int count, int segment, ModuleInstance instance)
    {
        object?[] elements = instance.GetElements(segment);
        if ((ulong)(uint)offset + (uint)count > (uint)elements.Length)
        {
            Traps.TableOutOfBounds();
        }

        return elements.AsSpan(offset, count);
    }
}
