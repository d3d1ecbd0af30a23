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
        Assert.Contains("(func $a#1 (;1;)", text, StringComparison.Ordinal);
        Assert.Contains("(func $a#1#2 (;2;)", text, StringComparison.Ordinal);
        Assert.Contains("(func $\"\\u{202e}\\\" \\u{a}()\" (;3;)", text, StringComparison.Ordinal);
        Assert.Equal(text, ModulePrinter.Print(Decode(Wat.ToBinary(text))));
    }

    [Fact]
    public void Round_trips_every_module_of_the_suite()
    {
        int modules = 0;
        foreach (string folder in (string[])["conformance/spec3", "conformance/spec-proposals"])
        {
            foreach (string file in TextSharedFiles.Files(folder, "*.wast"))
            {
                if (IsUnsupported(file))
                {
                    continue;
                }

                foreach (ScriptModule script in WastScript.Parse(File.ReadAllBytes(file)).Commands.OfType<ModuleCommand>().Select(command => command.Module))
                {
                    byte[] bytes = script.Parse().ToArray();
                    WasmModule module = Decode(bytes);
                    string text = ModulePrinter.Print(module);
                    byte[] again = Wat.ToBinary(text);
                    AssertSameCode(bytes, module, again, Path.GetFileName(file) + "\n" + text);
                    if (script.Kind != ScriptModuleKind.Binary && Path.GetFileName(file) != "type-rec.wast")
                    {
                        // The parser's own encoding comes back as it was, names included; only empty recursion groups, which
                        // type-rec.wast has, are not part of a decoded module.
                        Assert.True(bytes.AsSpan().SequenceEqual(again), Path.GetFileName(file) + "\n" + text);
                    }

                    modules++;
                }
            }
        }

        Assert.True(modules > 2000);
    }

    [Fact]
    public void Round_trips_real_modules()
    {
        int modules = 0;
        foreach (string folder in (string[])["conformance/apps", "conformance/extism", "conformance/wasi-p1"])
        {
            foreach (string file in TextSharedFiles.Files(folder, "*.wasm"))
            {
                byte[] bytes = File.ReadAllBytes(file);
                if (bytes.Length > 1_000_000 || !bytes.AsSpan().StartsWith("\0asm\u0001\0\0\0"u8))
                {
                    continue;
                }

                WasmModule module = Decode(bytes);
                string text = ModulePrinter.Print(module);
                byte[] again = Wat.ToBinary(text);
                AssertSameCode(bytes, module, again, file);
                Assert.Equal(text, ModulePrinter.Print(Decode(again)));
                modules++;
            }
        }

        Assert.True(modules > 20);
    }

    /// <summary>Files of proposals that the opcode table does not have.</summary>
    private static bool IsUnsupported(string file) =>
        file.Contains("stack-switching", StringComparison.Ordinal) || file.Contains("custom-descriptors", StringComparison.Ordinal);

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
