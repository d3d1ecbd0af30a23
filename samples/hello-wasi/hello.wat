;; A WASI command: greets each of its arguments, or the world.
(module $hello
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)

  ;; 0: number of arguments, 4: their size, 8: bytes written, 16: three vectors, 64: text, 1024: addresses of the arguments, 16384: the arguments
  (data (i32.const 64) "Hello, ")
  (data (i32.const 80) "!\n")
  (data (i32.const 96) "world")

  (func $greet (param $name i32) (param $length i32)
    (i32.store (i32.const 16) (i32.const 64))
    (i32.store (i32.const 20) (i32.const 7))
    (i32.store (i32.const 24) (local.get $name))
    (i32.store (i32.const 28) (local.get $length))
    (i32.store (i32.const 32) (i32.const 80))
    (i32.store (i32.const 36) (i32.const 2))
    (if (call $fd_write (i32.const 1) (i32.const 16) (i32.const 3) (i32.const 8))
      (then (call $proc_exit (i32.const 1)))))

  (func $length (param $text i32) (result i32)
    (local $end i32)
    (local.set $end (local.get $text))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load8_u (local.get $end))))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $end) (local.get $text)))

  (func (export "_start")
    (local $index i32) (local $name i32)
    (if (call $args_sizes_get (i32.const 0) (i32.const 4))
      (then (call $proc_exit (i32.const 1))))
    ;; more than there is room for
    (if (i32.or (i32.gt_u (i32.load (i32.const 0)) (i32.const 3840)) (i32.gt_u (i32.load (i32.const 4)) (i32.const 49152)))
      (then (call $proc_exit (i32.const 2))))
    (if (call $args_get (i32.const 1024) (i32.const 16384))
      (then (call $proc_exit (i32.const 1))))
    (if (i32.lt_u (i32.load (i32.const 0)) (i32.const 2))
      (then
        (call $greet (i32.const 96) (i32.const 5))
        (return)))
    (local.set $index (i32.const 1))
    (loop $next
      (local.set $name (i32.load (i32.add (i32.const 1024) (i32.mul (local.get $index) (i32.const 4)))))
      (call $greet (local.get $name) (call $length (local.get $name)))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $index) (i32.load (i32.const 0)))))))
