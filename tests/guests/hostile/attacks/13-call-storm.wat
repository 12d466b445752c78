;; Asks the host the same cheap question a million times.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (import "tollgate:policy/message@0.1.0" "[method]message.size" (func $size (param i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (local $n i32)
    (loop
      (drop (call $size (local.get $message)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $n) (i32.const 1000000))))
    (call $drop (local.get $message))
    (i32.const 1024)))
