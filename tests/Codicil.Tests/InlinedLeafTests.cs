namespace Codicil.Tests;

/// <summary>Small functions without calls become part of their callers; a trap tells, by the frames that it has.</summary>
public sealed class InlinedLeafTests
{
    // What TinyGo's allocator asks of each of its blocks: left to itself, the JIT calls it.
    private const string State = """
        (i32.and
          (i32.shr_u
            (i32.load8_u (i32.add (i32.load (i32.const 16)) (i32.shr_u (local.get 0) (i32.const 2))))
            (i32.and (i32.shl (local.get 0) (i32.const 1)) (i32.const 6)))
          (i32.const 3))
        """;

    private const string Data = """(data (i32.const 16) "\20") (data (i32.const 32) "\e4\ff")""";

    [Fact]
    public void A_small_function_without_calls_has_no_frame_of_its_own()
    {
        Instance instance = Wasm.Instantiate($$"""
            (module (memory 1) {{Data}}
              (func $state (param i32) (result i32) {{State}})
              (func $sum (export "sum") (param i32 i32) (result i32) (i32.add (call $state (local.get 0)) (call $state (local.get 1)))))
            """);
        Function sum = instance.GetFunction("sum")!;
        Assert.Equal(1 + 2, sum.Invoke(1, 2));
        TrapException trap = Assert.Throws<TrapException>(() => sum.Invoke(0x7fffff00, 0x7fffffff));
        Assert.Equal(TrapCode.MemoryOutOfBounds, trap.Code);
        Assert.Equal("sum", Assert.Single(trap.Frames).FunctionName);
    }

    [Fact]
    public void One_that_may_end_in_unreachable_keeps_its_frame()
    {
        Instance instance = Wasm.Instantiate($$"""
            (module (memory 1) {{Data}}
              (func $check (param i32) (if (i32.eq {{State}} (i32.const 3)) (then unreachable)))
              (func $f (export "f") (param i32) (call $check (local.get 0))))
            """);
        Function f = instance.GetFunction("f")!;
        f.Invoke(2);
        TrapException trap = Assert.Throws<TrapException>(() => f.Invoke(3));
        Assert.Equal(TrapCode.UnreachableCodeReached, trap.Code);
        Assert.Equal(["check", "f"], trap.Frames.Select(static frame => frame.FunctionName));
    }
}
