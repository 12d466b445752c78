//! SMTP sessions over a socket.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tollgate_inbound::Caller;
use tollgate_inbound::smtp::Listener;

use crate::kit::{Client, Program, listener, open_smtp, say, soon};

const EHLO_REPLY: &str = "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n";

/// Returns the lines behind greeting and EHLO; `script` is written with LF for CRLF.
async fn dialogue(address: std::net::SocketAddr, script: &str) -> Vec<String> {
    let said = say(address, format!("EHLO c\r\n{}QUIT\r\n", script.replace('\n', "\r\n"))).await;
    said.lines().skip(7).map(str::to_owned).collect()
}

const START: &str = "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n";

#[tokio::test]
async fn a_pipelined_session_gets_every_reply_in_order() {
    let program = Program::new();
    let door = open_smtp(listener(), &program);

    let said = say(
        door.address,
        "EHLO client.example\r\nMAIL FROM:<a@b> BODY=8BITMIME\r\nRCPT TO:<c@d>\r\nRCPT TO:<Postmaster>\r\nDATA\r\n\
         Subject: x\r\n\r\n..dot\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<no@d>\r\nDATA\r\n\r\n.\r\nQUIT\r\n",
    )
    .await;

    let expected = format!(
        "220 mx.example ESMTP\r\n{EHLO_REPLY}250 2.1.0 Sender OK\r\n250 2.1.5 Recipient OK\r\n250 2.1.5 Recipient OK\r\n\
         354 Send the message, end with CRLF.CRLF\r\n250 2.0.0 OK ids=00000000000000000000000000000001\r\n\
         250 2.1.0 Sender OK\r\n250 2.1.5 Recipient OK\r\n354 Send the message, end with CRLF.CRLF\r\n\
         550-5.7.1 Policy says\r\n550 5.7.1 no\r\n221 2.0.0 Closing connection\r\n"
    );
    let seen = [r#"ESMTP a@b to c@d Postmaster "Subject: x\r\n\r\n.dot\r\n""#, r#"ESMTP <> to no@d "\r\n""#];
    assert_eq!((said, program.seen()), (expected, seen.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn a_transaction_knows_its_session() {
    let program = Program::new();
    let door = open_smtp(listener(), &program);
    say(door.address, "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n\r\n.\r\nQUIT\r\n").await;

    let transaction = program.transactions.lock().unwrap().pop().unwrap();

    let session = transaction.session;
    let seen = (
        transaction.protocol.as_str(),
        session.ehlo_domain.as_deref(),
        session.may_relay,
        session.peer.map(|peer| peer.ip().to_string()),
        session.local,
        transaction.content.size,
        transaction.caller,
    );
    let caller = Caller { identity: None, address: Some([127, 0, 0, 1].into()) };
    assert_eq!(seen, ("SMTP", Some("me"), true, Some("127.0.0.1".into()), Some(door.address), 2, caller));
}

#[tokio::test]
async fn strangers_may_not_relay() {
    let mut config = listener();
    config.relay_hosts = vec!["10.0.0.0/8".parse().unwrap()];
    let door = open_smtp(config, &Program::new());

    let said = dialogue(door.address, "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<Postmaster>\nDATA\n").await;

    let expected = [
        "250 2.1.0 Sender OK",
        "550 5.7.1 Relaying denied",
        "550 5.7.1 Relaying denied",
        "503 5.5.1 No valid recipients",
        "221 2.0.0 Closing connection",
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn an_ipv4_client_of_an_ipv6_socket_matches_ipv4_networks() {
    let mut config = listener();
    config.listen = "[::]:0".parse().unwrap();
    let door = open_smtp(config, &Program::new());

    let said = dialogue(([127, 0, 0, 1], door.address.port()).into(), "MAIL FROM:<a@b>\nRCPT TO:<c@d>\n").await;

    assert_eq!(said[1], "250 2.1.5 Recipient OK");
}

/// CVE-2023-51764 and its kin: what looks like an end of data to somebody is none to us.
#[tokio::test]
async fn no_variant_of_the_end_of_data_smuggles_a_transaction() {
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n\0.\r\n", "\r\n\0.\r\n"] {
        let program = Program::new();
        let door = open_smtp(listener(), &program);
        let start = START.replace('\n', "\r\n");

        let said = say(
            door.address,
            format!("EHLO c\r\n{start}Subject: x\r\n\r\ntext{end}{start}smuggled\r\n.\r\nNOOP\r\nQUIT\r\n"),
        )
        .await;

        let replies: Vec<&str> = said.lines().skip(10).map(|line| &line[..9]).collect();
        assert_eq!((replies, program.seen()), (vec!["550 5.6.0", "250 2.0.0", "221 2.0.0"], Vec::new()), "{end:?}");
    }
}

#[tokio::test]
async fn what_is_over_a_limit_is_refused_and_the_session_lives() {
    let mut config = listener();
    (config.max_message_size, config.max_recipients) = (400_000, 1);
    let program = Program::new();
    let door = open_smtp(config, &program);
    let data = |data: &str| format!("{START}{data}.\n");
    let table = [
        ("recipients", START.replace("DATA", "RCPT TO:<e@f>"), vec!["452 4.5.3"]),
        ("announced size", "MAIL FROM:<a@b> SIZE=400001\n".to_owned(), vec!["552 5.3.4"]),
        ("size", data(&format!("{}\n", "a".repeat(998)).repeat(401)), vec!["552 5.3.4"]),
        ("header", data(&"A: b\n".repeat(60_000)), vec!["552 5.3.4"]),
        ("hops", data(&"Received: x\n".repeat(101)), vec!["554 5.4.6"]),
    ];

    for (name, script, expected) in table {
        let said = dialogue(door.address, &script).await;

        let refusals: Vec<&str> = said.iter().map(|line| &line[..9]).filter(|line| *line >= "4").collect();
        assert_eq!((refusals, program.seen()), (expected, Vec::new()), "{name}");
    }
}

#[tokio::test]
async fn a_large_message_goes_to_the_store_in_small_pieces() {
    let program = Program::new();
    let door = open_smtp(listener(), &program);
    let message = format!("Subject: x\n\n{}", format!("{}\n", "a".repeat(998)).repeat(20_000));

    let said = dialogue(door.address, &format!("{START}{message}.\n")).await;

    let size = 14 + 20_000 * 1000;
    let contents: Vec<_> =
        program.transactions.lock().unwrap().iter().map(|t| (t.content.head.len(), t.content.size)).collect();
    let store = &door.bodies;
    let seen = (said.len(), contents, store.written.load(Ordering::SeqCst), store.finished.load(Ordering::SeqCst));
    assert_eq!(seen, (5, vec![(256 << 10, size)], size, 1));
    assert!(store.largest_write.load(Ordering::SeqCst) <= 600 << 10, "pieces are {:?}", store.largest_write);
}

#[tokio::test]
async fn a_full_disk_defers_a_large_message_and_the_session_lives() {
    let program = Program::new();
    let door = open_smtp(listener(), &program);
    door.bodies.full.store(true, Ordering::SeqCst);
    let message = format!("Subject: x\n\n{}", "text\n".repeat(100_000));

    let said = dialogue(door.address, &format!("{START}{message}.\n{START}\n.\n")).await;

    let last: Vec<&str> = said.iter().map(|line| &line[..9]).collect();
    let expected = [
        "250 2.1.0",
        "250 2.1.5",
        "354 Send ",
        "452 4.3.1",
        "250 2.1.0",
        "250 2.1.5",
        "354 Send ",
        "250 2.0.0",
        "221 2.0.0",
    ];
    assert_eq!(last, expected);
}

#[tokio::test]
async fn nothing_new_is_taken_when_the_program_is_not_ready() {
    let program = Program::new();
    program.ending.store(true, Ordering::SeqCst);
    let door = open_smtp(listener(), &program);

    let said = dialogue(door.address, "MAIL FROM:<a@b>\n").await;

    assert_eq!(said, ["451 4.3.2 Shutting down", "221 2.0.0 Closing connection"]);
}

#[tokio::test]
async fn at_the_end_idle_sessions_are_told_and_running_transactions_finish() {
    let program = Program::slow();
    let door = open_smtp(listener(), &program);
    let mut idle = Client::connect(door.address).await;
    idle.until("ESMTP\r\n").await;
    let mut busy = Client::connect(door.address).await;
    busy.send("HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n\r\n.\r\n").await;
    busy.until("CRLF.CRLF\r\n").await;
    soon(program.asked.notified()).await;

    door.trigger.fire();

    let idle = idle.rest().await;
    program.verdicts.add_permits(1);
    let busy = busy.rest().await;
    soon(door.served).await.unwrap();
    let farewell = "421 4.3.2 Service not available, closing connection\r\n";
    let expected = format!("250 2.0.0 OK ids=00000000000000000000000000000001\r\n{farewell}");
    assert_eq!((idle.as_str(), busy), (farewell, expected));
}

#[tokio::test]
async fn a_transaction_that_is_open_at_the_end_may_complete() {
    let program = Program::new();
    let door = open_smtp(listener(), &program);
    let mut client = Client::connect(door.address).await;
    client.send("HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject").await;
    client.until("CRLF.CRLF\r\n").await;

    door.trigger.fire();

    client.send(": x\r\n\r\n.\r\n").await;
    let said: Vec<String> = client.rest().await.lines().map(|line| line[..9].to_owned()).collect();
    assert_eq!(said, ["250 2.0.0", "421 4.3.2"]);
}

#[tokio::test]
async fn a_connection_over_the_limit_is_turned_away() {
    let mut config = listener();
    config.max_connections = 1;
    let door = open_smtp(config, &Program::new());
    let mut first = Client::connect(door.address).await;
    first.until("ESMTP\r\n").await;

    let said = Client::connect(door.address).await.rest().await;

    assert_eq!(said, "421 4.3.2 Service not available, closing connection\r\n");
}

#[tokio::test]
async fn a_client_that_gets_nothing_done_is_told_and_left() {
    let mut config = listener();
    config.idle_timeout = Duration::from_millis(50);
    let door = open_smtp(config, &Program::new());

    let said = say(door.address, "EHLO").await;

    assert_eq!(said, "220 mx.example ESMTP\r\n421 4.4.2 Timeout, closing connection\r\n");
}

#[tokio::test]
async fn a_message_that_takes_too_long_is_given_up() {
    let mut config = listener();
    config.data_timeout = Duration::from_millis(50);
    let program = Program::new();
    let door = open_smtp(config, &program);

    let said = say(door.address, "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n").await;

    let last = said.lines().last().map(str::to_owned);
    assert_eq!((last.as_deref(), program.seen().len()), (Some("421 4.4.2 Timeout, closing connection"), 0));
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let door = open_smtp(listener(), &Program::new());
    let mut config = listener();
    config.listen = door.address;

    let error = Listener::bind(config).unwrap_err().to_string();

    let expected =
        format!("smtp listener main cannot listen on {}: Address already in use (os error 98)", door.address);
    assert_eq!(error, expected);
}
