using System.Runtime.Intrinsics;

using Codicil.Cli.Options;
using Codicil.Format.Text.Scripts;
using Codicil.Format.Types;

namespace Codicil.Cli.Wast;

/// <summary>Compares results with what a script expects, and says both.</summary>
internal static class ResultMatching
{
    public static bool Matches(ResultPattern pattern, Value value) => pattern switch
    {
        NumberPattern number => value.Type == number.Type && number.Matches(Bits(value)),
        VectorPattern vector => value.Kind == ValKind.V128 && vector.Matches(VectorBits(value)),
        NullPattern => value.IsNull,
        ReferencePattern reference => value.Type.IsReference && !value.IsNull && IsA(value, reference.HeapType),
        HostReferencePattern host => value.Type.IsReference && !value.IsNull && value.ToObject() is HostValue known && known.Number == host.Number,
        EitherPattern either => either.Choices.Any(choice => Matches(choice, value)),
        _ => false,
    };

    /// <summary>A script's literal as a value.</summary>
    /// <exception cref="ArgumentException">The engine has no values of the type.</exception>
    public static Value ToValue(ScriptValue literal) => literal.Kind switch
    {
        ScriptValueKind.Null => Value.FromObject(null, literal.Type),
        ScriptValueKind.Extern => Value.FromExtern(new HostValue((uint)literal.Bits)),
        ScriptValueKind.Host => Value.FromObject(new HostValue((uint)literal.Bits), literal.Type),
        _ => literal.Type.Kind switch
        {
            ValKind.I32 => Value.FromI32((int)(uint)literal.Bits),
            ValKind.I64 => Value.FromI64((long)(ulong)literal.Bits),
            ValKind.F32 => Value.FromF32(BitConverter.UInt32BitsToSingle((uint)literal.Bits)),
            ValKind.F64 => Value.FromF64(BitConverter.UInt64BitsToDouble((ulong)literal.Bits)),
            _ => Value.FromV128(Vector128.Create((ulong)literal.Bits, (ulong)(literal.Bits >> 64)).AsByte()),
        },
    };

    public static string Describe(ResultPattern pattern) => pattern switch
    {
        NumberPattern { Value.Nan: NanPattern.Canonical } number => $"{number.Type} nan:canonical",
        NumberPattern { Value.Nan: NanPattern.Arithmetic } number => $"{number.Type} nan:arithmetic",
        NumberPattern number => Describe(ToValue(new ScriptValue(ScriptValueKind.Number, number.Type, number.Value.Bits))),
        VectorPattern vector => "v128 " + string.Join(' ', vector.Lanes.Select(lane => lane.Nan switch
        {
            NanPattern.Canonical => "nan:canonical",
            NanPattern.Arithmetic => "nan:arithmetic",
            _ => "0x" + lane.Bits.ToString("x", System.Globalization.CultureInfo.InvariantCulture),
        })),
        NullPattern nothing => nothing.HeapType is HeapType type ? $"ref.null {type}" : "ref.null",
        ReferencePattern reference => $"ref.{reference.HeapType}",
        HostReferencePattern host => new HostValue(host.Number).ToString(),
        EitherPattern either => "either " + string.Join(" or ", either.Choices.Select(Describe)),
        _ => pattern.ToString(),
    };

    // NaNs are told apart by their bits.
    public static string Describe(Value value) => value.Kind switch
    {
        ValKind.F32 when float.IsNaN(value.AsF32()) => $"f32 nan (0x{Bits(value):x8})",
        ValKind.F64 when double.IsNaN(value.AsF64()) => $"f64 nan (0x{Bits(value):x16})",
        ValKind.Reference => value.IsNull ? "ref.null" : value.ToObject()?.ToString() ?? value.Type.ToString(),
        _ => $"{value.Type} {ValueText.Format(value)}",
    };

    private static bool IsA(Value value, HeapType heapType) =>
        heapType == HeapType.Func ? value.Type == ValType.FuncRef
        : heapType == HeapType.Extern ? value.Type == ValType.ExternRef
        : heapType == HeapType.Exn ? value.ToObject() is GuestException
        : value.Type == ValType.Reference(true, HeapType.Any) && value.AsAny() switch
        {
            StructReference => heapType == HeapType.Struct || heapType == HeapType.Eq || heapType == HeapType.Any,
            ArrayReference => heapType == HeapType.Array || heapType == HeapType.Eq || heapType == HeapType.Any,
            I31Reference => heapType == HeapType.I31 || heapType == HeapType.Eq || heapType == HeapType.Any,
            _ => heapType == HeapType.Any,
        };

    private static ulong Bits(Value value) => value.Kind switch
    {
        ValKind.I32 => (uint)value.AsI32(),
        ValKind.I64 => (ulong)value.AsI64(),
        ValKind.F32 => BitConverter.SingleToUInt32Bits(value.AsF32()),
        _ => BitConverter.DoubleToUInt64Bits(value.AsF64()),
    };

    private static UInt128 VectorBits(Value value)
    {
        Vector128<ulong> halves = value.AsV128().AsUInt64();
        return new UInt128(halves.GetElement(1), halves.GetElement(0));
    }
}
