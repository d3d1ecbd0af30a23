;; Every numeric instruction of 2.0, its results used: comparisons, arithmetic, conversions, saturating conversions, sign extension.
(module $numeric
  (memory 1)
  (func (export "i32_0") (param i32 i64 f32 f64) (result i32)
    (local $sum i32)
    local.get 0
    i32.eqz
    local.tee $sum
    drop
    i32.const -1
    local.get 0
    i32.eq
    local.set $sum
    local.get 0
    i32.const 77
    i32.ne
    local.set $sum
    i32.const 77
    local.get 0
    i32.lt_s
    local.tee $sum
    drop
    local.get 0
    i32.const -1
    i32.lt_u
    local.set $sum
    i32.const -1
    local.get 0
    i32.gt_s
    local.set $sum
    local.get 0
    i32.const 77
    i32.gt_u
    local.tee $sum
    drop
    i32.const 77
    local.get 0
    i32.le_s
    local.set $sum
    local.get 0
    i32.const -1
    i32.le_u
    local.set $sum
    i32.const -1
    local.get 0
    i32.ge_s
    local.tee $sum
    drop
    local.get 0
    i32.const 77
    i32.ge_u
    local.set $sum
    i64.const 5
    i64.eqz
    local.set $sum
    local.get 1
    i64.const -9223372036854775808
    i64.eq
    local.tee $sum
    drop
    i64.const -9223372036854775808
    local.get 1
    i64.ne
    local.set $sum
    local.get $sum)
  (func (export "i32_1") (param i32 i64 f32 f64) (result i32)
    (local $sum i32)
    local.get 1
    i64.const -9223372036854775808
    i64.lt_s
    local.tee $sum
    drop
    i64.const -9223372036854775808
    local.get 1
    i64.lt_u
    local.set $sum
    local.get 1
    i64.const 5
    i64.gt_s
    local.set $sum
    i64.const 5
    local.get 1
    i64.gt_u
    local.tee $sum
    drop
    local.get 1
    i64.const -9223372036854775808
    i64.le_s
    local.set $sum
    i64.const -9223372036854775808
    local.get 1
    i64.le_u
    local.set $sum
    local.get 1
    i64.const 5
    i64.ge_s
    local.tee $sum
    drop
    i64.const 5
    local.get 1
    i64.ge_u
    local.set $sum
    local.get 2
    f32.const nan
    f32.eq
    local.set $sum
    f32.const nan
    local.get 2
    f32.ne
    local.tee $sum
    drop
    local.get 2
    f32.const inf
    f32.lt
    local.set $sum
    f32.const inf
    local.get 2
    f32.gt
    local.set $sum
    local.get 2
    f32.const nan
    f32.le
    local.tee $sum
    drop
    f32.const nan
    local.get 2
    f32.ge
    local.set $sum
    local.get $sum)
  (func (export "i32_2") (param i32 i64 f32 f64) (result i32)
    (local $sum i32)
    local.get 3
    f64.const -inf
    f64.eq
    local.tee $sum
    drop
    f64.const -inf
    local.get 3
    f64.ne
    local.set $sum
    local.get 3
    f64.const nan:0x4000000000000
    f64.lt
    local.set $sum
    f64.const nan:0x4000000000000
    local.get 3
    f64.gt
    local.tee $sum
    drop
    local.get 3
    f64.const -inf
    f64.le
    local.set $sum
    f64.const -inf
    local.get 3
    f64.ge
    local.set $sum
    local.get 0
    i32.clz
    local.tee $sum
    drop
    i32.const 77
    i32.ctz
    local.set $sum
    local.get 0
    i32.popcnt
    local.set $sum
    i32.const -1
    local.get 0
    i32.add
    local.tee $sum
    drop
    local.get 0
    i32.const 77
    i32.sub
    local.set $sum
    i32.const 77
    local.get 0
    i32.mul
    local.set $sum
    local.get 0
    i32.const -1
    i32.div_s
    local.tee $sum
    drop
    i32.const -1
    local.get 0
    i32.div_u
    local.set $sum
    local.get $sum)
  (func (export "i32_3") (param i32 i64 f32 f64) (result i32)
    (local $sum i32)
    local.get 0
    i32.const -1
    i32.rem_s
    local.tee $sum
    drop
    i32.const -1
    local.get 0
    i32.rem_u
    local.set $sum
    local.get 0
    i32.const 77
    i32.and
    local.set $sum
    i32.const 77
    local.get 0
    i32.or
    local.tee $sum
    drop
    local.get 0
    i32.const -1
    i32.xor
    local.set $sum
    i32.const -1
    local.get 0
    i32.shl
    local.set $sum
    local.get 0
    i32.const 77
    i32.shr_s
    local.tee $sum
    drop
    i32.const 77
    local.get 0
    i32.shr_u
    local.set $sum
    local.get 0
    i32.const -1
    i32.rotl
    local.set $sum
    i32.const -1
    local.get 0
    i32.rotr
    local.tee $sum
    drop
    local.get 1
    i32.wrap_i64
    local.set $sum
    f32.const inf
    i32.trunc_f32_s
    local.set $sum
    local.get 2
    i32.trunc_f32_u
    local.tee $sum
    drop
    f64.const -inf
    i32.trunc_f64_s
    local.set $sum
    local.get $sum)
  (func (export "i32_4") (param i32 i64 f32 f64) (result i32)
    (local $sum i32)
    local.get 3
    i32.trunc_f64_u
    local.tee $sum
    drop
    f32.const nan
    i32.reinterpret_f32
    local.set $sum
    local.get 0
    i32.extend8_s
    local.set $sum
    i32.const 77
    i32.extend16_s
    local.tee $sum
    drop
    local.get 2
    i32.trunc_sat_f32_s
    local.set $sum
    f32.const nan
    i32.trunc_sat_f32_u
    local.set $sum
    local.get 3
    i32.trunc_sat_f64_s
    local.tee $sum
    drop
    f64.const nan:0x4000000000000
    i32.trunc_sat_f64_u
    local.set $sum
    local.get $sum)
  (func (export "i64_0") (param i32 i64 f32 f64) (result i64)
    (local $sum i64)
    local.get 1
    i64.clz
    local.tee $sum
    drop
    i64.const -9223372036854775808
    i64.ctz
    local.set $sum
    local.get 1
    i64.popcnt
    local.set $sum
    i64.const 5
    local.get 1
    i64.add
    local.tee $sum
    drop
    local.get 1
    i64.const -9223372036854775808
    i64.sub
    local.set $sum
    i64.const -9223372036854775808
    local.get 1
    i64.mul
    local.set $sum
    local.get 1
    i64.const 5
    i64.div_s
    local.tee $sum
    drop
    i64.const 5
    local.get 1
    i64.div_u
    local.set $sum
    local.get 1
    i64.const -9223372036854775808
    i64.rem_s
    local.set $sum
    i64.const -9223372036854775808
    local.get 1
    i64.rem_u
    local.tee $sum
    drop
    local.get 1
    i64.const 5
    i64.and
    local.set $sum
    i64.const 5
    local.get 1
    i64.or
    local.set $sum
    local.get 1
    i64.const -9223372036854775808
    i64.xor
    local.tee $sum
    drop
    i64.const -9223372036854775808
    local.get 1
    i64.shl
    local.set $sum
    local.get $sum)
  (func (export "i64_1") (param i32 i64 f32 f64) (result i64)
    (local $sum i64)
    local.get 1
    i64.const -9223372036854775808
    i64.shr_s
    local.tee $sum
    drop
    i64.const -9223372036854775808
    local.get 1
    i64.shr_u
    local.set $sum
    local.get 1
    i64.const 5
    i64.rotl
    local.set $sum
    i64.const 5
    local.get 1
    i64.rotr
    local.tee $sum
    drop
    local.get 0
    i64.extend_i32_s
    local.set $sum
    i32.const -1
    i64.extend_i32_u
    local.set $sum
    local.get 2
    i64.trunc_f32_s
    local.tee $sum
    drop
    f32.const inf
    i64.trunc_f32_u
    local.set $sum
    local.get 3
    i64.trunc_f64_s
    local.set $sum
    f64.const -inf
    i64.trunc_f64_u
    local.tee $sum
    drop
    local.get 3
    i64.reinterpret_f64
    local.set $sum
    i64.const 5
    i64.extend8_s
    local.set $sum
    local.get 1
    i64.extend16_s
    local.tee $sum
    drop
    i64.const -9223372036854775808
    i64.extend32_s
    local.set $sum
    local.get $sum)
  (func (export "i64_2") (param i32 i64 f32 f64) (result i64)
    (local $sum i64)
    local.get 2
    i64.trunc_sat_f32_s
    local.tee $sum
    drop
    f32.const nan
    i64.trunc_sat_f32_u
    local.set $sum
    local.get 3
    i64.trunc_sat_f64_s
    local.set $sum
    f64.const nan:0x4000000000000
    i64.trunc_sat_f64_u
    local.tee $sum
    drop
    local.get $sum)
  (func (export "f32_0") (param i32 i64 f32 f64) (result f32)
    (local $sum f32)
    local.get 2
    f32.abs
    local.tee $sum
    drop
    f32.const nan
    f32.neg
    local.set $sum
    local.get 2
    f32.ceil
    local.set $sum
    f32.const inf
    f32.floor
    local.tee $sum
    drop
    local.get 2
    f32.trunc
    local.set $sum
    f32.const nan
    f32.nearest
    local.set $sum
    local.get 2
    f32.sqrt
    local.tee $sum
    drop
    f32.const inf
    local.get 2
    f32.add
    local.set $sum
    local.get 2
    f32.const nan
    f32.sub
    local.set $sum
    f32.const nan
    local.get 2
    f32.mul
    local.tee $sum
    drop
    local.get 2
    f32.const inf
    f32.div
    local.set $sum
    f32.const inf
    local.get 2
    f32.min
    local.set $sum
    local.get 2
    f32.const nan
    f32.max
    local.tee $sum
    drop
    f32.const nan
    local.get 2
    f32.copysign
    local.set $sum
    local.get $sum)
  (func (export "f32_1") (param i32 i64 f32 f64) (result f32)
    (local $sum f32)
    local.get 0
    f32.convert_i32_s
    local.tee $sum
    drop
    i32.const -1
    f32.convert_i32_u
    local.set $sum
    local.get 1
    f32.convert_i64_s
    local.set $sum
    i64.const 5
    f32.convert_i64_u
    local.tee $sum
    drop
    local.get 3
    f32.demote_f64
    local.set $sum
    i32.const -1
    f32.reinterpret_i32
    local.set $sum
    local.get $sum)
  (func (export "f64_0") (param i32 i64 f32 f64) (result f64)
    (local $sum f64)
    local.get 3
    f64.abs
    local.tee $sum
    drop
    f64.const -inf
    f64.neg
    local.set $sum
    local.get 3
    f64.ceil
    local.set $sum
    f64.const nan:0x4000000000000
    f64.floor
    local.tee $sum
    drop
    local.get 3
    f64.trunc
    local.set $sum
    f64.const -inf
    f64.nearest
    local.set $sum
    local.get 3
    f64.sqrt
    local.tee $sum
    drop
    f64.const nan:0x4000000000000
    local.get 3
    f64.add
    local.set $sum
    local.get 3
    f64.const -inf
    f64.sub
    local.set $sum
    f64.const -inf
    local.get 3
    f64.mul
    local.tee $sum
    drop
    local.get 3
    f64.const nan:0x4000000000000
    f64.div
    local.set $sum
    f64.const nan:0x4000000000000
    local.get 3
    f64.min
    local.set $sum
    local.get 3
    f64.const -inf
    f64.max
    local.tee $sum
    drop
    f64.const -inf
    local.get 3
    f64.copysign
    local.set $sum
    local.get $sum)
  (func (export "f64_1") (param i32 i64 f32 f64) (result f64)
    (local $sum f64)
    local.get 0
    f64.convert_i32_s
    local.tee $sum
    drop
    i32.const -1
    f64.convert_i32_u
    local.set $sum
    local.get 1
    f64.convert_i64_s
    local.set $sum
    i64.const 5
    f64.convert_i64_u
    local.tee $sum
    drop
    local.get 2
    f64.promote_f32
    local.set $sum
    i64.const -9223372036854775808
    f64.reinterpret_i64
    local.set $sum
    local.get $sum)
)
