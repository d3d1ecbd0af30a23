using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;
using Codicil.Format.Validation;
using Codicil.Tests;

namespace Codicil.Format.Tests;

/// <summary>What an engine sees that walks a function in lockstep with the validator.</summary>
public sealed class ValidationWalkTests
{
    [Fact]
    public void Tells_operands_and_frames_at_every_step()
    {
        WasmModule module = ValidationModules.Decode(
            """
            (module
              (func (param i32 f64) (result i64) (local f32 f32 i64)
                i64.const 1
                local.get 0
                if (param i64) (result i64)
                  drop
                  i64.const 2
                else
                  i64.const 3
                  br 1
                  i64.add
                end))
            """);
        FunctionValidator validator = new(module);
        validator.Begin(0);
        Assert.Equal(0, validator.FunctionIndex);
        Assert.Equal([ValType.I32, ValType.F64, ValType.F32, ValType.F32, ValType.I64], validator.Locals.ToArray());
        Assert.Equal(1, validator.ControlDepth);
        ControlFrame function = validator.GetFrame(0);
        Assert.True(function.IsFunction);
        Assert.Equal(Opcode.Block, function.Opcode);
        Assert.Equal(0, validator.GetStartTypes(in function).Length);
        Assert.Equal([ValType.I64], validator.GetLabelTypes(in function).ToArray());

        InstructionReader reader = new(module.Bytes.Span, module.Bodies[0].InstructionsStart, module.Bodies[0].Range.End);
        Step(ref reader, validator, 2);
        Assert.Equal(2, validator.OperandCount);
        Assert.Equal(ValType.I32, validator.PeekOperand(0));
        Assert.Equal(ValType.I64, validator.PeekOperand(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => validator.PeekOperand(2));

        Step(ref reader, validator, 1);
        ControlFrame frame = validator.GetFrame(0);
        Assert.Equal((Opcode.If, 0, 2, 1), (frame.Opcode, frame.Height, validator.ControlDepth, validator.OperandCount));
        Assert.Equal([ValType.I64], validator.GetStartTypes(in frame).ToArray());
        Assert.Equal([ValType.I64], validator.GetEndTypes(in frame).ToArray());

        Step(ref reader, validator, 3);
        frame = validator.GetFrame(0);
        Assert.Equal((Opcode.Else, 1), (frame.Opcode, validator.OperandCount));
        Assert.False(frame.IsUnreachable);
        Step(ref reader, validator, 2);
        Assert.True(validator.GetFrame(0).IsUnreachable);
        Assert.False(validator.GetFrame(1).IsUnreachable);
        Assert.Equal(0, validator.OperandCount);
        Assert.Equal(ValType.Bottom, validator.PeekOperand(0));
        Assert.Equal(ValType.Bottom, validator.PeekOperand(99));
        Step(ref reader, validator, 3);
        Assert.True(validator.IsFinished);
        Assert.True(reader.AtEnd);
    }

    [Fact]
    public void A_label_of_a_loop_takes_its_parameters()
    {
        WasmModule module = ValidationModules.Decode("(module (type (func (param i32 i64) (result f32))) (func i32.const 1 i64.const 1 loop (type 0) unreachable end drop))");
        FunctionValidator validator = new(module);
        validator.Begin(0);
        InstructionReader reader = new(module.Bytes.Span, module.Bodies[0].InstructionsStart, module.Bodies[0].Range.End);
        Step(ref reader, validator, 3);
        ControlFrame loop = validator.GetFrame(0);
        Assert.Equal([ValType.I32, ValType.I64], validator.GetLabelTypes(in loop).ToArray());
        Assert.Equal([ValType.F32], validator.GetEndTypes(in loop).ToArray());
        Assert.Equal(2, validator.OperandCount);
        Assert.Equal(0, loop.Height);
    }

    [Fact]
    public void Is_reusable_after_an_error()
    {
        WasmModule module = ValidationModules.Decode("(module (func block block i32.add end end drop) (func (result i32) i32.const 1))");
        FunctionValidator validator = new(module);
        for (int round = 0; round < 3; round++)
        {
            Assert.Throws<InvalidModuleException>(() => Walk(validator, module, 0));
            Walk(validator, module, 1);
            Assert.True(validator.IsFinished);
        }
    }

    [Fact]
    public void Does_not_allocate_for_functions_like_those_before()
    {
        WasmModule module = ValidationModules.Decode(
            """
            (module
              (memory 1)
              (table 1 funcref)
              (func (param i32) (result i32) (local i64 f64)
                block (result i32)
                  local.get 0
                  i32.load
                  local.get 0
                  br_table 0 1 0
                end
                loop (param i32) (result i32)
                  local.get 0
                  br_if 0
                end
                i32.const 0
                call_indirect (param i32) (result i32)))
            """);
        FunctionValidator validator = new(module);
        Walk(validator, module, 0);
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                Walk(validator, module, 0);
            }
        }));
    }

    private static void Walk(FunctionValidator validator, WasmModule module, int functionIndex)
    {
        FunctionBody body = module.Bodies[functionIndex - module.ImportedFunctionCount];
        validator.Begin(functionIndex);
        InstructionReader reader = new(module.Bytes.Span, body.InstructionsStart, body.Range.End);
        while (!validator.IsFinished)
        {
            Step(ref reader, validator, 1);
        }
    }

    private static void Step(ref InstructionReader reader, FunctionValidator validator, int count)
    {
        for (int i = 0; i < count; i++)
        {
            reader.Read(out Instruction instruction);
            validator.Step(in instruction);
        }
    }
}
