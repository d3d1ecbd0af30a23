using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Codicil.Wasi.Tests.GoTyped;

/// <summary>Go's types as they lie in memory, and their values as expected.json writes them (the README beside it has the format).</summary>
internal sealed class GoTypes(JsonElement structs)
{
    public static bool IsPointer(string type) => type == "unsafe.Pointer" || type[0] == '*';

    /// <summary>The bits of a scalar.</summary>
    public static ulong ToBits(string type, JsonElement value) => type switch
    {
        "bool" => value.GetBoolean() ? 1UL : 0,
        "float32" => BitConverter.SingleToUInt32Bits(float.Parse(Text(value), CultureInfo.InvariantCulture)),
        "float64" => BitConverter.DoubleToUInt64Bits(double.Parse(Text(value), CultureInfo.InvariantCulture)),
        _ => (ulong)(BigInteger.Parse(Text(value), CultureInfo.InvariantCulture) & ((BigInteger.One << (8 * ScalarSize(type))) - 1)),
    };

    /// <summary>Whether two scalars are the same; one NaN is as good as another.</summary>
    public static bool AreSame(string type, ulong left, ulong right) => left == right || type switch
    {
        "float32" => float.IsNaN(BitConverter.UInt32BitsToSingle((uint)left)) && float.IsNaN(BitConverter.UInt32BitsToSingle((uint)right)),
        "float64" => double.IsNaN(BitConverter.UInt64BitsToDouble(left)) && double.IsNaN(BitConverter.UInt64BitsToDouble(right)),
        _ => false,
    };

    public static ulong ReadScalar(string type, ReadOnlySpan<byte> memory) => ScalarSize(type) switch
    {
        1 => memory[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(memory),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(memory),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(memory),
    };

    public static void WriteScalar(string type, Span<byte> memory, ulong bits)
    {
        Span<byte> all = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(all, bits);
        all[..ScalarSize(type)].CopyTo(memory);
    }

    /// <summary>The bytes of a string.</summary>
    public static byte[] ToBytes(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetBytes(value.GetString()!) :
        value.TryGetProperty("hex", out JsonElement hex) ? Convert.FromHexString(hex.GetString()!) :
        value.TryGetProperty("text", out JsonElement text) ? Encoding.UTF8.GetBytes(text.GetString()!) :
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(value.GetProperty("repeat").GetString(), value.GetProperty("times").GetInt32())));

    public int SizeOf(string type) =>
        TryGetArray(type, out int count, out string element) ? count * SizeOf(element) :
        structs.TryGetProperty(type, out JsonElement structure) ? structure.GetProperty("size").GetInt32() : ScalarSize(type);

    /// <summary>Writes a value; fields that are left out stay as they are.</summary>
    public void Write(string type, JsonElement value, Span<byte> memory)
    {
        if (TryGetArray(type, out int count, out string element))
        {
            int size = SizeOf(element);
            for (int i = 0; i < count; i++)
            {
                Write(element, value[i], memory[(i * size)..]);
            }
        }
        else if (structs.TryGetProperty(type, out JsonElement structure))
        {
            foreach (JsonElement field in structure.GetProperty("fields").EnumerateArray())
            {
                if (value.TryGetProperty(field.GetProperty("name").GetString()!, out JsonElement part))
                {
                    Write(field.GetProperty("type").GetString()!, part, memory[field.GetProperty("offset").GetInt32()..]);
                }
            }
        }
        else
        {
            WriteScalar(type, memory, ToBits(type, value));
        }
    }

    /// <summary>Whether memory holds a value; fields that are left out are zero.</summary>
    public bool Holds(string type, JsonElement? value, ReadOnlySpan<byte> memory)
    {
        if (TryGetArray(type, out int count, out string element))
        {
            int size = SizeOf(element);
            for (int i = 0; i < count; i++)
            {
                if (!Holds(element, value?[i], memory[(i * size)..]))
                {
                    return false;
                }
            }

            return true;
        }

        if (structs.TryGetProperty(type, out JsonElement structure))
        {
            foreach (JsonElement field in structure.GetProperty("fields").EnumerateArray())
            {
                JsonElement? part = value is JsonElement given && given.TryGetProperty(field.GetProperty("name").GetString()!, out JsonElement found) ? found : null;
                if (!Holds(field.GetProperty("type").GetString()!, part, memory[field.GetProperty("offset").GetInt32()..]))
                {
                    return false;
                }
            }

            return true;
        }

        return AreSame(type, ReadScalar(type, memory), value is JsonElement scalar ? ToBits(type, scalar) : 0);
    }

    private static int ScalarSize(string type) => type switch
    {
        "bool" or "int8" or "uint8" => 1,
        "int16" or "uint16" => 2,
        "int64" or "uint64" or "float64" => 8,
        _ => 4,
    };

    private static bool TryGetArray(string type, out int count, out string element)
    {
        int end = type[0] == '[' ? type.IndexOf(']', StringComparison.Ordinal) : -1;
        count = end < 0 ? 0 : int.Parse(type.AsSpan(1, end - 1), CultureInfo.InvariantCulture);
        element = type[(end + 1)..];
        return end >= 0;
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
