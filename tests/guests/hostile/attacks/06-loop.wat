;; Never returns.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (loop (br 0))
    (call $drop (local.get $message))
    (i32.const 1024)))
