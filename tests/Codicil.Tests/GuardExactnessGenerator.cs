using System.Globalization;
using System.Text;

namespace Codicil.Tests;

/// <summary>Random small function bodies whose accesses lie around the end of memory; the same for the same seed.</summary>
/// <remarks>Results of float arithmetic are seen only through comparisons and conversions: the bits of a NaN are not the same in all code.</remarks>
internal sealed class GuardExactnessGenerator(int seed, bool withVectors = false)
{
    private static readonly string[] s_loads32 = ["i32.load8_u", "i32.load8_s", "i32.load16_u", "i32.load16_s", "i32.load", "i32.load"];
    private static readonly string[] s_loads64 = ["i64.load8_u", "i64.load8_s", "i64.load16_u", "i64.load16_s", "i64.load32_u", "i64.load32_s", "i64.load", "i64.load", "i64.load"];
    private static readonly string[] s_binary = ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "add", "and"];
    private static readonly string[] s_comparisons = ["eq", "ne", "lt_s", "lt_u", "gt_s", "ge_u", "le_s"];
    private static readonly string[] s_divisions = ["div_s", "div_u", "rem_s", "rem_u"];
    private static readonly string[] s_constants = ["0", "1", "-1", "2", "7", "8", "0x7f", "0x80", "0xff", "0x100", "0xffff", "0x8000", "24", "0x7fffffff"];
    private static readonly int[] s_offsets = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 120, 128];

    private static readonly string[] s_loads128 =
    [
        "v128.load", "v128.load", "v128.load", "v128.load8x8_s", "v128.load16x4_u", "v128.load32x2_s", "v128.load8_splat", "v128.load16_splat", "v128.load32_splat",
        "v128.load64_splat", "v128.load32_zero", "v128.load64_zero",
    ];
    private static readonly string[] s_binary128 =
    [
        "v128.and", "v128.or", "v128.xor", "v128.andnot", "i8x16.add", "i32x4.sub", "i16x8.mul", "i32x4.mul", "i64x2.add", "i8x16.swizzle", "i8x16.eq", "i32x4.gt_s", "i16x8.lt_u",
        "i8x16.min_u", "i16x8.narrow_i32x4_s", "i8x16.narrow_i16x8_u", "i32x4.dot_i16x8_s", "i16x8.extmul_low_i8x16_s", "i64x2.extmul_high_i32x4_u", "i8x16.avgr_u", "i16x8.sub_sat_s",
        "i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23", "i8x16.shuffle 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", "i8x16.shuffle 0 1 2 3 4 5 6 7 24 25 26 27 28 29 30 31",
        "i8x16.shuffle 0 1 2 3 12 13 14 15 16 17 18 19 20 21 22 23", "i8x16.shuffle 5 17 2 30 4 4 4 20 31 0 16 6 7 22 9 1",
    ];
    private static readonly string[] s_unary128 =
    [
        "v128.not", "i8x16.abs", "i32x4.neg", "i8x16.popcnt", "i16x8.extend_low_i8x16_s", "i32x4.extend_high_i16x8_u", "i64x2.extend_low_i32x4_s", "i16x8.extadd_pairwise_i8x16_u",
        "f64x2.convert_low_i32x4_u", "i32x4.trunc_sat_f64x2_s_zero", "i32x4.trunc_sat_f32x4_u",
    ];

    private readonly Random _random = new(seed);
    private StringBuilder _text = new();
    private int _loops;

    public string NextBody()
    {
        _text = new StringBuilder("(local $x i64) (local $y i64) (local $i i32) (local $j i32) (local $n i32) (local $k i32) (local $d f64) (local $s f32)\n");
        if (withVectors)
        {
            _text.Insert(_text.Length - 1, " (local $v v128) (local $w v128)");
        }

        _loops = 0;
        if (Chance(8))
        {
            _text.Append(CultureInfo.InvariantCulture, $"(local.set $a (i32.const {GuardExactnessHarness.PageBytes - 24 + _random.Next(28)}))\n");
        }

        int statements = 1 + _random.Next(5);
        for (int i = 0; i < statements; i++)
        {
            Statement(2);
        }

        _text.Append(I64(3));
        return _text.ToString();
    }

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private string Pick(string[] from) => from[_random.Next(from.Length)];

    private void Statement(int depth)
    {
        if (withVectors && Chance(3))
        {
            VectorStatement();
            return;
        }

        switch (_random.Next(depth == 0 ? 9 : 13))
        {
            case 0: _text.Append(CultureInfo.InvariantCulture, $"(local.set ${Pick(["x", "y"])} {I64(3)})\n"); break;
            case 1: _text.Append(CultureInfo.InvariantCulture, $"(local.set ${Pick(["i", "j"])} {I32(3)})\n"); break;
            case 2: _text.Append(CultureInfo.InvariantCulture, $"(drop {(Chance(2) ? I64(3) : I32(3))})\n"); break;
            case 3: _text.Append(CultureInfo.InvariantCulture, $"(local.set $d {F64(2)})\n"); break;
            case 4: _text.Append(CultureInfo.InvariantCulture, $"(global.set $g {I64(2)})\n"); break;
            case 5 or 6: Stores(); break;
            case 7: _text.Append(CultureInfo.InvariantCulture, $"({Pick(["f64.store", "f64.store"])} {Place()} (f64.load {Place()}))\n(f32.store {Place()} (f32.load {Place()}))\n"); break;
            case 8: _text.Append(CultureInfo.InvariantCulture, $"(if {I32(2)} (then (global.set $g (i64.const {_random.Next(100)}))))\n"); break;
            case 9 or 10:
                _text.Append(CultureInfo.InvariantCulture, $"(if {I32(2)} (then\n");
                Statement(depth - 1);
                if (Chance(2))
                {
                    _text.Append(") (else\n");
                    Statement(depth - 1);
                }

                _text.Append("))\n");
                break;
            default:
                if (_loops == 2)
                {
                    goto case 0;
                }

                string counter = _loops++ == 0 ? "$n" : "$k";
                string label = counter.Replace("$", "$loop_", StringComparison.Ordinal);
                bool steps = Chance(2);
                _text.Append(CultureInfo.InvariantCulture, $"(local.set {counter} (i32.const 0))\n(block {label}_end (loop {label}\n");
                if (Chance(2))
                {
                    _text.Append(CultureInfo.InvariantCulture, $"(br_if {label}_end (i32.ge_u (local.get {counter}) (i32.const {_random.Next(4)})))\n");
                }

                Statement(depth - 1);
                Statement(depth - 1);
                if (steps)
                {
                    _text.Append(CultureInfo.InvariantCulture, $"(local.set $a (i32.add (local.get $a) (i32.const {Pick(["1", "4", "8", "-1", "-8"])})))\n");
                }

                _text.Append(CultureInfo.InvariantCulture, $"(br_if {label} (i32.lt_u (local.tee {counter} (i32.add (local.get {counter}) (i32.const 1))) (i32.const {1 + _random.Next(4)})))))\n");
                break;
        }
    }

    private void VectorStatement()
    {
        switch (_random.Next(5))
        {
            case 0: _text.Append(CultureInfo.InvariantCulture, $"(local.set ${Pick(["v", "w"])} {V128(3)})\n"); break;
            case 1: _text.Append(CultureInfo.InvariantCulture, $"(drop {V128(3)})\n"); break;
            case 2: _text.Append(CultureInfo.InvariantCulture, $"(v128.store{_random.Next(4) switch { 0 => "8", 1 => "16", 2 => "32", _ => "64" }}_lane {Lane(1)} {V128(2)})\n"); break;
            default:
                string address = Address();
                int offset = s_offsets[_random.Next(s_offsets.Length)];
                _text.Append(CultureInfo.InvariantCulture, $"(v128.store offset={offset} {address} {V128(2)})\n");
                if (Chance(2))
                {
                    _text.Append(CultureInfo.InvariantCulture, $"(v128.store offset={offset + (8 * _random.Next(4))} {address} {V128(1)})\n");
                }

                break;
        }
    }

    // A place and a lane that every shape has.
    private string Lane(int depth) => string.Create(
        CultureInfo.InvariantCulture, $"offset={s_offsets[_random.Next(s_offsets.Length)]} {_random.Next(2)} {(depth > 0 ? Address() : "(local.get $a)")}");

    private string V128(int depth) => _random.Next(depth == 0 ? 4 : 12) switch
    {
        0 => $"(v128.const i64x2 {Pick(s_constants)} {Pick(s_constants)})",
        1 => $"(local.get {Pick(["$v", "$w"])})",
        2 or 3 => $"({Pick(s_loads128)} {Place()})",
        4 or 5 or 6 => $"({Pick(s_binary128)} {V128(depth - 1)} {V128(depth - 1)})",
        7 => $"({Pick(s_unary128)} {V128(depth - 1)})",
        8 => $"(v128.load{_random.Next(4) switch { 0 => "8", 1 => "16", 2 => "32", _ => "64" }}_lane {Lane(depth - 1)} {V128(depth - 1)})",
        9 => Chance(2) ? $"(i32x4.splat {I32(depth - 1)})" : $"(i64x2.replace_lane {_random.Next(2)} {V128(depth - 1)} {I64(depth - 1)})",
        10 => $"({Pick(["i8x16.shl", "i16x8.shr_s", "i32x4.shr_u", "i64x2.shl"])} {V128(depth - 1)} {I32(depth - 1)})",
        _ => Chance(2) ? $"(call $load128 {Address()})" : $"(select {V128(depth - 1)} {V128(depth - 1)} {I32(depth - 1)})",
    };

    private string LaneOf(int depth) => _random.Next(4) switch
    {
        0 => $"(i64x2.extract_lane {_random.Next(2)} {V128(depth)})",
        1 => $"(i64.extend_i32_s (i32x4.extract_lane {_random.Next(4)} {V128(depth)}))",
        2 => $"(i64.extend_i32_u ({Pick(["i8x16.extract_lane_s", "i8x16.extract_lane_u", "i16x8.extract_lane_s", "i16x8.extract_lane_u"])} {_random.Next(8)} {V128(depth)}))",
        _ => $"(i64.extend_i32_u ({Pick(["v128.any_true", "i8x16.all_true", "i8x16.bitmask", "i32x4.bitmask"])} {V128(depth)}))",
    };

    // A few in a row, often next to each other and often of constants.
    private void Stores()
    {
        string address = Address();
        int offset = s_offsets[_random.Next(s_offsets.Length)];
        int count = 1 + _random.Next(4);
        for (int i = 0; i < count; i++)
        {
            (string operation, string type, int width) = _random.Next(7) switch
            {
                0 => ("i32.store8", "i32", 1),
                1 => ("i32.store16", "i32", 2),
                2 => ("i32.store", "i32", 4),
                3 => ("i64.store8", "i64", 1),
                4 => ("i64.store16", "i64", 2),
                5 => ("i64.store32", "i64", 4),
                _ => ("i64.store", "i64", 8),
            };
            string value = _random.Next(3) switch
            {
                0 => $"({type}.const {Pick(s_constants)})",
                1 => type == "i32" ? "(local.get $i)" : "(local.get $x)",
                _ => type == "i32" ? I32(2) : I64(2),
            };
            _text.Append(CultureInfo.InvariantCulture, $"({operation} offset={offset} {address} {value})\n");
            offset += Chance(4) ? -width : width;
            offset = Math.Max(0, offset);
        }
    }

    private string Place() => string.Create(CultureInfo.InvariantCulture, $"offset={s_offsets[_random.Next(s_offsets.Length)]} {Address()}");

    private string Address() => _random.Next(10) switch
    {
        0 => string.Create(CultureInfo.InvariantCulture, $"(i32.sub (local.get $a) (i32.const {_random.Next(30)}))"),
        1 => string.Create(CultureInfo.InvariantCulture, $"(i32.add (local.get $a) (local.get $n))"),
        2 => string.Create(CultureInfo.InvariantCulture, $"(i32.const {_random.Next(64)})"),
        3 => string.Create(CultureInfo.InvariantCulture, $"(i32.add (local.get $a) (i32.and {I32(1)} (i32.const 7)))"),
        4 => string.Create(CultureInfo.InvariantCulture, $"(i32.const {GuardExactnessHarness.PageBytes - 24 + _random.Next(28)})"),
        _ => "(local.get $a)",
    };

    private string I32(int depth) => _random.Next(depth == 0 ? 4 : 13) switch
    {
        0 => $"(i32.const {Pick(s_constants)})",
        1 => $"(local.get {Pick(["$i", "$j", "$a", "$n"])})",
        2 or 3 => $"({Pick(s_loads32)} {Place()})",
        4 or 5 => $"(i32.{Pick(s_binary)} {I32(depth - 1)} {I32(depth - 1)})",
        6 => $"(i32.and {I32(depth - 1)} (i32.const {Pick(s_constants)}))",
        7 => $"(i32.wrap_i64 {I64(depth - 1)})",
        8 => $"({Pick(["i32.extend8_s", "i32.extend16_s", "i32.eqz", "i32.ctz"])} {I32(depth - 1)})",
        9 => $"(i32.{Pick(s_comparisons)} {I32(depth - 1)} {I32(depth - 1)})",
        10 => $"(i64.{Pick(s_comparisons)} {I64(depth - 1)} {I64(depth - 1)})",
        11 => Chance(3) ? $"(i32.{Pick(s_divisions)} {I32(depth - 1)} {I32(depth - 1)})" : $"(select {I32(depth - 1)} {I32(depth - 1)} {I32(depth - 1)})",
        _ => Chance(2) ? $"(f64.lt {F64(depth - 1)} {F64(depth - 1)})" : $"(call $low {I64(depth - 1)})",
    };

    private string I64(int depth) => withVectors && depth > 0 && Chance(4) ? LaneOf(depth - 1) : _random.Next(depth == 0 ? 4 : 13) switch
    {
        0 => $"(i64.const {Pick(s_constants)})",
        1 => $"(local.get {Pick(["$x", "$y"])})",
        2 or 3 => $"({Pick(s_loads64)} {Place()})",
        4 or 5 => $"(i64.{Pick(s_binary)} {I64(depth - 1)} {I64(depth - 1)})",
        6 => $"(i64.and {I64(depth - 1)} (i64.const {Pick(s_constants)}))",
        7 => $"({Pick(["i64.extend_i32_s", "i64.extend_i32_u"])} {I32(depth - 1)})",
        8 => $"({Pick(["i64.extend8_s", "i64.extend16_s", "i64.extend32_s", "i64.popcnt"])} {I64(depth - 1)})",
        9 => Chance(3) ? $"(i64.{Pick(s_divisions)} {I64(depth - 1)} {I64(depth - 1)})" : $"(select {I64(depth - 1)} {I64(depth - 1)} {I32(depth - 1)})",
        10 => $"(i64.reinterpret_f64 (f64.load {Place()}))",
        11 => Chance(2) ? $"(i64.trunc_sat_f64_s {F64(depth - 1)})" : $"(call $load64 {Address()})",
        _ => Chance(2) ? $"(call $pick {I32(depth - 1)} {I64(depth - 1)} {I64(depth - 1)})" : $"(if (result i64) {I32(depth - 1)} (then {I64(depth - 1)}) (else {I64(depth - 1)}))",
    };

    private string F64(int depth) => _random.Next(depth == 0 ? 3 : 6) switch
    {
        0 => "(f64.const 2.5)",
        1 => "(local.get $d)",
        2 => $"(f64.load {Place()})",
        3 => $"(f64.{Pick(["add", "mul", "sub", "div"])} {F64(depth - 1)} {F64(depth - 1)})",
        4 => $"(f64.convert_i64_s {I64(depth - 1)})",
        _ => Chance(2) ? $"(call $loadf64 {Address()})" : $"(f64.promote_f32 (f32.load {Place()}))",
    };
}
