//! What each command does to a session: the order in which commands may come, and what is refused without asking.
//!
//! A line comes in, while no answer is owed and no data is awaited; it leaves a reply or a question in the session's
//! events. Every command at fault counts, whatever is wrong with it; a refusal by the driver or by a limit does not.
//!
//! Rules: RFC 5321 §4.1.4 (order of commands), §4.5.3.1.10 (too many recipients), RFC 1870 §6.1, RFC 6531 §3.5.

use super::{Envelope, Event, MAX_BAD_COMMANDS, Peer, Session, State};
use crate::address::{ForwardPath, ReversePath};
use crate::command::{self, Command, MailParams};
use crate::data::{DEFAULT_MAX_LINE_LENGTH, DataLimits, DataReader};
use crate::line::LineError;
use crate::replies;
use crate::reply::Reply;

impl Session {
    pub(super) fn take_line(&mut self, line: Result<Vec<u8>, LineError>) {
        match line.map_err(replies::bad_line).and_then(|line| command::parse(&line)) {
            Ok(command) => self.run(command),
            Err(reply) => self.bad_command(reply),
        }
    }

    fn run(&mut self, command: Command) {
        match command {
            Command::Ehlo(domain) => self.hello(domain, true),
            Command::Helo(domain) => self.hello(domain, false),
            Command::Mail { path, params } => self.mail(path, params),
            Command::Rcpt { path } => self.rcpt(path),
            Command::Data => self.data(),
            Command::Rset => {
                self.state = State::Idle;
                self.reply(replies::ok());
            }
            Command::Noop => self.reply(replies::ok()),
            Command::Vrfy => self.reply(replies::cannot_verify()),
            Command::Help => self.reply(replies::help()),
            Command::Quit => {
                self.close();
                self.reply(replies::closing());
            }
            Command::Expn | Command::StartTls | Command::Auth => self.bad_command(replies::not_implemented()),
        }
    }

    fn hello(&mut self, domain: String, esmtp: bool) {
        let before = Box::new(std::mem::replace(&mut self.state, State::Idle));
        self.events.push_back(Event::AskHello { domain: domain.clone() });
        self.state = State::AskedHello(Peer { domain, esmtp }, before);
    }

    /// Greets a client by its name; also ends a transaction, as if RSET had come (RFC 5321 §4.1.4).
    pub(super) fn greet(&mut self, peer: Peer) {
        let reply = if peer.esmtp {
            replies::ehlo(&self.config.hostname, self.config.max_message_size)
        } else {
            replies::helo(&self.config.hostname)
        };
        self.peer = Some(peer);
        self.state = State::Idle;
        self.reply(reply);
    }

    fn mail(&mut self, sender: ReversePath, params: MailParams) {
        if self.peer.is_none() || !matches!(self.state, State::Idle) {
            return self.bad_command(replies::bad_sequence());
        }
        if !params.smtputf8 && !sender.is_ascii() {
            return self.reply(replies::utf8_not_requested());
        }
        if params.size.is_some_and(|size| size > self.config.max_message_size) {
            return self.reply(replies::too_large());
        }
        self.state = State::AskedMail(Envelope { sender: sender.clone(), recipients: Vec::new(), params });
        self.events.push_back(Event::AskMail { sender, params });
    }

    fn rcpt(&mut self, recipient: ForwardPath) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Open(envelope) => match self.limit_passed(&envelope, &recipient) {
                Some(refusal) => {
                    self.state = State::Open(envelope);
                    self.reply(refusal);
                }
                None => {
                    self.state = State::AskedRcpt(envelope, recipient.clone());
                    self.events.push_back(Event::AskRcpt { recipient });
                }
            },
            state => {
                self.state = state;
                self.bad_command(replies::bad_sequence());
            }
        }
    }

    fn limit_passed(&self, envelope: &Envelope, recipient: &ForwardPath) -> Option<Reply> {
        if envelope.recipients.len() >= self.config.max_recipients {
            return Some(replies::too_many_recipients());
        }
        (!envelope.params.smtputf8 && !recipient.is_ascii()).then(replies::utf8_not_requested)
    }

    fn data(&mut self) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Open(envelope) if envelope.recipients.is_empty() => {
                self.state = State::Open(envelope);
                self.bad_command(replies::no_recipients());
            }
            State::Open(envelope) => {
                let max_size = self.config.max_message_size;
                let limits = DataLimits { max_size, max_line_length: DEFAULT_MAX_LINE_LENGTH };
                self.state = State::Receiving(envelope, DataReader::new(limits));
                self.reply(replies::start_data());
            }
            state => {
                self.state = state;
                self.bad_command(replies::bad_sequence());
            }
        }
    }

    fn bad_command(&mut self, reply: Reply) {
        self.bad_commands += 1;
        if self.bad_commands >= MAX_BAD_COMMANDS {
            self.reply(replies::too_many_errors().into());
        } else {
            self.reply(reply);
        }
    }
}
