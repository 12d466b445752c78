//! An HTTP client for one request.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use super::wait::PATIENCE;

/// Returns status and body of a GET.
pub(crate) fn get(from: SocketAddr, path: &str) -> (u16, String) {
    ask(from, &format!("GET {path} HTTP/1.1\r\nHost: {from}\r\nConnection: close\r\n\r\n"))
}

/// Returns status and body of a POST of JSON.
pub(crate) fn post(to: SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    post_from("127.0.0.1", to, path, "", body)
}

/// Returns status and body of a POST of JSON from an address of this machine. `fields`: more of the head, with line ends.
pub(crate) fn post_from(from: &str, to: SocketAddr, path: &str, fields: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {to}\r\n{fields}Content-Type: application/json\r\n");
    let request = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let (status, answer) = ask_over(super::connect_from(from, to), request.as_bytes());
    (status, serde_json::from_str(&answer).unwrap())
}

/// Returns status and body of a request that brings octets. `fields`: more of the head, with line ends.
pub(crate) fn bring(method: &str, to: SocketAddr, path: &str, fields: &str, octets: &[u8]) -> (u16, Value) {
    let length = octets.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let (status, answer) = ask_over(TcpStream::connect(to).unwrap(), &[head.as_bytes(), octets].concat());
    (status, serde_json::from_str(&answer).unwrap())
}

fn ask(whom: SocketAddr, request: &str) -> (u16, String) {
    ask_over(TcpStream::connect(whom).unwrap(), request.as_bytes())
}

fn ask_over(mut stream: TcpStream, request: &[u8]) -> (u16, String) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
