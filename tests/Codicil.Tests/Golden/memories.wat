;; listings: guard, checked
(module
  (memory $first 1)
  (memory $second 1)
  (memory $wide i64 1 16)
  (func $load (param i32 i64) (result i32)
    (i32.add (i32.load offset=4 (local.get 0)) (i32.add (i32.load $second offset=4 (local.get 0)) (i32.load $wide offset=4 (local.get 1)))))
  (func $copy (param i64 i32 i32) (memory.copy $wide $first (local.get 0) (local.get 1) (local.get 2))))
