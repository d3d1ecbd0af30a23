using System.Globalization;

using Codicil.Format.Instructions;

namespace Codicil.Fuzz.Generators;

/// <summary>Expressions.</summary>
internal sealed partial class ProgramGenerator
{
    private string Expression(OperandKind kind, int depth)
    {
        if (depth <= 0 || _random.Chance(12))
        {
            return Leaf(kind);
        }

        int choice = _random.Below(100);
        if (_style is ProgramStyle.Expressions or ProgramStyle.Rotations)
        {
            choice = choice < 74 ? 0 : choice < 86 ? 60 : choice;
        }

        switch (choice)
        {
            case < 52:
                return Operation(kind, depth);
            case < 66:
                return Load(kind);
            case < 74:
                return $"(select {Expression(kind, depth - 1)} {Expression(kind, depth - 1)} {Expression(OperandKind.I32, depth - 1)})";
            case < 80:
                return $"(if (result {Name(kind)}) {Expression(OperandKind.I32, depth - 1)} (then {Expression(kind, depth - 1)}) (else {Expression(kind, depth - 1)}))";
            case < 85:
                {
                    string label = NewLabel();
                    return $"(block {label} (result {Name(kind)}) (drop (br_if {label} {Expression(kind, depth - 1)} {Expression(OperandKind.I32, depth - 1)})) {Expression(kind, depth - 1)})";
                }

            case < 92:
                return $"(local.tee {Variable(kind)} {Expression(kind, depth - 1)})";
            case < 95 when kind == OperandKind.I32:
                return _random.Below(3) switch
                {
                    0 => "(memory.size)",
                    1 => $"(memory.grow {(_random.Chance(50) ? "(i32.const 0)" : "(i32.const 1)")})",
                    _ => $"(ref.is_null (table.get $t (i32.const {_random.Below(12)})))",
                };
            default:
                return Call(kind, depth);
        }
    }

    private string Leaf(OperandKind kind) => _random.Below(10) switch
    {
        < 3 => Constant(kind),
        3 => $"(global.get $g{Name(kind)}{_random.Below(2)})",
        _ => $"(local.get {Variable(kind)})",
    };

    private string Call(OperandKind kind, int depth)
    {
        int[] fitting = [.. Enumerable.Range(0, _functions.Count).Where(i => _functions[i].Results is [var result] && result == kind)];
        if (fitting.Length == 0 || _style == ProgramStyle.Expressions)
        {
            return kind switch
            {
                OperandKind.I32 => $"(call $h0 {Expression(kind, depth - 1)})",
                OperandKind.F32 => $"(call $h1 {Expression(OperandKind.F64, depth - 1)} {Expression(OperandKind.I64, depth - 1)})",
                _ => Operation(kind, depth),
            };
        }

        int target = _random.Pick<int>(fitting);
        return $"(call $f{target} {string.Join(' ', _functions[target].Parameters.Select(parameter => Expression(parameter, depth - 2)))})";
    }

    private string Operation(OperandKind kind, int depth)
    {
        Opcode opcode = _style == ProgramStyle.Rotations && kind is OperandKind.I32 or OperandKind.I64 && _random.Chance(80)
            ? _random.Pick<Opcode>(Operators.RotationsOf(kind))
            : _random.Pick<Opcode>(_operators.Pure(kind).ToArray());
        InstructionSignature signature = OpcodeTable.Signature(opcode);
        var operands = new string[signature.Operands.Length];
        for (int i = 0; i < operands.Length; i++)
        {
            OperandKind operand = signature.Operands[i];
            operands[i] = i == 1 && _random.Chance(40) ? (_random.Chance(60) ? Constant(operand) : $"(local.get {Variable(operand)})") : Expression(operand, depth - 1);
            if (ShowsBits(opcode, i))
            {
                operands[i] = Canonical(operand, operands[i]);
            }
        }

        switch (opcode)
        {
            // A trap ends the rest of the function: not too many.
            case Opcode.I32DivS or Opcode.I32DivU or Opcode.I32RemS or Opcode.I32RemU when _random.Chance(70):
                operands[1] = $"(i32.or {operands[1]} (i32.const {_random.Pick<int>([1, 2, 3, 1024, int.MinValue])}))";
                break;
            case Opcode.I64DivS or Opcode.I64DivU or Opcode.I64RemS or Opcode.I64RemU when _random.Chance(70):
                operands[1] = $"(i64.or {operands[1]} (i64.const {_random.Pick<long>([1, 2, 3, 1024, long.MinValue])}))";
                break;
            case >= Opcode.I32TruncF32S and <= Opcode.I32TruncF64U or >= Opcode.I64TruncF32S and <= Opcode.I64TruncF64U when _random.Chance(60):
                OperandKind source = signature.Operands[0];
                operands[0] = $"({Name(source)}.min ({Name(source)}.abs {operands[0]}) ({Name(source)}.const 1000000))";
                operands[0] = Canonical(source, operands[0], "7");
                break;
        }

        string immediate = OpcodeTable.Immediate(opcode) switch
        {
            ImmediateKind.Lane => string.Create(CultureInfo.InvariantCulture, $" {_random.Below(16 / OpcodeTable.Width(opcode))}"),
            ImmediateKind.Lanes => " " + string.Join(' ', Enumerable.Range(0, 16).Select(_ => _random.Below(32).ToString(CultureInfo.InvariantCulture))),
            _ => "",
        };
        string operation = $"({OpcodeTable.Mnemonic(opcode)}{immediate} {string.Join(' ', operands)})";
        return kind == OperandKind.V128 ? CanonicalLanes(opcode, operation) : operation;
    }

    // Instructions through which the sign and payload of a NaN would show.
    private static bool ShowsBits(Opcode opcode, int operand) => opcode switch
    {
        Opcode.I32ReinterpretF32 or Opcode.I64ReinterpretF64 => true,
        Opcode.F32Copysign or Opcode.F64Copysign => operand == 1,
        Opcode.F32x4Splat or Opcode.F64x2Splat => true,
        Opcode.F32x4ReplaceLane or Opcode.F64x2ReplaceLane => operand == 1,
        _ => false,
    };

    private static string Canonical(OperandKind kind, string expression, string instead = "nan") => kind switch
    {
        OperandKind.F32 or OperandKind.F64 when !expression.StartsWith("(f32.const", StringComparison.Ordinal) && !expression.StartsWith("(f64.const", StringComparison.Ordinal) =>
            $"(select (local.tee $canonical{Name(kind)} {expression}) ({Name(kind)}.const {instead}) ({Name(kind)}.eq (local.get $canonical{Name(kind)}) (local.get $canonical{Name(kind)})))",
        _ => expression,
    };

    // A vector of floats is a vector of bits to the next instruction.
    private static string CanonicalLanes(Opcode opcode, string operation)
    {
        string mnemonic = OpcodeTable.Mnemonic(opcode);
        string shape = mnemonic[..5];
        bool makesNaNs = shape is "f32x4" or "f64x2" && mnemonic[6..] is "add" or "sub" or "mul" or "div" or "sqrt" or "min" or "max" or "ceil" or "floor" or "trunc" or "nearest"
            or "demote_f64x2_zero" or "promote_low_f32x4";
        string nan = shape == "f32x4" ? "nan nan nan nan" : "nan nan";
        return makesNaNs
            ? $"(v128.bitselect (local.tee $canonicalv128 {operation}) (v128.const {shape} {nan}) ({shape}.eq (local.get $canonicalv128) (local.get $canonicalv128)))"
            : operation;
    }

    private string Load(OperandKind kind)
    {
        Opcode opcode = _random.Pick<Opcode>(_operators.Loads(kind).ToArray());
        int width = OpcodeTable.Width(opcode);
        (string offset, string address) = Address(width);
        if (OpcodeTable.Immediate(opcode) == ImmediateKind.MemoryArgumentAndLane)
        {
            return string.Create(CultureInfo.InvariantCulture, $"({OpcodeTable.Mnemonic(opcode)} {offset} {_random.Below(16 / width)} {address} {Leaf(OperandKind.V128)})");
        }

        return $"({OpcodeTable.Mnemonic(opcode)} {offset} {address})";
    }

    private (string Offset, string Address) Address(int width)
    {
        bool edge = _random.Chance(_style == ProgramStyle.MemoryEdges ? 45 : 8);
        if (!edge)
        {
            string inside = _minimumPages == 0 ? "0xff" : "0x7ff8";
            return ($"offset={_random.Pick<int>([0, 0, 0, 1, 4, 8, 100, 112, 128, 1024, 32000])}", $"(i32.and {Leaf(OperandKind.I32)} (i32.const {inside}))");
        }

        int near = _random.Between(-2, width + 3);
        int end = 65536 * Math.Max(1, _minimumPages);
        return _random.Below(9) switch
        {
            0 => ("", Text($"(i32.const {end - near})")),
            1 => ("", Text($"(i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const {near}))")),
            2 => (Text($"offset={Math.Max(0, end - near)}"), $"(i32.and {Leaf(OperandKind.I32)} (i32.const {_random.Pick<int>([0, 1, 3, 7])}))"),
            3 => (Text($"offset={_random.Pick<uint>([0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_0000, 32768, 32640, 32896, 112, 128, 127, 111, 4096])}"), Leaf(OperandKind.I32)),
            4 => (Text($"offset={Math.Max(0, near)}"), Text($"(i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const {width + near}))")),
            5 => (Text($"offset={32768 + near}"), Text($"(i32.const {end - 32768 - width})")),
            6 => (Text($"offset={16 + near}"), "(i32.const -16)"),
            7 => ("", Leaf(OperandKind.I32)),
            _ => (Text($"offset={near + 2}"), Text($"(i32.add (i32.const {end - width - near}) (i32.and {Leaf(OperandKind.I32)} (i32.const 3)))")),
        };
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
