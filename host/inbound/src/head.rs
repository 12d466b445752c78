//! What the doors must know of a header before anybody else sees it: that it ends, and that the mail does not loop.
//!
//! Lines are looked at, not parsed: fields, folds and words are `tollgate-message`'s.
//!
//! Rules: RFC 5322 §2.1 (the empty line), RFC 5321 §6.3 (counting `Received`).

use tollgate_smtp::Reply;

use crate::replies;

/// Most `Received` fields in a message that is not taken for a loop.
///
/// # Source
/// RFC 5321 §6.3 asks for a limit of at least 100.
const MAX_RECEIVED: usize = 100;

/// Judges the header of a message. `whole`: `head` is all of the message, so that its end is the header's end too.
///
/// # Errors
/// 552 where the header goes on behind `head`, 554 for a loop.
pub(crate) fn check(head: &[u8], whole: bool) -> Result<(), Reply> {
    let mut received = 0;
    for line in head.split_inclusive(|octet| *octet == b'\n') {
        if line == b"\r\n" {
            return Ok(());
        }
        received += usize::from(is_received(line));
        if received > MAX_RECEIVED {
            return Err(replies::mail_loop());
        }
    }
    if whole { Ok(()) } else { Err(replies::header_too_large()) }
}

/// Blanks before the colon are obsolete but seen (RFC 5322 §4.5.3).
fn is_received(line: &[u8]) -> bool {
    let colon = line.iter().position(|octet| *octet == b':');
    colon.is_some_and(|colon| line[..colon].trim_ascii_end().eq_ignore_ascii_case(b"received"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_do_not_end_and_mail_that_loops_are_refused() {
        let hops = |count| "Received: a\r\n b:\r\n".repeat(count);
        for (name, head, whole, verdict) in [
            ("empty message", String::new(), true, Ok(())),
            ("body only", "\r\nReceived: a\r\n".to_owned(), false, Ok(())),
            ("header only", "a: b\r\n".to_owned(), true, Ok(())),
            ("goes on", "a: b\r\n".to_owned(), false, Err("552 5.3.4 Header too large")),
            ("100 hops", hops(100) + "\r\n", true, Ok(())),
            ("101 hops", hops(100) + "RECEIVED : x\r\n\r\n", true, Err("554 5.4.6 Too many hops")),
            ("hops in the body", "a: b\r\n\r\n".to_owned() + &hops(101), true, Ok(())),
        ] {
            let seen = check(head.as_bytes(), whole).map_err(|reply| reply.to_string());

            assert_eq!(seen, verdict.map_err(str::to_owned), "{name}");
        }
    }
}
