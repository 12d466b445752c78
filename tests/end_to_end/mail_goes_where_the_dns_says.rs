//! Mail exchangers, looked up at a name server of the test's own.

use std::{collections::BTreeSet, net::Ipv4Addr};

use tollgate_testdns::{Fault, RecordType, ResponseCode, Server};

use crate::kit::{Folder, Mta, Sink, TOLLGATE, line, send, text};

const QUEUES: &str = "[queue.default]\nretry_interval = '1s'\nmax_retry_interval = '1s'\n";
const MESSAGE: &str = "Subject: x\r\n\r\n";

/// A name server with a runtime of its own.
struct Dns {
    server: Server,
    _runtime: tokio::runtime::Runtime,
}

impl Dns {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(Server::start());
        Self { server, _runtime: runtime }
    }
}

fn start(dns: &Dns, port: u16, more: &str) -> Mta {
    start_with(dns, port, more, QUEUES)
}

fn start_with(dns: &Dns, port: u16, more: &str, queues: &str) -> Mta {
    let dns = dns.server.address();
    let egress =
        format!("[resolver]\nnameservers = ['{dns}']\ntimeout = '2s'\n[egress.default]\nsmtp_port = {port}\n{more}\n");
    Mta::start_in(Folder::new(&format!("{TOLLGATE}\n{egress}"), queues))
}

fn local(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

const ANYWHERE: &str = "prohibited_hosts = []";

#[test]
fn a_destination_may_have_a_port_of_its_own_and_a_source_one_that_beats_it() {
    let (dns, everybody, own, of_source) = (Dns::start(), Sink::start(&[]), Sink::start(&[]), Sink::start(&[]));
    for domain in ["a.example", "b.example"] {
        dns.server.mx(domain, 10, "mx.host.example");
    }
    dns.server.a("mx.host.example", local(1));
    let port = |sink: &Sink| sink.address.port();
    let more = format!(
        "{ANYWHERE}\n[egress.'b.example']\nsmtp_port = {}\n[source.ip-9]\nremote_port = {}\n[pool.pool-9.ip-9]\n",
        port(&own),
        port(&of_source)
    );
    let queues = format!("tenant_header = 'X-Tenant'\n[tenant.t]\negress_pool = 'pool-9'\n{QUEUES}");
    let mta = start_with(&dns, port(&everybody), &more, &queues);

    send(mta.smtp(), &["u@a.example", "u@b.example"], MESSAGE);
    send(mta.smtp(), &["v@b.example"], &format!("X-Tenant: t\r\n{MESSAGE}"));

    let records = mta.wait_for_records("Delivery", 3);
    mta.terminate();
    let sites =
        records.iter().filter(|record| record["type"] == "Delivery").map(|record| text(record, "site").to_owned());
    let of = |source: &str, port: &str| format!("{source}->mx.host.example{port}@smtp_client");
    let at_own = format!(":{}", port(&own));
    let expected = [of("ip-9", &at_own), of("unspecified", ""), of("unspecified", &at_own)];
    let counts = [everybody, own, of_source].map(|sink| sink.arrived().len());
    assert_eq!((sites.collect::<BTreeSet<_>>(), counts), (BTreeSet::from(expected), [1, 1, 1]));
}

#[test]
fn domains_with_the_same_exchangers_share_a_site_and_the_preferred_host_gets_the_mail() {
    let (dns, sink) = (Dns::start(), Sink::start(&[]));
    for domain in ["a.example", "b.example"] {
        dns.server.mx(domain, 20, "mx2.host.example");
        dns.server.mx(domain, 10, "mx1.host.example");
    }
    dns.server.a("mx1.host.example", local(1));
    dns.server.a("mx2.host.example", local(2));
    let mta = start(&dns, sink.address.port(), ANYWHERE);

    send(mta.smtp(), &["u@a.example", "u@B.example"], MESSAGE);

    let records = mta.wait_for_records("Delivery", 2);
    mta.terminate();
    let site = |record: &serde_json::Value| (record["site"].clone(), record["peer_address"]["name"].clone());
    let seen: Vec<_> = records.iter().filter(|record| record["type"] == "Delivery").map(site).collect();
    let expected = ("unspecified->(mx1|mx2).host.example@smtp_client".into(), "mx1.host.example".into());
    assert_eq!(seen, [expected.clone(), expected]);
}

#[test]
fn a_preferred_host_that_is_down_is_passed_by() {
    let (dns, sink) = (Dns::start(), Sink::start(&[]));
    dns.server.mx("a.example", 10, "down.example");
    dns.server.mx("a.example", 20, "up.example");
    // Nobody listens there at the sink's port.
    dns.server.a("down.example", local(77));
    dns.server.a("up.example", local(1));
    let mta = start(&dns, sink.address.port(), ANYWHERE);

    send(mta.smtp(), &["u@a.example"], MESSAGE);

    let records = mta.wait_for_records("Delivery", 1);
    mta.terminate();
    let story: Vec<_> = records.iter().map(line).collect();
    assert_eq!(
        story,
        [
            "Reception u@a.example in a.example #0: 250 OK",
            "Delivery u@a.example in a.example by unspecified/unspecified #1: 250 2.0.0 Taken"
        ]
    );
}

#[test]
fn what_is_wrong_for_good_bounces_and_what_may_mend_is_tried_again() {
    let (dns, sink) = (Dns::start(), Sink::start(&[]));
    dns.server.null_mx("null.example");
    dns.server.mx("inside.example", 10, "loop.example");
    dns.server.a("loop.example", local(1));
    dns.server.fail("sick.example", Fault::Rcode(ResponseCode::ServFail));
    let mta = start(&dns, sink.address.port(), "");

    for domain in ["gone.example", "null.example", "inside.example", "sick.example"] {
        send(mta.smtp(), &[&format!("u@{domain}")], MESSAGE);
    }

    mta.wait_for_records("Bounce", 3);
    let records = mta.wait_for_records("TransientFailure", 2);
    mta.terminate();
    let what = |record: &serde_json::Value| {
        let line = line(record);
        let (what, reply) = line.split_once(": ").unwrap();
        format!("{} {}", what.split(" in ").next().unwrap(), reply.split(' ').take(2).collect::<Vec<_>>().join(" "))
    };
    let seen: BTreeSet<_> = records.iter().filter(|record| record["type"] != "Reception").map(what).collect();
    let expected = [
        "Bounce u@gone.example 550 5.1.2",
        "Bounce u@inside.example 550 5.4.4",
        "Bounce u@null.example 556 5.1.10",
        "TransientFailure u@sick.example 451 4.4.3",
    ];
    assert_eq!((seen, sink.arrived().len()), (expected.map(str::to_owned).into(), 0));
}

#[test]
fn a_domain_without_exchangers_is_its_own() {
    let (dns, sink) = (Dns::start(), Sink::start(&[]));
    dns.server.a("plain.example", local(1));
    let mta = start(&dns, sink.address.port(), ANYWHERE);

    send(mta.smtp(), &["u@plain.example"], MESSAGE);

    let arrived = sink.wait_for(1);
    mta.terminate();
    assert_eq!(arrived[0].to, ["u@plain.example"]);
}

#[test]
fn a_hundred_messages_to_a_domain_cost_one_question() {
    let (dns, sink) = (Dns::start(), Sink::start(&[]));
    dns.server.mx("a.example", 10, "mx.example");
    dns.server.a("mx.example", local(1));
    let mta = start(&dns, sink.address.port(), ANYWHERE);

    let recipients: Vec<String> = (0..100).map(|n| format!("u{n}@a.example")).collect();
    send(mta.smtp(), &recipients.iter().map(String::as_str).collect::<Vec<_>>(), MESSAGE);

    sink.wait_for(100);
    mta.terminate();
    assert_eq!(dns.server.count("a.example", RecordType::MX), 1);
}
