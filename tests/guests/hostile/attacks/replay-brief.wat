;; Is told of a message in brief, and answers with whatever lies in memory. It asks for the metadata `memory`: octets, each as two
;; letters from `a` to `p`, that are laid at 65536. The first word of them is where the judgement lies.
(module
  (memory (export "memory") 32)
  (data (i32.const 16) "\20\00\00\00\01\00\00\00")
  (data (i32.const 32) "\06\00\00\00\40\00\00\00\06\00\00\00")
  (data (i32.const 64) "memory")
  (global $free (mut i32) (i32.const 262144))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $free))
    (global.set $free (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 7)) (i32.const 0xffff8)))
    (local.get $at))
  (func (export "tollgate:policy/message-brief@0.1.0#questions") (result i32) (i32.const 16))
  (func (export "tollgate:policy/message-brief@0.1.0#judge") (param $answers i32) (param $count i32) (result i32)
    (local $at i32) (local $end i32) (local $to i32)
    (local.set $at (i32.load offset=8 (local.get $answers)))
    (local.set $end (i32.add (local.get $at) (i32.load offset=12 (local.get $answers))))
    (local.set $to (i32.const 65536))
    (block (loop
      (br_if 1 (i32.ge_u (local.get $at) (local.get $end)))
      (i32.store8 (local.get $to)
        (i32.or
          (i32.shl (i32.sub (i32.load8_u (local.get $at)) (i32.const 97)) (i32.const 4))
          (i32.sub (i32.load8_u offset=1 (local.get $at)) (i32.const 97))))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br 0)))
    (i32.load (i32.const 65536))))
