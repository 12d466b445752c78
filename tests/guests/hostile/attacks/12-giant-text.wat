;; Returns a refusal whose text is all of its memory.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (memory (export "memory") 256)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 1))
    (i32.store16 (i32.const 1028) (i32.const 550))
    (i32.store (i32.const 1044) (i32.const 0))
    (i32.store (i32.const 1048) (i32.const 16777216))
    (call $drop (local.get $message))
    (i32.const 1024)))
