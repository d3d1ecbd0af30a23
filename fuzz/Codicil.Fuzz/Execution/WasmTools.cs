using System.Diagnostics;

namespace Codicil.Fuzz.Execution;

/// <summary>The Bytecode Alliance's toolbox: generator of modules and a second opinion on their form. A process for each request.</summary>
internal sealed class WasmTools(string path)
{
    /// <summary>Finds the toolbox in the folder of shared data: <c>CODICIL_SHARED</c>, or beside the repository.</summary>
    public static WasmTools? Find()
    {
        string? shared = Environment.GetEnvironmentVariable("CODICIL_SHARED");
        for (string? folder = AppContext.BaseDirectory; shared is null && folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Codicil.slnx")) && Path.GetDirectoryName(folder) is { } parent)
            {
                shared = Path.Combine(parent, "shared");
            }
        }

        string path = Path.Combine(shared ?? "", "tools", "linux-x64", "wasm-tools");
        return OperatingSystem.IsLinux() && File.Exists(path) ? new WasmTools(path) : null;
    }

    /// <summary>The folder of shared data that the toolbox lies in.</summary>
    public string Shared => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));

    /// <summary>Runs a command with input on standard input.</summary>
    public async Task<(int ExitCode, byte[] Output, string Errors)> RunAsync(byte[] input, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(path) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException(path + " did not start.");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        Task copy = process.StandardOutput.BaseStream.CopyToAsync(output);
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It may end before it has read everything.
        }

        await copy.ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        return (process.ExitCode, output.ToArray(), await errors.ConfigureAwait(false));
    }
}
