//! The replies that only a driver of the protocol says; all others are in [`tollgate_smtp::replies`].
//!
//! Bland for the same reason: they tell the peer what to change and nothing of what runs here.
//!
//! Rules: RFC 5321 §4.2.2 and §6.3 (loops), RFC 3463 (enhanced codes).

use tollgate_smtp::{EnhancedCode, Reply};

/// Takes responsibility for messages: 250. Long lists are folded over lines when the reply is written.
pub(crate) fn accepted(ids: &[String]) -> Reply {
    fixed(250, (2, 0, 0), format!("OK ids={}", ids.join(" ")))
}

/// Refuses a header that does not end within the part of a message that is looked at: 552.
pub(crate) fn header_too_large() -> Reply {
    fixed(552, (5, 3, 4), "Header too large")
}

/// Refuses a message that went round in circles: 554.
pub(crate) fn mail_loop() -> Reply {
    fixed(554, (5, 4, 6), "Too many hops")
}

/// Puts off for want of disk space: 452.
pub(crate) fn storage_full() -> Reply {
    fixed(452, (4, 3, 1), "Insufficient system storage")
}

fn fixed(code: u16, enhanced: (u8, u16, u16), text: impl Into<String>) -> Reply {
    let enhanced = EnhancedCode::new(enhanced.0, enhanced.1, enhanced.2);
    Reply::new(code, enhanced, text).expect("the texts of this module pair codes of one class")
}
