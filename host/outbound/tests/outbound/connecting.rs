//! Opening: candidates, sources, greetings.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tollgate_outbound::Source;

use crate::kit::{Target, candidate, message, open, peer, try_open};

/// Returns an address at which nobody listens.
async fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn candidates_are_tried_in_their_order() {
    let closed = closed_port().await;
    let refusing = Target::new(&["stage=banner reply=421 4.3.2 not now"]).await;
    let (first, second) = (Target::new(&[]).await, Target::new(&[]).await);
    let candidates = [closed, refusing.addr, first.addr, second.addr].map(candidate);

    let connection = try_open(&candidates, &Source::default()).await.unwrap();

    let seen = [&refusing, &first, &second].map(|target| target.counter.counts().connections);
    assert_eq!((connection.peer(), seen), (&candidates[2], [1, 1, 0]));
}

#[tokio::test]
async fn a_failure_names_every_candidate_and_its_cause() {
    let closed = closed_port().await;
    let refusing = Target::new(&["stage=banner reply=421 4.3.2 not now"]).await;
    let nonsense = peer(|mut stream| async move { stream.write_all(b"hello\r\n").await.unwrap() }).await;
    let silent = peer(|stream| async move { drop(stream) }).await;

    let error =
        try_open(&[closed, refusing.addr, nonsense, silent].map(candidate), &Source::default()).await.unwrap_err();

    let expected = format!(
        "451 4.4.1 failed to connect to any candidate hosts: \
         {closed}: Connection refused (os error 111) while connecting; \
         {}: 421 4.3.2 not now awaiting the greeting; \
         {nonsense}: malformed reply line awaiting the greeting; \
         {silent}: connection closed by peer awaiting the greeting",
        refusing.addr
    );
    assert_eq!((error.reply().to_string(), error.is_permanent()), (expected, false));
}

#[tokio::test]
async fn a_failure_is_permanent_only_if_every_candidate_refused_for_good() {
    let never = Target::new(&["stage=banner reply=554 5.3.2 never"]).await;
    let later = Target::new(&["stage=banner reply=450 later"]).await;
    let (never, later) = (candidate(never.addr), candidate(later.addr));
    let mut seen = Vec::new();

    for candidates in [vec![never.clone()], vec![never.clone(), never.clone()], vec![never, later], vec![]] {
        let error = try_open(&candidates, &Source::default()).await.unwrap_err();
        seen.push((error.is_permanent(), error.reply().code()));
    }

    assert_eq!(seen, [(true, 554), (true, 554), (false, 451), (false, 451)]);
}

#[tokio::test]
async fn a_silent_candidate_is_given_up_after_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let next = Target::new(&[]).await;
    tokio::time::pause();

    let connection = try_open(&[silent, next.addr].map(candidate), &Source::default()).await.unwrap();

    assert_eq!(connection.peer().addr, next.addr);
}

#[tokio::test]
async fn a_source_sends_from_its_address_and_greets_with_its_name() {
    let mut target = Target::new(&[]).await;
    let source = Source {
        name: "ip-2".into(),
        source_address: Some([127, 0, 0, 2].into()),
        ehlo_domain: Some("two.example".into()),
    };

    let mut connection = try_open(&[candidate(target.addr)], &source).await.unwrap();
    connection.deliver(&mut message(&["a@b.example"], "x\r\n")).await.unwrap();

    let arrived = target.arrivals.recv().await.unwrap();
    let expected = ([127, 0, 0, 2].into(), connection.local_addr(), "two.example".to_owned());
    assert_eq!((arrived.peer.ip(), arrived.peer, arrived.helo), expected);
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_told_with_its_source() {
    let target = Target::new(&[]).await;
    for (address, unusable, told) in [
        ("192.0.2.1", true, "source `ip-9` cannot send from 192.0.2.1: Cannot assign requested address (os error 99)"),
        ("::1", false, "source `ip-9` sends from ::1, which cannot reach an address of the other family"),
    ] {
        let source = Source { name: "ip-9".into(), source_address: address.parse().ok(), ehlo_domain: None };

        let error = try_open(&[candidate(target.addr)], &source).await.unwrap_err();

        let expected = format!("failed to connect to any candidate hosts: {}: {told} while connecting", target.addr);
        assert_eq!((error.to_string(), error.source_is_unusable()), (expected, unusable), "{address}");
    }
}

#[tokio::test]
async fn a_server_without_extensions_is_greeted_with_helo() {
    let mut target = Target::new(&["stage=ehlo reply=502 5.5.1 what"]).await;

    let mut connection = open(target.addr).await;
    connection.deliver(&mut message(&["a@b.example", "c@b.example"], "x\r\n")).await.unwrap();

    assert_eq!(target.arrivals.recv().await.unwrap().to, ["a@b.example", "c@b.example"]);
}
