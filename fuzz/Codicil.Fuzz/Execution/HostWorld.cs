using System.Buffers.Binary;
using System.Globalization;

using Codicil.Format.Types;
using Codicil.Fuzz.Cases;

namespace Codicil.Fuzz.Execution;

/// <summary>The imports of a case: host functions whose doings follow from what guests passed to them, so that two engines see the same. oracle.mjs is its twin.</summary>
internal sealed class HostWorld
{
    private static readonly object[] s_tokens = [.. Enumerable.Range(0, CallPlan.Tokens).Select(static i => (object)string.Create(CultureInfo.InvariantCulture, $"token {i}"))];

    private readonly bool _throwsTags;
    private readonly List<Memory> _memories = [];
    private readonly List<Tag> _tags = [];
    private readonly Store _store;
    private Tag? _stop;
    private uint _hash = 0x1234567;
    private int _calls;

    /// <summary>A world of a store.</summary>
    /// <param name="store">Whose imports it makes.</param>
    /// <param name="throwsTags">Whether a host function ends a call by an exception of WebAssembly, which a guest may catch, and not by one of .NET.</param>
    public HostWorld(Store store, bool throwsTags)
    {
        _store = store;
        _throwsTags = throwsTags;
    }

    /// <summary>What a host function throws now and then.</summary>
#pragma warning disable CA1064 // It does not leave the worker.
    public sealed class HostStopException : Exception;
#pragma warning restore CA1064

    public string State => string.Create(CultureInfo.InvariantCulture, $"host:{_calls}:{_hash:x}");

    public void Add(Extern item)
    {
        if (item is Memory memory)
        {
            _memories.Add(memory);
        }
    }

    public Extern[] CreateImports(Module module, string plan)
    {
        string[] parts = plan == "-" ? [] : plan.Split(',');
        var imports = new Extern[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            string[] part = parts[i].Split(':');
            imports[i] = module.Imports[i].Type switch
            {
                FunctionType function => Function.Create(_store, function, (_, values, results) => Call(part[1], values, results)),
                MemoryType memory => Memory.Create(_store, memory),
                TableType table => Table.Create(_store, table, Value.Default(table.ElementType)),
                GlobalType global => Global.Create(_store, global, Parse(part[3], [])),
                TagType tag => Tag.Create(_store, tag),
                _ => throw new NotSupportedException(),
            };
            Add(imports[i]);
            if (imports[i] is Tag imported)
            {
                _tags.Add(imported);
            }
        }

        return imports;
    }

    public static Value Parse(string text, IReadOnlyList<Extern> exports)
    {
        ReadOnlySpan<char> digits = text.AsSpan(1);
        return text[0] switch
        {
            'i' => Value.FromI32((int)uint.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
            'I' => Value.FromI64((long)ulong.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
            'f' => Value.FromF32(BitConverter.UInt32BitsToSingle(uint.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture))),
            'F' => Value.FromF64(BitConverter.UInt64BitsToDouble(ulong.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture))),
            'x' => Value.FromExtern(digits is "N" ? null : s_tokens[int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture)]),
            'a' => Value.FromAny(digits is "N" ? null : I31Reference.Create((int)uint.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture))),
            _ => Value.FromFunction(digits is "N" ? null : (Function)exports[int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture)]),
        };
    }

    /// <summary>A value as JavaScript can tell it: every number is an f64.</summary>
    public static string Format(Value value, IReadOnlyList<Extern> exports)
    {
        switch (value.Kind)
        {
            case ValKind.I32:
                return FormatNumber(value.AsI32());
            case ValKind.I64:
                return string.Create(CultureInfo.InvariantCulture, $"I{(ulong)value.AsI64():x}");
            case ValKind.F32:
                return FormatNumber(value.AsF32());
            case ValKind.F64:
                return FormatNumber(value.AsF64());
            case ValKind.V128:
                return "v128";
        }

        if (value.Type == Value.FromException(null).Type)
        {
            return "v128";
        }

        object? reference = value.ToObject();
        switch (reference)
        {
            case null:
                return "N";
            case I31Reference number:
                return FormatNumber(number.Value);
            case not Function:
                // Of structures and arrays JavaScript sees no more than that there is one.
                int token = Array.IndexOf(s_tokens, reference);
                return token < 0 ? "x!" : string.Create(CultureInfo.InvariantCulture, $"x{token:x}");
        }

        var function = (Function)reference;
        for (int i = 0; i < exports.Count; i++)
        {
            if (ReferenceEquals(exports[i], function))
            {
                return string.Create(CultureInfo.InvariantCulture, $"r{i:x}");
            }
        }

        return "r!";
    }

    /// <summary>An exception by the position of its tag among exports, then imports, and its values; both sides know no other tags.</summary>
    public string Format(GuestException exception, IReadOnlyList<Extern> exports, IReadOnlyList<Extern> imports)
    {
        if (ReferenceEquals(exception.Tag, _stop))
        {
            return "host";
        }

        for (int i = 0; i < exports.Count + imports.Count; i++)
        {
            if (ReferenceEquals(i < exports.Count ? exports[i] : imports[i - exports.Count], exception.Tag))
            {
                return string.Create(CultureInfo.InvariantCulture, $"exn({i}:{string.Join('.', exception.Values.Select(value => Format(value, exports)))})");
            }
        }

        return "exn(?)";
    }

    public static string Describe(Extern item, IReadOnlyList<Extern> exports)
    {
        switch (item)
        {
            case Memory memory:
                return string.Create(CultureInfo.InvariantCulture, $"m{memory.PageCount}:{Hash(memory):x}");
            case Global global:
                return "g" + Format(global.Value, exports);
            case Table table:
                var items = new string[(int)Math.Min(table.Length, 64)];
                for (int i = 0; i < items.Length; i++)
                {
                    items[i] = Format(table.Get((ulong)i), exports);
                }

                return string.Create(CultureInfo.InvariantCulture, $"t{table.Length}:{string.Join('.', items)}");
            default:
                return "f";
        }
    }

    private static string FormatNumber(double number) =>
        double.IsNaN(number) ? "nan" : string.Create(CultureInfo.InvariantCulture, $"n{BitConverter.DoubleToUInt64Bits(number):x}");

    private static uint Hash(Memory memory)
    {
        uint hash = 0x811C_9DC5;
        const int Piece = 1 << 16;
        for (ulong offset = 0; offset < memory.LengthInBytes; offset += Piece)
        {
            ReadOnlySpan<byte> bytes = memory.GetSpan(offset, Piece);
            for (int i = 0; i < bytes.Length; i += 4)
            {
                hash = (hash ^ BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..])) * 0x0100_0193;
                hash ^= hash >> 15;
            }
        }

        return hash;
    }

    private void Mix(uint value)
    {
        _hash = (_hash ^ value) * 0x9E37_79B1;
        _hash ^= _hash >> 13;
    }

    private void Mix(in Value value)
    {
        switch (value.Kind)
        {
            case ValKind.I64:
                Mix((uint)value.AsI64());
                Mix((uint)(value.AsI64() >> 32));
                break;
            case ValKind.I32 or ValKind.F32 or ValKind.F64:
                double number = value.Kind switch { ValKind.I32 => value.AsI32(), ValKind.F32 => value.AsF32(), _ => value.AsF64() };
                if (double.IsNaN(number))
                {
                    Mix(0x7FC0_0000);
                    break;
                }

                Mix((uint)BitConverter.DoubleToUInt64Bits(number));
                Mix((uint)(BitConverter.DoubleToUInt64Bits(number) >> 32));
                break;
            default:
                switch (value.ToObject())
                {
                    case I31Reference small:
                        Mix(Value.FromI32(small.Value));
                        break;
                    case Function:
                        Mix(7u);
                        break;
                    case var reference:
                        Mix(reference is null ? 0u : 1 + (uint)Array.IndexOf(s_tokens, reference));
                        break;
                }

                break;
        }
    }

    private void Call(string letters, ReadOnlySpan<Value> values, Span<Value> results)
    {
        _calls++;
        foreach (Value value in values)
        {
            Mix(value);
        }

        if ((_hash & 0x7F) == 0x2A)
        {
            if (_throwsTags)
            {
                throw new GuestException(_stop ??= Tag.Create(_store, new TagType(FunctionType.Empty)));
            }

            throw new HostStopException();
        }

        if ((_hash & 0x3F) == 0x15 && _tags.Count > 0)
        {
            Tag tag = _tags[(int)((_hash >> 8) % (uint)_tags.Count)];
            throw new GuestException(tag, [.. tag.Type.FunctionType.Parameters.Select(type => Make(CallPlan.LetterOfHost(type)))]);
        }

        if ((_hash & 0x1F) == 3 && _memories.Count > 0 && !_memories[0].TryGrow(1, out _))
        {
            Mix(1);
        }

        for (int i = 0; i < letters.Length; i++)
        {
            results[i] = Make(letters[i]);
        }
    }

    private Value Make(char letter)
    {
        Mix(5);
        return letter switch
        {
            'i' => Value.FromI32((int)_hash),
            'I' => Value.FromI64(((long)(int)_hash << 32) | (_hash ^ 0x55)),
            'f' => Value.FromF32((_hash & 0xFFFF) / 8f),
            'F' => Value.FromF64((int)_hash / 16.0),
            'x' => Value.FromExtern((_hash & 1) != 0 ? null : s_tokens[(_hash >> 1) & 3]),
            'a' => Value.FromAny((_hash & 3) switch
            {
                0 => null,
                1 => AnyReference.FromHost(s_tokens[(_hash >> 2) & 3]),
                _ => I31Reference.Create((int)_hash >> 2),
            }),
            _ => Value.FromFunction(null),
        };
    }
}
