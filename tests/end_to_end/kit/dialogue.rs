//! An SMTP client that says what it is told to, right or wrong.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use super::wait::PATIENCE;

/// A connection, greeted.
pub(crate) struct Dialogue(BufReader<TcpStream>);

impl Dialogue {
    /// Connects, reads the greeting and says EHLO.
    pub(crate) fn open(to: SocketAddr) -> Self {
        Self::over(TcpStream::connect(to).unwrap())
    }

    /// Does so from an address of this machine.
    pub(crate) fn open_from(from: &str, to: SocketAddr) -> Self {
        Self::over(super::connect_from(from, to))
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut dialogue = Self(BufReader::new(stream));
        dialogue.reply();
        dialogue.say("EHLO client.example");
        dialogue
    }

    /// Sends octets as they are.
    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.0.get_mut().write_all(octets).unwrap();
    }

    /// Sends a line and returns the reply to it.
    pub(crate) fn say(&mut self, line: &str) -> String {
        self.octets(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// Sends lines and returns the reply to each.
    pub(crate) fn say_all<const N: usize>(&mut self, lines: [&str; N]) -> Vec<String> {
        lines.iter().map(|line| super::without_ids(&self.say(line))).collect()
    }

    /// Sends an envelope, and DATA, which must be asked for.
    pub(crate) fn begin(&mut self, sender: &str, recipient: &str) {
        let replies = self.say_all([&format!("MAIL FROM:<{sender}>"), &format!("RCPT TO:<{recipient}>"), "DATA"]);
        assert!(replies.last().is_some_and(|reply| reply.starts_with("354")), "{replies:?}");
    }

    /// Sends a message that needs no dot-stuffing, and returns the reply to it without ids.
    pub(crate) fn message(&mut self, recipient: &str, message: &str) -> String {
        self.begin(super::SENDER, recipient);
        super::without_ids(&self.say(&format!("{message}.")))
    }

    /// Reads whatever else comes until the other side closes.
    pub(crate) fn end(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }

    /// Reads a reply, its lines joined by line ends.
    pub(crate) fn reply(&mut self) -> String {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line.trim_end().to_owned());
            if last {
                return lines.join("\n");
            }
        }
    }
}
