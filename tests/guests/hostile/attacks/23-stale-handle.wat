;; Lets go of its message, and then asks about it.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (import "tollgate:policy/message@0.1.0" "[method]message.size" (func $size (param i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (call $drop (local.get $message))
    (drop (call $size (local.get $message)))
    (i32.const 1024)))
