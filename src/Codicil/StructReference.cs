using System.Globalization;

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

    /// <summary>The type that it was made with.</summary>
    public StructType StructType => new(Type);

    /// <summary>Makes a structure.</summary>
    /// <param name="store">The store that it is to belong to.</param>
    /// <param name="type">Its type; of the same store.</param>
    /// <param name="values">The value of each field, in order; of packed fields the lower bits are kept.</param>
    /// <exception cref="ArgumentException">The type or a value is another store's, there are too few or too many values, or one is not of its field's type; the field is named.</exception>
    /// <exception cref="ResourceLimitException">The heap is full (<see cref="ResourceLimits.HeapBytes"/>).</exception>
    public static StructReference Create(Store store, StructType type, params ReadOnlySpan<Value> values)
    {
        ArgumentNullException.ThrowIfNull(type);
        GcType definition = type.Definition.In(store);
        if (values.Length != definition.Fields.Length)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"expected {definition.Fields.Length} values, found {values.Length}"), nameof(values));
        }

        StructReference structure = definition.Layout!.Class.Allocate(definition);
        for (int i = 0; i < values.Length; i++)
        {
            StructFields.Set(structure, i, definition.CheckField(values[i], definition.Fields[i], i));
        }

        return structure;
    }

    /// <summary>Makes a structure whose fields are zero or null.</summary>
    /// <param name="store">The store that it is to belong to.</param>
    /// <param name="type">Its type; of the same store.</param>
    /// <exception cref="ArgumentException">The type is another store's, or has a field without a default value; the field is named.</exception>
    /// <exception cref="ResourceLimitException">The heap is full (<see cref="ResourceLimits.HeapBytes"/>).</exception>
    public static StructReference CreateDefault(Store store, StructType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        GcType definition = type.Definition.In(store);
        definition.CheckDefaultable();
        return definition.Layout!.Class.Allocate(definition);
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
