//! A delivery's course over the connection: which command is next, and when it is over.
//!
//! Commands go out one at a time, each awaiting its reply, or all at once with PIPELINING; replies are matched to
//! commands by their order alone. Whatever happens, the delivery leaves the client with one outcome for each recipient.
//! A sender that the server may still hold is cleared by RSET in front of the next delivery, not before: often there is
//! none.
//!
//! Rules: RFC 5321 §3.3, §4.1.1.4, §4.1.1.5; RFC 2920 §3.1 (a message for nobody is a lone dot).

use super::delivery::Delivery;
use super::{Awaited, BrokenReason, Client, SaidBy, Step};
use crate::replies;
use crate::reply::Reply;

impl Client {
    /// Sends the first command of a delivery, or all of them.
    pub(super) fn begin(&mut self, delivery: Delivery) -> Step {
        let pipelining = self.capabilities.pipelining;
        let mut commands = String::new();
        if std::mem::take(&mut self.half_done) {
            commands.push_str("RSET\r\n");
            self.awaited.push_back(Awaited::Rset);
        }
        if pipelining || commands.is_empty() {
            commands.push_str(delivery.mail());
            self.awaited.push_back(Awaited::Mail);
        }
        if pipelining {
            self.add_recipients_and_data(&delivery, &mut commands);
        }
        self.delivery = Some(delivery);
        Step::Send(commands.into_bytes())
    }

    fn add_recipients_and_data(&mut self, delivery: &Delivery, commands: &mut String) {
        let mut next = delivery.next_to_ask(None);
        while let Some(index) = next {
            commands.push_str(&delivery.rcpt(index));
            self.awaited.push_back(Awaited::Rcpt(index));
            next = delivery.next_to_ask(next);
        }
        commands.push_str("DATA\r\n");
        self.awaited.push_back(Awaited::Data);
    }

    pub(super) fn on_rset(&mut self, reply: Reply) -> Step {
        if !reply.is_positive() {
            return self.break_off(BrokenReason::Unexpected(reply));
        }
        if !self.awaited.is_empty() {
            return Step::Wait;
        }
        let mail = self.delivery().mail().to_owned();
        self.send(&mail, Awaited::Mail)
    }

    pub(super) fn on_mail(&mut self, reply: &Reply) -> Step {
        self.delivery().on_mail(reply);
        if !self.awaited.is_empty() {
            return Step::Wait;
        }
        if reply.is_positive() { self.ask_next(None) } else { self.finish(false) }
    }

    pub(super) fn on_rcpt(&mut self, index: usize, reply: Reply) -> Step {
        self.delivery().on_rcpt(index, reply);
        if self.awaited.is_empty() { self.ask_next(Some(index)) } else { Step::Wait }
    }

    /// Sends the next RCPT, or DATA behind the last, if there is anybody to send to.
    fn ask_next(&mut self, after: Option<usize>) -> Step {
        let delivery = self.delivery();
        if let Some(index) = delivery.next_to_ask(after) {
            let rcpt = delivery.rcpt(index);
            return self.send(&rcpt, Awaited::Rcpt(index));
        }
        if delivery.has_accepted() { self.send("DATA\r\n", Awaited::Data) } else { self.finish(true) }
    }

    pub(super) fn on_data(&mut self, reply: Reply) -> Step {
        match reply.code() {
            354 if self.delivery().has_accepted() => {
                self.awaited.push_back(Awaited::Dot);
                Step::SendMessage
            }
            354 => self.send(".\r\n", Awaited::LoneDot),
            400..=599 => {
                self.delivery().settle_rest(&reply, SaidBy::Peer);
                let half_done = self.delivery().sender_accepted();
                self.finish(half_done)
            }
            _ => self.break_off(BrokenReason::Unexpected(reply)),
        }
    }

    pub(super) fn on_dot(&mut self, reply: &Reply) -> Step {
        self.delivery().settle_rest(reply, SaidBy::Peer);
        self.finish(false)
    }

    /// Ends the delivery. `half_done`: whether the server may still hold its sender.
    pub(super) fn finish(&mut self, half_done: bool) -> Step {
        self.half_done = half_done;
        Step::Finished(self.delivery.take().map(Delivery::into_outcomes).unwrap_or_default())
    }

    /// Ends the connection at the server's word: who has no outcome yet gets that word.
    pub(super) fn shut_down(&mut self, reply: Reply) -> Step {
        let recipients = self.abandon_as(&reply, SaidBy::Peer);
        Step::Broken { reason: BrokenReason::ShuttingDown(reply), recipients }
    }

    /// Ends the connection because it makes no sense to go on.
    pub(super) fn break_off(&mut self, reason: BrokenReason) -> Step {
        let recipients = self.abandon(&replies::connection_broken());
        Step::Broken { reason, recipients }
    }

    fn delivery(&mut self) -> &mut Delivery {
        self.delivery.as_mut().expect("replies to commands of a delivery are awaited only while there is one")
    }
}
