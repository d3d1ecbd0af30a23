using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil;

/// <summary>A structure of WebAssembly's garbage-collected heap. Not thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 4.2.16 Structure Instances.</remarks>
public abstract class StructReference : AnyReference
{
    private protected StructReference(GcType type)
        : base(type)
    {
    }

    /// <summary>The number of fields.</summary>
    public int FieldCount => Type.Fields.Length;

    /// <summary>How a field is stored. A type index in it means what it means in the module that made the structure.</summary>
    public FieldType GetFieldType(int index) => Type.Fields[index];

    /// <summary>The value of a field; packed fields as unsigned numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such field.</exception>
    public Value GetField(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)FieldCount, nameof(index));
        return StructFields.Get(this, index);
    }

    /// <summary>Sets a field.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such field.</exception>
    /// <exception cref="InvalidOperationException">The field is immutable.</exception>
    /// <exception cref="ArgumentException">The value is not of the field's type, or is another store's.</exception>
    public void SetField(int index, Value value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)FieldCount, nameof(index));
        if (!Type.Fields[index].IsMutable)
        {
            throw new InvalidOperationException("immutable field cannot be set");
        }

        StructFields.Set(this, index, Type.CheckField(value, Type.Fields[index]));
    }
}
