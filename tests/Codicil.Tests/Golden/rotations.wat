;; listings: guard
;; The JIT leaves out the test of a rotation by a constant: where zero is asked for the rotation is left out, and elsewhere it must not look like one.
(module
  (func $branch (param i32) (result i32) (if (result i32) (i32.rotl (local.get 0) (i32.const 3)) (then (i32.const 1)) (else (i32.const 0))))
  (func $value (param i32) (result i32) (i32.rotl (local.get 0) (i32.const 3)))
  (func $variable (param i32 i32) (result i32) (i32.rotr (local.get 0) (local.get 1)))
  (func $local (param i32) (result i32) (local i32) (local.set 1 (i32.rotr (local.get 0) (i32.const 5))) (i32.eqz (local.get 1)))
  (func $shifts (param i32) (result i32) (i32.or (i32.shl (local.get 0) (i32.const 5)) (i32.shr_u (local.get 0) (i32.const 27)))))
