//! Plugins with grants: what they keep and whom they ask, and what the operator reads where something was not granted.

use std::net::{SocketAddr, TcpListener};

use tollgate_testkit::guest::{ERRAND, KEEPER};

use crate::kit::{Dialogue, Folder, Mta, Sink, TOLLGATE, free_address, get, queues, wait_until, with_plugin};

const COUNTERS: &str = "grants = [\"counters\"]\nconfig = [\"names\"]";
const KV: &str = "grants = [\"kv\", \"dns\", \"http-client\"]";

/// Returns a folder with a plugin in front of the stock one.
fn folder(name: &str, component: &[u8], keys: &str, sink: &Sink) -> Folder {
    let folder = Folder::new(&with_plugin(TOLLGATE, name, keys), &queues(sink.address, ""));
    folder.write(&format!("{name}.wasm"), component);
    folder.write("names", "seen\n");
    folder
}

/// Has the plugin do something, and returns what the sender of the message reads.
fn told(mta: &Mta, wish: &str) -> String {
    let reply = Dialogue::open(mta.smtp()).message("a@example.com", &format!("X-Do: {wish}\r\n\r\n"));
    reply.strip_prefix("550 5.0.0 ").unwrap_or(&reply).to_owned()
}

fn shown(mta: &Mta) -> Vec<String> {
    let metrics = get(mta.http, "/metrics").1;
    metrics.lines().filter(|line| line.starts_with("tollgate_plugin_counter")).map(str::to_owned).collect()
}

#[test]
fn counters_and_metrics_go_on_over_a_reload_and_counters_end_with_the_program() {
    let sink = Sink::start(&[]);
    let mta = Mta::start_in(folder("keeper", KEEPER, COUNTERS, &sink));
    let first = ["count a", "count a", "show seen"].map(|wish| told(&mta, wish));

    mta.write("names", "seen\nmore\n");
    mta.signal("HUP");
    wait_until("the configuration is read again", || shown(&mta).len() == 4);
    let then = ["count a", "show seen", "show more"].map(|wish| told(&mta, wish));
    let shown = shown(&mta);

    let mta = Mta::start_in(mta.terminate().1);
    let anew = told(&mta, "count a");
    assert_eq!(
        (first, then, anew.as_str()),
        (["1", "2", "()"].map(str::to_owned), ["3", "()", "()"].map(str::to_owned), "1")
    );
    let expected = [
        "tollgate_plugin_counter_total{plugin=\"keeper\",name=\"more\"} 1",
        "tollgate_plugin_counter_total{plugin=\"keeper\",name=\"seen\"} 2",
    ];
    let mut totals: Vec<&str> = shown.iter().map(String::as_str).filter(|line| line.contains("_total{")).collect();
    totals.sort_unstable();
    assert_eq!(totals, expected);
}

#[test]
fn values_are_there_after_the_program_was_killed() {
    let sink = Sink::start(&[]);
    let mta = Mta::start_in(folder("errand", ERRAND, KV, &sink));
    let first = ["set k kept", "set l gone", "delete l"].map(|wish| told(&mta, wish));

    let mta = Mta::start_in(mta.kill9());

    let then = ["get k", "get l"].map(|wish| told(&mta, wish));
    assert_eq!((first, then), (["()", "()", "true"].map(str::to_owned), ["Some(\"kept\")", "None"].map(str::to_owned)));
    assert!(mta.spool().join("plugins/errand.kv").exists());
}

#[test]
fn a_plugin_that_waits_for_nobody_knows_whom_holds_up_its_own_message_and_no_other() {
    let (sink, silent) = (Sink::start(&[]), TcpListener::bind("127.0.0.1:0").unwrap());
    let to = silent.local_addr().unwrap();
    // Time enough for all that is to happen meanwhile, and not so much that it is tedious.
    let keys = format!("{KV}\nlimits = {{ wall = \"3s\" }}\nhttp = {{ allow = [\"{to}\"] }}");
    let mta = Mta::start_in(folder("errand", ERRAND, &keys, &sink));
    let mut stuck = Dialogue::open(mta.smtp());
    stuck.begin("s@client.example", "a@example.com");
    stuck.octets(format!("X-Do: fetch http://{to}/\r\n\r\n.\r\n").as_bytes());
    let connection = silent.accept().unwrap();

    let meanwhile = [told(&mta, "get k"), told(&mta, "nothing")];
    let failed_before = mta.stderr("limits.wall").len();

    let reply = stuck.reply();
    drop(connection);
    assert_eq!((meanwhile, failed_before), (["None", "250 2.0.0 OK"].map(str::to_owned), 0));
    assert_eq!(reply, "451 4.3.0 message processing failed");
    let late = "more than 3s of wall-clock time (limits.wall)";
    wait_until("the log says why", || !mta.stderr(late).is_empty());
    assert_eq!(mta.stderr(late).len(), 1);
}

#[test]
fn what_leads_into_the_program_or_the_network_is_not_reached() {
    let sink = Sink::start(&[]);
    // A name that may be reached and leads to the program itself: every system knows it without being asked.
    let http: SocketAddr = free_address();
    let keys = format!("{KV}\nhttp = {{ allow = [\"localhost:{}\"] }}", http.port());
    let folder = folder("errand", ERRAND, &keys, &sink);
    let tollgate = std::fs::read_to_string(folder.config()).unwrap();
    let listen = "[http]\nlisten = \"127.0.0.1:0\"";
    folder.write("tollgate.toml", tollgate.replace(listen, &format!("[http]\nlisten = \"{http}\"")));
    let mta = Mta::start_in(folder);

    let inside = told(&mta, &format!("fetch http://localhost:{}/metrics", http.port()));
    let answers = [format!("fetch http://{http}/metrics"), "fetch http://api.example/".to_owned()];
    let answers = answers.map(|wish| told(&mta, &wish));

    let denied =
        |host: String| format!("PolicyError::Denied(\"{host} is not in `allow` of the plugin's section [http]\")");
    assert_eq!(answers, [denied(http.to_string()), denied("api.example:80".to_owned())]);
    assert!(inside.contains("leads to 127.0.0.1, which is inside") || inside.contains("leads to ::1"), "{inside}");
}

#[test]
fn what_was_not_granted_and_what_cannot_be_is_told_with_what_to_write() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));
    mta.write("keeper.wasm", KEEPER);
    let tenant = "[tenant.t]\nidentities = []\ncomponent = \"keeper.wasm\"\ngrants = [\"counters\", \"http-client\"]\n\
                  http = { allow = [\"10.0.0.1\", \"api.example\"] }\n[log]";
    let (none, unknown) = ("", "grants = [\"counters\", \"files\"]");
    for (name, content) in [
        ("none.toml", with_plugin(TOLLGATE, "keeper", none)),
        ("unknown.toml", with_plugin(TOLLGATE, "keeper", unknown)),
        ("tenant.toml", TOLLGATE.replace("[log]", tenant)),
    ] {
        mta.write(name, content);
    }

    let told = ["none.toml", "unknown.toml", "tenant.toml"].map(|name| mta.check(name));

    let wanted = [
        "not granted; write grants = [\"counters\"] in its section",
        "grants: 'files' is nothing that can be granted; there are counters, kv, dns, http-client",
        "allow: '10.0.0.1' is an address, which a tenant's component does not reach; write a name",
    ];
    let missing: Vec<_> = told.iter().zip(wanted).filter(|(told, wanted)| !told.contains(wanted)).collect();
    assert_eq!(missing, []);
}
