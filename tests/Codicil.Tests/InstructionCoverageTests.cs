using System.Text;
using Codicil.Format.Instructions;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Each instruction that the engine claims to run runs, in every memory mode.</summary>
public sealed class InstructionCoverageTests
{
    /// <summary>Bodies without operands and results, for the instructions that a signature does not describe; or with an immediate.</summary>
    private static readonly Dictionary<string, string> s_bodies = new(StringComparer.Ordinal)
    {
        ["unreachable"] = "i32.const 1 br_if 0 unreachable",
        ["nop"] = "nop",
        ["block"] = "(block)",
        ["loop"] = "(loop)",
        ["if"] = "i32.const 1 if end",
        ["else"] = "i32.const 0 if else end",
        ["end"] = "block end",
        ["br"] = "block br 0 end",
        ["br_if"] = "block i32.const 1 br_if 0 end",
        ["br_table"] = "block i32.const 3 br_table 0 0 end",
        ["return"] = "return",
        ["call"] = "call $f",
        ["call_indirect"] = "i32.const 0 call_indirect (type $t)",
        ["return_call"] = "return_call $f",
        ["return_call_indirect"] = "i32.const 0 return_call_indirect (type $t)",
        ["call_ref"] = "ref.func $f call_ref $t",
        ["return_call_ref"] = "ref.func $f return_call_ref $t",
        ["ref.as_non_null"] = "ref.func $f ref.as_non_null drop",
        ["br_on_null"] = "ref.null func br_on_null 0 drop",
        ["br_on_non_null"] = "block (result funcref) ref.func $f br_on_non_null 0 ref.null func end drop",
        ["try_table"] = "block try_table (catch_all 0) throw $tag end end",
        ["throw"] = "block try_table (catch $tag 0) throw $tag end end",
        ["throw_ref"] = "block try_table (catch_all 0) block (result exnref) try_table (catch_all_ref 0) throw $tag end ref.null exn end throw_ref end end",
        ["try"] = "try end",
        ["catch"] = "try throw $tag catch $tag end",
        ["catch_all"] = "try throw $tag catch_all end",
        ["delegate"] = "try try throw $tag delegate 0 catch_all end",
        ["rethrow"] = "try try throw $tag catch_all rethrow 0 end catch $tag end",
        ["atomic.fence"] = "atomic.fence",
        ["memory.atomic.wait32"] = "i32.const 8 i32.const 1 i64.const 0 memory.atomic.wait32 $shared drop",
        ["memory.atomic.wait64"] = "i32.const 8 i64.const 1 i64.const 0 memory.atomic.wait64 $shared drop",
        ["ref.eq"] = "ref.null eq ref.null eq ref.eq drop",
        ["struct.new"] = "i32.const 1 ref.null any struct.new $s drop",
        ["struct.new_default"] = "struct.new_default $s drop",
        ["struct.get"] = "struct.new_default $s struct.get $s 1 drop",
        ["struct.get_s"] = "struct.new_default $s struct.get_s $s 0 drop",
        ["struct.get_u"] = "struct.new_default $s struct.get_u $s 0 drop",
        ["struct.set"] = "struct.new_default $s i32.const 1 struct.set $s 0",
        ["array.new"] = "i32.const 1 i32.const 2 array.new $bytes drop",
        ["array.new_default"] = "i32.const 2 array.new_default $refs drop",
        ["array.new_fixed"] = "ref.null func array.new_fixed $refs 1 drop",
        ["array.new_data"] = "i32.const 0 i32.const 1 array.new_data $bytes 0 drop",
        ["array.new_elem"] = "i32.const 0 i32.const 1 array.new_elem $refs 0 drop",
        ["array.get"] = "i32.const 1 array.new_default $refs i32.const 0 array.get $refs drop",
        ["array.get_s"] = "i32.const 1 array.new_default $bytes i32.const 0 array.get_s $bytes drop",
        ["array.get_u"] = "i32.const 1 array.new_default $bytes i32.const 0 array.get_u $bytes drop",
        ["array.set"] = "i32.const 1 array.new_default $bytes i32.const 0 i32.const 7 array.set $bytes",
        ["array.len"] = "i32.const 1 array.new_default $bytes array.len drop",
        ["array.fill"] = "i32.const 1 array.new_default $bytes i32.const 0 i32.const 7 i32.const 1 array.fill $bytes",
        ["array.copy"] = "i32.const 1 array.new_default $bytes i32.const 0 i32.const 1 array.new_default $bytes i32.const 0 i32.const 1 array.copy $bytes $bytes",
        ["array.init_data"] = "i32.const 1 array.new_default $bytes i32.const 0 i32.const 0 i32.const 1 array.init_data $bytes 0",
        ["array.init_elem"] = "i32.const 1 array.new_default $refs i32.const 0 i32.const 0 i32.const 1 array.init_elem $refs 0",
        ["ref.test"] = "ref.null any ref.test (ref null i31) drop",
        ["ref.cast"] = "ref.null any ref.cast (ref null i31) drop",
        ["br_on_cast"] = "block (result (ref null i31)) ref.null any br_on_cast 0 anyref (ref null i31) drop ref.null i31 end drop",
        ["br_on_cast_fail"] = "block (result anyref) ref.null any br_on_cast_fail 0 anyref (ref null i31) end drop",
        ["any.convert_extern"] = "ref.null extern any.convert_extern drop",
        ["extern.convert_any"] = "ref.null any extern.convert_any drop",
        ["ref.i31"] = "i32.const 1 ref.i31 drop",
        ["i31.get_s"] = "i32.const 1 ref.i31 i31.get_s drop",
        ["i31.get_u"] = "i32.const 1 ref.i31 i31.get_u drop",
        ["drop"] = "i32.const 1 drop",
        ["select"] = "i32.const 1 i32.const 2 i32.const 3 select drop",
        ["select t"] = "ref.null func ref.null func i32.const 3 select (result funcref) drop",
        ["local.get"] = "local.get 0 drop",
        ["local.set"] = "i32.const 1 local.set 0",
        ["local.tee"] = "i32.const 1 local.tee 0 drop",
        ["global.get"] = "global.get $g drop",
        ["global.set"] = "i32.const 1 global.set $g",
        ["table.get"] = "i32.const 0 table.get $table drop",
        ["table.set"] = "i32.const 0 ref.null func table.set $table",
        ["table.size"] = "table.size $table drop",
        ["table.grow"] = "ref.null func i32.const 1 table.grow $table drop",
        ["table.fill"] = "i32.const 0 ref.null func i32.const 1 table.fill $table",
        ["table.copy"] = "i32.const 0 i32.const 0 i32.const 1 table.copy $table $table",
        ["table.init"] = "i32.const 0 i32.const 0 i32.const 1 table.init $table 0",
        ["elem.drop"] = "elem.drop 0",
        ["memory.size"] = "memory.size drop",
        ["memory.grow"] = "i32.const 0 memory.grow drop",
        ["memory.fill"] = "i32.const 0 i32.const 0 i32.const 1 memory.fill",
        ["memory.copy"] = "i32.const 0 i32.const 0 i32.const 1 memory.copy",
        ["memory.init"] = "i32.const 0 i32.const 0 i32.const 1 memory.init 0",
        ["data.drop"] = "data.drop 0",
        ["ref.null"] = "ref.null extern drop",
        ["ref.is_null"] = "ref.null extern ref.is_null drop",
        ["ref.func"] = "ref.func $f drop",
        ["i32.const"] = "i32.const -1 drop",
        ["i64.const"] = "i64.const -1 drop",
        ["f32.const"] = "f32.const -1.5 drop",
        ["f64.const"] = "f64.const nan:0x4 drop",
        ["v128.const"] = "v128.const i32x4 1 2 3 4 drop",
    };

    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    public void Every_instruction_of_the_supported_features_runs(MemoryProtection mode)
    {
        var missing = new List<string>();
        int count = 0;
        foreach (Opcode opcode in Enum.GetValues<Opcode>().Distinct())
        {
            if ((OpcodeTable.Feature(opcode) & ~SupportedFeatures.All) != 0)
            {
                continue;
            }

            count++;
            string name = opcode == Opcode.SelectTyped ? "select t" : OpcodeTable.Mnemonic(opcode);
            string? body = s_bodies.TryGetValue(name, out string? known) ? known : BySignature(opcode);
            if (body is null)
            {
                missing.Add($"{name}: no body in this test");
                continue;
            }

            string text = $"""
                (module (type $t (func)) (type $s (struct (field (mut i8)) (field anyref))) (type $bytes (array (mut i8))) (type $refs (array (mut funcref))) (tag $tag) (memory 1) (memory $shared 1 1 shared) (data "abc") (table $table 2 10 funcref) (elem func $f) (elem (i32.const 0) $f) (global $g (mut i32) (i32.const 0))
                  (func $f) (func (export "run") (local i32) {body}))
                """;
            Exception? failure = Record.Exception(() => Wasm.Instantiate(Engine.Create(new EngineOptions { MemoryProtection = mode, Features = SupportedFeatures.All }).CreateStore(), text).GetFunction("run")!.Invoke());
            if (failure is not null)
            {
                missing.Add($"{name}: {failure.Message}");
            }
        }

        Assert.Empty(missing);
        Assert.InRange(count, Enum.GetValues<Opcode>().Length, Enum.GetValues<Opcode>().Length);
    }

    private static string? BySignature(Opcode opcode)
    {
        ImmediateKind immediate = OpcodeTable.Immediate(opcode);
        if (OpcodeTable.Shape(opcode) != InstructionShape.Signature || immediate is not (ImmediateKind.None or ImmediateKind.MemoryArgument or ImmediateKind.MemoryArgumentAndLane or ImmediateKind.Lane or ImmediateKind.Lanes))
        {
            return null;
        }

        var body = new StringBuilder();
        InstructionSignature signature = OpcodeTable.Signature(opcode);
        foreach (OperandKind operand in signature.Operands)
        {
            body.Append(operand switch
            {
                OperandKind.I32 or OperandKind.Address => "i32.const 8 ",
                OperandKind.I64 => "i64.const 8 ",
                OperandKind.F32 => "f32.const 8.5 ",
                OperandKind.F64 => "f64.const 8.5 ",
                OperandKind.V128 => "v128.const i32x4 8 -8 8 -8 ",
                _ => "",
            });
        }

        body.Append(OpcodeTable.MnemonicSpan(opcode));
        body.Append(immediate switch
        {
            ImmediateKind.Lane or ImmediateKind.MemoryArgumentAndLane => " 1",
            ImmediateKind.Lanes => " 0 31 2 29 4 27 6 25 8 23 10 21 12 19 14 17",
            _ => "",
        });
        for (int i = 0; i < signature.Results.Length; i++)
        {
            body.Append(" drop");
        }

        return body.ToString();
    }
}
