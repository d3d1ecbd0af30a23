using System.Globalization;
using System.Text;

using Codicil.Format.Instructions;
using Codicil.Fuzz.Cases;

namespace Codicil.Fuzz.Generators;

/// <summary>
/// Writes programs in the text format where smith is weak: shapes that a JIT optimises, edges of memory, constants that come through locals. Every
/// program ends (loops count, calls use up a number) and does not show the bits of a NaN that arithmetic made.
/// </summary>
internal sealed partial class ProgramGenerator
{
    private static readonly OperandKind[] s_scalars = [OperandKind.I32, OperandKind.I32, OperandKind.I64, OperandKind.I64, OperandKind.F32, OperandKind.F64];

    private readonly FuzzRandom _random;
    private readonly Operators _operators;
    private readonly OperandKind[] _kinds;
    private readonly ProgramStyle _style;
    private readonly List<Signature> _functions = [];
    private readonly List<string> _types = [];
    private readonly StringBuilder _text = new();
    private readonly int _minimumPages;

    private ProgramGenerator(ulong seed, Operators operators, bool simd, ProgramStyle? style)
    {
        _random = FuzzRandom.For("program", seed);
        _operators = operators;
        _kinds = simd ? [.. s_scalars, OperandKind.V128, OperandKind.V128] : s_scalars;
        _style = style ?? (ProgramStyle)(seed % 8);
        if (style is null && _style == ProgramStyle.Large && seed % 64 != 7)
        {
            _style = ProgramStyle.Mixed;
        }

        _minimumPages = _random.Pick<int>([0, 1, 1, 1, 2]);
    }

    private sealed record Signature(OperandKind[] Parameters, OperandKind[] Results);

    /// <summary>The text of a program. Its style follows from the seed, unless one is asked for.</summary>
    public static (string Text, ProgramStyle Style) Create(ulong seed, Operators operators, bool simd, ProgramStyle? style)
    {
        var generator = new ProgramGenerator(seed, operators, simd, style);
        return (generator.Write(), generator._style);
    }

    private string Write()
    {
        int functions = _style switch
        {
            ProgramStyle.Expressions => 24,
            ProgramStyle.Large => 90,
            _ => _random.Between(2, 7),
        };
        for (int i = 0; i < functions; i++)
        {
            _functions.Add(_style == ProgramStyle.Expressions
                ? new Signature([OperandKind.I32, OperandKind.I64, OperandKind.F32, OperandKind.F64, OperandKind.I32, OperandKind.I64], [_random.Pick<OperandKind>(s_scalars)])
                : new Signature(Kinds(_random.Below(5)), Kinds(_random.Pick<int>([0, 1, 1, 1, 1, 2, 3, 4]))));
        }

        _text.Append("(module\n");
        WriteImports();
        Line($"(memory (export \"memory\") {_minimumPages} {_minimumPages + _random.Below(3)})");
        Line($"(table $t (export \"table\") 12 24 funcref)");
        Line($"(table $x 4 9 externref)");
        foreach (OperandKind kind in _kinds.Distinct())
        {
            for (int i = 0; i < 2; i++)
            {
                // JavaScript cannot read a v128.
                string export = i == 0 && kind != OperandKind.V128 ? $"(export \"g{Name(kind)}\") " : "";
                Line($"(global $g{Name(kind)}{i} {export}(mut {Name(kind)}) {Constant(kind)})");
            }
        }

        Line($"(global $fuel (mut i32) (i32.const 0))");
        WriteSegments();
        for (int i = 0; i < _functions.Count; i++)
        {
            WriteFunction(i);
        }

        for (int i = 0; i < _functions.Count; i++)
        {
            WriteEntry(i);
        }

        _types.ForEach(type => Line($"{type}"));
        return _text.Append(")\n").ToString();
    }

    private void WriteImports()
    {
        Line($"(import \"host\" \"a\" (func $h0 (param i32) (result i32)))");
        Line($"(import \"host\" \"b\" (func $h1 (param f64 i64) (result f32)))");
        Line($"(import \"host\" \"c\" (func $h2 (param i64) (result f64 i32 i64)))");
        Line($"(import \"host\" \"d\" (func $h3 (param f32 i32 externref) (result externref)))");
        Line($"(type $shared (func (param i32 i64) (result i32)))");
    }

    private void WriteSegments()
    {
        if (_minimumPages > 0)
        {
            byte[] bytes = _random.Bytes(_random.Between(8, 200));
            Line($"(data (i32.const {_random.Pick<int>([0, 64, 65536 - bytes.Length, 65536 - bytes.Length - 3])}) \"{Escape(bytes)}\")");
        }

        Line($"(data $d0 \"{Escape(_random.Bytes(48))}\")");
        Line($"(data $d1 \"\")");
        int start = _random.Below(3);
        Line($"(elem (table $t) (i32.const {start}) func {string.Join(' ', Enumerable.Range(0, Math.Min(9, _functions.Count)).Select(i => $"$f{i}"))})");
        Line($"(elem $e0 func {string.Join(' ', Enumerable.Range(0, 6).Select(_ => $"$f{_random.Below(_functions.Count)}"))})");
        Line($"(elem declare func {string.Join(' ', Enumerable.Range(0, _functions.Count).Select(i => $"$f{i}"))})");
    }

    private void WriteEntry(int index)
    {
        // v128 does not pass through JavaScript: such parameters are made here, such results are folded.
        Signature signature = _functions[index];
        _text.Append(CultureInfo.InvariantCulture, $"(func (export \"run{index}\")");
        var arguments = new StringBuilder();
        int parameter = 0;
        foreach (OperandKind kind in signature.Parameters)
        {
            if (kind == OperandKind.V128)
            {
                _text.Append(" (param i64 i64)");
                arguments.Append(CultureInfo.InvariantCulture, $"(i64x2.replace_lane 1 (i64x2.splat (local.get {parameter})) (local.get {parameter + 1}))");
                parameter += 2;
                continue;
            }

            _text.Append(CultureInfo.InvariantCulture, $" (param {Name(kind)})");
            arguments.Append(CultureInfo.InvariantCulture, $"(local.get {parameter++})");
        }

        foreach (OperandKind kind in signature.Results)
        {
            _text.Append(kind == OperandKind.V128 ? " (result i64)" : $" (result {Name(kind)})");
        }

        for (int i = signature.Results.Length - 1; i >= 0; i--)
        {
            _text.Append(CultureInfo.InvariantCulture, $" (local $r{i} {Name(signature.Results[i])})");
        }

        Line($"\n (global.set $fuel (i32.const 200)) (call $f{index} {arguments})");
        for (int i = signature.Results.Length - 1; i >= 0; i--)
        {
            Line($" local.set $r{i}");
        }

        for (int i = 0; i < signature.Results.Length; i++)
        {
            Line(signature.Results[i] == OperandKind.V128
                ? $" (i64.xor (i64x2.extract_lane 0 (local.get $r{i})) (i64.rotl (i64x2.extract_lane 1 (local.get $r{i})) (i64.const 1)))"
                : (FormattableString)$" local.get $r{i}");
        }

        Line($")");
    }

    private OperandKind[] Kinds(int count)
    {
        var kinds = new OperandKind[count];
        for (int i = 0; i < count; i++)
        {
            kinds[i] = _random.Pick<OperandKind>(_kinds);
        }

        return kinds;
    }

    private string Constant(OperandKind kind)
    {
        switch (kind)
        {
            case OperandKind.I32:
                return string.Create(CultureInfo.InvariantCulture, $"(i32.const {(int)EdgeValues.I32(_random)})");
            case OperandKind.I64:
                return string.Create(CultureInfo.InvariantCulture, $"(i64.const {(long)EdgeValues.I64(_random)})");
            case OperandKind.F32:
                return $"(f32.const {Number(BitConverter.UInt32BitsToSingle(EdgeValues.F32(_random)))})";
            case OperandKind.F64:
                return $"(f64.const {Number(BitConverter.UInt64BitsToDouble(EdgeValues.F64(_random)))})";
            default:
                return _random.Below(3) switch
                {
                    0 => string.Create(CultureInfo.InvariantCulture, $"(v128.const i64x2 {(long)EdgeValues.I64(_random)} {(long)EdgeValues.I64(_random)})"),
                    1 => string.Create(CultureInfo.InvariantCulture, $"(v128.const i32x4 {(int)EdgeValues.I32(_random)} {(int)EdgeValues.I32(_random)} {(int)EdgeValues.I32(_random)} {(int)EdgeValues.I32(_random)})"),
                    _ => $"(v128.const f64x2 {Number(BitConverter.UInt64BitsToDouble(EdgeValues.F64(_random)))} {Number(BitConverter.UInt64BitsToDouble(EdgeValues.F64(_random)))})",
                };
        }
    }

    private static string Number(float value) => float.IsNaN(value) ? "nan" : float.IsInfinity(value) ? (value > 0 ? "inf" : "-inf") : value.ToString("R", CultureInfo.InvariantCulture);

    private static string Number(double value) => double.IsNaN(value) ? "nan" : double.IsInfinity(value) ? (value > 0 ? "inf" : "-inf") : value.ToString("R", CultureInfo.InvariantCulture);

    private static string Escape(byte[] bytes) => string.Concat(bytes.Select(static value => string.Create(CultureInfo.InvariantCulture, $"\\{value:x2}")));

    private static string Name(OperandKind kind) => kind switch
    {
        OperandKind.I32 => "i32",
        OperandKind.I64 => "i64",
        OperandKind.F32 => "f32",
        OperandKind.F64 => "f64",
        _ => "v128",
    };

    private void Line(FormattableString text) => _text.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
