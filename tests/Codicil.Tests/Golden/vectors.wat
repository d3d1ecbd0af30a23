;; listings: guard, checked
;; One instruction, several for one, and where the operands lie; what needs more than SSE4.2 is left out. A load that is stored whole, one of which a lane
;; is used, scalar loads; shuffles of one operand, by a pattern, and with the second operand below; shifts; constants that arithmetic would lose.
(module
  (memory 1)
  (global $g (mut v128) (v128.const i64x2 1 2))
  (func $binary (param v128 v128) (result v128) (i32x4.add (i8x16.swizzle (local.get 0) (local.get 1)) (f32x4.mul (local.get 1) (local.get 0))))
  (func $copy (param i32 i32) (v128.store offset=16 (local.get 0) (v128.load (local.get 1))))
  (func $lane (param i32) (result i64) (i64x2.extract_lane 1 (v128.load (local.get 0))))
  (func $loads (param i32) (result v128) (v128.or (v128.load8x8_u (local.get 0)) (v128.or (v128.load64_zero (local.get 0)) (v128.load32_zero (local.get 0)))))
  (func $lanes (param i32 v128) (result v128) (v128.store16_lane 3 (local.get 0) (local.get 1)) (v128.load64_lane offset=8 1 (local.get 0) (local.get 1)))
  (func $shuffles (param v128 v128) (result v128)
    (i8x16.shuffle 16 0 17 1 18 2 19 3 20 4 21 5 22 6 23 7
      (i8x16.shuffle 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 (local.get 0) (local.get 1))
      (i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 (local.get 0) (local.get 1))))
  (func $shifts (param v128 i32) (result v128) (i32x4.shl (i16x8.shr_s (local.get 0) (i32.const 19)) (local.get 1)))
  (func $constants (param v128) (result v128) (f32x4.mul (f32x4.sub (local.get 0) (v128.const i64x2 0 0)) (v128.const f32x4 1 1 1 1)))
  (func $conditions (param v128) (result i32) (if (result i32) (v128.any_true (local.get 0)) (then (i8x16.bitmask (local.get 0))) (else (i32x4.all_true (local.get 0)))))
  (func $global (param v128) (result v128) (global.set $g (local.get 0)) (global.get $g))
  (func $results (param v128) (result i32 v128) (i32.const 1) (local.get 0)))
