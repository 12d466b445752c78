//! A plugin that handles sessions: refuses a client, a name, a sender, a recipient, and allows nothing that the host would not.

use std::io::{BufRead as _, BufReader};

use tollgate_testkit::guest::GATEKEEPER;

use crate::kit::{Dialogue, Folder, Mta, Sink, TOLLGATE, connect_from, get, queues, send, wait_until, with_plugin};

/// Starts with the gatekeeper before the stock plugin.
fn start(tollgate: &str, sink: &Sink) -> Mta {
    let tollgate = with_plugin(tollgate, "gate", "phase = \"session\"");
    let folder = Folder::new(&tollgate, &queues(sink.address, ""));
    folder.write("gate.wasm", GATEKEEPER);
    Mta::start_in(folder)
}

#[test]
fn each_refusal_is_the_reply_to_what_was_refused_and_the_rest_goes_on() {
    let sink = Sink::start(&[]);
    let mta = start(TOLLGATE, &sink);
    let mut client = Dialogue::open(mta.smtp());

    let seen = client.say_all([
        "EHLO bad.example",
        "MAIL FROM:<a@spam.example>",
        "MAIL FROM:<panic@client.example>",
        "MAIL FROM:<ann@client.example>",
        "RCPT TO:<nobody@example.com>",
        "RCPT TO:<slow@example.com>",
        "RCPT TO:<odd@example.com>",
        "RCPT TO:<inject@example.com>",
        "RCPT TO:<bob@example.com>",
        "DATA",
        "Subject: x\r\n\r\n.",
    ]);
    let left = [client.say("HELO leave.example"), client.end()];

    let arrived = sink.wait_for(1);
    mta.terminate();
    let failed = "451 4.3.0 message processing failed";
    let expected = [
        "550 5.7.1 client.example may not be bad.example",
        "550 5.7.1 client.example sends no mail of spam.example",
        failed,
        "250 2.1.0 Sender OK",
        "550 5.1.1 ann writes to nobody",
        "451 4.2.1 not now",
        failed,
        "550-5.1.1 one\n550 5.1.1 250 two",
        "250 2.1.5 Recipient OK",
        "354 Send the message, end with CRLF.CRLF",
        "250 2.0.0 OK",
    ];
    assert_eq!(
        (seen, left, arrived[0].to.join(" ").as_str()),
        (expected.map(str::to_owned).to_vec(), ["421 4.7.0 leave".to_owned(), String::new()], "bob@example.com")
    );
}

#[test]
fn a_refused_client_reads_the_refusal_in_place_of_a_greeting() {
    let sink = Sink::start(&[]);
    let mta = start(TOLLGATE, &sink);
    let said = |from: &str| -> Vec<String> {
        let stream = BufReader::new(connect_from(from, mta.smtp()));
        stream.lines().map_while(Result::ok).collect()
    };

    let seen = [said("127.0.0.66"), said("127.0.0.67")];

    let replies = send(mta.smtp(), &["a@example.com"], "Subject: x\r\n\r\n");
    wait_until("refusals are counted", || {
        let metrics = get(mta.http, "/metrics").1;
        let counted = |outcome| {
            format!("tollgate_policy_calls_total{{event=\"smtp-session\",plugin=\"gate\",outcome=\"{outcome}\"}} 1")
        };
        ["reject", "trap"].into_iter().all(|outcome| metrics.contains(&counted(outcome)))
    });
    mta.terminate();
    let expected = ["554 5.7.1 no service for you at main", "451 4.3.0 message processing failed"];
    assert_eq!((seen, replies), (expected.map(|line| vec![line.to_owned()]), vec!["250 2.0.0 OK".to_owned()]));
}

#[test]
fn what_a_plugin_lets_pass_may_not_relay_by_that() {
    let sink = Sink::start(&[]);
    let closed = TOLLGATE.replace("relay_hosts = [\"127.0.0.0/8\"]", "relay_hosts = []");
    let mta = start(&closed, &sink);
    let mut client = Dialogue::open(mta.smtp());

    let seen = client.say_all(["MAIL FROM:<ann@client.example>", "RCPT TO:<bob@example.com>"]);

    mta.terminate();
    assert_eq!(seen, ["250 2.1.0 Sender OK", "550 5.7.1 Relaying denied"]);
}
