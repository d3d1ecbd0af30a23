using System.Diagnostics;
using System.Text;

namespace Codicil.Cli.Tests;

/// <summary>Runs the built tool as a child process.</summary>
internal static class CodicilProcess
{
    // A hang guard, not a time limit.
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(5);

    /// <summary>What the tool left.</summary>
    public sealed record Result(int ExitCode, byte[] OutputBytes, string Errors)
    {
        public string Output => Encoding.UTF8.GetString(OutputBytes);

        public Result AssertExitCode(int expected)
        {
            Assert.True(ExitCode == expected, $"expected exit code {expected}, found {ExitCode}\n{Output}\n{Errors}");
            return this;
        }
    }

    public static Result Run(params string[] arguments) => Run(arguments, null, null);

    public static Result Run(string[] arguments, byte[]? input, IReadOnlyDictionary<string, string>? environment)
    {
        using Process process = Start(arguments, environment);
        Task<byte[]> output = ReadAsync(process.StandardOutput.BaseStream);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.BaseStream.Write(input ?? []);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // A tool that refuses its arguments does not read its input.
        }

        if (!process.WaitForExit(s_hang))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"codicil {string.Join(' ', arguments)} hung");
        }

        return new Result(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    public static Process Start(string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        // A job in the background of a shell ignores SIGINT, and its children inherit that.
        string[] tool = ["dotnet", Path.Combine(AppContext.BaseDirectory, "Codicil.Cli.dll")];
        string[] command = IgnoresInterrupt() ? ["env", "--default-signal=INT", .. tool, .. arguments] : [.. tool, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private static bool IgnoresInterrupt()
    {
        const string Field = "SigIgn:";
        const ulong Interrupt = 1UL << (2 - 1);
        return OperatingSystem.IsLinux()
            && File.ReadLines("/proc/self/status").FirstOrDefault(static line => line.StartsWith(Field, StringComparison.Ordinal)) is string ignored
            && (ulong.Parse(ignored.AsSpan(Field.Length).Trim(), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture) & Interrupt) != 0;
    }

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        using var buffer = new MemoryStream();
        await stream.CopyToAsync(buffer);
        return buffer.ToArray();
    }
}
