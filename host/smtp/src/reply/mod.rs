//! Replies: a code, an enhanced code and a text, as the server says them and the client hears them.
//!
//! A [`Reply`] that exists is consistent: its code is 200 to 599 and its enhanced code, if any, is of the same class.
//! [`PermReply`] and [`TempReply`] narrow that to refusals, so that "reject with 250" does not compile.
//! [`Reply::to_wire`] makes octets of one; [`ReplyReader`] makes one of octets. What a reply means for a message is
//! decided elsewhere.
//!
//! Rules: RFC 5321 §4.2 (codes, lines), RFC 2034 and RFC 3463 (enhanced codes).

mod reader;
#[cfg(test)]
mod tests;
mod wire;

pub use reader::{MAX_REPLY_LINE, MAX_REPLY_LINES, ReplyError, ReplyReader};

use std::fmt;

/// A status code of three numbers, such as 5.1.1.
///
/// # Source
/// RFC 3463 §2
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// Returns the code, or nothing unless `class` is 2, 4 or 5 and the others are at most 999.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<EnhancedCode> {
        if matches!(class, 2 | 4 | 5) && subject <= 999 && detail <= 999 {
            Some(EnhancedCode { class, subject, detail })
        } else {
            None
        }
    }

    /// Reads `class.subject.detail`, or returns nothing if `text` is anything else.
    pub fn parse(text: &str) -> Option<EnhancedCode> {
        let mut parts = text.split('.').map(parse_number);
        let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() {
            return None;
        }
        EnhancedCode::new(u8::try_from(class).ok()?, subject, detail)
    }

    /// Returns the class: 2 success, 4 try again, 5 do not.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// Returns the subject, 0 to 999.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// Returns the detail, 0 to 999.
    pub const fn detail(self) -> u16 {
        self.detail
    }
}

/// Reads one to three digits; `str::parse` alone would take a sign.
fn parse_number(text: &str) -> Option<u16> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One reply, of one line or several.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    code: u16,
    enhanced: Option<EnhancedCode>,
    text: String,
}

impl Reply {
    /// Returns the reply, or nothing unless `code` is 200 to 599 and `enhanced` is of the same class.
    ///
    /// `text`: without codes; `\n` separates lines; anything else may be in it, since [`Reply::to_wire`] cleans it.
    pub fn new(code: u16, enhanced: Option<EnhancedCode>, text: impl Into<String>) -> Option<Reply> {
        let consistent = (200..=599).contains(&code) && enhanced.is_none_or(|e| u16::from(e.class) == code / 100);
        consistent.then(|| Reply { code, enhanced, text: text.into() })
    }

    /// Returns the code, 200 to 599.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Returns the enhanced code, if the reply has one.
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// Returns the text without codes, lines separated by `\n`. From a peer it holds no other control character.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether this is a 2yz reply: done.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// Returns whether this is a 4yz reply: try again later.
    pub fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }

    /// Returns whether this is a 5yz reply: do not try again.
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }
}

/// Shows the reply on one line, for a log or a report: control characters in the text become blanks.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        write!(f, " {}", self.text.replace(char::is_control, " "))
    }
}

/// A refusal for good: 5yz.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PermReply(pub(crate) Reply);

impl PermReply {
    /// Returns the refusal, or nothing unless `code` is 500 to 599 and `enhanced` is of class 5.
    ///
    /// Without `enhanced` it is 5.0.0, since every refusal of ours carries one (RFC 2034 §4).
    pub fn new(code: u16, enhanced: Option<EnhancedCode>, text: impl Into<String>) -> Option<PermReply> {
        new_refusal(5, code, enhanced, text.into()).map(PermReply)
    }
}

/// A refusal for now: 4yz.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TempReply(pub(crate) Reply);

impl TempReply {
    /// Returns the refusal, or nothing unless `code` is 400 to 499 and `enhanced` is of class 4.
    ///
    /// Without `enhanced` it is 4.0.0, since every refusal of ours carries one (RFC 2034 §4).
    pub fn new(code: u16, enhanced: Option<EnhancedCode>, text: impl Into<String>) -> Option<TempReply> {
        new_refusal(4, code, enhanced, text.into()).map(TempReply)
    }
}

fn new_refusal(class: u8, code: u16, enhanced: Option<EnhancedCode>, text: String) -> Option<Reply> {
    if code / 100 != u16::from(class) {
        return None;
    }
    Reply::new(code, enhanced.or(EnhancedCode::new(class, 0, 0)), text)
}

impl AsRef<Reply> for PermReply {
    fn as_ref(&self) -> &Reply {
        &self.0
    }
}

impl AsRef<Reply> for TempReply {
    fn as_ref(&self) -> &Reply {
        &self.0
    }
}

impl From<PermReply> for Reply {
    fn from(refusal: PermReply) -> Reply {
        refusal.0
    }
}

impl From<TempReply> for Reply {
    fn from(refusal: TempReply) -> Reply {
        refusal.0
    }
}

/// Gives the reply back if it is not 5yz.
impl TryFrom<Reply> for PermReply {
    type Error = Reply;

    fn try_from(reply: Reply) -> Result<PermReply, Reply> {
        if reply.is_permanent() { Ok(PermReply(reply)) } else { Err(reply) }
    }
}

/// Gives the reply back if it is not 4yz.
impl TryFrom<Reply> for TempReply {
    type Error = Reply;

    fn try_from(reply: Reply) -> Result<TempReply, Reply> {
        if reply.is_temporary() { Ok(TempReply(reply)) } else { Err(reply) }
    }
}
