;; A plug-in in the Extism convention: it greets whoever is named in its input, with the word that the configuration gives and what the host says of the visitor.
;; The server loads it anew when this file is saved: try another mark at the end of the greeting.
(module $greet
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "config_get" (func $config (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "visitor" (func $visitor (result i64)))
  (memory 1)
  (data (i32.const 0) "greeting")
  (global $out (mut i64) (i64.const 0))
  (global $end (mut i64) (i64.const 0))

  (func $put (param $byte i32)
    (call $store (global.get $end) (local.get $byte))
    (global.set $end (i64.add (global.get $end) (i64.const 1))))

  (func $append (param $block i64) (local $i i64)
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (local.get $i) (call $length (local.get $block))))
        (call $put (call $load (i64.add (local.get $block) (local.get $i))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $next))))

  (func $key (result i64) (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.const 8)))
    (loop $next
      (call $store (i64.add (local.get $block) (i64.extend_i32_u (local.get $i))) (i32.load8_u (local.get $i)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (local.get $block))

  (func (export "greet") (local $name i64)
    (local.set $name (call $input))
    (global.set $out (call $alloc (i64.add (call $length (local.get $name)) (i64.const 1024))))
    (global.set $end (global.get $out))
    (call $append (call $config (call $key)))
    (call $put (i32.const 44)) ;; a comma
    (call $put (i32.const 32)) ;; a space
    (call $append (local.get $name))
    (call $put (i32.const 33)) ;; an exclamation mark; 63 is a question mark
    (call $put (i32.const 32))
    (call $append (call $visitor))
    (call $output (global.get $out) (i64.sub (global.get $end) (global.get $out)))))
