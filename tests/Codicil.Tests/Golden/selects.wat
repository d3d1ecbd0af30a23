;; listings: guard
;; Integers by mask, floats and references by a branch. A branch, too, where the condition is a global that can change: it seldom does.
(module
  (global $state (mut i32) (i32.const 0))
  (global $count (mut i64) (i64.const 0))
  (func $i32 (param i32 i32 i32) (result i32) (select (local.get 0) (local.get 1) (local.get 2)))
  (func $compared (param i32 i32) (result i32) (select (local.get 0) (local.get 1) (i32.lt_s (local.get 0) (local.get 1))))
  (func $i64 (param i64 i64 i64) (result i64) (select (local.get 0) (local.get 1) (i64.eqz (local.get 2))))
  (func $by_global (param i32 i32) (result i32) (select (local.get 0) (local.get 1) (global.get $state)))
  (func $by_global_test (param i64 i64) (result i64) (select (local.get 0) (local.get 1) (i64.eqz (global.get $count))))
  (func $by_global_sum (param i32 i32) (result i32) (select (local.get 0) (local.get 1) (i32.add (global.get $state) (i32.const 1))))
  (func $f64 (param f64 f64 i32) (result f64) (select (local.get 0) (local.get 1) (local.get 2)))
  (func $reference (param externref externref i32) (result externref) (select (result externref) (local.get 0) (local.get 1) (local.get 2))))
