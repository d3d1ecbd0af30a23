;; A small program as a compiler might lay it out: an allocator, strings, a sort, a checksum, a number formatter, a stack machine.
(module $program
  (type $compare (func (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (table 3 3 funcref)
  (global $heap (mut i32) (i32.const 4096))
  (global $written (mut i64) (i64.const 0))
  (global $seed (mut i64) (i64.const 0x2545F4914F6CDD1D))
  (elem (i32.const 1) func $ascending $descending)
  (data (i32.const 1024) "checksum: \00sorted: \00\0a\00")
  (data (i32.const 1100) "\01\05\01\07\02\01\0a\03\00")

  (func $allocate (param $size i32) (result i32) (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap
      (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $fits
        (i32.ne
          (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))
          (i32.const -1)))
      (call $proc_exit (i32.const 12))
      unreachable)
    (local.get $at))

  (func $length (param $text i32) (result i32) (local $end i32)
    (local.set $end (local.get $text))
    (loop $next
      (if (i32.load8_u (local.get $end))
        (then
          (local.set $end (i32.add (local.get $end) (i32.const 1)))
          (br $next))))
    (i32.sub (local.get $end) (local.get $text)))

  (func $print (param $text i32) (local $vector i32) (local $n i32)
    (local.set $vector (call $allocate (i32.const 12)))
    (i32.store (local.get $vector) (local.get $text))
    (i32.store offset=4 (local.get $vector) (local.tee $n (call $length (local.get $text))))
    (drop (call $fd_write (i32.const 1) (local.get $vector) (i32.const 1) (i32.add (local.get $vector) (i32.const 8))))
    (global.set $written (i64.add (global.get $written) (i64.extend_i32_u (local.get $n)))))

  (func $format (param $number i64) (result i32) (local $at i32) (local $negative i32)
    (local.set $at (i32.add (call $allocate (i32.const 32)) (i32.const 31)))
    (i32.store8 (local.get $at) (i32.const 0))
    (if (i64.lt_s (local.get $number) (i64.const 0))
      (then
        (local.set $negative (i32.const 1))
        (local.set $number (i64.sub (i64.const 0) (local.get $number)))))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10)))))
      (local.set $number (i64.div_u (local.get $number) (i64.const 10)))
      (br_if $digit (i32.eqz (i64.eqz (local.get $number)))))
    (if (local.get $negative)
      (then
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.const 45))))
    (local.get $at))

  (func $random (result i32) (local $x i64)
    (local.set $x (global.get $seed))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 12))))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 25))))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 27))))
    (global.set $seed (local.get $x))
    (i32.wrap_i64 (i64.shr_u (i64.mul (local.get $x) (i64.const 0x2545F4914F6CDD1D)) (i64.const 32))))

  (func $ascending (type $compare) (i32.lt_s (local.get 0) (local.get 1)))
  (func $descending (type $compare) (i32.gt_s (local.get 0) (local.get 1)))

  (func $sort (param $first i32) (param $last i32) (param $order i32)
    (local $i i32) (local $j i32) (local $pivot i32) (local $held i32)
    (if (i32.ge_u (local.get $first) (local.get $last))
      (then (return)))
    (local.set $pivot (i32.load (local.get $first)))
    (local.set $i (i32.sub (local.get $first) (i32.const 4)))
    (local.set $j (i32.add (local.get $last) (i32.const 4)))
    (block $split
      (loop $partition
        (loop $up
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (br_if $up (call_indirect (type $compare) (i32.load (local.get $i)) (local.get $pivot) (local.get $order))))
        (loop $down
          (local.set $j (i32.sub (local.get $j) (i32.const 4)))
          (br_if $down (call_indirect (type $compare) (local.get $pivot) (i32.load (local.get $j)) (local.get $order))))
        (br_if $split (i32.ge_u (local.get $i) (local.get $j)))
        (local.set $held (i32.load (local.get $i)))
        (i32.store (local.get $i) (i32.load (local.get $j)))
        (i32.store (local.get $j) (local.get $held))
        (br $partition)))
    (call $sort (local.get $first) (local.get $j) (local.get $order))
    (call $sort (i32.add (local.get $j) (i32.const 4)) (local.get $last) (local.get $order)))

  (func $crc (param $at i32) (param $n i32) (result i32) (local $crc i32) (local $bit i32)
    (local.set $crc (i32.const -1))
    (block $done
      (loop $byte
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $crc (i32.xor (local.get $crc) (i32.load8_u (local.get $at))))
        (local.set $bit (i32.const 8))
        (loop $shift
          (local.set $crc
            (i32.xor
              (i32.shr_u (local.get $crc) (i32.const 1))
              (i32.and (i32.const 0xEDB88320) (i32.sub (i32.const 0) (i32.and (local.get $crc) (i32.const 1))))))
          (br_if $shift (local.tee $bit (i32.sub (local.get $bit) (i32.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $byte)))
    (i32.xor (local.get $crc) (i32.const -1)))

  (func $mean (param $at i32) (param $n i32) (result f64) (local $sum f64) (local $i i32)
    (loop $each
      (local.set $sum
        (f64.add (local.get $sum)
          (f64.convert_i32_s (i32.load (i32.add (local.get $at) (i32.shl (local.get $i) (i32.const 2)))))))
      (br_if $each
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (f64.div (local.get $sum) (f64.convert_i32_u (local.get $n))))

  (func $run (param $code i32) (result i64) (local $stack i32) (local $top i32)
    (local.set $stack (call $allocate (i32.const 256)))
    (local.set $top (local.get $stack))
    (loop $step
      (block $halt
        (block $multiply
          (block $plus
            (block $constant
              (br_table $halt $constant $plus $multiply $halt (i32.load8_u (local.get $code))))
            (i64.store (local.get $top) (i64.load8_u offset=1 (local.get $code)))
            (local.set $top (i32.add (local.get $top) (i32.const 8)))
            (local.set $code (i32.add (local.get $code) (i32.const 2)))
            (br $step))
          (local.set $top (i32.sub (local.get $top) (i32.const 8)))
          (i64.store (i32.sub (local.get $top) (i32.const 8))
            (i64.add (i64.load (i32.sub (local.get $top) (i32.const 8))) (i64.load (local.get $top))))
          (local.set $code (i32.add (local.get $code) (i32.const 1)))
          (br $step))
        (local.set $top (i32.sub (local.get $top) (i32.const 8)))
        (i64.store (i32.sub (local.get $top) (i32.const 8))
          (i64.mul (i64.load (i32.sub (local.get $top) (i32.const 8))) (i64.load (local.get $top))))
        (local.set $code (i32.add (local.get $code) (i32.const 1)))
        (br $step)))
    (i64.load (local.get $stack)))

  (func $main (export "_start") (local $numbers i32) (local $i i32)
    (local.set $numbers (call $allocate (i32.const 400)))
    (loop $fill
      (i32.store (i32.add (local.get $numbers) (i32.shl (local.get $i) (i32.const 2))) (call $random))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
    (call $sort (local.get $numbers) (i32.add (local.get $numbers) (i32.const 396)) (i32.const 1))
    (call $print (i32.const 1035))
    (call $print (call $format (i64.trunc_sat_f64_s (call $mean (local.get $numbers) (i32.const 100)))))
    (call $print (i32.const 1044))
    (call $print (i32.const 1024))
    (call $print (call $format (i64.extend_i32_u (call $crc (local.get $numbers) (i32.const 400)))))
    (call $print (call $format (call $run (i32.const 1100))))
    (call $print (i32.const 1044))))
