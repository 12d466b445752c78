//! Attacks on the host, each with what must come of it. `tests/guests/hostile/README.md` lists all that are known.
//!
//! Components are compiled as the program does it: in children of the real binary.

mod compiling;
mod kit;
mod lying;
mod running;
mod wasting;
