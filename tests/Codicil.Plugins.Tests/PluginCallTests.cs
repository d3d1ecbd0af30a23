using System.Buffers;
using System.Text;

using Codicil.Format.Types;
using Codicil.Tests;

namespace Codicil.Plugins.Tests;

public sealed class PluginCallTests
{
    private const string Imports = """
        (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
        (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
        (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
        (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
        (import "extism:host/env" "input_length" (func $input_length (result i64)))
        (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
        (import "extism:host/env" "error_set" (func $error_set (param i64)))
        """;

    private const string Echo = $"""
        (module {Imports}
          (func (export "echo") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))
          (func (export "fail") (result i32)
            (call $output_set (call $input_offset) (call $input_length))
            (call $error_set (call $input_offset)) (i32.const 0))
          (func (export "fail_7") (result i32) (call $error_set (call $input_offset)) (i32.const 7))
          (func (export "code_9") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 9))
          (func (export "trap") (result i32) unreachable)
          (func (export "fail_and_trap") (result i32) (call $error_set (call $input_offset)) unreachable)
          (func (export "nothing") (call $output_set (call $input_offset) (call $input_length)))
          (func (export "i64") (result i64) (i64.const 0x1_0000_0005))
          (func (export "f32") (result f32) (f32.const 1.5))
          (func (export "f64") (result f64) (f64.const 0x1.0000000000005p+0))
          (func (export "two") (result i32 i32) (i32.const 1) (i32.const 2))
          (func (export "parameter") (param i32))
          (global (export "global") i32 (i32.const 0)))
        """;

    [Fact]
    [Trait("Parity", "EXT-07")]
    public void Gives_output_and_exit_code()
    {
        using Plugin plugin = Fixtures.FromWat(Echo);
        PluginOutput output = plugin.Call("echo", "hello"u8);
        Assert.Equal("hello"u8, output.Data);
        Assert.Equal("hello", output.ToString());
        Assert.Equal(0u, output.ExitCode);
        Assert.Equal("grüße", plugin.Call("echo", "grüße"));
        Assert.True(plugin.Call("echo").Data.IsEmpty);
        var buffer = new ArrayBufferWriter<byte>();
        Assert.Equal(9u, plugin.Call("code_9", "abc"u8, buffer));
        Assert.Equal("abc"u8, buffer.WrittenSpan);
        Assert.Equal(9u, plugin.LastExitCode);
    }

    [Theory]
    [InlineData("nothing", 0u)]
    [InlineData("i64", 5u)]
    [InlineData("f32", 0x3FC0_0000u)]
    [InlineData("f64", 5u)]
    [InlineData("code_9", 9u)]
    [Trait("Parity", "EXT-07")]
    public void The_exit_code_is_the_low_32_bits_of_any_result(string function, uint expected)
    {
        using Plugin plugin = Fixtures.FromWat(Echo);
        Assert.Equal(expected, plugin.Call(function).ExitCode);
    }

    [Fact]
    [Trait("Parity", "EXT-07")]
    public void An_error_text_is_an_error_whatever_the_result_and_carries_the_output()
    {
        using Plugin plugin = Fixtures.FromWat(Echo);
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("fail", "went wrong"u8); });
        Assert.Equal((PluginFailure.GuestError, 0u, "went wrong", "went wrong"), (exception.Failure, exception.ExitCode, exception.Message, exception.GuestError));
        Assert.Equal("went wrong"u8, exception.Output.Span);
        exception = Assert.Throws<PluginException>(() => { plugin.Call("fail_7", "x"u8); });
        Assert.Equal((7u, 7u), (exception.ExitCode, plugin.LastExitCode));
        Assert.Equal("fine", plugin.Call("echo", "fine"));
    }

    [Theory]
    [InlineData("missing", "unknown function: missing", PluginFailure.UnknownFunction)]
    [InlineData("global", "unknown function: global", PluginFailure.UnknownFunction)]
    [InlineData("two", "function two has 2 results, expected 0 or 1", PluginFailure.UnsuitableFunction)]
    [InlineData("parameter", "function parameter has 1 parameters", PluginFailure.UnsuitableFunction)]
    [Trait("Parity", "EXT-07")]
    public void Refuses_functions_that_cannot_be_called(string function, string message, PluginFailure failure)
    {
        using Plugin plugin = Fixtures.FromWat(Echo);
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call(function, "x"u8); });
        Assert.Equal((failure, 1u), (exception.Failure, exception.ExitCode));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal("fine", plugin.Call("echo", "fine"));
    }

    [Fact]
    [Trait("Parity", "EXT-07")]
    [Trait("Parity", "EXT-09")]
    public void A_trap_leaves_the_plug_in_usable_and_keeps_the_error_text()
    {
        using Plugin plugin = Fixtures.FromWat(Echo);
        for (int i = 0; i < 10; i++)
        {
            PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("trap", "x"u8); });
            Assert.Equal((PluginFailure.Trap, 1u, TrapCode.UnreachableCodeReached), (exception.Failure, exception.ExitCode, exception.Trap!.Code));
            Assert.Null(exception.GuestError);
            exception = Assert.Throws<PluginException>(() => { plugin.Call("fail_and_trap", "before the trap"u8); });
            Assert.Equal("before the trap", exception.GuestError);
            Assert.Equal("fine", plugin.Call("echo", "fine"));
        }
    }

    [Fact]
    [Trait("Parity", "EXT-07")]
    public void An_input_beyond_the_limit_is_a_typed_error_before_the_call()
    {
        using Plugin plugin = Plugin.Create(Fixtures.WatManifest(Echo) with { Memory = new PluginMemoryLimits { MaxPages = 1 } });
        Assert.Throws<ResourceLimitException>(() => { plugin.Call("echo", new byte[65_473]); });
        Assert.Equal(65_472, plugin.Call("echo", new byte[65_472]).Data.Length);
    }

    [Fact]
    [Trait("Parity", "EXT-12")]
    public void Lists_the_main_modules_functions()
    {
        using Plugin plugin = Fixtures.FromWat(Echo);
        Assert.True(plugin.FunctionExists("echo"));
        Assert.False(plugin.FunctionExists("i_dont_exist"));
        Assert.False(plugin.FunctionExists("global"));
        Assert.Equal(12, plugin.Functions.Length);
        Assert.Equal(ValType.F32, Assert.IsType<FunctionType>(plugin.Functions.Single(static function => function.Name == "f32").Type).Results[0]);
    }

    [Fact]
    [Trait("Parity", "EXT-06")]
    public void A_call_after_dispose_is_a_clear_error()
    {
        Plugin plugin = Fixtures.FromWat(Echo);
        plugin.Dispose();
        plugin.Dispose();
        Assert.True(plugin.IsClosed);
        Assert.Contains("module is closed", Assert.Throws<ObjectDisposedException>(() => { plugin.Call("echo"); }).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "EXT-05")]
    public void Disposing_the_compiled_plug_in_closes_its_instances()
    {
        CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Echo));
        Plugin[] plugins = [compiled.CreateInstance(), compiled.CreateInstance(), compiled.CreateInstance()];
        plugins[1].Dispose();
        compiled.Dispose();
        compiled.Dispose();
        Assert.All(plugins, static plugin => Assert.Throws<ObjectDisposedException>(() => { plugin.Call("echo"); }));
        Assert.Throws<ObjectDisposedException>(() => compiled.CreateInstance());
    }

    [Fact]
    [Trait("Parity", "EXT-05")]
    public void Instances_share_neither_variables_nor_configuration()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Echo) with { Config = new Dictionary<string, string> { ["a"] = "b" } });
        using Plugin first = compiled.CreateInstance();
        using Plugin second = compiled.CreateInstance();
        first.Config["a"] = "changed";
        first.Variables.Set("v", "1"u8);
        Assert.Equal("b", second.Config["a"]);
        Assert.Null(second.Variables.Get("v"));
        Assert.Equal("b", compiled.Manifest.Config["a"]);
    }

    [Fact]
    [Trait("Parity", "EXT-05")]
    public void Three_hundred_instances_run_in_parallel()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Echo));
        Parallel.For(0, 300, i =>
        {
            Plugin plugin = compiled.CreateInstance();
            for (int call = 0; call < 3; call++)
            {
                string text = FormattableString.Invariant($"instance {i} call {call}");
                Assert.Equal(text, plugin.Call("echo", text));
            }
        });
    }

    [Fact]
    [Trait("Parity", "EXT-07")]
    public void A_call_allocates_nothing()
    {
        using Plugin plugin = Fixtures.FromWat(Echo);
        var buffer = new ArrayBufferWriter<byte>(1_000);
        for (int i = 0; i < 100; i++)
        {
            plugin.Call("echo", "warm"u8);
            plugin.Call("nothing", "warm"u8);
        }

        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                plugin.Call("echo", "input"u8);
                plugin.Call("nothing", "input"u8);
                buffer.Clear();
                plugin.Call("echo", "input"u8, buffer);
            }
        }));
    }

    [Fact]
    [Trait("Parity", "EXT-20")]
    public void Logs_the_call_at_debug_level()
    {
        var log = new List<string>();
        using Plugin plugin = Fixtures.FromWat(Echo, new PluginOptions { LogLevel = PluginLogLevel.Debug, LogSink = (level, message) => log.Add($"{level} {message}") });
        plugin.Call("echo");
        Assert.Equal(["Debug Calling function : echo"], log);
    }

    [Fact]
    [Trait("Parity", "EXT-28")]
    public void The_page_limit_holds_for_a_modules_memory()
    {
        PluginManifest manifest = Fixtures.WatManifest("""(module (memory 2) (func (export "grow") (result i32) (memory.grow (i32.const 2))))""");
        using (Plugin plugin = Plugin.Create(manifest with { Memory = new PluginMemoryLimits { MaxPages = 3 } }))
        {
            Assert.Equal(uint.MaxValue, plugin.Call("grow").ExitCode);
        }

        using (Plugin plugin = Plugin.Create(manifest with { Memory = new PluginMemoryLimits { MaxPages = 4 } }))
        {
            Assert.Equal(2u, plugin.Call("grow").ExitCode);
        }

        Assert.ThrowsAny<Codicil.Format.WasmException>(() => Plugin.Create(manifest with { Memory = new PluginMemoryLimits { MaxPages = 1 } }));
        Assert.Equal(PluginFailure.Manifest, Assert.Throws<PluginException>(() => Plugin.Create(manifest with { Memory = new PluginMemoryLimits { MaxPages = 65_537 } })).Failure);
    }

    [Fact]
    [Trait("Parity", "EXT-11")]
    public void Kernel_and_host_functions_work_in_a_wasm_start_section()
    {
        HostFunction host = HostFunction.Create<long>("note", static (current, handle) => current.Variables.Set("note", current.GetSpan(handle)));
        using Plugin plugin = Fixtures.FromWat($"""
            (module {Imports}
              (import "extism:host/user" "note" (func $note (param i64)))
              (func $start (local $block i64)
                (local.set $block (call $alloc (i64.const 2)))
                (call $store_u8 (local.get $block) (i32.const 72))
                (call $store_u8 (i64.add (local.get $block) (i64.const 1)) (i32.const 105))
                (call $note (local.get $block)))
              (start $start)
              (func (export "run")))
            """, new PluginOptions { HostFunctions = [host] });
        Assert.Equal("Hi", Encoding.UTF8.GetString(plugin.Variables.Get("note")!.Value.Span));
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    public void A_trap_in_a_start_section_is_a_typed_error()
    {
        PluginException exception = Assert.Throws<PluginException>(() => Fixtures.FromWat("(module (func $s unreachable) (start $s))"));
        Assert.Equal(PluginFailure.Trap, exception.Failure);
    }
}
