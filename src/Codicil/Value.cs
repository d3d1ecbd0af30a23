using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil;

/// <summary>A value with its kind, for calls whose types are known only at run time. Immutable and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 4.2.1 Values. Typed delegates (<see cref="Function.CreateDelegate{TDelegate}"/>) need none of it.</remarks>
public readonly struct Value : IEquatable<Value>
{
    private readonly Vector128<ulong> _bits;
    private readonly object? _reference;

    private Value(ValType type, Vector128<ulong> bits, object? reference)
    {
        Type = type;
        _bits = bits;
        _reference = reference;
    }

    /// <summary>The type of the value; for references the abstract type that its kind has (funcref, externref).</summary>
    public ValType Type { get; }

    /// <summary>The kind of the value.</summary>
    public ValKind Kind => Type.Kind;

    /// <summary>Whether this is a null reference.</summary>
    public bool IsNull => Type.IsReference && _reference is null;

    /// <summary>An i32.</summary>
    public static Value FromI32(int value) => new(ValType.I32, Vector128.CreateScalar((ulong)(uint)value), null);

    /// <summary>An i64.</summary>
    public static Value FromI64(long value) => new(ValType.I64, Vector128.CreateScalar((ulong)value), null);

    /// <summary>An f32; the bits are kept, NaN payloads too.</summary>
    public static Value FromF32(float value) => new(ValType.F32, Vector128.CreateScalar((ulong)BitConverter.SingleToUInt32Bits(value)), null);

    /// <summary>An f64; the bits are kept, NaN payloads too.</summary>
    public static Value FromF64(double value) => new(ValType.F64, Vector128.CreateScalar(BitConverter.DoubleToUInt64Bits(value)), null);

    /// <summary>A v128.</summary>
    public static Value FromV128(Vector128<byte> value) => new(ValType.V128, value.AsUInt64(), null);

    /// <summary>A function reference; null is the null reference.</summary>
    public static Value FromFunction(Function? value) => new(ValType.FuncRef, default, value);

    /// <summary>A reference of the host; null is the null reference.</summary>
    public static Value FromExtern(object? value) => new(ValType.ExternRef, default, value);

    /// <summary>An internal reference: a structure, an array, a 31-bit integer, or one of the host's; null is the null reference.</summary>
    public static Value FromAny(AnyReference? value) => new(AnyRef, default, value);

    /// <summary>A reference to an exception; null is the null reference.</summary>
    public static Value FromException(GuestException? value) => new(ExnRef, default, value);

    /// <summary>The i32.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public int AsI32() => (int)Scalar(ValKind.I32);

    /// <summary>The i64.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public long AsI64() => (long)Scalar(ValKind.I64);

    /// <summary>The f32.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public float AsF32() => BitConverter.UInt32BitsToSingle((uint)Scalar(ValKind.F32));

    /// <summary>The f64.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public double AsF64() => BitConverter.UInt64BitsToDouble(Scalar(ValKind.F64));

    /// <summary>The v128.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public Vector128<byte> AsV128()
    {
        Check(ValKind.V128);
        return _bits.AsByte();
    }

    /// <summary>The function of a function reference; null for the null reference.</summary>
    /// <exception cref="InvalidOperationException">The value is no function reference.</exception>
    public Function? AsFunction()
    {
        if (Type != ValType.FuncRef)
        {
            ThrowKind("funcref");
        }

        return (Function?)_reference;
    }

    /// <summary>The object of an external reference; null for the null reference.</summary>
    /// <exception cref="InvalidOperationException">The value is no external reference.</exception>
    public object? AsExtern()
    {
        if (Type != ValType.ExternRef)
        {
            ThrowKind("externref");
        }

        return _reference;
    }

    /// <summary>The exception of an exception reference; null for the null reference.</summary>
    /// <exception cref="InvalidOperationException">The value is no exception reference.</exception>
    public GuestException? AsException()
    {
        if (Type != ExnRef)
        {
            ThrowKind("exnref");
        }

        return (GuestException?)_reference;
    }

    /// <summary>What an internal reference points to; null for the null reference.</summary>
    /// <exception cref="InvalidOperationException">The value is no internal reference.</exception>
    public AnyReference? AsAny()
    {
        if (Type != AnyRef)
        {
            ThrowKind("anyref");
        }

        return (AnyReference?)_reference;
    }

    /// <summary>
    /// The value as an object: int, long, float, double, <see cref="Vector128{T}"/> of byte, <see cref="Function"/>, <see cref="GuestException"/>, <see cref="AnyReference"/>,
    /// the object of an external reference or of one that was made internal, or null.
    /// </summary>
    public object? ToObject() => Kind switch
    {
        ValKind.I32 => AsI32(),
        ValKind.I64 => AsI64(),
        ValKind.F32 => AsF32(),
        ValKind.F64 => AsF64(),
        ValKind.V128 => AsV128(),
        _ => _reference is Runtime.HostReference host ? host.Value : _reference,
    };

    /// <summary>Converts an object to a value of a type: an integer that fits converts to i32 and i64, nothing else converts silently.</summary>
    /// <param name="value">int, uint, long, ulong and smaller integers, bool, float, double, vectors, <see cref="Function"/>, any object for externref, or a <see cref="Value"/>.</param>
    /// <param name="type">The wanted type.</param>
    /// <exception cref="ArgumentException">The object cannot be a value of the type.</exception>
    public static Value FromObject(object? value, ValType type)
    {
        switch (type.Kind)
        {
            case ValKind.I32 when TryInteger(value, out Int128 integer) && integer >= int.MinValue && integer <= uint.MaxValue:
                return FromI32(unchecked((int)(uint)(long)integer));
            case ValKind.I64 when TryInteger(value, out Int128 integer) && integer >= long.MinValue && integer <= ulong.MaxValue:
                return FromI64(unchecked((long)(ulong)integer));
            case ValKind.F32 when value is float single:
                return FromF32(single);
            case ValKind.F64 when value is double number:
                return FromF64(number);
            case ValKind.V128 when value is Vector128<byte> vector:
                return FromV128(vector);
            case ValKind.Reference when value is Value given && given.Type.IsReference:
                return FromObject(given._reference, type);
            case ValKind.Reference when value is null:
                return Default(type);
            case ValKind.Reference when value is Function function && (type.HeapType.IsConcrete || TopOf(type) == ValType.FuncRef):
                return FromFunction(function);
            case ValKind.Reference when TopOf(type) == ValType.ExternRef:
                return FromExtern(value);
            case ValKind.Reference when value is AnyReference reference && (type.HeapType.IsConcrete || TopOf(type) == AnyRef):
                return FromAny(reference);
            case ValKind.Reference when TopOf(type) == AnyRef && !type.HeapType.IsConcrete && value is not (Function or GuestException):
                return FromAny(AnyReference.FromHost(value));
            case ValKind.Reference when value is GuestException exception && TopOf(type) == ExnRef:
                return FromException(exception);
            case not ValKind.Reference when value is Value given && given.Type == type:
                return given;
        }

        throw new ArgumentException($"expected {type}, found {value?.GetType().Name ?? "null"}", nameof(value));
    }

    /// <summary>The default value of a type: zero or null.</summary>
    public static Value Default(ValType type) => new(type.IsReference ? TopOf(type) : type, default, null);

    private static ValType AnyRef => ValType.Reference(true, HeapType.Any);

    private static ValType ExnRef => ValType.Reference(true, HeapType.Exn);

    // The type that values of a reference type have. A type index could mean a function, too: a null is taken for either.
    private static ValType TopOf(ValType type)
    {
        HeapType heap = type.HeapType;
        return heap == HeapType.Func || heap == HeapType.NoFunc ? ValType.FuncRef
            : heap == HeapType.Extern || heap == HeapType.NoExtern ? ValType.ExternRef
            : heap == HeapType.Exn || heap == HeapType.NoExn ? ExnRef
            : AnyRef;
    }

    /// <summary>The raw 64 bits of a number.</summary>
    internal ulong RawBits => _bits.ToScalar();

    internal object? RawReference => _reference;

    internal static Value FromRaw(ValType type, ulong bits) => new(type, Vector128.CreateScalar(bits), null);

    /// <inheritdoc/>
    public bool Equals(Value other) => Type == other.Type && _bits == other._bits && ReferenceEquals(_reference, other._reference);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Value other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Type, _bits, _reference is null ? 0 : RuntimeHelpers.GetHashCode(_reference));

    /// <summary>Equality of type, bits and reference.</summary>
    public static bool operator ==(Value left, Value right) => left.Equals(right);

    /// <summary>The negation of equality.</summary>
    public static bool operator !=(Value left, Value right) => !left.Equals(right);

    /// <summary>The value in decimal, shortest round trip; references by what they hold.</summary>
    public override string ToString() => ToObject() switch
    {
        null => Type.IsReference ? "null" : "none",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        object other => other.ToString() ?? "",
    };

    private static bool TryInteger(object? value, out Int128 integer)
    {
        switch (value)
        {
            case int v: integer = v; return true;
            case uint v: integer = v; return true;
            case long v: integer = v; return true;
            case ulong v: integer = v; return true;
            case short v: integer = v; return true;
            case ushort v: integer = v; return true;
            case sbyte v: integer = v; return true;
            case byte v: integer = v; return true;
            case bool v: integer = v ? 1 : 0; return true;
            default: integer = 0; return false;
        }
    }

    private ulong Scalar(ValKind kind)
    {
        Check(kind);
        return _bits.ToScalar();
    }

    private void Check(ValKind kind)
    {
        if (Kind != kind)
        {
            ThrowKind(kind.ToString());
        }
    }

    private void ThrowKind(string wanted) => throw new InvalidOperationException($"the value is {Type}, not {wanted.ToLowerInvariant()}");
}
