using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A tag of a store. Exceptions are told apart by the identity of this object.</summary>
internal sealed class TagInstance(ManagedStore store, TagType type, TypeContext types, CanonicalType canonicalType) : Tag
{
    public override TagType Type => type;

    public override Store Store => store;

    /// <summary>The type in the engine; the tag keeps it known there.</summary>
    public CanonicalType CanonicalType => canonicalType;

    /// <summary>What the type indices of <see cref="Type"/> mean.</summary>
    public TypeContext Types => types;

    /// <summary>Checks the values of an exception that the host makes.</summary>
    /// <exception cref="ArgumentException">They are not of the tag's types.</exception>
    public void Check(Value[] values)
    {
        ImmutableArray<ValType> wanted = type.FunctionType.Parameters;
        if (values.Length != wanted.Length)
        {
            throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"expected {wanted.Length} values, found {values.Length}"), nameof(values));
        }

        for (int i = 0; i < values.Length; i++)
        {
            if (wanted[i].IsReference)
            {
                values[i] = References.ToValue(References.FromValue(values[i], wanted[i], types, store), wanted[i], types);
            }
            else if (values[i].Type != wanted[i])
            {
                throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"value {i}: expected {wanted[i]}, found {values[i].Type}"), nameof(values));
            }
        }
    }
}
