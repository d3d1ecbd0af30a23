using System.Buffers;
using System.Text;
using System.Text.Json.Serialization;

using Codicil.Format.Types;
using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>Text, bytes and JSON as parameters and results of host functions and calls.</summary>
public sealed partial class HostFunctionValueTests
{
    // ask: one block in, one out; the input goes to it, its result is the output.
    private const string Ask = """
        (module
          (import "extism:host/user" "ask" (func $ask (param i64) (result i64)))
          (import "extism:host/env" "length" (func $length (param i64) (result i64)))
          (import "extism:host/env" "input_length" (func $input_length (result i64)))
          (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
          (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
          (func (export "ask") (result i32) (local $answer i64)
            (local.set $answer (call $ask (call $input_offset)))
            (call $output_set (local.get $answer) (call $length (local.get $answer)))
            (i64.ne (local.get $answer) (i64.const 0)))
          (func (export "unknown") (result i64) (call $ask (i64.const 123456)))
          (func (export "echo") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 7)))
        """;

    private static Plugin With(HostFunction function) => Fixtures.FromWat(Ask, new PluginOptions { HostFunctions = [function] });

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Text_and_bytes_come_as_copies_and_go_as_blocks()
    {
        HostFunction[] functions =
        [
            HostFunction.Create<string, string>("ask", (_, text) => text + "!"),
            HostFunction.Create<byte[], byte[]>("ask", (_, bytes) => [.. bytes, (byte)'!']),
            HostFunction.Create<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>("ask", (_, bytes) => (byte[])[.. bytes.Span, (byte)'!']),
            HostFunction.Create<string, byte[]>("ask", (_, text) => Encoding.UTF8.GetBytes(text + "!")),
            HostFunction.FromSpan("ask", (_, bytes) => (byte[])[.. bytes, (byte)'!']),
            HostFunction.FromSpan("ask", (_, bytes) => Encoding.UTF8.GetString(bytes) + "!"),
            HostFunction.Create("ask", async (CurrentPlugin _, string text) =>
            {
                await Task.Yield();
                return text + "!";
            }),
            HostFunction.Create("ask", async (CurrentPlugin _, ReadOnlyMemory<byte> bytes) =>
            {
                await Task.Yield();
                return (byte[])[.. bytes.Span, (byte)'!'];
            }),
        ];
        foreach (HostFunction function in functions)
        {
            using Plugin plugin = With(function);
            Assert.Equal("héllo!", plugin.Call("ask", "héllo"));
            Assert.Equal("!", plugin.Call("ask", ""));
            plugin.Call("unknown");
        }
    }

    [Fact]
    [Trait("Parity", "EXT-14")]
    public void Empty_and_null_results_are_no_block_and_an_unknown_handle_is_empty()
    {
        foreach (HostFunction function in new[]
        {
            HostFunction.Create<string, string?>("ask", static (_, _) => (string?)null),
            HostFunction.Create<string, string>("ask", static (_, _) => ""),
            HostFunction.Create<byte[], byte[]?>("ask", static (_, _) => (byte[]?)null),
            HostFunction.Create<byte[], ReadOnlyMemory<byte>>("ask", static (_, _) => default(ReadOnlyMemory<byte>)),
        })
        {
            using Plugin plugin = With(function);
            Assert.Equal(0u, plugin.Call("ask", "x"u8).ExitCode);
            Assert.Equal(0u, plugin.Call("unknown").ExitCode);
        }

        int length = -1;
        using Plugin other = With(HostFunction.FromSpan("ask", (_, bytes) =>
        {
            length = bytes.Length;
            return 5L;
        }));
        Assert.Equal(5u, other.Call("unknown").ExitCode);
        Assert.Equal(0, length);
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public void Numbers_and_blocks_are_mixed_in_every_place()
    {
        var seen = new List<string>();
        string Note(string text)
        {
            seen.Add(text);
            return text;
        }

        using Plugin plugin = Fixtures.FromWat(
            """
            (module
              (import "extism:host/user" "none" (func $none (result i64)))
              (import "extism:host/user" "v1" (func $v1 (param i64)))
              (import "extism:host/user" "v2" (func $v2 (param i32 i64)))
              (import "extism:host/user" "v3" (func $v3 (param i64 f64 i64)))
              (import "extism:host/user" "r2a" (func $r2a (param i64 i32) (result i64)))
              (import "extism:host/user" "r2b" (func $r2b (param f32 i64) (result i32)))
              (import "extism:host/user" "r3a" (func $r3a (param i64 i64 i64) (result i64)))
              (import "extism:host/user" "r3b" (func $r3b (param i32 i64 f32) (result f64)))
              (import "extism:host/user" "r3c" (func $r3c (param i64 i32 i32) (result i64)))
              (func (export "run") (local $t i64)
                (local.set $t (call $none))
                (call $v1 (local.get $t))
                (call $v2 (i32.const 2) (local.get $t))
                (call $v3 (local.get $t) (f64.const 1.5) (local.get $t))
                (local.set $t (call $r2a (local.get $t) (i32.const 3)))
                (drop (call $r2b (f32.const 0.5) (local.get $t)))
                (local.set $t (call $r3a (local.get $t) (local.get $t) (local.get $t)))
                (drop (call $r3b (i32.const 4) (local.get $t) (f32.const 2.5)))
                (drop (call $r3c (local.get $t) (i32.const 5) (i32.const 6)))))
            """,
            new PluginOptions
            {
                HostFunctions =
                [
                    HostFunction.Create("none", _ => Note("a")),
                    HostFunction.Create<string>("v1", (_, a) => Note($"v1 {a}")),
                    HostFunction.Create<int, string>("v2", (_, a, b) => Note($"v2 {a} {b}")),
                    HostFunction.Create<string, double, byte[]>("v3", (CurrentPlugin _, string a, double b, byte[] c) => { Note(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"v3 {a} {b} {c.Length}")); }),
                    HostFunction.Create<string, int, string>("r2a", (_, a, b) => Note(a + b)),
                    HostFunction.Create<float, string, int>("r2b", (_, a, b) => { Note(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"r2b {a} {b}")); return 1; }),
                    HostFunction.Create<string, byte[], string, string>("r3a", (_, a, b, c) => Note(a + b.Length + c)),
                    HostFunction.Create<int, string, float, double>("r3b", (_, a, b, c) => { Note(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"r3b {a} {b} {c}")); return 1; }),
                    HostFunction.Create<string, int, int, byte[]>("r3c", (_, a, b, c) => Encoding.UTF8.GetBytes(Note($"r3c {a} {b} {c}"))),
                ],
            });
        plugin.Call("run");
        Assert.Equal(["a", "v1 a", "v2 2 a", "v3 a 1.5 1", "a3", "r2b 0.5 a3", "a32a3", "r3b 4 a32a3 2.5", "r3c a32a3 5 6"], seen);
    }

    [Fact]
    [Trait("Parity", "EXT-13")]
    public async Task Json_comes_and_goes_by_type_information()
    {
        Point? seen = null;
        foreach (HostFunction function in new[]
        {
            HostFunction.FromJson("ask", (CurrentPlugin _, Point? point) => new Answer((seen = point)?.X ?? -1, "ok"), PointContext.Default.Point, PointContext.Default.Answer),
            HostFunction.FromJson("ask", async (CurrentPlugin _, Point? point) =>
            {
                await Task.Yield();
                return new Answer((seen = point)?.X ?? -1, "ok");
            }, PointContext.Default.Point, PointContext.Default.Answer),
        })
        {
            using Plugin plugin = With(function);
            var point = new Point(3, 4);
            Assert.Equal(new Answer(3, "ok"), plugin.Call("ask", point, PointContext.Default.Point, PointContext.Default.Answer));
            Assert.Equal(point, seen);
            Assert.Equal(new Answer(3, "ok"), await plugin.CallAsync("ask", point, PointContext.Default.Point, PointContext.Default.Answer, TestContext.Current.CancellationToken));
            Assert.Equal("{\"N\":-1,\"Text\":\"ok\"}", plugin.Call("ask", ""));
            Assert.Equal("{\"N\":-1,\"Text\":\"ok\"}", plugin.Call("ask", "null"));

            // What is no JSON of the type is the guest's mistake, and leaves the plug-in usable.
            foreach (string text in new[] { "{", "[]", "{\"X\":\"a\"}", "{\"X\":1}x" })
            {
                PluginException wrong = Assert.Throws<PluginException>(() => plugin.Call("ask", text));
                Assert.Equal(PluginFailure.InvalidRequest, wrong.Failure);
                Assert.IsType<System.Text.Json.JsonException>(wrong.InnerException, exactMatch: false);
            }

            Assert.Equal(point, plugin.Call("echo", point, PointContext.Default.Point, PointContext.Default.Point));
            Assert.Equal(7u, plugin.LastExitCode);
            Assert.Equal(PluginFailure.InvalidRequest, Assert.Throws<PluginException>(
                () => plugin.Call("echo", point, PointContext.Default.Point, PointContext.Default.Int32)).Failure);
        }
    }

    [Fact]
    [Trait("Parity", "EXT-07")]
    public void A_call_into_a_buffer_allocates_nothing()
    {
        using Plugin plugin = With(HostFunction.Create<long, long>("ask", static (_, handle) => handle));
        byte[] input = new byte[1000];
        var writer = new ArrayBufferWriter<byte>(4000);
        for (int i = 0; i < 200; i++)
        {
            writer.ResetWrittenCount();
            plugin.Call("ask", input, writer);
        }

        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                writer.ResetWrittenCount();
                plugin.Call("ask", input, writer);
            }
        }));
        Assert.Equal(1000, writer.WrittenCount);
    }

    [Fact]
    [Trait("Security", "KH-04")]
    public void Every_exception_at_every_shape_of_arguments_is_the_callers_ten_thousand_times_without_growth() =>
        // A process of its own: it looks at the memory of the whole process.
        ChildProcess.Run(static _ => ThrowEverywhere()).AssertSucceeded();

    private static void ThrowEverywhere()
    {
#pragma warning disable CA2201 // Exceptions of the runtime are what a host function may well throw.
        Exception[] exceptions =
        [
            new InvalidOperationException("TEST"), new NullReferenceException("TEST"), new DivideByZeroException("TEST"), new OverflowException("TEST"),
            new IndexOutOfRangeException("TEST"), new OperationCanceledException("TEST"), new TimeoutException("TEST"), new InvalidCastException("TEST"),
            new OutOfMemoryException("TEST"), new ObjectDisposedException("TEST"), new AccessViolationException("TEST"), new StackOverflowException("TEST"),
            new InvalidProgramException("TEST"), new TypeLoadException("TEST"), new AggregateException("TEST"), new FormatException("TEST"),
            new PluginException(PluginFailure.NotAllowed, "TEST"), new ResourceLimitException("TEST"), new LinkException("TEST"),
            new WasmTimeoutException("TEST"), new WasmCanceledException("TEST", default), new ThreadInterruptedException("TEST"), new Exception("TEST"),
        ];
#pragma warning restore CA2201
        Exception toThrow = exceptions[0];
        PluginOptions options = new()
        {
            HostFunctions =
            [
                HostFunction.Create("none", _ => { Throw(); }),
                HostFunction.Create<int, double, string, int>("text", (_, _, _, _) => throw toThrow),
                HostFunction.Create<string, string>("both", (_, _) => throw toThrow),
                HostFunction.Create<long, float, int, long>("three", (_, _, _, _) => throw toThrow),
                HostFunction.FromSpan<string>("span", (_, _) => throw toThrow),
                new HostFunction("raw", new FunctionType([ValType.I32, ValType.F64], [ValType.I64, ValType.F32]), (_, _) => throw toThrow),
                HostFunction.FromDelegate("delegate", new Action<int>(_ => throw toThrow)),
                HostFunction.Create("task", Task (CurrentPlugin _, string _) => Task.FromException(toThrow)),
                HostFunction.Create("thrown", Task<int> (CurrentPlugin _) => throw toThrow),
            ],
        };
        using Plugin plugin = Fixtures.FromWat(
            """
            (module
              (import "extism:host/user" "none" (func $none))
              (import "extism:host/user" "text" (func $text (param i32 f64 i64) (result i32)))
              (import "extism:host/user" "both" (func $both (param i64) (result i64)))
              (import "extism:host/user" "three" (func $three (param i64 f32 i32) (result i64)))
              (import "extism:host/user" "span" (func $span (param i64) (result i64)))
              (import "extism:host/user" "raw" (func $raw (param i32 f64) (result i64 f32)))
              (import "extism:host/user" "delegate" (func $delegate (param i32)))
              (import "extism:host/user" "task" (func $task (param i64)))
              (import "extism:host/user" "thrown" (func $thrown (result i32)))
              (import "extism:host/env" "memory_bytes" (func $bytes (result i64)))
              (func (export "none") (call $none))
              (func (export "text") (drop (call $text (i32.const 1) (f64.const 2) (i64.const 3))))
              (func (export "both") (drop (call $both (i64.const 1))))
              (func (export "three") (drop (call $three (i64.const 1) (f32.const 2) (i32.const 3))))
              (func (export "span") (drop (call $span (i64.const 1))))
              (func (export "raw") (call $raw (i32.const 1) (f64.const 2)) (drop) (drop))
              (func (export "delegate") (call $delegate (i32.const 1)))
              (func (export "task") (call $task (i64.const 1)))
              (func (export "thrown") (drop (call $thrown)))
              (func (export "memory") (result i64) (call $bytes)))
            """,
            options);
        string[] names = ["none", "text", "both", "three", "span", "raw", "delegate", "task", "thrown"];
        uint kernel = plugin.Call("memory").ExitCode;
        long live = 0;
        for (int i = 0; i < 10_000; i++)
        {
            toThrow = exceptions[i % exceptions.Length];
            string name = names[i / exceptions.Length % names.Length];
            Exception? caught = null;
            try
            {
                plugin.Call(name);
            }
            catch (Exception exception)
            {
                caught = exception;
            }

            Assert.Same(toThrow, caught);
            Assert.False(plugin.IsClosed);
            if (i == 2_000)
            {
                live = GC.GetTotalMemory(forceFullCollection: true);
            }
        }

        Assert.Equal(kernel, plugin.Call("memory").ExitCode);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - live, long.MinValue, 8 * 1024 * 1024);

        void Throw() => throw toThrow;
    }

    internal sealed record Point(int X, int Y);

    internal sealed record Answer(int N, string Text);

    [JsonSerializable(typeof(Point))]
    [JsonSerializable(typeof(Answer))]
    [JsonSerializable(typeof(int))]
    internal sealed partial class PointContext : JsonSerializerContext;
}
