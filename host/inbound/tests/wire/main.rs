//! The doors over real loopback sockets and raw octets, in front of a program that only remembers.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod http;
mod kit;
mod smtp;
