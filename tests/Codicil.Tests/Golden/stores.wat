;; listings: guard, checked
;; A value that is computed, one that can wait for its address, constants side by side, a copy of 8 bytes.
(module
  (memory 1)
  (func $computed (param i32 i32) (i32.store offset=4 (local.get 0) (i32.mul (local.get 1) (local.get 1))))
  (func $waiting (param i32 i64) (i64.store (i32.add (local.get 0) (i32.const 8)) (local.get 1)))
  (func $adjacent (param i32) (i32.store8 (local.get 0) (i32.const 1)) (i32.store8 offset=1 (local.get 0) (i32.const 2)))
  (func $copy (param i32 i32) (i64.store (local.get 0) (i64.load (local.get 1))))
  (func $float (param i32 f64) (f64.store (local.get 0) (local.get 1))))
