using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Tests;

/// <summary>The decoder on modules written by hand.</summary>
public sealed class BinaryDecoderTests
{
    // void function: no locals, end.
    private static readonly byte[] EmptyBody = [0, 0x0B];

    [Fact]
    public void Decodes_the_empty_module()
    {
        WasmModule module = ModuleDecoder.Decode(BinaryModules.Module());
        Assert.Empty(module.Types);
        Assert.Empty(module.Bodies);
        Assert.Null(module.StartFunction);
        Assert.Null(module.DataCount);
    }

    [Fact]
    public void Owns_a_copy_of_its_bytes()
    {
        byte[] bytes = BinaryModules.WithBody(EmptyBody);
        WasmModule module = ModuleDecoder.Decode(bytes);
        Array.Clear(bytes);
        Assert.Equal(0x6D736100u, BitConverter.ToUInt32(module.Bytes.Span));
    }

    [Fact]
    public void Index_spaces_begin_with_the_imports()
    {
        byte[] imports = BinaryModules.Section(
            SectionId.Import,
            [
                3,
                1, (byte)'m', 1, (byte)'f', 0, 1,
                1, (byte)'m', 1, (byte)'g', 3, 0x7F, 1,
                1, (byte)'m', 1, (byte)'h', 0, 0,
            ]);
        WasmModule module = ModuleDecoder.Decode(BinaryModules.Module(
            BinaryModules.Section(SectionId.Type, [2, 0x60, 0, 0, 0x60, 1, 0x7F, 1, 0x7E]),
            imports,
            BinaryModules.OneFunction,
            BinaryModules.Section(SectionId.Global, [1, 0x7E, 0, 0x42, 5, 0x0B]),
            BinaryModules.CodeSection(EmptyBody)));

        Assert.Equal([new Import("m", "f", ExternKind.Function, 0), new Import("m", "g", ExternKind.Global, 0), new Import("m", "h", ExternKind.Function, 1)], module.Imports);
        Assert.Equal([1, 0, 0], module.Functions);
        Assert.Equal(2, module.ImportedFunctionCount);
        Assert.Equal("(param i32) (result i64)", module.GetTypeOfFunction(0).ToString());
        Assert.Equal([new GlobalType(ValType.I32, true), new GlobalType(ValType.I64, false)], module.Globals);
        Assert.Equal(3, Assert.Single(module.GlobalInitializers).Length);
        Assert.Equal(0x42, module.Bytes.Span[module.GlobalInitializers[0].Start]);
        Assert.Equal(module.Functions.Length, module.Offsets.Functions.Length);
        Assert.Equal(module.Globals.Length, module.Offsets.Globals.Length);
    }

    [Fact]
    public void Locals_are_counted_and_read_in_runs()
    {
        WasmModule module = ModuleDecoder.Decode(BinaryModules.WithBody([3, 2, 0x7F, 0, 0x7C, 0x80, 1, 0x7E, 0x0B]));
        FunctionBody body = Assert.Single(module.Bodies);
        Assert.Equal(130, body.LocalCount);
        Assert.Equal(0x0B, module.Bytes.Span[body.InstructionsStart]);

        var locals = new LocalsReader(module.Bytes.Span, body);
        Assert.True(locals.Read(out int count, out ValType type));
        Assert.Equal((2, ValType.I32), (count, type));
        Assert.True(locals.Read(out count, out type));
        Assert.Equal((0, ValType.F64), (count, type));
        Assert.True(locals.Read(out count, out type));
        Assert.Equal((128, ValType.I64), (count, type));
        Assert.False(locals.Read(out _, out _));
    }

    [Fact]
    public void Decodes_all_eight_forms_of_element_segments()
    {
        byte[] elements = BinaryModules.Section(
            SectionId.Element,
            [
                8,
                0, 0x41, 0, 0x0B, 1, 0,
                1, 0, 1, 0,
                2, 3, 0x41, 0, 0x0B, 0, 2, 0, 0,
                3, 0, 1, 0,
                4, 0x41, 0, 0x0B, 1, 0xD2, 0, 0x0B,
                5, 0x6F, 1, 0xD0, 0x6F, 0x0B,
                6, 4, 0x41, 0, 0x0B, 0x70, 1, 0xD0, 0x70, 0x0B,
                7, 0x70, 0,
            ]);
        WasmModule module = ModuleDecoder.Decode(BinaryModules.Module(elements));

        Assert.Equal(
            [SegmentMode.Active, SegmentMode.Passive, SegmentMode.Active, SegmentMode.Declarative, SegmentMode.Active, SegmentMode.Passive, SegmentMode.Active, SegmentMode.Declarative],
            module.ElementSegments.Select(segment => segment.Mode));
        Assert.Equal([0, 0, 3, 0, 0, 0, 4, 0], module.ElementSegments.Select(segment => segment.TableIndex));
        Assert.Equal([1, 1, 2, 1, 1, 1, 1, 0], module.ElementSegments.Select(segment => segment.Count));
        Assert.Equal([true, true, true, true, false, false, false, false], module.ElementSegments.Select(segment => segment.Expressions.IsDefault));
        Assert.Equal(ValType.ExternRef, module.ElementSegments[5].Type);
    }

    [Fact]
    public void Decodes_memories_and_tables_with_every_flag()
    {
        WasmModule module = ModuleDecoder.Decode(
            BinaryModules.Module(
                BinaryModules.Section(SectionId.Table, [3, 0x70, 0, 1, 0x6F, 5, 1, 2, 0x40, 0, 0x63, 0x70, 1, 3, 4, 0xD0, 0x70, 0x0B]),
                BinaryModules.Section(SectionId.Memory, [5, 0, 1, 1, 1, 2, 3, 1, 2, 5, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 9, 1, 2, 0])),
            WasmFeatures.All);

        Assert.Equal(
            ["(table 1 funcref)", "(table i64 1 2 externref)", "(table 3 4 funcref)"],
            module.Tables.Select(table => table.ToString()));
        Assert.Equal([0, 0, 3], module.TableInitializers.Select(initializer => initializer.Length));
        Assert.Equal(
            ["(memory 1)", "(memory 1 2)", "(memory 1 2 shared)", "(memory i64 1 4294967296)", "(memory 1 2 (pagesize 1))"],
            module.Memories.Select(memory => memory.ToString()));
    }

    [Fact]
    public void Decodes_recursion_groups_and_subtypes()
    {
        WasmModule module = ModuleDecoder.Decode(BinaryModules.Module(BinaryModules.Section(
            SectionId.Type,
            [
                3,
                0x4E, 2, 0x50, 0, 0x5F, 2, 0x78, 1, 0x63, 1, 0, 0x4F, 1, 0, 0x5F, 2, 0x78, 1, 0x63, 1, 0,
                0x5E, 0x77, 1,
                0x60, 0, 0,
            ])));

        Assert.Equal(4, module.Types.Length);
        Assert.Equal([0, 0, 2, 3], module.Types.Select(type => type.RecursiveGroupStart));
        Assert.Equal([2, 2, 1, 1], module.Types.Select(type => type.RecursiveGroupLength));
        Assert.Equal([false, true, true, true], module.Types.Select(type => type.IsFinal));
        Assert.Equal([0], module.Types[1].Supertypes);
        Assert.Equal(new FieldType(ValType.Reference(true, HeapType.Concrete(1)), StorageKind.Value, false), module.Types[0].Composite.Fields[1]);
        Assert.Equal(new FieldType(ValType.I32, StorageKind.I16, true), Assert.Single(module.Types[2].Composite.Fields));
    }

    [Theory]
    [Trait("Security", "DV-09")]
    [InlineData("", "unexpected end: the input is empty", 0)]
    [InlineData("006173", "unexpected end", 3)]
    [InlineData("0061736D0100", "unexpected end", 6)]
    [InlineData("286D6F64756C6529", "magic header not detected: the input looks like the text format", 0)]
    [InlineData("1F8B080000000000", "magic header not detected: the input is compressed with gzip", 0)]
    [InlineData("7F454C4602010100", "magic header not detected: the input is a native program", 0)]
    [InlineData("0061736D0D000100", "unknown binary version: this is a component", 4)]
    [InlineData("0061736D02000000", "unknown binary version: 2", 4)]
    [InlineData("0061736D010000000E00", "malformed section id 14", 8)]
    [InlineData("0061736D0100000001", "unexpected end", 9)]
    [InlineData("0061736D010000000105", "length out of bounds", 9)]
    [InlineData("0061736D01000000030100010100", "unexpected content after last section", 11)]
    [InlineData("0061736D01000000010100010100", "unexpected content after last section", 11)]
    [InlineData("0061736D010000000102000000", "section size mismatch", 10)]
    [InlineData("0061736D01000000010401610000", "malformed definition type", 11)]
    [InlineData("0061736D0100000003020100", "function and code section have inconsistent lengths: 1 and 0", 12)]
    [InlineData("0061736D010000000C0101", "data count and data section have inconsistent lengths: 1 and 0", 11)]
    [InlineData("0061736D0100000002050100000500", "malformed import kind 0x05", 13)]
    [InlineData("0061736D010000000705010161057F00", "malformed export kind 0x05", 13)]
    [InlineData("0061736D010000000606017F02410B0B", "malformed mutability", 12)]
    [InlineData("0061736D010000000D03010100", "zero byte expected", 11)]
    [InlineData("0061736D010000000902010800", "malformed elements segment kind 8", 11)]
    [InlineData("0061736D0100000009040101010000", "malformed element kind", 12)]
    [InlineData("0061736D010000000B02010300", "malformed data segment kind 3", 11)]
    [InlineData("0061736D0100000005030110000000", "malformed limits flags 0x10", 11)]
    [InlineData("0061736D0100000005030108000000", "malformed limits flags 0x08: custom page sizes are switched off", 11)]
    [InlineData("0061736D010000000404017F0000", "malformed reference type", 11)]
    [InlineData("0061736D010000000601017F", "unexpected end", 12)]
    [InlineData("0061736D01000000060701" + "7F00" + "41000B05", "section size mismatch", 10)]
    [InlineData("0061736D0100000006" + "0701" + "7F00" + "4100" + "050B", "END opcode expected", 15)]
    public void Malformed_modules_are_reported_with_their_offset(string hex, string message, long offset)
    {
        byte[] bytes = Convert.FromHexString(hex);
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => ModuleDecoder.Decode(bytes));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(offset, exception.Offset);
    }

    [Fact]
    public void The_first_error_in_a_malformed_module_is_reported_even_when_it_lies_in_a_body()
    {
        // The body's first constant is one byte too long for its declared size; what follows no longer looks like a section.
        byte[] module = [.. BinaryModules.WithBody([0, 0x41, 0x80, 0x80, 0x80, 0x80]), 0x80, 0x00, 0x1A, 0x0B];
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => ModuleDecoder.Decode(module));
        Assert.StartsWith("integer representation too long", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WasmFeatures.MultiValue, "01050160000 27F7F")]
    [InlineData(WasmFeatures.Simd, "0105016001 7B00")]
    [InlineData(WasmFeatures.ReferenceTypes, "0105016001 6F00")]
    [InlineData(WasmFeatures.FunctionReferences, "0106016001 647000")]
    [InlineData(WasmFeatures.GarbageCollection, "0105016001 6E00")]
    [InlineData(WasmFeatures.GarbageCollection, "0103015F00")]
    [InlineData(WasmFeatures.GarbageCollection, "0106014E01600000")]
    [InlineData(WasmFeatures.Exceptions, "0105016001 6900")]
    [InlineData(WasmFeatures.Exceptions, "0D03010000")]
    [InlineData(WasmFeatures.BulkMemory, "0C0100")]
    [InlineData(WasmFeatures.BulkMemory, "0B03010100")]
    [InlineData(WasmFeatures.BulkMemory, "090401010000")]
    [InlineData(WasmFeatures.ReferenceTypes, "090401030000")]
    [InlineData(WasmFeatures.ReferenceTypes, "04070270000070 0000")]
    [InlineData(WasmFeatures.MultiMemory, "05050200000000")]
    [InlineData(WasmFeatures.Memory64, "0503010400")]
    [InlineData(WasmFeatures.Memory64, "040401700400")]
    [InlineData(WasmFeatures.Threads, "050401030001")]
    [InlineData(WasmFeatures.MutableGlobals, "02060100 00037F01")]
    [InlineData(WasmFeatures.MutableGlobals, "0606017F0141000B0705010161 0300")]
    public void A_proposal_that_is_off_is_named(WasmFeatures feature, string sections)
    {
        byte[] bytes = Convert.FromHexString("0061736D01000000" + sections.Replace(" ", "", StringComparison.Ordinal));
        UnsupportedModuleException exception = Assert.Throws<UnsupportedModuleException>(() => ModuleDecoder.Decode(bytes, WasmFeatures.All & ~feature));
        Assert.Equal(feature, exception.Feature);
        Assert.Contains("switched off", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_malformed_is_malformed_whatever_is_off()
    {
        byte[] module = BinaryModules.Module(BinaryModules.Section(SectionId.Type, [1, 0x60, 1, 0x40, 0]));
        Assert.StartsWith(
            "malformed reference type",
            Assert.Throws<MalformedModuleException>(() => ModuleDecoder.Decode(module, WasmFeatures.None)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Locals_have_a_limit()
    {
        Assert.Equal(50_000, Assert.Single(DecodeWithLocals([1, .. BinaryModules.U32(50_000), 0x7F]).Bodies).LocalCount);
        Assert.Equal(50_000, Assert.Single(DecodeWithLocals([2, .. BinaryModules.U32(49_999), 0x7F, 1, 0x7E]).Bodies).LocalCount);
        UnsupportedModuleException limit = Assert.Throws<UnsupportedModuleException>(() => DecodeWithLocals([2, .. BinaryModules.U32(50_000), 0x7F, 1, 0x7E]));
        Assert.StartsWith("too many locals: 50001, the limit is 50000", limit.Message, StringComparison.Ordinal);
        Assert.Equal(WasmFeatures.None, limit.Feature);

        MalformedModuleException overflow = Assert.Throws<MalformedModuleException>(
            () => DecodeWithLocals([2, .. BinaryModules.U32(uint.MaxValue), 0x7F, 1, 0x7E]));
        Assert.StartsWith("too many locals: 4294967296", overflow.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "DV-06")]
    public void Parameters_and_results_have_limits()
    {
        Assert.Equal(1000, DecodeFunctionType(1000, 1000).Results.Length);
        Assert.StartsWith("too many parameters: 1001", Assert.Throws<UnsupportedModuleException>(() => DecodeFunctionType(1001, 0)).Message, StringComparison.Ordinal);
        Assert.StartsWith("too many results: 1001", Assert.Throws<UnsupportedModuleException>(() => DecodeFunctionType(0, 1001)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "DV-04")]
    public void Declared_counts_allocate_nothing()
    {
        foreach ((string name, byte[] module) in ModulesWithHugeCounts())
        {
            // Whatever a first throw allocates once is not the module's.
            _ = Assert.ThrowsAny<WasmException>(() => ModuleDecoder.Decode(module, WasmFeatures.All));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                _ = ModuleDecoder.Decode(module, WasmFeatures.All);
                Assert.Fail(name);
            }
            catch (WasmException)
            {
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < 64 * 1024, $"{name}: {allocated} bytes");
            Assert.True(module.Length <= 40, $"{name}: {module.Length} bytes");
        }
    }

    [Fact]
    [Trait("Security", "DV-04")]
    public void A_count_allocates_no_more_than_the_bytes_behind_it_can_fill()
    {
        // 1 MiB of zero bytes behind a declared count of nearly as many: the first item is malformed, room is made for those that fit.
        foreach (SectionId id in Enum.GetValues<SectionId>())
        {
            if (id is SectionId.Custom or SectionId.Start or SectionId.DataCount)
            {
                continue;
            }

            byte[] module = BinaryModules.Module(BinaryModules.Section(id, [.. BinaryModules.U32(1_000_000), .. Enumerable.Repeat((byte)0xFE, 1 << 20)]));
            long before = GC.GetAllocatedBytesForCurrentThread();
            _ = Assert.ThrowsAny<WasmException>(() => ModuleDecoder.Decode(module, WasmFeatures.All));
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < 16L * module.Length, $"{id}: {allocated} bytes for a module of {module.Length}");
        }
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    [Trait("Security", "DV-03")]
    public void Numbers_are_held_to_their_width_wherever_they_stand(string place, string before, string after)
    {
        _ = place;
        AssertMalformed("integer representation too long", before + "808080808000" + after);
        AssertMalformed("integer too large", before + "8080808010" + after);
        AssertMalformed("integer too large", before + "FFFFFFFF7F" + after);
    }

    public static TheoryData<string, string, string> Numbers => new()
    {
        { "section size", "01", "" },
        { "number of types", "0110", "" },
        { "number of parameters", "01100160", "" },
        { "number of results", "0110016000", "" },
        { "recursion group", "0110014E", "" },
        { "number of supertypes", "01100150", "" },
        { "number of fields", "0110015F", "" },
        { "number of imports", "0210", "" },
        { "length of a module name", "021001", "" },
        { "length of an import name", "02100100", "" },
        { "imported type index", "021001000000", "" },
        { "number of functions", "0310", "" },
        { "type index", "031001", "" },
        { "number of tables", "0410", "" },
        { "number of memories", "0510", "" },
        { "number of globals", "0610", "" },
        { "number of exports", "0710", "" },
        { "length of an export name", "071001", "" },
        { "export index", "0710010000", "" },
        { "start function", "0810", "" },
        { "number of element segments", "0910", "" },
        { "kind of element segment", "091001", "" },
        { "table of element segment", "09100102", "" },
        { "number of elements", "0910010041000B", "" },
        { "element", "0910010041000B01", "" },
        { "number of bodies", "0A10", "" },
        { "size of body", "0A1001", "" },
        { "number of locals", "0A100110", "" },
        { "locals", "0A10011001", "" },
        { "number of data segments", "0B10", "" },
        { "kind of data segment", "0B1001", "" },
        { "memory of data segment", "0B100102", "" },
        { "length of data", "0B10010041000B", "" },
        { "data count", "0C10", "" },
        { "number of tags", "0D10", "" },
        { "type of tag", "0D100100", "" },
        { "length of the name of a custom section", "0010", "" },
        { "global index in a constant expression", "0610017F0023", "" },
    };

    [Fact]
    [Trait("Security", "DV-07")]
    public void Names_of_imports_exports_and_custom_sections_must_be_UTF8()
    {
        byte[] bad = [0xED, 0xA0, 0x80];
        AssertMalformed("malformed UTF-8 encoding", [1, 3, .. bad, 0, 0, 0], SectionId.Import);
        AssertMalformed("malformed UTF-8 encoding", [1, 0, 3, .. bad, 0, 0], SectionId.Import);
        AssertMalformed("malformed UTF-8 encoding", [1, 3, .. bad, 0, 0], SectionId.Export);
        AssertMalformed("malformed UTF-8 encoding", [3, .. bad], SectionId.Custom);
    }

    [Fact]
    [Trait("Security", "DV-07")]
    public void Custom_sections_are_kept_whatever_is_in_them()
    {
        byte[] junk = [0xFF, 0xFE, 0x00, 0x80];
        WasmModule module = ModuleDecoder.Decode(BinaryModules.Module(
            BinaryModules.Custom("name", junk),
            BinaryModules.OneType,
            BinaryModules.Custom("name", []),
            BinaryModules.Custom("", junk),
            BinaryModules.OneFunction,
            BinaryModules.CodeSection(EmptyBody),
            BinaryModules.Custom("name", junk)));

        Assert.Equal(["name", "name", "", "name"], module.CustomSections.Select(section => section.Name));
        Assert.Equal([SectionId.Custom, SectionId.Type, SectionId.Type, SectionId.Code], module.CustomSections.Select(section => section.PrecedingSection));
        Assert.Equal(junk, module.Bytes.Slice(module.CustomSections[2].Content.Start, module.CustomSections[2].Content.Length).ToArray());
    }

    [Fact]
    [Trait("Security", "DV-07")]
    public void Custom_sections_end_where_their_size_says()
    {
        AssertMalformed("unexpected end", "0002046E616D65");
        AssertMalformed("length out of bounds", "00FF01046E616D65");
    }

    private static void AssertMalformed(string message, string sections)
    {
        byte[] bytes = Convert.FromHexString("0061736D01000000" + sections + "00000000000000000000000000000000");
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => ModuleDecoder.Decode(bytes, WasmFeatures.All));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }

    private static void AssertMalformed(string message, ReadOnlySpan<byte> content, SectionId id)
    {
        byte[] module = BinaryModules.Module(BinaryModules.Section(id, content));
        Assert.StartsWith(message, Assert.Throws<MalformedModuleException>(() => ModuleDecoder.Decode(module)).Message, StringComparison.Ordinal);
    }

    private static WasmModule DecodeWithLocals(ReadOnlySpan<byte> locals) => ModuleDecoder.Decode(BinaryModules.WithBody([.. locals, 0x0B]));

    private static FunctionType DecodeFunctionType(int parameters, int results)
    {
        byte[] type =
        [
            1, 0x60,
            .. BinaryModules.U32((uint)parameters), .. Enumerable.Repeat((byte)0x7F, parameters),
            .. BinaryModules.U32((uint)results), .. Enumerable.Repeat((byte)0x7E, results),
        ];
        return ModuleDecoder.Decode(BinaryModules.Module(BinaryModules.Section(SectionId.Type, type))).GetFunctionType(0);
    }

    private static IEnumerable<(string Name, byte[] Module)> ModulesWithHugeCounts()
    {
        foreach ((string place, string before, string _) in Numbers.Select(row => row.Data))
        {
            if (place.StartsWith("number", StringComparison.Ordinal) || place.StartsWith("length", StringComparison.Ordinal) || place is "recursion group" or "size of body" or "section size" or "locals")
            {
                yield return (place, Convert.FromHexString("0061736D01000000" + before + "FFFFFFFF0F" + "7F0000"));
            }
        }

        yield return ("labels of br_table", BinaryModules.Module(BinaryModules.Section(SectionId.Global, [1, 0x7F, 0, 0x0E, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0])));
        yield return ("types of select", BinaryModules.Module(BinaryModules.Section(SectionId.Global, [1, 0x7F, 0, 0x1C, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0])));
        yield return ("clauses of try_table", BinaryModules.Module(BinaryModules.Section(SectionId.Global, [1, 0x7F, 0, 0x1F, 0x40, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0])));
    }
}
