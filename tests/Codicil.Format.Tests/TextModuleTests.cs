using System.Globalization;
using System.Text;

using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Text;
using Codicil.Format.Validation;
using Codicil.Tests;

namespace Codicil.Format.Tests;

/// <summary>What modules in text become, and where their errors are.</summary>
public sealed class TextModuleTests
{
    [Fact]
    public void Writes_a_small_module_byte_for_byte()
    {
        byte[] bytes = Wat.ToBinary("""
            (module
              (func (export "add") (param i32 i32) (result i32)
                (i32.add (local.get 0) (local.get 1))))
            """);
        Assert.Equal(
            "0061736D01000000" + "0107" + "0160027F7F017F" + "03020100" + "0707" + "0103616464" + "0000" + "0A09" + "0107" + "00" + "20002001" + "6A0B",
            Convert.ToHexString(bytes));
    }

    [Fact]
    public void Writes_identifiers_as_a_name_section()
    {
        string hex = Convert.ToHexString(Wat.ToBinary("(module $m (func $f (param $x i32)))"));
        Assert.EndsWith("00" + "17" + "046E616D65" + "0002016D" + "010401000166" + "02060100010001" + "78", hex, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(func (i32.add (i32.const 1) (i32.const 2)) drop)", "(func i32.const 1 i32.const 2 i32.add drop)")]
    [InlineData("(func (if (i32.const 1) (then nop) (else nop)))", "(func i32.const 1 if nop else nop end)")]
    [InlineData("(func $f) (func (call $f))", "(func $f) (func call 0)")]
    [InlineData("(func (block $l (loop $m (br $l))))", "(func block $l loop $m br 1 end end)")]
    [InlineData("(func (block $l (block $l (br $l)) (br $l)))", "(func block $l block $l br 0 end br 0 end)")]
    [InlineData("(memory (data \"abc\"))", "(memory 1 1) (data (offset i32.const 0) \"a\" \"\" \"\\62c\")")]
    [InlineData("(table funcref (elem 0 0)) (func)", "(table 2 2 funcref) (elem (i32.const 0) func 0 0) (func)")]
    [InlineData("(func (export \"a\") (export \"b\"))", "(func) (export \"a\" (func 0)) (export \"b\" (func 0))")]
    [InlineData("(global (import \"m\" \"n\") (mut i64))", "(import \"m\" \"n\" (global (mut i64)))")]
    [InlineData("(func (param i32) (local i32 i32) (local i64))", "(func (param i32) (local i32) (local i32 i64))")]
    [InlineData("(memory 1) (func (i32.load offset=4 (i32.const 0)) drop)", "(memory 1) (func i32.const 0 i32.load 0 offset=0x4 align=4 drop)")]
    [InlineData("(func (; a (; nested ;) comment ;) nop) ;; end", "(func(@x \")\" (y ;) ) nop)")]
    public void Desugars(string sugared, string plain)
    {
        // Identifiers are written as names, which the plain form may lack.
        Assert.Equal(Convert.ToHexString(WithoutNames(sugared)), Convert.ToHexString(WithoutNames(plain)));
    }

    [Theory]
    [InlineData("(module\n  (func nop\n    bogus))", "unknown operator bogus", 3, 5)]
    [InlineData("(module\r\n(func\r  (local.get $x)))", "unknown local $x", 3, 14)]
    [InlineData("(func (;ä→𝄞;) (i32.const 0x1_0000_0000))", "constant out of range of i32", 1, 26)]
    [InlineData("(func $f) (func $f)", "duplicate function $f", 1, 17)]
    [InlineData("(func (block $a end $b))", "unexpected token end", 1, 17)]
    [InlineData("(func block $a end $b)", "mismatching label $b", 1, 20)]
    [InlineData("(func (i32.load align=3 (i32.const 0)) drop)", "alignment must be a power of two", 1, 17)]
    [InlineData("(func (i32.load align=0 (i32.const 0)) drop)", "alignment must be a power of two", 1, 17)]
    [InlineData("(func i32.const 0 i32.load offset=1 align=0x1_0000_0000_0000_0000 drop)", "i64 constant out of range", 1, 37)]
    [InlineData("(func i32.const 0 i32.load offset=0x1_0000_0000_0000_0000 align=1 drop)", "i64 constant out of range", 1, 28)]
    [InlineData("(func) (import \"a\" \"b\" (func))", "import after function definition", 1, 8)]
    [InlineData("(type $t (func)) (func (type $t) (param i32))", "inline function type does not match explicit type 0", 1, 30)]
    [InlineData("(func", "unexpected token: end of text", 1, 1)]
    [InlineData("(module) x", "unknown operator x", 1, 10)]
    [InlineData("(data \"\\ud\")", "illegal escape", 1, 8)]
    [InlineData("(; (; ;)", "unclosed comment", 1, 1)]
    public void Says_what_is_wrong_and_where(string text, string message, int line, int column)
    {
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Wat.Parse(text));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (exception.Line, exception.Column));
    }

    [Fact]
    public void Leaves_the_largest_offset_and_alignment_to_validation()
    {
        // Both are u64 in the text, the alignment any power of two; found by the fuzzer, whose other parser has fewer bits for it.
        const string Access = "i32.load offset=0xFFFF_FFFF_FFFF_FFFF align=0x8000_0000_0000_0000";
        byte[] bytes = Wat.ToBinary($"(module (memory 1) (memory 1) (func i32.const 0 {Access} drop i32.const 0 {Access.Replace("load ", "load 1 ", StringComparison.Ordinal)} drop))");
        WasmModule module = ModuleDecoder.Decode(bytes, WasmFeatures.All);
        string text = ModulePrinter.Print(module);
        Assert.Contains("i32.load offset=18446744073709551615 align=9223372036854775808", text, StringComparison.Ordinal);
        Assert.Contains("i32.load 1 offset=18446744073709551615 align=9223372036854775808", text, StringComparison.Ordinal);
        Assert.Equal(bytes, Wat.ToBinary(text));
        InvalidModuleException exception = Assert.Throws<InvalidModuleException>(() => ModuleValidator.Validate(module));
        Assert.StartsWith("alignment must not be larger than natural", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Maps_offsets_back_to_lines()
    {
        ParsedModule module = Wat.Parse("(module\n  (func $a\n    nop\n    (drop\n      (i32.const 7))))");
        string hex = Convert.ToHexString(module.Bytes.Span);
        int code = hex.IndexOf("0141071A0B", StringComparison.Ordinal) / 2;
        Assert.Equal(new TextPosition(3, 5), module.SourceMap.Find(code));
        Assert.Equal(new TextPosition(5, 8), module.SourceMap.Find(code + 1));
        Assert.Equal(new TextPosition(5, 8), module.SourceMap.Find(code + 2));
        Assert.Equal(new TextPosition(4, 6), module.SourceMap.Find(code + 3));
        Assert.Equal(new TextPosition(4, 6), module.SourceMap.Find(new InvalidModuleException("x", code + 3)));
    }

    [Fact]
    [Trait("Security", "DV-05")]
    public void Nests_100_000_deep_on_a_small_stack() => ChildProcess.Run(static _ =>
    {
        Thread thread = new(
            static () =>
            {
                const int Depth = 100_000;
                ReadOnlySpan<string> openings = ["(block ", "(drop (block (result i32) ", "(if (i32.const 0) (then ", "(i32.eqz ", "(try_table ", "(try (do "];
                ReadOnlySpan<string> closings = [")", "))", "))", ")", ")", "))"];
                for (int i = 0; i < openings.Length; i++)
                {
                    Wat.Parse(Repeat("(func ", openings[i], closings[i], ")", Depth));
                    Assert.Throws<MalformedModuleException>(() => Wat.Parse(Repeat("(func ", "(block ", "", "", Depth)));
                }

                Wat.Parse(Repeat("(func ", "block $l br $l ", "end $l ", ")", Depth));
                Wat.Parse(Repeat("(func) ", "(;", ";)", "", Depth));
                Wat.Parse(Repeat("(@a ", "(@b ", ")", ")", Depth));
                Assert.Throws<MalformedModuleException>(() => Wat.Parse(Repeat("", "(", ")", "", Depth)));
                Assert.Throws<MalformedModuleException>(() => Wat.Parse(Repeat("(func ", "(", "", "", Depth)));
                Assert.Throws<MalformedModuleException>(() => Text.Scripts.WastScript.Parse(
                    Encoding.UTF8.GetBytes(Repeat("(assert_return (invoke \"\") ", "(either ", ")", ")", Depth))));
            },
            256 * 1024);
        thread.Start();
        thread.Join();
    }).AssertSucceeded();

    [Fact]
    public void Resolves_labels_and_locals_of_deep_code_in_linear_time()
    {
        // Quadratic look-ups would take 10^10 steps here; the test would not end.
        StringBuilder text = new("(func $f (param $p i32) ");
        for (int i = 0; i < 100_000; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"block $b{i} br $b0 ");
        }

        for (int i = 0; i < 100_000; i++)
        {
            text.Append("end ");
        }

        Assert.NotEmpty(Wat.ToBinary(text.Append(')').ToString()));
    }

    private static string Repeat(string start, string opening, string closing, string end, int depth)
    {
        StringBuilder text = new(start, start.Length + end.Length + (depth * (opening.Length + closing.Length)));
        text.Insert(text.Length, opening, depth);
        text.Insert(text.Length, closing, depth);
        return text.Append(end).ToString();
    }

    private static byte[] WithoutNames(string text)
    {
        byte[] bytes = Wat.ToBinary(text);
        int names = bytes.AsSpan().LastIndexOf("\u0004name"u8);
        return names < 0 ? bytes : bytes[..(names - 2)];
    }
}
