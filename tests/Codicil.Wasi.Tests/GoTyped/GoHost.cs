using System.Text;
using System.Text.Json;

using Codicil.Format.Types;

namespace Codicil.Wasi.Tests.GoTyped;

/// <summary>The host refused to touch what is not in memory.</summary>
internal sealed class HostBoundsException : Exception
{
    public HostBoundsException()
        : base("the guest passed an address outside of its memory")
    {
    }
}

/// <summary>The module <c>host</c>: does what the README says, and compares each call with the one that is expected.</summary>
internal sealed class GoHost(JsonElement document, GoTypes types)
{
    private readonly Queue<JsonElement> _expected = new();

    /// <summary>What is wrong; exceptions would be taken for the host's.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>What set_result was given last.</summary>
    public byte[]? Result { get; private set; }

    /// <summary>The bits of the arguments of the export that runs.</summary>
    public IReadOnlyList<ulong> ExportArguments { get; set; } = [];

    /// <summary>Whether calls are compared.</summary>
    public bool Compares { get; set; } = true;

    public int MissingCalls => _expected.Count;

    public void Expect(JsonElement? calls)
    {
        _expected.Clear();
        Result = null;
        foreach (JsonElement call in calls?.EnumerateArray() ?? default)
        {
            _expected.Enqueue(call);
        }
    }

    public void Define(Linker linker, Module module)
    {
        JsonElement imports = document.GetProperty("imports").GetProperty("host");
        foreach (ImportType import in module.Imports.Where(static import => import.ModuleName == "host").DistinctBy(static import => import.Name))
        {
            string name = import.Name;
            JsonElement signature = imports.GetProperty(name);
            linker.DefineFunction("host", name, (FunctionType)import.Type, (caller, parameters, results) => Call(name, signature, caller.Instance!.GetMemory("memory")!, parameters, results));
        }
    }

    public static ulong ToBits(Value value) => value.Kind switch
    {
        ValKind.I32 => (uint)value.AsI32(),
        ValKind.I64 => (ulong)value.AsI64(),
        ValKind.F32 => BitConverter.SingleToUInt32Bits(value.AsF32()),
        _ => BitConverter.DoubleToUInt64Bits(value.AsF64()),
    };

    private static Span<byte> Memory(Memory memory, ulong address, ulong length)
    {
        if (address + length > memory.LengthInBytes || length > int.MaxValue)
        {
            throw new HostBoundsException();
        }

        return memory.GetSpan(address, (int)length);
    }

    private void Call(string name, JsonElement signature, Memory memory, ReadOnlySpan<Value> parameters, Span<Value> results)
    {
        var names = new List<string>();
        var values = new List<ulong>();
        var texts = new List<byte[]>();
        int index = 0;
        foreach (JsonElement parameter in signature.GetProperty("params").EnumerateArray())
        {
            string type = parameter.GetProperty("type").GetString()!;
            ulong bits = ToBits(parameters[index++]);
            names.Add(type);
            values.Add(bits);
            byte[] text = [];
            if (type == "string")
            {
                text = Memory(memory, bits, ToBits(parameters[index++])).ToArray();
            }
            else if (type[0] == '*' && bits != 0)
            {
                Memory(memory, bits, (ulong)types.SizeOf(type[1..]));
            }

            texts.Add(text);
        }

        if (name == "set_result")
        {
            Result = Memory(memory, values[0], values[1]).ToArray();
            return;
        }

        JsonElement? expected = Compares && _expected.TryDequeue(out JsonElement next) ? next : null;
        if (Compares && (expected is null || expected.Value.GetProperty("function").GetString() != name))
        {
            Failures.Add($"{name} was called, expected was {expected?.GetRawText() ?? "nothing"}");
            expected = null;
        }

        for (int i = 0; expected is JsonElement call && i < names.Count; i++)
        {
            JsonElement argument = call.GetProperty("args")[i];
            bool isRight = names[i] == "string" ? GoTypes.ToBytes(argument).AsSpan().SequenceEqual(texts[i]) : IsRight(memory, names[i], argument, values[i], "points_to");
            if (!isRight)
            {
                Failures.Add($"{name}: argument {i} is not {argument.GetRawText()}");
            }
        }

        ulong result = Run(name, memory, values, texts);
        if (results.Length != 0)
        {
            results[0] = results[0].Kind switch
            {
                ValKind.I32 => Value.FromI32((int)result),
                ValKind.I64 => Value.FromI64((long)result),
                ValKind.F32 => Value.FromF32(BitConverter.UInt32BitsToSingle((uint)result)),
                _ => Value.FromF64(BitConverter.UInt64BitsToDouble(result)),
            };
        }

        if (expected is not JsonElement after)
        {
            return;
        }

        for (int i = 0; i < names.Count; i++)
        {
            JsonElement argument = after.GetProperty("args")[i];
            if (argument.ValueKind == JsonValueKind.Object && argument.TryGetProperty("then", out JsonElement _) && !IsRight(memory, names[i], argument, values[i], "then"))
            {
                Failures.Add($"{name}: argument {i} is left otherwise than {argument.GetRawText()}");
            }
        }

        if (after.TryGetProperty("result", out JsonElement expectedResult) && !IsRight(memory, signature.GetProperty("result").GetString()!, expectedResult, result, "points_to"))
        {
            Failures.Add($"{name} gave {result}, not {expectedResult.GetRawText()}");
        }
    }

    private bool IsRight(Memory memory, string type, JsonElement expected, ulong value, string contents)
    {
        if (!GoTypes.IsPointer(type))
        {
            return GoTypes.AreSame(type, value, GoTypes.ToBits(type, expected));
        }

        if (expected.ValueKind == JsonValueKind.Null)
        {
            return value == 0;
        }

        return expected.TryGetProperty("arg", out JsonElement argument) ? value == ExportArguments[argument.GetInt32()] :
            expected.TryGetProperty("address", out JsonElement address) ? value == address.GetUInt64() :
            expected.TryGetProperty("nonnull", out JsonElement _) ? value != 0 :
            types.Holds(type[1..], expected.GetProperty(contents), Memory(memory, value, (ulong)types.SizeOf(type[1..])));
    }

    private ulong Run(string name, Memory memory, List<ulong> values, List<byte[]> texts)
    {
        switch (name)
        {
            case "get_string":
                return GetString(Encoding.UTF8.GetString(texts[0]), Memory(memory, values[1], values[2]));
            case "fail":
                throw new InvalidOperationException(Encoding.UTF8.GetString(texts[0]));
            case "get_bool":
                return 1;
            case "get_i32":
                return 0x8000_0000;
            case "get_u32":
                return uint.MaxValue;
            case "get_i64":
                return 1UL << 63;
            case "get_u64":
                return ulong.MaxValue;
            case "get_f32":
                return BitConverter.SingleToUInt32Bits(-0.1f);
            case "get_f64":
                return BitConverter.DoubleToUInt64Bits(5e-324);
            case "get_pointer":
                return 4294901760;
            case "mixed":
                return Mix(memory, values, (ulong)texts[8].Length);
            case "fill_point":
                memory.WriteInt32(values[0], (int)values[1]);
                memory.WriteInt32(values[0] + 4, -(int)values[1]);
                return 0;
            case "choose_point":
                return values[2] != 0 ? values[1] : values[0];
            case "fill_record":
                FillRecord(memory.GetSpan(values[0], types.SizeOf("Record")), (int)values[1]);
                return 1;
            case "check_record":
                return CheckRecord(memory.GetSpan(values[0], types.SizeOf("Record")), (int)values[1]);
            case "sum_array":
                return (ulong)Enumerable.Range(0, 8).Sum(i => (long)memory.ReadInt32(values[0] + (ulong)(4 * i)));
            case "scale_matrix":
                for (ulong i = 0; i < 9; i++)
                {
                    memory.WriteDouble(values[0] + (8 * i), memory.ReadDouble(values[0] + (8 * i)) * BitConverter.UInt64BitsToDouble(values[1]));
                }

                return 0;
            case "advance":
                Advance(memory, values);
                return 0;
            default:
                // log and the echoes.
                return values[0];
        }
    }

    private static ulong GetString(string key, Span<byte> buffer)
    {
        string? text = key switch
        {
            "empty" => "",
            "short" => "hello",
            "exact" => "sixteen bytes!!!",
            "long" => "a string that is longer than sixteen bytes, with “quotes” and 日本語",
            _ => null,
        };
        if (text is null)
        {
            return uint.MaxValue;
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length <= buffer.Length)
        {
            bytes.CopyTo(buffer);
        }

        return (ulong)bytes.Length;
    }

    private static ulong Mix(Memory memory, List<ulong> values, ulong length)
    {
        unchecked
        {
            ulong point = values[9] == 0 ? 0 : (ulong)memory.ReadInt32(values[9]) + (ulong)memory.ReadInt32(values[9] + 4);
            return (ulong)(int)values[1] + values[2] + values[3] + values[4] + (ulong)(long)BitConverter.UInt32BitsToSingle((uint)values[5]) +
                (ulong)(long)BitConverter.UInt64BitsToDouble(values[6]) + length + values[0] + point;
        }
    }

    private static void Advance(Memory memory, List<ulong> pointers)
    {
        string[] scalars = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"];
        for (int i = 0; i < scalars.Length; i++)
        {
            Span<byte> span = memory.GetSpan(pointers[i], i is 0 or 1 or 2 ? 1 : i is 3 or 4 ? 2 : i is 5 or 6 or 9 ? 4 : 8);
            ulong bits = GoTypes.ReadScalar(scalars[i], span);
            GoTypes.WriteScalar(scalars[i], span, scalars[i] switch
            {
                "bool" => bits ^ 1,
                "float32" => BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle((uint)bits) + 1),
                "float64" => BitConverter.DoubleToUInt64Bits(BitConverter.UInt64BitsToDouble(bits) + 1),
                _ => unchecked(bits + 1),
            });
        }
    }

    private void FillRecord(Span<byte> record, int seed)
    {
        record.Clear();
        unchecked
        {
            ulong s = (ulong)(long)seed;
            Set(record, "Flag", "bool", 0, s & 1);
            Set(record, "I8", "int8", 0, s);
            Set(record, "U8", "uint8", 0, 3 * s);
            Set(record, "I16", "int16", 0, 0 - (100 * s));
            Set(record, "U16", "uint16", 0, 7 * s);
            Set(record, "I32", "int32", 0, 1000003 * s);
            Set(record, "U32", "uint32", 0, 2654435761 * s);
            Set(record, "I64", "int64", 0, 0 - (1000000007 * s));
            Set(record, "U64", "uint64", 0, s * 0x9E3779B97F4A7C15);
            Set(record, "F32", "float32", 0, BitConverter.SingleToUInt32Bits(seed / 2f));
            Set(record, "F64", "float64", 0, BitConverter.DoubleToUInt64Bits(seed / 3.0));
            for (uint i = 0; i < 5; i++)
            {
                Set(record, "Bytes", "uint8", (int)i, s + i);
            }

            for (uint i = 0; i < 3; i++)
            {
                Set(record, "Shorts", "int16", 2 * (int)i, s * (i + 1));
            }

            for (int i = 0; i < 4; i++)
            {
                Set(record, "Grid", "float32", 4 * i, BitConverter.SingleToUInt32Bits(seed + (i / 4f)));
            }

            Set(record, "Inner", "int8", 0, 0 - s);
            Set(record, "Inner", "uint16", 2, s + 1);
            Set(record, "Inner", "float64", 8, BitConverter.DoubleToUInt64Bits(seed / 7.0));
            for (uint i = 0; i < 2; i++)
            {
                Set(record, "Points", "int32", 8 * (int)i, s + i);
                Set(record, "Points", "int32", (8 * (int)i) + 4, s - i);
            }

            Set(record, "Tail", "bool", 0, ~s & 1);
        }
    }

    private ulong CheckRecord(ReadOnlySpan<byte> record, int seed)
    {
        var expected = new byte[record.Length];
        FillRecord(expected, seed);
        ulong wrong = 0;
        foreach (JsonElement field in document.GetProperty("structs").GetProperty("Record").GetProperty("fields").EnumerateArray())
        {
            int offset = field.GetProperty("offset").GetInt32();
            int size = field.GetProperty("size").GetInt32();
            wrong += record.Slice(offset, size).SequenceEqual(expected.AsSpan(offset, size)) ? 0UL : 1;
        }

        return wrong;
    }

    private void Set(Span<byte> record, string name, string type, int offset, ulong bits)
    {
        JsonElement field = document.GetProperty("structs").GetProperty("Record").GetProperty("fields").EnumerateArray().Single(field => field.GetProperty("name").GetString() == name);
        GoTypes.WriteScalar(type, record[(field.GetProperty("offset").GetInt32() + offset)..], bits);
    }
}
