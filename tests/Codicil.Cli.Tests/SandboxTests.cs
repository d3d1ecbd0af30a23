using System.Diagnostics;

namespace Codicil.Cli.Tests;

public sealed class SandboxTests : IDisposable
{
    private const int BadDescriptor = 8;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    [Trait("Security", "CI-02")]
    public void A_guest_has_no_environment_no_directory_and_no_socket_unless_they_are_given()
    {
        string module = _scratch.Write("ambient.wat", Guests.Ambient);
        var environment = new Dictionary<string, string> { ["CODICIL_TEST_SECRET"] = "1" };
        CodicilProcess.Result result = CodicilProcess.Run(["run", "--invoke", "ambient", module], null, environment).AssertExitCode(0);
        Assert.Equal($"0\n{BadDescriptor}\n{BadDescriptor}\n", result.Output);
        Assert.StartsWith("2\n", CodicilProcess.Run("run", "--env", "A=1", "--env", "B=", "--invoke", "ambient", module).AssertExitCode(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "CI-03")]
    public void A_module_may_come_from_standard_input() =>
        CodicilProcess.Run(["run", "-"], System.Text.Encoding.UTF8.GetBytes(Guests.Exit(9)), null).AssertExitCode(9);

    [Fact]
    [Trait("Security", "CI-03")]
    public void Standard_input_and_output_reach_the_guest_unchanged()
    {
        byte[] bytes = [.. Enumerable.Range(0, 20_000).Select(value => (byte)(value * 31 >> 2))];
        Assert.Equal(bytes, CodicilProcess.Run(["run", _scratch.Write("cat.wat", Guests.Cat)], bytes, null).AssertExitCode(0).OutputBytes);
    }

    [Theory]
    [Trait("Security", "CI-03")]
    [InlineData("run")]
    [InlineData("inspect")]
    [InlineData("wasm2wat")]
    [InlineData("validate")]
    public void A_directory_is_no_file(string command)
    {
        CodicilProcess.Result result = CodicilProcess.Run(command, Path.GetTempPath()).AssertExitCode(66);
        Assert.Contains("is a directory", result.Output + result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Security", "CI-03")]
    [InlineData("run")]
    [InlineData("call")]
    [InlineData("inspect")]
    [InlineData("validate")]
    public void A_file_without_an_end_is_no_module(string command)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "there is no /dev/zero");
        CodicilProcess.Run([command, "/dev/zero", .. command == "call" ? ["f"] : Array.Empty<string>()]).AssertExitCode(65);
    }

    [Fact]
    [Trait("Security", "CI-03")]
    public async Task A_module_may_come_from_a_pipe()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no sh");
        string tool = $"mkfifo '{_scratch["fifo"]}'; cat '{_scratch.Write("exit.wat", Guests.Exit(9))}' > '{_scratch["fifo"]}' & exec dotnet '{Path.Combine(AppContext.BaseDirectory, "Codicil.Cli.dll")}' run '{_scratch["fifo"]}'";
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", tool]))!;
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(9, process.ExitCode);
    }

    [Fact]
    [Trait("Security", "CI-03")]
    public void Hostile_file_names_neither_act_nor_reach_the_terminal()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "such names cannot be had here");
        string module = _scratch.Write("a\e[31m\n@b ; touch x%s.wat", Guests.Exit(5));
        CodicilProcess.Run("run", module).AssertExitCode(5);
        CodicilProcess.Result result = CodicilProcess.Run("validate", module, _scratch["\e]0;gone\a"]).AssertExitCode(66);
        Assert.DoesNotContain('\e', result.Output + result.Errors);
        Assert.DoesNotContain('\a', result.Output + result.Errors);

        // What begins with @ is a word, not a file of words.
        Assert.Contains("@words", CodicilProcess.Run("run", "@words").AssertExitCode(66).Errors, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Security", "CI-03")]
    [InlineData("{0} | head -c 1 > /dev/null", 0)]
    [InlineData("{0} >&-", null)]
    [InlineData("{0} > /dev/full", 66)]
    public void An_output_that_cannot_be_written_is_no_crash(string redirection, int? expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no sh");
        string tool = $"dotnet '{Path.Combine(AppContext.BaseDirectory, "Codicil.Cli.dll")}' inspect '{Guests.CountVowels}'";
        var start = new ProcessStartInfo("/bin/sh", ["-c", string.Format(System.Globalization.CultureInfo.InvariantCulture, redirection, tool)]) { RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == (expected ?? process.ExitCode) && process.ExitCode is 0 or 66, $"exit code {process.ExitCode}\n{errors}");
        Assert.DoesNotContain("internal error", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", errors, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Security", "CI-03")]
    [InlineData("inspect")]
    [InlineData("validate")]
    public void Without_a_standard_output_the_tool_ends_quietly(string command)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no sh");
        string tool = $"dotnet '{Path.Combine(AppContext.BaseDirectory, "Codicil.Cli.dll")}' {command} '{Guests.CountVowels}' >&-";
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", tool]) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal("", errors);
        Assert.Equal(0, process.ExitCode);
    }

    [Theory]
    [Trait("Security", "CI-03")]
    [InlineData("input")]
    [InlineData("sleep")]
    [InlineData("accept")]
    [InlineData("poll")]
    [InlineData("spin")]
    [InlineData("output")]
    public async Task Interrupting_the_tool_exits_130(string what)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no kill");
        using Process process = CodicilProcess.Start(["run", "--listen", "127.0.0.1:0", _scratch.Write("blocked.wat", Guests.Blocked), what]);
        Task<string> errors = process.StandardError.ReadToEndAsync();

        // Not kept back: the guest is running, or blocked already.
        Assert.Equal('x', process.StandardOutput.BaseStream.ReadByte());
        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "the tool did not end");
        Assert.True(process.ExitCode == 130, $"exit code {process.ExitCode}\n{await errors}");
    }

    [Theory]
    [Trait("Security", "LM-02")]
    [InlineData("input")]
    [InlineData("sleep")]
    [InlineData("accept")]
    [InlineData("poll")]
    [InlineData("spin")]
    [InlineData("output")]
    public async Task A_deadline_ends_a_guest_wherever_it_waits(string what)
    {
        using Process process = CodicilProcess.Start(["run", "--timeout", "500ms", "--listen", "127.0.0.1:0", _scratch.Write("blocked.wat", Guests.Blocked), what]);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "the tool did not end");
        Assert.True(process.ExitCode == 124, $"exit code {process.ExitCode}\n{await errors}");
        Assert.Contains("timeout: the guest did not finish in 500 ms", await errors, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void The_end_of_standard_input_ends_a_poll_for_it() =>
        CodicilProcess.Run("run", "--listen", "127.0.0.1:0", _scratch.Write("blocked.wat", Guests.Blocked), "poll").AssertExitCode(0);

    [Fact]
    [Trait("Parity", "WAZ-17")]
    public async Task A_guest_serves_the_listener_that_it_is_given()
    {
        using Process process = CodicilProcess.Start(["run", "--listen", "127.0.0.1:0", _scratch.Write("echo.wat", Guests.Echo)]);
        string? line = await process.StandardError.ReadLineAsync();
        Assert.StartsWith("codicil: listening on 127.0.0.1:", line, StringComparison.Ordinal);
        var address = System.Net.IPEndPoint.Parse(line!["codicil: listening on ".Length..]);
        foreach (string text in (string[])["hello", "!"])
        {
            using var client = new System.Net.Sockets.TcpClient();
            await client.ConnectAsync(address);
            await client.GetStream().WriteAsync(System.Text.Encoding.UTF8.GetBytes(text));
            using var reader = new StreamReader(client.GetStream());
            Assert.Equal(text, await reader.ReadToEndAsync());
        }

        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "the tool did not end");
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public async Task A_flood_of_output_is_passed_on_in_bounded_memory()
    {
        using Process process = CodicilProcess.Start(["run", "--time", _scratch.Write("flood.wat", Guests.Flood)]);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        var buffer = new byte[1 << 16];
        long total = 0;
        int count;
        while ((count = process.StandardOutput.BaseStream.Read(buffer)) > 0)
        {
            total += count;
        }

        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "the tool did not end");
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(1L << 30, total);
        using var times = System.Text.Json.JsonDocument.Parse(await errors);
        Assert.InRange(times.RootElement.GetProperty("peak_rss_mb").GetDouble(), 1, 256);
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public async Task A_reader_that_has_gone_is_an_error_that_the_guest_sees()
    {
        const int BrokenPipe = 64;
        using Process process = CodicilProcess.Start(["run", _scratch.Write("yes.wat", Guests.Yes)]);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.BaseStream.ReadExactlyAsync(new byte[100_000]);
        process.StandardOutput.Close();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "the tool did not end");
        Assert.True(process.ExitCode == BrokenPipe, $"exit code {process.ExitCode}\n{await errors}");
        Assert.Equal("", await errors);
    }
}
