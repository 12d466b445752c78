//! Encoded words: text of any script and character set in a header, written as ASCII.
//!
//! Source: RFC 2047 §2 (what a word is), §6.2 (blanks between two words are no text, all others are), RFC 2231 §5 (a
//! language behind the character set). What is no such word is left as it stands. A character set that is not known is
//! taken for UTF-8.

use mail_parser::parsers::MessageStream;
use memchr::memmem;

/// A word lies on one line, and a line has at most 998 octets (RFC 5322 §2.1.1). Without an end to each look-out, text
/// full of beginnings would be read once for each of them.
const MAX_WORD: usize = 998;

/// Returns unfolded text with its encoded words decoded; what is not UTF-8 outside them is replaced.
pub(crate) fn decode(text: &[u8]) -> String {
    let mut decoded = String::with_capacity(text.len());
    let (mut written, mut from, mut behind_word) = (0, 0, false);
    while let Some(at) = memmem::find(&text[from..], b"=?").map(|found| from + found) {
        let Some((word, length)) = word(&text[at..]) else {
            from = at + 2;
            continue;
        };
        let between = &text[written..at];
        if !behind_word || !between.trim_ascii().is_empty() {
            decoded.push_str(&String::from_utf8_lossy(between));
        }
        decoded.push_str(&word);
        (written, from, behind_word) = (at + length, at + length, true);
    }
    decoded.push_str(&String::from_utf8_lossy(&text[written..]));
    decoded
}

/// Returns the word that text starts with and its length, if there is one behind the `=?`.
fn word(text: &[u8]) -> Option<(String, usize)> {
    let mut stream = MessageStream::new(&text[1..text.len().min(MAX_WORD)]);
    let word = stream.decode_rfc2047()?;
    Some((word, 1 + stream.offset()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_decoded_and_everything_else_stays() {
        for (text, expected) in [
            ("=?utf-8?q?b=C3=BCcher?=", "bücher"),
            ("=?iso-8859-1?B?Yvxj?=", "büc"),
            ("=?utf-8*de?Q?b=C3=BC?=", "bü"),
            ("a =?utf-8?q?b?=  =?utf-8?q?c?= d", "a bc d"),
            ("a  =?utf-8?q?b_?=  c", "a  b   c"),
            ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
            ("=?=?utf-8?q?a?=", "=?a"),
            ("=?utf-8?x?a?= =?utf-8?q?a", "=?utf-8?x?a?= =?utf-8?q?a"),
            ("2+2=?4", "2+2=?4"),
            ("=?", "=?"),
            ("", ""),
        ] {
            assert_eq!(decode(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_word_that_is_longer_than_a_line_is_none() {
        let text = format!("=?utf-8?q?{}?=", "a".repeat(MAX_WORD));

        assert_eq!(decode(text.as_bytes()), text);
    }

    proptest! {
        #[test]
        fn text_without_words_stays_and_nothing_breaks(
            pieces in proptest::collection::vec(prop_oneof!["=\\?", "\\?=", "[qQbB]", "\\?", "utf-8", "[ -~]{0,4}"], 0..40),
        ) {
            let text = pieces.concat();

            let decoded = decode(text.as_bytes());

            prop_assert!(decoded == text || text.contains("?="), "{text} -> {decoded}");
        }
    }
}
