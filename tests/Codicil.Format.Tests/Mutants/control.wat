;; Blocks, branches and calls, with unreachable code after many of them.
(module $control
  (type $none (func))
  (type $unary (func (param i32) (result i32)))
  (type $binary (func (param i32 i32) (result i32)))
  (type $pair (func (param i32 i64) (result i64 i32)))
  (type $float (func (param f32 f64) (result f64)))
  (import "host" "log" (func $log (param i32)))
  (import "host" "level" (global $level i32))
  (table $operations 6 12 funcref)
  (global $calls (mut i32) (i32.const 0))
  (global $scale f64 (f64.const 2.5))
  (elem (i32.const 0) $add $sub $gcd $swap_user $fib $collatz)

  (func $count (type $none)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1))))

  (func $add (type $binary)
    local.get 0
    local.get 1
    i32.add)

  (func $sub (type $binary)
    (call $count)
    (return (i32.sub (local.get 0) (local.get 1)))
    unreachable)

  (func $gcd (type $binary) (local $rest i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get 1)))
        (local.set $rest (i32.rem_u (local.get 0) (local.get 1)))
        (local.set 0 (local.get 1))
        (local.set 1 (local.get $rest))
        (br $again)))
    (local.get 0))

  (func $swap (type $pair)
    local.get 1
    local.get 0)

  (func $swap_user (type $unary)
    (call $swap (local.get 0) (i64.extend_i32_s (local.get 0)))
    block (param i64 i32) (result i32)
      local.set 0
      i32.wrap_i64
      local.get 0
      br_if 0
      i32.const 7
      i32.mul
    end)

  (func $fib (type $unary)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else
        (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call $fib (i32.sub (local.get 0) (i32.const 2)))))))

  (func $collatz (type $unary) (local $steps i32)
    loop $next (result i32)
      local.get 0
      i32.const 1
      i32.le_u
      if (result i32)
        local.get $steps
      else
        local.get 0
        i32.const 1
        i32.and
        if
          local.get 0
          i32.const 3
          i32.mul
          i32.const 1
          i32.add
          local.set 0
        else
          local.get 0
          i32.const 1
          i32.shr_u
          local.set 0
        end
        local.get $steps
        i32.const 1
        i32.add
        local.tee $steps
        i32.const 1000
        i32.lt_u
        br_if $next
        i32.const -1
      end
    end)

  (func $classify (param $code i32) (result i32)
    (block $other
      (block $three
        (block $two
          (block $one
            (br_table $one $two $three $one $two $other (local.get $code)))
          (return (i32.const 10)))
        (return (i32.const 20)))
      (return (i32.const 30)))
    (i32.const -1))

  (func $pick (param i32 i64) (result i64)
    block $a (result i64)
      block $b (result i64)
        local.get 1
        local.get 0
        br_table $a $b 0 1 $b
        i64.const 3
        drop
      end
      i64.const 1
      i64.add
    end)

  (func $dead (param f32) (result f32)
    block (result f32)
      local.get 0
      br 0
      i32.const 1
      drop
      f32.add
      br 1
      select
    end
    f32.const 0x1.8p+1
    f32.mul)

  (func $unreachable_tail (result i32 i64)
    unreachable
    i32.add
    i64.const 4
    br 0
    drop)

  (func $mix (type $float)
    (f64.mul
      (select (f64.promote_f32 (local.get 0)) (local.get 1) (f64.lt (local.get 1) (global.get $scale)))
      (global.get $scale)))

  (func $apply (param $which i32) (param $x i32) (param $y i32) (result i32)
    (local $saved i64) (local $a f32) (local $b f32) (local $c f64)
    (call $log (local.get $which))
    (if (i32.gt_u (local.get $which) (i32.const 2))
      (then
        (return (call_indirect (type $unary) (local.get $x) (local.get $which)))))
    (local.set $saved (i64.extend_i32_u (local.get $x)))
    (local.set $c (call $mix (local.tee $a (f32.convert_i32_s (local.get $y))) (f64.const 1)))
    (i32.add
      (call_indirect (type $binary) (local.get $x) (local.get $y) (local.get $which))
      (i32.wrap_i64 (local.get $saved))))

  (func $carry (param i32) (result i32)
    local.get 0
    i32.const 0
    loop $sum (param i32 i32) (result i32)
      local.get 0
      i32.add
      local.set 0
      i32.const 1
      i32.sub
      local.get 0
      local.get 0
      i32.const 100
      i32.lt_s
      br_if $sum
      drop
    end)

  (func $init
    (local $i i32)
    (call $log (global.get $level))
    (loop $l
      (call $count)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 4)))))

  (export "apply" (func $apply))
  (export "classify" (func $classify))
  (export "pick" (func $pick))
  (export "dead" (func $dead))
  (export "carry" (func $carry))
  (export "calls" (global $calls))
  (export "operations" (table $operations))
  (start $init))
