using System.Diagnostics;
using System.Text;

namespace Codicil.Fuzz.Execution;

/// <summary>A child process that answers a line with a line. It is started when needed, and again after it died. Not thread-safe.</summary>
/// <param name="file">The program.</param>
/// <param name="arguments">Its arguments.</param>
/// <param name="processorTime">What it may compute for one answer: on a busy machine that takes longer, or much longer.</param>
internal sealed class LineProcess(string file, IReadOnlyList<string> arguments, TimeSpan processorTime) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(20);

    private Process? _process;
    private StringBuilder _errors = new();

    /// <summary>How often it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>How many requests it has answered since it was started.</summary>
    public int Answers { get; private set; }

    /// <summary>The answer, or <c>died ...</c> or <c>hung</c>: then the next request goes to a new process.</summary>
    public async Task<string> AskAsync(string request)
    {
        Process process = _process ??= Start();
        try
        {
            await process.StandardInput.WriteAsync((request + "\n").AsMemory()).ConfigureAwait(false);
            await process.StandardInput.FlushAsync().ConfigureAwait(false);
            string? answer = await ReadAsync(process).ConfigureAwait(false);
            if (answer is not null)
            {
                Answers++;
                return answer;
            }
        }
        catch (TimeoutException)
        {
            Stop();
            return "hung";
        }
        catch (IOException)
        {
            // The pipe is broken: the process has died.
        }

        await process.WaitForExitAsync().ConfigureAwait(false);
        string errors;
        lock (_errors)
        {
            errors = _errors.ToString().ReplaceLineEndings(" ");
        }

        string description = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"died {process.ExitCode} {errors[..Math.Min(errors.Length, 2000)]}");
        Stop();
        return description;
    }

    private async Task<string?> ReadAsync(Process process)
    {
        Task<string?> answer = process.StandardOutput.ReadLineAsync();
        if (answer.IsCompleted)
        {
            return await answer.ConfigureAwait(false);
        }

        TimeSpan before = process.TotalProcessorTime;
        for (long begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin) < s_patience;)
        {
            if (await Task.WhenAny(answer, Task.Delay(TimeSpan.FromSeconds(2))).ConfigureAwait(false) == answer)
            {
                return await answer.ConfigureAwait(false);
            }

            process.Refresh();
            if (process.HasExited || process.TotalProcessorTime - before > processorTime)
            {
                break;
            }
        }

        // One that has exited may have said its last word.
        return await answer.WaitAsync(TimeSpan.FromSeconds(process.HasExited ? 10 : 0)).ConfigureAwait(false);
    }

    /// <summary>Ends the process; the next request starts another.</summary>
    public void Stop()
    {
        if (_process is null)
        {
            return;
        }

        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
        _process = null;
        Answers = 0;
    }

    public void Dispose() => Stop();

    private Process Start()
    {
        var start = new ProcessStartInfo(file)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = new UTF8Encoding(false),
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        Starts++;
        var errors = new StringBuilder();
        _errors = errors;
        Process process = Process.Start(start) ?? throw new InvalidOperationException(file + " did not start.");
        process.ErrorDataReceived += (_, line) =>
        {
            lock (errors)
            {
                if (line.Data is not null && errors.Length < 16_384)
                {
                    errors.AppendLine(line.Data);
                }
            }
        };
        process.BeginErrorReadLine();
        return process;
    }
}
