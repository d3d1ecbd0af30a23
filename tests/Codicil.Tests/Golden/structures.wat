;; listings: guard
(module
  (type $base (sub (struct (field (mut i32)) (field (ref null $base)))))
  (type $derived (sub $base (struct (field (mut i32)) (field (ref null $base)) (field f64))))
  (type $bytes (array (mut i8)))
  (func $make (result (ref $derived)) (struct.new $derived (i32.const 1) (ref.null $base) (f64.const 2)))
  (func $get (param (ref $base)) (result i32) (struct.get $base 0 (local.get 0)))
  (func $getnull (param (ref null $base)) (result i32) (struct.get $base 0 (local.get 0)))
  (func $set (param (ref $base) i32) (struct.set $base 0 (local.get 0) (local.get 1)))
  (func $cast (param (ref null $base)) (result f64) (struct.get $derived 2 (ref.cast (ref $derived) (local.get 0))))
  (func $test (param anyref) (result i32) (ref.test (ref $derived) (local.get 0)))
  (func $byte (param (ref $bytes) i32) (result i32) (array.get_u $bytes (local.get 0) (local.get 1))))
