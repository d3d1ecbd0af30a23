using System.ComponentModel;
using System.Diagnostics;

namespace Codicil.Plugins.Tests;

/// <summary>The modules of samples/guests are their sources built, where the compilers that built them are installed. AssemblyScript's comes from a registry, and text has a test of its own.</summary>
public sealed class GuestBuildTests
{
    [Theory]
    [InlineData("c", "CLANG", "clang", "14.0.6")]
    [InlineData("rust", "RUSTC", "rustc", "1.63.0")]
    public void The_built_modules_are_their_sources_built(string guest, string variable, string compiler, string version)
    {
        // A distribution's own compiler may stand behind another one on the path.
        string? found = Array.Find([compiler, "/usr/bin/" + compiler], path => Run(path, ["--version"])?.Output.Contains(version, StringComparison.Ordinal) == true);
        if (found is null)
        {
            Assert.Skip($"needs {compiler} {version}");
            return;
        }

        (int exitCode, string output) = Run("sh", [Path.Combine(Fixtures.Root, "samples", "guests", "build.sh"), "check", guest], (variable, found))!.Value;
        if (output.Contains("left out", StringComparison.Ordinal))
        {
            Assert.Skip(output.Trim());
        }

        Assert.True(exitCode == 0 && output.Contains(": the same", StringComparison.Ordinal), output);
    }

    private static (int ExitCode, string Output)? Run(string file, string[] arguments, (string Name, string Value)? variable = null)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (variable is (string name, string value))
        {
            start.Environment[name] = value;
        }

        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output + errors.Result);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
