using System.Text.RegularExpressions;

namespace Codicil.Tests.Documents;

/// <summary>The traits in the sources of all test projects: what is proven is read where it is written, without loading every assembly.</summary>
internal static partial class SourceTraits
{
    /// <summary>For each value of a trait the test classes that carry it, in ordinal order.</summary>
    public static IReadOnlyDictionary<string, SortedSet<string>> Find(string trait)
    {
        var classes = new Dictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (string path in Repository.SourceFiles("tests"))
        {
            Scan(File.ReadLines(Path.Combine(Repository.Root, path)), trait, classes);
        }

        return classes;
    }

    // A trait stands in front of its class or of a method of the class that was declared last.
    internal static void Scan(IEnumerable<string> lines, string trait, Dictionary<string, SortedSet<string>> classes)
    {
        string? declared = null;
        var waiting = new List<string>();
        foreach (string line in lines)
        {
            foreach (Match match in TraitPattern.Matches(line))
            {
                if (match.Groups["name"].Value == trait)
                {
                    waiting.Add(match.Groups["value"].Value);
                }
            }

            Match type = ClassPattern.Match(line);
            Match method = MethodPattern.Match(line);
            if (type.Success)
            {
                declared = type.Groups["name"].Value;
            }

            if ((!type.Success && !method.Success) || declared is null)
            {
                continue;
            }

            foreach (string value in waiting)
            {
                if (!classes.TryGetValue(value, out SortedSet<string>? names))
                {
                    classes.Add(value, names = new SortedSet<string>(StringComparer.Ordinal));
                }

                names.Add(declared);
            }

            waiting.Clear();
        }

        Assert.Empty(waiting);
    }

    [GeneratedRegex("""^\s*\[.*?\bTrait\("(?<name>\w+)", "(?<value>[^"]+)"\)""")]
    private static partial Regex TraitPattern { get; }

    [GeneratedRegex("""^\s*(public|internal) (\w+ )*class (?<name>\w+)""")]
    private static partial Regex ClassPattern { get; }

    [GeneratedRegex("""^\s+public (async |static )*[\w<>\[\]?., ]+ \w+\(""")]
    private static partial Regex MethodPattern { get; }
}
