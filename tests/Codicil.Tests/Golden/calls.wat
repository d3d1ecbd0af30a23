;; listings: guard
;; Direct, through a table, to an imported function, to a function in another chunk.
(module
  (type $t (func (param i32) (result i32)))
  (import "host" "f" (func $imported (type $t)))
  (table 2 funcref)
  (elem (i32.const 0) $callee)
  (func $direct (param i32) (result i32) (call $callee (i32.add (local.get 0) (i32.const 1))))
  (func $callee (param i32) (result i32) (local.get 0))
  (func $import (param i32) (result i32) (call $imported (local.get 0)))
  (func $indirect (param i32) (result i32) (call_indirect (type $t) (i32.const 7) (local.get 0)))
  (func $other_chunk (param i32) (result i32) (call $elsewhere (local.get 0)))
  ;; a heavy function
  ;; a heavy function
  (func $elsewhere (param i32) (result i32) (local.get 0)))
