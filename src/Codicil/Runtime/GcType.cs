using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>What an internal reference is; the numbers are compared by emitted code.</summary>
internal enum GcKind
{
    Host = 0,
    I31 = 1,
    Struct = 2,
    Array = 3,
}

/// <summary>
/// The type of an object: its kind, the canonical ids of its ancestors by their depth, and what the host needs to look inside. One for each structure or
/// array type of a store, so that an object tells whose it is.
/// </summary>
internal sealed class GcType
{
    /// <summary>The depths at which an ancestor is a field of its own.</summary>
    public const int InlineDepths = 6;

    public static readonly GcType I31 = new(GcKind.I31);
    public static readonly GcType Host = new(GcKind.Host);

    // Read by emitted code: a type is another, or below it, exactly when the ancestor at the other's depth is the other. Absent ones are -1.
    public readonly int Kind;
    public readonly long Ancestor0 = -1;
    public readonly long Ancestor1 = -1;
    public readonly long Ancestor2 = -1;
    public readonly long Ancestor3 = -1;
    public readonly long Ancestor4 = -1;
    public readonly long Ancestor5 = -1;

    /// <summary>What is charged at once for structures: an addition an object is all that they cost.</summary>
    private const int ChargedBytes = 64 * 1024;

    private readonly long[] _ancestors = [];
    private readonly int _objectsCharged;
    private int _credit;

    public GcType(ManagedStore store, SubType definition, TypeContext types, CanonicalType canonicalType)
    {
        Store = store;
        CanonicalType = canonicalType;
        Types = types;
        Fields = definition.Composite.Fields;
        Kind = (int)(definition.Composite.Kind == CompositeKind.Struct ? GcKind.Struct : GcKind.Array);
        Layout = Kind == (int)GcKind.Struct ? StructLayout.Create(Fields) : null;
        _objectsCharged = Layout is null ? 0 : Math.Max(1, ChargedBytes / Layout.ObjectBytes);
        _ancestors = AncestorsOf(canonicalType);
        ReadOnlySpan<long> ancestors = _ancestors;
        Ancestor0 = At(ancestors, 0);
        Ancestor1 = At(ancestors, 1);
        Ancestor2 = At(ancestors, 2);
        Ancestor3 = At(ancestors, 3);
        Ancestor4 = At(ancestors, 4);
        Ancestor5 = At(ancestors, 5);

        static long At(ReadOnlySpan<long> ancestors, int depth) => depth < ancestors.Length ? ancestors[depth] : -1;
    }

    private GcType(GcKind kind)
    {
        Kind = (int)kind;
        Fields = [];
        Types = null!;
    }

    /// <summary>The store; null for what belongs to none.</summary>
    public ManagedStore? Store { get; }

    /// <summary>The type in the engine, which objects keep known there; null for what has none.</summary>
    public CanonicalType? CanonicalType { get; }

    /// <summary>What the type indices of <see cref="Fields"/> mean.</summary>
    public TypeContext Types { get; }

    /// <summary>The fields of a structure, the one element type of an array.</summary>
    public ImmutableArray<FieldType> Fields { get; }

    /// <summary>Where the fields of a structure are.</summary>
    public StructLayout? Layout { get; }

    /// <summary>A structure of the type is about to be made.</summary>
    /// <exception cref="ResourceLimitException">The heap is full.</exception>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    public void Charge()
    {
        if (--_credit < 0)
        {
            Renew();
        }
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private void Renew()
    {
        if (Store is null)
        {
            _credit = int.MaxValue;
            return;
        }

        _credit = 0;
        Store.HeapBudget.Charge((long)_objectsCharged * Layout!.ObjectBytes);
        _credit = _objectsCharged;
    }

    /// <summary>Whether this type has an ancestor, or is it, at a depth.</summary>
    public bool HasAncestor(int depth, long id) => depth < _ancestors.Length && _ancestors[depth] == id;

    /// <summary>Checks a value of the host for a field or element, and gives what is stored.</summary>
    /// <exception cref="ArgumentException">The value is not of the type, or is another store's.</exception>
    public Value CheckField(Value value, FieldType field)
    {
        if (field.Type.IsReference)
        {
            return References.ToValue(References.FromValue(value, field.Type, Types, Store!), field.Type, Types);
        }

        return value.Type == field.Type ? value : throw new ArgumentException($"expected {field.Type}, found {value.Type}", nameof(value));
    }

    /// <summary>As the other, and an error names the field.</summary>
    /// <exception cref="ArgumentException">The value is not of the type, or is another store's.</exception>
    public Value CheckField(Value value, FieldType field, int index)
    {
        try
        {
            return CheckField(value, field);
        }
        catch (ArgumentException exception)
        {
            throw new ArgumentException(string.Create(
                System.Globalization.CultureInfo.InvariantCulture, $"{(Layout is null ? "element" : "field")} {index}: {exception.Message}"), nameof(value), exception);
        }
    }

    /// <summary>Checks that every field has a default value.</summary>
    /// <exception cref="ArgumentException">One has none.</exception>
    public void CheckDefaultable()
    {
        for (int i = 0; i < Fields.Length; i++)
        {
            if (!Fields[i].Type.IsDefaultable)
            {
                throw new ArgumentException(string.Create(
                    System.Globalization.CultureInfo.InvariantCulture, $"{(Layout is null ? "the elements" : $"field {i}")} of type {Fields[i].Type} have no default value"));
            }
        }
    }

    /// <summary>The type, which must be of a store that can be used.</summary>
    /// <exception cref="ArgumentException">It is another store's.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public GcType In(Store store)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (!ReferenceEquals(store, Store))
        {
            throw new ArgumentException("the type belongs to another store", nameof(store));
        }

        ObjectDisposedException.ThrowIf(store.IsDisposed, store);
        return this;
    }

    private static long[] AncestorsOf(CanonicalType type)
    {
        long[] ancestors = new long[type.Depth + 1];
        for (CanonicalType? ancestor = type; ancestor is not null; ancestor = ancestor.Supertype)
        {
            ancestors[ancestor.Depth] = ancestor.Id;
        }

        return ancestors;
    }
}
