//! Limits on the way to sites, as the shell sees them: who is picked, who may connect, and who gives up when.

use std::{sync::Arc, time::Duration};

use super::{
    tests::{Kit, at, config},
    *,
};
use crate::{
    ready::{Limits, Maildir, Pool, Shared},
    scheduled::{QueueConfig, Route},
    throttle::Rate,
};

fn to(hop: &str) -> QueueConfig {
    QueueConfig { route: Route::MxList(vec![hop.to_owned()]), ..config() }
}

fn rate(limit: u64, seconds: u64, burst: u64) -> Rate {
    Rate { limit, period: Duration::from_secs(seconds), burst }
}

/// The ready queues with what they were promised.
fn promised(kit: &Kit) -> Vec<(String, u32)> {
    kit.engine.ready_queues().map(|ready| (ready.name.split_once("->").unwrap().0.to_owned(), ready.ready)).collect()
}

fn pooled(sources: &[(&str, u32)], limits: Limits) -> Kit {
    let sources = sources.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
    let pools = vec![Pool { name: "p".to_owned(), sources }];
    Kit::new(EgressSettings { pools, limits, ..EgressSettings::default() })
}

#[test]
fn a_source_over_its_selection_rate_is_passed_by_and_picked_again_with_its_next_token() {
    let limits = Limits { source_selection_rate: Some(rate(1, 10, 2)), ..Limits::default() };
    let mut kit = pooled(&[("a", 1), ("b", 1)], limits);
    let queue = kit.queue("d.example", QueueConfig { egress_pool: Some("p".to_owned()), ..config() });
    kit.insert(queue, 7);
    let mut seen = vec![promised(&kit)];

    kit.go_to(at(9));
    seen.push(promised(&kit));
    kit.go_to(at(10));
    seen.push(promised(&kit));

    let both = |n: u32| vec![("a".to_owned(), n), ("b".to_owned(), n)];
    assert_eq!(seen, [both(2), both(2), both(3)]);
}

#[test]
fn mail_that_no_source_may_take_waits_for_the_first_token_and_counts_no_attempt() {
    let limits = Limits { source_selection_rate: Some(rate(1, 10, 1)), ..Limits::default() };
    let mut kit = Kit::with_limits(limits);
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 3);

    let went = kit.run().went;

    assert_eq!(went, [(1, 0), (2, 10_000), (3, 20_000)]);
}

#[test]
fn sources_and_sites_that_share_a_rate_by_name_keep_it_together() {
    let shared = Shared { message_rates: vec![("provider".into(), rate(1, 1, 1))], ..Shared::default() };
    let mut kit = Kit::with_limits(Limits { shared: Arc::new(shared), ..Limits::default() });
    for hop in ["a", "b"] {
        let queue = kit.queue(&format!("{hop}.example"), to(hop));
        kit.insert(queue, 2);
    }

    let mut times: Vec<_> = kit.run().went.into_iter().map(|(_, at)| at).collect();

    times.sort_unstable();
    assert_eq!(times, [0, 1000, 2000, 3000]);
}

#[test]
fn selection_rates_that_are_shared_by_name_hold_over_all_sites() {
    let shared = Shared { selection_rates: vec![("warm-up".into(), rate(1, 10, 1))], ..Shared::default() };
    let mut kit = Kit::with_limits(Limits { shared: Arc::new(shared), ..Limits::default() });
    for hop in ["a", "b"] {
        let queue = kit.queue(&format!("{hop}.example"), to(hop));
        kit.insert(queue, 1);
    }

    let went = kit.run().went;

    assert_eq!(went, [(1, 0), (2, 10_000)]);
}

#[test]
fn a_connection_that_is_shared_by_name_goes_to_the_next_when_it_closes() {
    let shared = Shared { connection_limits: vec![("provider".into(), 1)], ..Shared::default() };
    let mut kit = Kit::with_limits(Limits { shared: Arc::new(shared), ..Limits::default() });
    for hop in ["a", "b"] {
        let queue = kit.queue(&format!("{hop}.example"), to(hop));
        kit.insert(queue, 1);
    }
    let before = kit.told();

    kit.send_all();
    let (lease, _) = kit.leases.remove(0);
    kit.engine.closed(kit.now, lease, Closed::Finished);

    let connect = |hop| vec![format!("connect unspecified to mx_list:{hop}")];
    assert_eq!((before, kit.told()), (connect("a"), connect("b")));
}

#[test]
fn until_enough_connections_in_a_row_failed_each_costs_one_message_an_attempt() {
    let limits = Limits { consecutive_connection_failures_before_delay: 3, ..Limits::default() };
    let mut kit = Kit::with_limits(limits);
    let queue = kit.queue("d.example", config());
    // Two messages want two connections; so the second try is for what is left.
    kit.insert(queue, 1);
    kit.told();
    kit.insert(queue, 1);
    kit.told();
    let mut told = Vec::new();

    for _ in 0..2 {
        kit.refuse_all();
        told.push(kit.told());
        kit.insert(queue, 4);
        kit.told();
    }

    let failed = |number: u32| format!("{number} Unreachable(\"refused\"): retry 1 after 10 s");
    let all: Vec<_> = (3..=6).map(failed).collect();
    assert_eq!(told, [vec![failed(1), failed(2)], all]);
}

#[test]
fn one_connection_that_comes_about_forgives_the_failures_before_it() {
    let limits = Limits { connection_limit: 1, consecutive_connection_failures_before_delay: 2, ..Limits::default() };
    let mut kit = Kit::with_limits(limits);
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 1);
    kit.drain();
    kit.refuse_all();
    kit.insert(queue, 1);
    kit.send_all();
    let (lease, _) = kit.leases.remove(0);
    kit.engine.closed(kit.now, lease, Closed::Finished);
    kit.insert(queue, 2);
    kit.told();

    kit.refuse_all();

    let failures = kit.told().into_iter().filter(|told| told.contains("Unreachable")).count();
    assert_eq!(failures, 1, "one of the two that waited");
}

#[test]
fn a_rate_that_is_taken_away_keeps_nobody_waiting() {
    let mut kit = Kit::with_limits(Limits { max_message_rate: Some(rate(1, 3600, 1)), ..Limits::default() });
    let queue = kit.queue("d.example", config());
    kit.insert(queue, 2);
    kit.send_all();

    kit.engine.set_limits(kit.now, Limits::default(), HashMap::new());

    assert_eq!(kit.send_all(), [2]);
}

#[test]
fn mailboxes_here_are_a_site_of_their_domain_whatever_the_pool_and_nobody_is_asked_about_the_way() {
    let mut kit = Kit::new(EgressSettings::default());
    kit.engine.ask_paths(kit.now, true);
    let maildir = Maildir { path: "/mail/{{email}}".to_owned(), dir_mode: None, file_mode: None };
    let here = QueueConfig { route: Route::Maildir(maildir), egress_pool: Some("empty".to_owned()), ..config() };
    let queue = kit.queue("d.example", here);
    kit.insert(queue, 1);

    let told = kit.told();

    let names: Vec<_> = kit.engine.ready_queues().map(|ready| ready.name.to_owned()).collect();
    assert_eq!(
        (told, names),
        (
            vec!["connect unspecified to d.example".to_owned()],
            vec!["unspecified->d.example@maildir:/mail/{{email}}".to_owned()]
        )
    );
}
