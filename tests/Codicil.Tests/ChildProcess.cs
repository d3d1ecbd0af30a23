using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace Codicil.Tests;

/// <summary>
/// Runs a test's body in a child process of this test executable: what may kill the process kills the child, and a crash is a failed test.
/// </summary>
/// <example>
/// <code>
/// ChildProcess.Run(static _ => { ... }).AssertSucceeded();
/// ChildProcess.Run(SomeStaticMethod, new() { Arguments = ["1"], Environment = { ["DOTNET_gcServer"] = "1" } }).AssertSucceeded();
/// </code>
/// </example>
/// <remarks>
/// The body is a static method or a lambda that captures nothing. Another test project uses this by linking the ChildProcess*.cs files and by
/// naming <c>Codicil.Tests.ChildProcessProgram</c> as its <c>StartupObject</c>. The body's console output is the result's; xunit's context isn't there.
/// </remarks>
public static class ChildProcess
{
    internal const string Verb = "--child-process-body";

    /// <summary>Runs <paramref name="body"/> and waits for its end.</summary>
    public static ChildProcessResult Run(Action<string[]> body, ChildProcessOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        options ??= new ChildProcessOptions();
        MethodInfo method = body.Method;
        if (!method.IsStatic && body.Target!.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length != 0)
        {
            throw new ArgumentException("The body must be a static method or a lambda that captures nothing.", nameof(body));
        }

        var start = new ProcessStartInfo
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            UseShellExecute = false,
        };
        List<string> command = [];
        if (options.ShellPrelude is not null)
        {
            command.AddRange(["/bin/sh", "-c", options.ShellPrelude + "; exec \"$0\" \"$@\""]);
        }

        string assembly = method.Module.Assembly.Location;
        string host = Path.Combine(AppContext.BaseDirectory, Path.GetFileNameWithoutExtension(assembly) + (OperatingSystem.IsWindows() ? ".exe" : ""));
        command.AddRange(File.Exists(host) ? [host] : ["dotnet", "exec", assembly]);
        command.AddRange([Verb, method.DeclaringType!.FullName!, method.Name]);
        command.AddRange(options.Arguments);

        start.FileName = command[0];
        foreach (string argument in command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        // A crash that is expected must not leave a dump, and a crash that isn't must not take minutes to write one.
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        foreach ((string name, string? value) in options.Environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException("The child process did not start.");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(options.Timeout))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            throw new TimeoutException(string.Create(
                CultureInfo.InvariantCulture,
                $"The child process hung: it had {options.Timeout}.\n{output.GetAwaiter().GetResult()}\n{error.GetAwaiter().GetResult()}"));
        }

        process.WaitForExit();
        return new ChildProcessResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}

/// <summary>How a child process runs.</summary>
public sealed record ChildProcessOptions
{
    /// <summary>What the body gets.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Variables to set, or with null to remove.</summary>
    public Dictionary<string, string?> Environment { get; init; } = [];

    /// <summary>A guard against hangs, no measure of speed.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Shell commands to run before, such as <c>ulimit -v 1000000</c>. Unix only.</summary>
    public string? ShellPrelude { get; init; }
}

/// <summary>How a child process ended.</summary>
/// <param name="ExitCode">0 when the body returned, <see cref="ChildProcessProgram.BodyThrew"/> when it threw, 128 + the signal when it was killed.</param>
/// <param name="StandardOutput">What it wrote.</param>
/// <param name="StandardError">What it or the runtime complained about.</param>
public sealed record ChildProcessResult(int ExitCode, string StandardOutput, string StandardError)
{
    /// <summary>Fails the test unless the body returned.</summary>
    public ChildProcessResult AssertSucceeded()
    {
        if (ExitCode != 0)
        {
            Assert.Fail(ToString());
        }

        return this;
    }

    /// <summary>Fails the test unless the process was killed, with <paramref name="message"/> on standard error.</summary>
    public ChildProcessResult AssertCrashed(string message)
    {
        if (ExitCode is 0 or ChildProcessProgram.BodyThrew || !StandardError.Contains(message, StringComparison.Ordinal))
        {
            Assert.Fail($"Expected a crash with '{message}'. {this}");
        }

        return this;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"The child process ended with {ExitCode}.\n{StandardOutput}\n{StandardError}");
}
