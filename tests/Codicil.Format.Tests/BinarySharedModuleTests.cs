using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Tests;

/// <summary>The decoder and encoder on real modules.</summary>
public sealed class BinarySharedModuleTests
{
    [Theory]
    [InlineData("conformance/apps")]
    [InlineData("conformance/extism")]
    [InlineData("conformance/go-plugin")]
    [InlineData("conformance/wasi-p1")]
    [InlineData("bench/kernels")]
    public void Encoding_a_decoded_module_gives_an_equal_module(string directory)
    {
        foreach (string file in TextSharedFiles.Files(directory, "*.wasm"))
        {
            WasmModule first = ModuleDecoder.Decode(File.ReadAllBytes(file), WasmFeatures.All);
            byte[] encoded = ModuleEncoder.Encode(first);
            WasmModule second = ModuleDecoder.Decode(encoded, WasmFeatures.All);
            AssertEqual(first, second, file);
            Assert.True(encoded.AsSpan().SequenceEqual(ModuleEncoder.Encode(second)), file);
            Assert.True(encoded.Length <= first.Bytes.Length, file);
        }
    }

    [Theory]
    [InlineData("conformance/apps")]
    [InlineData("conformance/extism")]
    [InlineData("bench/kernels")]
    public void Writing_the_instructions_that_were_read_gives_the_same_instructions(string directory)
    {
        foreach (string file in TextSharedFiles.Files(directory, "*.wasm"))
        {
            WasmModule module = ModuleDecoder.Decode(File.ReadAllBytes(file), WasmFeatures.All);
            var original = new ByteWriter();
            foreach (FunctionBody body in module.Bodies)
            {
                original.Length = 0;
                Copy(module.Bytes.Span, body.InstructionsStart, body.Range.End, original);
                var again = new ByteWriter();
                Copy(original.Written, 0, original.Length, again);
                Assert.True(original.Written.SequenceEqual(again.Written), file);
                Assert.True(original.Length <= body.Range.End - body.InstructionsStart, file);
            }
        }
    }

    [Fact]
    [Trait("Security", "DV-01")]
    public void Every_prefix_of_a_module_is_malformed_or_a_module()
    {
        string[] files = [.. SmallModules(5)];
        Assert.Equal(5, files.Length);
        foreach (string file in files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (int length = 0; length < bytes.Length; length++)
            {
                AssertMalformedOrDecodes(bytes.AsSpan(0, length), file);
            }
        }
    }

    [Fact]
    [Trait("Security", "DV-01")]
    public void Prefixes_of_large_modules_are_malformed_or_modules()
    {
        foreach (string file in TextSharedFiles.Files("conformance/apps", "*.wasm"))
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (int i = 0; i < 40; i++)
            {
                AssertMalformedOrDecodes(bytes.AsSpan(0, (int)((long)bytes.Length * i / 40)), file);
            }
        }
    }

    [Fact]
    public void Mutants_of_a_module_are_refused_with_a_typed_exception_or_walk_to_their_end()
    {
        var random = new Random(11);
        foreach (string file in SmallModules(5))
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (int i = 0; i < 2_000; i++)
            {
                byte[] mutant = (byte[])bytes.Clone();
                mutant[random.Next(8, mutant.Length)] = (byte)random.Next(256);
                try
                {
                    WasmModule module = ModuleDecoder.Decode(mutant);
                    var sink = new ByteWriter();
                    foreach (FunctionBody body in module.Bodies)
                    {
                        sink.Length = 0;
                        Copy(module.Bytes.Span, body.InstructionsStart, body.Range.End, sink);
                    }

                    _ = module.Names.Functions.Count;
                    _ = ModuleEncoder.Encode(module);
                }
                catch (WasmException)
                {
                    // Typed, which is the point: anything else fails the test.
                }
            }
        }
    }

    [Fact]
    public void Function_names_of_a_real_module_are_found()
    {
        string file = Assert.Single(TextSharedFiles.Files("conformance/apps/go-hello", "*.wasm"));
        WasmModule module = ModuleDecoder.Decode(File.ReadAllBytes(file));
        Assert.True(module.Names.Functions.Count > 100);
        foreach (int index in module.Names.Functions.Indices)
        {
            Assert.InRange(index, 0, module.Functions.Length - 1);
            Assert.NotEqual("", module.Names.Functions[index]);
        }
    }

    private static IEnumerable<string> SmallModules(int count) =>
        TextSharedFiles.Files("bench/kernels", "*.wasm").Concat(TextSharedFiles.Files("conformance/extism", "*.wasm"))
            .Where(file => new FileInfo(file).Length is > 500 and < 5_000)
            .OrderBy(file => new FileInfo(file).Length).ThenBy(file => file, StringComparer.Ordinal)
            .TakeLast(count);

    private static void AssertMalformedOrDecodes(ReadOnlySpan<byte> bytes, string file)
    {
        try
        {
            WasmModule module = ModuleDecoder.Decode(bytes, WasmFeatures.All);
            Assert.Equal(bytes.Length, module.Bytes.Length);
        }
        catch (MalformedModuleException exception)
        {
            Assert.True(exception.Offset >= 0 && exception.Offset <= bytes.Length, $"{file}: {exception.Message}");
        }
    }

    private static void Copy(ReadOnlySpan<byte> bytes, int start, int end, ByteWriter output)
    {
        var reader = new InstructionReader(bytes, start, end);
        while (!reader.AtEnd)
        {
            reader.Read(out Instruction instruction);
            InstructionWriter.Write(output, instruction);
        }
    }

    private static void AssertEqual(WasmModule first, WasmModule second, string file)
    {
        Assert.Equal(first.Types.Length, second.Types.Length);
        for (int i = 0; i < first.Types.Length; i++)
        {
            Assert.Equal(TypeBytes(first.Types[i]), TypeBytes(second.Types[i]));
            Assert.Equal(first.Types[i].RecursiveGroupStart, second.Types[i].RecursiveGroupStart);
            Assert.Equal(first.Types[i].RecursiveGroupLength, second.Types[i].RecursiveGroupLength);
        }

        Assert.True(first.Imports.AsSpan().SequenceEqual(second.Imports.AsSpan()), file);
        Assert.True(first.Functions.AsSpan().SequenceEqual(second.Functions.AsSpan()), file);
        Assert.Equal(first.Tables.AsEnumerable(), second.Tables);
        Assert.Equal(first.Memories.AsEnumerable(), second.Memories);
        Assert.Equal(first.Globals.AsEnumerable(), second.Globals);
        Assert.True(first.Tags.AsSpan().SequenceEqual(second.Tags.AsSpan()), file);
        Assert.True(first.Exports.AsSpan().SequenceEqual(second.Exports.AsSpan()), file);
        Assert.Equal(first.StartFunction, second.StartFunction);
        Assert.Equal(first.DataCount, second.DataCount);
        Assert.Equal(first.ImportedFunctionCount, second.ImportedFunctionCount);
        Assert.Equal(first.ImportedGlobalCount, second.ImportedGlobalCount);
        AssertRanges(first, first.GlobalInitializers.AsSpan(), second, second.GlobalInitializers.AsSpan(), file);
        AssertRanges(first, first.TableInitializers.AsSpan(), second, second.TableInitializers.AsSpan(), file);

        Assert.Equal(first.Bodies.Length, second.Bodies.Length);
        for (int i = 0; i < first.Bodies.Length; i++)
        {
            Assert.Equal(first.Bodies[i].LocalCount, second.Bodies[i].LocalCount);
            AssertRanges(first, [first.Bodies[i].Range], second, [second.Bodies[i].Range], file);
        }

        Assert.Equal(first.DataSegments.Length, second.DataSegments.Length);
        for (int i = 0; i < first.DataSegments.Length; i++)
        {
            Assert.Equal(first.DataSegments[i].Mode, second.DataSegments[i].Mode);
            Assert.Equal(first.DataSegments[i].MemoryIndex, second.DataSegments[i].MemoryIndex);
            AssertRanges(first, [first.DataSegments[i].Offset, first.DataSegments[i].Content], second, [second.DataSegments[i].Offset, second.DataSegments[i].Content], file);
        }

        Assert.Equal(first.ElementSegments.Length, second.ElementSegments.Length);
        for (int i = 0; i < first.ElementSegments.Length; i++)
        {
            ElementSegment a = first.ElementSegments[i];
            ElementSegment b = second.ElementSegments[i];
            Assert.Equal((a.Mode, a.Type, a.TableIndex, a.Count), (b.Mode, b.Type, b.TableIndex, b.Count));
            Assert.True(a.FunctionIndices.IsDefault ? b.FunctionIndices.IsDefault : a.FunctionIndices.AsSpan().SequenceEqual(b.FunctionIndices.AsSpan()), file);
            AssertRanges(first, [a.Offset], second, [b.Offset], file);
        }

        Assert.Equal(first.CustomSections.Length, second.CustomSections.Length);
        for (int i = 0; i < first.CustomSections.Length; i++)
        {
            Assert.Equal(first.CustomSections[i].Name, second.CustomSections[i].Name);
            Assert.Equal(first.CustomSections[i].PrecedingSection, second.CustomSections[i].PrecedingSection);
            AssertRanges(first, [first.CustomSections[i].Content], second, [second.CustomSections[i].Content], file);
        }
    }

    private static void AssertRanges(WasmModule first, ReadOnlySpan<ByteRange> a, WasmModule second, ReadOnlySpan<ByteRange> b, string file)
    {
        Assert.Equal(a.Length, b.Length);
        for (int i = 0; i < a.Length; i++)
        {
            Assert.True(first.Bytes.Span.Slice(a[i].Start, a[i].Length).SequenceEqual(second.Bytes.Span.Slice(b[i].Start, b[i].Length)), file);
        }
    }

    private static byte[] TypeBytes(SubType type)
    {
        var writer = new ByteWriter();
        TypeWriter.WriteSubType(writer, type);
        return writer.ToArray();
    }
}
