;; Writes a line with a hundred thousand fields that are one piece of memory.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (import "tollgate:policy/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 32)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (local $at i32)
    (local.set $at (i32.const 65536))
    (loop
      (i32.store offset=0 (local.get $at) (i32.const 4096))
      (i32.store offset=4 (local.get $at) (i32.const 100))
      (i32.store offset=8 (local.get $at) (i32.const 4096))
      (i32.store offset=12 (local.get $at) (i32.const 100))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if 0 (i32.lt_u (local.get $at) (i32.const 1665536))))
    (call $log (i32.const 0) (i32.const 4096) (i32.const 4) (i32.const 65536) (i32.const 100000))
    (call $drop (local.get $message))
    (i32.const 1024)))
