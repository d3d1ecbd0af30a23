using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil;

/// <summary>An array of WebAssembly's garbage-collected heap. Not thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 4.2.17 Array Instances.</remarks>
public abstract class ArrayReference : AnyReference
{
    private protected ArrayReference(GcType type)
        : base(type)
    {
    }

    /// <summary>The type that it was made with.</summary>
    public ArrayType ArrayType => new(Type);

    /// <summary>Makes an array of given elements.</summary>
    /// <param name="store">The store that it is to belong to.</param>
    /// <param name="type">Its type; of the same store.</param>
    /// <param name="values">The elements; of packed ones the lower bits are kept.</param>
    /// <exception cref="ArgumentException">The type or a value is another store's, or a value is not of the element type; the element is named.</exception>
    /// <exception cref="ResourceLimitException">The heap is full (<see cref="ResourceLimits.HeapBytes"/>).</exception>
    public static ArrayReference Create(Store store, ArrayType type, params ReadOnlySpan<Value> values)
    {
        ArgumentNullException.ThrowIfNull(type);
        GcType definition = type.Definition.In(store);
        ArrayInstance array = ArrayInstance.Create(values.Length, definition);
        for (int i = 0; i < values.Length; i++)
        {
            array.Put(i, definition.CheckField(values[i], definition.Fields[0], i));
        }

        return array;
    }

    /// <summary>Makes an array of equal elements.</summary>
    /// <param name="store">The store that it is to belong to.</param>
    /// <param name="type">Its type; of the same store.</param>
    /// <param name="length">The number of elements.</param>
    /// <param name="value">What each of them is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="ArgumentException">The type or the value is another store's, or the value is not of the element type.</exception>
    /// <exception cref="ResourceLimitException">The heap is full (<see cref="ResourceLimits.HeapBytes"/>), or .NET has no arrays of that length.</exception>
    public static ArrayReference Create(Store store, ArrayType type, int length, Value value)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        GcType definition = type.Definition.In(store);
        Value element = definition.CheckField(value, definition.Fields[0]);
        ArrayInstance array = ArrayInstance.Create(length, definition);
        for (int i = 0; i < length; i++)
        {
            array.Put(i, element);
        }

        return array;
    }

    /// <summary>Makes an array whose elements are zero or null.</summary>
    /// <param name="store">The store that it is to belong to.</param>
    /// <param name="type">Its type; of the same store.</param>
    /// <param name="length">The number of elements.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="ArgumentException">The type is another store's, or its elements have no default value.</exception>
    /// <exception cref="ResourceLimitException">The heap is full (<see cref="ResourceLimits.HeapBytes"/>), or .NET has no arrays of that length.</exception>
    public static ArrayReference CreateDefault(Store store, ArrayType type, int length)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        GcType definition = type.Definition.In(store);
        definition.CheckDefaultable();
        return ArrayInstance.Create(length, definition);
    }

    /// <summary>The number of elements.</summary>
    public abstract int Length { get; }

    /// <summary>How elements are stored. A type index in it means what it means in the module that made the array.</summary>
    public FieldType ElementType => Type.Fields[0];

    /// <summary>An element; packed ones as unsigned numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    public abstract Value GetElement(int index);

    /// <summary>Sets an element.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    /// <exception cref="InvalidOperationException">The elements are immutable.</exception>
    /// <exception cref="ArgumentException">The value is not of the element type, or is another store's.</exception>
    public abstract void SetElement(int index, Value value);
}
