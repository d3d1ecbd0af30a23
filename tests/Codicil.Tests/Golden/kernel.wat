;; listings: guard, guard+interruptible
;; The call sites of the plug-in kernel's functions: direct calls of its methods, which the JIT inlines; no import is read and nothing is called indirectly.
;; In a loop the kernel is in a local, so that a poll does not make it be read anew.
(module
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (func $once (param i64) (result i32) (call $load_u8 (local.get 0)))
  (func $store (param i64 i32) (call $store_u8 (local.get 0) (local.get 1)))
  (func $input (param i64) (result i64) (call $input_load_u64 (local.get 0)))
  (func $loop (param i64 i64) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (call $load_u8 (local.get 0))))
      (local.set 0 (i64.add (local.get 0) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get 0) (local.get 1))))
    (local.get $sum)))
