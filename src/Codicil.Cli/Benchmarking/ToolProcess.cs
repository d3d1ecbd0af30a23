using System.Diagnostics;

namespace Codicil.Cli.Benchmarking;

/// <summary>Starts the tool itself or a peer as a fresh process and hands back what it printed.</summary>
internal static class ToolProcess
{
    /// <summary>What a finished process left: its output, and the time from before its start to after its end.</summary>
    public readonly record struct Result(int ExitCode, string Output, string Errors, TimeSpan Elapsed);

    /// <summary>The command that starts this tool again.</summary>
    public static (string FileName, string[] Arguments) Self()
    {
        string process = Environment.ProcessPath ?? throw new InvalidOperationException("the path of the process is unknown");
        return Path.GetFileNameWithoutExtension(process) == "dotnet"
            ? (process, [Path.Combine(AppContext.BaseDirectory, "Codicil.Cli.dll")])
            : (process, []);
    }

    public static Result RunSelf(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        (string fileName, string[] first) = Self();
        return Run(fileName, [.. first, .. arguments], environment);
    }

    public static Result Run(string fileName, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(fileName, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{fileName} did not start");
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Result(process.ExitCode, output, errors.GetAwaiter().GetResult(), Stopwatch.GetElapsedTime(begin));
    }
}
