using Codicil.Format.Types;

namespace Codicil.Plugins.Tests;

public sealed class HostFunctionTests
{
    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Typed_functions_take_and_give_every_number()
    {
        var seen = new List<object>();
        using Plugin plugin = Fixtures.FromWat("""
            (module
              (import "extism:host/user" "i32" (func $i32 (param i32) (result i32)))
              (import "extism:host/user" "i64" (func $i64 (param i64 i64) (result i64)))
              (import "my namespace" "f" (func $f (param f32 f64) (result f64)))
              (import "extism:host/user" "none" (func $none))
              (func (export "run") (result i64)
                (call $none)
                (i64.add
                  (i64.add (i64.extend_i32_u (call $i32 (i32.const 40))) (call $i64 (i64.const 100) (i64.const 200)))
                  (i64.trunc_f64_s (call $f (f32.const 0.5) (f64.const 1000))))))
            """, new PluginOptions
        {
            HostFunctions =
            [
                HostFunction.Create<int, int>("i32", (_, a) => { seen.Add(a); return a + 2; }),
                HostFunction.Create<long, long, long>("i64", (_, a, b) => { seen.Add(a); seen.Add(b); return a + b; }),
                HostFunction.Create<float, double, double>("f", (_, a, b) => { seen.Add(a); seen.Add(b); return a * b; }, "my namespace"),
                HostFunction.Create("none", _ => seen.Add("none")),
            ],
        });
        Assert.Equal(42u + 300 + 500, plugin.Call("run").ExitCode);
        Assert.Equal(["none", 40, 100L, 200L, 0.5f, 1000.0], seen);
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void The_raw_form_has_parameters_and_results_from_slot_0()
    {
        var type = new FunctionType([ValType.I32, ValType.F64], [ValType.F32, ValType.I64, ValType.I32]);
        using Plugin plugin = Fixtures.FromWat("""
            (module
              (import "extism:host/user" "raw" (func $raw (param i32 f64) (result f32 i64 i32)))
              (func (export "run") (result i32) (local $i32 i32) (local $i64 i64)
                (call $raw (i32.const -1) (f64.const 2.5))
                (local.set $i32) (local.set $i64)
                (if (f32.ne (f32.const 1.25)) (then unreachable))
                (if (i64.ne (local.get $i64) (i64.const -7)) (then unreachable))
                (local.get $i32)))
            """, new PluginOptions
        {
            HostFunctions =
            [
                new HostFunction("raw", type, static (_, stack) =>
                {
                    Assert.Equal(3, stack.Length);
                    Assert.Equal((0xFFFF_FFFFUL, BitConverter.DoubleToUInt64Bits(2.5), 0UL), (stack[0], stack[1], stack[2]));
                    stack[0] = BitConverter.SingleToUInt32Bits(1.25f);
                    stack[1] = unchecked((ulong)-7L);
                    stack[2] = 0xDEAD_0000_0000_0009;
                }),
            ],
        });
        Assert.Equal(9u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Any_delegate_reaches_the_plug_in_through_its_caller()
    {
        using Plugin plugin = Fixtures.FromWat("""
            (module
              (import "extism:host/user" "f" (func $f (param i32 i32 i32 i32 i32) (result i32)))
              (func (export "run") (result i32) (call $f (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5))))
            """, new PluginOptions
        {
            HostFunctions =
            [
                HostFunction.FromDelegate("f", static (Caller caller, int a, int b, int c, int d, int e) =>
                {
                    CurrentPlugin.Of(caller).Variables.Set("seen", "x"u8);
                    return a + b + c + d + e;
                }),
            ],
        });
        Assert.Equal(15u, plugin.Call("run").ExitCode);
        Assert.NotNull(plugin.Variables.Get("seen"));
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Of_two_with_the_same_name_the_last_counts()
    {
        using Plugin plugin = Fixtures.FromWat(
            """(module (import "extism:host/user" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))""",
            new PluginOptions { HostFunctions = [HostFunction.Create("f", static _ => 1), HostFunction.Create("f", static _ => 2)] });
        Assert.Equal(2u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    [Trait("Security", "KH-06")]
    public void Reserved_namespaces_are_refused()
    {
        PluginManifest manifest = Fixtures.WatManifest("(module)");
        PluginOptions With(string name) => new() { HostFunctions = [HostFunction.Create("alloc", static _ => { }, name)] };
        Assert.Throws<ArgumentException>(() => Plugin.Create(manifest, With("extism:host/env")));
        Assert.Throws<ArgumentException>(() => Plugin.Create(manifest, With("wasi_snapshot_preview1") with { Wasi = true }));
        Plugin.Create(manifest, With("wasi_snapshot_preview1")).Dispose();
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    [Trait("Security", "KH-04")]
    public void An_exception_reaches_the_caller_as_it_is_and_the_plug_in_stays_usable()
    {
#pragma warning disable CA2201 // Exceptions of the runtime are what a host function may well throw.
        Exception[] exceptions =
        [
            new InvalidOperationException("TEST"), new NullReferenceException("TEST"), new DivideByZeroException("TEST"), new OverflowException("TEST"),
            new IndexOutOfRangeException("TEST"), new OperationCanceledException("TEST"), new TimeoutException("TEST"), new InvalidCastException("TEST"),
            new OutOfMemoryException("TEST"), new ObjectDisposedException("TEST"),
        ];
#pragma warning restore CA2201
        Exception? toThrow = null;
        using Plugin plugin = Fixtures.FromWat("""
            (module
              (import "extism:host/user" "typed" (func $typed (param i64) (result i64)))
              (import "extism:host/user" "raw" (func $raw))
              (func (export "typed") (result i64) (call $typed (i64.const 1)))
              (func (export "raw") (call $raw))
              (func (export "run")))
            """, new PluginOptions
        {
            HostFunctions =
            [
                HostFunction.Create<long, long>("typed", (_, a) => toThrow is null ? a : throw toThrow),
                new HostFunction("raw", FunctionType.Empty, (_, _) => throw toThrow!),
            ],
        });
        for (int round = 0; round < 20; round++)
        {
            foreach (Exception exception in exceptions)
            {
                toThrow = exception;
                foreach (string function in (string[])["typed", "raw"])
                {
                    Assert.Same(exception, Record.Exception(() => { plugin.Call(function); }));
                    Assert.Equal(1u, plugin.LastExitCode);
                    Assert.Equal(0u, plugin.Call("run").ExitCode);
                }
            }
        }
    }

    [Fact]
    [Trait("Parity", "EXT-14")]
    public void The_current_plug_in_reads_and_writes_kernel_memory()
    {
        using Plugin plugin = Fixtures.FromWat("""
            (module
              (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
              (import "extism:host/env" "length" (func $length (param i64) (result i64)))
              (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
              (import "host" "upper" (func $upper (param i64) (result i64)))
              (func (export "run") (local $out i64)
                (local.set $out (call $upper (call $input_offset)))
                (call $output_set (local.get $out) (call $length (local.get $out)))))
            """, new PluginOptions
        {
            HostFunctions =
            [
                HostFunction.Create<long, long>(
                    "upper",
                    static (current, handle) =>
                    {
                        string text = current.ReadString(handle);
                        Assert.Equal(current.GetLength(handle), current.ReadBytes(handle).Length);
                        current.Free(handle);
                        Assert.Equal(0, current.GetLength(handle));
                        Assert.Empty(current.ReadBytes(handle));
                        Assert.Equal("", current.ReadString(12345));
                        Assert.Equal(0, current.WriteBytes([]));
                        Assert.Equal(0, current.WriteString(""));
                        Assert.Equal(0, current.Allocate(0));
                        Assert.Equal("context", current.HostContext);
                        Assert.Throws<ResourceLimitException>(() => current.Allocate(1L << 40));
                        Assert.Throws<ArgumentOutOfRangeException>(() => current.Allocate(-1));
                        return current.WriteString(text.ToUpperInvariant());
                    },
                    "host"),
            ],
        });
        plugin.HostContext = "context";
        Assert.Equal("HELLO FRÖDO!", plugin.Call("run", "hello frödo!"));
    }

    [Fact]
    [Trait("Parity", "EXT-14")]
    public void The_current_plug_in_is_refused_after_the_call_and_on_other_threads()
    {
        CurrentPlugin? kept = null;
        Exception? elsewhere = null;
        using Plugin plugin = Fixtures.FromWat(
            """(module (import "extism:host/user" "f" (func $f)) (func (export "run") (call $f)))""",
            new PluginOptions
            {
                HostFunctions =
                [
                    HostFunction.Create("f", current =>
                    {
                        kept = current;
                        var thread = new Thread(() => elsewhere = Record.Exception(() => current.Allocate(1)));
                        thread.Start();
                        thread.Join();
                    }),
                ],
            });
        plugin.Call("run");
        Assert.IsType<InvalidOperationException>(elsewhere);
        Assert.Throws<InvalidOperationException>(() => kept!.Allocate(1));
        Assert.Throws<InvalidOperationException>(() => kept!.GetSpan(64));
    }
}
