namespace Codicil.Wasi.Tests;

/// <summary>Real programs: run with the arguments, environment and input of their run.json, compared byte for byte.</summary>
public sealed class ProgramTests
{
    public static TheoryData<string, string, int> Applications => Cases(SharedFolder.TryGetPath("conformance/apps"));

    public static TheoryData<string, string, int> GoCommand => Cases(SharedFolder.TryGetPath("conformance/go-plugin/command"));

    [Theory]
    [MemberData(nameof(Applications))]
    public void Applications_do_what_they_do_elsewhere(string name, string path, int index) => Run(name, path, index);

    [Theory]
    [MemberData(nameof(GoCommand))]
    public void A_go_program_does_what_it_does_elsewhere(string name, string path, int index) => Run(name, path, index);

    [Theory]
    [MemberData(nameof(GoCommand))]
    public void A_go_program_does_the_same_with_files_in_memory(string name, string path, int index) => Run(name, path, index, FileStorageKind.Memory);

    private static void Run(string name, string path, int index, FileStorageKind storage = FileStorageKind.Host)
    {
        if (name == SharedFolder.Absent)
        {
            SharedFolder.GetPath("conformance/apps");
        }

        if (name.StartsWith("coremark/", StringComparison.Ordinal) && Environment.GetEnvironmentVariable("CODICIL_LONG_TESTS") != "1")
        {
            Assert.Skip("runs for 10 s and more by design: set CODICIL_LONG_TESTS=1");
        }

        ProgramCase.FromRunFile(path, index, storage).Run();
    }

    private static TheoryData<string, string, int> Cases(string? folder)
    {
        var data = new TheoryData<string, string, int>();
        if (folder is null)
        {
            data.Add(SharedFolder.Absent, "", 0);
            return data;
        }

        string[] files = Directory.GetFiles(folder, "run.json", SearchOption.AllDirectories);
        Array.Sort(files, StringComparer.Ordinal);
        foreach ((string path, int index, string name) in ProgramCase.Enumerate(files))
        {
            data.Add(name, path, index);
        }

        return data;
    }
}
