;; listings: guard
;; Results beyond the first are in the context.
(module
  (func $three (param i32 i64 f64) (result i32 i64 f64) (local.get 0) (local.get 1) (local.get 2))
  (func $call (param i32) (result f64)
    (call $three (local.get 0) (i64.const 2) (f64.const 3))
    (f64.convert_i64_s (i64.const 1))
    (f64.add)
    (drop) (drop) (drop)
    (f64.const 4))
  (func $references (param externref) (result i32 externref funcref) (i32.const 1) (local.get 0) (ref.null func)))
