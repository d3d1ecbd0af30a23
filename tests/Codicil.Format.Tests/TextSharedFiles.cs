namespace Codicil.Format.Tests;

/// <summary>The conformance data beside the repository; without it a test is skipped, unless CODICIL_REQUIRE_SHARED=1.</summary>
internal static class TextSharedFiles
{
    public static string Directory(string relativePath)
    {
        string path = Path.Combine(Root() ?? "", relativePath);
        if (Root() is null || !System.IO.Directory.Exists(path))
        {
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CODICIL_REQUIRE_SHARED") != "1", $"no shared directory {relativePath}: set CODICIL_SHARED");
            Assert.Fail($"CODICIL_REQUIRE_SHARED=1, but there is no shared directory {relativePath}");
        }

        return path;
    }

    public static string[] Files(string relativePath, string pattern)
    {
        string[] files = System.IO.Directory.GetFiles(Directory(relativePath), pattern, SearchOption.AllDirectories);
        Array.Sort(files, StringComparer.Ordinal);
        Assert.NotEmpty(files);
        return files;
    }

    private static string? Root()
    {
        if (Environment.GetEnvironmentVariable("CODICIL_SHARED") is { Length: > 0 } shared)
        {
            return shared;
        }

        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Codicil.slnx")))
            {
                string beside = Path.Combine(directory.Parent?.FullName ?? "", "shared");
                return System.IO.Directory.Exists(beside) ? beside : null;
            }
        }

        return null;
    }
}
