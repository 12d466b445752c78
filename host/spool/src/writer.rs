//! The writer: the one thread that owns the journal.
//!
//! In come requests over a channel; they leave in groups. No timer: an idle writer commits what arrives at once, and
//! whatever arrives during its sync is the next group. Requests that wait for space keep their place in front.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use crate::journal::Journal;
use crate::request::Request;
use crate::shared::Health;

/// Octets of a group at most, unless one request alone is larger.
const OCTETS: u64 = 4 << 20;
/// Requests of a group at most.
const REQUESTS: usize = 1024;
/// How often a full disk is asked for room when nothing else happens.
const RETRY: Duration = Duration::from_secs(1);

/// Runs until all senders are gone, then closes the journal.
pub(crate) fn run(mut journal: Journal, requests: Receiver<Request>) {
    // Half a segment leaves the other half for moves.
    let mut inbox = Inbox {
        requests,
        waiting: VecDeque::new(),
        octets: OCTETS.min(journal.segments.capacity() / 2),
        blocked: false,
    };
    while inbox.fill(&journal) {
        let group = inbox.next_group();
        let refused = journal.commit(group);
        inbox.put_back(refused);
    }
    while !inbox.waiting.is_empty() {
        let group = inbox.next_group();
        if !journal.commit(group).is_empty() {
            break;
        }
    }
    journal.close();
}

struct Inbox {
    requests: Receiver<Request>,
    waiting: VecDeque<Request>,
    octets: u64,
    /// The requests in front found no room.
    blocked: bool,
}

impl Inbox {
    /// Takes in what has arrived, and waits for something to do if there is nothing. False: nobody is left to ask.
    fn fill(&mut self, journal: &Journal) -> bool {
        if (self.blocked || self.waiting.is_empty()) && !journal.wants_to_move() && !self.wait(journal) {
            return false;
        }
        loop {
            match self.requests.try_recv() {
                Ok(request) => self.waiting.push_back(request),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn wait(&mut self, journal: &Journal) -> bool {
        let patience = if journal.shared.health() == Health::Full { RETRY } else { Duration::MAX };
        match self.requests.recv_timeout(patience) {
            Ok(request) => self.waiting.push_back(request),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    fn next_group(&mut self) -> Vec<Request> {
        let mut group = Vec::new();
        let mut octets = 0;
        while let Some(request) = self.waiting.pop_front() {
            octets += request.size();
            if !group.is_empty() && (octets > self.octets || group.len() == REQUESTS) {
                self.waiting.push_front(request);
                break;
            }
            group.push(request);
        }
        group
    }

    fn put_back(&mut self, refused: Vec<Request>) {
        self.blocked = !refused.is_empty();
        refused.into_iter().rev().for_each(|request| self.waiting.push_front(request));
    }
}
