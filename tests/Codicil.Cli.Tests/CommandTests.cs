using System.Text.Json;

namespace Codicil.Cli.Tests;

public sealed class CommandTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("-1|0x10|1.5|-0.1", "-0.1\n1.5\n16\n-1\n")]
    [InlineData("--|4294967295|-9223372036854775808|nan|inf", "inf\nnan\n-9223372036854775808\n-1\n")]
    [InlineData("0|18446744073709551615|-inf|1e300", "1e+300\n-inf\n-1\n0\n")]
    public void Run_parses_arguments_by_type_and_prints_results_one_a_line(string arguments, string expected) =>
        Assert.Equal(expected, CodicilProcess.Run(["run", "--invoke", "mix", _scratch.Write("m.wat", Guests.Exports), .. arguments.Split('|')]).AssertExitCode(0).Output);

    [Fact]
    public void A_file_that_cannot_be_read_is_named_once()
    {
        string missing = _scratch["nowhere.wasm"];
        Assert.Equal($"{missing}: unreadable: no such file\n", CodicilProcess.Run("validate", missing).AssertExitCode(66).Output);
        Assert.Equal($"{Path.GetTempPath()}: unreadable: is a directory\n", CodicilProcess.Run("validate", Path.GetTempPath()).AssertExitCode(66).Output);
        using var json = System.Text.Json.JsonDocument.Parse(CodicilProcess.Run("validate", "--json", missing).AssertExitCode(66).Output);
        Assert.Equal("unreadable: no such file", json.RootElement.GetProperty("error").GetString());
    }

    [Fact]
    public void Options_may_follow_the_module_when_an_export_is_called() =>
        Assert.Equal("1\n2\n3\n", CodicilProcess.Run("run", _scratch.Write("m.wat", Guests.Exports), "--invoke", "count", "--repeat", "3").AssertExitCode(0).Output);

    [Fact]
    public void A_commands_arguments_are_its_own_even_when_they_look_like_options() =>
        Assert.Equal("Hello, --help!\nHello, --time!\n", CodicilProcess.Run("run", Guests.Hello, "--help", "--time").AssertExitCode(0).Output);

    [Fact]
    public void Repeating_a_command_makes_an_instance_each_time() =>
        Assert.Equal("Hello, a!\nHello, a!\n", CodicilProcess.Run("run", "--repeat", "2", Guests.Hello, "a").AssertExitCode(0).Output);

    [Fact]
    public void Time_prints_one_JSON_line_to_standard_error()
    {
        CodicilProcess.Result result = CodicilProcess.Run("run", "--time", "--repeat", "2", "--invoke", "count", _scratch.Write("m.wat", Guests.Exports)).AssertExitCode(0);
        Assert.Equal("1\n2\n", result.Output);
        using JsonDocument json = JsonDocument.Parse(Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.True(json.RootElement.GetProperty("decode_ms").GetDouble() > 0);
        Assert.True(json.RootElement.GetProperty("validate_ms").GetDouble() > 0);
        Assert.True(json.RootElement.GetProperty("compile_ms").GetDouble() >= 0);
        Assert.True(json.RootElement.GetProperty("instantiate_ms").GetDouble() > 0);
        Assert.Equal(2, json.RootElement.GetProperty("call_ms").GetArrayLength());
        Assert.True(json.RootElement.GetProperty("peak_rss_mb").GetDouble() > 1);
    }

    [Fact]
    public void Bench_prints_the_time_of_each_pair_to_standard_error()
    {
        string module = _scratch.Write("bench.wat", """
            (module
              (import "bench" "start" (func $start))
              (import "bench" "end" (func $end))
              (func (export "_start") (call $start) (call $end) (call $start) (call $end)))
            """);
        CodicilProcess.Result result = CodicilProcess.Run("run", "--bench", module).AssertExitCode(0);
        Assert.Empty(result.Output);
        string[] lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.All(lines, static line => Assert.Matches("^bench_ms: [0-9.E-]+$", line));
        CodicilProcess.Run("run", module).AssertExitCode(69);
    }

    [Fact]
    public void A_plug_in_keeps_its_variables_between_calls() => Assert.Equal(
        """{"count":3,"total":3,"vowels":"aeiouAEIOU"}{"count":3,"total":6,"vowels":"aeiouAEIOU"}""",
        CodicilProcess.Run("call", Guests.CountVowels, "count_vowels", "--input", "Hello, World!", "--repeat", "2").AssertExitCode(0).Output);

    [Fact]
    public void A_plug_in_reads_its_input_from_standard_input_and_its_configuration_from_options()
    {
        CodicilProcess.Result result = CodicilProcess.Run(
            ["call", "--config", "vowels=l", "--input-file", "-", Guests.CountVowels, "count_vowels"], "Hello, World!"u8.ToArray(), null).AssertExitCode(0);
        Assert.Equal("""{"count":3,"total":3,"vowels":"l"}""", result.Output);
    }

    [Fact]
    public void The_Go_SDKs_vowel_counter_counts_on()
    {
        string plugin = SharedData.Get("conformance", "extism", "go-sdk", "wasm", "count_vowels.wasm");
        CodicilProcess.Result result = CodicilProcess.Run("call", "--wasi", "--repeat", "2", "--input", "Hello, World!", plugin, "count_vowels").AssertExitCode(0);
        Assert.Contains("\"total\":3", result.Output, StringComparison.Ordinal);
        Assert.Contains("\"total\":6", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_prints_a_line_a_file_and_exits_with_the_worst()
    {
        string good = _scratch.Write("good.wat", Guests.Exports);
        string bad = _scratch.Write("bad.wat", "(module (func (result i32)))");
        CodicilProcess.Result result = CodicilProcess.Run("validate", good, bad).AssertExitCode(65);
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal($"{good}: valid", lines[0]);
        Assert.StartsWith($"{bad}: invalid: ", lines[1], StringComparison.Ordinal);
        Assert.Equal(2, lines.Length);
    }

    [Fact]
    public void Inspect_describes_a_module_as_JSON()
    {
        using JsonDocument json = JsonDocument.Parse(CodicilProcess.Run("inspect", "--json", Guests.Hello).AssertExitCode(0).OutputBytes);
        Assert.Equal("args_sizes_get", json.RootElement.GetProperty("imports")[0].GetProperty("name").GetString());
        Assert.Contains("_start", json.RootElement.GetProperty("exports").EnumerateArray().Select(static export => export.GetProperty("name").GetString()));
        Assert.Equal(1, json.RootElement.GetProperty("memories")[0].GetProperty("minimumPages").GetInt64());
        Assert.Equal(0, json.RootElement.GetProperty("limitedFunctions").GetArrayLength());
    }

    [Fact]
    [Trait("Parity", "WTG-18")]
    public void Inspect_shows_the_features_that_a_module_uses()
    {
        string module = _scratch.Write("features.wat", "(module (type (struct)) (memory i64 1) (memory 1 1 shared) (func $f (param v128) (return_call $f (local.get 0))))");
        Assert.Contains("features: simd,tail-calls,garbage-collection,multi-memory,memory64,threads\n", CodicilProcess.Run("inspect", module).AssertExitCode(0).Output, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(CodicilProcess.Run("inspect", "--json", module).AssertExitCode(0).OutputBytes);
        Assert.Equal(
            ["simd", "tail-calls", "garbage-collection", "multi-memory", "memory64", "threads"],
            json.RootElement.GetProperty("features").EnumerateArray().Select(static feature => feature.GetString()));
        Assert.False(json.RootElement.TryGetProperty("notCompiled", out _));
        string plain = _scratch.Write("plain.wat", "(module (memory 1))");
        Assert.Contains("features: none\n", CodicilProcess.Run("inspect", plain).AssertExitCode(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "WAZ-01")]
    [Trait("Parity", "WTG-18")]
    public void Features_are_switched_for_the_guests_that_run()
    {
        string shared = _scratch.Write("shared.wat", "(module (memory 1 1 shared) (func (export \"run\") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 1)) (i32.atomic.load (i32.const 0)) (i32.add)))");
        Assert.Contains("threads", CodicilProcess.Run("run", "--invoke", "run", shared).AssertExitCode(65).Errors, StringComparison.Ordinal);
        Assert.Equal("1\n", CodicilProcess.Run("run", "--features", "wasm3,threads", "--invoke", "run", shared).AssertExitCode(0).Output);
        string vector = _scratch.Write("vector.wat", "(module (func (export \"run\") (drop (v128.const i64x2 1 2))))");
        CodicilProcess.Run("run", "--invoke", "run", vector).AssertExitCode(0);
        Assert.Contains("SIMD", CodicilProcess.Run("run", "--features=wasm1", "--invoke", "run", vector).AssertExitCode(65).Errors, StringComparison.Ordinal);
        Assert.Contains("SIMD", CodicilProcess.Run("call", "--features=wasm1", vector, "run").AssertExitCode(65).Errors, StringComparison.Ordinal);
        CodicilProcess.Run("call", vector, "run").AssertExitCode(0);
        Assert.Contains("there is no feature", CodicilProcess.Run("run", "--features", "wasm9", vector).AssertExitCode(64).Errors, StringComparison.Ordinal);
        Assert.Contains("RelaxedSimd needs Simd", CodicilProcess.Run("run", "--features=wasm1,relaxed-simd", vector).AssertExitCode(64).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Inspect_shows_the_functions_beyond_the_code_generators_limits()
    {
        string sums = string.Concat(Enumerable.Repeat("(local.set 0 (i32.add (i32.mul (local.get 0) (local.get 1)) (local.get 0)))", 6000));
        string module = _scratch.Write("large.wat", $"(module (func $small) (func $huge (param i32 i32) {sums}))");
        using JsonDocument json = JsonDocument.Parse(CodicilProcess.Run("inspect", "--json", module).AssertExitCode(0).OutputBytes);
        JsonElement function = Assert.Single(json.RootElement.GetProperty("limitedFunctions").EnumerateArray());
        Assert.Equal(1, function.GetProperty("function").GetInt32());
        Assert.Equal("huge", function.GetProperty("name").GetString());
        Assert.True(function.GetProperty("cilBytes").GetInt32() > 10_000);
        Assert.True(function.GetProperty("frameBytes").GetInt32() > 0);
        Assert.False(function.GetProperty("isOptimized").GetBoolean());
    }

    [Fact]
    public void Text_becomes_binary_and_text_again()
    {
        string text = _scratch.Write("m.wat", Guests.Exports);
        CodicilProcess.Run("wat2wasm", text).AssertExitCode(0);
        CodicilProcess.Run("wasm2wat", _scratch["m.wasm"], "-o", _scratch["again.wat"]).AssertExitCode(0);
        byte[] second = CodicilProcess.Run("wat2wasm", _scratch["again.wat"], "-o", "-").AssertExitCode(0).OutputBytes;
        Assert.Equal(File.ReadAllBytes(_scratch["m.wasm"]), second);
    }

    [Fact]
    public void Wast_passes_a_right_script()
    {
        string script = _scratch.Write("right.wast", """
            (module (func (export "one") (result i32) (i32.const 1)) (func (export "trap") (unreachable)))
            (assert_return (invoke "one") (i32.const 1))
            (assert_trap (invoke "trap") "unreachable")
            """);
        string[] lines = CodicilProcess.Run("wast", script).AssertExitCode(0).Output.TrimEnd('\n').Split('\n');
        Assert.Matches("^[0-9]+ passed, 0 failed$", lines[^1]);
    }

    [Fact]
    public void Wast_tells_a_failure_with_file_and_line()
    {
        string script = _scratch.Write("wrong.wast", """
            (module (func (export "one") (result i32) (i32.const 1)))
            (assert_return (invoke "one") (i32.const 2))
            """);
        string[] lines = CodicilProcess.Run("wast", script).AssertExitCode(1).Output.TrimEnd('\n').Split('\n');
        Assert.Contains("wrong.wast:2: ", lines[0], StringComparison.Ordinal);
        Assert.Matches("^[0-9]+ passed, 1 failed$", lines[^1]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("run")]
    [InlineData("call")]
    [InlineData("validate")]
    [InlineData("inspect")]
    [InlineData("wat2wasm")]
    [InlineData("wasm2wat")]
    [InlineData("wast")]
    [InlineData("bench")]
    [InlineData("compile")]
    public void Every_command_has_help(string command)
    {
        CodicilProcess.Result result = CodicilProcess.Run(command.Length == 0 ? ["--help"] : [command, "--help"]).AssertExitCode(0);
        Assert.Contains("Usage:", result.Output, StringComparison.Ordinal);
        Assert.Contains($"codicil {command}".TrimEnd(), result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Errors);
    }

    [Fact]
    public void Nothing_is_coloured_without_a_terminal_nor_with_NO_COLOR()
    {
        var environment = new Dictionary<string, string> { ["NO_COLOR"] = "1", ["TERM"] = "xterm-256color" };
        CodicilProcess.Result result = CodicilProcess.Run(["run", _scratch["nowhere"]], null, environment).AssertExitCode(66);
        Assert.DoesNotContain('\e', result.Errors);
        Assert.DoesNotContain('\e', CodicilProcess.Run("validate", _scratch["nowhere"]).AssertExitCode(66).Output);
    }
}
