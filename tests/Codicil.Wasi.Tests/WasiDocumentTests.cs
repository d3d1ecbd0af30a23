using System.Globalization;
using System.Runtime.CompilerServices;

using Codicil.Wasi.Tests.GoTyped;

namespace Codicil.Wasi.Tests;

/// <summary>The counts of suites in docs/wasi.md are those of the data: what is listed there runs in this project, each case a test. CODICIL_UPDATE_DOCUMENTS=1 writes them anew.</summary>
public sealed class WasiDocumentTests
{
    private const string Begin = "<!-- counts of suites: written by WasiDocumentTests -->\n";
    private const string End = "<!-- end of counts -->\n";

    [Fact]
    public void The_counts_of_suites_are_those_of_the_data()
    {
        SharedFolder.GetPath("conformance/wasi-p1");
        string path = Path.Combine(FindRoot(), "docs", "wasi.md");
        string text = File.ReadAllText(path);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= Begin.Length && end >= begin, "docs/wasi.md has no place for the counts");
        string expected = Counts();
        if (Environment.GetEnvironmentVariable("CODICIL_UPDATE_DOCUMENTS") == "1")
        {
            text = text[..begin] + expected + text[end..];
            File.WriteAllText(path, text);
            end = text.IndexOf(End, StringComparison.Ordinal);
        }

        Assert.Equal(expected, text[begin..end]);
    }

    private static string Counts()
    {
        string[] suite = [.. WasiSuiteTests.Tests.Select(static row => row.Data.Item1)];
        int files = suite.GroupBy(static test => test).Count(static test => test.Count() > 1);
        int threads = WasiThreadSuiteTests.Tests.Select(static row => row.Data.Item1).Distinct().Count();
        string[] applications = [.. ProgramTests.Applications.Select(static row => row.Data.Item1)];
        int programs = applications.Select(static name => name[..name.LastIndexOf('/')]).Distinct().Count();
        return string.Create(CultureInfo.InvariantCulture, $"""
            | suite | cases | how |
            |---|---|---|
            | wasi-testsuite, preview 1 | {suite.Distinct().Count()} | {files} of them have files, each on {Enum.GetValues<FileStorageKind>().Length} kinds of file systems: {suite.Length} runs |
            | wasi-testsuite, wasi-threads | {threads} | in both memory modes, each in a process of its own |
            | {programs} programs compiled by other people | {applications.Length} | on directories of the host |
            | a command by Go's compiler | {ProgramTests.GoCommand.Count} | on directories of the host, and in memory |
            | a plug-in by Go's compiler, all types of exports and imports | {GoTypedTests.Cases.Count} | through the embedding API |

            """).ReplaceLineEndings("\n");
    }

    private static string FindRoot([CallerFilePath] string file = "")
    {
        DirectoryInfo? folder = new(Path.GetDirectoryName(file) is string source && Directory.Exists(source) ? source : AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Codicil.slnx")))
        {
            folder = folder.Parent;
        }

        return folder!.FullName;
    }
}
