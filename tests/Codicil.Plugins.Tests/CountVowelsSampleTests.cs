namespace Codicil.Plugins.Tests;

/// <summary>The sample plug-in of this repository.</summary>
public sealed class CountVowelsSampleTests
{
    private static readonly string s_folder = Path.Combine(Fixtures.Root, "samples", "count-vowels-plugin");

    [Theory]
    [InlineData("count_vowels.wasm")]
    [InlineData("count_vowels.wat")]
    public void Counts_and_keeps_the_total(string file)
    {
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile(Path.Combine(s_folder, file)));
        Assert.Equal("""{"count":3,"total":3,"vowels":"aeiouAEIOU"}""", plugin.Call("count_vowels", "Hello, World!"));
        Assert.Equal("""{"count":0,"total":3,"vowels":"aeiouAEIOU"}""", plugin.Call("count_vowels", ""));
        Assert.Equal("""{"count":5000,"total":5003,"vowels":"aeiouAEIOU"}""", plugin.Call("count_vowels", new string('a', 5000)));
        plugin.Config["vowels"] = "yY\"\\\n";
        Assert.Equal("""{"count":2,"total":5005,"vowels":"yY\"\\"}""", plugin.Call("count_vowels", "Yes \"sir"));
    }

    [Fact]
    public void The_built_module_is_the_text_built()
    {
        byte[] text = File.ReadAllBytes(Path.Combine(s_folder, "count_vowels.wat"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(s_folder, "count_vowels.wasm")), Codicil.Format.Text.Wat.Parse(text).ToArray());
    }
}
