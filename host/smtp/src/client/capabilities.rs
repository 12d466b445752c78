//! What a server offers: the lines behind the first of its answer to EHLO.
//!
//! Only the extensions this client uses are kept, each as far as it matters for sending.
//!
//! Rules: RFC 5321 §4.1.1.1; RFC 1870 §4, RFC 2034 §3, RFC 2920 §2, RFC 3207 §2, RFC 6152 §2, RFC 6531 §3.1.

use crate::reply::Reply;

/// The extensions a server offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// PIPELINING: commands may be sent in groups.
    pub pipelining: bool,
    /// SIZE, with the most octets in a message; 0 if the server names no limit.
    pub size: Option<u64>,
    /// 8BITMIME: messages may hold octets outside ASCII.
    pub eight_bit_mime: bool,
    /// SMTPUTF8: addresses and headers may be UTF-8.
    pub smtputf8: bool,
    /// ENHANCEDSTATUSCODES: replies carry such codes.
    pub enhanced_status_codes: bool,
    /// STARTTLS: the connection can be encrypted. This client only tells.
    pub starttls: bool,
}

impl Capabilities {
    /// Reads the answer to EHLO. Its first line names the server and offers nothing.
    pub(super) fn from_ehlo(reply: &Reply) -> Capabilities {
        let mut capabilities = Capabilities::default();
        for line in reply.text().lines().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "PIPELINING" => capabilities.pipelining = true,
                "SIZE" => capabilities.size = Some(words.next().and_then(|limit| limit.parse().ok()).unwrap_or(0)),
                "8BITMIME" => capabilities.eight_bit_mime = true,
                "SMTPUTF8" => capabilities.smtputf8 = true,
                "ENHANCEDSTATUSCODES" => capabilities.enhanced_status_codes = true,
                "STARTTLS" => capabilities.starttls = true,
                _ => {}
            }
        }
        capabilities
    }

    /// Returns the most octets in a message, if the server names a limit.
    pub fn size_limit(&self) -> Option<u64> {
        self.size.filter(|limit| *limit > 0)
    }
}
