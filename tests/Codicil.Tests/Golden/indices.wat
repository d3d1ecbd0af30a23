;; listings: guard, checked
;; Small numbers scaled and moved to a table stay 64 bits wide up to the load; where the sum could wrap, or something else follows, they do not.
(module
  (memory 1)
  (func $byte (param i32) (result i32)
    (i32.load (i32.add (i32.shl (i32.load8_u (local.get 0)) (i32.const 2)) (i32.const 4096))))
  (func $joined (param i32 i32) (result i32)
    (i32.load offset=8 (i32.add (i32.shl (i32.xor (i32.and (local.get 0) (i32.const 255)) (i32.load8_u (local.get 1))) (i32.const 2)) (i32.const 1024))))
  (func $wraps (param i32) (result i32)
    (i32.load (i32.add (i32.shl (i32.load8_u (local.get 0)) (i32.const 2)) (i32.const -4))))
  (func $unknown (param i32) (result i32)
    (i32.load (i32.add (i32.shl (local.get 0) (i32.const 2)) (i32.const 4096))))
  (func $kept (param i32) (result i32)
    (i32.load (local.tee 0 (i32.add (i32.shl (i32.load8_u (local.get 0)) (i32.const 2)) (i32.const 4096))))))
