namespace Codicil.Tests;

/// <summary>RyuJIT 10.0 leaves out the test of a rotation by a constant, so that a branch on it read stale flags.</summary>
public sealed class RegressionRotationTests
{
    [Theory]
    [InlineData("(if (result i32) (i32.rotl (local.get 0) (i32.const 3)) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(local.set 1 (i32.rotl (local.get 0) (i32.const 3))) (if (result i32) (local.get 1) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (local.tee 1 (i32.rotr (local.get 0) (i32.const 5))) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (i32.ne (i32.rotl (local.get 0) (i32.const 31)) (i32.const 0)) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (i64.ne (i64.rotr (i64.extend_i32_u (local.get 0)) (i64.const 9)) (i64.const 0)) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(i32.eqz (i32.eqz (i32.rotl (local.get 0) (i32.const 7))))")]
    [InlineData("(if (result i32) (i32.or (i32.shl (local.get 0) (i32.const 5)) (i32.shr_u (local.get 0) (i32.const 27))) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (i32.xor (i32.shr_u (local.get 0) (i32.const 9)) (i32.shl (local.get 0) (i32.const 23))) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (i32.gt_u (i32.rotr (local.get 0) (i32.const 5)) (i32.const 0)) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (i64.eqz (i64.rotr (i64.extend_i32_u (local.get 0)) (local.get 3))) (then (i32.const 0)) (else (i32.const 1)))")]
    [InlineData("(i64.rotr (i64.extend_i32_u (local.get 0)) (i64.const 63)) nop i64.eqz if (result i32) i32.const 0 else i32.const 1 end")]
    [InlineData("(if (result i32) (i32.xor (i32.rotl (local.get 0) (i32.const 3)) (local.get 1)) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (i32.add (local.get 1) (i32.rotl (local.get 0) (i32.const 3))) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (i32.eq (i32.rotl (local.get 0) (i32.const 3)) (local.get 1)) (then (i32.const 0)) (else (i32.const 1)))")]
    [InlineData("(if (result i32) (i64.ne (local.get 3) (i64.rotl (i64.extend_i32_u (local.get 0)) (i64.const 9))) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(if (result i32) (i32.or (i32.mul (local.get 0) (i32.const 32)) (i32.shr_u (local.get 0) (i32.const 27))) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(local.set 1 (i32.const 5)) (local.set 2 (i32.const 27)) (if (result i32) (i32.or (i32.shl (local.get 0) (local.get 1)) (i32.shr_u (local.get 0) (local.get 2))) (then (i32.const 1)) (else (i32.const 0)))")]
    [InlineData("(local.set 3 (i64.extend_i32_s (local.get 0))) (if (result i32) (i64.eqz (i64.xor (i64.mul (local.get 3) (i64.const 256)) (i64.shr_u (local.get 3) (i64.const 56)))) (then (i32.const 0)) (else (i32.const 1)))")]
    [InlineData("(block (block (br_table 0 1 (i32.rotl (local.get 0) (i32.const 7)))) (return (i32.const 0))) (i32.const 1)")]
    [InlineData("(select (i32.const 1) (i32.const 0) (i32.rotr (local.get 0) (i32.const 7)))")]
    public void A_branch_on_a_rotation_sees_the_number(string body)
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(Module.FromText(engine, $"(module (func (export \"f\") (param i32) (result i32) (local i32 i32 i64) {body}))"));
        Func<int, int> f = instance.GetFunction<Func<int, int>>("f")!;
        foreach (int value in (int[])[0, 1, -1, int.MinValue, 0x1000_0000, 0x2000_0000, 42, 0])
        {
            Assert.Equal(value != 0 ? 1 : 0, f(value));
        }
    }

    [Theory]
    [InlineData("i32.rotl", 0)]
    [InlineData("i32.rotl", 3)]
    [InlineData("i32.rotl", 31)]
    [InlineData("i32.rotl", 35)]
    [InlineData("i32.rotr", 1)]
    [InlineData("i32.rotr", 32)]
    [InlineData("i32.rotr", 31)]
    public void A_rotation_into_a_local_is_a_rotation(string operation, int count)
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(Module.FromText(
            engine, $"(module (func (export \"f\") (param i32) (result i32) (local i32) (local.set 1 ({operation} (local.get 0) (i32.const {count}))) (local.get 1)))"));
        Func<int, int> f = instance.GetFunction<Func<int, int>>("f")!;
        int expected = operation == "i32.rotl"
            ? int.RotateLeft(0x1234_5679, count)
            : int.RotateRight(0x1234_5679, count);
        Assert.Equal(expected, f(0x1234_5679));
    }
}
