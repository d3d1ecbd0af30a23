using System.Text;

using Codicil.Format.Text.Scripts;
using Codicil.Format.Types;

namespace Codicil.Format.Tests;

/// <summary>The script language of the specification's test suite.</summary>
public sealed class TextScriptTests
{
    [Fact]
    public void Reads_every_form_of_command()
    {
        ScriptCommand[] commands = [.. Parse("""
            (module $m (func (export "f")))
            (module definition $d binary "\00asm" "\01\00\00\00")
            (module instance $i $d)
            (register "n" $i)
            (invoke $m "f" (i32.const -1) (ref.null func) (ref.extern 7) (v128.const i64x2 1 2))
            (assert_return (get "g") (f32.const nan:canonical) (either (i32.const 1) (i32.const 2)) (ref.null) (ref.func) (ref.extern 3))
            (assert_trap (invoke "f") "unreachable")
            (assert_trap (module (func $s unreachable) (start $s)) "unreachable")
            (assert_exhaustion (invoke "f") "call stack exhausted")
            (assert_exception (invoke "f"))
            (assert_malformed (module quote "(func" ")") "unexpected token")
            (assert_invalid (module (func (result i32))) "type mismatch")
            (assert_unlinkable (module (import "a" "b" (func))) "unknown import")
            (assert_unlinkable (module instance $d) "unknown import")
            (thread $t (shared (module $m)) (register "m" $m) (invoke "f"))
            (wait $t)
            """)];
        Assert.Equal(Enumerable.Range(1, 16), commands.Select(command => command.Line));
        Assert.True(commands[0] is ModuleCommand { IsDefinition: false, Module: { Name: "m", Kind: ScriptModuleKind.Text } });
        Assert.True(commands[1] is ModuleCommand { IsDefinition: true, Module: { Name: "d", Kind: ScriptModuleKind.Binary } });
        Assert.Equal(new InstanceCommand(3, "i", "d"), commands[2]);
        Assert.Equal(new RegisterCommand(4, "n", "i"), commands[3]);
        InvokeAction invoke = Assert.IsType<InvokeAction>(Assert.IsType<ActionCommand>(commands[4]).Action);
        Assert.Equal(("m", "f"), (invoke.InstanceName, invoke.Name));
        Assert.Equal(
            [
                new ScriptValue(ScriptValueKind.Number, ValType.I32, 0xFFFF_FFFF),
                new ScriptValue(ScriptValueKind.Null, ValType.FuncRef, 0),
                new ScriptValue(ScriptValueKind.Extern, ValType.Reference(false, HeapType.Extern), 7),
                new ScriptValue(ScriptValueKind.Number, ValType.V128, new UInt128(2, 1)),
            ],
            invoke.Arguments);
        ResultPattern[] results = [.. Assert.IsType<AssertReturnCommand>(commands[5]).Results];
        Assert.Equal(new NumberPattern(ValType.F32, new LanePattern(NanPattern.Canonical, 0)), results[0]);
        Assert.Equal(2, Assert.IsType<EitherPattern>(results[1]).Choices.Length);
        Assert.Equal(new NullPattern(null), results[2]);
        Assert.Equal(new ReferencePattern(HeapType.Func), results[3]);
        Assert.Equal(new HostReferencePattern(3, true), results[4]);
        Assert.True(commands[6] is AssertFailureCommand { Failure: ExpectedFailure.Trap, Message: "unreachable" });
        Assert.True(commands[7] is AssertModuleCommand { Error: ExpectedModuleError.Trap, Module: not null });
        Assert.True(commands[8] is AssertFailureCommand { Failure: ExpectedFailure.Exhaustion });
        Assert.True(commands[9] is AssertFailureCommand { Failure: ExpectedFailure.Exception });
        Assert.True(commands[10] is AssertModuleCommand { Error: ExpectedModuleError.Malformed, Module.Kind: ScriptModuleKind.Quote });
        Assert.True(commands[11] is AssertModuleCommand { Error: ExpectedModuleError.Invalid });
        Assert.True(commands[12] is AssertModuleCommand { Error: ExpectedModuleError.Unlinkable });
        Assert.True(commands[13] is AssertModuleCommand { Error: ExpectedModuleError.Unlinkable, Module: null, ModuleName: "d" });
        ThreadCommand thread = Assert.IsType<ThreadCommand>(commands[14]);
        Assert.Equal(["m"], thread.SharedModules);
        Assert.Equal(2, thread.Commands.Length);
        Assert.Equal(new WaitCommand(16, "t"), commands[15]);
    }

    [Fact]
    public void Keeps_a_malformed_module_for_the_assertion_about_it()
    {
        ScriptCommand[] commands = [.. Parse("(assert_malformed (module (func bogus\n 0x)) \"unknown operator\")\n(module (func))")];
        Assert.Equal(2, commands.Length);
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Assert.IsType<AssertModuleCommand>(commands[0]).Module!.Parse());
        Assert.Equal((1, 33), (exception.Line, exception.Column));
        Assert.NotEqual(0, Assert.IsType<ModuleCommand>(commands[1]).Module.Parse().Bytes.Length);
    }

    [Fact]
    public void Takes_bare_fields_for_one_module()
    {
        ScriptCommand command = Assert.Single(Parse("(func) (memory 0) (func (export \"f\"))"));
        Assert.NotEqual(0, Assert.IsType<ModuleCommand>(command).Module.Parse().Bytes.Length);
    }

    [Theory]
    [InlineData("(modul)", "unknown operator modul")]
    [InlineData("(assert_return)", "unexpected token )")]
    [InlineData("(module) (func)", "unexpected token func")]
    [InlineData("(invoke \"f\" (i32.add))", "unexpected token i32.add")]
    [InlineData("(assert_return (invoke \"f\") (v128.const i32x4 1 2 3))", "wrong number of lane literals")]
    [InlineData("(module (func)", "unexpected token: end of text")]
    public void Says_what_is_wrong_with_a_script(string text, string message)
    {
        MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => Parse(text));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, exception.Line);
    }

    [Theory]
    [InlineData(NanPattern.Canonical, 0x7FC0_0000u, true)]
    [InlineData(NanPattern.Canonical, 0xFFC0_0000u, true)]
    [InlineData(NanPattern.Canonical, 0x7FC0_0001u, false)]
    [InlineData(NanPattern.Canonical, 0x7F80_0000u, false)]
    [InlineData(NanPattern.Arithmetic, 0x7FC0_0001u, true)]
    [InlineData(NanPattern.Arithmetic, 0xFFFF_FFFFu, true)]
    [InlineData(NanPattern.Arithmetic, 0x7FA0_0000u, false)]
    [InlineData(NanPattern.Arithmetic, 0x3F80_0000u, false)]
    [InlineData(NanPattern.None, 0x7FC0_0000u, false)]
    public void Matches_classes_of_nans(NanPattern pattern, uint bits, bool expected)
    {
        Assert.Equal(expected, new NumberPattern(ValType.F32, new LanePattern(pattern, 0)).Matches(bits));

        // The same NaN as f64: sign, exponent and payload each in the upper bits.
        ulong wide = ((ulong)(bits & 0x8000_0000) << 32) | ((bits & 0x7F80_0000) == 0x7F80_0000 ? 0x7FF0_0000_0000_0000ul : 0) | ((ulong)(bits & 0x7F_FFFF) << 29);
        Assert.Equal(expected, new NumberPattern(ValType.F64, new LanePattern(pattern, 0)).Matches(wide));
    }

    [Fact]
    public void Matches_vectors_lane_by_lane()
    {
        AssertReturnCommand command = Assert.IsType<AssertReturnCommand>(Assert.Single(Parse(
            "(assert_return (invoke \"f\") (v128.const f32x4 nan:canonical 1 nan:arithmetic -0) (v128.const i16x8 -1 0 0 0 0 0 0 2))")));
        VectorPattern floats = Assert.IsType<VectorPattern>(command.Results[0]);
        Assert.True(floats.Matches(new UInt128(0x8000_0000_FFC0_0001, 0x3F80_0000_FFC0_0000)));
        Assert.False(floats.Matches(new UInt128(0x0000_0000_FFC0_0001, 0x3F80_0000_FFC0_0000)));
        Assert.False(floats.Matches(new UInt128(0x8000_0000_FFC0_0001, 0x3F80_0000_FFC0_0001)));
        VectorPattern integers = Assert.IsType<VectorPattern>(command.Results[1]);
        Assert.True(integers.Matches(new UInt128(0x0002_0000_0000_0000, 0xFFFF)));
        Assert.False(integers.Matches(new UInt128(0x0002_0000_0000_0000, 0x1_FFFF)));
    }

    private static System.Collections.Immutable.ImmutableArray<ScriptCommand> Parse(string text) => WastScript.Parse(Encoding.UTF8.GetBytes(text)).Commands;
}
