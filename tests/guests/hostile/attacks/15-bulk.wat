;; Moves all of its memory about, again and again: nothing interrupts one such instruction.
(module
  (import "tollgate:policy/message@0.1.0" "[resource-drop]message" (func $drop (param i32)))
  (memory (export "memory") 512)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "tollgate:policy/message-received@0.1.0#message-received") (param $message i32) (result i32)
    (loop
      (memory.copy (i32.const 0) (i32.const 65536) (i32.const 33488896))
      (br 0))
    (call $drop (local.get $message))
    (i32.const 1024)))
