//! How long each phase of a connection may take.
//!
//! Each time is counted from when the phase began to its end, however many octets trickle in between, so that a peer that
//! sends one octet a second is given up like one that sends none.
//!
//! Rules: RFC 5321 §4.5.3.2, whose values are lower bounds for a peer that is slow and honest; the defaults are shorter
//! where waiting helps nobody.

use std::time::Duration;

use tollgate_smtp::client::Phase;

/// Patience with a peer, phase by phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection to be established; each candidate has its own. Default 60 s.
    pub connect: Duration,
    /// For the greeting. Default 60 s.
    pub banner: Duration,
    /// For the answer to EHLO or HELO. Default 300 s.
    pub ehlo: Duration,
    /// For the answer to MAIL. Default 300 s.
    pub mail: Duration,
    /// For the answer to each RCPT. Default 300 s.
    pub rcpt: Duration,
    /// For the answer to DATA, and for each 64 KiB of the message to be taken. Default 300 s.
    pub data: Duration,
    /// For the answer to the final dot. Default 600 s: giving up here doubles messages.
    pub dot: Duration,
    /// For the answer to RSET. Default 5 s.
    pub rset: Duration,
    /// For the answer to QUIT. Default 5 s.
    pub quit: Duration,
    /// For how long the owner of a connection may keep it without a message. Default 5 s.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let (short, minute, long) = (Duration::from_secs(5), Duration::from_secs(60), Duration::from_secs(300));
        Timeouts {
            connect: minute,
            banner: minute,
            ehlo: long,
            mail: long,
            rcpt: long,
            data: long,
            dot: 2 * long,
            rset: short,
            quit: short,
            idle: short,
        }
    }
}

impl Timeouts {
    /// Returns the time for the reply that is awaited.
    pub(crate) fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Banner => self.banner,
            Phase::Ehlo => self.ehlo,
            Phase::MailFrom => self.mail,
            Phase::RcptTo => self.rcpt,
            Phase::Data => self.data,
            Phase::DataDot => self.dot,
            Phase::Rset => self.rset,
            Phase::Quit | Phase::Ready | Phase::Closed => self.quit,
        }
    }
}
