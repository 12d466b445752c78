//! A plugin that handles egress: pools and sources that no file defines, and what holds on the way.

use tollgate_testkit::guest::{GATEKEEPER, KEEPER};

use crate::kit::{Folder, Mta, Sink, TOLLGATE, get, line, queues, send, senders, wait_until, with_plugin};

/// Starts with the gatekeeper; `queues.toml` names pools that `tollgate.toml` lacks.
fn start(sink: &Sink, tenants: &str) -> Mta {
    let queues = queues(sink.address, tenants);
    let folder = Folder::new(&with_plugin(TOLLGATE, "gate", "instances = \"warm\""), &queues);
    folder.write("gate.wasm", GATEKEEPER);
    Mta::start_in(folder)
}

fn message(tenant: &str) -> String {
    format!("X-Tenant: {tenant}\r\nSubject: x\r\n\r\n")
}

#[test]
fn mail_leaves_by_a_plugins_pool_from_its_sources_and_from_a_files() {
    let sink = Sink::start(&[]);
    let mta = start(&sink, "[tenant.gated]\negress_pool = 'gate-pool'");

    for number in 0..6 {
        send(mta.smtp(), &[&format!("r{number}@example.com")], &message("gated"));
    }

    let mut from = senders(&sink.wait_for(6));
    from.sort();
    let records = mta.wait_for_records("Delivery", 6);
    mta.terminate();
    let pools: Vec<_> = records.iter().filter_map(|record| record["egress_pool"].as_str()).collect();
    let expected = [["127.0.0.11 out1.example"; 2].as_slice(), ["127.0.0.21 gate1.example"; 4].as_slice()].concat();
    assert_eq!((from, pools), (expected.into_iter().map(str::to_owned).collect(), vec!["gate-pool"; 6]));
}

#[test]
fn explain_shows_a_plugins_pool_with_its_sources() {
    let folder = Folder::new(
        &with_plugin(TOLLGATE, "gate", ""),
        &queues("127.0.0.1:25".parse().unwrap(), "[tenant.gated]\negress_pool = 'gate-pool'"),
    );
    folder.write("gate.wasm", GATEKEEPER);

    let said = folder.explain(&["--to", "a@example.com", "--header", "X-Tenant: gated"]);

    let from = said.lines().skip_while(|line| !line.starts_with("Pool")).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ")
    });
    let expected = [
        "Pool gate-pool known to a plugin",
        "source weight share from address EHLO name",
        "gate-1 2 66.7 % 127.0.0.21 gate1.example",
        "ip-1 1 33.3 % 127.0.0.11 out1.example",
    ];
    assert_eq!(from.take(4).collect::<Vec<_>>(), expected, "{said}");
}

#[test]
fn what_a_plugin_says_of_a_path_holds_over_the_files() {
    let sink = Sink::start(&[]);
    let mta = start(&sink, "[tenant.gated]\negress_pool = 'one-pool'");

    for number in 0..4 {
        send(mta.smtp(), &[&format!("r{number}@example.com")], &message("gated"));
    }

    sink.wait_for(4);
    mta.terminate();
    let mut ports: Vec<u16> = sink.arrived().iter().map(|message| message.peer.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!((ports.len(), sink.arrived().len()), (4, 4), "each message has a connection of its own");
}

#[test]
fn a_pool_is_asked_for_anew_when_its_time_is_over() {
    let sink = Sink::start(&[]);
    let mta = fickle(&sink);
    send(mta.smtp(), &["a@example.com"], &message("fickle"));
    sink.wait_for(1);

    next_era(&mta);
    let before = asked(&mta, "answer");
    // The first may have been under way.
    wait_until("the plugin was asked anew", || asked(&mta, "answer") > before + 1);
    send(mta.smtp(), &["b@example.com"], &message("fickle"));

    let from = senders(&sink.wait_for(2));
    mta.terminate();
    assert_eq!(from, ["127.0.0.11 out1.example", "127.0.0.12 out2.example"]);
}

#[test]
fn a_pool_holds_on_where_its_plugin_has_no_answer() {
    let sink = Sink::start(&[]);
    let mta = fickle(&sink);
    send(mta.smtp(), &["a@example.com"], &message("fickle"));
    sink.wait_for(1);

    next_era(&mta);
    next_era(&mta);
    wait_until("the plugin has failed", || asked(&mta, "unavailable") > 0);
    let generation = mta.metric("config_generation");
    mta.rewrite("queues.toml", |text| text + "\n[tenant.other]\negress_pool = 'fickle-pool'\n");
    let warned = || !mta.stderr("queues.toml:13:1 warning: egress_pool: no file defines pool 'fickle-pool'").is_empty();
    wait_until("the file is in force", || warned() && mta.metric("config_generation") != generation);
    send(mta.smtp(), &["b@example.com"], &message("fickle"));

    let from = senders(&sink.wait_for(2));
    let refused = mta.stderr("is refused");
    mta.terminate();
    assert!(refused.is_empty() && from.iter().all(|from| from.contains(" out")), "{refused:?} {from:?}");
}

/// Starts with a plugin whose pool changes with each era.
fn fickle(sink: &Sink) -> Mta {
    let queues = queues(sink.address, "[tenant.fickle]\negress_pool = 'fickle-pool'");
    let folder = Folder::new(&with_plugin(TOLLGATE, "keeper", "grants = [\"counters\"]"), &queues);
    folder.write("keeper.wasm", KEEPER);
    Mta::start_in(folder)
}

fn next_era(mta: &Mta) {
    send(mta.smtp(), &["era@example.com"], "X-Do: count era\r\n\r\n");
}

/// Returns how often the plugin was asked for pools with this outcome.
fn asked(mta: &Mta, outcome: &str) -> u64 {
    let name = format!("policy_calls_total{{event=\"egress\",plugin=\"keeper\",outcome=\"{outcome}\"}}");
    mta.metric(&name).parse().unwrap_or(0)
}

#[test]
fn a_pool_that_a_file_defines_from_now_on_is_the_files() {
    let sink = Sink::start(&[]);
    let mta = start(&sink, "[tenant.gated]\negress_pool = 'one-pool'");
    send(mta.smtp(), &["a@example.com"], &message("gated"));
    sink.wait_for(1);

    mta.rewrite("tollgate.toml", |text| text + "[pool.one-pool.ip-2]\n");
    wait_until("the file is in force", || get(mta.http, "/metrics").1.contains("\ntollgate_config_generation 2\n"));
    send(mta.smtp(), &["b@example.com"], &message("gated"));

    let from = senders(&sink.wait_for(2));
    mta.terminate();
    assert_eq!(from, ["127.0.0.21 gate1.example", "127.0.0.12 out2.example"]);
}

#[test]
fn a_pool_whose_source_nobody_knows_defers_the_mail() {
    let sink = Sink::start(&[]);
    let mta = start(&sink, "[tenant.lost]\negress_pool = 'lost-pool'");

    let replies = send(mta.smtp(), &["a@example.com"], &message("lost"));

    let counted =
        "tollgate_policy_calls_total{event=\"queue-config\",plugin=\"queue-helper\",outcome=\"undefined-pool\"} 1";
    let metrics = get(mta.http, "/metrics").1;
    let records = mta.wait_for_records("Rejection", 1);
    mta.terminate();
    let rejected = "Rejection a@example.com in  #0: 451 4.3.5 queue configuration failed";
    assert_eq!(
        (replies, metrics.contains(counted), line(&records[0])),
        (vec!["451 4.3.5 queue configuration failed".to_owned()], true, rejected.to_owned())
    );
}

#[test]
fn a_pool_that_neither_a_file_nor_a_plugin_knows_is_told_at_the_start() {
    let queues = queues("127.0.0.1:25".parse().unwrap(), "[tenant.t]\negress_pool = 'gate-pol'");
    let folder = Folder::new(&with_plugin(TOLLGATE, "gate", ""), &queues);
    folder.write("gate.wasm", GATEKEEPER);

    let (code, said) = crate::a_program_that_cannot_start_says_why::refusal(&folder);

    let error = "egress_pool: pool 'gate-pol' is not defined in tollgate.toml as [pool.'gate-pol'.SOURCE]";
    assert!(code == Some(2) && said.contains(error), "{code:?} {said}");
}
