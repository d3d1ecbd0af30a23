;; listings: guard, checked
;; Widths, signs, offsets near and far; a wide load that is unused, and one that could be made narrower.
(module
  (memory 1)
  (func $i32 (param i32) (result i32) (i32.load offset=8 (local.get 0)))
  (func $i64 (param i32) (result i64) (i64.load (local.get 0)))
  (func $f32 (param i32) (result f32) (f32.load (local.get 0)))
  (func $f64 (param i32) (result f64) (f64.load (local.get 0)))
  (func $bytes (param i32) (result i32) (i32.add (i32.load8_s (local.get 0)) (i32.load16_u offset=1 (local.get 0))))
  (func $far (param i32) (result i32) (i32.load offset=40000 (local.get 0)))
  (func $constant (result i64) (i64.load32_s (i32.const 16)))
  (func $unused (param i32) (drop (i64.load (local.get 0))))
  (func $narrowed (param i32) (result i32) (i32.and (i32.load (local.get 0)) (i32.const 255))))
