using System.Text.RegularExpressions;

namespace Codicil.Plugins.Tests.Documents;

/// <summary>The C# in documents is that which tests run.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] s_documents =
        ["README.md", "docs/plugins.md", "docs/from-extism.md", "docs/http.md", "docs/hosting.md", "docs/observability.md", "docs/wasi.md", "src/Codicil/README.md", "src/Codicil.Plugins/README.md"];

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
    public void Every_block_of_csharp_about_instructions_stands_in_the_source()
    {
        string[] sources = [.. ((string[])["src/Codicil.Format/Instructions", "src/Codicil/Semantics"]).SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Fixtures.Root, folder), "*.cs")).Select(Lines)];
        foreach (string block in Snippets.FromDocument(Path.Combine(Fixtures.Root, "docs/adding-an-instruction.md")).SelectMany(static block => block.Split("\n\n")))
        {
            Assert.Contains(sources, source => source.Contains(block, StringComparison.Ordinal));
        }

        static string Lines(string file) => string.Join('\n', File.ReadLines(file).Select(static line => line.Trim()));
    }

    // None is forgotten: what is no C# of ours says so by its fence.
    [Fact]
    public void Every_document_with_csharp_is_one_of_these()
    {
        string[] known = [.. s_documents, "docs/adding-an-instruction.md"];
        Assert.Empty(AllDocuments().Where(static document => Snippets.FromDocument(document).Count != 0).Select(static document => Path.GetRelativePath(Fixtures.Root, document)).Except(known));
    }

    [Fact]
    public void Every_link_between_documents_leads_somewhere()
    {
        List<string> broken = [];
        foreach (string document in AllDocuments())
        {
            foreach (Match match in Link().Matches(File.ReadAllText(document)))
            {
                string path = match.Groups["path"].Value;
                string anchor = match.Groups["anchor"].Value;
                string target = path.Length == 0 ? document : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(document)!, path));
                if (!Path.Exists(target) || (anchor.Length != 0 && !Anchors(target).Contains(anchor)))
                {
                    broken.Add($"{Path.GetRelativePath(Fixtures.Root, document)}: {match.Value}");
                }
            }
        }

        Assert.Empty(broken);
    }

    private static IEnumerable<string> AllDocuments()
    {
        string[] folders = ["docs", "samples", "src", "bench", "fuzz"];
        IEnumerable<string> below = folders.SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Fixtures.Root, folder), "*.md", SearchOption.AllDirectories));
        return Directory.EnumerateFiles(Fixtures.Root, "*.md").Concat(below.Where(static path => !IsBuilt(path)));
    }

    private static bool IsBuilt(string path) => path.Split(Path.DirectorySeparatorChar).Any(static part => part is "bin" or "obj" or "node_modules");

    // The headings as they are linked to: small letters, no punctuation, hyphens for spaces.
    private static HashSet<string> Anchors(string document) =>
        [.. File.ReadLines(document).Where(static line => line.StartsWith('#')).Select(static line =>
            string.Concat(line.TrimStart('#').Trim().ToLowerInvariant().Where(static c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-'))];

    [GeneratedRegex(@"\]\((?!https?://)(?<path>[^)#:\s]*)(?:#(?<anchor>[^)\s]+))?\)")]
    private static partial Regex Link();
}
