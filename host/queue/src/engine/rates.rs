//! Rates as the shell sees them: when mail goes, who gets the next token, and what the waiting costs.

use std::time::Duration;

use tollgate_message::Schedule;

use super::{
    tests::{Kit, at, config, number},
    *,
};
use crate::{
    handover::Outcome,
    ready::Limits,
    scheduled::{QueueConfig, Route},
    throttle::{Rate, Throttle},
};

pub(super) fn throttle(key: &str, limit: u64, seconds: u64, burst: u64) -> Throttle {
    Throttle { key: key.into(), rate: Rate { limit, period: Duration::from_secs(seconds), burst } }
}

pub(super) fn throttled(throttles: impl IntoIterator<Item = Throttle>) -> QueueConfig {
    QueueConfig { throttles: throttles.into_iter().collect(), max_age: Duration::from_secs(1_000_000), ..config() }
}

/// What a run came to.
#[derive(Default)]
pub(super) struct Run {
    /// Each message with the time at which it went, in milliseconds from the start.
    pub(super) went: Vec<(u64, u64)>,
    /// How often the engine had to be called because a time had come.
    pub(super) wakes: usize,
}

impl Kit {
    /// Goes from wake-up to wake-up until nothing waits for a time, sending whatever may go.
    pub(super) fn run(&mut self) -> Run {
        let mut run = Run::default();
        loop {
            self.send_whatever_goes(&mut run);
            match self.engine.next_wake() {
                Some(wake) => self.go_to(wake),
                None => return run,
            }
            run.wakes += 1;
        }
    }

    fn send_whatever_goes(&mut self, run: &mut Run) {
        self.drain();
        let mut leases = std::mem::take(&mut self.leases);
        while let Some((mut lease, source)) = leases.pop() {
            loop {
                match self.engine.next_delivery(self.now, lease) {
                    Next::Deliver(delivery) => {
                        run.went.push((number(delivery.id), self.now.as_millis() - at(0).as_millis()));
                        lease = self.engine.outcome(self.now, delivery.permit, Outcome::Done).0;
                    }
                    Next::Idle(idle) => break self.engine.closed(self.now, idle, Closed::Finished),
                    Next::Close(done) => break self.engine.closed(self.now, done, Closed::Finished),
                }
            }
            self.drain();
            leases.append(&mut self.leases);
            drop(source);
        }
    }
}

#[test]
fn a_queue_sends_its_burst_at_once_and_then_waits_exactly_for_each_token() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", throttled([throttle("q", 3, 10, 2)]));
    kit.insert(queue, 5);

    let run = kit.run();

    assert_eq!(run.went, [(1, 0), (2, 0), (3, 3334), (4, 6667), (5, 10_000)]);
}

#[test]
fn waiting_for_a_rate_counts_as_no_attempt() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", throttled([throttle("q", 1, 60, 1)]));
    kit.insert(queue, 2);
    kit.send_all();

    kit.go_to(at(60));

    let second = kit.take();
    assert_eq!((number(second.id), second.attempts), (2, 0));
}

#[test]
fn queues_that_share_a_rate_take_turns() {
    let mut kit = Kit::new(EgressSettings::default());
    let shared = throttle("tenant", 1, 1, 1);
    let queues = ["t@a.example", "t@b.example", "t@c.example"].map(|name| {
        let route = Route::MxList(vec![name.to_owned()]);
        kit.queue(name, QueueConfig { route, ..throttled([shared.clone()]) })
    });
    queues.into_iter().for_each(|queue| kit.insert(queue, 3));

    let run = kit.run();

    // The first queue's mail found the bucket full; from then on all stand in line, it in front.
    let order: Vec<_> = run.went.iter().map(|(number, _)| (number - 1) / 3).collect();
    let times: Vec<_> = run.went.iter().map(|(_, at)| *at).collect();
    assert_eq!((order, times), (vec![0, 0, 1, 2, 0, 1, 2, 1, 2], (0..9).map(|n| n * 1000).collect()));
}

#[test]
fn both_buckets_are_asked_before_either_is_charged() {
    let mut kit = Kit::new(EgressSettings::default());
    let (tenant, campaign) = (throttle("t", 10, 10, 2), throttle("t/c", 1, 100, 1));
    let slow = kit.queue("c:t@a.example", throttled([tenant.clone(), campaign]));
    kit.insert(slow, 2);
    let quick = kit.queue("t@b.example", throttled([tenant]));
    kit.insert(quick, 1);

    let run = kit.run();

    // Had the second message of the campaign cost a tenant's token at 0 s, the third would have had to wait.
    assert_eq!(run.went, [(1, 0), (3, 0), (2, 100_000)]);
}

#[test]
fn a_queue_whose_site_is_full_leaves_the_token_to_the_next_in_line() {
    let mut kit = Kit::with_limits(Limits { connection_limit: 1, max_ready: 1, ..Limits::default() });
    let shared = throttle("tenant", 1, 10, 1);
    let to = |name: &str| Route::MxList(vec![name.to_owned()]);
    let stuck = kit.queue("t@stuck.example", QueueConfig { route: to("stuck"), ..throttled([shared.clone()]) });
    let open = kit.queue("t@open.example", QueueConfig { route: to("open"), ..throttled([shared]) });
    let other = kit.queue("stuck.example", QueueConfig { route: to("stuck"), ..throttled([]) });
    kit.insert(other, 3);
    kit.insert(open, 1);
    kit.insert(stuck, 1);
    kit.insert(open, 1);
    kit.told();

    kit.go_to(at(10));

    let ready: Vec<_> = kit.engine.ready_queues().map(|queue| (queue.name.to_owned(), queue.ready)).collect();
    let expected = [("unspecified->mx_list:stuck@smtp_client", 1), ("unspecified->mx_list:open@smtp_client", 1)];
    assert_eq!(ready, expected.map(|(name, ready)| (name.to_owned(), ready)), "one each, and none more");
    assert_eq!(kit.engine.queues().map(|queue| queue.due).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_hundred_thousand_messages_behind_a_rate_cost_one_wake_up_each() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", throttled([throttle("q", 10, 1, 1)]));
    kit.insert(queue, 100_000);

    let run = kit.run();

    assert_eq!((run.went.len(), run.went.last().copied()), (100_000, Some((100_000, 9_999_900))));
    assert!(run.wakes <= 100_000, "{} wake-ups", run.wakes);
}

#[test]
fn a_thousand_queues_behind_one_rate_cost_no_more_than_two_wake_ups_a_message() {
    let mut kit = Kit::new(EgressSettings::default());
    let shared = throttle("tenant", 100, 1, 1);
    for n in 0..1000 {
        let queue = kit.queue(&format!("t@d{n}.example"), throttled([shared.clone()]));
        kit.insert(queue, 3);
    }

    let run = kit.run();

    assert_eq!(run.went.len(), 3000);
    assert!(run.wakes <= 6000, "{} wake-ups", run.wakes);
}

#[test]
fn mail_that_would_be_too_old_at_its_token_ends_and_makes_way() {
    let mut kit = Kit::new(EgressSettings::default());
    let short = QueueConfig { max_age: Duration::from_secs(25), ..throttled([throttle("q", 1, 10, 1)]) };
    let queue = kit.queue("d.example", short);
    kit.insert(queue, 4);

    let run = kit.run();

    let ended: Vec<_> = kit.told().into_iter().filter(|told| !told.starts_with("connect")).collect();
    let text = "4 TimeOver: Next delivery time 30s > 25s".to_owned();
    assert_eq!((run.went, ended), (vec![(1, 0), (2, 10_000), (3, 20_000)], vec![text]));
}

#[test]
fn a_window_that_closes_while_mail_waits_for_its_rate_holds() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", throttled([throttle("q", 1, 60, 1)]));
    kit.insert(queue, 1);
    let later = Schedule { first_attempt: Some(at(90)), ..Schedule::default() };
    kit.insert_at(queue, at(0), 0, Some(later));

    let run = kit.run();

    assert_eq!(run.went, [(1, 0), (2, 90_000)]);
}

#[test]
fn a_new_rate_holds_at_once_for_mail_that_waits_for_the_old_one() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", throttled([throttle("q", 1, 3600, 1)]));
    kit.insert(queue, 3);
    kit.send_all();
    kit.now = at(5);

    kit.queue("d.example", throttled([throttle("q", 1, 10, 1)]));

    assert_eq!(kit.run().went, [(2, 5000), (3, 15_000)]);
}

#[test]
fn suspending_a_throttled_queue_takes_it_out_of_line_and_resuming_puts_it_back() {
    let mut kit = Kit::new(EgressSettings::default());
    let queue = kit.queue("d.example", throttled([throttle("q", 1, 10, 1)]));
    kit.insert(queue, 2);
    kit.send_all();

    kit.engine.park(queue, at(35));

    assert_eq!((kit.engine.next_wake(), kit.run().went), (Some(at(35)), vec![(2, 35_000)]));
}

#[test]
fn a_site_gets_its_messages_no_faster_than_its_rate_over_all_its_connections() {
    let rate = Rate { limit: 2, period: Duration::from_secs(1), burst: 1 };
    let mut kit = Kit::with_limits(Limits { max_message_rate: Some(rate), ..Limits::default() });
    for n in 0..3 {
        let queue = kit.queue(&format!("d{n}.example"), throttled([]));
        kit.insert(queue, 2);
    }

    let times: Vec<_> = kit.run().went.into_iter().map(|(_, at)| at).collect();

    assert_eq!(times, [0, 500, 1000, 1500, 2000, 2500]);
}

#[test]
fn connections_open_no_faster_than_their_rate() {
    let rate = Rate { limit: 1, period: Duration::from_secs(1), burst: 2 };
    let mut kit = Kit::with_limits(Limits { max_connection_rate: Some(rate), ..Limits::default() });
    let queue = kit.queue("d.example", throttled([]));
    kit.insert(queue, 7);
    let mut opened = vec![kit.told().len()];

    for second in 1..=4 {
        kit.go_to(at(second));
        opened.push(kit.told().len());
    }

    assert_eq!(opened, [2, 1, 1, 1, 0], "seven messages want five connections");
}
