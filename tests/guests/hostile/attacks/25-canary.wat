;; Writes a canary all over its memory, after looking for what others have left there: refuses if it finds any.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (local $at i32)
    (drop (memory.grow (i32.const 100)))
    (local.set $at (i32.const 65536))
    (block (loop
      (br_if 1 (i32.ge_u (local.get $at) (i32.const 6553600)))
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then
        (i32.store8 (i32.const 1024) (i32.const 1))
        (i32.store16 (i32.const 1028) (i32.const 550))))
      (i64.store (local.get $at) (i64.const 0x59524e4143595243))
      (local.set $at (i32.add (local.get $at) (i32.const 512)))
      (br 0)))
    (call $drop (local.get $message))
    (i32.const 1024)))
