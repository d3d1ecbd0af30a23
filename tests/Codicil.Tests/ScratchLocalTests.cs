namespace Codicil.Tests;

/// <summary>The emitter uses its own locals again, but never one twice for the same instruction, however many it needs and however few are left.</summary>
public sealed class ScratchLocalTests
{
    [Theory]
    [Trait("Security", "EX-01")]
    [InlineData("i32", 129)]
    [InlineData("i32", 1000)]
    [InlineData("i64", 130)]
    [InlineData("f32", 257)]
    [InlineData("f64", 129)]
    public void A_tail_call_out_of_a_protected_block_passes_all_its_arguments(string type, int count)
    {
        string parameters = Wasm.Repeat(count, _ => type + " ");
        string arguments = Wasm.Repeat(count, number => Wasm.Format($"({type}.const {number + 1}) "));

        // The sum of each with its position: two that change places change it.
        string sum = Wasm.Repeat(count, number => Wasm.Format($"(local.set $sum (f64.add (local.get $sum) (f64.mul (f64.const {number + 1}) {Widened(type, number)}))) "));
        Instance instance = Wasm.Instantiate($"""
            (module
              (func $callee (param {parameters}) (result f64) (local $sum f64) {sum} (local.get $sum))
              (func (export "f") (result f64)
                (block $h (try_table (catch_all $h) {arguments} (return_call $callee)))
                (f64.const -1)))
            """);
        double expected = Enumerable.Range(1, count).Sum(static number => (double)number * number);
        Assert.Equal(expected, instance.GetFunction("f")!.Invoke());
    }

    [Fact]
    [Trait("Security", "EX-01")]
    public void References_of_different_types_do_not_take_each_others_place()
    {
        string arguments = Wasm.Repeat(129, static _ => "(struct.new $s (ref.null any)) ");
        string parameters = Wasm.Repeat(129, static _ => "(ref null $s) ");
        Instance instance = Wasm.Instantiate($"""
            (module
              (type $s (struct (field (mut anyref))))
              (type $t (struct (field (mut i64))))
              (func $callee (param {parameters} (ref null $t)) (result i64) (struct.get $t 0 (local.get 129)))
              (func (export "f") (result i64)
                (block $h (try_table (catch_all $h) {arguments} (struct.new $t (i64.const 7)) (return_call $callee)))
                (i64.const -1)))
            """);
        Assert.Equal(7L, instance.GetFunction("f")!.Invoke());
    }

    // Around the number of operands, each with a local of its own, at which one local is left for a kind of which two are needed.
    [Fact]
    [Trait("Security", "EX-01")]
    public void Where_locals_run_out_a_function_is_refused_or_right() => Wasm.OnThread(16 << 20, () =>
    {
        using Engine engine = Engine.Create(new EngineOptions { MaxStackBytes = 2 << 20, MemoryProtection = MemoryProtection.Checked });
        string locals = Wasm.Repeat(49_986, static _ => "i32 ");
        var refused = new List<bool>();
        for (int operands = 15_008; operands < 15_024; operands++)
        {
            string constants = Wasm.Repeat(operands, static _ => "i32.const 1 ");
            string text = $"""(module (memory i64 1 1) (func (export "f") (param i64) (result i64) (local {locals}) {constants} local.get 0 i64.load offset=60000 return) (data (i64.const 65000) "\2a"))""";
            using Module module = Module.FromText(engine, text);
            using Store store = engine.CreateStore();
            try
            {
                Assert.Equal(42L, store.Instantiate(module).GetFunction("f")!.Invoke(5000L));
                refused.Add(false);
            }
            catch (ResourceLimitException)
            {
                refused.Add(true);
            }
        }

        Assert.Contains(true, refused);
        Assert.Contains(false, refused);
    });

    private static string Widened(string type, int local) => type switch
    {
        "i32" => Wasm.Format($"(f64.convert_i32_s (local.get {local}))"),
        "i64" => Wasm.Format($"(f64.convert_i64_s (local.get {local}))"),
        "f32" => Wasm.Format($"(f64.promote_f32 (local.get {local}))"),
        _ => Wasm.Format($"(local.get {local})"),
    };
}
