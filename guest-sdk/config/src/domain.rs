//! Domain names as keys: compared as lower-case A-labels, without a trailing dot.
//!
//! The same function prepares the keys of configuration files and the domains of messages, so that `u@GMAIL.com`,
//! `u@gmail.com.` and a key `gmail.com` always meet.

/// Returns the key form of a domain, an address literal, or either with `:port` or a leading `*.` label.
///
/// Internationalised names become A-labels (RFC 5891, by UTS #46 without transitional processing). Text that is no
/// domain at all is lower-cased and otherwise left alone: a key must exist for everything that a message may carry.
///
/// ```
/// assert_eq!(tollgate_config::domain::normalize("BÜCHER.example."), "xn--bcher-kva.example");
/// ```
#[must_use]
pub fn normalize(domain: &str) -> String {
    let trimmed = domain.trim().trim_end_matches('.');
    if trimmed.is_ascii() {
        return trimmed.to_ascii_lowercase();
    }
    let (wildcard, rest) = match trimmed.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", trimmed),
    };
    match idna::domain_to_ascii(rest) {
        // The mapping may have made a dot of another full stop, at the end too.
        Ok(ascii) => format!("{wildcard}{}", ascii.trim_end_matches('.')),
        Err(_) => trimmed.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_that_mean_the_same_have_one_key() {
        for (given, key) in [
            ("GMAIL.com", "gmail.com"),
            ("gmail.com.", "gmail.com"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("*.Bücher.example", "*.xn--bcher-kva.example"),
            ("bücher\u{3002}example\u{ff0e}", "xn--bcher-kva.example"),
            ("[10.0.0.1]", "[10.0.0.1]"),
            ("relay.Example:2025", "relay.example:2025"),
            ("", ""),
        ] {
            assert_eq!(normalize(given), key, "{given}");
        }
    }
}
