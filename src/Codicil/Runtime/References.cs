using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>The hierarchies of references (3.3.3): a reference never changes from one to another but by a conversion.</summary>
internal enum Hierarchy : byte
{
    Function,
    External,
    Internal,
    Exception,
}

/// <summary>How references look inside and outside, and which are of a type.</summary>
internal static class References
{
    /// <summary>The hierarchy of a reference type of a module.</summary>
    public static Hierarchy HierarchyOf(HeapType type, TypeContext types)
    {
        if (type.IsConcrete)
        {
            return types.Types[type.TypeIndex].Kind == CompositeKind.Function ? Hierarchy.Function : Hierarchy.Internal;
        }

        if (type == HeapType.Func || type == HeapType.NoFunc)
        {
            return Hierarchy.Function;
        }

        if (type == HeapType.Extern || type == HeapType.NoExtern)
        {
            return Hierarchy.External;
        }

        return type == HeapType.Exn || type == HeapType.NoExn ? Hierarchy.Exception : Hierarchy.Internal;
    }

    public static bool IsFunction(ValType type, TypeContext types) => HierarchyOf(type.HeapType, types) == Hierarchy.Function;

    public static Value ToValue(object? reference, ValType type, TypeContext types) => HierarchyOf(type.HeapType, types) switch
    {
        Hierarchy.Function => Value.FromFunction(ReferenceEquals(reference, FunctionInstance.Null) ? null : (FunctionInstance?)reference),
        Hierarchy.External => Value.FromExtern(reference),
        Hierarchy.Exception => Value.FromException((GuestException?)reference),
        _ => Value.FromAny((AnyReference?)reference),
    };

    /// <summary>Checks and unwraps a value for a reference type.</summary>
    /// <exception cref="ArgumentException">The value is not of the type, or is another store's.</exception>
    public static object? FromValue(Value value, ValType type, TypeContext types, ManagedStore store)
    {
        if (value.Type.IsReference && value.RawReference is null)
        {
            // A null is of every hierarchy when its type says no more.
            Hierarchy hierarchy = HierarchyOf(type.HeapType, types);
            if (type.IsNullable && (type.HeapType.IsConcrete || HierarchyOf(value.Type.HeapType, types) == hierarchy))
            {
                return null;
            }
        }
        else if (value.Type.IsReference && HierarchyOf(value.Type.HeapType, types) == HierarchyOf(type.HeapType, types))
        {
            return Check(value.RawReference, type, types, store);
        }

        throw new ArgumentException($"expected {type}, found {(value.IsNull ? "null" : value.Type)}", nameof(value));
    }

    /// <summary>Gives a reference back that is of a type and of a store, or throws.</summary>
    /// <exception cref="ArgumentException">The reference is not of the type, or is another store's.</exception>
    public static object? Check(object? reference, ValType type, TypeContext types, ManagedStore store)
    {
        if (!IsOf(reference, type, types))
        {
            throw new ArgumentException($"expected {type}, found {reference?.GetType().Name ?? "null"}", nameof(reference));
        }

        switch (reference)
        {
            case Function function when type != ValType.ExternRef && !ReferenceEquals(function.Store, store):
                throw new ArgumentException("the function belongs to another store", nameof(reference));
            case GuestException exception when type != ValType.ExternRef && !ReferenceEquals(exception.Tag.Store, store):
                throw new ArgumentException("the exception belongs to another store", nameof(reference));
            case AnyReference { Type.Store: ManagedStore owner } when type != ValType.ExternRef && !ReferenceEquals(owner, store):
                throw new ArgumentException("the object belongs to another store", nameof(reference));
            default:
                return reference;
        }
    }

    /// <summary>Whether a reference is of a type (3.3.3); one of the right hierarchy, null included.</summary>
    public static bool IsOf(object? reference, ValType type, TypeContext types)
    {
        if (reference is null)
        {
            return type.IsNullable;
        }

        HeapType heap = type.HeapType;
        if (heap.IsConcrete)
        {
            CanonicalType? canonicalType = reference switch
            {
                FunctionInstance function => function.CanonicalType,
                AnyReference known => known.Type.CanonicalType,
                _ => null,
            };
            return canonicalType is not null && canonicalType.IsSubtypeOf(types.Types[heap.TypeIndex]);
        }

        if (heap == HeapType.Extern)
        {
            return true;
        }

        return reference switch
        {
            FunctionInstance => heap == HeapType.Func,
            GuestException => heap == HeapType.Exn,
            AnyReference known => (GcKind)known.Type.Kind switch
            {
                GcKind.Struct => heap == HeapType.Struct || heap == HeapType.Eq || heap == HeapType.Any,
                GcKind.Array => heap == HeapType.Array || heap == HeapType.Eq || heap == HeapType.Any,
                GcKind.I31 => heap == HeapType.I31 || heap == HeapType.Eq || heap == HeapType.Any,
                _ => heap == HeapType.Any,
            },
            _ => false,
        };
    }
}
