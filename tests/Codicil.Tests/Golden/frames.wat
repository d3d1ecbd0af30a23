;; listings: guard
;; A function that calls checks the stack; one with a large frame is an entry, which checks it for the frame, and a body that is not inlined into it.
(module
  (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func $caller (param i32) (result i32) (call $leaf (local.get 0)))
  (func $large (param i32) (result i32)
    ;; many locals
    (i32.add (call $leaf (local.get 0)) (i32.wrap_i64 (local.get 4200)))))
