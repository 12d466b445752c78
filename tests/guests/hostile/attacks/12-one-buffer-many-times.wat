;; Returns a list of a hundred thousand throttles whose names are one buffer of 1,000 octets: 100 MB out of 4.
(module
  (memory (export "memory") 128)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  ;; A throttle is 56 octets: scope at 0, key at 4 and 8, limit at 16, period at 24, burst at 32 and 40, local at 48.
  (func (export "tollgate:policy/throttles@0.1.0#throttles") (param i32 i32 i32 i32 i32 i32) (result i32)
    (local $at i32)
    (memory.fill (i32.const 4096) (i32.const 120) (i32.const 1000))
    (local.set $at (i32.const 65536))
    (loop
      (i32.store offset=4 (local.get $at) (i32.const 4096))
      (i32.store offset=8 (local.get $at) (i32.const 1000))
      (i64.store offset=16 (local.get $at) (i64.const 1))
      (i64.store offset=24 (local.get $at) (i64.const 1000))
      (local.set $at (i32.add (local.get $at) (i32.const 56)))
      (br_if 0 (i32.lt_u (local.get $at) (i32.const 5665536))))
    (i32.store (i32.const 1024) (i32.const 65536))
    (i32.store (i32.const 1028) (i32.const 100000))
    (i32.const 1024)))
