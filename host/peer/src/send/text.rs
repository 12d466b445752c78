//! The text of load messages: a configuration and a number in, an envelope and the octets to send out.
//!
//! What all messages of a run share is made once, ready for the wire; only the fields with the number are made anew. The
//! body is lines of 70 letters, none of which begins with a dot.

use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_smtp::client::OutEnvelope;
use tollgate_smtp::data::stuff_into;

use super::{SendConfig, SendError};

/// Letters in a line of a body.
const LINE: usize = 70;

#[derive(Debug)]
pub(super) struct Template {
    /// Tells the messages of one run from those of another.
    run: u64,
    /// Everything behind the fields with the number, final dot included.
    rest: Vec<u8>,
    /// How many octets of `rest` are not part of the message.
    dot: usize,
    sender: Option<String>,
    recipient: String,
}

impl Template {
    pub(super) fn new(config: &SendConfig) -> Result<Template, SendError> {
        let mut rest = header(config)?.into_bytes();
        rest.extend(body(config.size));
        let mut wire = Vec::new();
        stuff_into(&rest, &mut wire)?;
        Ok(Template {
            run: new_run(),
            dot: wire.len() - rest.len(),
            rest: wire,
            sender: (!config.from.is_empty()).then(|| config.from.clone()),
            recipient: config.recipient.clone(),
        })
    }

    /// Returns the part of each number that is the run's.
    pub(super) fn run(&self) -> String {
        format!("{:x}", self.run)
    }

    /// Puts a message into `wire`, ready to send behind 354, and returns its envelope.
    pub(super) fn fill(&self, number: u64, wire: &mut Vec<u8>) -> OutEnvelope {
        use std::io::Write;
        let Template { run, .. } = self;
        let recipient = self.recipient.replace("{n}", &number.to_string());
        wire.clear();
        write!(
            wire,
            "Message-ID: <{run:x}.{number:x}@load.invalid>\r\nX-Load-Id: {run:x}-{number:x}\r\nTo: <{recipient}>\r\n"
        )
        .expect("a vector takes what is written to it");
        wire.extend_from_slice(&self.rest);
        OutEnvelope {
            sender: self.sender.clone(),
            recipients: vec![recipient],
            size: (wire.len() - self.dot) as u64,
            eight_bit: false,
            smtputf8: false,
        }
    }
}

fn header(config: &SendConfig) -> Result<String, SendError> {
    let date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap_or_default();
    let mut header = format!("Date: {date}\r\nFrom: <{}>\r\nSubject: load\r\n", config.from);
    for (name, value) in &config.headers {
        let printable = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !printable || value.contains(['\r', '\n', '\0']) {
            return Err(SendError::Header(name.clone()));
        }
        header.push_str(&format!("{name}: {value}\r\n"));
    }
    header.push_str("\r\n");
    Ok(header)
}

/// Returns `size` octets of lines; the last one ends with CRLF if there is room for one.
fn body(size: usize) -> Vec<u8> {
    let letters = (b'a'..=b'z').cycle();
    let mut body: Vec<u8> = Vec::with_capacity(size + LINE);
    for letter in letters {
        if body.len() + 2 >= size {
            break;
        }
        let length = LINE.min(size - 2 - body.len());
        body.extend(std::iter::repeat_n(letter, length));
        body.extend(b"\r\n");
    }
    // Less than a line end is left over, so it is put into the last line.
    let short = size - body.len().min(size);
    let at = body.len().saturating_sub(2);
    body.splice(at..at, std::iter::repeat_n(b'+', short));
    body
}

/// Returns a number that no other run has: the time, in nanoseconds.
fn new_run() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Template, body};
    use crate::send::SendConfig;

    #[test]
    fn bodies_have_the_size_that_was_asked_for() {
        for size in [0, 1, 2, 3, 71, 72, 73, 74, 75, 144, 145, 1000, 1024, 65_536] {
            assert_eq!(body(size).len(), size, "{size}");
        }
    }

    #[test]
    fn a_message_says_its_number_and_its_size() {
        let config = SendConfig { size: 10, headers: vec![("X-Tenant".into(), "one".into())], ..SendConfig::default() };
        let template = Template::new(&config).unwrap();
        let mut wire = Vec::new();

        let envelope = template.fill(26, &mut wire);

        let text = String::from_utf8(wire).unwrap();
        let numbered = text.contains(&format!("X-Load-Id: {}-1a\r\nTo: <u26@example.com>\r\n", template.run()));
        let ends = text.ends_with("X-Tenant: one\r\n\r\naaaaaaaa\r\n.\r\n");
        assert!(numbered && ends && envelope.size == text.len() as u64 - 3, "{text}");
    }

    #[test]
    fn a_header_that_would_add_another_is_refused() {
        let config = SendConfig { headers: vec![("X-A".into(), "b\r\nX-C: d".into())], ..SendConfig::default() };

        assert!(Template::new(&config).is_err());
    }
}
