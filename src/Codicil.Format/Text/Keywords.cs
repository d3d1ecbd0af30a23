using System.Collections.Frozen;
using System.Text;

using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>The words of the text format; the instructions among them are the opcode table's.</summary>
internal static class Keywords
{
    private const int LongestMnemonic = 64;

    private static readonly FrozenSet<string> s_words = FrozenSet.Create(
        StringComparer.Ordinal,
        "i8", "i16", "i32", "i64", "f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2",
        "any", "anyref", "none", "nullref", "eq", "eqref", "i31", "i31ref", "structref", "arrayref", "nofunc", "funcref", "nullfuncref",
        "exn", "noexn", "exnref", "nullexnref", "extern", "noextern", "externref", "nullexternref", "ref", "null",
        "array", "struct", "field", "mut", "sub", "final", "rec", "then", "do", "catch_ref", "catch_all_ref",
        "func", "start", "type", "param", "result", "local", "global", "table", "elem", "memory", "tag", "data", "declare", "offset", "item",
        "import", "export", "module", "binary", "quote", "definition", "instance", "shared", "pagesize",
        "script", "register", "invoke", "get", "assert_malformed", "assert_invalid", "assert_malformed_custom", "assert_invalid_custom",
        "assert_unlinkable", "assert_return", "assert_trap", "assert_exception", "assert_exhaustion", "assert_suspension",
        "nan:canonical", "nan:arithmetic", "either", "input", "output", "thread", "wait", "ref.host", "ref.struct", "ref.array", "ref.extern", "ref.exn");

    /// <summary>Whether any production of the grammar uses the word.</summary>
    public static bool IsKnown(ReadOnlySpan<byte> word) =>
        TryFindOpcode(word, out _) || IsNumber(word) || IsArgument(word, "offset="u8) || IsArgument(word, "align="u8)
        || s_words.Contains(Encoding.UTF8.GetString(word));

    /// <summary>Whether the token is a number of some type.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> text) =>
        NumberLiteral.ParseInteger(text, 64, out _) != NumberStatus.Malformed || NumberLiteral.ParseFloat64(text, out _) != NumberStatus.Malformed;

    /// <summary>Finds the instruction of a mnemonic.</summary>
    public static bool TryFindOpcode(ReadOnlySpan<byte> word, out Opcode opcode)
    {
        Span<char> buffer = stackalloc char[LongestMnemonic];
        if (word.Length > LongestMnemonic)
        {
            opcode = default;
            return false;
        }

        return OpcodeTable.TryFindMnemonic(Widen(word, buffer), out opcode);
    }

    /// <summary>Finds an abstract heap type by its name.</summary>
    public static bool TryFindHeapType(ReadOnlySpan<byte> word, out HeapType heapType)
    {
        Span<char> buffer = stackalloc char[LongestMnemonic];
        HeapType? found = word.Length > LongestMnemonic ? null : (ReadOnlySpan<char>)Widen(word, buffer) switch
        {
            "any" => HeapType.Any,
            "none" => HeapType.None,
            "eq" => HeapType.Eq,
            "i31" => HeapType.I31,
            "struct" => HeapType.Struct,
            "array" => HeapType.Array,
            "func" => HeapType.Func,
            "nofunc" => HeapType.NoFunc,
            "exn" => HeapType.Exn,
            "noexn" => HeapType.NoExn,
            "extern" => HeapType.Extern,
            "noextern" => HeapType.NoExtern,
            _ => null,
        };

        heapType = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>Finds a value type that is one word.</summary>
    public static bool TryFindValType(ReadOnlySpan<byte> word, out ValType type)
    {
        Span<char> buffer = stackalloc char[LongestMnemonic];
        ValType? found = word.Length > LongestMnemonic ? null : (ReadOnlySpan<char>)Widen(word, buffer) switch
        {
            "i32" => ValType.I32,
            "i64" => ValType.I64,
            "f32" => ValType.F32,
            "f64" => ValType.F64,
            "v128" => ValType.V128,
            "anyref" => ValType.Reference(true, HeapType.Any),
            "nullref" => ValType.Reference(true, HeapType.None),
            "eqref" => ValType.Reference(true, HeapType.Eq),
            "i31ref" => ValType.Reference(true, HeapType.I31),
            "structref" => ValType.Reference(true, HeapType.Struct),
            "arrayref" => ValType.Reference(true, HeapType.Array),
            "funcref" => ValType.FuncRef,
            "nullfuncref" => ValType.Reference(true, HeapType.NoFunc),
            "exnref" => ValType.Reference(true, HeapType.Exn),
            "nullexnref" => ValType.Reference(true, HeapType.NoExn),
            "externref" => ValType.ExternRef,
            "nullexternref" => ValType.Reference(true, HeapType.NoExtern),
            _ => null,
        };

        type = found.GetValueOrDefault();
        return found is not null;
    }

    private static bool IsArgument(ReadOnlySpan<byte> word, ReadOnlySpan<byte> prefix) =>
        word.StartsWith(prefix) && NumberLiteral.ParseNatural(word[prefix.Length..], out _) != NumberStatus.Malformed;

    private static Span<char> Widen(ReadOnlySpan<byte> word, Span<char> buffer)
    {
        // Keywords are ASCII: the lexer lets nothing else into them.
        for (int i = 0; i < word.Length; i++)
        {
            buffer[i] = (char)word[i];
        }

        return buffer[..word.Length];
    }
}
