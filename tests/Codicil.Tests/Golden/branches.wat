;; listings: guard
;; br_table with and without operands, a branch that has to move what it carries, an if with and without else.
(module
  (func $table (param i32) (result i32)
    (block $a (block $b (block $c (br_table $a $b $c $b (local.get 0))) (return (i32.const 1))) (return (i32.const 2)))
    (i32.const 3))
  (func $table_of_values (param i32) (result i32)
    (block $a (result i32)
      (i32.add (i32.const 100) (block $b (result i32) (br_table $a $b (i32.const 7) (local.get 0))))))
  (func $moves (param i32 i32) (result i32)
    (block $out (result i32)
      (local.get 1)
      (br_if $out (i32.const 5) (local.get 0))
      (drop)))
  (func $if (param i32) (if (local.get 0) (then (nop))))
  (func $else (param i32 i32) (result i32) (if (result i32) (i32.lt_s (local.get 0) (local.get 1)) (then (local.get 0)) (else (local.get 1)))))
