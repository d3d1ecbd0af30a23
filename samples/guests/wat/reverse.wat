;; A plug-in in text that works where its input lies.
;;
;;   echo "abc"     ->  abc   the input's block becomes the output: not a byte moves
;;   reverse "abc"  ->  cba   the bytes change places inside the block
;;
;; Bytes are reversed, so the input should be ASCII.
(module $reverse
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))

  ;; The eight bytes of a word in the other order: halves, then pairs, then bytes change places.
  (func $swap (param $x i64) (result i64)
    (local.set $x (i64.rotl (local.get $x) (i64.const 32)))
    (local.set $x
      (i64.or
        (i64.shl (i64.and (local.get $x) (i64.const 0x0000FFFF0000FFFF)) (i64.const 16))
        (i64.and (i64.shr_u (local.get $x) (i64.const 16)) (i64.const 0x0000FFFF0000FFFF))))
    (i64.or
      (i64.shl (i64.and (local.get $x) (i64.const 0x00FF00FF00FF00FF)) (i64.const 8))
      (i64.and (i64.shr_u (local.get $x) (i64.const 8)) (i64.const 0x00FF00FF00FF00FF))))

  (func (export "echo") (result i32)
    (call $output_set (call $input_offset) (call $input_length))
    (i32.const 0))

  (func (export "reverse") (result i32)
    (local $low i64)
    (local $high i64)
    (local $word i64)
    (local $byte i32)
    ;; A block's handle is the address of its first byte in the kernel's memory.
    (local.set $low (call $input_offset))
    (local.set $high (i64.add (local.get $low) (call $input_length)))
    ;; A word from each end, as long as they do not overlap.
    (loop $words
      (if (i64.ge_u (i64.sub (local.get $high) (local.get $low)) (i64.const 16))
        (then
          (local.set $high (i64.sub (local.get $high) (i64.const 8)))
          (local.set $word (call $load_u64 (local.get $low)))
          (call $store_u64 (local.get $low) (call $swap (call $load_u64 (local.get $high))))
          (call $store_u64 (local.get $high) (call $swap (local.get $word)))
          (local.set $low (i64.add (local.get $low) (i64.const 8)))
          (br $words))))
    ;; Then byte by byte.
    (loop $bytes
      (if (i64.ge_u (i64.sub (local.get $high) (local.get $low)) (i64.const 2))
        (then
          (local.set $high (i64.sub (local.get $high) (i64.const 1)))
          (local.set $byte (call $load_u8 (local.get $low)))
          (call $store_u8 (local.get $low) (call $load_u8 (local.get $high)))
          (call $store_u8 (local.get $high) (local.get $byte))
          (local.set $low (i64.add (local.get $low) (i64.const 1)))
          (br $bytes))))
    (call $output_set (call $input_offset) (call $input_length))
    (i32.const 0)))
