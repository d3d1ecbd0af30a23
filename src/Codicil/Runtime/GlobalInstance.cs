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
    private readonly TypeContext _types;

    public GlobalInstance(ManagedStore store, GlobalType type, TypeContext types)
    {
        _store = store;
        _types = types;
        Type = type;
    }

    /// <summary>What the type indices of <see cref="Type"/> mean.</summary>
    public TypeContext Types => _types;

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
        ValKind.Reference => References.ToValue(Reference, Type.Type, _types),
        _ => Value.FromRaw(Type.Type, Bits),
    };

    public void Set(Value value)
    {
        switch (Type.Type.Kind)
        {
            case ValKind.Reference:
                Reference = References.FromValue(value, Type.Type, _types, _store);
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
