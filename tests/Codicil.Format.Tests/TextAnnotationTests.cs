using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Text;

namespace Codicil.Format.Tests;

/// <summary>Annotations that mean something: names and hints for branches. Those for custom sections are in the printer's tests and the suite's.</summary>
public sealed class TextAnnotationTests
{
    [Fact]
    public void Names_are_taken_from_annotations_and_identifiers_still_found()
    {
        const string Text = """
            (module $m (@name "the module")
              (type $s (@name "a type") (struct (field $x (@name "an x") i32) (field i32 i64) (field (@name "") (mut f32))))
              (type $t (@name "") (func (param (@name "unused") i32)))
              (import "a" "b" (func $i (@name "imported") (param (@name "p") i32)))
              (func $f (@name "two words") (export "f") (param $a (@name "first") i32) (param (@name "second") i64) (result i32) (local $l (@name "local") f64) (local (@name "rest") i32)
                (call $i (local.get $a)) (struct.get $s $x (struct.new_default $s)))
              (func (@name "two words"))
              (func (import "a" "c") (@name "misplaced?"))
              (memory $mem (@name "memory") 1)
              (global (@name "global") i32 (i32.const 0))
              (tag $e (@name "tag") (type $t))
              (start 2))
            """;
        Assert.Throws<MalformedModuleException>(() => Wat.Parse(Text));
        byte[] bytes = Wat.ToBinary(Text.Replace("(func (import \"a\" \"c\") (@name \"misplaced?\"))", "", StringComparison.Ordinal));
        WasmModule module = Decode(bytes);
        NameSection names = module.Names;
        Assert.Equal("the module", names.ModuleName);
        Assert.Equal(["imported", "two words", "two words"], Enumerable.Range(0, 3).Select(i => names.Functions[i]));
        Assert.Equal(["a type", ""], Enumerable.Range(0, 2).Select(i => names.Types[i]));
        Assert.Equal(["an x", null, null, ""], Enumerable.Range(0, 4).Select(i => names.FieldsOf(0)[i]));
        Assert.Equal(["first", "second", "local", "rest"], Enumerable.Range(0, 4).Select(i => names.LocalsOf(1)[i]));
        Assert.Equal("memory", names.Memories[0]);
        Assert.Equal("global", names.Globals[0]);
        Assert.Equal("tag", names.Tags[0]);
        Assert.Equal(bytes, Wat.ToBinary(ModulePrinter.Print(module)));
    }

    [Theory]
    [InlineData("(module (@name \"a\") (@name \"b\"))", "@name annotation: multiple module", 1, 21)]
    [InlineData("(module (func $f (@name \"a\") (@name \"b\")))", "@name annotation: multiple function names", 1, 30)]
    [InlineData("(module (func (@name \"a\") $f))", "misplaced @name annotation", 1, 15)]
    [InlineData("(module (func) (@name \"a\"))", "misplaced @name annotation", 1, 16)]
    [InlineData("(module (func (param i32 (@name \"a\") i32)))", "misplaced @name annotation", 1, 26)]
    [InlineData("(module (func (result (@name \"a\") i32) unreachable))", "misplaced @name annotation", 1, 23)]
    [InlineData("(module (func (param (@name \"a\") i32 i32)))", "unexpected token", 1, 38)]
    [InlineData("(module (func (block (param (@name \"a\") i32) unreachable)))", "misplaced @name annotation", 1, 29)]
    [InlineData("(module (func (@name)))", "@name annotation: string expected", 1, 15)]
    [InlineData("(module (func (@name \"a\" \"b\")))", "@name annotation: unexpected token", 1, 26)]
    [InlineData("(module (func (@name \"\\ff\")))", "@name annotation: malformed UTF-8 encoding", 1, 15)]
    [InlineData("(module (func (@metadata.code.branch_hint \"\\01\") nop))", "@metadata.code.branch_hint annotation: invalid target", 1, 15)]
    [InlineData("(module (func (@metadata.code.branch_hint \"\\02\") (br_if 0 (i32.const 0))))", "@metadata.code.branch_hint annotation: invalid hint value", 1, 15)]
    [InlineData("(module (func (@metadata.code.branch_hint x) (br_if 0 (i32.const 0))))", "@metadata.code.branch_hint annotation: unexpected token", 1, 43)]
    [InlineData("(module (func nop (@metadata.code.branch_hint \"\\01\")))", "@metadata.code.branch_hint annotation: invalid placement", 1, 19)]
    [InlineData("(module (global i32 (@metadata.code.branch_hint \"\\01\") (i32.const 0)))", "@metadata.code.branch_hint annotation: not in a function", 1, 21)]
    public void Says_what_is_wrong_with_an_annotation_and_where(string text, string message, int line, int column)
    {
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Wat.Parse(text));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (exception.Line, exception.Column));
    }

    [Fact]
    public void Hints_become_a_section_with_the_places_of_the_branches()
    {
        byte[] bytes = Wat.ToBinary("""
            (module
              (import "" "" (func))
              (func (param i32)
                (@metadata.code.branch_hint "\00")
                (if (local.get 0)
                  (then
                    (block (@metadata.code.branch_hint "\01") (br_if 0 (local.get 0)))))
                local.get 0
                (@metadata.code.branch_hint "\00") if end)
              (func)
              (func (loop i32.const 0 (@metadata.code.branch_hint "" "\01") br_if 0)))
            """);
        WasmModule module = Decode(bytes);
        CustomSection section = Assert.Single(module.CustomSections);
        Assert.Equal("metadata.code.branch_hint", section.Name);

        // Two functions: 1 with hints at 3 (behind no locals and local.get), 9 and 15, 3 with one at 5.
        Assert.Equal("02" + "0103" + "030100" + "090101" + "0F0100" + "0301" + "050101", Convert.ToHexString(bytes, section.Content.Start, section.Content.Length));
        foreach ((int function, int offset, byte opcode) in ((int, int, byte)[])[(0, 3, 0x04), (0, 9, 0x0D), (0, 15, 0x04), (2, 5, 0x0D)])
        {
            // Places are counted from the body's locals.
            Assert.Equal(opcode, bytes[module.Bodies[function].Range.Start + offset]);
        }

        Assert.Equal(bytes, Wat.ToBinary(ModulePrinter.Print(module)));
    }

    private static WasmModule Decode(byte[] bytes) => ModuleDecoder.Decode(bytes, WasmFeatures.All);
}
