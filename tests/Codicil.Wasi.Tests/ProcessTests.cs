using System.Globalization;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class ProcessTests
{
    private const string ExitImport = """(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))""";

    public static TheoryData<uint> ExitCodes => [0, 1, 2, 125, 126, 255, 256, 0x8000_0000, uint.MaxValue];

    [Theory]
    [Trait("Security", "WO-04")]
    [MemberData(nameof(ExitCodes))]
    public void Exit_from_a_call_is_a_typed_exception(uint code)
    {
        using var guest = new Guest();
        ExitException exit = Assert.Throws<ExitException>(() => guest.Instance.GetFunction("proc_exit")!.Invoke(code));
        Assert.Equal(code, exit.ExitCode);
    }

    [Theory]
    [Trait("Security", "WO-04")]
    [Trait("Parity", "WTG-21")]
    [MemberData(nameof(ExitCodes))]
    public void A_commands_exit_code_is_returned(uint code)
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, string.Create(CultureInfo.InvariantCulture, $"""
            (module {ExitImport} (memory (export "memory") 1)
              (func (export "_start") (call $exit (i32.const {unchecked((int)code)})) unreachable))
            """));
        Assert.Equal(code, WasiCommand.Run(new Linker(engine).DefineWasi(WasiOptions.Default), store, module));
    }

    [Fact]
    [Trait("Security", "WO-04")]
    public void A_command_that_returns_has_succeeded()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """(module (func (export "_start")))""");
        Assert.Equal(0u, WasiCommand.Run(new Linker(engine), store, module));
    }

    [Fact]
    [Trait("Security", "WO-04")]
    public void Exit_while_instantiating_is_the_commands_exit_code()
    {
        using var engine = Engine.Create();
        using Module module = Module.FromText(engine, $"""
            (module {ExitImport} (memory (export "memory") 1)
              (start $start)
              (func $start (call $exit (i32.const 42)))
              (func (export "_start") unreachable))
            """);
        Linker linker = new Linker(engine).DefineWasi(WasiOptions.Default);
        using (Store store = engine.CreateStore())
        {
            Assert.Equal(42u, WasiCommand.Run(linker, store, module));
        }

        using (Store store = engine.CreateStore())
        {
            Assert.Equal(42u, Assert.Throws<ExitException>(() => linker.Instantiate(store, module)).ExitCode);
        }
    }

    [Theory]
    [Trait("Security", "WO-04")]
    [InlineData(0u)]
    [InlineData(255u)]
    public void Exit_passes_through_a_host_call(uint code)
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, string.Create(CultureInfo.InvariantCulture, $"""
            (module {ExitImport} (import "host" "call" (func $call)) (memory (export "memory") 1)
              (func (export "_start") (call $call) unreachable)
              (func (export "exit") (call $exit (i32.const {code})) unreachable))
            """));
        bool hostSawIt = false;
        Linker linker = new Linker(engine).DefineWasi(WasiOptions.Default).DefineFunction("host", "call", (Caller caller) =>
        {
            try
            {
                caller.GetFunction("exit")!.Invoke();
            }
            catch (ExitException)
            {
                hostSawIt = true;
                throw;
            }
        });
        Assert.Equal(code, WasiCommand.Run(linker, store, module));
        Assert.True(hostSawIt);
    }

    [Fact]
    [Trait("Security", "WO-04")]
    public void Exit_flushes_output()
    {
        using var output = new MemoryStream();
        using var buffered = new BufferedStream(output, 4096);
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = buffered });
        guest.Write(1, "hello");
        Assert.Equal(0, output.Length);
        Assert.Throws<ExitException>(() => guest.Instance.GetFunction("proc_exit")!.Invoke(0));
        Assert.Equal(5, output.Length);
    }

    [Theory]
    [Trait("Parity", "WAZ-14")]
    [InlineData("", "")]
    [InlineData("_start", "s")]
    [InlineData("_initialize,missing,b,_start,b", "ibsb")]
    [InlineData("b,exit,_start", "b")]
    public void Start_functions_run_in_order_and_absent_ones_are_passed_over(string names, string expected)
    {
        using StartGuest guest = new(WasiOptions.Default with { StartFunctions = names.Split(',', StringSplitOptions.RemoveEmptyEntries) });
        guest.Code = 0;
        Instance? instance = guest.Instantiate();
        Assert.Equal(expected, guest.Calls);

        // An exit with 0 is the end of the program, and no failure.
        Assert.Equal(names.Contains("exit", StringComparison.Ordinal), instance is null);
    }

    [Fact]
    [Trait("Parity", "WAZ-14")]
    public void The_first_start_function_that_fails_is_the_last()
    {
        using (StartGuest guest = new(WasiOptions.Default with { StartFunctions = ["b", "exit", "_start"] }))
        {
            guest.Code = 7;
            Assert.Equal(7u, Assert.Throws<ExitException>(guest.Instantiate).ExitCode);
            Assert.Equal("b", guest.Calls);
        }

        using (StartGuest guest = new(WasiOptions.Default with { StartFunctions = ["b", "trap", "_start"] }))
        {
            WasmFrame frame = Assert.Throws<TrapException>(guest.Instantiate).Frames[0];
            Assert.Equal(("starter", "trap"), (frame.ModuleName, frame.FunctionName));
            Assert.Equal("b", guest.Calls);
        }

        // What cannot be called is found before anything runs.
        using (StartGuest guest = new(WasiOptions.Default with { StartFunctions = ["b", "wrong"] }))
        {
            Assert.Contains("`wrong`", Assert.Throws<LinkException>(guest.Instantiate).Message, StringComparison.Ordinal);
            Assert.Equal("", guest.Calls);
        }
    }

    [Fact]
    [Trait("Parity", "WAZ-14")]
    public void Start_is_the_only_start_function_by_default_and_plain_instantiation_runs_none()
    {
        Assert.Equal(["_start"], WasiOptions.Default.StartFunctions);
        using StartGuest guest = new(WasiOptions.Default);
        Assert.NotNull(guest.Instantiate());
        Assert.Equal("s", guest.Calls);
        guest.Linker.Instantiate(guest.Store, guest.Module);
        Assert.Equal("s", guest.Calls);

        // Without WASI it is the same.
        using Engine engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """(module (global (export "g") (mut i32) (i32.const 0)) (func (export "_start") (global.set 0 (i32.const 1))))""");
        Assert.Equal(1, WasiCommand.Instantiate(new Linker(engine), store, module)!.GetGlobal("g")!.Value.AsI32());
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { StartFunctions = [null!] });
    }

    [Fact]
    public void A_module_without_start_is_no_command()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module none = Module.FromText(engine, "(module)");
        Assert.Contains("_start", Assert.Throws<LinkException>(() => WasiCommand.Run(new Linker(engine), store, none)).Message, StringComparison.Ordinal);
        using Module wrong = Module.FromText(engine, """(module (func (export "_start") (param i32)))""");
        Assert.Contains("_start", Assert.Throws<LinkException>(() => WasiCommand.Run(new Linker(engine), store, wrong)).Message, StringComparison.Ordinal);
        using Module memory = Module.FromText(engine, """(module (memory (export "_start") 1))""");
        Assert.Contains("_start", Assert.Throws<LinkException>(() => WasiCommand.Run(new Linker(engine), store, memory)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reactor_is_initialized_once_asked_for()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """
            (module (global $ready (mut i32) (i32.const 0))
              (func (export "_initialize") (global.set $ready (i32.const 1)))
              (func (export "ready") (result i32) (global.get $ready)))
            """);
        Instance instance = new Linker(engine).Instantiate(store, module);
        Assert.Equal(0, instance.GetFunction("ready")!.Invoke());
        Assert.True(WasiCommand.InitializeReactor(instance));
        Assert.Equal(1, instance.GetFunction("ready")!.Invoke());
        using Module plain = Module.FromText(engine, "(module)");
        Assert.False(WasiCommand.InitializeReactor(new Linker(engine).Instantiate(store, plain)));
        using Module wrong = Module.FromText(engine, """(module (func (export "_initialize") (result i32) (i32.const 0)))""");
        Assert.Throws<LinkException>(() => WasiCommand.InitializeReactor(new Linker(engine).Instantiate(store, wrong)));
    }

    [Fact]
    public void Signals_do_to_the_guest_what_their_default_action_is()
    {
        using var guest = new Guest();
        Assert.Equal(Errno.Success, guest.Call("proc_raise", 0));
        Assert.Equal(Errno.Success, guest.Call("proc_raise", 13));
        Assert.Equal(Errno.NotSup, guest.Call("proc_raise", 18));
        Assert.Equal(Errno.Inval, guest.Call("proc_raise", 31));
        Assert.Equal(Errno.Inval, guest.Call("proc_raise", uint.MaxValue));
        Assert.Equal(134u, Assert.Throws<ExitException>(() => guest.Call("proc_raise", 6)).ExitCode);
        Assert.Equal(137u, Assert.Throws<ExitException>(() => guest.Call("proc_raise", 9)).ExitCode);
    }

    [Fact]
    [Trait("Parity", "WAZ-15")]
    public void Yielding_returns_at_once_or_does_what_it_is_told()
    {
        int yields = 0;
        using var guest = new Guest(WasiOptions.Default with { Yield = () => yields++ });
        Assert.Equal(Errno.Success, guest.Call("sched_yield"));
        Assert.Equal(1, yields);
        using var plain = new Guest();
        Assert.Equal(Errno.Success, plain.Call("sched_yield"));
    }

    [Fact]
    public void A_module_without_memory_is_told_so_when_one_is_needed()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """
            (module
              (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
              (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
              (func (export "yield") (result i32) (call $yield))
              (func (export "random") (result i32) (call $random (i32.const 0) (i32.const 0))))
            """);
        Instance instance = new Linker(engine).DefineWasi(WasiOptions.Default).Instantiate(store, module);
        Assert.Equal(0, instance.GetFunction("yield")!.Invoke());
        Assert.StartsWith("missing required memory export", Assert.Throws<TrapException>(() => instance.GetFunction("random")!.Invoke()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_modules_in_a_store_write_to_the_same_output_from_their_own_memories()
    {
        using var output = new MemoryStream();
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        Linker linker = new Linker(engine).DefineWasi(WasiOptions.Default with { StandardOutput = output });
        Instance[] instances =
        [
            .. "ab".Select(letter =>
            {
                using Module module = Module.FromText(engine, $"""
                    (module
                      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
                      (memory (export "memory") 1)
                      (data (i32.const 0) "\10\00\00\00\01\00\00\00")
                      (data (i32.const 16) "{letter}")
                      (func (export "write") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
                    """);
                return linker.Instantiate(store, module);
            }),
        ];
        for (int i = 0; i < 6; i++)
        {
            instances[i & 1].GetFunction("write")!.Invoke();
        }

        Assert.Equal("ababab"u8.ToArray(), output.ToArray());
    }

    /// <summary>A module with several functions to start, which say that they were called.</summary>
    private sealed class StartGuest : IDisposable
    {
        private readonly Engine _engine = Engine.Create();

        public StartGuest(WasiOptions options)
        {
            Store = _engine.CreateStore();
            Module = Module.FromText(_engine, $"""
                (module $starter {ExitImport} (import "host" "note" (func $note (param i32))) (import "host" "code" (func $code (result i32))) (memory (export "memory") 1)
                  (func (export "_start") (call $note (i32.const 115)))
                  (func (export "_initialize") (call $note (i32.const 105)))
                  (func (export "b") (call $note (i32.const 98)))
                  (func (export "exit") (call $exit (call $code)))
                  (func $trap (export "trap") unreachable)
                  (func (export "wrong") (param i32)))
                """);
            Linker = new Linker(_engine).DefineWasi(options).DefineFunction("host", "note", (int letter) => { Calls += (char)letter; }).DefineFunction("host", "code", () => Code);
        }

        public Store Store { get; }

        public Module Module { get; }

        public Linker Linker { get; }

        public int Code { get; set; }

        public string Calls { get; private set; } = "";

        public Instance? Instantiate() => WasiCommand.Instantiate(Linker, Store, Module);

        public void Dispose()
        {
            Module.Dispose();
            Store.Dispose();
            _engine.Dispose();
        }
    }
}
