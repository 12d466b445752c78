//! The user guide's `queues.toml`, mail from Python's smtplib, tenants and campaigns in headers.

use std::{
    io::{ErrorKind, Write as _},
    net::SocketAddr,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::kit::{Mta, Sink, line, senders, split_trace};

/// The guide's file, with the sink in the place of mail exchangers.
pub(crate) fn guide(sink: SocketAddr) -> String {
    let base = "[queue.default]\n";
    let guide = include_str!("../../plugins/queue-helper/queues.toml");
    assert!(guide.contains(base));
    guide.replace(base, &format!("{base}protocol.smtp.mx_list = ['{sink}']\n"))
}

const SCRIPT: &str = "
import json, smtplib, sys
work = json.load(sys.stdin)
with smtplib.SMTP('127.0.0.1', work['port'], local_hostname='client.example') as server:
    for to, message in work['messages']:
        server.sendmail('sender@client.example', [to], message.encode(), mail_options=['BODY=8BITMIME'])
";

/// Header fields that must arrive as they are: folded, with odd blanks, in their order.
const FIELDS: &str =
    "From: =?utf-8?q?S=C3=A9nder?= <sender@client.example>\r\nSubject: folded\r\n\tsubject\r\nX-Odd:   blanks \r\n";
const BODY: &str = "\r\n.a dot\r\n..two\r\n.\r\ngrüße, 8 bit\r\n\r\n   trailing   \r\n";

/// Returns whether Python sent the messages; not if there is no Python.
fn send_by_python(to: SocketAddr, messages: &[(&str, String)]) -> bool {
    let child = Command::new("python3").arg("-c").arg(SCRIPT).stdin(Stdio::piped()).spawn();
    let mut child = match child {
        Err(error) if error.kind() == ErrorKind::NotFound && std::env::var_os("CI").is_none_or(|ci| ci != "true") => {
            eprintln!("skipped: python3 is not installed");
            return false;
        }
        child => child.unwrap(),
    };
    let work = json!({"port": to.port(), "messages": messages}).to_string();
    child.stdin.take().unwrap().write_all(work.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    true
}

#[test]
fn tenants_and_campaigns_choose_queue_pool_and_source() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&guide(sink.address));
    let messages = [
        ("a@example.com", format!("{FIELDS}{BODY}")),
        ("b@gmail.com", format!("X-Tenant: mytenant\r\n{FIELDS}{BODY}")),
        ("c@gmail.com", format!("{FIELDS}X-Campaign: welcome-campaign\r\nX-Tenant: mytenant\r\n{BODY}")),
    ];

    if !send_by_python(mta.smtp(), &messages) {
        return;
    }

    let mut arrived = sink.wait_for(3);
    arrived.sort_by(|one, other| one.to.cmp(&other.to));
    let mut records: Vec<String> = mta.wait_for_records("Delivery", 3).iter().map(line).collect();
    records.sort();
    mta.terminate();
    let trace = "Received: from client.example ([127.0.0.1]) by mta.example (Tollgate) with ESMTP";
    let octets = format!("{FIELDS}{BODY}").into_bytes();
    let contents: Vec<_> = arrived.iter().map(|message| split_trace(&message.data)).collect();
    assert_eq!(contents, vec![(trace.to_owned(), octets); 3]);
    let to: Vec<_> = sink.recipients().into_iter().collect();
    assert_eq!(
        (to, senders(&arrived), records),
        (
            ["a@example.com", "b@gmail.com", "c@gmail.com"].map(|to| (to.to_owned(), 1)).to_vec(),
            ["127.0.0.11 out1.example", "127.0.0.12 out2.example", "127.0.0.12 out2.example"]
                .map(str::to_owned)
                .to_vec(),
            [
                "Delivery a@example.com in default-tenant@example.com by pool-1/ip-1 #1: 250 2.0.0 Taken",
                "Delivery b@gmail.com in mytenant@gmail.com by pool-2/ip-2 #1: 250 2.0.0 Taken",
                "Delivery c@gmail.com in welcome-campaign:mytenant@gmail.com by pool-2/ip-2 #1: 250 2.0.0 Taken",
                "Reception a@example.com in default-tenant@example.com #0: 250 OK",
                "Reception b@gmail.com in mytenant@gmail.com #0: 250 OK",
                "Reception c@gmail.com in welcome-campaign:mytenant@gmail.com #0: 250 OK",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}
