;; listings: guard
(module
  (type $t (func (param i32) (result i32)))
  (table 1 funcref)
  (func $direct (param i32) (result i32) (return_call $direct (local.get 0)))
  (func $indirect (param i32) (result i32) (return_call_indirect (type $t) (local.get 0) (i32.const 0)))
  (func $reference (param (ref $t)) (result i32) (return_call_ref $t (i32.const 1) (local.get 0))))
