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
