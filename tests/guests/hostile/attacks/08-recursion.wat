;; Calls itself until there is no stack.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (func $deep (param i64 i64 i64 i64) (result i64)
    (i64.add (i64.const 1) (call $deep (local.get 3) (local.get 2) (local.get 1) (local.get 0))))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (drop (call $deep (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
    (call $drop (local.get $message))
    (i32.const 1024)))
