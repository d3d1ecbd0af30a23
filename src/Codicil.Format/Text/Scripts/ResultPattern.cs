using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Format.Text.Scripts;

/// <summary>What a script expects of a float that may be a NaN.</summary>
public enum NanPattern : byte
{
    /// <summary>These very bits.</summary>
    None,

    /// <summary><c>nan:canonical</c>: the payload is the quiet bit alone; any sign.</summary>
    Canonical,

    /// <summary><c>nan:arithmetic</c>: the quiet bit is set; any sign and further payload.</summary>
    Arithmetic,
}

/// <summary>What a script expects of a number or of a lane.</summary>
/// <param name="Nan">Whether any NaN of a class will do.</param>
/// <param name="Bits">The bits when only these will do.</param>
public readonly record struct LanePattern(NanPattern Nan, ulong Bits)
{
    /// <summary>Whether a number of <paramref name="width"/> bits is what was expected.</summary>
    /// <param name="bits">The number's bits, nothing above them.</param>
    /// <param name="width">8, 16, 32 or 64.</param>
    public bool Matches(ulong bits, int width)
    {
        if (Nan == NanPattern.None)
        {
            return bits == Bits;
        }

        int mantissaWidth = width == 32 ? 23 : 52;
        ulong magnitude = bits & ((1UL << (width - 1)) - 1);
        ulong canonical = ((1UL << (width - 1 - mantissaWidth)) - 1) << mantissaWidth | 1UL << (mantissaWidth - 1);
        return Nan == NanPattern.Canonical ? magnitude == canonical : (magnitude & canonical) == canonical;
    }
}

/// <summary>What <c>assert_return</c> expects of a result. Immutable and thread-safe.</summary>
public abstract record ResultPattern;

/// <summary>A number.</summary>
/// <param name="Type">i32, i64, f32 or f64.</param>
/// <param name="Value">Its bits, or a class of NaNs.</param>
public sealed record NumberPattern(ValType Type, LanePattern Value) : ResultPattern
{
    /// <summary>Whether a number of this type is what was expected.</summary>
    public bool Matches(ulong bits) => Value.Matches(bits, Type.Kind is ValKind.I32 or ValKind.F32 ? 32 : 64);
}

/// <summary>A vector.</summary>
/// <param name="Shape">The shape it is compared in.</param>
/// <param name="Lanes">A pattern for each lane, the lowest first.</param>
public sealed record VectorPattern(VectorShape Shape, ImmutableArray<LanePattern> Lanes) : ResultPattern
{
    /// <summary>Whether a vector is what was expected.</summary>
    public bool Matches(UInt128 bits)
    {
        ulong mask = ulong.MaxValue >> (64 - Shape.LaneBits);
        for (int i = 0; i < Lanes.Length; i++)
        {
            if (!Lanes[i].Matches((ulong)(bits >> (i * Shape.LaneBits)) & mask, Shape.LaneBits))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>A null reference.</summary>
/// <param name="HeapType">The heap type that the script names, or null for <c>(ref.null)</c>: any.</param>
public sealed record NullPattern(HeapType? HeapType) : ResultPattern;

/// <summary>A reference that is not null: <c>(ref.func)</c>, <c>(ref.struct)</c>, <c>(ref)</c> for any.</summary>
/// <param name="HeapType">The abstract heap type it must belong to.</param>
/// <param name="FunctionIndex">The function it must be, for <c>(ref.func n)</c> as some suites besides the specification's have it; else null.</param>
public sealed record ReferencePattern(HeapType HeapType, uint? FunctionIndex = null) : ResultPattern;

/// <summary>A value of the host: <c>(ref.extern n)</c> or <c>(ref.host n)</c>.</summary>
/// <param name="Number">The n that the host value was made from.</param>
/// <param name="IsExtern">Whether it is external, as <c>ref.extern</c> has it.</param>
public sealed record HostReferencePattern(uint Number, bool IsExtern) : ResultPattern;

/// <summary>One of several: <c>(either a b ...)</c>.</summary>
/// <param name="Choices">The patterns, any of which will do.</param>
public sealed record EitherPattern(ImmutableArray<ResultPattern> Choices) : ResultPattern;
