namespace Codicil.Tests;

/// <summary>
/// Bodies for which the JIT would take out of all proportion long are compiled another way or refused (docs/decisions.md has the times); the
/// code is right either way.
/// </summary>
public sealed class CompileTimeTests
{
    [Theory]
    [InlineData(900, true)]
    [InlineData(1100, false)]
    public void Very_many_branches_to_one_place_are_not_optimised(int count, bool isOptimized)
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(
            engine,
            $"(module (func (export \"f\") (param i32) (result i32) block {Wasm.Repeat(count, static i => Wasm.Format($"local.get 0 i32.const {i} i32.eq br_if 0 "))} i32.const 1 return end i32.const 2))");
        Assert.Equal(isOptimized, Assert.Single(module.DescribeCode()).IsOptimized);
        using Store store = engine.CreateStore();
        Func<int, int> f = store.Instantiate(module).GetFunction<Func<int, int>>("f")!;
        Assert.Equal(2, f(0));
        Assert.Equal(2, f(count - 1));
        Assert.Equal(1, f(count));
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(300, false)]
    public void Very_deep_loops_are_not_optimised(int depth, bool isOptimized)
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(
            engine,
            $$"""
            (module (func (export "f") (param i32) (result i32) (local i32)
              {{Wasm.Repeat(depth, static _ => "loop ")}}
              {{Wasm.Repeat(depth, static _ => "local.get 1 i32.const 1 i32.add local.tee 1 local.get 0 i32.lt_s br_if 0 end ")}}
              local.get 1))
            """);
        Assert.Equal(isOptimized, Assert.Single(module.DescribeCode()).IsOptimized);
        using Store store = engine.CreateStore();
        Func<int, int> f = store.Instantiate(module).GetFunction<Func<int, int>>("f")!;
        Assert.Equal(depth, f(0));
        Assert.Equal(1000 + depth - 1, f(1000));
    }

    [Fact]
    public void Loops_side_by_side_are_compiled_however_many_there_are()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Instance instance = Wasm.Instantiate(
            store,
            $"""(module (func (export "f") (param i32) (result i32) {Wasm.Repeat(18_000, static _ => "loop local.get 0 i32.const 1 i32.sub local.tee 0 i32.const 0 i32.gt_s br_if 0 end ")} local.get 0))""");
        Assert.Equal(-17_999, instance.GetFunction<Func<int, int>>("f")!(1));
    }

    [Fact]
    public void Very_many_returns_share_one_end()
    {
        // Returns of each kind, before and behind the point from which they share, with operands below the results.
        const int Count = 150;
        string Step(int i) => Wasm.Format($"""
            (if (i32.eq (local.get 0) (i32.const {4 * i})) (then (i32.const 99) (i32.const 98) (return (i32.const {i}) (i64.const 1) (local.get 1) (f64.const 0.5))))
            (block (result i32 i64 externref f64)
              (i32.const {i}) (i64.const 2) (local.get 1) (f64.const 1.5)
              (br_if 1 (i32.eq (local.get 0) (i32.const {(4 * i) + 1})))
              (drop) (drop) (drop) (drop)
              (if (i32.eq (local.get 0) (i32.const {(4 * i) + 2})) (then (i64.const 97) (br 2 (i32.const {i}) (i64.const 3) (local.get 1) (f64.const 2.5))))
              (i32.const 96) (i32.const {i}) (i64.const 4) (local.get 1) (f64.const 3.5)
              (br_table 0 1 (i32.ne (i32.const 0) (i32.eq (local.get 0) (i32.const {(4 * i) + 3})))))
            (drop) (drop) (drop) (drop)
            """);
        string text = $"""
            (module (func (export "f") (param i32 externref) (result i32 i64 externref f64)
              {Wasm.Repeat(Count, Step)}
              (i32.const -1) (i64.const -1) (ref.null extern) (f64.const -1)))
            """;
        Func<int, object?, (int, long, object?, double)> f = Wasm.Instantiate(text).GetFunction<Func<int, object?, (int, long, object?, double)>>("f")!;
        object mark = new();
        for (int i = 0; i < 4 * Count; i++)
        {
            Assert.Equal((i / 4, (i % 4) + 1, mark, (i % 4) + 0.5), f(i, mark));
        }

        Assert.Equal((-1, -1L, null, -1.0), f(4 * Count, mark));
    }
}
