namespace Codicil.Format.Types;

/// <summary>Subtyping: which values can stand where others are asked for. Linear in the size of the types, no recursion. Thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 3.3 Matching.</remarks>
public static class TypeMatching
{
    /// <summary>Whether a value type matches another of the same module (3.3.5).</summary>
    public static bool Matches(ValType sub, ValType super, TypeContext context) => Matches(sub, context, super, context);

    /// <summary>Whether a value type of one module matches a value type of another (3.3.5).</summary>
    /// <exception cref="ArgumentException">The contexts belong to different canonicalizers.</exception>
    public static bool Matches(ValType sub, TypeContext subContext, ValType super, TypeContext superContext)
    {
        if (sub.IsReference && super.IsReference)
        {
            return (super.IsNullable || !sub.IsNullable) && Matches(sub.HeapType, subContext, super.HeapType, superContext);
        }

        return sub == super || sub.IsBottom;
    }

    /// <summary>Whether a heap type matches another of the same module (3.3.3).</summary>
    public static bool Matches(HeapType sub, HeapType super, TypeContext context) => Matches(sub, context, super, context);

    /// <summary>Whether a heap type of one module matches a heap type of another (3.3.3).</summary>
    /// <exception cref="ArgumentException">The contexts belong to different canonicalizers.</exception>
    public static bool Matches(HeapType sub, TypeContext subContext, HeapType super, TypeContext superContext)
    {
        if (!ReferenceEquals(subContext.Canonicalizer, superContext.Canonicalizer))
        {
            throw new ArgumentException("the contexts belong to different canonicalizers", nameof(superContext));
        }

        return (sub.IsConcrete, super.IsConcrete) switch
        {
            (true, true) => subContext.TypeOf(sub).IsSubtypeOf(superContext.TypeOf(super)),
            (true, false) => ConcreteMatches(subContext.TypeOf(sub).Kind, super),
            (false, true) => MatchesConcrete(sub, superContext.TypeOf(super).Kind),
            (false, false) => MatchesAbstract(sub, super),
        };
    }

    /// <summary>Whether a size range lies inside another (3.3.10).</summary>
    public static bool Matches(Limits sub, Limits super) =>
        sub.Minimum >= super.Minimum
        && (super.Maximum is not ulong superMaximum || (sub.Maximum is ulong subMaximum && subMaximum <= superMaximum));

    /// <summary>Whether an entity of one module can be what an import of another asks for (3.3.16).</summary>
    /// <remarks>
    /// A <see cref="FunctionType"/> stands here for the final type without supertypes. Functions and tags of modules are compared by their canonical types:
    /// <see cref="CanonicalType.IsSubtypeOf(CanonicalType)"/> for functions, equality for tags.
    /// </remarks>
    public static bool Matches(ExternType sub, TypeContext subContext, ExternType super, TypeContext superContext) => (sub, super) switch
    {
        (FunctionType from, FunctionType to) => ReferenceEquals(Canonical(from, subContext), Canonical(to, superContext)),
        (TagType from, TagType to) => ReferenceEquals(Canonical(from.FunctionType, subContext), Canonical(to.FunctionType, superContext)),
        (GlobalType from, GlobalType to) =>
            from.IsMutable == to.IsMutable
            && Matches(from.Type, subContext, to.Type, superContext)
            && (!from.IsMutable || Matches(to.Type, superContext, from.Type, subContext)),
        (MemoryType from, MemoryType to) =>
            from.Is64 == to.Is64 && from.IsShared == to.IsShared && from.PageSizeLog2 == to.PageSizeLog2 && Matches(from.Limits, to.Limits),
        (TableType from, TableType to) =>
            from.Is64 == to.Is64
            && Matches(from.Limits, to.Limits)
            && Matches(from.ElementType, subContext, to.ElementType, superContext)
            && Matches(to.ElementType, superContext, from.ElementType, subContext),
        _ => false,
    };

    /// <summary>The top of the hierarchy that a heap type belongs to (3.3.3).</summary>
    internal static HeapType Top(HeapType heapType, TypeContext context)
    {
        if (heapType.IsConcrete)
        {
            return context.TypeOf(heapType).Kind == CompositeKind.Function ? HeapType.Func : HeapType.Any;
        }

        if (heapType == HeapType.Func || heapType == HeapType.NoFunc)
        {
            return HeapType.Func;
        }

        if (heapType == HeapType.Extern || heapType == HeapType.NoExtern)
        {
            return HeapType.Extern;
        }

        return heapType == HeapType.Exn || heapType == HeapType.NoExn ? HeapType.Exn : HeapType.Any;
    }

    /// <summary>Whether a storage type matches another of the same module (3.3.7).</summary>
    internal static bool StorageMatches(FieldType sub, FieldType super, TypeContext context) =>
        sub.Storage == super.Storage && (sub.Storage != StorageKind.Value || Matches(sub.Type, super.Type, context));

    /// <summary>Whether a composite type matches another of the same module (3.3.8).</summary>
    internal static bool CompositeMatches(CompositeType sub, CompositeType super, TypeContext context)
    {
        if (sub.Kind != super.Kind)
        {
            return false;
        }

        if (sub.Function is FunctionType subFunction && super.Function is FunctionType superFunction)
        {
            return SequenceMatches(superFunction.Parameters.AsSpan(), subFunction.Parameters.AsSpan(), context)
                && SequenceMatches(subFunction.Results.AsSpan(), superFunction.Results.AsSpan(), context);
        }

        if (sub.Fields.Length < super.Fields.Length)
        {
            return false;
        }

        for (int i = 0; i < super.Fields.Length; i++)
        {
            if (!FieldMatches(sub.Fields[i], super.Fields[i], context))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a result type matches another of the same module (3.3.6).</summary>
    internal static bool SequenceMatches(ReadOnlySpan<ValType> sub, ReadOnlySpan<ValType> super, TypeContext context)
    {
        if (sub.Length != super.Length)
        {
            return false;
        }

        for (int i = 0; i < sub.Length; i++)
        {
            if (sub[i] != super[i] && !Matches(sub[i], super[i], context))
            {
                return false;
            }
        }

        return true;
    }

    private static bool FieldMatches(FieldType sub, FieldType super, TypeContext context) =>
        sub.IsMutable == super.IsMutable
        && StorageMatches(sub, super, context)
        && (!sub.IsMutable || StorageMatches(super, sub, context));

    private static CanonicalType Canonical(FunctionType type, TypeContext context) => context.Canonicalizer.GetFunctionType(type, context);

    private static bool ConcreteMatches(CompositeKind sub, HeapType super) => sub switch
    {
        CompositeKind.Function => super == HeapType.Func,
        CompositeKind.Struct => super == HeapType.Struct || super == HeapType.Eq || super == HeapType.Any,
        _ => super == HeapType.Array || super == HeapType.Eq || super == HeapType.Any,
    };

    private static bool MatchesConcrete(HeapType sub, CompositeKind super) =>
        sub == HeapType.Bottom || sub == (super == CompositeKind.Function ? HeapType.NoFunc : HeapType.None);

    private static bool MatchesAbstract(HeapType sub, HeapType super)
    {
        if (sub == super || sub == HeapType.Bottom)
        {
            return true;
        }

        if (super == HeapType.Any)
        {
            return sub == HeapType.Eq || sub == HeapType.I31 || sub == HeapType.Struct || sub == HeapType.Array || sub == HeapType.None;
        }

        if (super == HeapType.Eq)
        {
            return sub == HeapType.I31 || sub == HeapType.Struct || sub == HeapType.Array || sub == HeapType.None;
        }

        if (super == HeapType.I31 || super == HeapType.Struct || super == HeapType.Array)
        {
            return sub == HeapType.None;
        }

        return (super == HeapType.Func && sub == HeapType.NoFunc)
            || (super == HeapType.Extern && sub == HeapType.NoExtern)
            || (super == HeapType.Exn && sub == HeapType.NoExn);
    }
}
