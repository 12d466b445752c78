//! Encoded words: text of any script and character set in a header, written as ASCII.
//!
//! Source: RFC 2047 §2 (what a word is), §6.2 (blanks between two words are no text, all others are), RFC 2231 §5 (a
//! language behind the character set). What is no such word is left as it stands, and so is one in a character set that is
//! not known: whoever reads it sees at least what was sent. Neighbours in one character set are decoded together, since
//! many programs cut a word in the middle of a character, though §5 forbids it.

use mail_parser::{decoders::charsets::map::charset_decoder, parsers::MessageStream};
use memchr::{memchr, memmem};

/// A word lies on one line, and a line has at most 998 octets (RFC 5322 §2.1.1). Without an end to each look-out, text
/// full of beginnings would be read once for each of them.
const MAX_WORD: usize = 998;

/// Returns unfolded text with its encoded words decoded; what is not UTF-8 outside them is replaced.
pub(crate) fn decode(text: &[u8]) -> String {
    let mut decoded = String::with_capacity(text.len());
    let (mut written, mut from) = (0, 0);
    // The words read last, one behind the other.
    let mut run: Option<Word<'_>> = None;
    while let Some(at) = memmem::find(&text[from..], b"=?").map(|found| from + found) {
        let Some((word, length)) = Word::read(&text[at..]) else {
            from = at + 2;
            continue;
        };
        let between = &text[written..at];
        (written, from) = (at + length, at + length);
        match &mut run {
            Some(run) if between.trim_ascii().is_empty() && run.charset.eq_ignore_ascii_case(word.charset) => {
                run.octets.extend(word.octets);
                continue;
            }
            Some(run) => {
                decoded.push_str(&run.text());
                let between = if between.trim_ascii().is_empty() { &[][..] } else { between };
                decoded.push_str(&String::from_utf8_lossy(between));
            }
            None => decoded.push_str(&String::from_utf8_lossy(between)),
        }
        run = Some(word);
    }
    decoded.extend(run.map(|run| run.text()));
    decoded.push_str(&String::from_utf8_lossy(&text[written..]));
    decoded
}

/// An encoded word in a character set that is known.
struct Word<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
}

impl<'a> Word<'a> {
    /// Returns the word that text starts with and its length, if there is one behind the `=?`.
    fn read(text: &'a [u8]) -> Option<(Self, usize)> {
        let text = &text[..text.len().min(MAX_WORD)];
        let charset = &text[2..2 + memchr(b'?', &text[2..])?];
        let encoded = 2 + charset.len() + 3;
        let [b'?', encoding, b'?'] = text.get(encoded - 3..encoded)? else { return None };
        let mut stream = MessageStream::new(&text[encoded..]);
        let octets = match encoding {
            b'q' | b'Q' => stream.decode_quoted_printable_word()?,
            b'b' | b'B' => stream.decode_base64_word()?,
            _ => return None,
        };
        let charset = charset.split(|octet| *octet == b'*').next().unwrap_or(charset);
        let known = is_utf8(charset) || (!charset.is_empty() && charset_decoder(charset).is_some());
        known.then_some((Self { charset, octets }, encoded + stream.offset()))
    }

    /// Returns what the word says; octets that mean nothing in its character set are replaced.
    fn text(&self) -> String {
        match charset_decoder(self.charset) {
            Some(decode) if !is_utf8(self.charset) => decode(&self.octets),
            _ => String::from_utf8_lossy(&self.octets).into_owned(),
        }
    }
}

fn is_utf8(charset: &[u8]) -> bool {
    charset.eq_ignore_ascii_case(b"utf-8") || charset.eq_ignore_ascii_case(b"utf8")
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
            ("=?utf-8?q?b=C3?= =?UTF-8?b?vGNoZXI=?= x", "bücher x"),
            ("=?utf-8?b?8J+Y?= =?utf-8?b?gA==?=", "😀"),
            ("=?utf-8?q?a=C3?= =?iso-8859-1?q?=BC?=", "a\u{fffd}¼"),
            ("=?utf-8?q?a=C3?= b =?utf-8?q?=BC?=", "a\u{fffd} b \u{fffd}"),
            ("a =?x-klingon?q?b=C3=BC?= =?utf-8?q?c?= d", "a =?x-klingon?q?b=C3=BC?= c d"),
            ("=?utf-8?q?a?= =?x-klingon?q?b?=", "a =?x-klingon?q?b?="),
            ("=??q?a?=", "=??q?a?="),
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
