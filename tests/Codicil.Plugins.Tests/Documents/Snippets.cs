using System.Runtime.CompilerServices;

namespace Codicil.Plugins.Tests.Documents;

/// <summary>
/// The C# of documents. Its source is the code between the comments <c>snippet: name</c> and <c>end</c> in the test classes of this folder, where it is compiled and run; the documents hold it word for word.
/// </summary>
internal static class Snippets
{
    private const string Fence = "```csharp";
    private const string Begin = "// snippet: ";
    private const string End = "// end";
    private const string Output = "// => ";

    /// <summary>The snippets of the test classes, without what all of a snippet's lines are indented by, by their names.</summary>
    public static Dictionary<string, string> FromTests { get; } = ReadTests();

    /// <summary>The blocks of C# in a document.</summary>
    public static List<string> FromDocument(string path)
    {
        List<string> blocks = [];
        List<string>? block = null;
        foreach (string line in File.ReadLines(path))
        {
            if (block is null)
            {
                block = line == Fence ? [] : null;
            }
            else if (line == "```")
            {
                blocks.Add(string.Join('\n', block));
                block = null;
            }
            else
            {
                block.Add(line);
            }
        }

        Assert.Null(block);
        return blocks;
    }

    /// <summary>What a snippet says that it prints.</summary>
    public static IEnumerable<string> OutputOf(string snippet) =>
        snippet.Split('\n').Select(static line => line.TrimStart()).Where(static line => line.StartsWith(Output, StringComparison.Ordinal)).Select(static line => line[Output.Length..]);

    private static Dictionary<string, string> ReadTests([CallerFilePath] string path = "")
    {
        string folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
        {
            folder = Path.Combine(Fixtures.Root, "tests", "Codicil.Plugins.Tests", "Documents");
        }

        Dictionary<string, string> snippets = [];
        foreach (string file in Directory.GetFiles(folder, "*Snippets.cs"))
        {
            string? name = null;
            List<string> lines = [];
            foreach (string line in File.ReadLines(file))
            {
                string text = line.TrimStart();
                if (text.StartsWith(Begin, StringComparison.Ordinal))
                {
                    name = text[Begin.Length..];
                    lines = [];
                }
                else if (text == End)
                {
                    int indent = lines.Where(static line => line.Length != 0).Min(static line => line.Length - line.TrimStart().Length);
                    snippets.Add(name!, string.Join('\n', lines.Select(line => line.Length == 0 ? line : line[indent..])));
                    name = null;
                }
                else if (name is not null)
                {
                    lines.Add(line);
                }
            }

            Assert.Null(name);
        }

        return snippets;
    }
}

/// <summary>Stands for <see cref="Console"/> in a snippet and keeps what is printed.</summary>
internal sealed class SnippetConsole
{
    private readonly List<string> _lines = [];
    private readonly List<MemoryStream> _streams = [];

    /// <summary>A stream to what is printed; what was written there comes last.</summary>
    public Stream OpenStandardOutput()
    {
        _streams.Add(new MemoryStream());
        return _streams[^1];
    }

    /// <summary>Keeps a line.</summary>
    public void WriteLine(object? value)
    {
        lock (_lines)
        {
            _lines.Add(FormattableString.Invariant($"{value}"));
        }
    }

    /// <summary>What was printed is what the snippet's comments say.</summary>
    public void AssertShown(string snippet)
    {
        _lines.AddRange(_streams.SelectMany(static stream => System.Text.Encoding.UTF8.GetString(stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(Snippets.OutputOf(Snippets.FromTests[snippet]), _lines);
        _lines.Clear();
    }
}
