namespace Codicil.Plugins.Tests.Documents;

/// <summary>The C# in documents is that which tests run.</summary>
public sealed class DocumentTests
{
    private static readonly string[] s_documents = ["README.md", "docs/plugins.md", "docs/from-extism.md", "src/Codicil/README.md", "src/Codicil.Plugins/README.md"];

    [Fact]
    public void Every_block_of_csharp_in_the_documents_is_compiled_and_run_by_a_test()
    {
        HashSet<string> snippets = [.. Snippets.FromTests.Values];
        foreach (string document in s_documents)
        {
            foreach (string block in Snippets.FromDocument(Path.Combine(Fixtures.Root, document)))
            {
                Assert.True(snippets.Contains(block), $"{document}: no snippet of a test is this block:\n{block}");
            }
        }
    }

    [Fact]
    public void Every_snippet_of_a_test_stands_in_a_document()
    {
        HashSet<string> blocks = [.. s_documents.SelectMany(static document => Snippets.FromDocument(Path.Combine(Fixtures.Root, document)))];
        Assert.All(Snippets.FromTests, pair => Assert.True(blocks.Contains(pair.Value), $"the snippet {pair.Key} stands in no document"));
    }

    [Fact]
    public void Every_link_between_documents_leads_somewhere()
    {
        foreach (string document in (string[])[.. s_documents, "samples/guests/README.md", "samples/count-vowels-plugin/README.md"])
        {
            string text = File.ReadAllText(Path.Combine(Fixtures.Root, document));
            foreach (System.Text.RegularExpressions.Match match in System.Text.RegularExpressions.Regex.Matches(text, @"\]\((?<target>[^)#:]+)(#[^)]*)?\)"))
            {
                string target = Path.Combine(Fixtures.Root, Path.GetDirectoryName(document)!, match.Groups["target"].Value);
                Assert.True(Path.Exists(target), $"{document}: {match.Value} leads nowhere");
            }
        }
    }
}
