using System.Globalization;

using Codicil.Format.Instructions;

namespace Codicil.Fuzz.Generators;

/// <summary>Functions and their statements.</summary>
internal sealed partial class ProgramGenerator
{
    private readonly List<(string Name, OperandKind Kind)> _variables = [];
    private readonly List<string> _labels = [];
    private readonly List<(string Name, OperandKind Kind)> _valueLabels = [];
    private int _function;
    private int _nextLabel;
    private int _nextCounter;
    private int _statements;

    private void WriteFunction(int index)
    {
        Signature signature = _functions[index];
        _function = index;
        _variables.Clear();
        _labels.Clear();
        _valueLabels.Clear();
        _nextLabel = 0;
        _nextCounter = 0;
        _statements = _style switch { ProgramStyle.Expressions => 0, ProgramStyle.Large => 40, _ => _random.Between(4, 26) };
        _text.Append(CultureInfo.InvariantCulture, $"(func $f{index}");
        for (int i = 0; i < signature.Parameters.Length; i++)
        {
            _variables.Add(($"$p{i}", signature.Parameters[i]));
            _text.Append(CultureInfo.InvariantCulture, $" (param $p{i} {Name(signature.Parameters[i])})");
        }

        foreach (OperandKind kind in signature.Results)
        {
            _text.Append(CultureInfo.InvariantCulture, $" (result {Name(kind)})");
        }

        List<(string Name, OperandKind Kind)> locals = [];
        foreach (OperandKind kind in _kinds)
        {
            for (int i = _random.Between(1, 3); i > 0; i--)
            {
                locals.Add(($"$l{locals.Count}", kind));
            }
        }

        foreach ((string name, OperandKind kind) in locals)
        {
            _text.Append(CultureInfo.InvariantCulture, $" (local {name} {Name(kind)})");
        }

        foreach (OperandKind kind in _kinds.Distinct())
        {
            _text.Append(CultureInfo.InvariantCulture, $" (local $canonical{Name(kind)} {Name(kind)})");
        }

        // Counters of loops are nobody else's.
        Line($" (local $c0 i32) (local $c1 i32) (local $c2 i32) (local $c3 i32) (local $c4 i32) (local $c5 i32)");
        _variables.AddRange(locals);
        if (_style != ProgramStyle.Expressions)
        {
            Line($" (if (i32.eqz (global.get $fuel)) (then (unreachable)))");
            Line($" (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))");
        }

        // Constants that the JIT finds again behind a local.
        foreach ((string name, OperandKind kind) in locals)
        {
            if (_random.Chance(60))
            {
                Line($" (local.set {name} {Constant(kind)})");
            }
        }

        while (_statements > 0)
        {
            WriteStatement(3);
        }

        foreach (OperandKind kind in signature.Results)
        {
            Line($" {Expression(kind, _style == ProgramStyle.Expressions ? 4 : 3)}");
        }

        Line($")");
    }

    private void WriteStatements(int most, int depth)
    {
        for (int i = _random.Between(1, most + 1); i > 0; i--)
        {
            WriteStatement(depth - 1);
        }
    }

    private void WriteStatement(int depth)
    {
        _statements--;
        int[] weights = _style switch
        {
            //                                set glob store if block loop table call multi bulk tables ret
            ProgramStyle.MemoryEdges => (int[])[20, 5, 40, 6, 2, 6, 1, 2, 1, 4, 0, 1],
            ProgramStyle.Control => [16, 4, 4, 14, 14, 14, 14, 3, 10, 0, 0, 3],
            ProgramStyle.Calls => [14, 4, 4, 6, 4, 4, 2, 30, 6, 1, 6, 2],
            ProgramStyle.Bulk => [10, 3, 14, 5, 3, 12, 2, 3, 1, 32, 14, 1],
            ProgramStyle.Rotations => [40, 6, 4, 24, 6, 10, 3, 2, 2, 0, 0, 2],
            _ => [26, 8, 14, 10, 6, 8, 5, 8, 4, 3, 2, 2],
        };
        int choice = _random.Below(weights.Sum());
        int kindOfStatement = 0;
        while (choice >= weights[kindOfStatement])
        {
            choice -= weights[kindOfStatement++];
        }

        if (depth <= 0 && kindOfStatement is >= 3 and <= 6)
        {
            kindOfStatement = 0;
        }

        switch (kindOfStatement)
        {
            case 0:
                (string variable, OperandKind kind) = _variables[_random.Below(_variables.Count)];
                Line($" (local.set {variable} {Expression(kind, 3)})");
                break;
            case 1:
                OperandKind global = _random.Pick<OperandKind>(_kinds);
                Line($" (global.set $g{Name(global)}{_random.Below(2)} {Expression(global, 3)})");
                break;
            case 2:
                WriteStore();
                break;
            case 3:
                Line($" (if {Expression(OperandKind.I32, 3)}");
                Line($" (then");
                WriteStatements(3, depth);
                if (_random.Chance(50))
                {
                    Line($" ) (else");
                    WriteStatements(3, depth);
                }

                Line($" ))");
                break;
            case 4:
                string block = NewLabel();
                Line($" (block {block}");
                _labels.Add(block);
                WriteStatements(3, depth);
                Line($" (br_if {_random.Pick<string>(_labels.ToArray())} {Expression(OperandKind.I32, 2)})");
                WriteStatements(2, depth);
                _labels.RemoveAt(_labels.Count - 1);
                Line($" )");
                break;
            case 5:
                WriteLoop(depth);
                break;
            case 6:
                WriteTableOfBranches(depth);
                break;
            case 7:
                WriteCall();
                break;
            case 8:
                WriteBlockWithValues(depth);
                break;
            case 9:
                WriteBulk();
                break;
            case 10:
                WriteTable();
                break;
            default:
                Line($" (if (i32.eq {Expression(OperandKind.I32, 1)} {Constant(OperandKind.I32)}) (then {string.Join(' ', _functions[_function].Results.Select(kind => Expression(kind, 1)))} return))");
                break;
        }
    }

    // A branch to a loop's label would go round without counting: loops are left and repeated only by their counter.
    private void WriteLoop(int depth)
    {
        if (_nextCounter == 6)
        {
            return;
        }

        string counter = string.Create(CultureInfo.InvariantCulture, $"$c{_nextCounter++}");
        string loop = NewLabel();
        string exit = NewLabel();
        Line($" (local.set {counter} (i32.const {_random.Between(1, 7)}))");
        Line($" (block {exit} (loop {loop}");
        _labels.Add(exit);
        WriteStatements(4, depth);
        _labels.RemoveAt(_labels.Count - 1);
        Line(_random.Below(3) switch
        {
            0 => $" (br_if {loop} (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1))))",
            1 => $" (local.set {counter} (i32.add (local.get {counter}) (i32.const -1))) (br_if {loop} (i32.gt_s (local.get {counter}) (i32.const 0)))",
            _ => (FormattableString)$" (br_if {exit} (i32.eqz (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1))))) (br {loop})",
        });
        Line($" ))");
    }

    private void WriteTableOfBranches(int depth)
    {
        int cases = _random.Between(1, 6);
        string[] labels = [.. Enumerable.Range(0, cases).Select(_ => NewLabel())];
        string exit = NewLabel();
        Line($" (block {exit}");
        foreach (string label in labels)
        {
            Line($" (block {label}");
        }

        string[] targets = [.. Enumerable.Range(0, _random.Between(0, 10)).Select(_ => _random.Pick<string>([.. labels, exit, .. _labels]))];
        string index = _random.Chance(60) ? $"(i32.and {Expression(OperandKind.I32, 2)} (i32.const 7))" : Expression(OperandKind.I32, 2);
        Line($" (br_table {string.Join(' ', targets)} {_random.Pick<string>(labels)} {index}))");
        for (int i = 1; i <= cases; i++)
        {
            _labels.Add(exit);
            WriteStatements(2, depth);
            _labels.RemoveAt(_labels.Count - 1);
            if (_random.Chance(60))
            {
                Line($" (br {exit})");
            }

            Line($" )");
        }
    }

    // Blocks with parameters and several results, written without folding.
    private void WriteBlockWithValues(int depth)
    {
        OperandKind[] parameters = Kinds(_random.Below(4));
        OperandKind[] results = Kinds(_random.Between(1, 4));
        foreach (OperandKind kind in parameters)
        {
            Line($" {Expression(kind, 2)}");
        }

        string label = NewLabel();
        string type = string.Concat(parameters.Select(kind => $" (param {Name(kind)})")) + string.Concat(results.Select(kind => $" (result {Name(kind)})"));
        bool isIf = _random.Chance(50);
        Line(isIf ? $" {Expression(OperandKind.I32, 2)} if {label}{type}" : (FormattableString)$" block {label}{type}");
        for (int arm = 0; arm < (isIf ? 2 : 1); arm++)
        {
            if (arm == 1)
            {
                Line($" else");
            }

            foreach (OperandKind kind in parameters.Reverse())
            {
                Line(_random.Chance(50) ? $" local.set {Variable(kind)}" : (FormattableString)$" drop");
            }

            if (_random.Chance(60))
            {
                foreach (OperandKind kind in results)
                {
                    Line($" {Expression(kind, 2)}");
                }

                Line($" {Expression(OperandKind.I32, 2)} br_if {label}");
                foreach (OperandKind _ in results)
                {
                    Line($" drop");
                }
            }

            WriteStatements(2, depth);
            foreach (OperandKind kind in results)
            {
                Line($" {Expression(kind, 2)}");
            }
        }

        Line($" end");
        foreach (OperandKind kind in results.Reverse())
        {
            Line($" local.set {Variable(kind)}");
        }
    }

    private void WriteStore()
    {
        Opcode opcode = _random.Pick<Opcode>(_operators.Stores.ToArray());
        OperandKind kind = OpcodeTable.Signature(opcode).Operands[1];
        int width = OpcodeTable.Width(opcode);
        (string offset, string address) = Address(width);
        string lane = OpcodeTable.Immediate(opcode) == ImmediateKind.MemoryArgumentAndLane ? string.Create(CultureInfo.InvariantCulture, $" {_random.Below(16 / width)}") : "";
        Line($" ({OpcodeTable.Mnemonic(opcode)} {offset}{lane} {address} {Canonical(kind, Expression(kind, 2))})");
    }

    private void WriteCall()
    {
        switch (_random.Below(5))
        {
            case 0:
                Line($" (drop (call $h0 {Expression(OperandKind.I32, 1)}))");
                break;
            case 1:
                Line($" (call $h2 {Expression(OperandKind.I64, 1)}) local.set {Variable(OperandKind.I64)} local.set {Variable(OperandKind.I32)} local.set {Variable(OperandKind.F64)}");
                break;
            default:
                int target = _random.Below(_functions.Count);
                Signature signature = _functions[target];
                string arguments = string.Join(' ', signature.Parameters.Select(kind => Expression(kind, 1)));
                if (_random.Chance(50))
                {
                    Line($" (call $f{target} {arguments})");
                }
                else
                {
                    // The type of one function and the place of, perhaps, another.
                    string type = string.Concat(signature.Parameters.Select(kind => $" (param {Name(kind)})")) + string.Concat(signature.Results.Select(kind => $" (result {Name(kind)})"));
                    string index = _random.Below(4) switch
                    {
                        0 => Expression(OperandKind.I32, 1),
                        1 => $"(i32.and {Expression(OperandKind.I32, 1)} (i32.const 15))",
                        _ => string.Create(CultureInfo.InvariantCulture, $"(i32.const {target})"),
                    };
                    Line($" (call_indirect $t{type} {arguments} {index})");
                }

                foreach (OperandKind kind in signature.Results.Reverse())
                {
                    Line(_random.Chance(80) ? $" local.set {Variable(kind)}" : (FormattableString)$" drop");
                }

                break;
        }
    }

    private void WriteBulk()
    {
        string length = _random.Chance(70) ? string.Create(CultureInfo.InvariantCulture, $"(i32.const {_random.Pick<int>([0, 1, 7, 31, 64, 1000, 4096, 65535, 65536])})") : $"(i32.and {Expression(OperandKind.I32, 1)} (i32.const 255))";
        switch (_random.Below(6))
        {
            case 0:
                Line($" (memory.fill {Address(4).Address} {Expression(OperandKind.I32, 1)} {length})");
                break;
            case 1 or 2:
                Line($" (memory.copy {Address(4).Address} {Address(4).Address} {length})");
                break;
            case 3:
                Line($" (memory.init $d{_random.Below(2)} {Address(4).Address} (i32.const {_random.Below(50)}) (i32.const {_random.Below(20)}))");
                break;
            case 4:
                Line(_random.Chance(10) ? $" (data.drop $d0)" : (FormattableString)$" (local.set {Variable(OperandKind.I32)} (memory.size))");
                break;
            default:
                Line($" (local.set {Variable(OperandKind.I32)} (memory.grow (i32.const {_random.Pick<int>([0, 0, 1, 1, 2, 5, -1, 65536])})))");
                break;
        }
    }

    private void WriteTable()
    {
        string index = _random.Chance(80) ? string.Create(CultureInfo.InvariantCulture, $"(i32.const {_random.Below(14)})") : Expression(OperandKind.I32, 1);
        int length = _random.Below(5);
        switch (_random.Below(9))
        {
            case 0:
                Line($" (table.set $t {index} {(_random.Chance(30) ? "(ref.null func)" : $"(ref.func $f{_random.Below(_functions.Count)})")})");
                break;
            case 1:
                Line($" (table.set $t {index} (table.get $t (i32.const {_random.Below(13)})))");
                break;
            case 2:
                Line($" (local.set {Variable(OperandKind.I32)} (table.grow $t (ref.null func) (i32.const {_random.Pick<int>([0, 1, 2, 20, -1])})))");
                break;
            case 3:
                Line($" (table.fill $t {index} (ref.func $f{_random.Below(_functions.Count)}) (i32.const {length}))");
                break;
            case 4:
                Line($" (table.copy $t $t {index} (i32.const {_random.Below(13)}) (i32.const {length}))");
                break;
            case 5:
                Line($" (table.init $t $e0 {index} (i32.const {_random.Below(8)}) (i32.const {length}))");
                break;
            case 6:
                Line($" (table.set $x (i32.const {_random.Below(5)}) (call $h3 {Expression(OperandKind.F32, 1)} {Expression(OperandKind.I32, 1)} (table.get $x (i32.const {_random.Below(4)}))))");
                break;
            case 7:
                Line($" (local.set {Variable(OperandKind.I32)} (ref.is_null (table.get $x (i32.const {_random.Below(5)}))))");
                break;
            default:
                Line($" (local.set {Variable(OperandKind.I32)} (table.size $t))");
                break;
        }
    }

    private string NewLabel() => string.Create(CultureInfo.InvariantCulture, $"$L{_nextLabel++}");

    private string Variable(OperandKind kind)
    {
        (string Name, OperandKind Kind)[] fitting = [.. _variables.Where(variable => variable.Kind == kind)];
        return _random.Pick<(string Name, OperandKind Kind)>(fitting).Name;
    }
}
