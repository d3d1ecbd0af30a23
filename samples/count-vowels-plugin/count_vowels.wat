;; A plug-in in the Extism convention, without any library: it counts the vowels of its input and keeps a running total
;; in a variable, which lives as long as the plug-in instance does.
;;
;;   count_vowels "Hello, World!"  ->  {"count":3,"total":3,"vowels":"aeiouAEIOU"}
;;
;; The configuration key "vowels" changes which characters count. Bytes are compared, so they should be ASCII.
;;
;; Build:  codicil wat2wasm count_vowels.wat -o count_vowels.wasm
(module $count_vowels
  ;; Input, output and everything else that crosses the border lies in the host's kernel memory, addressed by 64-bit offsets.
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))

  (memory (export "memory") 1)

  ;; Address and length of the texts below.
  (global $key_vowels i32 (i32.const 0))    ;; 6
  (global $key_total i32 (i32.const 16))    ;; 5
  (global $default_vowels i32 (i32.const 32)) ;; 10
  (global $text_count i32 (i32.const 48))   ;; 9
  (global $text_total i32 (i32.const 64))   ;; 9
  (global $text_vowels i32 (i32.const 80))  ;; 11
  (global $text_end i32 (i32.const 96))     ;; 2
  (data (i32.const 0) "vowels")
  (data (i32.const 16) "total")
  (data (i32.const 32) "aeiouAEIOU")
  (data (i32.const 48) "{\"count\":")
  (data (i32.const 64) ",\"total\":")
  (data (i32.const 80) ",\"vowels\":\"")
  (data (i32.const 96) "\"}")

  ;; Where the output goes on.
  (global $out (mut i64) (i64.const 0))

  ;; A kernel block with a copy of a text in our own memory.
  (func $block_of (param $address i32) (param $length i32) (result i64)
    (local $block i64)
    (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $length)))
        (call $store_u8
          (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
          (i32.load8_u (i32.add (local.get $address) (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $block))

  (func $write_byte (param $byte i32)
    (call $store_u8 (global.get $out) (local.get $byte))
    (global.set $out (i64.add (global.get $out) (i64.const 1))))

  (func $write_text (param $address i32) (param $length i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $length)))
        (call $write_byte (i32.load8_u (local.get $address)))
        (local.set $address (i32.add (local.get $address) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $next))))

  ;; Decimal digits; a function that calls itself for all but the last needs no buffer.
  (func $write_number (param $value i64)
    (if (i64.ge_u (local.get $value) (i64.const 10))
      (then (call $write_number (i64.div_u (local.get $value) (i64.const 10)))))
    (call $write_byte
      (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10))))))

  ;; A kernel block as the contents of a JSON string.
  (func $write_escaped (param $block i64) (param $length i64)
    (local $i i64)
    (local $byte i32)
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (local.get $i) (local.get $length)))
        (local.set $byte (call $load_u8 (i64.add (local.get $block) (local.get $i))))
        (if (i32.or (i32.eq (local.get $byte) (i32.const 34)) (i32.eq (local.get $byte) (i32.const 92)))
          (then (call $write_byte (i32.const 92))))
        ;; Control characters are left out: none of them is a vowel.
        (if (i32.ge_u (local.get $byte) (i32.const 32))
          (then (call $write_byte (local.get $byte))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $next))))

  (func $is_vowel (param $byte i32) (param $vowels i64) (param $length i64) (result i32)
    (local $i i64)
    (loop $next
      (if (i64.ge_u (local.get $i) (local.get $length))
        (then (return (i32.const 0))))
      (if (i32.eq (local.get $byte) (call $load_u8 (i64.add (local.get $vowels) (local.get $i))))
        (then (return (i32.const 1))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next))
    (unreachable))

  (func $count (param $vowels i64) (param $vowels_length i64) (result i64)
    (local $i i64)
    (local $length i64)
    (local $count i64)
    (local.set $length (call $input_length))
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (local.get $i) (local.get $length)))
        (local.set $count
          (i64.add
            (local.get $count)
            (i64.extend_i32_u
              (call $is_vowel (call $input_load_u8 (local.get $i)) (local.get $vowels) (local.get $vowels_length)))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $next)))
    (local.get $count))

  ;; The total so far, from the variable.
  (func $load_total (result i64)
    (local $value i64)
    ;; The host frees the key.
    (local.set $value (call $var_get (call $block_of (global.get $key_total) (i32.const 5))))
    (if (result i64) (i64.eq (call $length (local.get $value)) (i64.const 8))
      (then (call $load_u64 (local.get $value)))
      (else (i64.const 0))))

  (func $save_total (param $total i64)
    (local $value i64)
    (local.set $value (call $alloc (i64.const 8)))
    (call $store_u64 (local.get $value) (local.get $total))
    ;; The host frees both.
    (call $var_set (call $block_of (global.get $key_total) (i32.const 5)) (local.get $value)))

  (func (export "count_vowels") (result i32)
    (local $vowels i64)
    (local $vowels_length i64)
    (local $key i64)
    (local $count i64)
    (local $total i64)
    (local $output i64)
    ;; The key of config_get stays ours.
    (local.set $key (call $block_of (global.get $key_vowels) (i32.const 6)))
    (local.set $vowels (call $config_get (local.get $key)))
    (call $free (local.get $key))
    (if (i64.eqz (local.get $vowels))
      (then (local.set $vowels (call $block_of (global.get $default_vowels) (i32.const 10)))))
    (local.set $vowels_length (call $length (local.get $vowels)))

    (local.set $count (call $count (local.get $vowels) (local.get $vowels_length)))
    (local.set $total (i64.add (call $load_total) (local.get $count)))
    (call $save_total (local.get $total))

    ;; Two numbers of 20 digits at most, 31 bytes of text, and the vowels, each escaped at worst.
    (local.set $output
      (call $alloc (i64.add (i64.const 71) (i64.mul (local.get $vowels_length) (i64.const 2)))))
    (global.set $out (local.get $output))
    (call $write_text (global.get $text_count) (i32.const 9))
    (call $write_number (local.get $count))
    (call $write_text (global.get $text_total) (i32.const 9))
    (call $write_number (local.get $total))
    (call $write_text (global.get $text_vowels) (i32.const 11))
    (call $write_escaped (local.get $vowels) (local.get $vowels_length))
    (call $write_text (global.get $text_end) (i32.const 2))
    (call $output_set (local.get $output) (i64.sub (global.get $out) (local.get $output)))
    (i32.const 0)))
