;; Writes nine hundred lines, each of which would pass for two, with colours, 10 KB long.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (import "tollgate:policy/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
  (data (i32.const 4096) "\1b[2J\1b[31mfine\0a2026-01-01T00:00:00Z ERROR tollgate: forged\0d\0a\00")
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (local $n i32)
    (loop
      (call $log (i32.const 0) (i32.const 4096) (i32.const 10000) (i32.const 0) (i32.const 0))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $n) (i32.const 900))))
    (call $drop (local.get $message))
    (i32.const 1024)))
