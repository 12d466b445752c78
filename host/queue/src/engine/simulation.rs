//! A shell that does everything at random, against what must hold whatever it does.
//!
//! Each message is followed from its insertion to its one final disposition; after each step the engine's books are
//! compared with its lists, and at the end everything that is left has to go out.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use tollgate_message::Schedule;

use super::{
    tests::{id, number},
    *,
};
use crate::{
    handover::{Disposition, Outcome},
    ready::{Hosts, Limits, Maildir, OwnLimits, Pool, Shared, Site},
    scheduled::{QueueConfig, Route, entry::Place, queue::Standing},
    throttle::{Rate, Throttle},
};

const START: u64 = 1_790_000_000_000;
const LIMIT: u32 = 3;
const QUEUES: [&str; 6] =
    ["a.example", "t1@a.example", "c:t1@b.example", "t2@b.example", "c:t2@c.example", "t3@c.example"];

impl Engine {
    /// Checks that the books agree with the lists.
    fn audit(&self) {
        let mut promised: BTreeMap<u32, u32> = BTreeMap::new();
        let mut waiting = 0;
        for (index, queue) in self.queues.iter() {
            let (mut due, mut ready, mut flight, mut wheel) = (0, 0, 0, 0);
            for handle in self.slab.of_queue(index) {
                match self.slab[handle].place {
                    Place::Wheel(_) => wheel += 1,
                    Place::Due => due += 1,
                    Place::Ready(of) => {
                        ready += 1;
                        *promised.entry(of).or_default() += 1;
                    }
                    Place::Flight(_) => flight += 1,
                    Place::Nowhere => panic!("a message is nowhere"),
                }
            }
            waiting += wheel;
            let books = (queue.due.len(), queue.ready, queue.in_flight, queue.messages);
            assert_eq!(books, (due, ready, flight, due + ready + flight + wheel), "{}", queue.name);
            let left_alone = due > 0 && !queue.is_parked() && matches!(queue.standing, Standing::Rest);
            assert!(!left_alone, "nobody serves {}", queue.name);
            self.throttling.audit(index, &queue.standing);
        }
        assert_eq!(waiting as usize, self.wheel.len());
        for (index, ready) in self.egress.readies.iter() {
            assert_eq!(ready.buffer.len(), promised.remove(&index).unwrap_or(0));
            assert!(ready.connections <= LIMIT && ready.busy <= ready.connections);
        }
        for (index, lane) in self.egress.lanes.iter() {
            assert!(lane.turns.is_empty() || !self.egress.has_room(index), "a lane waits though there is room");
        }
    }
}

/// What is known about a message from outside.
struct Known {
    due: Timestamp,
    attempts: u32,
    schedule: Schedule,
    in_flight: bool,
    ended: bool,
}

struct World {
    engine: Engine,
    now: Timestamp,
    messages: BTreeMap<u64, Known>,
    opening: Vec<Lease>,
    open: Vec<Lease>,
    flying: Vec<(u64, Permit)>,
    asked: Vec<QueueIndex>,
}

impl World {
    fn new(seed: u64) -> Self {
        let settings = EgressSettings { pools: vec![pool(2)], limits: limits(seed), ..EgressSettings::default() };
        let (mut engine, now) = (Engine::new(settings, seed), Timestamp::from_millis(START));
        engine.ask_paths(now, seed.is_multiple_of(5));
        Self {
            engine,
            now,
            messages: BTreeMap::new(),
            opening: Vec::new(),
            open: Vec::new(),
            flying: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn queue(&mut self, pick: u64) -> QueueIndex {
        let name = QueueName::parse(QUEUES[pick as usize % QUEUES.len()]);
        let known = self.engine.queue(&name);
        known.unwrap_or_else(|| self.engine.define_queue(self.now, name, config(pick)))
    }

    fn step(&mut self, operation: u8, pick: u64) {
        match operation {
            0..=4 => self.insert(pick),
            5 | 6 => self.pass(Duration::from_millis(pick % 40_000)),
            7 => self.pass(Duration::from_secs(pick % 4000)),
            8..=12 => self.ask(pick),
            13..=16 => self.finish(pick),
            17 | 18 => self.close(pick),
            19 => self.abandon(pick),
            20 => self.suspend(pick),
            21 => self.reconfigure(pick),
            22 if pick.is_multiple_of(5) => self.engine.set_limits(self.now, limits(pick / 5), HashMap::new()),
            22 => self.engine.define_pool(self.now, pool(pick as u32 % 4)),
            23 | 24 => self.answer(pick),
            25 if pick.is_multiple_of(3) => self.suspend_source(pick),
            25 => self.rearrange(pick),
            _ => drop(self.engine.reap(self.now)),
        }
        self.drain();
        self.engine.audit();
        self.engine.audit_looks(self.now);
    }

    fn insert(&mut self, pick: u64) {
        let queue = self.queue(pick);
        let key = self.messages.len() as u64;
        let later = |milliseconds| self.now + Duration::from_millis(milliseconds);
        let due = if pick.is_multiple_of(3) { later(pick % 90_000) } else { self.now };
        let schedule = Schedule {
            first_attempt: pick.is_multiple_of(5).then(|| later(pick % 200_000)),
            expires: pick.is_multiple_of(7).then(|| later(1 + pick % 300_000)),
            window: None,
        };
        let boxed = (schedule != Schedule::default()).then(|| Box::new(schedule.clone()));
        self.messages.insert(key, Known { due, attempts: 0, schedule, in_flight: false, ended: false });
        let message =
            NewMessage { id: id(self.now, key), queue, due, attempts: 0, schedule: boxed, entrance: Entrance::Fresh };
        self.engine.insert(self.now, message);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.engine.advance(self.now);
    }

    fn ask(&mut self, pick: u64) {
        let leases = if pick.is_multiple_of(2) { &mut self.opening } else { &mut self.open };
        if let Some(lease) = take(leases, pick) {
            self.ask_for(lease);
        }
    }

    fn ask_for(&mut self, lease: Lease) {
        match self.engine.next_delivery(self.now, lease) {
            Next::Deliver(delivery) => {
                let key = number(delivery.id);
                let known = self.messages.get_mut(&key).unwrap();
                assert!(known.due <= self.now && !known.in_flight && !known.ended);
                assert_eq!((known.attempts, known.schedule.adjust(self.now)), (delivery.attempts, self.now));
                assert!(known.schedule.expires.is_none_or(|expires| self.now < expires));
                known.in_flight = true;
                self.flying.push((key, delivery.permit));
            }
            Next::Idle(lease) => self.open.push(lease),
            Next::Close(lease) => self.engine.closed(self.now, lease, Closed::Finished),
        }
    }

    fn finish(&mut self, pick: u64) {
        let Some((key, permit)) = take(&mut self.flying, pick) else { return };
        let outcome = match pick % 5 {
            0 | 1 => Outcome::Transient,
            2 => Outcome::Requeue { after: Duration::from_millis(pick % 5000) },
            _ => Outcome::Done,
        };
        let (lease, disposition) = if pick % 10 == 1 {
            let not_before = self.now + Duration::from_millis(pick % 100_000);
            let queue = self.queue(pick / 10);
            self.engine.outcome_in(self.now, permit, Some(queue), Outcome::Postponed { not_before })
        } else {
            self.engine.outcome(self.now, permit, outcome)
        };
        self.open.push(lease);
        self.note(key, &disposition);
    }

    /// Notes what became of a message; a second end of the same one is what must not be.
    fn note(&mut self, key: u64, disposition: &Disposition) {
        let known = self.messages.get_mut(&key).unwrap();
        assert!(!known.ended, "message {key} ended twice");
        known.in_flight = false;
        match *disposition {
            Disposition::Retry { due, attempts } => (known.due, known.attempts) = (due, attempts),
            Disposition::Done | Disposition::Expired(_) => known.ended = true,
            Disposition::Void => panic!("a permit was void"),
        }
    }

    fn close(&mut self, pick: u64) {
        if let Some(lease) = take(&mut self.opening, pick) {
            self.engine.closed(self.now, lease, Closed::NotConnected("refused".into()));
        } else if let Some(lease) = take(&mut self.open, pick) {
            self.engine.closed(self.now, lease, Closed::Finished);
        }
    }

    fn abandon(&mut self, pick: u64) {
        let connection = match pick % 3 {
            0 => take(&mut self.opening, pick).map(|lease| lease.id()),
            1 => take(&mut self.open, pick).map(|lease| lease.id()),
            _ => take(&mut self.flying, pick).map(|(_, permit)| permit.connection()),
        };
        if let Some(connection) = connection {
            self.engine.abandoned(self.now, connection, &"died".into());
        }
    }

    fn suspend(&mut self, pick: u64) {
        let queue = self.queue(pick);
        match pick % 5 {
            0 | 1 => self.engine.park(queue, self.now + Duration::from_secs(pick % 900)),
            2 => self.engine.park(queue, FOREVER),
            _ => self.engine.resume(self.now, queue),
        }
    }

    fn suspend_source(&mut self, pick: u64) {
        let name = ready_name(pick);
        match pick % 4 {
            0 => self.engine.suspend_ready(self.now, &name, self.now + Duration::from_secs(pick % 900)),
            1 => self.engine.suspend_ready(self.now, &name, FOREVER),
            _ => self.engine.resume_ready(self.now, &name),
        }
    }

    fn reconfigure(&mut self, pick: u64) {
        let name = QueueName::parse(QUEUES[pick as usize % QUEUES.len()]);
        self.engine.define_queue(self.now, name, config(pick / 7));
    }

    fn answer(&mut self, pick: u64) {
        let Some(queue) = take(&mut self.asked, pick) else { return };
        let site = Site { name: format!("site-{}", pick % 2), hosts: Hosts::Named(vec!["host".to_owned()]) };
        let answer = match pick % 7 {
            0 => Err(ResolveError::Transient("no answer".into())),
            1 => Err(ResolveError::Permanent(NoRoute::NullMx, "null MX".into())),
            _ => Ok(Resolution { site, valid: Duration::from_secs(pick % 120) }),
        };
        self.engine.resolved(self.now, queue, answer);
    }

    fn rearrange(&mut self, pick: u64) {
        let (from, to) = (self.queue(pick), self.queue(pick / 11));
        if pick.is_multiple_of(2) {
            self.engine.flush(self.now, from);
            self.messages.values_mut().for_each(|known| known.due = known.due.min(self.now));
            return;
        }
        for Withdrawn { id, due, attempts, schedule } in self.engine.withdraw(self.now, from) {
            self.engine
                .insert(self.now, NewMessage { id, queue: to, due, attempts, schedule, entrance: Entrance::Fresh });
        }
    }

    fn drain(&mut self) {
        while let Some(action) = self.engine.next_action(self.now) {
            match action {
                Action::Resolve { queue, .. } => self.asked.push(queue),
                Action::Connect { lease, .. } => self.opening.push(lease),
                Action::Limit { source, site, .. } => {
                    let own = OwnLimits { max_ready: Some(3), ..OwnLimits::default() };
                    self.engine.limit_path(self.now, &source, &site, own);
                }
                Action::Wake(_) => {}
                Action::Settled(settled) => self.note(number(settled.id), &settled.disposition),
            }
        }
    }

    /// Lets everything that is left go out; returns how many messages never ended.
    fn wind_up(&mut self) -> usize {
        self.engine.define_pool(self.now, pool(2));
        for pick in 0..QUEUES.len() as u64 {
            let queue = self.queue(pick);
            self.engine.resume(self.now, queue);
        }
        (0..100).for_each(|pick| self.engine.resume_ready(self.now, &ready_name(pick)));
        for _ in 0..2000 {
            self.drain();
            self.engine.audit();
            while !self.asked.is_empty() {
                self.answer(5);
            }
            while !self.flying.is_empty() {
                self.finish(4);
            }
            let leases = self.opening.drain(..).chain(self.open.drain(..)).collect::<Vec<_>>();
            leases.into_iter().for_each(|lease| self.ask_for(lease));
            self.drain();
            if let Some(wake) = self.engine.next_wake().filter(|_| self.flying.is_empty() && self.asked.is_empty()) {
                self.now = self.now.max(wake);
                self.engine.advance(self.now);
            }
            self.drain();
            if self.engine.totals().messages == 0 {
                break;
            }
        }
        self.messages.values().filter(|known| !known.ended).count()
    }
}

fn take<T>(from: &mut Vec<T>, pick: u64) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(pick as usize / 3 % from.len()))
}

fn pool(sources: u32) -> Pool {
    Pool { name: "p".to_owned(), sources: (1..=sources).map(|n| (format!("ip-{n}"), n)).collect() }
}

fn limits(pick: u64) -> Limits {
    let slow = Rate { limit: 3, period: Duration::from_secs(1), burst: 2 };
    let named = |rate: Rate| vec![(Arc::from("all"), rate)];
    let shared = Shared {
        connection_limits: if pick.is_multiple_of(7) { vec![(Arc::from("all"), 2)] } else { vec![] },
        message_rates: if pick.is_multiple_of(11) { named(slow) } else { vec![] },
        selection_rates: if pick.is_multiple_of(13) { named(slow) } else { vec![] },
    };
    Limits {
        connection_limit: LIMIT,
        max_deliveries_per_connection: 4,
        max_ready: 5,
        consecutive_connection_failures_before_delay: 1 + pick as u32 % 4,
        max_message_rate: pick.is_multiple_of(3).then_some(slow),
        max_connection_rate: pick.is_multiple_of(2).then_some(slow),
        source_selection_rate: pick.is_multiple_of(5).then_some(slow),
        shared: Arc::new(shared),
    }
}

fn config(pick: u64) -> QueueConfig {
    let route = match pick % 8 {
        0..=2 => Route::ByMx,
        3 => Route::Maildir(Maildir { path: "/mail".to_owned(), dir_mode: None, file_mode: None }),
        7 => Route::Discard,
        n => Route::MxList(vec![format!("hop-{}", n % 2)]),
    };
    QueueConfig {
        retry_interval: Duration::from_secs(1 + pick % 100),
        max_retry_interval: (pick.is_multiple_of(2)).then_some(Duration::from_secs(60)),
        max_age: Duration::from_secs(30 + pick % 5000),
        egress_pool: (!pick.is_multiple_of(3)).then(|| "p".to_owned()),
        route,
        throttles: throttles(pick),
        limits: None,
        reap_interval: Duration::from_secs(pick % 600),
    }
}

/// The name of a ready queue that there may be.
fn ready_name(pick: u64) -> String {
    let site = ["site-0", "site-1", "mx_list:hop-0", "mx_list:hop-1"][pick as usize / 5 % 4];
    format!("ip-{}->{site}@smtp_client", 1 + pick % 2)
}

/// Rates, some of which queues share.
fn throttles(pick: u64) -> Vec<Throttle> {
    let rate = |n: u64| Rate { limit: 1 + n % 4, period: Duration::from_secs(1 + n % 9), burst: 1 + n % 3 };
    let throttle = |key: String, n| Throttle { key: key.into(), rate: rate(n) };
    let shared = pick.is_multiple_of(3).then(|| throttle(format!("tenant-{}", pick % 2), pick % 5));
    let own = pick.is_multiple_of(4).then(|| throttle(format!("queue-{pick}"), pick));
    shared.into_iter().chain(own).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn every_message_ends_exactly_once_whatever_happens(
        seed in any::<u64>(),
        steps in proptest::collection::vec((0..27_u8, any::<u64>()), 1..250),
    ) {
        let mut world = World::new(seed);
        for (operation, pick) in steps {
            world.step(operation, pick);
        }

        let unended = world.wind_up();

        prop_assert_eq!((unended, world.engine.totals()), (0, Totals::default()));
    }

    #[test]
    fn equal_seeds_and_calls_give_equal_answers(
        seed in any::<u64>(),
        steps in proptest::collection::vec((0..27_u8, any::<u64>()), 1..120),
    ) {
        let story = |seed| {
            let mut world = World::new(seed);
            steps.iter().for_each(|(operation, pick)| world.step(*operation, *pick));
            world.messages.into_values().map(|known| (known.due, known.attempts, known.ended)).collect::<Vec<_>>()
        };

        prop_assert_eq!(story(seed), story(seed));
    }
}
