namespace Codicil.Cli.Tests;

/// <summary>A folder of a test's own for its modules, removed afterwards.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("codicil-cli-").FullName;

    /// <summary>A path in the folder.</summary>
    public string this[string name] => Path.Combine(_folder, name);

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
