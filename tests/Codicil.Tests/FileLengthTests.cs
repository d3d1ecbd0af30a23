using System.Text.RegularExpressions;

namespace Codicil.Tests;

/// <summary>A file of more than 600 lines is one thing that cannot be two, and docs/decisions.md says why.</summary>
public sealed partial class FileLengthTests
{
    private const int MaximumLines = 600;

    private static readonly string[] s_folders = ["bench", "build", "fuzz", "samples", "src", "tests"];

    [Fact]
    public void Files_above_the_length_are_those_that_the_decisions_give_a_reason_for()
    {
        string decisions = Repository.Read("docs/decisions.md");
        Match entry = Entry().Match(decisions);
        Assert.True(entry.Success, "docs/decisions.md has no entry about long files");
        IEnumerable<string> excused = FileName().Matches(entry.Value).Select(static match => match.Groups[1].Value).Order(StringComparer.Ordinal);
        IEnumerable<string> found = s_folders.SelectMany(Repository.SourceFiles)
            .Where(static path => Repository.Read(path).AsSpan().Count('\n') > MaximumLines)
            .Select(static path => path.Split('/')[^1])
            .Order(StringComparer.Ordinal);
        Assert.Equal(excused, found);
    }

    [GeneratedRegex(@"^### Why [^\n]*longer than 600 lines\?\n(?:(?!#)[^\n]*\n)*", RegexOptions.Multiline)]
    private static partial Regex Entry();

    [GeneratedRegex(@"`([\w.]+\.cs)`")]
    private static partial Regex FileName();
}
