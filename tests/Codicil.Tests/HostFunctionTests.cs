using System.Globalization;
using System.Runtime.CompilerServices;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Functions of the host: what they get, what they give, what they throw.</summary>
public sealed class HostFunctionTests
{
    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Parity", "WTG-09")]
    public void An_exception_of_the_host_reaches_the_caller_unchanged(MemoryProtection mode)
    {
#pragma warning disable CA2201 // What the runtime itself throws is what must not be mistaken.
        Exception[] exceptions =
        [
            new NullReferenceException("a"), new DivideByZeroException("b"), new OverflowException("c"), new ArithmeticException("d"), new InvalidOperationException("e"),
            new OperationCanceledException("f"), new AccessViolationException("g"), new IndexOutOfRangeException("h"), new StackOverflowException("i"), new ExitException(3), new TrapException("j"),
        ];
#pragma warning restore CA2201
        Exception? next = null;
        Function? nested = null;
        Instance instance = Wasm.Instantiate(
            """
            (module (import "host" "throw" (func $throw (param i32))) (import "host" "nest" (func $nest)) (memory 1)
              (func (export "throw") (call $throw (i32.load (i32.const 0))))
              (func (export "nest") call $nest))
            """,
            mode,
            define: linker => linker.DefineFunction("host", "throw", (Action<int>)(_ => throw next!)).DefineFunction("host", "nest", (Action)(() => nested!.Invoke())));
        nested = instance.GetFunction("throw")!;
        Action direct = instance.GetFunction<Action>("throw")!;
        Action through = instance.GetFunction<Action>("nest")!;
        foreach (Exception exception in exceptions)
        {
            next = exception;
            Assert.Same(exception, Record.Exception(direct));
            Assert.Same(exception, Record.Exception(through));
            Assert.Same(exception, Record.Exception(() => nested.Invoke()));
            Assert.Same(exception, Record.Exception(() => Function.FromDelegate(instance.Store, (Action<int>)(_ => throw next!)).Invoke(1)));
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Parity", "WTG-09")]
    public void A_fault_in_the_hosts_own_code_is_no_trap(MemoryProtection mode)
    {
        Instance instance = Wasm.Instantiate(
            """
            (module (import "host" "null" (func $null (param externref) (result i32))) (import "host" "divide" (func $divide (param i32 i32) (result i32)))
              (memory 1)
              (func (export "null") (result i32) (call $null (ref.null extern)))
              (func (export "divide") (param i32 i32) (result i32) (call $divide (local.get 0) (local.get 1)))
              (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
              (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))
            """,
            mode,
            define: static linker => linker
                .DefineFunction("host", "null", static (string text) => text.Length)
                .DefineFunction("host", "divide", static (int left, int right) => left / right));
        Assert.Throws<NullReferenceException>(() => instance.GetFunction("null")!.Invoke());
        Assert.Throws<DivideByZeroException>(() => instance.GetFunction("divide")!.Invoke(1, 0));
        Assert.Throws<OverflowException>(() => instance.GetFunction("divide")!.Invoke(int.MinValue, -1));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("load")!.Invoke(65_536));
        Wasm.AssertTrap(TrapCode.IntegerDivisionByZero, () => instance.GetFunction("div")!.Invoke(1, 0));
        Wasm.AssertTrap(TrapCode.IntegerOverflow, () => instance.GetFunction("div")!.Invoke(int.MinValue, -1));
    }

    [Fact]
    [Trait("Parity", "WTG-09")]
    public void A_trap_inside_a_nested_call_reaches_the_host_function_and_then_the_caller()
    {
        TrapException? seen = null;
        Function? inner = null;
        Instance instance = Wasm.Instantiate(
            """
            (module (import "host" "f" (func $f))
              (func $deep (export "deep") unreachable)
              (func (export "outer") call $f))
            """,
            define: linker => linker.DefineFunction("host", "f", () =>
            {
                seen = Assert.Throws<TrapException>(() => inner!.Invoke());
                throw seen;
            }));
        inner = instance.GetFunction("deep");
        TrapException trap = Assert.Throws<TrapException>(() => instance.GetFunction("outer")!.Invoke());
        Assert.Same(seen, trap);
        Assert.Equal(TrapCode.UnreachableCodeReached, trap.Code);
        Assert.Equal("deep", trap.Frames[0].FunctionName);
    }

    [Fact]
    [Trait("Parity", "WTG-08")]
    public void Traps_of_every_kind_have_their_code_their_message_and_their_frames()
    {
        Instance instance = Wasm.Instantiate("""
            (module $m
              (memory 1) (table 2 funcref) (type $t (func)) (elem (i32.const 1) $wrong)
              (func $wrong (param i32))
              (func $unreachable (export "unreachable") unreachable)
              (func (export "load") (drop (i64.load (i32.const 65529))))
              (func (export "store") (i32.store (i32.const -1) (i32.const 1)))
              (func (export "fill") (memory.fill (i32.const 0) (i32.const 0) (i32.const 65537)) (drop (memory.size)))
              (func (export "get") (drop (table.get (i32.const 2))))
              (func (export "undefined") (call_indirect (type $t) (i32.const 2)))
              (func (export "null") (call_indirect (type $t) (i32.const 0)))
              (func (export "signature") (call_indirect (type $t) (i32.const 1)))
              (func (export "zero") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
              (func (export "overflow") (drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1))))
              (func (export "nan") (drop (i32.trunc_f32_s (f32.const nan))))
              (func (export "large") (drop (i64.trunc_f64_u (f64.const -1))))
              (func $stack (export "stack") call $stack)
              (func $outer (export "outer") call $inner unreachable) (func $inner (drop (i32.div_u (i32.const 1) (i32.const 0)))))
            """);
        (string Name, TrapCode Code, string Message)[] expected =
        [
            ("unreachable", TrapCode.UnreachableCodeReached, "unreachable"), ("load", TrapCode.MemoryOutOfBounds, "out of bounds memory access"), ("store", TrapCode.MemoryOutOfBounds, "out of bounds memory access"),
            ("fill", TrapCode.MemoryOutOfBounds, "out of bounds memory access"), ("get", TrapCode.TableOutOfBounds, "out of bounds table access"),
            ("undefined", TrapCode.UndefinedElement, "undefined element"), ("null", TrapCode.IndirectCallToNull, "uninitialized element"), ("signature", TrapCode.BadSignature, "indirect call type mismatch"),
            ("zero", TrapCode.IntegerDivisionByZero, "integer divide by zero"), ("overflow", TrapCode.IntegerOverflow, "integer overflow"), ("nan", TrapCode.BadConversionToInteger, "invalid conversion to integer"),
            ("large", TrapCode.IntegerOverflow, "integer overflow"), ("stack", TrapCode.StackOverflow, "call stack exhausted"),
        ];
        foreach ((string name, TrapCode code, string message) in expected)
        {
            Function function = instance.GetFunction(name)!;
            for (int round = 0; round < 2; round++)
            {
                TrapException trap = Assert.Throws<TrapException>(() => function.Invoke());
                Assert.Equal(code, trap.Code);
                Assert.StartsWith("wasm trap: ", trap.Message, StringComparison.Ordinal);
                Assert.Contains(message, trap.Message, StringComparison.Ordinal);
                Assert.True(trap.Frames.Length > 0, name + round + trap);
                Assert.Equal("m", trap.Frames[^1].ModuleName);
            }
        }

        // What was inlined has no frame; the outermost always has one.
        TrapException deep = Assert.Throws<TrapException>(() => instance.GetFunction("outer")!.Invoke());
        Assert.Equal("outer", deep.Frames[^1].FunctionName);
        Assert.Contains("at m!outer", deep.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "WTG-08")]
    public void A_function_with_a_large_frame_is_one_frame_of_a_trap()
    {
        string locals = Wasm.Repeat(10_000, static _ => "i64 ");
        Instance instance = Wasm.Instantiate($"(module (func $f (export \"f\") (param i32) (local {locals}) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else unreachable))))");
        TrapException trap = Assert.Throws<TrapException>(() => instance.GetFunction("f")!.Invoke(2));
        Assert.Equal(["f", "f", "f"], trap.Frames.Select(static frame => frame.FunctionName));
    }

    [Fact]
    [Trait("Parity", "WTG-09")]
    public void The_raw_form_checks_what_the_callback_gives()
    {
        using Store store = Wasm.CreateEngine().CreateStore();
        var type = new FunctionType([ValType.I32, ValType.F64], [ValType.I64, ValType.ExternRef, ValType.F32]);
        object token = new();
        Function good = Function.Create(store, type, (caller, parameters, results) =>
        {
            Assert.Same(store, caller.Store);
            Assert.Null(caller.Instance);
            results[0] = Value.FromI64(parameters[0].AsI32() * 2L);
            results[1] = Value.FromExtern(token);
            results[2] = Value.FromF32((float)parameters[1].AsF64());
        });
        Assert.Equal([42L, token, 1.5f], Assert.IsType<object?[]>(good.Invoke(21, 1.5)));
        Function wrong = Function.Create(store, type, static (_, _, results) => results[0] = Value.FromI32(1));
        Assert.Contains("result 0", Assert.Throws<InvalidOperationException>(() => wrong.Invoke(1, 1.0)).Message, StringComparison.Ordinal);
        Function reference = Function.Create(store, type, static (_, _, results) => results[1] = Value.FromFunction(null));
        Assert.ThrowsAny<Exception>(() => reference.Invoke(1, 1.0));
    }

    [Fact]
    [Trait("Parity", "WTG-10")]
    public void A_caller_gives_the_calling_instance_and_throws_when_it_is_kept()
    {
        Caller kept = default;
        int sum = 0;
        using Store store = Wasm.CreateEngine().CreateStore();
        Instance instance = Wasm.Instantiate(
            store,
            """
            (module (import "host" "f" (func $f (param i32 i32) (result i32))) (memory (export "memory") 1) (data (i32.const 16) "\01\02\03\04")
              (func (export "g") (result i32) (call $f (i32.const 16) (i32.const 4))) (func (export "seven") (result i32) i32.const 7))
            """,
            linker => linker.DefineFunction("host", "f", (Caller caller, int offset, int length) =>
            {
                kept = caller;
                foreach (byte b in caller.GetMemory("memory")!.GetSpan((uint)offset, length))
                {
                    sum += b;
                }

                Assert.Null(caller.GetMemory("none"));
                Assert.Null(caller.GetFunction("memory"));
                return (int)caller.GetFunction("seven")!.Invoke()! + caller.Instance!.Exports.Length;
            }));
        store.Data = "data";
        Assert.Equal(10, instance.GetFunction("g")!.Invoke());
        Assert.Equal(10, sum);
        Assert.Throws<InvalidOperationException>(() => kept.Store);
        Assert.Throws<InvalidOperationException>(() => kept.Instance);
        Assert.Throws<InvalidOperationException>(() => kept.GetExport("memory"));
        Assert.Throws<InvalidOperationException>(() => default(Caller).Store);
    }

    [Fact]
    [Trait("Parity", "WTG-10")]
    public void The_caller_is_the_instance_that_imported_the_function()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        var seen = new List<Instance?>();
        Function host = Function.FromDelegate(store, (Caller caller) => seen.Add(caller.Instance));
        using Module module = Module.FromText(engine, """(module (import "host" "f" (func $f)) (export "f" (func $f)) (func (export "g") call $f))""");
        Instance first = store.Instantiate(module, host);
        Instance second = store.Instantiate(module, host);
        first.GetFunction("g")!.Invoke();
        second.GetFunction("g")!.Invoke();
        host.Invoke();
        Assert.Equal([first, second, null], seen);
    }

    [Fact]
    [Trait("Parity", "WTG-12")]
    public void References_pass_through_tables_globals_functions_and_null_stays_null()
    {
        Instance instance = Wasm.Instantiate("""
            (module (table $t (export "table") 2 externref) (global $g (export "global") (mut externref) (ref.null extern)) (elem declare func $f)
              (func (export "table") (param externref) (result externref) (table.set $t (i32.const 1) (local.get 0)) (table.get $t (i32.const 1)))
              (func (export "global") (param externref) (result externref) (global.set $g (local.get 0)) (global.get $g))
              (func (export "pair") (param externref i32) (result externref externref i32) (local.get 0) (ref.null extern) (ref.is_null (local.get 0)))
              (func $f (export "f") (result funcref) (ref.func $f)))
            """.Replace("(export \"table\") 2", "2", StringComparison.Ordinal).Replace("(export \"global\") (mut", "(export \"x\") (mut", StringComparison.Ordinal));
        foreach (object? value in new object?[] { "text", 5, null, new int[3], instance, new Action(static () => { }) })
        {
            Assert.Same(value, instance.GetFunction<Func<object?, object?>>("table")!(value));
            Assert.Same(value, instance.GetFunction<Func<object?, object?>>("global")!(value));
            Assert.Same(value, instance.GetGlobal("x")!.Value.AsExtern());
            (object? first, object? second, bool isNull) = instance.GetFunction<Func<object?, int, (object?, object?, bool)>>("pair")!(value, 1);
            Assert.Same(value, first);
            Assert.Null(second);
            Assert.Equal(value is null, isNull);
        }

        Assert.Equal("typed", instance.GetFunction<Func<string, string>>("table")!("typed"));
        Assert.Throws<InvalidCastException>(() => instance.GetFunction<Func<object, string>>("table")!(new object()));
        Function f = instance.GetFunction("f")!;
        Assert.Same(f, f.Invoke());
        Assert.Same(f, instance.GetFunction<Func<Function>>("f")!());
    }

    [Fact]
    [Trait("Parity", "WTG-12")]
    public void A_reference_given_back_is_released()
    {
        Instance instance = Wasm.Instantiate("""
            (module (func (export "pair") (param externref) (result i32 externref) i32.const 1 local.get 0)
              (func (export "many") (param externref) (result i32 externref externref) (call $three (local.get 0)) drop drop drop i32.const 1 ref.null extern ref.null extern)
              (func $three (param externref) (result externref externref externref) local.get 0 local.get 0 local.get 0))
            """);
        WeakReference weak = Pass(instance);
        for (int i = 0; i < 10 && weak.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(weak.IsAlive);
        GC.KeepAlive(instance);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Pass(Instance instance)
        {
            object value = new();
            (int _, object back) = instance.GetFunction<Func<object, (int, object)>>("pair")!(value);
            Assert.Same(value, back);
            instance.GetFunction("pair")!.Invoke(value);
            instance.GetFunction("many")!.Invoke(value);
            return new WeakReference(value);
        }
    }

    [Fact]
    [Trait("Parity", "WTG-09")]
    public void A_delegate_with_a_type_without_counterpart_is_refused_by_name()
    {
        using Store store = Wasm.CreateEngine().CreateStore();
        foreach (Delegate callback in new Delegate[] { (nint _) => { }, (byte _) => { }, () => 'c', () => default(decimal), (int? _) => { }, (Span<byte> _) => { }, (ref int _) => { }, (int _, (int, int) _) => { } })
        {
            string name = callback.Method.GetParameters().LastOrDefault()?.ParameterType.Name ?? callback.Method.ReturnType.Name;
            Assert.Contains(name, Assert.Throws<ArgumentException>(() => Function.FromDelegate(store, callback)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => new Linker(store.Engine).DefineFunction("a", "b", callback));
        }
    }

    [Fact]
    [Trait("Parity", "WTG-27")]
    public void A_function_of_another_store_is_refused_everywhere()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store mine = engine.CreateStore();
        using Store other = engine.CreateStore();
        Function foreign = Function.FromDelegate(other, static () => { });
        Instance instance = Wasm.Instantiate(
            mine,
            """
            (module (import "host" "give" (func $give (result funcref))) (import "host" "pair" (func $pair (result i32 funcref))) (table (export "t") 1 funcref) (global (export "g") (mut funcref) (ref.null func))
              (func (export "take") (param funcref)) (func (export "give") (drop (call $give))) (func (export "pair") call $pair drop drop))
            """,
            linker => linker.DefineFunction("host", "give", () => foreign).DefineFunction("host", "pair", () => (1, foreign)));
        Assert.Throws<ArgumentException>(() => instance.GetFunction<Action<Function>>("take")!(foreign));
        Assert.Throws<ArgumentException>(() => instance.GetFunction("take")!.Invoke(foreign));
        Assert.Throws<ArgumentException>(() => instance.GetFunction("give")!.Invoke());
        Assert.Throws<ArgumentException>(() => instance.GetFunction("pair")!.Invoke());
        Assert.Throws<ArgumentException>(() => instance.GetTable("t")!.Set(0, Value.FromFunction(foreign)));
        Assert.Throws<ArgumentException>(() => instance.GetTable("t")!.Grow(1, Value.FromFunction(foreign)));
        Assert.Throws<ArgumentException>(() => instance.GetGlobal("g")!.Value = Value.FromFunction(foreign));
        Assert.Throws<ArgumentException>(() => Table.Create(mine, new TableType(ValType.FuncRef, new Limits(1)), Value.FromFunction(foreign)));
        Assert.Throws<ArgumentException>(() => Global.Create(mine, new GlobalType(ValType.FuncRef, false), Value.FromFunction(foreign)));
        using Module module = Module.FromText(engine, """(module (import "a" "b" (func)))""");
        Assert.Throws<ArgumentException>(() => mine.Instantiate(module, foreign));
        using Engine secondEngine = Wasm.CreateEngine();
        using Module foreignModule = Module.FromText(secondEngine, "(module)");
        Assert.Throws<ArgumentException>(() => mine.Instantiate(foreignModule));
        Assert.Throws<ArgumentException>(() => new Linker(secondEngine).Instantiate(mine, foreignModule));
    }

    [Fact]
    public void Values_print_and_convert_as_documented()
    {
        Assert.Equal("i32 i64 f32 f64 funcref externref v128", string.Join(' ', new[] { ValType.I32, ValType.I64, ValType.F32, ValType.F64, ValType.FuncRef, ValType.ExternRef, ValType.V128 }.Select(static type => type.ToString())));
        Assert.Equal("-1 1.5 null", string.Create(CultureInfo.InvariantCulture, $"{Value.FromI32(-1)} {Value.FromF64(1.5)} {Value.FromExtern(null)}"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Parity", "WTG-10")]
    public void A_caller_ends_with_its_host_function_and_not_with_those_that_it_calls(bool raw)
    {
        using Store store = Wasm.CreateEngine().CreateStore();
        var callers = new List<Caller>();
        Instance? instance = null;
        void Host(Caller caller, int depth)
        {
            callers.Add(caller);
            foreach (Caller outer in callers)
            {
                Assert.Same(instance, outer.Instance);
            }

            if (depth == 0)
            {
                callers.RemoveAt(callers.Count - 1);
                throw new InvalidOperationException("innermost");
            }

            Action<int> again = caller.GetFunction("f")!.CreateDelegate<Action<int>>();
            Assert.Equal("innermost", Assert.Throws<InvalidOperationException>(() => again(0)).Message);
            if (depth > 1)
            {
                again(depth - 1);

                // What was given to the function inside has ended, although this call has not.
                Assert.Throws<InvalidOperationException>(() => callers[^1].Store);
                callers.RemoveAt(callers.Count - 1);
            }

            Assert.Same(store, caller.Store);
        }

        Function host = raw
            ? Function.Create(store, new FunctionType([ValType.I32], []), (caller, arguments, _) => Host(caller, arguments[0].AsI32()))
            : Function.FromDelegate(store, (Caller caller, int depth) => Host(caller, depth));
        instance = store.Instantiate(Module.FromText(store.Engine, """(module (import "" "" (func $f (param i32))) (func (export "f") (param i32) (call $f (local.get 0))))"""), host);
        for (int round = 0; round < 3; round++)
        {
            instance.GetFunction("f")!.Invoke(20);
            Assert.Throws<InvalidOperationException>(() => Assert.Single(callers).Store);
            callers.Clear();
        }
    }
}
