//! What a component says of itself: a custom section, written while it is compiled.

/// Says what the plugin would like of whoever runs it: limits beyond the defaults, and grants, each with its reason. It is a wish:
/// `plugin inspect` shows it, and the operator decides.
///
/// ```
/// tollgate_sdk::wishes! {
///     limits: { "cpu" = "5ms" },
///     grants: { "kv" = "remembers who wrote first", "http-client" = "asks our own list" },
/// }
/// ```
#[macro_export]
macro_rules! wishes {
    ($(limits: { $($limit:literal = $value:literal),* $(,)? } $(,)?)? $(grants: { $($grant:literal = $reason:literal),* $(,)? } $(,)?)?) => {
        $crate::__metadata! {
            (false, "{\"limits\":{"), $($((false, "\""), (true, $limit), (false, "\":\""), (true, $value), (false, "\","),)*)?
            (false, "\"\":\"\"},\"grants\":{"),
            $($((false, "\""), (true, $grant), (false, "\":\""), (true, $reason), (false, "\","),)*)?
            (false, "\"\":\"\"}}"),
        }
    };
}

/// Leaves a JSON text, put together of parts, in the section. Parts that are `true` are escaped.
#[doc(hidden)]
#[macro_export]
macro_rules! __metadata {
    ($($parts:tt)*) => {
        const _: () = {
            const PARTS: &[(bool, &str)] = &[$($parts)*];
            // Elsewhere sections have other names, and nobody reads them.
            #[cfg(target_family = "wasm")]
            #[unsafe(link_section = "tollgate:plugin")]
            #[used]
            static METADATA: [u8; $crate::__json_len(PARTS)] = $crate::__json(PARTS);
            #[cfg(not(target_family = "wasm"))]
            const _: [u8; $crate::__json_len(PARTS)] = $crate::__json(PARTS);
        };
    };
}

/// Returns the length of the text of these parts.
#[doc(hidden)]
#[must_use]
pub const fn json_len(parts: &[(bool, &str)]) -> usize {
    let (mut length, mut n) = (0, 0);
    while n < parts.len() {
        let (escape, text) = parts[n];
        let (octets, mut at) = (text.as_bytes(), 0);
        while at < octets.len() {
            length += if escape && matches!(octets[at], b'"' | b'\\') { 2 } else { 1 };
            at += 1;
        }
        n += 1;
    }
    length
}

/// Returns the text of these parts. In those that are escaped, control characters become blanks.
#[doc(hidden)]
#[must_use]
pub const fn json<const N: usize>(parts: &[(bool, &str)]) -> [u8; N] {
    let (mut written, mut to, mut n) = ([0; N], 0, 0);
    while n < parts.len() {
        let (escape, text) = parts[n];
        let (octets, mut at) = (text.as_bytes(), 0);
        while at < octets.len() {
            if escape && matches!(octets[at], b'"' | b'\\') {
                written[to] = b'\\';
                to += 1;
            }
            written[to] = if escape && octets[at] < b' ' { b' ' } else { octets[at] };
            to += 1;
            at += 1;
        }
        n += 1;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_text_is_escaped() {
        const PARTS: &[(bool, &str)] = &[(false, "{\"a\":\""), (true, "x\"y\\z\n"), (false, "\"}")];

        let told: [u8; json_len(PARTS)] = json(PARTS);

        assert_eq!(std::str::from_utf8(&told), Ok("{\"a\":\"x\\\"y\\\\z \"}"));
    }
}
