;; listings: guard, guard+interruptible
;; A loop with an operand that its label takes, and one that is left by a return.
(module
  (func $count (param i32) (result i32)
    (i32.const 0)
    (loop $next (param i32) (result i32)
      (i32.const 1)
      (i32.add)
      (br_if $next (i32.lt_u (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 10)))))
  (func $until (param i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br $next))
    (unreachable)))
