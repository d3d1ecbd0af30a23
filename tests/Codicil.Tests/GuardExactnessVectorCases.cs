using System.Globalization;

namespace Codicil.Tests;

/// <summary>
/// Function bodies with accesses of vectors around the last bytes of memory; see <see cref="GuardExactnessCases"/>. A vector of which one lane is used, or
/// none, tempts the JIT to load less.
/// </summary>
internal static class GuardExactnessVectorCases
{
    private const string Locals = "(local $x i64) (local $y i64) (local $i i32) (local $j i32) (local $d f64) (local $s f32) (local $v v128) (local $w v128)\n";
    private const string A = "(local.get $a)";
    private const string Two = "(v128.const i64x2 0x0102030405060708 -2)";

    private static readonly string[] s_loads =
    [
        "v128.load", "v128.load8x8_s", "v128.load8x8_u", "v128.load16x4_s", "v128.load16x4_u", "v128.load32x2_s", "v128.load32x2_u",
        "v128.load8_splat", "v128.load16_splat", "v128.load32_splat", "v128.load64_splat", "v128.load32_zero", "v128.load64_zero",
    ];

    private static readonly string[] s_laneLoads =
    [
        "v128.load8_lane OFFSET 0", "v128.load8_lane OFFSET 15", "v128.load16_lane OFFSET 0", "v128.load16_lane OFFSET 7",
        "v128.load32_lane OFFSET 0", "v128.load32_lane OFFSET 3", "v128.load64_lane OFFSET 0", "v128.load64_lane OFFSET 1",
    ];

    private static readonly string[] s_laneStores =
    [
        "v128.store8_lane OFFSET 0", "v128.store8_lane OFFSET 15", "v128.store16_lane OFFSET 0", "v128.store16_lane OFFSET 7",
        "v128.store32_lane OFFSET 0", "v128.store32_lane OFFSET 3", "v128.store64_lane OFFSET 0", "v128.store64_lane OFFSET 1",
    ];

    /// <summary>From a vector V to an i64.</summary>
    private static readonly string[] s_uses =
    [
        "(i64x2.extract_lane 0 V)", "(i64x2.extract_lane 1 V)", "(i64.extend_i32_u (i32x4.extract_lane 0 V))", "(i64.extend_i32_u (i32x4.extract_lane 3 V))",
        "(i64.extend_i32_s (i16x8.extract_lane_s 0 V))", "(i64.extend_i32_u (i16x8.extract_lane_u 0 V))", "(i64.extend_i32_u (i16x8.extract_lane_u 7 V))", "(i64.extend_i32_s (i8x16.extract_lane_s 0 V))",
        "(i64.extend_i32_u (i8x16.extract_lane_u 0 V))", "(i64.extend_i32_u (i8x16.extract_lane_u 15 V))", "(i64.extend_i32_u (i32.reinterpret_f32 (f32x4.extract_lane 0 V)))",
        "(i64.reinterpret_f64 (f64x2.extract_lane 0 V))", "(i64.reinterpret_f64 (f64x2.extract_lane 1 V))", "(i64.extend_i32_u (v128.any_true V))",
        "(i64.extend_i32_u (i8x16.all_true V))", "(i64.extend_i32_u (i64x2.all_true V))", "(i64.extend_i32_u (i8x16.bitmask V))", "(i64.extend_i32_u (i16x8.bitmask V))",
        "(i64.extend_i32_u (i32x4.bitmask V))", "(i64.extend_i32_u (i64x2.bitmask V))",
        "(i64.and (i64x2.extract_lane 0 V) (i64.const 0xff))", "(i64.and (i64x2.extract_lane 0 V) (i64.const 0))", "(i64.extend_i32_u (i32.wrap_i64 (i64x2.extract_lane 0 V)))",
        "(i64.extend_i32_u (i32.and (i32x4.extract_lane 0 V) (i32.const 0xff)))", "(i64.extend_i32_u (i32.and (i32x4.extract_lane 0 V) (i32.const 0xffff)))",
        "(i64.extend_i32_u (i32.extend8_s (i32x4.extract_lane 0 V)))", "(i64.mul (i64x2.extract_lane 1 V) (i64.const 0))", "(i64.extend_i32_u (i32.eqz (i32.and (i32x4.extract_lane 0 V) (i32.const 1))))",
        "(i64.extend_i32_u (i32.and (i32.const 1) (i8x16.bitmask V)))", "(if (result i64) (v128.any_true V) (then (i64.const 2)) (else (i64.const 3)))",
    ];

    /// <summary>From a vector V to another.</summary>
    private static readonly string[] s_steps =
    [
        "(v128.and V (v128.const i64x2 0xff 0))", "(v128.and V (v128.const i64x2 0 0))", "(v128.and V (v128.const i64x2 -1 0))", "(v128.or V (v128.const i64x2 -1 -1))", "(v128.xor V V)",
        "(v128.andnot V V)", "(i32x4.sub V V)", "(i32x4.mul V (v128.const i64x2 0 0))", "(v128.bitselect V (v128.const i64x2 3 3) (v128.const i64x2 0 0))",
        "(v128.bitselect V (v128.const i64x2 3 3) (v128.const i64x2 -1 0))", "(v128.not V)", "(i8x16.add V V)", "(i32x4.add V (v128.const i64x2 0 0))", "(i16x8.mul V V)",
        "(i8x16.swizzle V (v128.const i64x2 0 0))", "(i8x16.swizzle V (v128.const i64x2 -1 -1))", "(i8x16.swizzle (v128.const i64x2 1 2) V)",
        "(i8x16.shuffle 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 V V)", "(i8x16.shuffle 0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3 V V)", "(i8x16.shuffle 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 V V)",
        "(i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 V V)", "(i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 V (v128.const i64x2 7 8))",
        "(i8x16.shuffle 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 V (v128.const i64x2 7 8))", "(i8x16.shuffle 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 (v128.const i64x2 7 8) V)",
        "(i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 V (v128.const i64x2 7 8))", "(i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31 V (v128.const i64x2 7 8))",
        "(i16x8.extend_low_i8x16_s V)", "(i16x8.extend_high_i8x16_u V)", "(i32x4.extend_low_i16x8_u V)", "(i64x2.extend_low_i32x4_s V)", "(i64x2.extend_high_i32x4_u V)",
        "(i64x2.extend_low_i32x4_u (i32x4.extend_low_i16x8_u V))", "(i64x2.extend_low_i32x4_u (i32x4.extend_low_i16x8_s (i16x8.extend_low_i8x16_u V)))",
        "(i32x4.extmul_low_i16x8_s V V)", "(i64x2.extmul_low_i32x4_u V V)", "(i8x16.narrow_i16x8_u V V)", "(i8x16.narrow_i16x8_s V (v128.const i64x2 0 0))",
        "(i32x4.dot_i16x8_s V V)", "(i8x16.shl V (i32.const 3))", "(i64x2.shl V (i32.const 56))", "(i64x2.shr_u V (i32.const 56))", "(i32x4.shr_s V (i32.const 31))", "(i8x16.popcnt V)",
        "(i32x4.abs V)", "(i64x2.neg V)", "(i32x4.eq V V)", "(i8x16.gt_s V (v128.const i64x2 0 0))", "(i8x16.lt_u V (v128.const i64x2 0 0))", "(i8x16.splat (i8x16.extract_lane_u 0 V))",
        "(i32x4.splat (i32x4.extract_lane 0 V))", "(i64x2.splat (i64x2.extract_lane 0 V))", "(i32x4.replace_lane 0 V (i32.const 5))", "(i64x2.replace_lane 1 V (i64.const 5))",
        "(i64x2.replace_lane 0 (v128.const i64x2 1 2) (i64x2.extract_lane 0 V))", "(i32x4.trunc_sat_f64x2_s_zero V)", "(i32x4.trunc_sat_f32x4_u V)", "(f64x2.convert_low_i32x4_s V)",
        "(f64x2.convert_low_i32x4_u V)", "(f32x4.convert_i32x4_s V)", "(f32x4.abs V)", "(f64x2.neg V)", "(f32x4.eq V V)", "(f64x2.lt V (v128.const f64x2 1 2))",
        "(f64x2.promote_low_f32x4 V)", "(f32x4.splat (f32x4.extract_lane 0 V))", "(f64x2.splat (f64x2.extract_lane 0 V))", "(i16x8.splat (i16x8.extract_lane_u 0 V))",
        "(f32x4.replace_lane 2 (v128.const i64x2 1 2) (f32x4.extract_lane 0 V))", "(f64x2.replace_lane 1 (v128.const i64x2 1 2) (f64x2.extract_lane 0 V))",
        "(i16x8.replace_lane 1 (v128.const i64x2 1 2) (i16x8.extract_lane_s 0 V))", "(i32x4.shl (v128.const i64x2 1 2) (i32x4.extract_lane 0 V))",
        "(i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 V (v128.const i64x2 7 8))", "(i8x16.shuffle 16 17 2 3 4 5 6 7 8 9 10 11 12 13 14 15 V (v128.const i64x2 7 8))",
        "(select V (v128.const i64x2 1 2) (i32.const 0))", "(select V (v128.const i64x2 1 2) (i32.and (local.get $a) (i32.const 1)))", "(call $same V)", "(call $first V (v128.const i64x2 1 2))",
        "(call $first (v128.const i64x2 1 2) V)",
    ];

    /// <summary>What the bodies use beside <see cref="GuardExactnessCases.Shared"/>.</summary>
    public const string Shared = """
        (global $gv (mut v128) (v128.const i64x2 0 0))
        (func $same (param v128) (result v128) (local.get 0))
        (func $first (param v128 v128) (result v128) (local.get 0))
        (func $load128 (param i32) (result v128) (v128.load (local.get 0)))
        (func $ignore128 (param v128))

        """;

    /// <summary>Every body.</summary>
    public static List<string> All()
    {
        var bodies = new List<string>();
        foreach (string load in Loads())
        {
            AddLoad(bodies, load);
        }

        AddStores(bodies);
        AddPairs(bodies);
        AddAddresses(bodies);
        foreach (string narrow in (string[])["(i64.load8_u A)", "(i64.load16_u A)", "(i64.load32_u A)", "(i64.load A)", "(i64x2.extract_lane 0 (v128.load8_splat A))", "(i64x2.extract_lane 0 (v128.load32_zero A))"])
        {
            foreach (string wide in (string[])["(i64x2.extract_lane 0 (v128.load A))", "(i64x2.extract_lane 1 (v128.load A))", "(i64x2.extract_lane 0 (v128.load8x8_u A))", "(i64x2.extract_lane 1 (v128.load64_splat A))"])
            {
                GuardExactnessCases.AddCancelled(bodies, narrow.Replace("A", A, StringComparison.Ordinal), wide.Replace("A", A, StringComparison.Ordinal));
            }
        }

        return bodies.ConvertAll(static body => Locals + body);
    }

    private static string WithOffset(string operation, int offset) =>
        operation.Replace("OFFSET", string.Create(CultureInfo.InvariantCulture, $"offset={offset}"), StringComparison.Ordinal);

    private static IEnumerable<string> Loads()
    {
        foreach (string load in s_loads)
        {
            yield return $"({load} {A})";
            yield return $"({load} offset=8 (i32.sub {A} (i32.const 8)))";
        }

        foreach (string load in s_laneLoads)
        {
            yield return $"({WithOffset(load, 0)} {A} {Two})";
            yield return $"({WithOffset(load, 4)} (i32.sub {A} (i32.const 4)) (local.get $v))";
        }

        yield return $"(call $load128 {A})";
    }

    private static string Put(string pattern, string value) => pattern.Replace("V", value, StringComparison.Ordinal);

    private static void AddLoad(List<string> bodies, string load)
    {
        foreach (string use in s_uses)
        {
            bodies.Add(Put(use, load));
            bodies.Add($"(drop {Put(use, load)}) (i64.const 1)");
            bodies.Add($"(local.set $w {load}) {Put(use, "(local.get $w)")}");
        }

        foreach (string step in load.Contains("offset", StringComparison.Ordinal) ? [] : s_steps)
        {
            // A step that has its operand twice would load twice; from a local it is one load with several uses.
            string once = $"(local.set $w {load}) ";
            string value = Put(step, "(local.get $w)");
            bodies.Add($"{Put("(i64x2.extract_lane 0 V)", Put(step, load))}");
            bodies.Add($"(drop {Put(step, load)}) (i64.const 1)");
            bodies.Add($"{once}{Put("(i64x2.extract_lane 1 V)", value)}");
            bodies.Add($"{once}{Put("(i64.extend_i32_u (i8x16.extract_lane_u 0 V))", value)}");
            bodies.Add($"{once}{Put("(i64.extend_i32_u (v128.any_true V))", value)}");
            bodies.Add($"{once}(drop {value}) (i64.const 1)");
            bodies.Add($"(local.set $w {Put(step, load)}) (local.set $w {Two}) (i64x2.extract_lane 0 (local.get $w))");
        }

        bodies.Add($"(drop {load}) (i64.const 1)");
        bodies.Add($"(local.set $w {load}) (i64.const 1)");
        bodies.Add($"(drop (local.tee $w {load})) (i64x2.extract_lane 1 (local.get $w))");
        bodies.Add($"(call $ignore128 {load}) (i64.const 1)");
        bodies.Add($"(global.set $gv {load}) (i64x2.extract_lane 0 (global.get $gv))");
        bodies.Add($"(v128.store (i32.const 16) {load}) (i64.const 1)");
        bodies.Add($"(v128.store {A} {load}) (i64.const 1)");
        bodies.Add($"(v128.store8_lane 3 (i32.const 16) {load}) (i64.const 1)");
        bodies.Add($"(v128.store64_lane 0 (i32.const 16) {load}) (i64.const 1)");
        bodies.Add($"(i64.store8 (i32.const 3) (i64.const 77)) (drop {load}) (i64.store8 (i32.const 4) (i64.const 78)) (i64.const 1)");
        bodies.Add($"(global.set $g (i64.const 5)) (drop {load}) (global.set $g (i64.const 6)) (i64.const 1)");
        foreach (string limit in (string[])["65536", "65528", "65520"])
        {
            bodies.Add($"(if (i32.lt_u {A} (i32.const {limit})) (then (local.set $w {load}))) (i64x2.extract_lane 0 (local.get $w))");
            bodies.Add($"(local.set $w {load}) (if (result i64) (i32.lt_u {A} (i32.const {limit})) (then (i64x2.extract_lane 1 (local.get $w))) (else (i64.const 3)))");
            bodies.Add($"(block $out (br_if $out (i32.ge_u {A} (i32.const {limit}))) (drop {load})) (i64.const 1)");
        }

        bodies.Add($"(loop $l (global.set $g (i64.add (global.get $g) (i64.const 1))) (local.set $w (i32x4.add (local.get $w) {load})) (br_if $l (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 3)))) (i64x2.extract_lane 1 (local.get $w))");
        bodies.Add($"(loop $l (global.set $g (i64.add (global.get $g) (i64.const 1))) (drop {load}) (br_if $l (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 3)))) (i64.const 4)");
        bodies.Add($"(loop $l (local.set $w (v128.or (local.get $w) {load})) (local.set $a (i32.add {A} (i32.const 4))) (br_if $l (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 4)))) (i64x2.extract_lane 0 (local.get $w))");
        bodies.Add($"(block $out (loop $l (br_if $out (i32.ge_u (local.get $i) (i32.const 0))) (local.set $w {load}) (br $l))) (i64.const 1)");
    }

    private static void AddStores(List<string> bodies)
    {
        string[] values = [Two, "(v128.const i64x2 0 0)", "(v128.const i64x2 -1 -1)", "(local.get $v)", "(local.get $w)", $"(v128.load {A})", "(i8x16.splat (i32.const 1))", $"(i64x2.splat (i64.load {A}))", $"(i32x4.splat {A})"];
        foreach (string value in values)
        {
            foreach (int offset in (int[])[0, 8, 16, 32])
            {
                string first = $"(v128.store offset={offset} {A} {value})";
                bodies.Add($"{first} (i64.const 1)");
                bodies.Add($"(local.set $w {Two}) {first} (i64.const 1)");
                foreach (string second in values)
                {
                    bodies.Add($"(local.set $w {Two}) {first} (v128.store offset={offset + 16} {A} {second}) (i64.const 1)");
                    bodies.Add($"(local.set $w {Two}) (v128.store offset={offset + 16} {A} {second}) {first} (i64.const 1)");
                    bodies.Add($"{first} (v128.store offset={offset + 8} {A} {second}) (i64.const 1)");
                    bodies.Add($"(i64.store offset={offset} {A} (i64.const 5)) (v128.store offset={offset + 8} {A} {second}) (i64.const 1)");
                    bodies.Add($"(v128.store offset={offset} (i32.sub {A} (i32.const 16)) {second}) (i64.store offset={offset} {A} (i64.const 5)) (i64.const 1)");
                }
            }

            foreach (string store in s_laneStores)
            {
                bodies.Add($"({WithOffset(store, 0)} {A} {value}) (i64.const 1)");
                bodies.Add($"({WithOffset(store, 8)} (i32.sub {A} (i32.const 8)) {value}) (i64.const 1)");
                bodies.Add($"({WithOffset(store, 0)} {A} {value}) ({WithOffset(store, 1)} {A} {value}) ({WithOffset(store, 2)} {A} {value}) (i64.const 1)");
                bodies.Add($"({WithOffset(store, 0)} {A} {value}) ({WithOffset(store, 4)} {A} {value}) ({WithOffset(store, 8)} {A} {value}) (i64.const 1)");
                bodies.Add($"(local.set $w {Two}) ({WithOffset(store, 0)} {A} (local.get $w)) ({WithOffset(store, 8)} {A} (local.get $w)) (i64.const 1)");
                bodies.Add($"({WithOffset(store, 0)} (i32.const 16) {value}) ({WithOffset(store, 0)} {A} {value}) (i64.const 1)");
            }
        }
    }

    // A narrow access that succeeded must not stand for a wide one near it, whose value is not needed.
    private static void AddPairs(List<string> bodies)
    {
        string[] others =
        [
            $"(i64.load8_u {A})", $"(i64.load16_u {A})", $"(i64.load32_u {A})", $"(i64.load {A})", $"(i64.load8_u offset=4 {A})", $"(i64.load offset=8 {A})", $"(i64.load8_u offset=15 {A})",
            $"(i64x2.extract_lane 0 (v128.load64_zero {A}))", $"(i64x2.extract_lane 0 (v128.load {A}))", $"(i64x2.extract_lane 1 (v128.load offset=4 {A}))",
        ];
        foreach (string other in others)
        {
            foreach (string load in (string[])["v128.load", "v128.load offset=8", "v128.load64_zero", "v128.load64_splat", "v128.load8x8_u", "v128.load32_zero", "v128.load16_splat"])
            {
                string value = $"({load} {A})";
                string lane = $"(i64x2.extract_lane 0 {value})";
                bodies.Add($"(drop {other}) (drop {value}) (i64.const 1)");
                bodies.Add($"(local.set $y {other}) (drop {value}) (local.get $y)");
                bodies.Add($"(local.set $y {other}) (i64.add (local.get $y) (i64.and {lane} (i64.const 0)))");
                bodies.Add($"(i64.add {other} (i64.mul {lane} (i64.const 0)))");
                bodies.Add($"(i64.add (i64.sub {lane} {lane}) {other})");
                bodies.Add($"(drop {value}) {other}");
                bodies.Add($"(i64.store8 {A} (i64.const 3)) (drop {value}) {other}");
                bodies.Add($"(v128.store {A} {Two}) (i64.add {lane} {other})");
                bodies.Add($"(i64.div_u {other} {lane})");
                bodies.Add($"(i64.div_u {lane} (i64.and {other} (i64.const 0)))");
                bodies.Add($"(i64.xor {lane} (i64x2.extract_lane 1 {value}))");
                bodies.Add($"(i64x2.extract_lane 0 (v128.xor {value} (v128.and {value} (v128.const i64x2 0 0))))");
                bodies.Add($"(i64x2.extract_lane 1 (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 {value} (i64x2.splat {other})))");
            }
        }
    }

    private static void AddAddresses(List<string> bodies)
    {
        string[] offsets = ["1", "8", "16", "96", "112", "113", "127", "128", "32768", "32896", "65520", "65535", "65536", "2147483632", "2147483647", "2147483648", "4294901760", "4294967280", "4294967295"];
        string[] indexes = [A, $"(i32.sub {A} (i32.const 16))", $"(i32.sub {A} (i32.const 128))", $"(i32.sub {A} (i32.const 32896))", $"(i32.sub {A} (i32.const 65536))", "(i32.const 0)", "(i32.const 1)", "(i32.const 16)", "(i32.const -1)", "(i32.const -16)"];
        foreach (string offset in offsets)
        {
            foreach (string index in indexes)
            {
                bodies.Add($"(i64x2.extract_lane 0 (v128.load offset={offset} {index}))");
                bodies.Add($"(drop (v128.load offset={offset} {index})) (i64.const 1)");
                bodies.Add($"(i64x2.extract_lane 1 (v128.load64_splat offset={offset} {index}))");
                bodies.Add($"(v128.store offset={offset} {index} {Two}) (i64.const 3)");
                bodies.Add($"(v128.store32_lane offset={offset} 2 {index} (v128.load {A})) (i64.const 3)");
            }
        }
    }
}
