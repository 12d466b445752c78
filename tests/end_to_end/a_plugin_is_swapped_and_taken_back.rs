//! Other versions of a plugin, by command and by file, while mail flows.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use serde_json::Value;
use tollgate_peer::send::{self, SendConfig};
use tollgate_testkit::guest::{HELLO, ROGUE};

use crate::kit::{Folder, Mta, Sink, TOLLGATE, block_on, line, queues, send, text, wait_until, with_plugin};

/// What `hello` refuses, and what it takes.
const BARE: &str = "X: y\r\n\r\n";
const FULL: &str = "Subject: x\r\n\r\n";
const REFUSED: &str = "550 5.6.0 please give your mail a subject";

fn folder(sink: &Sink, keys: &str) -> Folder {
    let folder = Folder::new(&with_plugin(TOLLGATE, "guard", keys), &queues(sink.address, "[tenant.rogue]"));
    folder.write("guard.wasm", HELLO);
    folder
}

/// Returns a component that does the same and is another.
fn another(component: &[u8], mark: u8) -> Vec<u8> {
    [component, &[0, 3, 1, b'm', mark]].concat()
}

/// Returns what the program says of its first plugin.
fn listed(mta: &Mta) -> Value {
    let (code, out, err) = mta.plugin(&["list", "--json"]);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str::<Value>(&out).unwrap()[0].clone()
}

fn versions(listed: &Value) -> (u64, bool, Vec<u64>) {
    let kept = listed["kept"].as_array().unwrap().iter().map(|kept| kept["version"].as_u64().unwrap());
    (listed["version"].as_u64().unwrap(), listed["stands_in_for_files"] == true, kept.collect())
}

fn said(mta: &Mta, message: &str) -> String {
    send(mta.smtp(), &["a@example.com"], message).concat()
}

#[test]
fn a_component_that_is_swapped_in_decides_at_once_and_after_a_restart_until_it_is_taken_back() {
    let sink = Sink::start(&[]);
    let folder = folder(&sink, "config = [\"guard.txt\"]");
    folder.write("guard.txt", "fine");
    folder.write("new.wasm", ROGUE);
    let mta = Mta::start_in(folder);
    let before = said(&mta, BARE);

    let (code, out, err) = mta.plugin(&["swap", "guard", "new.wasm"]);

    let swapped = (said(&mta, BARE), versions(&listed(&mta)));
    let mta = Mta::start_in(mta.terminate().1);
    let restarted = (said(&mta, BARE), versions(&listed(&mta)), mta.check("tollgate.toml"));
    let (back, ..) = mta.plugin(&["rollback", "guard"]);
    let after = (said(&mta, BARE), versions(&listed(&mta)));
    mta.terminate();
    let taken = || "250 2.0.0 OK".to_owned();
    assert_eq!((before.as_str(), code, back, err.as_str()), (REFUSED, 0, 0, ""));
    assert!(out.starts_with("plugin 'guard' is at version 2, blake3:"), "{out}");
    assert_eq!(swapped, (taken(), (2, true, vec![1])));
    assert_eq!((restarted.0, restarted.1), (taken(), (1, true, vec![])));
    assert!(restarted.2.contains("note: plugin 'guard' runs version 1 with component blake3:"), "{}", restarted.2);
    assert_eq!(after, (REFUSED.to_owned(), (2, false, vec![1])));
}

#[test]
fn what_would_not_start_is_refused_with_its_errors_and_nothing_changes() {
    let sink = Sink::start(&[]);
    let folder = folder(&sink, "");
    folder.write("junk.wasm", "no component");
    folder.write("refuses.wasm", ROGUE);
    let mta = Mta::start_in(folder);

    let told = [
        mta.plugin(&["swap", "guard", "junk.wasm"]),
        mta.plugin(&["swap", "gard", "refuses.wasm"]),
        mta.plugin(&["rollback", "guard"]),
        mta.plugin(&["swap", "guard", "absent.wasm"]),
    ]
    .map(|(code, out, err)| (code, out, err.lines().next().unwrap_or_default().to_owned()));

    let (now, versions) = (said(&mta, BARE), versions(&listed(&mta)));
    mta.terminate();
    let codes = told.each_ref().map(|(code, ..)| *code);
    assert_eq!((codes, now.as_str(), versions), ([1, 1, 1, 2], REFUSED, (1, false, vec![])));
    assert!(told[0].2.contains("tollgate.toml:") && told[0].2.contains("plugin 'guard'"), "{}", told[0].2);
    assert!(told[1].2.ends_with("there is no plugin of that name; there are: guard, queue-helper"), "{}", told[1].2);
    assert!(told[2].2.ends_with("there is no version to go back to"), "{}", told[2].2);
    assert!(told[3].2.contains("absent.wasm"), "{}", told[3].2);
}

#[test]
fn a_file_that_changes_has_the_last_word_over_what_was_swapped_in() {
    let sink = Sink::start(&[]);
    let folder = folder(&sink, "config = [\"guard.txt\"]");
    folder.write("guard.txt", "fine");
    folder.write("new.wasm", ROGUE);
    let mta = Mta::start_in(folder);
    mta.plugin(&["swap", "guard", "new.wasm"]);
    let swapped = said(&mta, BARE);

    // First the other file: the component stands in for its own alone.
    mta.write("guard.txt", "still fine");
    wait_until("its configuration is read", || listed(&mta)["version"] == 3);
    let configured = (said(&mta, BARE), versions(&listed(&mta)));
    mta.write("guard.wasm", another(HELLO, 1));
    wait_until("its component is read", || listed(&mta)["version"] == 4);

    let changed = (said(&mta, BARE), versions(&listed(&mta)));
    mta.terminate();
    let taken = "250 2.0.0 OK".to_owned();
    assert_eq!((&swapped, configured), (&taken, (taken.clone(), (3, true, vec![2, 1]))));
    assert_eq!(changed, (REFUSED.to_owned(), (4, false, vec![3, 2, 1])));
}

#[test]
fn a_swap_takes_the_files_as_they_are_and_hides_no_edit() {
    let sink = Sink::start(&[]);
    let folder = folder(&sink, "config = [\"guard.txt\"]");
    folder.write("guard.txt", "fine");
    folder.write("new.wasm", ROGUE);
    let mta = Mta::start_in(folder);
    let before = listed(&mta);

    mta.write("guard.txt", "edited a moment ago");
    mta.plugin(&["swap", "guard", "new.wasm"]);

    let (after, told) = (listed(&mta), mta.check("tollgate.toml"));
    mta.terminate();
    assert_ne!(before["config_digest"], after["config_digest"]);
    assert!(told.contains("with component blake3:") && !told.contains("earlier configuration files"), "{told}");
}

#[test]
fn a_reload_that_leaves_a_plugin_as_it_is_leaves_it_running() {
    let sink = Sink::start(&[]);
    let mta = Mta::start_in(folder(&sink, "instances = \"warm\""));
    said(&mta, FULL);
    let before = listed(&mta);

    mta.rewrite("queues.toml", |text| text + "[queue.'x.example']\n");
    wait_until("the reload", || mta.metric("config_generation") == "2");

    let after = listed(&mta);
    mta.terminate();
    let same = ["version", "since", "instances", "host_calls"].map(|key| (before[key] == after[key], key));
    assert!(same.iter().all(|(same, _)| *same), "{same:?}");
}

/// What was lost or mixed without care: a message judged by one version and recorded as another's.
#[test]
fn swaps_under_load_fail_no_transaction_and_each_record_names_one_generation() {
    let sink = Sink::start(&[]);
    let folder = folder(&sink, "config = [\"guard.txt\"]");
    folder.write("guard.txt", "fine");
    // They leave different fields on a message.
    folder.write("0.wasm", ROGUE);
    folder.write("1.wasm", HELLO);
    let mta = Mta::start_in(folder);
    let subject = vec![("Subject".to_owned(), "x".to_owned())];
    let load = SendConfig { to: mta.smtp(), connections: 8, messages: 4000, headers: subject, ..SendConfig::default() };
    let load = thread::spawn(move || block_on(send::run(load)).unwrap());
    let mut swapped = 0;

    while !load.is_finished() {
        let (code, _, err) = mta.plugin(&["swap", "guard", &format!("{}.wasm", swapped % 2)]);
        assert_eq!(code, 0, "{err}");
        swapped += 1;
        let (begun, more) = (sink.counter.counts().messages, 100);
        wait_until("mail flows", || load.is_finished() || sink.counter.counts().messages >= begun + more);
    }

    let report = load.join().unwrap();
    mta.wait_until_empty();
    let records = mta.wait_for_records("Delivery", 4000);
    mta.terminate();
    let by_rogue: BTreeMap<String, bool> = sink
        .arrived()
        .iter()
        .map(|message| (message.to.concat(), String::from_utf8_lossy(&message.data).contains("X-Rogue: ")))
        .collect();
    // What each generation did, to all of its messages.
    let mut done: BTreeMap<u64, BTreeSet<bool>> = BTreeMap::new();
    let mut recorded: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for record in &records {
        let generation = record["generation"].as_u64().unwrap();
        recorded.entry(text(record, "id")).or_default().insert(generation);
        done.entry(generation).or_default().insert(by_rogue[text(record, "recipient")]);
    }
    let torn = recorded.values().filter(|generations| generations.len() > 1).count();
    let mixed: Vec<_> = done.iter().filter(|(_, ways)| ways.len() > 1).collect();
    let ways: BTreeSet<bool> = done.values().flatten().copied().collect();
    eprintln!("{swapped} swaps, {} of whose generations had mail, {:.0} messages/s", done.len(), report.rate());
    assert_eq!((report.sent, report.refused, report.failed, sink.recipients().len()), (4000, 0, 0, 4000));
    assert_eq!((torn, mixed, ways.len()), (0, vec![], 2));
}

#[test]
fn a_shadow_and_a_canary_are_tried_beside_the_plugin_that_decides() {
    let sink = Sink::start(&[]);
    let rival = "\n[[plugin]]\nname = \"new\"\ncomponent = \"new.wasm\"\ninstead_of = \"guard\"\nmode = \"shadow\"\n";
    let tollgate = with_plugin(TOLLGATE, "guard", "config = [\"guard.txt\"]") + rival;
    let folder = Folder::new(&tollgate, &queues(sink.address, "[tenant.rogue]"));
    folder.write("guard.wasm", ROGUE);
    folder.write("guard.txt", "fine");
    folder.write("new.wasm", HELLO);
    let mta = Mta::start_in(folder);

    let shadowed = said(&mta, BARE);
    let different = "policy_shadowed_total{event=\"message-received\",plugin=\"new\",outcome=\"different\"}";
    wait_until("the shadow has had its say", || mta.metric(different) == "1");
    let told = mta.stderr("the shadow would have done otherwise");
    mta.rewrite("tollgate.toml", |text| text.replace("mode = \"shadow\"", "canary = \"100%\""));
    wait_until("the canary", || mta.metric("config_generation") == "2");
    let canary = said(&mta, BARE);

    let records: Vec<_> = mta.wait_for_records("Rejection", 1);
    let (_, list, _) = mta.plugin(&["list"]);
    mta.terminate();
    let rejection = records.iter().find(|record| record["type"] == "Rejection").unwrap();
    assert_eq!((shadowed.as_str(), canary.as_str()), ("250 2.0.0 OK", REFUSED));
    assert!(told[0].contains("reject '550 5.6.0 please give your mail a subject' instead of accept"), "{told:?}");
    assert_eq!(
        (line(rejection), &rejection["policy"][0]["plugin"]),
        (format!("Rejection a@example.com in  #0: {REFUSED}"), &"new".into())
    );
    assert!(list.contains("received phase, a canary instead of guard: decides for 100%"), "{list}");
}

#[test]
fn numbers_tell_how_plugins_are_and_how_long_they_take() {
    let sink = Sink::start(&[]);
    let mta = Mta::start_in(folder(&sink, "instances = \"warm\""));
    said(&mta, FULL);
    said(&mta, BARE);

    let of = |name: &str| mta.metric(&format!("{name}{{plugin=\"guard\"}}"));
    let vitals = ["plugin_version", "plugin_instances", "plugin_quarantined"].map(of);
    let calls = of("plugin_host_calls_total").parse::<u64>().unwrap();
    let memory = of("plugin_memory_bytes").parse::<u64>().unwrap();
    let event = "event=\"message-received\",plugin=\"guard\"";
    let took = mta.metric(&format!("policy_duration_seconds_count{{{event}}}"));
    let counted =
        ["accept", "reject"].map(|word| mta.metric(&format!("policy_calls_total{{{event},outcome=\"{word}\"}}")));
    mta.terminate();
    assert_eq!(
        (vitals, took, counted),
        (["1", "1", "0"].map(str::to_owned), "2".to_owned(), ["1", "1"].map(str::to_owned))
    );
    assert!(calls >= 4 && memory >= 65_536, "{calls} calls, {memory} octets");
}

#[test]
fn a_cache_is_warmed_before_the_first_start_and_beside_a_running_server() {
    let sink = Sink::start(&[]);
    let folder = folder(&sink, "");

    let before = folder.command(&["cache", "warm", "--config", "tollgate.toml"]);
    let mta = Mta::start_in(folder);
    mta.write("other.toml", mta.read("tollgate.toml").replace("guard.wasm", "junk.wasm"));
    mta.write("junk.wasm", "no component");
    let beside = [
        mta.command(&["cache", "warm", "--config", "tollgate.toml"]),
        mta.command(&["cache", "warm", "--config", "other.toml"]),
    ];

    let flows = said(&mta, FULL);
    mta.terminate();
    assert_eq!((before.0, beside[0].0, beside[1].0, flows.as_str()), (0, 0, 1, "250 2.0.0 OK"));
    assert!(before.1.starts_with("2 components are in ") && before.1.contains("1 with snapshots"), "{}", before.1);
    assert!(beside[1].2.contains("plugin 'guard'"), "{}", beside[1].2);
}
