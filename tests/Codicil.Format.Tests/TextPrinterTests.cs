using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Text;
using Codicil.Format.Text.Scripts;

namespace Codicil.Format.Tests;

/// <summary>Binary to text and back.</summary>
public sealed class TextPrinterTests
{
    [Fact]
    public void Prints_a_module_as_people_write_it()
    {
        const string Text = """
            (module $m
              (type (;0;) (func (param i32) (result i32)))
              (type $s (;1;) (struct (field $a (mut i8)) (field (ref null $s))))
              (import "env" "f\u{a}\"" (func $f (;0;) (type 0) (param i32) (result i32)))
              (func $g (;1;) (type 0) (param $x i32) (result i32)
                (local i64 f32) (local $y f64)
                block $out (result i32)
                  local.get $x
                  if
                    i32.const -1
                    br $out
                  else
                    i32.const 0
                    i32.load offset=4 align=1
                    br $out
                  end
                  f64.const 0.1
                  drop
                  f32.const nan:0x1
                  drop
                  struct.new_default $s
                  struct.get_u $s $a
                end)
              (memory (;0;) 1 2)
              (global $"a b" (;0;) (mut i32) (i32.const 5))
              (export "g" (func $g))
              (data (;0;) (i32.const 8) "a\00\ff\22"))

            """;
        Assert.Equal(Text, ModulePrinter.Print(Decode(Wat.ToBinary(Text))));
    }

    [Fact]
    public void Makes_names_unique_and_quotes_them()
    {
        byte[] bytes = [.. Wat.ToBinary("(func) (func) (func) (func)"), 0, 29, 4, (byte)'n', (byte)'a', (byte)'m', (byte)'e', 1, 22, 4,
            0, 1, (byte)'a', 1, 1, (byte)'a', 2, 3, (byte)'a', (byte)'#', (byte)'1', 3, 8, 0xE2, 0x80, 0xAE, (byte)'"', (byte)' ', 0x0A, (byte)'(', (byte)')'];
        string text = ModulePrinter.Print(Decode(bytes));
        Assert.Contains("(func $a (;0;)", text, StringComparison.Ordinal);
        Assert.Contains("(func $a#1 (@name \"a\") (;1;)", text, StringComparison.Ordinal);
        Assert.Contains("(func $a#1#2 (@name \"a#1\") (;2;)", text, StringComparison.Ordinal);
        Assert.Contains("(func $\"\\u{202e}\\\" \\u{a}()\" (;3;)", text, StringComparison.Ordinal);
        WasmModule again = Decode(Wat.ToBinary(text));
        Assert.Equal(text, ModulePrinter.Print(again));
        Assert.Equal(["a", "a", "a#1"], Enumerable.Range(0, 3).Select(i => again.Names.Functions[i]));
    }

    [Fact]
    public void Keeps_custom_sections_in_their_places()
    {
        const string Text = """
            (module
              (@custom "z" "zz")
              (type (func))
              (@custom "b" (after func) "b\ff" "c")
              (@custom "a" (before first))
              (@custom "d" (before code) "d")
              (func $f (type 0)))
            """;
        byte[] bytes = Wat.ToBinary(Text);
        WasmModule module = Decode(bytes);
        Assert.Equal(["a", "b", "d", "name", "z"], module.CustomSections.Select(section => section.Name));
        Assert.Equal(
            [SectionId.Custom, SectionId.Function, SectionId.Function, SectionId.Code, SectionId.Code],
            module.CustomSections.Select(section => section.PrecedingSection));
        Assert.Equal("b\u00ff" + "c", System.Text.Encoding.Latin1.GetString(bytes, module.CustomSections[1].Content.Start, module.CustomSections[1].Content.Length));
        Assert.Equal(bytes, Wat.ToBinary(ModulePrinter.Print(module)));
    }

    [Fact]
    public void Mutants_parse_or_are_malformed_and_what_parses_decodes_and_round_trips()
    {
        string[] fragments = ["(", ")", " end ", " else ", " $x ", " $l ", " 0 ", " -1 ", " i32 ", " (then ", " (param i32) ", " (type 0) ", " (result i64) ", " select ", " call_indirect ", " br_table ", " (import \"\" \"\") ", " (elem ", " (offset ", " \"\\ff\" ", " (rec ", " (@custom ", " ;; ", " (; ", " \" ", " 0x1p-1 ", " nan:0x1 ", " v128.load8_lane ", " (ref null "];
        Assert.NotEmpty(Wat.ToBinary(MutationSeed));
        string[] seedWords = MutationSeed.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Random random = new(20261121);
        int parsed = 0;
        for (int round = 0; round < 6_000; round++)
        {
            List<string> words = [.. seedWords];
            for (int count = random.Next(1, 4); count > 0; count--)
            {
                int at = random.Next(words.Count);
                string other = seedWords[random.Next(seedWords.Length)];
                switch (random.Next(5))
                {
                    case 0:
                        words.RemoveAt(at);
                        break;
                    case 1:
                        words.Insert(at, fragments[random.Next(fragments.Length)]);
                        break;
                    case 2:
                        words[at] = words[at].Remove(random.Next(words[at].Length), 1);
                        break;
                    default:
                        // Words with the same parentheses around them keep the text balanced, so that more of them parse.
                        words[at] = words[at].Count(c => c == '(') == other.Count(c => c == '(') && words[at].Count(c => c == ')') == other.Count(c => c == ')') ? other : words[at];
                        break;
                }
            }

            string text = string.Join(' ', words);
            byte[] bytes;
            try
            {
                bytes = Wat.ToBinary(text);
            }
            catch (MalformedModuleException exception)
            {
                Assert.True(exception.Line > 0 && exception.Column > 0, exception.Message);
                continue;
            }

            parsed++;
            Assert.Equal(bytes, Wat.ToBinary(ModulePrinter.Print(Decode(bytes))));
        }

        Assert.True(parsed > 500, parsed.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("conformance/spec3", 5_200)]
    [InlineData("conformance/spec-proposals", 400)]
    [InlineData("conformance/wasmtime-misc", 500)]
    public void Round_trips_every_module_of_the_suites(string folder, int least)
    {
        int modules = 0;
        foreach (string file in TextSharedFiles.Files(folder, "*.wast"))
        {
            if (IsUnsupported(file))
            {
                continue;
            }

            foreach (ScriptModule script in TextSuiteTests.WellFormedModules(WastScript.Parse(File.ReadAllBytes(file)).Commands))
            {
                byte[] bytes;
                WasmModule module;
                try
                {
                    bytes = script.Parse().ToArray();
                    module = Decode(bytes);
                }
                catch (Exception exception) when (exception is InvalidModuleException or UnsupportedModuleException || (exception is MalformedModuleException && folder.EndsWith("-misc", StringComparison.Ordinal)))
                {
                    // Some of what makes a module invalid the decoder finds; Wasmtime's parser takes more than the grammar does (WasmtimeTests knows where).
                    continue;
                }

                string text = ModulePrinter.Print(module);
                byte[] again = Wat.ToBinary(text);
                AssertSameCode(bytes, module, again, Path.GetFileName(file) + "\n" + text);
                Assert.Equal(text, ModulePrinter.Print(Decode(again)));
                if (script.Kind != ScriptModuleKind.Binary)
                {
                    // The parser's own encoding comes back as it was, names included.
                    Assert.True(bytes.AsSpan().SequenceEqual(again), Path.GetFileName(file) + "\n" + text);
                }

                modules++;
            }
        }

        Assert.True(modules > least, modules.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("conformance/apps", 30)]
    [InlineData("conformance/extism", 20)]
    [InlineData("conformance/wasi-p1", 60)]
    [InlineData("conformance/wasi-threads", 10)]
    [InlineData("conformance/go-plugin", 2)]
    public void Round_trips_real_modules(string folder, int least)
    {
        int modules = 0;
        foreach (string file in TextSharedFiles.Files(folder, "*.wasm"))
        {
            byte[] bytes = File.ReadAllBytes(file);
            if (!bytes.AsSpan().StartsWith("\0asm\u0001\0\0\0"u8))
            {
                continue;
            }

            // Bytes that other tools wrote come back in the shortest form; from then on they stay.
            WasmModule module = Decode(bytes);
            string text = ModulePrinter.Print(module);
            byte[] again = Wat.ToBinary(text);
            AssertSameCode(bytes, module, again, file);
            Assert.Equal(text, ModulePrinter.Print(Decode(again)));
            modules++;
        }

        Assert.True(modules >= least, modules.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Files of proposals that the opcode table does not have.</summary>
    private static bool IsUnsupported(string file) =>
        file.Contains("stack-switching", StringComparison.Ordinal) || file.Contains("custom-descriptors", StringComparison.Ordinal)
        || file.Contains("shared-everything-threads", StringComparison.Ordinal);

    private const string MutationSeed = """
        (module $m (type $t (func (param i32) (result i32))) (rec (type $s (sub (struct (field $a i8) (field (mut (ref null $s))))))
         (type $r (sub $s (struct (field i8) (field (mut (ref null $s))) (field f64))))) (import "a" "b" (func $i (type $t)))
         (import "a" "m" (memory $m0 i64 1 2 shared)) (table $tab 1 2 funcref) (table (export "x") funcref (elem $i $f)) (memory (data "ab\00"))
         (global $g (mut i32) (i32.add (i32.const 1) (i32.const 2))) (tag $e (param i64)) (export "f" (func $f)) (start $st) (func $st)
         (elem (table $tab) (offset i32.const 0) func $i) (elem declare funcref (ref.func $f) (item ref.null func)) (data $d (memory 1) (i32.const 0) "x" "y")
         (func $f (type $t) (param $x i32) (result i32) (local $y f64) (local i32 i32)
          (block $l (result i32) (if (result i32) (local.get $x) (then (br $l (i32.const -5))) (else (call_indirect $tab (type $t) (i32.load offset=1 align=1 (i32.const 0)) (i32.const 0)))))
          (try_table (catch $e 0) (catch_all 0) nop) drop loop $l2 local.get $x br_if $l2 (br_table 0 $l2 0 (local.get $x)) end
          v128.const f32x4 1 nan:0x1 -inf 0x1.8p3 (v128.load8_lane $m0 offset=3 1 (i64.const 0)) drop f64.const 0.1 (local.set $y)
          (struct.get_s $s $a (ref.cast (ref $s) (ref.null any))) (ref.test (ref null $r)) (br_on_cast 0 anyref (ref i31)) (memory.init 1 $d) (select (result i32))))
        """;

    private static WasmModule Decode(byte[] bytes) => ModuleDecoder.Decode(bytes, WasmFeatures.All);

    private static void AssertSameCode(byte[] bytes, WasmModule module, byte[] againBytes, string context)
    {
        WasmModule again = Decode(againBytes);
        Assert.Equal(module.Bodies.Length, again.Bodies.Length);
        for (int i = 0; i < module.Bodies.Length; i++)
        {
            // Linkers pad numbers in code, and how locals are grouped is the encoder's choice: both sides in the shortest form.
            ReadOnlySpan<byte> expected = Shortest(module, module.Bodies[i]);
            ReadOnlySpan<byte> actual = Shortest(again, again.Bodies[i]);
            if (!expected.SequenceEqual(actual))
            {
                int at = expected.CommonPrefixLength(actual);
                Assert.Fail($"body {i} differs at {at}: {Convert.ToHexString(expected[Math.Max(0, at - 8)..Math.Min(expected.Length, at + 8)])} {Convert.ToHexString(actual[Math.Max(0, at - 8)..Math.Min(actual.Length, at + 8)])}\n{context}");
            }

            Assert.Equal(module.Bodies[i].LocalCount, again.Bodies[i].LocalCount);
        }

        Assert.Equal(module.Functions, again.Functions);
        Assert.Equal(module.Imports, again.Imports);
        Assert.Equal(module.Exports, again.Exports);
        Assert.Equal(module.Tables, again.Tables);
        Assert.Equal(module.Memories, again.Memories);
        Assert.Equal(module.Globals, again.Globals);
        Assert.Equal(module.Tags, again.Tags);
        Assert.Equal(module.StartFunction, again.StartFunction);
        Assert.Equal(module.Types.Length, again.Types.Length);
        Assert.Equal(module.ElementSegments.Select(segment => (segment.Mode, segment.Type, segment.Count, segment.TableIndex)), again.ElementSegments.Select(segment => (segment.Mode, segment.Type, segment.Count, segment.TableIndex)));
        for (int i = 0; i < module.DataSegments.Length; i++)
        {
            Assert.True(bytes.AsSpan(module.DataSegments[i].Content.Start, module.DataSegments[i].Content.Length).SequenceEqual(
                againBytes.AsSpan(again.DataSegments[i].Content.Start, again.DataSegments[i].Content.Length)));
        }
    }

    private static byte[] Shortest(WasmModule module, FunctionBody body)
    {
        ByteWriter writer = new();
        InstructionReader reader = new(module.Bytes.Span, body.InstructionsStart, body.Range.End);
        while (!reader.AtEnd)
        {
            reader.Read(out Instruction instruction);
            if (instruction.VectorCount == 0)
            {
                InstructionWriter.Write(writer, in instruction);
                continue;
            }

            // The vector of an instruction is copied as it stands: its numbers are compared instead of its bytes.
            InstructionWriter.WriteOpcode(writer, instruction.Opcode);
            writer.WriteU32(instruction.Index);
            VectorReader vector = new(in instruction);
            while (!vector.AtEnd)
            {
                switch (OpcodeTable.Immediate(instruction.Opcode))
                {
                    case ImmediateKind.LabelVector:
                        writer.WriteU32(vector.ReadLabel());
                        break;
                    case ImmediateKind.ValueTypes:
                        TypeWriter.WriteValType(writer, vector.ReadType());
                        break;
                    default:
                        CatchClause clause = vector.ReadCatch();
                        writer.WriteByte((byte)clause.Kind);
                        writer.WriteU32(clause.Tag);
                        writer.WriteU32(clause.Label);
                        break;
                }
            }
        }

        return writer.ToArray();
    }
}
