//! Age as the shell sees it: what waits too long ends, whatever it waits for, and what may go is not kept from it.

use std::time::Duration;

use tollgate_message::Schedule;

use super::{
    tests::{Kit, at, config, id},
    *,
};
use crate::{
    handover::{Disposition, Expiry, Outcome},
    ready::{Limits, Pool},
    scheduled::{QueueConfig, Route},
    throttle::Rate,
};

fn aged(seconds: u64) -> QueueConfig {
    QueueConfig { max_age: Duration::from_secs(seconds), ..config() }
}

fn rate(limit: u64, seconds: u64) -> Limits {
    let rate = Rate { limit, period: Duration::from_secs(seconds), burst: 1 };
    Limits { max_message_rate: Some(rate), ..Limits::default() }
}

/// Returns what was told but for connections.
fn ended(kit: &mut Kit) -> Vec<String> {
    kit.told().into_iter().filter(|told| !told.starts_with("connect")).collect()
}

fn too_old(number: u64, age: &str, max_age: &str) -> String {
    format!("{number} TimeOver: Next delivery time {age} > {max_age}")
}

#[test]
fn mail_that_waits_for_the_rate_of_its_site_ends_at_its_age() {
    let mut kit = Kit::with_limits(rate(1, 1));
    let queue = kit.queue("d.example", aged(3));
    kit.insert(queue, 5);

    let run = kit.run();

    let too_old = vec![too_old(4, "3s", "3s"), too_old(5, "3s", "3s")];
    assert_eq!((run.went, ended(&mut kit)), (vec![(1, 0), (2, 1000), (3, 2000)], too_old));
}

#[test]
fn mail_that_waits_for_room_in_a_full_ready_queue_ends_at_its_age() {
    let mut kit = Kit::with_limits(Limits { max_ready: 1, connection_limit: 1, ..Limits::default() });
    let queue = kit.queue("d.example", aged(20));
    kit.insert(queue, 3);
    let first = kit.take();

    kit.go_to(at(20));

    assert_eq!(ended(&mut kit), [too_old(3, "20s", "20s"), too_old(2, "20s", "20s")]);
    assert_eq!(kit.engine.outcome(kit.now, first.permit, Outcome::Done).1, Disposition::Done);
}

#[test]
fn mail_of_a_source_that_is_suspended_for_ever_ends_at_its_age() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", aged(20));
    kit.engine.suspend_ready(kit.now, "unspecified->mx_list:sink:25@smtp_client", FOREVER);
    kit.insert(queue, 1);

    let run = kit.run();

    assert_eq!((run.went, ended(&mut kit)), (vec![], vec![too_old(1, "20s", "20s")]));
}

#[test]
fn mail_of_a_queue_that_is_suspended_for_ever_ends_at_its_age() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", aged(20));
    kit.engine.park(queue, FOREVER);
    kit.insert(queue, 1);
    kit.insert_at(queue, at(10), 1, None);

    let run = kit.run();

    let both = vec![too_old(1, "20s", "20s"), too_old(2, "20s", "20s")];
    assert_eq!((run.went, ended(&mut kit), kit.engine.totals()), (vec![], both, Totals::default()));
}

#[test]
fn a_schedule_that_ends_while_mail_waits_ends_it_then_and_its_age_does_not() {
    let mut kit = Kit::with_limits(Limits { connection_limit: 0, ..Limits::default() });
    let queue = kit.queue("d.example", aged(20));
    let schedule = Schedule { expires: Some(at(30)), ..Schedule::default() };
    kit.insert_at(queue, at(0), 0, Some(schedule));

    kit.go_to(at(29));
    let before = ended(&mut kit);
    kit.go_to(at(30));

    let expiry = Expiry::Schedule { due: at(30), expires: at(30) };
    assert_eq!((before, ended(&mut kit)), (vec![], vec![format!("1 TimeOver: {expiry}")]));
}

#[test]
fn mail_whose_connection_is_being_opened_waits_for_it_at_any_age() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", aged(0));
    kit.insert(queue, 1);
    kit.told();

    kit.go_to(at(50));

    assert_eq!(kit.send_all(), [1]);
}

#[test]
fn mail_whose_name_is_being_looked_up_waits_for_the_answer_at_any_age() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", QueueConfig { route: Route::ByMx, ..aged(1) });
    kit.insert(queue, 1);
    kit.told();

    kit.go_to(at(5));
    let site = crate::ready::Site::of_literal("[10.0.0.1]");
    kit.engine.resolved(kit.now, queue, Ok(Resolution { site, valid: Duration::from_secs(60) }));

    assert_eq!(kit.send_all(), [1]);
}

#[test]
fn mail_planned_for_later_than_its_age_allows_waits_for_its_turn_as_long_again() {
    let mut kit = Kit::with_limits(rate(1, 10));
    let queue = kit.queue("d.example", aged(15));
    for _ in 0..3 {
        kit.insert_at(queue, at(60), 0, None);
    }

    let run = kit.run();

    assert_eq!((run.went, ended(&mut kit)), (vec![(1, 60_000), (2, 70_000)], vec![too_old(3, "1m 15s", "15s")]));
}

#[test]
fn a_shorter_age_holds_at_once_for_mail_that_waits_and_a_longer_one_saves_it() {
    let limits = Limits { connection_limit: 0, max_ready: 1, ..Limits::default() };
    let mut kit = Kit::with_limits(limits);
    let (shorter, longer) = (kit.queue("a.example", aged(100)), kit.queue("b.example", aged(20)));
    kit.insert(shorter, 2);
    kit.insert(longer, 1);

    kit.now = at(15);
    kit.queue("a.example", aged(10));
    kit.queue("b.example", aged(100));
    kit.go_to(at(50));

    let left: Vec<_> = kit.engine.queues().map(|queue| queue.messages).collect();
    assert_eq!((ended(&mut kit).len(), left), (2, vec![0, 1]));
}

#[test]
fn a_hundred_thousand_messages_that_end_one_by_one_behind_a_rate_cost_no_more_than_two_wake_ups_each() {
    let mut kit = Kit::with_limits(rate(1, 10));
    let queue = kit.queue("d.example", aged(100_000));
    for number in 0..100_000 {
        let created = at(number / 2);
        let (due, entrance) = (created, Entrance::Fresh);
        let message = NewMessage { id: id(created, number), queue, due, attempts: 0, schedule: None, entrance };
        kit.engine.insert(kit.now, message);
    }

    let run = kit.run();

    // A token each ten seconds up to the age of the last, and one at the start.
    assert_eq!(run.went.len() + ended(&mut kit).len(), 100_000);
    assert!(run.went.len() >= 10_000 && run.wakes <= 200_000, "{} sent, {} wake-ups", run.went.len(), run.wakes);
}

#[test]
fn a_pool_that_loses_its_last_source_fails_its_mail_and_leaves_no_look_behind_that_matters() {
    let pools = vec![Pool { name: "p".to_owned(), sources: vec![("ip-1".to_owned(), 1)] }];
    let limits = Limits { connection_limit: 0, max_ready: 1, ..Limits::default() };
    let mut kit = Kit::new(EgressSettings { pools, limits, ..EgressSettings::default() });
    let queue = kit.queue("d.example", QueueConfig { egress_pool: Some("p".to_owned()), ..aged(60) });
    kit.insert(queue, 2);

    kit.engine.define_pool(kit.now, Pool { name: "p".to_owned(), sources: vec![] });
    kit.drain();
    kit.run();

    assert_eq!(kit.engine.totals().messages, 0);
}
