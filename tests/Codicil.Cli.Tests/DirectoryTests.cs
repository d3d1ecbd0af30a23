namespace Codicil.Cli.Tests;

public sealed class DirectoryTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    [Trait("Security", "CI-02")]
    [Trait("Parity", "PGW-06")]
    [Trait("Parity", "WTG-21")]
    public void A_guest_has_the_directories_that_it_is_given()
    {
        string host = Directory.CreateDirectory(_scratch["data"]).FullName;
        string module = _scratch.Write("copy.wat", Guests.CopyFile);
        _scratch.Write("data/in.txt", "content");
        CodicilProcess.Run("run", "--dir", $"{host}::/guest", module).AssertExitCode(0);
        Assert.Equal("content", File.ReadAllText(_scratch["data/out.txt"]));
        File.Delete(_scratch["data/out.txt"]);
        const int ReadOnly = 69;
        CodicilProcess.Run("run", "--dir", $"{host}::/guest:ro", module).AssertExitCode(ReadOnly);
        Assert.False(File.Exists(_scratch["data/out.txt"]));

        // Named as it was typed, and in the order of the options.
        CodicilProcess.Run("run", "--dir", $"{host}", "--dir", $"{_scratch["."]}::/other", module).AssertExitCode(0);
        const int BadDescriptor = 8;
        CodicilProcess.Run("run", module).AssertExitCode(BadDescriptor);
    }

    [Fact]
    public void Directories_that_cannot_be_had_are_refused()
    {
        string module = _scratch.Write("copy.wat", Guests.CopyFile);
        Assert.Contains("no such directory", CodicilProcess.Run("run", "--dir", _scratch["nowhere"], module).AssertExitCode(66).Errors, StringComparison.Ordinal);
        Assert.Contains("is not a directory", CodicilProcess.Run("run", "--dir", module, module).AssertExitCode(66).Errors, StringComparison.Ordinal);
        foreach (string text in (string[])["", "::/x", ".::", ":ro", "../x", ".::/a/../b"])
        {
            CodicilProcess.Run("run", "--dir", text, module).AssertExitCode(64);
        }
    }

    [Fact]
    [Trait("Security", "CI-02")]
    public void A_listener_comes_after_the_directories()
    {
        string module = _scratch.Write("ambient.wat", Guests.Ambient);
        const int NotSocket = 57;
        Assert.Equal($"0\n0\n{NotSocket}\n", CodicilProcess.Run("run", "--listen", "127.0.0.1:0", "--dir", _scratch["."], "--invoke", "ambient", module).AssertExitCode(0).Output);
    }

    [Fact]
    [Trait("Parity", "EXT-21")]
    public void A_plug_in_has_the_directories_that_it_is_allowed()
    {
        // The allowed paths come first: the plug-in looks into the first directory.
        const int NotHere = 44;
        string host = Directory.CreateDirectory(_scratch["data"]).FullName;
        string plugin = _scratch.Write("copy.wat", Guests.CopyFile.Replace("\"_start\"", "\"copy\"", StringComparison.Ordinal));
        _scratch.Write("data/in.txt", "content");
        CodicilProcess.Run("call", "--wasi", "--allow-path", $"{host}::/guest", plugin, "copy").AssertExitCode(0);
        Assert.Equal("content", File.ReadAllText(_scratch["data/out.txt"]));
        File.Delete(_scratch["data/out.txt"]);
        CodicilProcess.Run("call", "--wasi", "--allow-path", $"{host}::/guest:ro", plugin, "copy").AssertExitCode(69);
        Assert.False(File.Exists(_scratch["data/out.txt"]));
        string other = Directory.CreateDirectory(_scratch["other"]).FullName;
        CodicilProcess.Run("call", "--wasi", "--dir", $"{host}::/guest", "--allow-path", $"{other}::/other", plugin, "copy").AssertExitCode(NotHere);
        CodicilProcess.Run("call", "--wasi", "--dir", $"{host}::/guest", plugin, "copy").AssertExitCode(0);
        Assert.Equal("content", File.ReadAllText(_scratch["data/out.txt"]));
        Assert.Contains("--wasi", CodicilProcess.Run("call", "--allow-path", host, plugin, "copy").AssertExitCode(64).Errors, StringComparison.Ordinal);
    }
}
