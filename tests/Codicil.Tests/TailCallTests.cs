namespace Codicil.Tests;

/// <summary>Tail calls take no stack, whatever is called and however, and end when they are told to.</summary>
public sealed class TailCallTests
{
    private const int Deep = 3_000_000;

    private const string Forms = """
        (module
          (type $one (func (param i32) (result i32)))
          (type $count (func (param i64 i64) (result i64)))
          (type $wide (func (param i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 i64 i64 i64 i64) (result i64)))
          (type $two (func (param i32 i64) (result i64 i32 f64)))
          (table 8 funcref)
          (elem (i32.const 0) $table $oddtable)
          (elem declare func $reference)
          (func $self (export "self") (param i64 i64) (result i64)
            (if (result i64) (i64.eqz (local.get 0)) (then (local.get 1))
              (else (return_call $self (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 3))))))
          (func $even (export "mutual") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 44)))) (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
          (func $odd (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 99)))) (return_call $even (i32.sub (local.get 0) (i32.const 1))))
          (func $table (export "table") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 7)))) (return_call_indirect (type $one) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
          (func $oddtable (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 8)))) (return_call_indirect (type $one) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
          (func $reference (export "reference") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 5)))) (return_call_ref $one (i32.sub (local.get 0) (i32.const 1)) (ref.func $reference)))
          (func $narrow (export "narrow") (param i32 i64) (result i64)
            (if (result i64) (i32.eqz (local.get 0)) (then (local.get 1))
              (else (return_call $wide (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (f32.const 3) (f64.const 4) (i32.const 5) (i64.const 6) (f32.const 7) (f64.const 8)
                (i32.const 9) (i64.const 10) (i64.const 11) (i64.const 12) (i64.const 13) (i64.const 14)))))
          (func $wide (param i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 i64 i64 i64 i64) (result i64)
            (return_call $narrow (local.get 0)
              (i64.add (local.get 1) (i64.add (i64.trunc_f32_s (local.get 2)) (i64.add (i64.trunc_f64_s (local.get 3)) (i64.add (i64.extend_i32_s (local.get 8)) (local.get 13)))))))
          (func $several (export "several") (param i32 i64) (result i64 i32 f64)
            (if (i32.eqz (local.get 0)) (then (return (local.get 1) (i32.const 2) (f64.const 3))))
            (return_call $several (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 2))))
          (func $vector (param i32 v128) (result v128)
            (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call $vector (i32.sub (local.get 0) (i32.const 1)) (i64x2.add (local.get 1) (v128.const i64x2 1 2))))
          (func (export "vector") (param i32) (result i64) (i64x2.extract_lane 1 (call $vector (local.get 0) (v128.const i64x2 0 0))))
          (func $below (export "below") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 6))))
            i32.const 1 f64.const 2 (return_call $below (i32.sub (local.get 0) (i32.const 1))))
          (func $large (export "large") (param i32) (result i32) LARGE
            (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
            (local.set 1 (local.get 0)) (return_call $large (i32.sub (local.get 0) (i32.const 1))))
          (tag $tag)
          (func $protected (export "protected") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 9))))
            (block $caught (try_table (catch_all $caught) (try_table (catch_all $caught) (return_call $protected (i32.sub (local.get 0) (i32.const 1))))))
            (i32.const -1)))
        """;

    private static string Text => Forms.Replace("LARGE", "(local " + string.Concat(Enumerable.Repeat("i32 ", 20_000)) + ")", StringComparison.Ordinal);

    [Fact]
    public void A_chain_of_any_length_takes_no_stack() => ChildProcess.Run(static _ =>
    {
        Instance instance = Wasm.Instantiate(Text);
        Assert.Equal(3L * Deep, instance.GetFunction<Func<long, long, long>>("self")!(Deep, 0));
        Assert.Equal(44, instance.GetFunction<Func<int, int>>("mutual")!(Deep));
        Assert.Equal(99, instance.GetFunction<Func<int, int>>("mutual")!(Deep + 1));
        Assert.Equal(7, instance.GetFunction<Func<int, int>>("table")!(Deep));
        Assert.Equal(5, instance.GetFunction<Func<int, int>>("reference")!(Deep));
        Assert.Equal(30L * Deep, instance.GetFunction<Func<int, long, long>>("narrow")!(Deep, 0));
        Assert.Equal((2L * Deep, 2, 3.0), instance.GetFunction<Func<int, long, (long, int, double)>>("several")!(Deep, 0));
        Assert.Equal(2L * Deep, instance.GetFunction<Func<int, long>>("vector")!(Deep));
        Assert.Equal(6, instance.GetFunction<Func<int, int>>("below")!(Deep));
        Assert.Equal(0, instance.GetFunction<Func<int, int>>("large")!(1000));
        Assert.Equal(9, instance.GetFunction<Func<int, int>>("protected")!(Deep));
    }).AssertSucceeded();

    [Fact]
    public void A_chain_through_two_modules_takes_no_stack() => ChildProcess.Run(static _ =>
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Instance first = Wasm.Instantiate(store, """
            (module (type $t (func (param i32) (result i32))) (table (export "table") 2 funcref) (elem (i32.const 0) $here)
              (func $here (export "here") (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (return (i32.const 1)))) (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))))
            """);
        Wasm.Instantiate(
            store,
            """
            (module (import "first" "table" (table 2 funcref)) (import "first" "here" (func $here (param i32) (result i32))) (elem (i32.const 1) $there)
              (func $there (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (return (i32.const 2)))) (return_call $here (i32.sub (local.get 0) (i32.const 1)))))
            """,
            linker => linker.DefineInstance("first", first));
        Assert.Equal(1, first.GetFunction<Func<int, int>>("here")!(Deep));
        Assert.Equal(2, first.GetFunction<Func<int, int>>("here")!(Deep + 1));
    }).AssertSucceeded();

    [Fact]
    public void A_chain_through_chunks_of_code_takes_no_stack() => ChildProcess.Run(static _ =>
    {
        // Each function is a chunk's size, and calls one of another chunk.
        string ballast = Wasm.Repeat(6_000, static i => Wasm.Format($"(drop (i32.const {i + 100_000}))"));
        string functions = Wasm.Repeat(8, i => Wasm.Format($"""
            (func $f{i} (param i32) (result i32) (if (i32.eqz (local.get 0)) (then {ballast} (return (i32.const {i})))) (return_call $f{(i + 3) % 8} (i32.sub (local.get 0) (i32.const 1))))
            """));
        Instance instance = Wasm.Instantiate($"(module {functions} (export \"run\" (func $f0)))");
        Assert.Equal(Deep * 3 % 8, instance.GetFunction<Func<int, int>>("run")!(Deep));
    }).AssertSucceeded();

    [Fact]
    public void Functions_of_the_host_can_be_called_last()
    {
        Instance instance = Wasm.Instantiate(
            """
            (module (import "host" "add" (func $add (param i32 i32) (result i32)))
              (func (export "run") (param i32) (result i32) i64.const 8 (return_call $add (local.get 0) (i32.const 5))))
            """,
            define: static linker => linker.DefineFunction("host", "add", static (int a, int b) => a + b));
        Assert.Equal(12, instance.GetFunction<Func<int, int>>("run")!(7));
    }

    [Theory]
    [InlineData("(func $f (export \"run\") (return_call $f))")]
    [InlineData("(func $f (export \"run\") (return_call $g)) (func $g (return_call $f))")]
    [InlineData("(type $t (func)) (table 1 funcref) (elem (i32.const 0) $f) (func $f (export \"run\") (return_call_indirect (type $t) (i32.const 0)))")]
    [InlineData("(type $t (func)) (elem declare func $f) (func $f (export \"run\") (return_call_ref $t (ref.func $f)))")]
    [InlineData("(tag $e) (func $f (export \"run\") (block $b (try_table (catch_all $b) (return_call $f))))")]
    [Trait("Security", "LM-01")]
    public void An_endless_chain_is_interrupted(string functions)
    {
        using Engine engine = Wasm.CreateEngine(interruptible: true);
        using Store store = engine.CreateStore();
        Instance instance = Wasm.Instantiate(store, $"(module {functions})");
        using var timer = new Timer(_ => store.Interrupt(), null, 50, Timeout.Infinite);
        Wasm.AssertTrap(TrapCode.Interrupt, instance.GetFunction<Action>("run")!);
        store.ResetInterrupt();
        using var again = new Timer(_ => store.Interrupt(), null, 50, Timeout.Infinite);
        Wasm.AssertTrap(TrapCode.Interrupt, instance.GetFunction<Action>("run")!);
    }

    [Fact]
    [Trait("Security", "EX-08")]
    public void A_trap_in_a_function_called_last_has_safe_frames()
    {
        Instance instance = Wasm.Instantiate("""
            (module (memory 1)
              (func $outer (export "run") (param i32) (result i32) (call $middle (local.get 0)))
              (func $middle (param i32) (result i32) (return_call $inner (local.get 0)))
              (func $inner (param i32) (result i32) (i32.load (local.get 0))))
            """);
        TrapException trap = Assert.Throws<TrapException>(() => instance.GetFunction<Func<int, int>>("run")!(-1));
        Assert.Equal(TrapCode.MemoryOutOfBounds, trap.Code);
        Assert.DoesNotContain(trap.Frames, static frame => frame.FunctionName == "middle");
    }

    [Fact]
    public void Null_and_wrong_types_trap()
    {
        Instance instance = Wasm.Instantiate("""
            (module (type $t (func (result i32))) (type $u (func (result i64))) (table 2 funcref) (elem (i32.const 1) $u)
              (func $u (result i64) i64.const 1)
              (func (export "null") (result i32) (return_call_ref $t (ref.null $t)))
              (func (export "element") (param i32) (result i32) (return_call_indirect (type $t) (local.get 0))))
            """);
        Wasm.AssertTrap(TrapCode.NullReference, () => instance.GetFunction("null")!.Invoke());
        Wasm.AssertTrap(TrapCode.IndirectCallToNull, () => instance.GetFunction("element")!.Invoke(0));
        Wasm.AssertTrap(TrapCode.BadSignature, () => instance.GetFunction("element")!.Invoke(1));
        Wasm.AssertTrap(TrapCode.UndefinedElement, () => instance.GetFunction("element")!.Invoke(2));
    }
}
