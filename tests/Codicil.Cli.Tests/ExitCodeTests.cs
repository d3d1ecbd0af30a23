namespace Codicil.Cli.Tests;

[Trait("Security", "CI-01")]
public sealed class ExitCodeTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(0u, 0)]
    [InlineData(3u, 3)]
    [InlineData(0x1_07u, 7)]
    public void A_guests_own_exit_code_passes_through_with_its_low_8_bits(uint code, int expected) =>
        CodicilProcess.Run("run", _scratch.Write("exit.wat", Guests.Exit(code))).AssertExitCode(expected);

    [Fact]
    public void A_trap_exits_134_with_message_and_frames_on_standard_error()
    {
        CodicilProcess.Result result = CodicilProcess.Run("run", "--invoke", "load", _scratch.Write("m.wat", Guests.Exports), "65536").AssertExitCode(134);
        Assert.Empty(result.Output);
        Assert.Contains("out of bounds memory access", result.Errors, StringComparison.Ordinal);
        Assert.Contains("at load", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Endless_recursion_traps_and_tells_it_in_a_screenful()
    {
        CodicilProcess.Result result = CodicilProcess.Run("run", "--invoke", "recurse", _scratch.Write("m.wat", Guests.Exports)).AssertExitCode(134);
        Assert.Contains("call stack exhausted", result.Errors, StringComparison.Ordinal);
        Assert.Contains("frames more", result.Errors, StringComparison.Ordinal);
        Assert.InRange(result.Errors.Split('\n').Length, 10, 40);
    }

    [Fact]
    public void An_endless_guest_exits_124_after_its_timeout()
    {
        CodicilProcess.Result result = CodicilProcess.Run("run", "--timeout", "100ms", "--invoke", "spin", _scratch.Write("m.wat", Guests.Exports)).AssertExitCode(124);
        Assert.Contains("timeout", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(module (fun", "1:10")]
    [InlineData("(module\n (func (result i32)))", "2:")]
    [InlineData("\0asm\u0001\0\0", "offset")]
    [InlineData("not wasm", "offset")]
    [InlineData("", "offset")]
    public void A_bad_module_exits_65_with_its_name_and_the_position(string content, string position)
    {
        CodicilProcess.Result result = CodicilProcess.Run("run", _scratch.Write("bad.wasm", content)).AssertExitCode(65);
        Assert.Contains("bad.wasm", result.Errors, StringComparison.Ordinal);
        Assert.Contains(position, result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run", "(module (func (result i32)))", "bad.wat:1:27: type mismatch")]
    [InlineData("inspect", "(module (func (result i32)))", "bad.wat:1:27: type mismatch")]
    [InlineData("wat2wasm", "(module (func (result i32)))", "bad.wat:1:27: type mismatch")]
    [InlineData("run", "(module\n (func i32.cnst 1))", "bad.wat:2:8: unknown operator i32.cnst\n")]
    [InlineData("inspect", "(module\n (func i32.cnst 1))", "bad.wat:2:8: unknown operator i32.cnst\n")]
    [InlineData("wat2wasm", "(module\n (func i32.cnst 1))", "bad.wat:2:8: unknown operator i32.cnst\n")]
    [InlineData("run", "", "bad.wat: unexpected end: the input is empty")]
    public void Places_in_texts_are_said_as_editors_find_them(string command, string content, string expected)
    {
        string errors = CodicilProcess.Run(command, _scratch.Write("bad.wat", content)).AssertExitCode(65).Errors;
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("(at ", errors.Replace("(at offset", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MODULE is missing", "run")]
    [InlineData("FILE is missing", "inspect")]
    [InlineData("--invoke: given more than once", "run", "--invoke", "a", "--invoke", "b", "M")]
    [InlineData("takes 1 argument, found 0", "run", "--invoke", "load", "M")]
    [InlineData("--features: there is no feature `steam`", "run", "--features", "steam", "M")]
    public void Wrong_usage_is_said_in_the_words_of_the_command_line(string expected, params string[] arguments)
    {
        string module = _scratch.Write("m.wat", Guests.Exports);
        CodicilProcess.Result result = CodicilProcess.Run([.. arguments.Select(argument => argument == "M" ? module : argument)]).AssertExitCode(64);
        Assert.Contains(expected, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_scripts_is_no_success()
    {
        string folder = Path.GetDirectoryName(_scratch.Write("m.wat", Guests.Exports))!;
        Assert.Contains("no scripts", CodicilProcess.Run("wast", folder).AssertExitCode(66).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_module_of_a_plug_in_is_named()
    {
        string bad = _scratch.Write("bad.wat", "(module (func (result i32)))");
        Assert.Contains("bad.wat:1:27: type", CodicilProcess.Run("call", bad, "f").AssertExitCode(65).Errors, StringComparison.Ordinal);
        Assert.Contains("bad.wat:1:27: type", CodicilProcess.Run("call", "--link", $"x={bad}", Guests.CountVowels, "count_vowels").AssertExitCode(65).Errors, StringComparison.Ordinal);
        string manifest = _scratch.Write("manifest.json", $$"""{"wasm":[{"path":{{System.Text.Json.JsonSerializer.Serialize(bad)}}}]}""");
        Assert.Contains("bad.wat:1:27: type", CodicilProcess.Run("call", "--manifest", manifest, "f").AssertExitCode(65).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_listener_that_cannot_be_had_exits_66_and_is_named()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        string address = taken.LocalEndpoint.ToString()!;
        Assert.Contains($"--listen {address}: ", CodicilProcess.Run("run", "--listen", address, _scratch.Write("exit.wat", Guests.Exit(0))).AssertExitCode(66).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_exits_66_and_is_named() =>
        Assert.Contains("nowhere.wasm", CodicilProcess.Run("run", _scratch["nowhere.wasm"]).AssertExitCode(66).Errors, StringComparison.Ordinal);

    [Theory]
    [InlineData("(module (import \"env\" \"f\" (func)) (func (export \"_start\")))", "env")]
    [InlineData("(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i64))) (memory (export \"memory\") 1) (func (export \"_start\")))", "proc_exit")]
    public void A_missing_or_mismatched_import_exits_69_and_is_named(string module, string name) =>
        Assert.Contains(name, CodicilProcess.Run("run", _scratch.Write("m.wat", module)).AssertExitCode(69).Errors, StringComparison.Ordinal);

    [Theory]
    [InlineData("run")]
    [InlineData("nonsense")]
    [InlineData("run", "--nonsense", "M")]
    [InlineData("run", "M")]
    [InlineData("run", "--invoke", "nope", "M")]
    [InlineData("run", "--invoke", "memory", "M")]
    [InlineData("run", "--invoke", "load", "M")]
    [InlineData("run", "--invoke", "load", "M", "4294967296")]
    [InlineData("run", "--repeat", "0", "--invoke", "nothing", "M")]
    [InlineData("run", "--timeout", "soon", "--invoke", "nothing", "M")]
    [InlineData("run", "--engine", "steam", "--invoke", "nothing", "M")]
    [InlineData("run", "--invoke", "count", "--nonsense", "M")]
    [InlineData("validate", "--nonsense", "M")]
    [InlineData("run", "--listen", "8080", "M")]
    [InlineData("run", "--listen", ":8080", "M")]
    [InlineData("run", "--listen", "127.0.0.1:65536", "M")]
    [InlineData("run", "--listen", "127.0.0.1:-1", "M")]
    [InlineData("run", "--listen", "::1:80", "M")]
    [InlineData("run", "--listen", "[127.0.0.1]:80", "M")]
    [InlineData("call", "--env", "A=1", "M", "f")]
    [InlineData("call", "--listen", "127.0.0.1:0", "M", "f")]
    [InlineData("call", "M")]
    [InlineData("call", "--allow-host", "[", "M", "f")]
    [InlineData("call", "--allow-host", "https://example.com", "M", "f")]
    [InlineData("call", "--log-level", "loud", "M", "f")]
    [InlineData("call", "--input", "a", "--input-file", "b", "M", "f")]
    [InlineData("call", "--input-file", "-", "-", "f")]
    [InlineData("call", "--manifest", "-", "--input-file", "-", "f")]
    [InlineData("call", "--link", "x=-", "-", "f")]
    [InlineData("call", "--link", "x", "M", "f")]
    [InlineData("call", "--config", "x", "M", "f")]
    [InlineData("call", "--set-var", "x", "M", "f")]
    [InlineData("call", "--repeat", "0", "M", "f")]
    public void Wrong_usage_exits_64_and_says_why(params string[] arguments)
    {
        string module = _scratch.Write("m.wat", Guests.Exports);
        CodicilProcess.Result result = CodicilProcess.Run([.. arguments.Select(argument => argument == "M" ? module : argument)]).AssertExitCode(64);
        Assert.StartsWith("codicil: ", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void An_unknown_function_of_a_plug_in_exits_64() =>
        Assert.Contains("nope", CodicilProcess.Run("call", Guests.CountVowels, "nope").AssertExitCode(64).Errors, StringComparison.Ordinal);

    [Theory]
    [InlineData("compile", "M", "-o", "x")]
    [InlineData("cache", "list")]
    [InlineData("serve")]
    [InlineData("run", "--fuel", "3", "M")]
    public void What_is_not_built_yet_exits_64_and_says_so(params string[] arguments) =>
        Assert.Contains("not available in this version", CodicilProcess.Run(arguments).AssertExitCode(64).Errors, StringComparison.Ordinal);
}
