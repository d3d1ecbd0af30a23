using FsCheck;
using FsCheck.Fluent;

namespace Codicil.Plugins.Tests;

/// <summary>The allocator against a model: a dictionary from offsets to lengths.</summary>
public sealed class KernelBlocksTests
{
    private const int Start = 64;

    [Fact]
    [Trait("Security", "KH-01")]
    [Trait("Security", "KH-02")]
    public void Blocks_never_overlap_and_lengths_are_exact()
    {
        Gen<(int Kind, int Argument)> step =
            from kind in Gen.Choose(0, 9)
            from argument in Gen.OneOf(Gen.Choose(1, 40), Gen.Choose(1, 5_000), Gen.Choose(60_000, 70_000))
            select (kind, argument);
        Arbitrary<(int Kind, int Argument)[]> steps = Gen.ArrayOf(step, 400).ToArbitrary();
        Prop.ForAll(steps, Matches).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    [Fact]
    public void A_long_random_run_matches_the_model()
    {
        var random = new Random(20261121);
        var steps = new (int Kind, int Argument)[60_000];
        for (int i = 0; i < steps.Length; i++)
        {
            steps[i] = (i % 20_000 < 10_000 ? random.Next(10) : random.Next(3, 10), random.Next(8) == 0 ? random.Next(1, 9_000) : random.Next(1, 80));
        }

        Assert.True(Matches(steps));
    }

    [Fact]
    public void Everything_freed_gives_everything_back()
    {
        var blocks = new KernelBlocks(Start);
        var offsets = Enumerable.Range(1, 1_000).Select(blocks.Append).ToList();
        var random = new Random(7);
        foreach (int offset in offsets.OrderBy(_ => random.Next()).ToList())
        {
            Assert.True(blocks.Release(offset));
            Assert.False(blocks.Release(offset));
        }

        Assert.Equal(Start, blocks.Top);
        Assert.Equal(0, blocks.LiveCount);
        Assert.Equal(0, blocks.TryReuse(1));
    }

    [Fact]
    public void Neighbours_that_are_free_become_one_block()
    {
        var blocks = new KernelBlocks(Start);
        int[] offsets = [blocks.Append(100), blocks.Append(100), blocks.Append(100), blocks.Append(1)];
        blocks.Release(offsets[0]);
        blocks.Release(offsets[2]);
        blocks.Release(offsets[1]);
        Assert.Equal(offsets[0], blocks.TryReuse(3 * 112));
        Assert.Equal(0, blocks.TryReuse(1));
    }

    [Fact]
    public void A_reset_forgets_every_block()
    {
        var blocks = new KernelBlocks(Start);
        for (int round = 0; round < 100; round++)
        {
            int[] offsets = [.. Enumerable.Range(0, 50).Select(_ => blocks.Append(17))];
            blocks.Release(offsets[round % 49]);
            blocks.Reset();
            Assert.All(offsets, offset => Assert.Equal(-1, blocks.LengthOf(offset)));
            Assert.Equal(Start, blocks.Top);
        }
    }

    private static bool Matches((int Kind, int Argument)[] steps)
    {
        var blocks = new KernelBlocks(Start);
        var model = new SortedDictionary<int, int>();
        var freed = new List<int>();
        foreach ((int kind, int argument) in steps)
        {
            switch (kind)
            {
                case <= 4:
                    int offset = blocks.TryReuse(argument);
                    if (offset == 0)
                    {
                        offset = blocks.Append(argument);
                    }

                    Assert.True(offset >= Start && offset % KernelBlocks.Granule == 0);
                    Assert.True(model.TryAdd(offset, argument), "a live block was handed out again");
                    break;
                case <= 8 when model.Count > 0:
                    int victim = model.Keys.ElementAt(argument % model.Count);
                    Assert.True(blocks.Release(victim));
                    model.Remove(victim);
                    freed.Add(victim);
                    break;
                default:
                    if (argument % 97 == 0)
                    {
                        blocks.Reset();
                        model.Clear();
                    }

                    int stale = freed.Count > 0 ? freed[argument % freed.Count] : argument;
                    Assert.Equal(model.ContainsKey(stale), blocks.LengthOf(stale) >= 0);
                    break;
            }
        }

        int previousEnd = Start;
        foreach ((int offset, int length) in model)
        {
            Assert.True(offset >= previousEnd, "blocks overlap");
            Assert.Equal(length, blocks.LengthOf(offset));
            Assert.Equal(-1, blocks.LengthOf(offset + 1));
            previousEnd = offset + (int)KernelBlocks.CapacityOf(length);
        }

        Assert.True(blocks.Top >= previousEnd);
        Assert.Equal(model.Count, blocks.LiveCount);
        return true;
    }
}
