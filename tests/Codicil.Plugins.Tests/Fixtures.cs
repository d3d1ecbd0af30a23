using System.Runtime.CompilerServices;
using System.Text;

namespace Codicil.Plugins.Tests;

/// <summary>Where modules for tests come from.</summary>
internal static class Fixtures
{
    private static readonly string? s_shared = FindShared();

    /// <summary>The root of the repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A module of the Extism Go SDK's tests; the test is skipped where they are absent.</summary>
    public static string Go(string file) => Shared("go-sdk/wasm/" + file);

    /// <summary>A module of the Extism .NET SDK's tests; the test is skipped where they are absent.</summary>
    public static string DotNet(string file) => Shared("dotnet-sdk/" + file);

    /// <summary>A module in text.</summary>
    public static PluginWasm Wat(string text, string? name = null) => PluginWasm.FromBytes(Encoding.UTF8.GetBytes(text), name);

    /// <summary>A manifest of one module in text.</summary>
    public static PluginManifest WatManifest(string text) => new() { Wasm = [Wat(text)] };

    /// <summary>An instance of one module in text.</summary>
    public static Plugin FromWat(string text, PluginOptions? options = null) => Plugin.Create(WatManifest(text), options);

    private static string Shared(string path) => SharedFile("conformance/extism/" + path);

    /// <summary>A file of the shared test data; the test is skipped where it is absent.</summary>
    public static string SharedFile(string path)
    {
        string? file = s_shared is null ? null : Path.Combine(s_shared, path);
        if (file is not null && File.Exists(file))
        {
            return file;
        }

        if (Environment.GetEnvironmentVariable("CODICIL_REQUIRE_SHARED") == "1")
        {
            Assert.Fail($"the shared file {path} is required and absent");
        }

        Assert.Skip($"needs the shared file {path}");
        return "";
    }

    private static string? FindShared()
    {
        string? path = Environment.GetEnvironmentVariable("CODICIL_SHARED");
        path ??= Path.Combine(FindRoot(), "..", "shared");
        return Directory.Exists(path) ? path : null;
    }

    private static string FindRoot([CallerFilePath] string file = "")
    {
        DirectoryInfo? directory = new(Path.GetDirectoryName(file) is string source && Directory.Exists(source) ? source : AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Codicil.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? AppContext.BaseDirectory;
    }
}
