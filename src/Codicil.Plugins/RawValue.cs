using Codicil.Format.Types;

namespace Codicil.Plugins;

/// <summary>Numbers as 64 bits, the way Extism's raw host functions and exit codes see them.</summary>
internal static class RawValue
{
    public static ulong ToBits(Value value) => value.Kind switch
    {
        ValKind.I32 => (uint)value.AsI32(),
        ValKind.I64 => (ulong)value.AsI64(),
        ValKind.F32 => BitConverter.SingleToUInt32Bits(value.AsF32()),
        ValKind.F64 => BitConverter.DoubleToUInt64Bits(value.AsF64()),
        ValKind.V128 => value.AsV128().AsUInt64Scalar(),
        // A reference has no bits; null is 0 and anything else is not.
        _ => value.IsNull ? 0u : 1u,
    };

    public static Value FromBits(ValType type, ulong bits) => type.Kind switch
    {
        ValKind.I32 => Value.FromI32((int)(uint)bits),
        ValKind.I64 => Value.FromI64((long)bits),
        ValKind.F32 => Value.FromF32(BitConverter.UInt32BitsToSingle((uint)bits)),
        ValKind.F64 => Value.FromF64(BitConverter.UInt64BitsToDouble(bits)),
        _ => Value.Default(type),
    };

    private static ulong AsUInt64Scalar(this System.Runtime.Intrinsics.Vector128<byte> value) =>
        System.Runtime.Intrinsics.Vector128.ToScalar(System.Runtime.Intrinsics.Vector128.AsUInt64(value));
}
