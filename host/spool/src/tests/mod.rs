//! Tests of the whole: on a disk that loses power, fills up, breaks and rots.

mod damage;
mod faults;
mod kit;
mod model;
mod sharing;
