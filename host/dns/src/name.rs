//! Which text is the name of a host or domain that mail can go to.
//!
//! Rules: RFC 1035 §2.3.4 (lengths), RFC 1123 §2.1 (no host name is a number), RFC 5321 §2.3.5 (A-labels).

use tollgate_message::domain;

/// Returns the name as lower-case A-labels without a dot behind it; nothing if it is an address or no name at all.
///
/// Underscores are let through: they are common in private zones.
pub(crate) fn host_name(text: &str) -> Option<String> {
    let name = domain::normalize(text);
    let is_number = |label: &str| label.bytes().all(|octet| octet.is_ascii_digit());
    let is_host = name.len() <= 253 && name.split('.').all(is_label) && !name.rsplit('.').next().is_some_and(is_number);
    is_host.then_some(name)
}

fn is_label(label: &str) -> bool {
    let is_inside = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(is_inside)
}

#[cfg(test)]
mod tests {
    use super::host_name;

    #[test]
    fn names_are_told_from_addresses_and_nonsense() {
        let long = "a".repeat(64);
        for (text, expected) in [
            ("MX.Example.com.", Some("mx.example.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("_dmarc.example", Some("_dmarc.example")),
            ("localhost", Some("localhost")),
            ("192.0.2.1", None),
            ("192.0.2.1.", None),
            ("2001:db8::1", None),
            ("[192.0.2.1]", None),
            ("two words.example", None),
            ("a..example", None),
            (".", None),
            ("", None),
            (&long, None),
        ] {
            assert_eq!(host_name(text).as_deref(), expected, "{text}");
        }
    }
}
