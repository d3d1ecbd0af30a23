namespace Codicil.Plugins.Tests;

public sealed class PluginVariablesTests
{
    [Fact]
    [Trait("Parity", "EXT-17")]
    [Trait("Security", "KH-07")]
    public void The_sum_must_stay_below_the_limit()
    {
        var variables = new PluginVariables(100);
        variables.SetFromGuest("a", new byte[58]);
        Assert.Equal(99, variables.SizeInBytes);
        variables.Clear();
        Assert.Contains("Variable store is full", Assert.Throws<PluginException>(() => variables.SetFromGuest("a", new byte[59])).Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (variables.Count, variables.SizeInBytes));
    }

    [Fact]
    [Trait("Parity", "EXT-17")]
    [Trait("Security", "KH-07")]
    public void Overwriting_does_not_count_the_old_value()
    {
        var variables = new PluginVariables(100);
        for (int i = 0; i < 10; i++)
        {
            variables.SetFromGuest("a", new byte[58]);
        }

        Assert.Throws<PluginException>(() => variables.SetFromGuest("a", new byte[59]));
        Assert.Equal(58, variables.Get("a")!.Value.Length);
        Assert.Equal(99, variables.SizeInBytes);
    }

    [Fact]
    [Trait("Security", "KH-07")]
    public void Keys_and_entries_count_and_deleting_gives_back()
    {
        var variables = new PluginVariables(1_000);
        int count = 0;
        Assert.Throws<PluginException>(new Action(() =>
        {
            while (true)
            {
                variables.SetFromGuest(FormattableString.Invariant($"ключ{count:D3}"), []);
                count++;
            }
        }));
        // Each entry: 4 x 2 + 3 bytes of key and 40 bytes beside it.
        Assert.Equal((999 / 51, 999 / 51 * 51), (count, (int)variables.SizeInBytes));
        foreach (KeyValuePair<string, ReadOnlyMemory<byte>> pair in variables.ToArray())
        {
            Assert.True(variables.Remove(pair.Key));
            Assert.False(variables.Remove(pair.Key));
        }

        Assert.Equal((0, 0), (variables.Count, variables.SizeInBytes));
    }

    [Fact]
    [Trait("Parity", "EXT-17")]
    public void The_host_is_not_limited()
    {
        var variables = new PluginVariables(0);
        variables.Set("big", new byte[10_000]);
        Assert.Equal(10_000, variables.Get("big")!.Value.Length);
        Assert.Null(variables.Get("missing"));
    }

    [Fact]
    public void Text_is_UTF8()
    {
        var variables = new PluginVariables(0);
        variables.SetString("text", "gr\u00FC\u00DFe");
        Assert.Equal("gr\u00FC\u00DFe"u8, variables.Get("text")!.Value.Span);
        Assert.Equal("gr\u00FC\u00DFe", variables.GetString("text"));
        Assert.Equal(4 + 7 + PluginVariables.BytesPerEntry, variables.SizeInBytes);
        variables.Set("bad", [0x61, 0xFF]);
        Assert.Equal("a\uFFFD", variables.GetString("bad"));
        variables.SetString("empty", "");
        Assert.Equal(("", true), (variables.GetString("empty"), variables.Contains("empty")));
        Assert.Equal((null, false), (variables.GetString("missing"), variables.Contains("missing")));
        Assert.Throws<ArgumentNullException>(() => variables.SetString("text", null!));
    }
}
