//! Name servers that fail, and what stands between them and the mail.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use tollgate_dns::Settings;
use tollgate_testdns::{Fault, Question, RecordType, ResponseCode, Server, Transport};

use crate::kit::{code, hosts, impatient, look_up, resolver, resolver_with};

#[tokio::test]
async fn an_answer_that_was_cut_is_asked_for_again_over_tcp() {
    let server = Server::start().await;
    server.mx("example.com", 10, "mx.example.com").fail("example.com", Fault::Truncated);

    let found = look_up(&resolver(&server), "example.com").await;

    let asked = |over| Question { name: "example.com".into(), kind: RecordType::MX, over };
    assert_eq!(found, hosts("mx.example.com", &[&["mx.example.com"]]));
    assert_eq!(server.asked(), [asked(Transport::Udp), asked(Transport::Tcp)]);
}

#[tokio::test]
async fn what_is_no_answer_is_temporary() {
    for fault in [
        Fault::Rcode(ResponseCode::ServFail),
        Fault::Rcode(ResponseCode::Refused),
        Fault::Rcode(ResponseCode::NotImp),
        Fault::Rcode(ResponseCode::FormErr),
        Fault::Garbled,
        Fault::NoAnswer,
    ] {
        let server = Server::start().await;
        server.mx("example.com", 10, "mx.example.com").fail("example.com", fault);

        let error = look_up(&impatient(&server), "example.com").await.unwrap_err();

        let shows_server = error.to_string().contains(&server.address().to_string());
        let expected = ((451, "4.4.3".into(), true), false, true);
        assert_eq!((code(&error, "example.com"), error.is_permanent(), shows_server), expected, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn a_name_server_that_is_not_there_is_temporary() {
    let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let settings = Settings { timeout: Duration::from_millis(300), ..Settings::default() };

    let error = look_up(&resolver_with(&[closed], &settings), "example.com").await.unwrap_err();

    assert_eq!(code(&error, "example.com"), (451, "4.4.3".into(), true));
}

#[tokio::test]
async fn a_refusal_is_not_asked_for_twice() {
    let server = Server::start().await;
    server.fail("example.com", Fault::Rcode(ResponseCode::ServFail));

    look_up(&resolver(&server), "example.com").await.unwrap_err();

    assert_eq!(server.count("example.com", RecordType::MX), 1);
}

#[tokio::test]
async fn silence_is_waited_for_as_often_as_set() {
    for (attempts, expected) in [(1, 1), (3, 3)] {
        let server = Server::start().await;
        server.fail("example.com", Fault::NoAnswer);
        // Shorter than the time after which a lost datagram is sent again.
        let settings = Settings { timeout: Duration::from_millis(200), attempts, ..Settings::default() };

        look_up(&resolver_with(&[server.address()], &settings), "example.com").await.unwrap_err();
        server.wait_for("example.com", RecordType::MX, expected).await;

        assert_eq!(server.count("example.com", RecordType::MX), expected);
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_in_time() {
    let server = Server::start().await;
    server.mx("example.com", 10, "mx.example.com").fail("example.com", Fault::NoAnswer);
    let resolver = resolver(&server);

    let asker = tokio::spawn(async move { look_up(&resolver, "example.com").await });
    server.wait_for("example.com", RecordType::MX, 1).await;
    server.heal("example.com");

    assert_eq!(asker.await.unwrap(), hosts("mx.example.com", &[&["mx.example.com"]]));
}

#[tokio::test]
async fn the_next_name_server_is_asked_if_one_gives_no_answer() {
    for fault in [Fault::Rcode(ResponseCode::ServFail), Fault::Rcode(ResponseCode::Refused), Fault::NoAnswer] {
        let (lame, good) = (Server::start().await, Server::start().await);
        lame.fail("example.com", fault).mx("example.net", 10, "wrong.example");
        good.mx("example.com", 10, "mx.example").mx("example.net", 10, "mx.example");
        let settings = Settings { timeout: Duration::from_secs(1), ..Settings::default() };
        let resolver = resolver_with(&[lame.address(), good.address()], &settings);

        let first = look_up(&resolver, "example.com").await;
        let second = look_up(&resolver, "example.net").await;

        // The one that answered is asked first from then on.
        let expected = hosts("mx.example", &[&["mx.example"]]);
        assert_eq!((first, second), (expected.clone(), expected), "{fault:?}");
    }
}

#[tokio::test]
async fn the_word_that_a_domain_does_not_exist_is_final() {
    let (first, second) = (Server::start().await, Server::start().await);
    second.mx("example.com", 10, "mx.example");

    let found =
        look_up(&resolver_with(&[first.address(), second.address()], &Settings::default()), "example.com").await;

    assert!(found.is_err_and(|error| error.is_permanent()));
}
