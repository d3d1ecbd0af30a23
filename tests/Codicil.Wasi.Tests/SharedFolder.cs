namespace Codicil.Wasi.Tests;

/// <summary>The folder of test data that lies outside of the repository. Without it the tests that need it are skipped, or fail where CODICIL_REQUIRE_SHARED is 1.</summary>
internal static class SharedFolder
{
    /// <summary>The row a theory has when there is no data: it lets the test say so.</summary>
    public const string Absent = "(test data is absent)";

    private static readonly string? s_root = Find();

    /// <summary>A path in the folder, or null when it is not there.</summary>
    public static string? TryGetPath(string relative)
    {
        string? path = s_root is null ? null : Path.Combine(s_root, relative);
        return Path.Exists(path) ? path : null;
    }

    /// <summary>A path in the folder; skips the test when it is not there.</summary>
    public static string GetPath(string relative)
    {
        string? path = TryGetPath(relative);
        if (path is null)
        {
            const string Message = "the shared test data is not here: set CODICIL_SHARED";
            Assert.False(Environment.GetEnvironmentVariable("CODICIL_REQUIRE_SHARED") == "1", Message);
            Assert.Skip(Message);
        }

        return path;
    }

    private static string? Find()
    {
        string? given = Environment.GetEnvironmentVariable("CODICIL_SHARED");
        if (given is not null)
        {
            return given;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Codicil.slnx")))
            {
                return folder.Parent is null ? null : Path.Combine(folder.Parent.FullName, "shared");
            }
        }

        return null;
    }
}
