//! Behaviours of the engine as the shell sees them, with time moved by hand.

use std::time::Duration;

use proptest::prelude::*;
use tollgate_message::{MessageId, Schedule};

use super::*;
use crate::{
    handover::{Disposition, Expiry, Outcome},
    ready::{Hosts, Limits, OwnLimits, Pool, Site},
    scheduled::{QueueConfig, Route, retry::plan},
};

const START: u64 = 1_790_000_000_000;

pub(super) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1000)
}

/// An id that carries its creation time, as real ones do, and is otherwise a number.
pub(super) fn id(created: Timestamp, number: u64) -> MessageId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&created.as_millis().to_be_bytes()[2..]);
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    MessageId::from_bytes(bytes)
}

pub(super) fn number(id: MessageId) -> u64 {
    u64::from_be_bytes(id.to_bytes()[8..].try_into().unwrap())
}

/// Retries of 10 s doubling, which have no jitter, to one hop without a look-up.
pub(super) fn config() -> QueueConfig {
    QueueConfig {
        retry_interval: Duration::from_secs(10),
        max_age: Duration::from_secs(100),
        route: Route::MxList(vec!["sink:25".to_owned()]),
        ..QueueConfig::default()
    }
}

fn pooled(pool: &str) -> QueueConfig {
    QueueConfig { egress_pool: Some(pool.to_owned()), ..config() }
}

/// An engine with a shell that does as little as a test asks for.
pub(super) struct Kit {
    pub(super) engine: Engine,
    pub(super) now: Timestamp,
    pub(super) leases: Vec<(Lease, String)>,
    told: Vec<String>,
    next: u64,
}

impl Kit {
    pub(super) fn new(settings: EgressSettings) -> Self {
        Self { engine: Engine::new(settings, 1), now: at(0), leases: Vec::new(), told: Vec::new(), next: 0 }
    }

    pub(super) fn with_pool(name: &str, sources: &[(&str, u32)]) -> Self {
        let sources = sources.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
        let pools = vec![Pool { name: name.to_owned(), sources }];
        Self::new(EgressSettings { pools, ..EgressSettings::default() })
    }

    pub(super) fn with_limits(limits: Limits) -> Self {
        Self::new(EgressSettings { limits, ..EgressSettings::default() })
    }

    pub(super) fn queue(&mut self, name: &str, config: QueueConfig) -> QueueIndex {
        self.engine.define_queue(self.now, QueueName::parse(name), config)
    }

    pub(super) fn insert(&mut self, queue: QueueIndex, count: u64) {
        for _ in 0..count {
            self.insert_at(queue, self.now, 0, None);
        }
    }

    pub(super) fn insert_at(&mut self, queue: QueueIndex, due: Timestamp, attempts: u32, schedule: Option<Schedule>) {
        self.enter(queue, due, attempts, schedule, Entrance::Fresh);
    }

    /// Inserts a message as a start does with what the spool held.
    pub(super) fn recover(&mut self, queue: QueueIndex, due: Timestamp, attempts: u32) {
        self.enter(queue, due, attempts, None, Entrance::Recovered);
    }

    fn enter(
        &mut self,
        queue: QueueIndex,
        due: Timestamp,
        attempts: u32,
        schedule: Option<Schedule>,
        entrance: Entrance,
    ) {
        self.next += 1;
        let (id, schedule) = (id(at(0), self.next), schedule.map(Box::new));
        self.engine.insert(self.now, NewMessage { id, queue, due, attempts, schedule, entrance });
    }

    pub(super) fn go_to(&mut self, now: Timestamp) {
        self.now = now;
        self.engine.advance(now);
        self.drain();
    }

    /// Drains the actions, keeping leases and writing down the rest.
    pub(super) fn drain(&mut self) {
        while let Some(action) = self.engine.next_action(self.now) {
            match action {
                Action::Connect { lease, source, site, .. } => {
                    self.told.push(format!("connect {source} to {}", site.name));
                    self.leases.push((lease, source.to_string()));
                }
                Action::Resolve { domain, .. } => self.told.push(format!("resolve {domain}")),
                Action::Limit { domain, source, site } => self.told.push(format!("limit {source}->{site} of {domain}")),
                Action::Wake(_) => self.told.push("wake".to_owned()),
                Action::Settled(settled) => self.told.push(format!(
                    "{} {:?}: {}",
                    number(settled.id),
                    settled.cause,
                    tell(&settled.disposition)
                )),
            }
        }
    }

    pub(super) fn told(&mut self) -> Vec<String> {
        self.drain();
        std::mem::take(&mut self.told)
    }

    /// Sends over the oldest connection until it has nothing to send; returns the messages' numbers.
    pub(super) fn send_all(&mut self) -> Vec<u64> {
        self.drain();
        let (mut lease, source) = self.leases.remove(0);
        let mut sent = Vec::new();
        loop {
            match self.engine.next_delivery(self.now, lease) {
                Next::Deliver(delivery) => {
                    sent.push(number(delivery.id));
                    lease = self.engine.outcome(self.now, delivery.permit, Outcome::Done).0;
                }
                Next::Idle(idle) | Next::Close(idle) => {
                    self.leases.push((idle, source));
                    return sent;
                }
            }
        }
    }

    /// Takes a message over the oldest connection.
    pub(super) fn take(&mut self) -> Delivery {
        self.drain();
        let (lease, _) = self.leases.remove(0);
        match self.engine.next_delivery(self.now, lease) {
            Next::Deliver(delivery) => delivery,
            other => panic!("expected a message, got {other:?}"),
        }
    }

    fn attempt(&mut self, outcome: Outcome) -> Disposition {
        let permit = self.take().permit;
        let (lease, disposition) = self.engine.outcome(self.now, permit, outcome);
        self.engine.closed(self.now, lease, Closed::Finished);
        disposition
    }

    pub(super) fn refuse_all(&mut self) {
        self.drain();
        for (lease, _) in std::mem::take(&mut self.leases) {
            self.engine.closed(self.now, lease, Closed::NotConnected("refused".into()));
        }
    }
}

fn tell(disposition: &Disposition) -> String {
    match disposition {
        Disposition::Retry { due, attempts } => {
            format!("retry {} after {} s", attempts, due.since(at(0)).as_secs_f64())
        }
        Disposition::Expired(expiry) => expiry.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_fresh_message_is_promoted_at_once_and_sent() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("c:t@d.example", config());
    kit.insert(queue, 1);

    let (told, sent) = (kit.told(), kit.send_all());

    assert_eq!(
        (told, sent, kit.engine.totals()),
        (vec!["connect unspecified to mx_list:sink:25".to_owned()], vec![1], Totals::default())
    );
}

#[test]
fn a_message_that_always_fails_follows_the_plan_of_its_queue() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 1);

    let mut story = Vec::new();
    loop {
        let disposition = kit.attempt(Outcome::Transient);
        story.push(tell(&disposition));
        match disposition {
            Disposition::Retry { due, .. } => kit.go_to(due),
            _ => break,
        }
    }

    assert_eq!(
        story,
        [
            "retry 1 after 10 s",
            "retry 2 after 30 s",
            "retry 3 after 70 s",
            "Next delivery time would be 2m 30s after creation, which exceeds max_age=1m 40s"
        ]
    );
}

#[test]
fn a_message_is_not_sent_before_its_due_time() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.insert_at(queue, at(5), 0, None);

    kit.go_to(Timestamp::from_millis(START + 4999));
    let before = kit.told();
    let wake = kit.engine.next_wake();
    kit.go_to(at(5));

    assert_eq!((before.len(), wake <= Some(at(5)), kit.told().len()), (0, true, 1));
}

#[test]
fn a_message_that_is_moved_waits_in_the_other_queue_by_its_settings() {
    let mut kit = Kit::new(EgressSettings::default());
    let (from, to) = (
        kit.queue("d.example", config()),
        kit.queue("c:@d.example", QueueConfig { retry_interval: Duration::from_secs(20), ..config() }),
    );
    kit.insert(from, 1);
    let permit = kit.take().permit;
    let prospect = kit.engine.prospect(kit.now, &permit);

    let (lease, disposition) = kit.engine.outcome_in(kit.now, permit, Some(to), Outcome::Transient);

    kit.engine.closed(kit.now, lease, Closed::Finished);
    let counts: Vec<_> = kit.engine.queues().map(|queue| (queue.name.to_string(), queue.messages)).collect();
    kit.go_to(at(20));
    let sent = kit.send_all();
    let expected = Prospect { due: at(10), last_due: at(100), attempts: 1 };
    assert_eq!(
        (prospect, disposition, counts, sent),
        (
            Some(expected),
            Disposition::Retry { due: at(20), attempts: 1 },
            vec![("d.example".to_owned(), 0), ("c:@d.example".to_owned(), 1)],
            vec![1]
        )
    );
}

#[test]
fn nothing_goes_a_way_before_it_is_known_what_holds_there() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 1)]);
    kit.engine.ask_paths(kit.now, true);
    let queue = kit.queue("d.example", pooled("p"));
    kit.insert(queue, 3);
    let asked = kit.told();

    let own = OwnLimits { connection_limit: Some(1), ..OwnLimits::default() };
    kit.engine.limit_path(kit.now, "ip-1", "mx_list:sink:25", own);

    let told = kit.told();
    kit.engine.ask_paths(kit.now, false);
    let connect = "connect ip-1 to mx_list:sink:25".to_owned();
    assert_eq!(
        (asked, told, kit.told()),
        (vec!["limit ip-1->mx_list:sink:25 of d.example".to_owned()], vec![connect.clone()], vec![connect; 2])
    );
}

#[test]
fn a_source_that_is_known_first_gets_no_more_than_its_share() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 2), ("ip-2", 1)]);
    kit.engine.ask_paths(kit.now, true);
    let queue = kit.queue("d.example", pooled("p"));
    kit.insert(queue, 6);
    kit.told();

    for source in ["ip-2", "ip-1"] {
        kit.engine.limit_path(kit.now, source, "mx_list:sink:25", OwnLimits::default());
    }

    let shares: Vec<_> = kit.engine.ready_queues().map(|ready| ready.ready).collect();
    assert_eq!(shares, [4, 2]);
}

#[test]
fn a_requeue_counts_no_attempt() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 1);

    let disposition = kit.attempt(Outcome::Requeue { after: Duration::from_secs(3) });

    assert_eq!(disposition, Disposition::Retry { due: at(3), attempts: 0 });
}

#[test]
fn a_name_is_resolved_once_for_all_mail_of_its_queue() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example!r.example", QueueConfig { route: Route::ByMx, ..config() });
    kit.insert(queue, 3);
    let asked = kit.told();

    let site =
        Site { name: "(a|b).r.example".to_owned(), hosts: Hosts::Exchangers(vec![vec!["a.r.example".to_owned()]]) };
    kit.engine.resolved(kit.now, queue, Ok(Resolution { site, valid: Duration::from_secs(60) }));

    assert_eq!(
        (asked, kit.told().first().cloned(), kit.send_all()),
        (
            vec!["resolve r.example".to_owned()],
            Some("connect unspecified to (a|b).r.example".to_owned()),
            vec![1, 2, 3]
        )
    );
}

#[test]
fn a_resolved_name_is_asked_for_again_once_it_no_longer_holds() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", QueueConfig { route: Route::ByMx, ..config() });
    let site = Site { name: "a".to_owned(), hosts: Hosts::Named(vec!["a".to_owned()]) };
    kit.insert(queue, 1);
    kit.drain();
    kit.engine.resolved(kit.now, queue, Ok(Resolution { site, valid: Duration::from_secs(60) }));
    kit.send_all();
    kit.told();

    kit.go_to(at(59));
    kit.insert(queue, 1);
    let while_valid = kit.told();
    kit.send_all();
    kit.go_to(at(60));
    kit.insert(queue, 1);

    assert_eq!((while_valid, kit.told()), (vec!["wake".to_owned()], vec!["resolve d.example".to_owned()]));
}

#[test]
fn mail_to_a_name_that_cannot_be_resolved_backs_off_or_bounces() {
    let mut kit = Kit::new(EgressSettings::default());
    let by_mx = QueueConfig { route: Route::ByMx, ..config() };
    let (queue, dead) = (kit.queue("d.example", by_mx.clone()), kit.queue("dead.example", by_mx));
    kit.insert(queue, 2);
    kit.insert(dead, 1);
    kit.told();

    kit.engine.resolved(kit.now, queue, Err(ResolveError::Transient("timed out".into())));
    kit.engine.resolved(kit.now, dead, Err(ResolveError::Permanent(NoRoute::NullMx, "null MX".into())));

    assert_eq!(
        kit.told(),
        [
            "1 Unresolved(\"timed out\"): retry 1 after 10 s",
            "2 Unresolved(\"timed out\"): retry 1 after 10 s",
            "3 Unroutable(NullMx, \"null MX\"): Done"
        ]
    );
}

#[test]
fn an_address_literal_is_its_own_site() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example![10.0.0.1]:2525", QueueConfig { route: Route::ByMx, ..config() });
    kit.insert(queue, 1);

    assert_eq!(kit.told(), ["connect unspecified to [10.0.0.1]:2525"]);
}

#[test]
fn a_queue_that_discards_ends_its_mail() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", QueueConfig { route: Route::Discard, ..config() });
    kit.insert(queue, 2);

    assert_eq!(kit.told(), ["1 Discarded: Done", "2 Discarded: Done"]);
}

#[test]
fn weights_hold_exactly_for_a_burst_within_what_sources_may_be_promised() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 5), ("ip-2", 2), ("ip-3", 3), ("ip-4", 0)]);
    let queue = kit.queue("d.example", pooled("p"));

    kit.insert(queue, 1000);

    let shares: Vec<_> = kit.engine.ready_queues().map(|ready| (ready.name.to_owned(), ready.ready)).collect();
    let name = |source| format!("{source}->mx_list:sink:25@smtp_client");
    assert_eq!(shares, [(name("ip-1"), 500), (name("ip-2"), 200), (name("ip-3"), 300)]);
}

#[test]
fn a_full_source_is_passed_by() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 9), ("ip-2", 1)]);
    let queue = kit.queue("d.example", pooled("p"));

    kit.insert(queue, 1500);

    let shares: Vec<_> = kit.engine.ready_queues().map(|ready| ready.ready).collect();
    assert_eq!((shares, kit.engine.totals().due), (vec![1024, 476], 0));
}

#[test]
fn an_empty_or_unknown_pool_backs_off_and_counts() {
    let mut kit = Kit::with_pool("empty", &[("ip-1", 0)]);
    let (empty, unknown) = (kit.queue("a.example", pooled("empty")), kit.queue("b.example", pooled("gone")));
    kit.insert(empty, 1);
    kit.insert(unknown, 1);

    assert_eq!(
        kit.told(),
        ["1 NoSource { pool: \"empty\" }: retry 1 after 10 s", "2 NoSource { pool: \"gone\" }: retry 1 after 10 s"]
    );
}

#[test]
fn a_pool_that_loses_its_sources_backs_off_what_it_had_not_promised() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 1)]);
    let queue = kit.queue("a.example", pooled("p"));
    kit.insert(queue, 1025);

    kit.engine.define_pool(kit.now, Pool { name: "p".to_owned(), sources: vec![] });

    let told = kit.told();
    let settled: Vec<_> = told.iter().map(String::as_str).filter(|line| !line.starts_with("connect")).collect();
    assert_eq!((settled, kit.engine.totals().ready), (vec!["1025 NoSource { pool: \"p\" }: retry 1 after 10 s"], 1024));
}

#[test]
fn a_source_that_joins_a_pool_takes_its_share_at_once() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 1)]);
    let queue = kit.queue("a.example", pooled("p"));
    kit.insert(queue, 1500);

    let sources = vec![("ip-1".to_owned(), 1), ("ip-2".to_owned(), 1)];
    kit.engine.define_pool(kit.now, Pool { name: "p".to_owned(), sources });

    let shares: Vec<_> = kit.engine.ready_queues().map(|ready| ready.ready).collect();
    assert_eq!(shares, [1024, 476]);
}

#[test]
fn a_site_that_refuses_every_connection_fails_all_mail_due_to_it_once() {
    let mut kit = Kit::with_limits(Limits { max_ready: 2, ..Limits::default() });
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 4);
    kit.told();

    kit.refuse_all();

    let expected: Vec<_> = (1..=4).map(|n| format!("{n} Unreachable(\"refused\"): retry 1 after 10 s")).collect();
    assert_eq!((kit.told(), kit.engine.next_wake().is_some()), (expected, true));
}

#[test]
fn while_another_source_is_trying_only_the_refused_ones_mail_fails() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 1), ("ip-2", 1)]);
    let queue = kit.queue("d.example", pooled("p"));
    kit.insert(queue, 2);
    kit.told();
    let (lease, _) = kit.leases.remove(0);

    kit.engine.closed(kit.now, lease, Closed::NotConnected("refused".into()));

    let told = kit.told();
    assert_eq!((told, kit.send_all()), (vec!["1 Unreachable(\"refused\"): retry 1 after 10 s".to_owned()], vec![2]));
}

#[test]
fn a_site_that_refuses_one_more_connection_keeps_those_it_has() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 2);
    let delivery = kit.take();
    let (second, _) = kit.leases.remove(0);
    kit.told();

    kit.engine.closed(kit.now, second, Closed::NotConnected("too many".into()));
    let after_refusal = kit.told();
    let (lease, _) = kit.engine.outcome(kit.now, delivery.permit, Outcome::Done);
    kit.leases.push((lease, String::new()));

    assert_eq!((after_refusal, kit.send_all()), (vec![], vec![2]));
}

#[test]
fn a_site_that_worked_before_and_now_refuses_fails_its_mail() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 1);
    kit.send_all();
    let (lease, _) = kit.leases.remove(0);
    kit.engine.closed(kit.now, lease, Closed::Finished);
    kit.insert(queue, 1);
    kit.told();

    kit.refuse_all();

    assert_eq!(kit.told(), ["2 Unreachable(\"refused\"): retry 1 after 10 s"]);
}

#[test]
fn an_idle_connection_is_woken_before_another_is_opened() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 1);
    kit.send_all();
    kit.told();

    kit.insert(queue, 1);

    assert_eq!((kit.told(), kit.send_all()), (vec!["wake".to_owned()], vec![2]));
}

#[test]
fn a_connection_closes_after_its_deliveries_and_another_follows() {
    let mut kit =
        Kit::with_limits(Limits { connection_limit: 1, max_deliveries_per_connection: 2, ..Limits::default() });
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 3);
    let first = kit.send_all();
    let (lease, _) = kit.leases.remove(0);

    kit.engine.closed(kit.now, lease, Closed::Finished);

    assert_eq!((first, kit.send_all()), (vec![1, 2], vec![3]));
}

#[test]
fn an_abandoned_connection_returns_its_message_and_its_slot() {
    let mut kit = Kit::with_limits(Limits { connection_limit: 1, ..Limits::default() });
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 2);
    let delivery = kit.take();
    kit.told();

    kit.engine.abandoned(kit.now, delivery.permit.connection(), &"task died".into());
    let told = kit.told();
    let (lease, late) = kit.engine.outcome(kit.now, delivery.permit, Outcome::Done);
    kit.engine.closed(kit.now, lease, Closed::Finished);

    assert_eq!(
        (told, late, kit.send_all()),
        (
            vec![
                "1 Abandoned(\"task died\"): retry 1 after 10 s".to_owned(),
                "connect unspecified to mx_list:sink:25".to_owned()
            ],
            Disposition::Void,
            vec![2]
        )
    );
}

#[test]
fn a_suspended_queue_is_not_served_and_its_messages_keep_their_times() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.engine.park(queue, at(50));
    kit.insert(queue, 1);
    kit.insert_at(queue, at(20), 2, None);

    kit.go_to(at(49));
    let while_parked = kit.told();
    let kept: Vec<_> = kit.engine.messages(queue).map(|message| (message.due, message.attempts)).collect();
    kit.go_to(at(50));

    assert_eq!((while_parked, kept, kit.send_all()), (vec![], vec![(at(0), 0), (at(20), 2)], vec![1, 2]));
}

#[test]
fn a_suspension_holds_for_what_was_promised_and_ends_with_resume() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 2);
    kit.told();

    kit.engine.park(queue, FOREVER);
    let while_parked = kit.send_all();
    kit.engine.resume(kit.now, queue);
    let mut sent = kit.send_all();
    sent.sort_unstable();

    assert_eq!((while_parked, sent), (vec![], vec![1, 2]));
}

#[test]
fn a_longer_suspension_is_not_cut_short_by_a_shorter_one() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.engine.park(queue, at(60));
    kit.engine.park(queue, at(30));

    let parked: Vec<_> = kit.engine.queues().map(|status| status.parked).collect();

    assert_eq!((parked, kit.engine.next_wake()), (vec![Some(at(60))], Some(at(60))));
}

#[test]
fn a_message_whose_window_closed_while_it_was_held_waits_for_the_next_uncounted() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", QueueConfig { max_age: Duration::from_secs(86_400 * 30), ..config() });
    // The clock of these tests begins on Monday, 2026-09-21 14:13:20 UTC.
    let json = r#"{"dow":"Mon","tz":"UTC","start":"14:00:00","end":"14:14:00"}"#;
    kit.insert_at(queue, at(0), 3, Some(Schedule::parse(json, at(0)).unwrap()));
    kit.told();
    kit.now = at(60);

    let sent = kit.send_all();

    let next = Timestamp::parse_rfc3339("2026-09-28T14:00:00Z").unwrap();
    let waiting: Vec<_> = kit.engine.messages(queue).map(|message| (message.due, message.attempts)).collect();
    assert_eq!((sent, waiting), (vec![], vec![(next, 3)]));
}

#[test]
fn a_message_whose_schedule_ended_is_expired_without_an_attempt() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    let schedule = Schedule { expires: Some(at(30)), ..Schedule::default() };
    kit.engine.park(queue, at(40));
    kit.insert_at(queue, at(0), 0, Some(schedule));

    kit.go_to(at(40));

    let expiry = Expiry::Schedule { due: at(40), expires: at(30) };
    assert_eq!(kit.told(), [format!("1 TimeOver: {expiry}")]);
}

#[test]
fn after_a_long_outage_what_is_too_old_expires_tried_or_not_and_fresh_mail_gets_its_attempt() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.now = at(100);
    kit.recover(queue, at(70), 3);
    kit.recover(queue, at(0), 0);
    kit.insert_at(queue, at(70), 0, None);

    let expiry = Expiry::Retry { age: Duration::from_secs(100), max_age: Duration::from_secs(100) };
    let told = [
        format!("1 TimeOver: {expiry}"),
        format!("2 TimeOver: {expiry}"),
        "connect unspecified to mx_list:sink:25".to_owned(),
    ];
    assert_eq!((kit.told(), kit.send_all()), (told.to_vec(), vec![3]));
}

#[test]
fn after_an_outage_mail_that_was_planned_for_later_than_its_age_allows_gets_that_attempt() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.now = at(150);

    kit.recover(queue, at(120), 0);

    assert_eq!(kit.send_all(), [1]);
}

#[test]
fn a_new_configuration_moves_due_mail_and_leaves_due_times() {
    let mut kit = Kit::with_limits(Limits { max_ready: 1, ..Limits::default() });
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 2);
    kit.insert_at(queue, at(10), 0, None);
    kit.told();

    kit.queue("d.example", QueueConfig { route: Route::MxList(vec!["other:25".to_owned()]), ..config() });

    let dues: Vec<_> = kit.engine.messages(queue).map(|message| message.due).collect();
    assert_eq!(
        (kit.told(), dues),
        (vec!["connect unspecified to mx_list:other:25".to_owned()], vec![at(0), at(0), at(10)])
    );
}

#[test]
fn a_message_of_another_tenant_waits_for_one_turn_whatever_the_backlog() {
    let mut kit = Kit::with_limits(Limits { connection_limit: 1, max_ready: 4, ..Limits::default() });
    for n in 0..50 {
        let queue = kit.queue(&format!("c{n}:big@d.example"), config());
        kit.insert(queue, 40);
    }
    kit.told();
    let queue = kit.queue("small@d.example", config());
    kit.insert(queue, 1);

    let sent = kit.send_all();

    let place = sent.iter().position(|number| *number == 2001).unwrap();
    assert_eq!((sent.len(), place <= 3), (1024, true), "sent as number {place}");
}

#[test]
fn one_message_goes_within_two_turns_of_another_tenants_hundred_thousand() {
    let mut kit = Kit::with_limits(Limits { connection_limit: 1, ..Limits::default() });
    let (big, small) = (kit.queue("big@d.example", config()), kit.queue("small@d.example", config()));
    kit.insert(big, 100_000);
    kit.told();
    kit.insert(small, 1);

    let sent = kit.send_all();

    let place = sent.iter().position(|number| *number == 100_001);
    // The source's buffer was full of the other's mail by then.
    assert!(place.is_some_and(|place| place <= 2), "{place:?} of the other tenant's went before");
}

/// Returns which sources have messages, and how many.
fn promised(kit: &mut Kit) -> Vec<(String, u32)> {
    kit.drain();
    kit.engine.ready_queues().map(|ready| (ready.name.split("->").next().unwrap().to_owned(), ready.ready)).collect()
}

#[test]
fn a_suspended_source_is_passed_by_and_what_it_was_promised_goes_by_the_others() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 1), ("ip-2", 1)]);
    let queue = kit.queue("d.example", pooled("p"));
    kit.insert(queue, 4);
    let before = promised(&mut kit);

    kit.engine.suspend_ready(kit.now, "ip-1->mx_list:sink:25@smtp_client", at(60));
    kit.insert(queue, 1);

    let sources = |one, two| vec![("ip-1".to_owned(), one), ("ip-2".to_owned(), two)];
    assert_eq!((before, promised(&mut kit)), (sources(2, 2), sources(0, 5)));
}

#[test]
fn mail_without_an_eligible_source_waits_uncounted_until_the_first_may_send_again() {
    let mut kit = Kit::with_pool("p", &[("ip-1", 1), ("ip-2", 1)]);
    let queue = kit.queue("d.example", pooled("p"));
    kit.engine.suspend_ready(kit.now, "ip-1->mx_list:sink:25@smtp_client", at(60));
    kit.engine.suspend_ready(kit.now, "ip-2->mx_list:sink:25@smtp_client", at(30));
    kit.insert(queue, 2);
    let told = (kit.told(), kit.engine.next_wake());

    kit.go_to(at(30));

    let deliveries = [kit.take(), kit.take()].map(|delivery| (number(delivery.id), delivery.attempts));
    assert_eq!((told, deliveries), ((vec![], Some(at(30))), [(1, 0), (2, 0)]));
}

#[test]
fn limits_set_for_a_site_hold_for_connections_to_come() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    let limits = Limits { connection_limit: 2, ..Limits::default() };
    let by_site = [("mx_list:sink:25".to_owned(), limits)].into();
    kit.engine.set_limits(kit.now, Limits::default(), by_site);

    kit.insert(queue, 100);

    assert_eq!(kit.told().len(), 2);
}

#[test]
fn flushing_makes_waiting_mail_due() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", config());
    kit.insert_at(queue, at(20), 2, None);

    kit.engine.flush(kit.now, queue);

    let delivery = kit.take();
    assert_eq!((number(delivery.id), delivery.attempts), (1, 2));
}

#[test]
fn withdrawing_takes_everything_but_what_is_in_flight() {
    let mut kit = Kit::with_limits(Limits { connection_limit: 1, max_ready: 1, ..Limits::default() });
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 3);
    kit.insert_at(queue, at(20), 2, None);
    let delivery = kit.take();

    let withdrawn = kit.engine.withdraw(kit.now, queue);

    let numbers: Vec<_> = withdrawn.iter().map(|message| (number(message.id), message.due)).collect();
    let totals = Totals { messages: 1, in_flight: 1, ..Totals::default() };
    assert_eq!(
        (number(delivery.id), numbers, kit.engine.totals()),
        (1, vec![(2, at(0)), (3, at(0)), (4, at(20))], totals)
    );
}

#[test]
fn a_queue_without_use_is_dropped_and_its_site_with_it() {
    let mut kit = Kit::new(EgressSettings::default());
    let brief = || QueueConfig { reap_interval: Duration::from_secs(60), ..config() };
    let (used, unused) = (kit.queue("a.example", brief()), kit.queue("b.example", brief()));
    kit.insert(unused, 1);
    kit.send_all();
    let (lease, _) = kit.leases.remove(0);
    kit.engine.closed(kit.now, lease, Closed::Finished);
    kit.told();
    kit.insert_at(used, at(99), 0, None);

    let reaped = kit.engine.reap(at(60));

    assert_eq!((reaped, kit.engine.ready_queues().count()), (vec![QueueName::parse("b.example")], 0));
}

#[test]
fn mail_flows_again_through_a_site_that_was_dropped() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("a.example", config());
    kit.insert(queue, 1);
    kit.send_all();
    let (lease, _) = kit.leases.remove(0);
    kit.engine.closed(kit.now, lease, Closed::Finished);
    kit.told();
    kit.engine.reap(at(0));

    kit.insert(queue, 1);

    assert_eq!(kit.send_all(), [2]);
}

proptest! {
    #[test]
    fn attempts_that_fail_at_once_come_as_planned(
        retry in 1..20_u64, cap in proptest::option::of(1..200_u64), max_age in 0..3000_u64,
    ) {
        let config = QueueConfig {
            retry_interval: Duration::from_secs(retry),
            max_retry_interval: cap.map(Duration::from_secs),
            max_age: Duration::from_secs(max_age),
            ..config()
        };
        let planned = plan(&config);
        let mut kit = Kit::new(EgressSettings::default());
        let queue = kit.queue("d.example", config);
        kit.insert(queue, 1);

        let mut delays = Vec::new();
        while let Disposition::Retry { due, .. } = kit.attempt(Outcome::Transient) {
            delays.push(due.since(kit.now));
            kit.go_to(due);
        }

        prop_assert_eq!((delays, kit.now), (planned.delays, at(0) + planned.expires_after));
    }

    #[test]
    fn sources_share_a_burst_exactly_by_weight_at_each_site(
        weights in proptest::collection::vec(1..9_u32, 1..6), rounds in 1..20_u32,
    ) {
        let sources = (0..).zip(&weights).map(|(n, weight): (u32, _)| (format!("ip-{n}"), *weight)).collect();
        let pools = vec![Pool { name: "p".to_owned(), sources }];
        let mut kit = Kit::new(EgressSettings { pools, ..EgressSettings::default() });
        let (a, b) = (kit.queue("t1@d.example", pooled("p")), kit.queue("t2@d.example", pooled("p")));
        let elsewhere = QueueConfig { route: Route::MxList(vec!["other".to_owned()]), ..pooled("p") };
        let other = kit.queue("o.example", elsewhere);

        for n in 0..rounds * weights.iter().sum::<u32>() {
            kit.insert(if n.is_multiple_of(3) { a } else { b }, 1);
            kit.insert(other, 1);
        }

        let shares: Vec<_> = kit.engine.ready_queues().map(|ready| ready.ready).collect();
        let expected: Vec<_> = weights.iter().map(|weight| weight * rounds).collect();
        prop_assert_eq!(shares, [expected.clone(), expected].concat());
    }

    #[test]
    fn busy_tenants_are_served_alike_whatever_their_backlogs(
        backlogs in proptest::collection::vec((1..5_u64, 30..60_u64), 2..5), max_ready in 1..20_u32,
    ) {
        let mut kit = Kit::with_limits(Limits { connection_limit: 1, max_ready, ..Limits::default() });
        let mut tenants = Vec::new();
        for (tenant, (queues, each)) in backlogs.iter().enumerate() {
            for n in 0..*queues {
                let queue = kit.queue(&format!("c{n}:t{tenant}@d.example"), config());
                kit.insert(queue, *each);
                tenants.resize(tenants.len() + usize::try_from(*each).unwrap(), tenant);
            }
        }

        let sent = kit.send_all();

        // What was promised before the last tenant came is a head start; after it shares are even.
        let mut counts = vec![0_u32; backlogs.len()];
        let start = max_ready as usize;
        for number in &sent[start..start + 20] {
            counts[tenants[usize::try_from(*number).unwrap() - 1]] += 1;
        }
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 2, "{counts:?}");
    }
}
