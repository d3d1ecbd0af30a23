using Codicil.Runtime;

namespace Codicil;

/// <summary>
/// An object of WebAssembly's garbage-collected heap, which is .NET's: a <see cref="StructReference"/>, an <see cref="ArrayReference"/>, an
/// <see cref="I31Reference"/>, or a reference of the host that was made internal. Structures and arrays belong to one store.
/// </summary>
/// <remarks>WebAssembly 3.0, 4.2.4 Values: what an <c>anyref</c> points to; null is C#'s null.</remarks>
public abstract class AnyReference
{
    // Read by emitted code: every internal reference has one, so that a cast looks at nothing else. Fields of structures lie behind it.
    internal readonly GcType Type;

    private protected AnyReference(GcType type) => Type = type;

    /// <summary>A reference of the host as an internal one, as <c>any.convert_extern</c> makes it.</summary>
    public static AnyReference FromHost(object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value as AnyReference ?? new HostReference(value);
    }
}

/// <summary>A 31-bit integer as a reference. Two of the same value are equal for guests.</summary>
public sealed class I31Reference : AnyReference, IEquatable<I31Reference>
{
    private const int LeastCached = -128;
    private const int MostCached = 1023;

    private static readonly I31Reference[] s_cached = CreateCached();

    /// <summary>The number, from -2^30 to 2^30 - 1.</summary>
    internal readonly int Number;

    private I31Reference(int number)
        : base(GcType.I31) => Number = number;

    /// <summary>The number as a signed one.</summary>
    public int Value => Number;

    /// <summary>The number as an unsigned one.</summary>
    public uint UnsignedValue => (uint)Number & 0x7FFF_FFFF;

    /// <summary>The lower 31 bits of a number.</summary>
    public static I31Reference Create(int value)
    {
        int number = value << 1 >> 1;
        return number is >= LeastCached and <= MostCached ? s_cached[number - LeastCached] : new I31Reference(number);
    }

    /// <inheritdoc/>
    public bool Equals(I31Reference? other) => other is not null && other.Number == Number;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as I31Reference);

    /// <inheritdoc/>
    public override int GetHashCode() => Number;

    /// <summary>The signed number.</summary>
    public override string ToString() => Number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static I31Reference[] CreateCached()
    {
        var cached = new I31Reference[MostCached - LeastCached + 1];
        for (int i = 0; i < cached.Length; i++)
        {
            cached[i] = new I31Reference(i + LeastCached);
        }

        return cached;
    }
}
