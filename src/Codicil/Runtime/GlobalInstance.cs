using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A global that is imported, exported, or made by the host; others live inside their instance.</summary>
internal sealed class GlobalInstance : Global
{
    // Read and written by emitted code.
    public ulong Bits;

    public object? Reference;

    public Vector128<byte> Vector;

    private readonly ManagedStore _store;

    public GlobalInstance(ManagedStore store, GlobalType type)
    {
        _store = store;
        Type = type;
    }

    public override GlobalType Type { get; }

    public override Store Store => _store;

    public override Value Value
    {
        get
        {
            _store.CheckUsable();
            return Get();
        }

        set
        {
            _store.CheckUsable();
            if (!Type.IsMutable)
            {
                throw new InvalidOperationException("immutable global cannot be set");
            }

            Set(value);
        }
    }

    public Value Get() => Type.Type.Kind switch
    {
        ValKind.V128 => Value.FromV128(Vector),
        ValKind.Reference => References.ToValue(Reference, Type.Type),
        _ => Value.FromRaw(Type.Type, Bits),
    };

    public void Set(Value value)
    {
        switch (Type.Type.Kind)
        {
            case ValKind.Reference:
                Reference = References.FromValue(value, Type.Type, _store);
                break;
            default:
                if (value.Type != Type.Type)
                {
                    throw new ArgumentException($"expected {Type.Type}, found {value.Type}", nameof(value));
                }

                if (Type.Type.Kind == ValKind.V128)
                {
                    Vector = value.AsV128();
                }
                else
                {
                    Bits = value.RawBits;
                }

                break;
        }
    }
}

/// <summary>A tag of a store.</summary>
internal sealed class TagInstance(ManagedStore store, TagType type, int canonicalTypeId) : Tag
{
    public override TagType Type => type;

    public override Store Store => store;

    public int CanonicalTypeId => canonicalTypeId;
}

/// <summary>How references look inside and outside.</summary>
internal static class References
{
    public static Value ToValue(object? reference, ValType type) => IsFunction(type)
        ? Value.FromFunction(ReferenceEquals(reference, FunctionInstance.Null) ? null : (FunctionInstance?)reference)
        : Value.FromExtern(reference);

    /// <summary>Checks and unwraps a value for a reference type.</summary>
    /// <exception cref="ArgumentException">The value is not of the type, or is another store's.</exception>
    public static object? FromValue(Value value, ValType type, ManagedStore store)
    {
        bool function = IsFunction(type);
        if (!value.Type.IsReference || (value.Type == ValType.FuncRef) != function || (value.IsNull && !type.IsNullable))
        {
            throw new ArgumentException($"expected {type}, found {(value.IsNull ? "null" : value.Type)}", nameof(value));
        }

        if (function && value.AsFunction() is Function reference)
        {
            if (!ReferenceEquals(reference.Store, store))
            {
                throw new ArgumentException("the function belongs to another store", nameof(value));
            }

            return (FunctionInstance)reference;
        }

        return value.RawReference;
    }

    public static bool IsFunction(ValType type) => type.HeapType.IsConcrete || type.HeapType == HeapType.Func || type.HeapType == HeapType.NoFunc;
}
