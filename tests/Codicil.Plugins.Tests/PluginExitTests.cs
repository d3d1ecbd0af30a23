using System.Text;

using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>Guests that end themselves, and what WASI shows of the world.</summary>
public sealed class PluginExitTests
{
    private const string Exit = """(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))""";

    private const string Hello = """
        (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
        (func (export "run") (result i32) (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
        """;

    private static readonly PluginOptions s_wasi = new() { Wasi = true };

    [Fact]
    [Trait("Parity", "EXT-10")]
    [Trait("Security", "WO-04")]
    public void Exit_0_is_success_with_the_output_and_closes_the_plug_in()
    {
        using Plugin plugin = Fixtures.FromWat($"""
            (module {Exit}
              (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
              (import "extism:host/env" "input_length" (func $input_length (result i64)))
              (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
              (func (export "run") (call $output_set (call $input_offset) (call $input_length)) (call $exit (i32.const 0))))
            """, s_wasi);
        PluginOutput output = plugin.Call("run", "output"u8);
        Assert.Equal("output", output.ToString());
        Assert.Equal(0u, output.ExitCode);
        Assert.True(plugin.IsClosed);
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("run"); });
        Assert.Equal(PluginFailure.Closed, exception.Failure);
        Assert.Contains("module closed with exit_code(0)", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "EXT-10")]
    public void Exit_in_a_linked_module_gives_its_code_and_leaves_the_plug_in_usable()
    {
        string lib = $"(module {Exit} (func (export \"leave\") (param i32) (call $exit (local.get 0))))";
        const string Main = """
            (module (import "lib" "leave" (func $leave (param i32)))
              (func (export "seven") (call $leave (i32.const 7)))
              (func (export "zero") (call $leave (i32.const 0)))
              (func (export "run") (result i32) (i32.const 3)))
            """;
        using Plugin plugin = Plugin.Create(new PluginManifest { Wasm = [Fixtures.Wat(lib, "lib"), Fixtures.Wat(Main)] }, s_wasi);
        for (int i = 0; i < 3; i++)
        {
            PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("seven"); });
            Assert.Equal((PluginFailure.Exit, 7u), (exception.Failure, exception.ExitCode));
            Assert.Equal(0u, plugin.Call("zero").ExitCode);
            Assert.Equal(3u, plugin.Call("run").ExitCode);
        }

        Assert.False(plugin.IsClosed);
    }

    [Fact]
    [Trait("Parity", "EXT-10")]
    [Trait("Security", "WO-04")]
    public void Exit_in_a_start_section_is_a_typed_error()
    {
        PluginException exception = Assert.Throws<PluginException>(() => Fixtures.FromWat($"(module {Exit} (func $s (call $exit (i32.const 4))) (start $s))", s_wasi));
        Assert.Equal((PluginFailure.Exit, 4u), (exception.Failure, exception.ExitCode));
    }

    [Fact]
    [Trait("Parity", "EXT-10")]
    [Trait("Parity", "EXT-11")]
    public void Exit_in_the_start_up_fails_the_call_and_closes_the_plug_in()
    {
        using Plugin plugin = Fixtures.FromWat($"(module {Exit} (func (export \"_initialize\") (call $exit (i32.const 4))) (func (export \"run\")))", s_wasi);
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("run"); });
        Assert.Equal((PluginFailure.Initialization, 1u), (exception.Failure, exception.ExitCode));
        Assert.Contains("failed to initialize runtime: module closed with exit_code(4)", exception.Message, StringComparison.Ordinal);
        Assert.True(plugin.IsClosed);
    }

    [Fact]
    [Trait("Parity", "EXT-22")]
    public void Output_goes_to_the_stream_of_the_options()
    {
        using var stream = new MemoryStream();
        using Plugin plugin = Fixtures.FromWat($"(module {Hello})", s_wasi with { WasiOptions = s_wasi.WasiOptions with { StandardOutput = stream } });
        Assert.Equal(0u, plugin.Call("run").ExitCode);
        Assert.Equal("hello\n", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData("", "hello\n")]
    [InlineData("1", "hello\n")]
    [Trait("Parity", "EXT-22")]
    public void Output_goes_to_the_console_only_when_the_environment_asks_for_it(string? variable, string expected)
    {
        // Setting a variable to an empty text removes it for a child process on some systems: the shell sets it there.
        var options = new ChildProcessOptions
        {
            Environment = { ["EXTISM_ENABLE_WASI_OUTPUT"] = variable is "" ? null : variable },
            ShellPrelude = variable is "" ? "export EXTISM_ENABLE_WASI_OUTPUT=" : null,
        };
        Assert.SkipWhen(variable is "" && OperatingSystem.IsWindows(), "needs a shell");
        Assert.Equal(expected, ChildProcess.Run(RunHello, options).AssertSucceeded().StandardOutput);
    }

    [Fact]
    [Trait("Parity", "EXT-27")]
    public void The_kernels_version_is_readable() => Assert.Equal("1.7.0", CompiledPlugin.KernelVersion);

    private static void RunHello(string[] arguments)
    {
        using Plugin plugin = Fixtures.FromWat($"(module {Hello})", s_wasi);
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }
}
