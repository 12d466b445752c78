//! Two SMTP listeners beside HTTP: each with its own port, name and rules, all into the same queues.

use crate::kit::{Folder, Mta, SENDER, Sink, TOLLGATE, queues, send, split_trace};

const SECOND: &str = "
[smtp.listener.second]
listen = \"127.0.0.1:0\"
hostname = \"second.example\"
relay_hosts = [\"127.0.0.1\"]
max_message_size = \"1 KiB\"
";

#[test]
fn both_take_mail_and_say_their_own_name() {
    let sink = Sink::start(&[]);
    let mta = Mta::start_in(Folder::new(&format!("{TOLLGATE}{SECOND}"), &queues(sink.address, "")));
    let message = format!("From: {SENDER}\r\n\r\n{}\r\n", "x".repeat(2000));

    let first = send(mta.listeners[0], &["a@example.com"], &message);
    let refused = send(mta.listeners[1], &["b@example.com"], &message);
    sink.wait_for(1);
    let second = send(mta.listeners[1], &["c@example.com"], "Subject: small\r\n\r\n");

    let arrived = sink.wait_for(2);
    mta.terminate();
    let traces: Vec<_> = arrived.iter().map(|message| (message.to.join(" "), split_trace(&message.data).0)).collect();
    let trace = |to: &str, by| {
        let trace = format!("Received: from client.example ([127.0.0.1]) by {by} (Tollgate) with ESMTP");
        (to.to_owned(), trace)
    };
    assert_eq!(
        ([first.join(" "), refused.join(" "), second.join(" ")], traces),
        (
            ["250 2.0.0 OK", "552 5.3.4 Message too large", "250 2.0.0 OK"].map(str::to_owned),
            vec![trace("a@example.com", "mta.example"), trace("c@example.com", "second.example")]
        )
    );
}
