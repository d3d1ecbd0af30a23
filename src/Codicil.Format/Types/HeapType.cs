namespace Codicil.Format.Types;

/// <summary>What a reference points to: an abstract heap type or a defined type of the module. Immutable and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.4 Heap Types and 5.3.3. The value is the binary format's s33: negative for abstract types, else a type index.</remarks>
public readonly record struct HeapType
{
    private readonly int _value;

    private HeapType(int value) => _value = value;

    /// <summary>All functions.</summary>
    public static HeapType Func => new(-0x10);

    /// <summary>All references of the host.</summary>
    public static HeapType Extern => new(-0x11);

    /// <summary>The top of the internal hierarchy.</summary>
    public static HeapType Any => new(-0x12);

    /// <summary>Internal references that can be compared.</summary>
    public static HeapType Eq => new(-0x13);

    /// <summary>Unboxed 31-bit integers.</summary>
    public static HeapType I31 => new(-0x14);

    /// <summary>All structures.</summary>
    public static HeapType Struct => new(-0x15);

    /// <summary>All arrays.</summary>
    public static HeapType Array => new(-0x16);

    /// <summary>All exceptions.</summary>
    public static HeapType Exn => new(-0x17);

    /// <summary>The bottom of the internal hierarchy.</summary>
    public static HeapType None => new(-0x0F);

    /// <summary>The bottom of the external hierarchy.</summary>
    public static HeapType NoExtern => new(-0x0E);

    /// <summary>The bottom of the function hierarchy.</summary>
    public static HeapType NoFunc => new(-0x0D);

    /// <summary>The bottom of the exception hierarchy.</summary>
    public static HeapType NoExn => new(-0x0C);

    /// <summary>Whether this is a defined type of the module.</summary>
    public bool IsConcrete => _value >= 0;

    /// <summary>The index in the module's type index space; negative for abstract types.</summary>
    public int TypeIndex => _value;

    /// <summary>The heap type of a type index.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative or above 2^22.</exception>
    public static HeapType Concrete(int typeIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(typeIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(typeIndex, 1 << 22);
        return new HeapType(typeIndex);
    }

    /// <summary>The heap type of the binary format's s33 (5.3.3); false when the value is no heap type.</summary>
    public static bool TryFromEncoding(long value, out HeapType heapType)
    {
        bool known = value is >= 0 and <= (1 << 22) or >= -0x17 and <= -0x0C;
        heapType = known ? new HeapType((int)value) : default;
        return known;
    }

    // What a reference of unknown type in unreachable code points to: the bottom of every hierarchy (3.1.2); no encoding.
    internal static HeapType Bottom => new(-1);

    internal static HeapType FromRaw(int value) => new(value);

    /// <summary>The text format's name, or the type index.</summary>
    public override string ToString() => _value switch
    {
        -0x10 => "func",
        -0x11 => "extern",
        -0x12 => "any",
        -0x13 => "eq",
        -0x14 => "i31",
        -0x15 => "struct",
        -0x16 => "array",
        -0x17 => "exn",
        -0x0F => "none",
        -0x0E => "noextern",
        -0x0D => "nofunc",
        -0x0C => "noexn",
        -1 => "bot",
        _ => _value.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
