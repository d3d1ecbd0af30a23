;; listings: guard
(module
  (tag $t (param i32))
  (func $callee (param i32))
  (func $try (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught) (call $callee (local.get 0)))
      (i32.const 1)))
  (func $throw (param i32) (throw $t (local.get 0)))
  (func $leave (param i32) (result i32)
    (loop $again
      (block $caught
        (try_table (catch_all $caught)
          (br_if $again (local.get 0))
          (return (i32.const 2)))))
    (i32.const 3)))
