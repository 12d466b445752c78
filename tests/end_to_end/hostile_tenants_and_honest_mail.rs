//! Every attack that can be run, each by a tenant of its own and all at once, while an honest tenant's mail flows.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tollgate_hostile::attack;
use tollgate_peer::send::{self, SendConfig, SendReport};
use tollgate_testkit::guest::HELLO;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, block_on, get, queues, split_trace, text, wait_until};

/// The attacks that are made while a message is judged.
const ATTACKS: [&str; 22] = [
    "06-loop",
    "07-loop-in-post-return",
    "07-loop-in-start",
    "08-recursion",
    "09-grow-memory",
    "10-grow-table",
    "12-giant-text",
    "13-call-storm",
    "15-bulk",
    "16-fields",
    "16-log-flood",
    "22-handles",
    "23-forged-handle",
    "23-handle-of-another-kind",
    "23-kept-handle",
    "23-stale-handle",
    "25-canary",
    "36-answer-elsewhere",
    "36-text-elsewhere",
    "36-text-that-is-none",
    "36-unknown-verdict",
    "09-large-memory",
];

/// How many messages of the honest tenant are timed, each time.
const TIMED: u64 = 500;
/// How often it is tried: the machine has other things to do, and both halves of a try have to be spared.
const TRIES: usize = 3;

fn tenants(of: impl Fn(&str) -> String) -> String {
    ATTACKS.iter().map(|attack| of(attack)).chain([of("honest"), of("neighbour")]).collect()
}

fn start(sink: &Sink) -> Mta {
    let named = tenants(|name| format!("[tenant.{name}]\n"));
    let components = tenants(|name| format!("[tenant.{name}]\ncomponent = \"{name}.wasm\"\n"));
    let tollgate = TOLLGATE.replace("[log]", &format!("{components}[log]"));
    let folder = Folder::new(&tollgate, &queues(sink.address, &named));
    for name in ATTACKS {
        folder.write(&format!("{name}.wasm"), attack(name, "message-received-plugin"));
    }
    folder.write("honest.wasm", HELLO);
    folder.write("neighbour.wasm", HELLO);
    Mta::start_in(folder)
}

fn load(mta: &Mta, tenant: &str, connections: usize, messages: u64) -> SendConfig {
    let headers = [("X-Tenant", tenant), ("Subject", "s")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let recipient = format!("{tenant}-{{n}}@example.com");
    SendConfig { to: mta.smtp(), connections, messages, headers: headers.to_vec(), recipient, ..SendConfig::default() }
}

fn sent(config: SendConfig) -> SendReport {
    block_on(send::run(config)).unwrap()
}

/// Others' mail that goes on until it is stopped.
struct Others {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Others {
    /// Sends mail of these tenants in turns, over two connections.
    fn begin(mta: &Mta, tenants: &[&str]) -> Self {
        let (stop, sent): (Arc<AtomicBool>, Arc<AtomicU64>) = Default::default();
        let threads = (0..2).map(|first| {
            let loads: Vec<_> = tenants.iter().map(|tenant| load(mta, tenant, 1, 2)).collect();
            let (stop, count) = (Arc::clone(&stop), Arc::clone(&sent));
            thread::spawn(move || {
                for load in loads.iter().cycle().skip(first) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let report = self::sent(load.clone());
                    count.fetch_add(report.sent + report.refused, Ordering::Relaxed);
                }
            })
        });
        Self { threads: threads.collect(), stop, sent }
    }

    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        self.sent.load(Ordering::Relaxed)
    }
}

/// Returns how long all but a hundredth of the honest tenant's messages took at most, beside others' mail.
fn slowest(mta: &Mta, others: &[&str]) -> (Duration, SendReport, u64) {
    let others = Others::begin(mta, others);
    let report = sent(load(mta, "honest", 2, TIMED));
    (report.p99, report, others.end())
}

/// Returns the most memory that the program has had, in MiB.
fn memory(mta: &Mta) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", mta.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn nothing_of_an_honest_tenants_is_lost_changed_or_held_up() {
    let sink = Sink::start(&[]);
    let mta = start(&sink);
    let mut ratios = Vec::new();
    let mut taken = 0;
    let asked = |attack: &&str| {
        let (event, plugin) = ("event=\"message-received\"", format!("plugin=\"tenant:{attack}\""));
        get(mta.http, "/metrics")
            .1
            .lines()
            .any(|line| line.contains("policy_calls") && line.contains(event) && line.contains(&plugin))
    };

    for _ in 0..TRIES {
        let (quiet, first, _) = slowest(&mta, &["neighbour"]);
        let (attacked, second, attacks) = slowest(&mta, &ATTACKS);
        taken += first.sent + second.sent;
        let ratio = attacked.as_secs_f64() / quiet.as_secs_f64();
        eprintln!("p99 {attacked:?} under {attacks} attacks, {quiet:?} beside a neighbour: {ratio:.2} times");
        ratios.push(ratio);
        if ratio <= 2.0 {
            break;
        }
    }

    mta.wait_until_empty();
    let unasked: Vec<_> = ATTACKS.iter().filter(|attack| !asked(attack)).collect();
    let honest = "honest@example.com";
    let ended = |records: &[serde_json::Value]| {
        records.iter().filter(|record| text(record, "queue").ends_with(honest) && record["type"] == "Delivery").count()
    };
    wait_until("the records are written", || ended(&mta.records()) as u64 >= taken);
    let (records, memory) = (mta.records(), memory(&mta));
    mta.terminate();
    let arrived = sink.arrived();
    let mine: Vec<_> = arrived.iter().filter(|message| message.to.concat().starts_with("honest-")).collect();
    let whole = mine.iter().filter(|message| {
        let (_, content) = split_trace(&message.data);
        let content = String::from_utf8(content).unwrap();
        content.contains("X-Hello: to 1 recipient(s)\r\n") && content.contains("Subject: s\r\n")
    });
    let queues: Vec<_> = records.iter().filter(|record| text(record, "queue") == honest).collect();
    eprintln!("{taken} of the honest tenant's, {} in all, {memory} MiB at most", arrived.len());
    assert_eq!((mine.len() as u64, whole.count() as u64, taken % TIMED), (taken, taken, 0));
    assert_eq!(queues.len() as u64, 2 * taken, "a reception and a delivery for each");
    assert_eq!(unasked, Vec::<&&str>::new(), "each attack is made");
    assert!(memory < 1024, "{memory} MiB");
    assert!(ratios.iter().any(|ratio| *ratio <= 2.0), "{ratios:?} times the baseline");
}
