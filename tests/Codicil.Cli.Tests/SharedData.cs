namespace Codicil.Cli.Tests;

/// <summary>Conformance data outside the repository: at <c>$CODICIL_SHARED</c>, else at <c>../shared</c> beside the repository.</summary>
internal static class SharedData
{
    /// <summary>The repository's root, or null when the tests run outside of it.</summary>
    public static string? Repository { get; } = FindRepository();

    /// <summary>The folder, or null when there is none.</summary>
    public static string? Folder { get; } = FindFolder();

    /// <summary>Whether a missing folder is a failure.</summary>
    public static bool IsRequired => Environment.GetEnvironmentVariable("CODICIL_REQUIRE_SHARED") == "1";

    /// <summary>A path in the folder; without the folder the test is skipped, or fails where the data is required.</summary>
    public static string Get(params ReadOnlySpan<string> parts)
    {
        if (Folder is null)
        {
            Assert.False(IsRequired, "the conformance data is required but not there");
            Assert.Skip("the conformance data is not there");
        }

        return Path.Combine([Folder, .. parts]);
    }

    private static string? FindFolder()
    {
        string? folder = Environment.GetEnvironmentVariable("CODICIL_SHARED") is { Length: > 0 } named ? named
            : Repository is null ? null
            : Path.Combine(Path.GetDirectoryName(Repository)!, "shared");
        return Directory.Exists(folder) ? Path.GetFullPath(folder) : null;
    }

    private static string? FindRepository()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Codicil.slnx")))
        {
            at = at.Parent;
        }

        return at?.FullName;
    }
}
