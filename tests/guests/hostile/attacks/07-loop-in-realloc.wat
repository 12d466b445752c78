;; Loops where the host asks it for room for an argument.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (i32.const 2048))
  (func (export "tollgate:policy/throttles@0.1.0#throttles") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 1024)))
