using System.Runtime.CompilerServices;

namespace Codicil.Hosting.Tests;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class Folder : IDisposable
{
    public Folder() => Path = Directory.CreateTempSubdirectory("codicil-hosting-").FullName;

    public string Path { get; }

    /// <summary>The root of the repository.</summary>
    public static string Repository { get; } = FindRepository();

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file as an editor does that replaces it whole.</summary>
    public void Replace(string name, string text)
    {
        string temporary = this[name + ".new"];
        File.WriteAllText(temporary, text);
        File.Move(temporary, this[name], overwrite: true);
    }

    /// <summary>Writes a file in place.</summary>
    public string Write(string name, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static string FindRepository([CallerFilePath] string file = "")
    {
        DirectoryInfo? directory = new(System.IO.Path.GetDirectoryName(file) is string source && Directory.Exists(source) ? source : AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(System.IO.Path.Combine(directory.FullName, "Codicil.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? AppContext.BaseDirectory;
    }
}

/// <summary>Waiting for what happens by itself, with a bound that only a fault reaches.</summary>
internal static class Eventually
{
    public static async Task IsTrueAsync(Func<bool> condition)
    {
        for (int i = 0; i < 18_000; i++)
        {
            if (condition())
            {
                return;
            }

            await Task.Delay(10);
        }

        Assert.Fail("it did not happen within 3 minutes");
    }
}
