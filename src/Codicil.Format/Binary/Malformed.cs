using System.Diagnostics.CodeAnalysis;

namespace Codicil.Format.Binary;

/// <summary>Throws what the decoder throws; the words before the facts are the specification suite's.</summary>
internal static class Malformed
{
    [DoesNotReturn]
    public static void Throw(string message, int offset) => throw new MalformedModuleException(message, offset);

    [DoesNotReturn]
    public static void UnexpectedEnd(int offset) => throw new MalformedModuleException("unexpected end of section or function", offset);

    [DoesNotReturn]
    public static void SectionSizeMismatch(int offset) => throw new MalformedModuleException("section size mismatch", offset);

    [DoesNotReturn]
    public static void LengthOutOfBounds(uint length, int remaining, int offset) =>
        throw new MalformedModuleException($"length out of bounds: {length}, {remaining} bytes are left", offset);

    [DoesNotReturn]
    public static void IllegalOpcode(byte first, int offset) => throw new MalformedModuleException($"illegal opcode {first:x2}", offset);

    [DoesNotReturn]
    public static void IllegalOpcode(byte prefix, uint sub, int offset) =>
        throw new MalformedModuleException($"illegal opcode {prefix:x2} {sub:x2}", offset);

    [DoesNotReturn]
    public static void OverLimit(string what, ulong count, int limit, int offset) =>
        throw new UnsupportedModuleException($"too many {what}: {count}, the limit is {limit}", WasmFeatures.None, offset);
}
