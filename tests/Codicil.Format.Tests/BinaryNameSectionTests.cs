using Codicil.Format.Binary;
using Codicil.Format.Modules;

namespace Codicil.Format.Tests;

/// <summary>Name sections: what they give, and that nothing in them can hurt.</summary>
public sealed class BinaryNameSectionTests
{
    [Fact]
    public void Gives_the_names_of_every_kind()
    {
        NameSection names = Names(
            [0, 3, 2, (byte)'m', (byte)'o'],
            [1, 7, 2, 0, 1, (byte)'f', 5, 1, (byte)'g'],
            [2, 11, 2, 0, 1, 0, 1, (byte)'a', 5, 1, 3, 1, (byte)'b'],
            [4, 4, 1, 2, 1, (byte)'t'],
            [7, 4, 1, 9, 1, (byte)'v']);

        Assert.Equal("mo", names.ModuleName);
        Assert.Equal("f", names.Functions[0]);
        Assert.Equal("g", names.Functions[5]);
        Assert.Null(names.Functions[1]);
        Assert.Equal(2, names.Functions.Count);
        Assert.Equal([0, 5], names.Functions.Indices.ToArray());
        Assert.Equal("a", names.LocalsOf(0)[0]);
        Assert.Equal("b", names.LocalsOf(5)[3]);
        Assert.Equal(0, names.LocalsOf(1).Count);
        Assert.Equal("t", names.Types[2]);
        Assert.Equal("v", names.Globals[9]);
        Assert.Equal(0, names.Tags.Count);
    }

    [Fact]
    public void A_module_without_a_name_section_has_no_names()
    {
        NameSection names = ModuleDecoder.Decode(BinaryModules.Module()).Names;
        Assert.Null(names.ModuleName);
        Assert.Null(names.Functions[0]);
        Assert.Null(names.LocalsOf(0)[0]);
    }

    [Fact]
    [Trait("Security", "DV-07")]
    public void Keeps_the_names_in_front_of_what_is_broken()
    {
        // The second name is longer than the subsection, whose size is right.
        NameSection names = Names([1, 8, 2, 0, 1, (byte)'f', 5, 9, (byte)'g', (byte)'h'], [7, 4, 1, 9, 1, (byte)'v']);
        Assert.Equal("f", names.Functions[0]);
        Assert.Equal(1, names.Functions.Count);
        Assert.Equal("v", names.Globals[9]);
    }

    [Fact]
    [Trait("Security", "DV-07")]
    public void Bad_UTF8_becomes_replacement_characters() =>
        Assert.Equal("\uFFFD\uFFFD!", Names([1, 6, 1, 0, 3, 0xFF, 0xFE, (byte)'!']).Functions[0]);

    [Fact]
    [Trait("Security", "DV-07")]
    public void Of_repeated_subsections_and_indices_the_first_counts_and_order_does_not_matter()
    {
        NameSection names = Names(
            [7, 4, 1, 0, 1, (byte)'v'],
            [1, 10, 3, 5, 1, (byte)'g', 0, 1, (byte)'f', 5, 1, (byte)'x'],
            [1, 4, 1, 0, 1, (byte)'z']);
        Assert.Equal("g", names.Functions[5]);
        Assert.Equal("f", names.Functions[0]);
        Assert.Equal("v", names.Globals[0]);
    }

    [Fact]
    [Trait("Security", "DV-07")]
    public void No_bytes_can_make_it_throw()
    {
        var random = new Random(7);
        byte[] good = [0, 3, 2, (byte)'m', (byte)'o', 1, 7, 2, 0, 1, (byte)'f', 5, 1, (byte)'g', 2, 11, 2, 0, 1, 0, 1, (byte)'a', 5, 1, 3, 1, (byte)'b', 7, 4, 1, 9, 1, (byte)'v'];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] content = (byte[])good.Clone();
            for (int j = random.Next(1, 4); j > 0; j--)
            {
                content[random.Next(content.Length)] = (byte)random.Next(256);
            }

            NameSection names = Names(content.AsSpan(0, random.Next(content.Length + 1)).ToArray());
            _ = names.ModuleName;
            foreach (NameMap map in (NameMap[])[names.Functions, names.Globals, names.Types, names.Tags, names.LocalsOf(0), names.LocalsOf(5), names.FieldsOf(0), names.LabelsOf(0)])
            {
                foreach (int index in map.Indices)
                {
                    Assert.NotNull(map[index]);
                }
            }
        }
    }

    private static NameSection Names(params byte[][] subsections) =>
        ModuleDecoder.Decode(BinaryModules.Module(BinaryModules.Custom("name", subsections.SelectMany(bytes => bytes).ToArray()))).Names;
}
