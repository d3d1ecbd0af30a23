;; listings: guard
;; What traps by itself (division), what is checked before, what always does.
(module
  (func $unreachable (result i32) (unreachable))
  (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $divide_unsigned (param i64 i64) (result i64) (i64.div_u (local.get 0) (local.get 1)))
  (func $remainder (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1)))
  (func $truncate (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $saturate (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0))))
