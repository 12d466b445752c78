//! A ready queue: what one source sends to one site.
//!
//! Messages come in from lanes while there is room in the buffer, and go out to connections one at a time, again fairly
//! over tenants and queues, so that a deep buffer delays nobody. It also says how many connections it wants: the more
//! messages the more, up to the limit, and no more for a while after one was refused.
//!
//! Connections are opened and closed outside; only their number and state are known here.

use std::{collections::HashMap, sync::Arc};

use tollgate_message::Timestamp;

use super::{
    fairness::{COST, Fairness},
    limits::{Limits, OwnLimits, Throttles},
    site::Site,
};
use crate::{
    engine::Ticket,
    scheduled::{
        entry::{Handle, Slab},
        list::List,
    },
};

/// What a ready queue needs done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Want {
    Nothing,
    /// Another connection.
    Connect,
    /// This idle connection to go on.
    Wake(u32),
}

/// Mail from one source to one site.
#[derive(Debug)]
pub(crate) struct ReadyQueue {
    pub(crate) name: String,
    pub(crate) source: Arc<str>,
    pub(crate) site: u32,
    pub(crate) limits: Limits,
    /// The buckets that its rates are.
    pub(crate) throttles: Throttles,
    own: OwnLimits,
    /// Whether it is being asked what holds for it alone; until that is known, nothing is promised to it.
    pub(crate) asked: bool,
    pub(crate) buffer: Buffer,
    /// The lanes that feed it: one for each pool with this source.
    pub(crate) lanes: Vec<u32>,
    /// Whose turn it is among the lanes.
    pub(crate) turn: usize,
    /// Open connections, those still being opened included.
    pub(crate) connections: u32,
    /// Those with a message.
    pub(crate) busy: u32,
    /// Those that wait for a message, the latest last.
    pub(crate) idle: Vec<u32>,
    /// Whether a refused connection keeps it from opening more.
    pub(crate) holding: bool,
    /// Whether any connection succeeded since it last had none.
    pub(crate) reached: bool,
    /// How many connections failed to come about since one succeeded.
    pub(crate) failures: u32,
    /// How many of them since it last had none.
    pub(crate) failed: u32,
    /// Whether it sends nothing.
    pub(crate) suspended: bool,
    /// Whether others have all the connections that it shares with them.
    pub(crate) crowded_out: bool,
    /// Its place in the line for being picked, while its rate lets it be promised nothing.
    pub(crate) selection_ticket: Option<Ticket>,
    /// Its place in the line for its next message, while its rate lets none through.
    pub(crate) message_ticket: Option<Ticket>,
    /// Its place in the line for its next connection.
    pub(crate) connection_ticket: Option<Ticket>,
    /// Whether it is on the engine's list of those that may want something.
    pub(crate) listed: bool,
    /// When the messages in its buffer are looked over for their age.
    pub(crate) look: Option<Timestamp>,
}

impl ReadyQueue {
    pub(crate) fn new(source: &str, site: u32, of: &Site, limits: Limits) -> Self {
        let mut queue = Self {
            name: of.ready_name(source),
            source: source.into(),
            site,
            throttles: Throttles::default(),
            limits: Limits::default(),
            own: OwnLimits::default(),
            asked: false,
            buffer: Buffer::default(),
            lanes: Vec::new(),
            turn: 0,
            connections: 0,
            busy: 0,
            idle: Vec::new(),
            holding: false,
            reached: false,
            failures: 0,
            failed: 0,
            suspended: false,
            crowded_out: false,
            selection_ticket: None,
            message_ticket: None,
            connection_ticket: None,
            listed: false,
            look: None,
        };
        queue.limit_by_site(limits);
        queue
    }

    /// Takes what is said for it alone, over what holds at its site.
    pub(crate) fn limit(&mut self, own: OwnLimits, at_site: Limits) {
        (self.own, self.asked) = (own, false);
        self.limit_by_site(at_site);
    }

    /// Takes what holds at its site, under what is said for it alone.
    pub(crate) fn limit_by_site(&mut self, at_site: Limits) {
        self.limits = self.own.over(at_site);
        self.throttles = Throttles::of(&self.limits, &self.name);
    }

    /// Returns whether another message may be promised to it: it is neither full nor suspended, its limits are known, and it
    /// does not wait to be picked.
    pub(crate) fn has_room(&self) -> bool {
        let waits = self.suspended || self.asked || self.selection_ticket.is_some();
        !waits && self.buffer.len < self.limits.max_ready.max(1)
    }

    /// Takes it out of all lines, which it is to leave.
    pub(crate) fn take_tickets(&mut self) -> impl Iterator<Item = Ticket> + use<> {
        let tickets = [&mut self.selection_ticket, &mut self.message_ticket, &mut self.connection_ticket];
        tickets.map(Option::take).into_iter().flatten()
    }

    /// Returns whether it neither has nor does anything, so that nobody would miss it.
    pub(crate) fn is_unused(&self) -> bool {
        let tickets = [self.selection_ticket, self.message_ticket, self.connection_ticket];
        self.buffer.len == 0 && self.connections == 0 && !self.listed && tickets.iter().all(Option::is_none)
    }

    /// Returns whether each of its messages has a connection that is about to ask for it, so that none waits for a limit.
    pub(crate) fn serves_all(&self) -> bool {
        !self.suspended && self.message_ticket.is_none() && self.buffer.len <= self.coming()
    }

    /// Returns how many connections are being opened or woken, or are between two messages: they will ask for one without
    /// being told.
    fn coming(&self) -> u32 {
        let idle = u32::try_from(self.idle.len()).expect("no more are idle than are open");
        self.connections - self.busy - idle
    }

    /// Returns what it needs done, and takes it as done.
    pub(crate) fn want(&mut self) -> Want {
        if self.buffer.len <= self.coming() || self.message_ticket.is_some() {
            return Want::Nothing;
        }
        if let Some(connection) = self.idle.pop() {
            return Want::Wake(connection);
        }
        let waits = self.holding || self.crowded_out || self.connection_ticket.is_some();
        let messages = self.buffer.len.saturating_add(self.busy);
        if waits || self.connections >= self.limits.connections_for(messages) {
            return Want::Nothing;
        }
        self.connections += 1;
        Want::Connect
    }
}

/// Messages promised to a source, in fair order.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    turns: Fairness,
    lists: HashMap<u32, List>,
    len: u32,
}

impl Buffer {
    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    /// Returns whether messages of this queue are in it.
    pub(crate) fn has(&self, queue: u32) -> bool {
        self.lists.contains_key(&queue)
    }

    /// Returns all messages in it, in no order.
    pub(crate) fn handles<'a>(&'a self, slab: &'a Slab) -> impl Iterator<Item = Handle> + 'a {
        self.lists.values().flat_map(|list| list.iter(slab))
    }

    pub(crate) fn push(&mut self, slab: &mut Slab, handle: Handle, tenant: u32) {
        let queue = slab[handle].queue;
        let list = self.lists.entry(queue).or_insert_with(|| {
            self.turns.join(tenant, queue);
            List::new()
        });
        list.push_back(slab, handle);
        self.len += 1;
    }

    pub(crate) fn pop(&mut self, slab: &mut Slab) -> Option<Handle> {
        let (tenant, queue) = self.turns.turn()?;
        let list = self.lists.get_mut(&queue).expect("a queue has a turn as long as it has a list");
        let handle = list.pop_front(slab).expect("a list is dropped with its last message");
        self.turns.charge(COST);
        self.shrink(tenant, queue);
        Some(handle)
    }

    /// Takes out a message that is in this buffer.
    pub(crate) fn remove(&mut self, slab: &mut Slab, handle: Handle, tenant: u32) {
        let queue = slab[handle].queue;
        let list = self.lists.get_mut(&queue).expect("a message in the buffer is in its queue's list");
        list.remove(slab, handle);
        self.shrink(tenant, queue);
    }

    fn shrink(&mut self, tenant: u32, queue: u32) {
        self.len -= 1;
        if self.lists.get(&queue).is_some_and(List::is_empty) {
            self.lists.remove(&queue);
            self.turns.leave(tenant, queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_message::MessageId;

    use super::*;

    fn ready(limit: u32, waiting: u32) -> ReadyQueue {
        let site = Site::of_literal("[10.0.0.1]");
        let limits = Limits { connection_limit: limit, ..Limits::default() };
        let mut ready = ReadyQueue::new("ip-1", 0, &site, limits);
        ready.buffer.len = waiting;
        ready
    }

    fn wants(ready: &mut ReadyQueue) -> Vec<Want> {
        std::iter::from_fn(|| Some(ready.want()).filter(|want| *want != Want::Nothing)).collect()
    }

    #[test]
    fn the_more_messages_wait_the_more_connections_it_wants_up_to_the_limit() {
        let wanted = [(3, 0), (3, 2), (3, 100), (0, 7), (32, 1), (32, 4), (32, 10), (32, 64)]
            .map(|(limit, waiting)| wants(&mut ready(limit, waiting)).len());

        assert_eq!(wanted, [0, 1, 3, 0, 1, 3, 7, 25]);
    }

    #[test]
    fn it_wakes_idle_connections_before_it_opens_more() {
        let mut ready = ready(400, 3);
        (ready.connections, ready.idle) = (2, vec![7, 9]);

        assert_eq!(wants(&mut ready), [Want::Wake(9), Want::Wake(7), Want::Connect]);
    }

    #[test]
    fn it_opens_none_after_a_refusal() {
        let mut ready = ready(4, 3);
        (ready.connections, ready.busy, ready.holding) = (1, 1, true);

        assert_eq!(wants(&mut ready), []);
    }

    #[test]
    fn a_deep_buffer_delays_no_other_tenant() {
        let (mut slab, mut buffer) = (Slab::new(), Buffer::default());
        let mut add = |slab: &mut Slab, queue, tenant| {
            let handle = slab.insert(MessageId::from_bytes([0; 16]), queue, Timestamp::default(), 0, None);
            buffer.push(slab, handle, tenant);
        };
        (0..1000).for_each(|_| add(&mut slab, 1, 1));
        add(&mut slab, 2, 2);

        let popped: Vec<_> = (0..3).filter_map(|_| buffer.pop(&mut slab)).collect();
        let queues: Vec<_> = popped.into_iter().map(|handle| slab[handle].queue).collect();

        assert_eq!(queues, [1, 2, 1]);
    }
}
