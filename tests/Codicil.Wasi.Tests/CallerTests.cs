using System.Globalization;
using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

/// <summary>Who calls a function, by which way, and what its stream does meanwhile: it is the importing instance's memory, and the descriptor as it was when the call began.</summary>
public sealed class CallerTests
{
    private const string Import = """(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))""";

    // A vector at 0 of the text at 64; the count goes to 8.
    private const string Memory = """(memory (export "memory") 1) (data (i32.const 0) "\40\00\00\00\01\00\00\00") (data (i32.const 64) "TEXT")""";

    private const string Arguments = "(i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)";

    [Theory]
    [InlineData("(call $fd_write ARGUMENTS)")]
    [InlineData("(return_call $fd_write ARGUMENTS)")]
    [InlineData("(call_indirect (type $t) ARGUMENTS (i32.const 0))")]
    [InlineData("(return_call_indirect (type $t) ARGUMENTS (i32.const 0))")]
    [InlineData("(call_ref $t ARGUMENTS (ref.func $fd_write))")]
    [InlineData("(return_call_ref $t ARGUMENTS (ref.func $fd_write))")]
    public void The_memory_is_the_importing_instances(string call)
    {
        string text = $$"""
            (module (type $t (func (param i32 i32 i32 i32) (result i32))) {{Import}} {{Memory}} (table 1 funcref) (elem (i32.const 0) func $fd_write)
              (func (export "f") (result i32) {{call.Replace("ARGUMENTS", Arguments, StringComparison.Ordinal)}}))
            """;
        using var world = new World();
        Instance one = world.Instantiate(text.Replace("TEXT", "1", StringComparison.Ordinal));
        Instance two = world.Instantiate(text.Replace("TEXT", "2", StringComparison.Ordinal));
        foreach (Instance instance in new[] { one, two, two, one, one, two })
        {
            Assert.Equal(0, instance.GetFunction("f")!.Invoke());
            Assert.Equal(1, instance.GetMemory("memory")!.ReadInt32(8));
        }

        Assert.Equal("122112", world.Output);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_function_that_is_exported_again_works_for_who_imports_it_there(bool oneListens, bool twoListens)
    {
        using var world = new World();
        var first = new Recorder();
        var second = new Recorder();
        Instance one = world.Linker.Instantiate(world.Store, Module.FromText(
            world.Engine,
            $"""(module {Import} {Memory.Replace("TEXT", "1", StringComparison.Ordinal)} (export "fd_write" (func $fd_write)))""",
            new ModuleOptions { Listener = oneListens ? first : null }));
        Function exported = one.GetFunction("fd_write")!;
        Instance two = world.Store.Instantiate(
            Module.FromText(
                world.Engine,
                $"""(module (import "one" "fd_write" (func $f (param i32 i32 i32 i32) (result i32))) {Memory.Replace("TEXT", "2", StringComparison.Ordinal)} (func (export "f") (result i32) (call $f {Arguments})))""",
                new ModuleOptions { Listener = twoListens ? second : null }),
            exported);
        Assert.Equal(0, two.GetFunction("f")!.Invoke());
        Assert.Equal("2", world.Output);
        Assert.Equal(oneListens ? 2 : 0, first.Events.Count);
        Assert.Equal(twoListens ? 2 : 0, second.Events.Count);

        // Called by the host it is the instance's that it was got from.
        Assert.Equal(0, exported.Invoke(1, 0, 1, 8));
        Assert.Equal(0, exported.CreateDelegate<Func<int, int, int, int, int>>()(1, 0, 1, 8));
        Assert.Equal("211", world.Output);
    }

    [Fact]
    public void A_table_of_another_instance_makes_no_difference()
    {
        using var world = new World();
        Instance one = world.Instantiate(
            $"""(module {Import} {Memory.Replace("TEXT", "1", StringComparison.Ordinal)} (table (export "t") 1 funcref) (elem (i32.const 0) func $fd_write))""");
        Instance two = world.Store.Instantiate(
            Module.FromText(world.Engine, $"""(module (type $t (func (param i32 i32 i32 i32) (result i32))) (import "one" "t" (table 1 funcref)) {Memory.Replace("TEXT", "2", StringComparison.Ordinal)} (func (export "f") (result i32) (call_indirect (type $t) {Arguments} (i32.const 0))))"""),
            one.GetTable("t")!);
        Assert.Equal(0, two.GetFunction("f")!.Invoke());
        Assert.Equal("1", world.Output);
    }

    [Fact]
    public void The_host_and_an_instance_without_a_memory_cannot_be_written_for()
    {
        using var world = new World();
        Function function = world.Linker.GetFunction(world.Store, "wasi_snapshot_preview1", "fd_write")!;
        Assert.Contains("called by the host", Assert.Throws<TrapException>(() => function.Invoke(1, 0, 1, 8)).Message, StringComparison.Ordinal);
        Instance instance = world.Instantiate($$"""
            (module {{Import}} (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32))) (memory 1)
              (func (export "f") (result i32) (call $fd_write {{Arguments}})) (func (export "g") (result i32) (call $fd_close (i32.const 9))))
            """);
        Assert.Contains("must export its memory", Assert.Throws<TrapException>(() => instance.GetFunction("f")!.Invoke()).Message, StringComparison.Ordinal);
        Assert.Equal((int)Errno.BadF, instance.GetFunction("g")!.Invoke());
        Assert.Equal("", world.Output);
    }

    [Fact]
    public void A_start_function_can_write()
    {
        using var world = new World();
        world.Instantiate($"""(module {Import} {Memory.Replace("TEXT", "s", StringComparison.Ordinal)} (func $start (drop (call $fd_write {Arguments}))) (start $start))""");
        Assert.Equal("s", world.Output);
    }

    [Fact]
    public void Memory_that_has_grown_can_be_written_from()
    {
        using var world = new World();
        Instance instance = world.Instantiate($$"""
            (module {{Import}} {{Memory}}
              (func (export "f") (param i32) (result i32) (i32.store (i32.const 0) (local.get 0)) (call $fd_write {{Arguments}}))
              (func (export "grow") (result i32) (drop (memory.grow (i32.const 1))) (i32.store8 (i32.const 131071) (i32.const 90)) (i32.const 0)))
            """);
        Assert.Equal((int)Errno.Fault, instance.GetFunction("f")!.Invoke(131071));
        instance.GetFunction("grow")!.Invoke();
        Assert.Equal((int)Errno.Success, instance.GetFunction("f")!.Invoke(131071));
        Assert.Equal((int)Errno.Fault, instance.GetFunction("f")!.Invoke(131072));
        Assert.Equal("Z", world.Output);
    }

    [Fact]
    public void The_right_to_write_can_be_given_up()
    {
        using var output = new MemoryStream();
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = output });
        Assert.Equal(Errno.Success, guest.Write(1, "a"));
        Assert.Equal(Errno.NotCapable, guest.Call("fd_fdstat_set_rights", 1, ulong.MaxValue, 0UL));
        Assert.Equal(Errno.Success, guest.Write(1, "b"));
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_set_rights", 1, (ulong)Rights.FdSync, 0UL));
        Assert.Equal(Errno.NotCapable, guest.Write(1, "c"));
        Assert.Equal("ab", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public void A_number_is_what_it_was_last_made()
    {
        using var output = new MemoryStream();
        using var errors = new MemoryStream();
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = output, StandardError = errors });
        Assert.Equal(Errno.Success, guest.Write(1, "a"));
        Assert.Equal(Errno.Success, guest.Call("fd_renumber", 2, 1));
        Assert.Equal(Errno.Success, guest.Write(1, "b"));
        Assert.Equal(Errno.BadF, guest.Write(2, "c"));
        Assert.Equal(Errno.Success, guest.Call("fd_close", 1));
        Assert.Equal(Errno.BadF, guest.Write(1, "d"));
        Assert.Equal(("a", "b"), (Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(errors.ToArray())));
    }

    [Fact]
    public void An_error_of_the_stream_is_a_number_and_any_other_exception_the_hosts()
    {
        Exception? failure = null;
        using var output = new ActingStream(_ => { if (failure is not null) { throw failure; } });
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = output });
        Assert.Equal(Errno.Success, guest.Write(1, "a"));
        guest.Memory.WriteInt32(8, -1);
        failure = new IOException("x");
        Assert.Equal(Errno.Io, guest.Write(1, "a"));
        failure = new NotSupportedException();
        Assert.Equal(Errno.NotSup, guest.Write(1, "a"));
        failure = new ObjectDisposedException("x");
        Assert.Equal(Errno.Io, guest.Write(1, "a"));
        Assert.Equal(-1, guest.Memory.ReadInt32(8));
        foreach (Exception exception in new Exception[] { new ArithmeticException(), new DivideByZeroException(), new OverflowException(), new InvalidCastException(), new TimeoutException(), new TrapException("x") })
        {
            failure = exception;
            Assert.Same(exception, Assert.Throws(exception.GetType(), () => guest.Write(1, "a")));
        }

        // It goes on.
        failure = null;
        Assert.Equal(Errno.Success, guest.Write(1, "a"));
        Assert.Equal(1, guest.Memory.ReadInt32(8));
    }

    [Fact]
    public void A_broken_pipe_stays_broken()
    {
        Exception? failure = new IOException("x", new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.ConnectionReset));
        using var output = new ActingStream(_ => throw failure);
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = output });
        Assert.Equal(Errno.Pipe, guest.Write(1, "a"));
        failure = new IOException("x");
        Assert.Equal(Errno.Pipe, guest.Write(1, "a"));
    }

    [Fact]
    public void A_stream_may_call_back()
    {
        Guest guest = null!;
        var written = new StringBuilder();
        using var output = new ActingStream(source =>
        {
            written.Append(Encoding.UTF8.GetString(source));
            switch (source)
            {
                case [(byte)'a']:
                    // Another write, with the same vector and the same result.
                    Assert.Equal(Errno.Success, guest.Write(1, "bcd"));
                    guest.Memory.Grow(1);
                    break;
                case [(byte)'e']:
                    Assert.Equal(Errno.Success, guest.Call("fd_renumber", 2, 1));
                    throw new IOException("x");
            }
        });
        using var errors = new MemoryStream();
        using (guest = new Guest(WasiOptions.Default with { StandardOutput = output, StandardError = errors }))
        {
            Assert.Equal(Errno.Success, guest.Write(1, "a"));
            Assert.Equal("abcd", written.ToString());
            Assert.Equal(1, guest.Memory.ReadInt32(8));
            Assert.Equal(Errno.Io, guest.Write(1, "e"));
            Assert.Equal(Errno.Success, guest.Write(1, "f"));
            Assert.Equal("f", Encoding.UTF8.GetString(errors.ToArray()));
        }
    }

    [Theory]
    [Trait("Security", "CL-02")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_store_that_is_disposed_in_the_middle_of_a_write_ends_with_the_next(bool interruptible)
    {
        using var engine = Engine.Create(new EngineOptions { Interruptible = interruptible });
        Store store = engine.CreateStore();
        int writes = 0;
        using var output = new ActingStream(source =>
        {
            if (++writes == 3)
            {
                // On another thread, as disposal comes; what was handed out can be read still.
                var thread = new Thread(store.Dispose);
                thread.Start();
                thread.Join();
                Assert.Equal((byte)'x', source[0]);
            }
        });
        Instance instance = new Linker(engine).DefineWasi(WasiOptions.Default with { StandardOutput = output }).Instantiate(store, Module.FromText(engine, $$"""
            (module {{Import}} {{Memory.Replace("TEXT", "x", StringComparison.Ordinal)}} (func (export "f") (loop $next (drop (call $fd_write {{Arguments}})) (br $next))))
            """));
        Assert.Throws<ObjectDisposedException>(() => instance.GetFunction("f")!.Invoke());
        Assert.Equal(3, writes);
    }

    [Fact]
    public void An_interrupt_in_the_middle_of_a_write_ends_the_call()
    {
        Guest guest = null!;
        using var output = new ActingStream(_ => guest.Store.Interrupt());
        using (guest = new Guest(WasiOptions.Default with { StandardOutput = output }, interruptible: true))
        {
            string loop = $$"""
                (module {{Import}} {{Memory}} (func (export "f") (loop $next (drop (call $fd_write {{Arguments}})) (br $next))))
                """;
            Instance instance = new Linker(guest.Store.Engine).DefineWasi(WasiOptions.Default with { StandardOutput = output }).Instantiate(guest.Store, Module.FromText(guest.Store.Engine, loop));
            Assert.Equal(TrapCode.Interrupt, Assert.Throws<TrapException>(() => instance.GetFunction("f")!.Invoke()).Code);
        }
    }

    [Fact]
    public void A_listener_hears_of_the_calls()
    {
        var listener = new Recorder();
        using var world = new World();
        Module module = Module.FromText(
            world.Engine, $"""(module {Import} {Memory.Replace("TEXT", "1", StringComparison.Ordinal)} (func (export "f") (result i32) (call $fd_write {Arguments})))""", new ModuleOptions { Listener = listener });
        Instance instance = world.Linker.Instantiate(world.Store, module);
        Assert.Equal(0, instance.GetFunction("f")!.Invoke());
        Assert.Equal(["fd_write(1, 0, 1, 8)", "fd_write = 0"], listener.Events);
        Assert.Equal("1", world.Output);
    }

    /// <summary>Modules that share one world.</summary>
    private sealed class World : IDisposable
    {
        private readonly MemoryStream _output = new();

        public World()
        {
            Engine = Engine.Create();
            Store = Engine.CreateStore();
            Linker = new Linker(Engine).DefineWasi(WasiOptions.Default with { StandardOutput = _output });
        }

        public Engine Engine { get; }

        public Store Store { get; }

        public Linker Linker { get; }

        public string Output => Encoding.UTF8.GetString(_output.ToArray());

        public Instance Instantiate(string text) => Linker.Instantiate(Store, Module.FromText(Engine, text));

        public void Dispose()
        {
            Store.Dispose();
            Engine.Dispose();
            _output.Dispose();
        }
    }

    /// <summary>Hears of imported functions.</summary>
    private sealed class Recorder : FunctionListener
    {
        public List<string> Events { get; } = [];

        public override bool ListensTo(FunctionDefinition function) => function.Import is not null;

        public override void Before(in FunctionCall call, ReadOnlySpan<Value> parameters) => Events.Add($"{call.Function.Name}({Join(parameters)})");

        public override void After(in FunctionCall call, ReadOnlySpan<Value> results) => Events.Add($"{call.Function.Name} = {Join(results)}");

        private static string Join(ReadOnlySpan<Value> values) => string.Join(", ", values.ToArray().Select(static value => value.AsI32().ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Does something at each write.</summary>
    private sealed class ActingStream(ActingStream.Action act) : OneWayStream
    {
        public delegate void Action(ReadOnlySpan<byte> source);

        public override bool CanRead => false;

        public override bool CanWrite => true;

        public override void Write(ReadOnlySpan<byte> buffer) => act(buffer);
    }
}
