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

    public static object ArrayNewDefaultOf<T>(int length, GcType type) => ArrayInstance.Create<T>(length, type);

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

    public static void ArrayCopy<T>(object? destination, int destinationIndex, object? source, int sourceIndex, int count, ModuleInstance instance)
    {
        Span<T> to = ElementsOf<T>(destination);
        Span<T> from = ElementsOf<T>(source);
        CheckRange(to.Length, destinationIndex, count);
        CheckRange(from.Length, sourceIndex, count);
        bool isForward = !ReferenceEquals(destination, source) || destinationIndex <= sourceIndex;
        for (int left = count; left > 0;)
        {
            int piece = Math.Min(left, PieceElements);
            int start = isForward ? count - left : left - piece;
            from.Slice(sourceIndex + start, piece).CopyTo(to.Slice(destinationIndex + start, piece));
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
        ArrayInstance array = ArrayInstance.Create<T>(length, type);
        CopyData(data, ArrayInstance.SpanOf<T>(array));
        return array;
    }

    public static void ArrayInitData<T>(object? array, int index, int offset, int count, int segment, ModuleInstance instance)
        where T : unmanaged
    {
        Span<T> elements = ElementsOf<T>(array);
        CheckRange(elements.Length, index, count);
        CopyData(DataOf<T>(offset, count, segment, instance), elements.Slice(index, count));
    }

    public static object ArrayNewElements(int offset, int length, int segment, GcType type, ModuleInstance instance)
    {
        ReadOnlySpan<object?> source = ElementsOf(offset, length, segment, instance);
        ArrayInstance array = ArrayInstance.Create<ReferenceElement>(length, type);
        CopyElements(source, ArrayInstance.SpanOf<ReferenceElement>(array));
        return array;
    }

    public static void ArrayInitElements(object? array, int index, int offset, int count, int segment, ModuleInstance instance)
    {
        Span<ReferenceElement> elements = ElementsOf<ReferenceElement>(array);
        CheckRange(elements.Length, index, count);
        CopyElements(ElementsOf(offset, count, segment, instance), elements.Slice(index, count));
    }

    private static ArrayInstance New<T>(T value, int length, GcType type)
    {
        ArrayInstance array = ArrayInstance.Create<T>(length, type);
        ArrayInstance.SpanOf<T>(array).Fill(value);
        return array;
    }

    private static void Fill<T>(object? array, int index, T value, int count, ModuleInstance instance)
    {
        Span<T> elements = ElementsOf<T>(array);
        CheckRange(elements.Length, index, count);
        for (int done = 0; done < count;)
        {
            int piece = Math.Min(count - done, PieceElements);
            elements.Slice(index + done, piece).Fill(value);
            done += piece;
            if (done < count)
            {
                instance.Context.Poll();
            }
        }
    }

    private static Span<T> ElementsOf<T>(object? array)
    {
        if (array is null)
        {
            Traps.NullReference();
        }

        // SAFETY: validation has made sure that it is an array.
        return ArrayInstance.SpanOf<T>(Unsafe.As<ArrayInstance>(array!));
    }

    private static void CheckRange(int length, int index, int count)
    {
        if ((ulong)(uint)index + (uint)count > (uint)length)
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

    private static void CopyElements(ReadOnlySpan<object?> source, Span<ReferenceElement> elements)
    {
        for (int i = 0; i < source.Length; i++)
        {
            elements[i].Reference = source[i];
        }
    }

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
