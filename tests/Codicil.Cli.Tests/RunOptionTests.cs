using System.Diagnostics;

namespace Codicil.Cli.Tests;

public sealed class RunOptionTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void The_guests_argument_0_is_the_module_as_given_unless_it_is_named()
    {
        string module = _scratch.Write("args.wat", Guests.PrintArguments);
        Assert.Equal($"{module}\0a\0--env\0\0", CodicilProcess.Run("run", module, "a", "--env", "").AssertExitCode(0).Output);
        Assert.Equal("me\0b\0", CodicilProcess.Run("run", "--argv0", "me", module, "b").AssertExitCode(0).Output);
        Assert.Equal("\0", CodicilProcess.Run("run", "--argv0", "", module).AssertExitCode(0).Output);
    }

    [Fact]
    [Trait("Parity", "PGW-06")]
    public void The_environment_is_what_the_options_say()
    {
        string module = _scratch.Write("environ.wat", Guests.PrintEnvironment);
        var environment = new Dictionary<string, string> { ["CODICIL_TEST_INHERITED"] = "1" };
        Assert.Equal("A=1\0B=\0C=x=y\0", CodicilProcess.Run("run", "--env", "A=0", "--env", "B=", "--env", "A=1", "--env", "C=x=y", module).AssertExitCode(0).Output);
        string inherited = CodicilProcess.Run(["run", "--inherit-env", "--env", "CODICIL_TEST_INHERITED=2", module], null, environment).AssertExitCode(0).Output;
        Assert.Contains("\0CODICIL_TEST_INHERITED=2\0", "\0" + inherited, StringComparison.Ordinal);
        Assert.DoesNotContain("\0CODICIL_TEST_INHERITED=1\0", "\0" + inherited, StringComparison.Ordinal);
        Assert.Contains("\0PATH=", "\0" + inherited, StringComparison.Ordinal);
        CodicilProcess.Run("run", "--env", "novalue", module).AssertExitCode(64);
        CodicilProcess.Run("run", "--env", "=x", module).AssertExitCode(64);
    }

    [Fact]
    [Trait("Parity", "WAZ-15")]
    [Trait("Parity", "WAZ-16")]
    public void Deterministic_runs_see_the_same_time_and_the_same_random_bytes()
    {
        string module = _scratch.Write("world.wat", Guests.PrintWorld);
        byte[] first = CodicilProcess.Run("run", "--deterministic", module).AssertExitCode(0).OutputBytes;
        Assert.Equal(first, CodicilProcess.Run("run", "--deterministic", module).AssertExitCode(0).OutputBytes);
        Assert.Equal(1_640_995_200_000_000_000, BitConverter.ToInt64(first));
        byte[] real = CodicilProcess.Run("run", module).AssertExitCode(0).OutputBytes;
        Assert.True(BitConverter.ToInt64(real) > 1_700_000_000_000_000_000);
        Assert.NotEqual(first[8..], real[8..]);
    }

    [Fact]
    public void Guests_have_threads_where_they_are_allowed()
    {
        string module = _scratch.Write("threads.wat", """
            (module (import "env" "memory" (memory 1 1 shared)) (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32))) (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (export "memory" (memory 0))
              (func (export "wasi_thread_start") (param i32 i32) (call $exit (local.get 1)))
              (func (export "_start") (if (i32.lt_s (call $spawn (i32.const 23)) (i32.const 0)) (then (call $exit (i32.const 9)))) (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))
            """);
        CodicilProcess.Run("run", module).AssertExitCode(65);
        CodicilProcess.Run("run", "--features", "wasm3,threads", module).AssertExitCode(23);
        CodicilProcess.Run("run", "--threads", "1", module).AssertExitCode(23);
        CodicilProcess.Run("run", "--threads", "0", module).AssertExitCode(9);
        CodicilProcess.Run("run", "--threads", "-1", module).AssertExitCode(64);
        CodicilProcess.Run("run", "--features", "wasm9", module).AssertExitCode(64);
        string trap = _scratch.Write("trap.wat", File.ReadAllText(module).Replace("(call $exit (local.get 1))", "unreachable", StringComparison.Ordinal));
        Assert.Contains("unreachable", CodicilProcess.Run("run", "--threads", "1", trap).AssertExitCode(134).Errors, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "LM-04")]
    public void Memory_is_limited_to_what_is_given()
    {
        string module = _scratch.Write("grow.wat", """
            (module (memory (export "memory") 1)
              (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
            """);
        Assert.Equal("1\n", CodicilProcess.Run("run", "--max-memory", "1MiB", "--invoke", "grow", module, "15").AssertExitCode(0).Output);
        Assert.Equal("-1\n", CodicilProcess.Run("run", "--max-memory", "1MiB", "--invoke", "grow", module, "16").AssertExitCode(0).Output);
        CodicilProcess.Run("run", "--max-memory", "65535", "--invoke", "grow", module, "0").AssertExitCode(134);
    }

    [Fact]
    public void The_stack_is_as_large_as_asked_for()
    {
        string module = _scratch.Write("deep.wat", """
            (module (func $deep (export "deep") (param i32) (result i32)
              (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 0)))))
            """);
        CodicilProcess.Run("run", "--max-stack", "16KiB", "--invoke", "deep", module, "100000").AssertExitCode(134);
        Assert.Equal("100000\n", CodicilProcess.Run("run", "--max-stack", "64MiB", "--invoke", "deep", module, "100000").AssertExitCode(0).Output);
        CodicilProcess.Run("run", "--max-stack", "1KiB", "--invoke", "deep", module, "1").AssertExitCode(64);
    }

    [Fact]
    public void A_reactor_is_initialized_before_its_export_and_a_command_is_not_started()
    {
        const string Reactor = """
            (module (global $n (mut i32) (i32.const 0))
              (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 7))))
              (func (export "_start") unreachable)
              (func (export "n") (result i32) (global.get $n)))
            """;
        string module = _scratch.Write("reactor.wat", Reactor);
        Assert.Equal("7\n", CodicilProcess.Run("run", "--invoke", "n", module).AssertExitCode(0).Output);
        Assert.Equal("7\n7\n", CodicilProcess.Run("run", "--repeat", "2", "--invoke", "n", module).AssertExitCode(0).Output);
        Assert.Equal("", CodicilProcess.Run("run", "--invoke", "_initialize", module).AssertExitCode(0).Output);
    }

    [Fact]
    [Trait("Security", "WO-04")]
    public void An_exit_ends_the_tool_with_the_guests_code_wherever_it_happens()
    {
        string module = _scratch.Write("exits.wat", """
            (module
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 1)
              (func (export "_initialize") (call $exit (i32.const 300)))
              (func (export "f")))
            """);
        CodicilProcess.Run("run", "--invoke", "f", module).AssertExitCode(300 & 0xff);
        string start = _scratch.Write("start.wat", """
            (module
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 1)
              (func $run (call $exit (i32.const -1)))
              (start $run)
              (func (export "_start") unreachable))
            """);
        Assert.Equal("", CodicilProcess.Run("run", start).AssertExitCode(255).Errors);
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void Escape_sequences_do_not_reach_a_terminal()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "there is no script(1) to make a terminal");
        string module = _scratch.Write("escape.wat", """
            (module
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\10\00\00\00\0d\00\00\00")
              (data (i32.const 16) "\1b[31mred\1b]0;x")
              (func (export "_start")
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))))
            """);
        string tool = $"dotnet '{Path.Combine(AppContext.BaseDirectory, "Codicil.Cli.dll")}' run '{module}'";
        var start = new ProcessStartInfo("/usr/bin/script", ["-qec", tool, "/dev/null"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["TERM"] = "dumb";
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(2, output.Split("\u241b[31mred\u241b]0;x").Length - 1);
        Assert.DoesNotContain('\e', output);

        // Not to a terminal, nothing is changed.
        Assert.Equal("\e[31mred\e]0;x", CodicilProcess.Run("run", module).AssertExitCode(0).Output);
    }
}
