using System.Runtime.Intrinsics;

using Codicil.Format;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Exceptions of WebAssembly between guest and host, and what a guest's handlers never see.</summary>
public sealed class ExceptionTests
{
    private const string Guest = """
        (module
          (import "host" "tag" (tag $tag (param i32 i64 f32 f64 v128 funcref externref)))
          (import "host" "act" (func $act))
          (tag $own (export "own") (param i32))
          (func $throw (export "throw") (param i32) (throw $own (local.get 0)))
          (func (export "all") (result i32)
            (block $caught (try_table (catch_all $caught) (call $act)) (return (i32.const 0))) (i32.const 1))
          (func (export "values") (result i32 i64 f32 f64 v128 funcref externref)
            (block $caught (result i32 i64 f32 f64 v128 funcref externref) (try_table (catch $tag $caught) (call $act)) unreachable))
          (func (export "reference") (param $n i32) (result exnref)
            (block $caught (result exnref) (try_table (catch_all_ref $caught) (call $throw (local.get $n))) (ref.null exn)))
          (func (export "again") (param exnref) (throw_ref (local.get 0)))
          (func (export "catchown") (param exnref) (result i32)
            (block $caught (result i32) (try_table (catch $own $caught) (throw_ref (local.get 0))) unreachable)))
        """;

    private static (Store Store, Instance Instance, Tag Tag) Create(Action act)
    {
        Engine engine = Wasm.CreateEngine();
        Store store = engine.CreateStore();
        ValType[] types = [ValType.I32, ValType.I64, ValType.F32, ValType.F64, ValType.V128, ValType.FuncRef, ValType.ExternRef];
        Tag tag = Tag.Create(store, new TagType(new FunctionType([.. types], [])));
        Instance instance = Wasm.Instantiate(store, Guest, linker =>
        {
            linker.Define("host", "tag", tag);
            linker.DefineFunction("host", "act", act);
        });
        return (store, instance, tag);
    }

    [Fact]
    public void A_guests_exception_reaches_the_host_with_tag_and_values()
    {
        (Store store, Instance instance, _) = Create(static () => { });
        GuestException exception = Assert.Throws<GuestException>(() => instance.GetFunction<Action<int>>("throw")!(42));
        Assert.Same(instance.GetExport("own"), exception.Tag);
        Assert.Equal([Value.FromI32(42)], exception.Values);
        store.Dispose();
    }

    [Fact]
    public void A_hosts_exception_is_caught_with_its_values()
    {
        object external = new();
        Function? function = null;
        Tag? tag = null;
        (Store store, Instance instance, tag) = Create(() => throw new GuestException(
            tag!, Value.FromI32(1), Value.FromI64(2), Value.FromF32(3), Value.FromF64(4), Value.FromV128(Vector128.Create((byte)5)), Value.FromFunction(function), Value.FromExtern(external)));
        function = instance.GetFunction("throw");
        var results = new Value[7];
        instance.GetFunction("values")!.Invoke([], results);
        Assert.Equal([1, 2L, 3f, 4.0, Vector128.Create((byte)5), function, external], results.Select(static value => value.ToObject()));
        store.Dispose();
    }

    [Fact]
    public void References_to_exceptions_go_out_and_in()
    {
        (Store store, Instance instance, _) = Create(static () => { });
        Func<int, GuestException?> reference = instance.GetFunction<Func<int, GuestException?>>("reference")!;
        GuestException exception = reference(5)!;
        Assert.Equal(5, exception.Values[0].AsI32());
        Assert.Same(exception, Assert.Throws<GuestException>(() => instance.GetFunction<Action<GuestException?>>("again")!(exception)));
        Assert.Equal(5, instance.GetFunction<Func<GuestException?, int>>("catchown")!(exception));
        Assert.Equal(5, instance.GetFunction("catchown")!.Invoke(exception));
        Wasm.AssertTrap(TrapCode.NullReference, () => instance.GetFunction("again")!.Invoke([null]));
        (_, Instance other, _) = Create(static () => { });
        Assert.Throws<ArgumentException>(() => other.GetFunction<Action<GuestException?>>("again")!(exception));
        Assert.Throws<ArgumentException>(() => other.GetFunction("again")!.Invoke(exception));
        store.Dispose();
    }

    [Fact]
    [Trait("Security", "EX-08")]
    public void A_guest_catches_no_exception_but_those_of_WebAssembly()
    {
        var thrown = new Exception[]
        {
            new TrapException("a host's trap"), new ExitException(3), new OperationCanceledException(), new InvalidOperationException(),
            new WasmTimeoutException("late"), new DivideByZeroException(), new ResourceLimitException("limit"),
        };
        foreach (Exception exception in thrown)
        {
            (Store store, Instance instance, _) = Create(() => throw exception);
            Assert.Same(exception, Record.Exception(() => instance.GetFunction<Func<int>>("all")!()));
            store.Dispose();
        }
    }

    [Theory]
    [InlineData("unreachable", TrapCode.UnreachableCodeReached)]
    [InlineData("(drop (i32.load (i32.const -4)))", TrapCode.MemoryOutOfBounds)]
    [InlineData("(drop (i32.div_s (i32.const 1) (local.get 0)))", TrapCode.IntegerDivisionByZero)]
    [InlineData("(drop (i32.div_s (i32.const 0x80000000) (i32.sub (local.get 0) (i32.const 1))))", TrapCode.IntegerOverflow)]
    [InlineData("(drop (i32.trunc_f32_s (f32.const nan)))", TrapCode.BadConversionToInteger)]
    [InlineData("(call $deep)", TrapCode.StackOverflow)]
    [InlineData("(throw_ref (ref.null exn))", TrapCode.NullReference)]
    [Trait("Security", "EX-08")]
    public void A_guest_catches_no_trap(string code, TrapCode trap)
    {
        foreach (MemoryProtection mode in Wasm.Modes)
        {
            Instance instance = Wasm.Instantiate(
                $"""
                (module (memory 1) (tag $t) (func $deep (call $deep))
                  (func (export "here") (result i32) (local i32) (block $b (try_table (catch_all $b) (catch $t $b) {code}) (return (i32.const 0))) (i32.const 1))
                  (func $callee (local i32) {code})
                  (func (export "there") (result i32) (block $b (result exnref) (try_table (catch_all_ref $b) (call $callee)) (return (i32.const 0))) drop (i32.const 1)))
                """,
                mode);
            Wasm.AssertTrap(trap, () => instance.GetFunction("here")!.Invoke());
            Wasm.AssertTrap(trap, () => instance.GetFunction("there")!.Invoke());
        }
    }

    [Fact]
    [Trait("Security", "EX-08")]
    public void An_interrupt_ends_a_loop_of_handlers()
    {
        using Engine engine = Wasm.CreateEngine(interruptible: true);
        using Store store = engine.CreateStore();
        Instance instance = Wasm.Instantiate(store, """
            (module (tag $t) (func (export "run") (loop $again (block $b (try_table (catch_all $b) (throw $t))) (br $again))))
            """);
        using var timer = new Timer(_ => store.Interrupt(new WasmTimeoutException("late")), null, 50, Timeout.Infinite);
        Assert.Throws<WasmTimeoutException>(instance.GetFunction<Action>("run")!);
    }

    [Fact]
    public void Locals_and_operands_are_right_behind_a_handler()
    {
        Instance instance = Wasm.Instantiate("""
            (module (tag $t (param i32))
              (func $maybe (param i32) (if (i32.ge_u (local.get 0) (i32.const 5)) (then (throw $t (i32.mul (local.get 0) (i32.const 100))))))
              (func (export "run") (param $n i32) (result i32) (local $i i32) (local $sum i32) (local $f f64) (local $l i64)
                i32.const 1000000
                (block $done
                  (loop $next
                    (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
                    (block $caught (result i32)
                      (try_table (catch $t $caught)
                        (local.set $f (f64.add (local.get $f) (f64.const 0.5)))
                        (local.set $l (i64.add (local.get $l) (i64.const 3)))
                        (call $maybe (local.get $i))
                        (local.set $sum (i32.add (local.get $sum) (i32.const 1))))
                      (i32.const 10))
                    (local.set $sum (i32.add (local.get $sum)))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br $next)))
                (i32.add (i32.add (local.get $sum)) (i32.add (i32.trunc_f64_s (local.get $f)) (i32.wrap_i64 (local.get $l))))))
            """);
        Func<int, int> run = instance.GetFunction<Func<int, int>>("run")!;
        for (int n = 0; n < 12; n++)
        {
            int expected = 1_000_000 + (n / 2) + (3 * n);
            for (int i = 0; i < n; i++)
            {
                expected += i < 5 ? 11 : i * 100;
            }

            Assert.Equal(expected, run(n));
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(120)]
    [InlineData(600)]
    public void Handlers_in_handlers_take_their_own_exceptions(int depth) => ChildProcess.Run(
        static arguments =>
        {
            int depth = int.Parse(arguments[0], System.Globalization.CultureInfo.InvariantCulture);
            string tags = Wasm.Repeat(depth, static i => Wasm.Format($"(tag $t{i} (param i32))"));
            string open = Wasm.Repeat(depth, static i => Wasm.Format($"(block $b{i} (result i32) (try_table (result i32) (catch $t{i} $b{i}) "));
            string close = Wasm.Repeat(depth, i => Wasm.Format($") (i32.add (i32.const 0))) (i32.add (i32.const {(i * 7) + 1}))"));
            string cases = Wasm.Repeat(depth, static i => Wasm.Format($"(if (i32.eq (local.get 0) (i32.const {i})) (then (throw $t{i} (i32.const {i * 1000}))))"));
            Instance instance = Wasm.Instantiate($"(module {tags} (func $f (param i32) (result i32) {cases} (i32.const 5)) (func (export \"run\") (param i32) (result i32) {open} (call $f (local.get 0)) {close}))");
            Func<int, int> run = instance.GetFunction<Func<int, int>>("run")!;
            for (int thrown = 0; thrown <= depth; thrown++)
            {
                // The innermost block is the last opened and the first closed; what closes it adds 1, the next 8 and so on.
                int first = thrown == depth ? 0 : depth - 1 - thrown;
                int expected = thrown == depth ? 5 : thrown * 1000;
                for (int i = first; i < depth; i++)
                {
                    expected += (i * 7) + 1;
                }

                Assert.Equal(expected, run(thrown));
            }
        },
        new() { Arguments = [depth.ToString(System.Globalization.CultureInfo.InvariantCulture)] }).AssertSucceeded();

    [Fact]
    public void Handlers_of_the_first_proposal_work()
    {
        using Engine engine = Engine.Create(new EngineOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.LegacyExceptions });
        Instance instance = Wasm.Instantiate(engine.CreateStore(), """
            (module (tag $a (param i32)) (tag $b)
              (func $f (param i32) (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 7)))) (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b)))
                (if (i32.eq (local.get 0) (i32.const 3)) (then unreachable)))
              (func (export "run") (param i32) (result i32)
                (try (result i32)
                  (do (try (do (try (do (call $f (local.get 0))) (catch $a (drop) (rethrow 0))))  (delegate 0)) (i32.const 1))
                  (catch $a (i32.const 10) (i32.add))
                  (catch_all (i32.const 20)))))
            """);
        Func<int, int> run = instance.GetFunction<Func<int, int>>("run")!;
        Assert.Equal([1, 17, 20], [run(0), run(1), run(2)]);
        Wasm.AssertTrap(TrapCode.UnreachableCodeReached, () => run(3));
    }

    [Fact]
    public void The_host_cannot_make_what_does_not_fit()
    {
        (Store store, Instance instance, Tag tag) = Create(static () => { });
        Tag one = Tag.Create(store, new TagType(new FunctionType([ValType.I32], [])));
        Assert.Throws<ArgumentException>(() => new GuestException(tag));
        Assert.Throws<ArgumentException>(() => new GuestException(one, Value.FromI64(1)));
        Assert.Throws<ArgumentException>(() => Tag.Create(store, new TagType(new FunctionType([], [ValType.I32]))));
        Assert.Throws<LinkException>(() => Wasm.Instantiate(store, "(module (import \"m\" \"t\" (tag (param i64))))", linker => linker.Define("m", "t", one)));
        store.Dispose();
        _ = instance;
    }
}
