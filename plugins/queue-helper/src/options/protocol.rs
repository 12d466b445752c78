//! The option `protocol`: how mail of a queue is delivered.
//!
//! KumoMTA knows four methods. `smtp` and `maildir_path` are ours too; `custom_lua` and `xfer` cannot be, and say what does
//! their work here. What a path of mailboxes may name is the host's to judge.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tollgate_config::{Entry, Node, Value};
use tollgate_sdk::domains;

use super::structured::Inside;

const METHODS: [&str; 2] = ["smtp", "maildir_path"];

impl Inside<'_> {
    /// Reads a delivery method: `{smtp={mx_list=[…]}}` or `{maildir_path='…'}`; returns it as JSON if all of it is right.
    pub(super) fn protocol(mut self, entry: &Entry) -> Option<String> {
        let table = self.table(entry, "a table such as {smtp={mx_list=['host']}}")?;
        for entry in &table.entries {
            self.method(entry);
        }
        if self.is_fine() {
            match METHODS.map(|method| table.get(method)) {
                [None, None] => self.refuse(entry.at, "names no delivery method; there are smtp and maildir_path"),
                [Some(_), Some(maildir)] => {
                    let message = "protocol: smtp and maildir_path are two delivery methods; smtp is used";
                    self.findings.warning(maildir.at, message);
                }
                [Some(_), None] | [None, Some(_)] => {}
            }
        }
        self.json(entry)
    }

    fn method(&mut self, entry: &Entry) {
        match entry.key.as_str() {
            "smtp" => self.smtp(entry),
            "maildir_path" => drop(self.text(entry, "a path")),
            "dir_mode" | "file_mode" => self.mode(entry),
            "custom_lua" => self.refuse(entry.at, "custom_lua is not possible here; write a plugin instead"),
            "xfer" => self.refuse(entry.at, "xfer is not possible here; route with protocol.smtp.mx_list instead"),
            _ => self.unknown(entry, &METHODS, "delivery method"),
        }
    }

    fn mode(&mut self, entry: &Entry) {
        if !matches!(entry.node.value, Value::Integer(0..=0o7777)) {
            self.refuse(entry.at, format!("{}: expected permissions from 0 to 0o7777, such as 0o750", entry.key));
        }
    }

    fn smtp(&mut self, entry: &Entry) {
        let Some(table) = self.table(entry, "smtp = {mx_list=['host']}") else { return };
        for entry in &table.entries {
            match (entry.key.as_str(), &entry.node.value) {
                ("mx_list", Value::Array(hops)) if hops.is_empty() => self.refuse(entry.at, "smtp.mx_list is empty"),
                ("mx_list", Value::Array(hops)) => hops.iter().for_each(|hop| self.next_hop(hop)),
                ("mx_list", other) => {
                    self.refuse(entry.at, format!("smtp.mx_list: expected a list of hosts, got {}", other.kind()));
                }
                ("treat_mx_list_as_secure", Value::Boolean(_)) => {
                    let message = "protocol: treat_mx_list_as_secure has no effect: TLS to hosts of an mx_list does not \
                                   depend on DNSSEC";
                    self.findings.note(entry.at, message);
                }
                ("treat_mx_list_as_secure", other) => {
                    let kind = other.kind();
                    self.refuse(entry.at, format!("smtp.treat_mx_list_as_secure: expected true or false, got {kind}"));
                }
                _ => self.unknown(entry, &["mx_list", "treat_mx_list_as_secure"], "option of smtp"),
            }
        }
    }

    /// Reads an entry of `mx_list`: a host, `host:port`, `[ip]`, or `{name, addr}`.
    fn next_hop(&mut self, hop: &Node) {
        match &hop.value {
            Value::String(text) => {
                self.check(hop.at, host_and_port(text).map_err(|why| format!("smtp.mx_list: {why}")));
            }
            Value::Table(table) => {
                for entry in &table.entries {
                    match entry.key.as_str() {
                        "name" => drop(self.text(entry, "a host name")),
                        "addr" => self.address(entry),
                        _ => self.unknown(entry, &["name", "addr"], "part of a next hop"),
                    }
                }
                for needed in ["name", "addr"].into_iter().filter(|needed| table.get(needed).is_none()) {
                    self.refuse(hop.at, format!("smtp.mx_list: `{needed}` is missing; a next hop is {{name, addr}}"));
                }
            }
            other => {
                let kind = other.kind();
                self.refuse(hop.at, format!("smtp.mx_list: expected a host, `host:port` or `[ip]`, got {kind}"));
            }
        }
    }

    fn address(&mut self, entry: &Entry) {
        let Some(text) = self.text(entry, "an IP address") else { return };
        if text.parse::<IpAddr>().is_err() {
            self.refuse(entry.at, format!("addr: '{text}' is no IP address, such as 192.0.2.1 or 2001:db8::1"));
        }
    }
}

/// Checks the text of a next hop by the rules that delivery has: a name or an address, with or without a port.
fn host_and_port(text: &str) -> Result<(), String> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        let (address, behind) = rest.split_once(']').ok_or_else(|| format!("'{text}' has no closing bracket"))?;
        bracketed(address)?;
        return match behind.strip_prefix(':') {
            Some(digits) => port(text, digits),
            None if behind.is_empty() => Ok(()),
            None => Err(format!("'{text}' has something behind its bracket that is no `:port`")),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(format!("'{text}' is an IPv6 address; write it in brackets, '[{text}]'"));
    }
    match text.rsplit_once(':') {
        Some((name, digits)) => host(name).and_then(|()| port(text, digits)),
        None => host(text),
    }
}

/// Checks the inside of an address literal (RFC 5321 §4.1.3); the tag of an IPv6 address may be missing.
fn bracketed(inner: &str) -> Result<(), String> {
    let is_address = match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inner[5..].parse::<Ipv6Addr>().is_ok(),
        _ => inner.parse::<IpAddr>().is_ok(),
    };
    if is_address { Ok(()) } else { Err(format!("'{inner}' in brackets is no IP address")) }
}

fn port(text: &str, digits: &str) -> Result<(), String> {
    let is_port = digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0);
    if is_port { Ok(()) } else { Err(format!("'{digits}' in '{text}' is no port; ports are 1 to 65535")) }
}

fn host(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("a next hop is empty; expected a host, `host:port` or `[ip]`".to_owned());
    }
    let name = domains::normalize(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    // No top-level domain is a number, so this was meant to be an address.
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return name.parse::<Ipv4Addr>().map(drop).map_err(|_| format!("'{text}' is no IP address"));
    }
    let is_name = name.len() <= 253 && name.split('.').all(label);
    if is_name { Ok(()) } else { Err(format!("'{text}' is no host name")) }
}

/// Checks where mail is routed: a domain, with or without a port, or an address literal. Delivery takes it for a next hop.
pub(crate) fn routing_domain(text: &str) -> Result<(), String> {
    host_and_port(text)
}
