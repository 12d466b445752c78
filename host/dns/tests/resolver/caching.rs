//! How often name servers are asked.

use std::time::Duration;

use tokio::time::Instant;
use tollgate_dns::Settings;
use tollgate_testdns::{Fault, RecordType, ResponseCode, Server};

use crate::kit::{hosts, look_up, pass, resolver, resolver_with};

const MX: RecordType = RecordType::MX;

#[tokio::test]
async fn many_who_ask_at_once_cause_one_question() {
    let server = Server::start().await;
    server.mx("example.com", 10, "mx.example.com").fail("example.com", Fault::Held);
    let resolver = resolver(&server);

    let askers: Vec<_> = (0..100)
        .map(|_| {
            let resolver = resolver.clone();
            tokio::spawn(async move { look_up(&resolver, "example.com").await })
        })
        .collect();
    server.wait_for("example.com", MX, 1).await;
    server.heal("example.com");
    let mut found = Vec::new();
    for asker in askers {
        found.push(asker.await.unwrap());
    }

    assert_eq!(found, vec![hosts("mx.example.com", &[&["mx.example.com"]]); 100]);
    assert_eq!(server.count("example.com", MX), 1);
}

#[tokio::test]
async fn an_answer_holds_for_its_time_to_live() {
    let server = Server::start().await;
    server.ttl(300).mx("example.com", 10, "old.example");
    let resolver = resolver(&server);
    let mut found = vec![look_up(&resolver, "example.com").await];
    server.remove("example.com").mx("example.com", 10, "new.example");

    pass(Duration::from_secs(299)).await;
    found.push(look_up(&resolver, "EXAMPLE.com").await);
    pass(Duration::from_secs(1)).await;
    found.push(look_up(&resolver, "example.com").await);

    let (old, new) = (hosts("old.example", &[&["old.example"]]), hosts("new.example", &[&["new.example"]]));
    assert_eq!((found, server.count("example.com", MX)), (vec![old.clone(), old, new], 2));
}

#[tokio::test]
async fn an_alias_bounds_how_long_its_targets_records_hold() {
    let server = Server::start().await;
    server.ttl(30).cname("alias.example", "example.com").ttl(300).mx("example.com", 10, "mx.example");
    let resolver = resolver(&server);

    look_up(&resolver, "alias.example").await.unwrap();
    pass(Duration::from_secs(30)).await;
    look_up(&resolver, "alias.example").await.unwrap();

    assert_eq!(server.count("alias.example", MX), 2);
}

#[tokio::test]
async fn what_does_not_exist_is_remembered_as_long_as_the_soa_record_says() {
    let server = Server::start().await;
    server.negative_ttl(Some(120)).nodata("nodata.example");
    let resolver = resolver(&server);
    let mut counts = Vec::new();

    for time in [0, 119, 1] {
        pass(Duration::from_secs(time)).await;
        for domain in ["gone.example", "nodata.example"] {
            look_up(&resolver, domain).await.unwrap_err();
            counts.push(server.count(domain, MX));
        }
    }

    assert_eq!(counts, [1, 1, 1, 1, 2, 2]);
}

#[tokio::test]
async fn what_does_not_exist_is_remembered_briefly_without_a_soa_record() {
    let server = Server::start().await;
    server.negative_ttl(None);
    let resolver = resolver(&server);
    let mut counts = Vec::new();

    for time in [0, 4, 1] {
        pass(Duration::from_secs(time)).await;
        look_up(&resolver, "gone.example").await.unwrap_err();
        counts.push(server.count("gone.example", MX));
    }

    assert_eq!(counts, [1, 1, 2]);
}

#[tokio::test]
async fn a_failing_name_server_is_left_alone_for_a_moment() {
    let server = Server::start().await;
    server.mx("example.com", 10, "mx.example").fail("example.com", Fault::Rcode(ResponseCode::ServFail));
    let resolver = resolver(&server);
    let mut found = Vec::new();

    for time in [0, 4, 1] {
        pass(Duration::from_secs(time)).await;
        let error = look_up(&resolver, "example.com").await.is_err();
        found.push((error, server.count("example.com", MX)));
        server.heal("example.com");
    }

    assert_eq!(found, [(true, 1), (true, 1), (false, 2)]);
}

#[tokio::test]
async fn an_implicit_exchangers_addresses_are_asked_for_once() {
    let server = Server::start().await;
    server.a("example.com", [192, 0, 2, 1]);
    let resolver = resolver(&server);

    look_up(&resolver, "example.com").await.unwrap();
    resolver.addresses("example.com").await.unwrap();

    let counts = [MX, RecordType::A, RecordType::AAAA].map(|kind| server.count("example.com", kind));
    assert_eq!(counts, [1, 1, 1]);
}

#[tokio::test]
async fn an_implicit_exchanger_holds_as_long_as_its_address() {
    let server = Server::start().await;
    server.negative_ttl(Some(300)).ttl(30).a("example.com", [192, 0, 2, 1]);
    let resolver = resolver(&server);

    look_up(&resolver, "example.com").await.unwrap();
    pass(Duration::from_secs(30)).await;
    look_up(&resolver, "example.com").await.unwrap();

    assert_eq!(server.count("example.com", MX), 2);
}

#[tokio::test]
async fn an_answer_says_until_when_it_holds() {
    let server = Server::start().await;
    server.ttl(300).mx("example.com", 10, "mx.example").ttl(30).a("mx.example", [192, 0, 2, 1]);
    let resolver = resolver(&server);

    let start = Instant::now();
    let exchangers = resolver.mail_exchangers("example.com").await.unwrap().valid_until;
    let addresses = resolver.addresses("mx.example").await.unwrap().valid_until;
    let end = Instant::now();

    let holds = |until: Instant, seconds| {
        let ttl = Duration::from_secs(seconds);
        (start + ttl..=end + ttl).contains(&until)
    };
    assert_eq!((holds(exchangers, 300), holds(addresses, 30)), (true, true));
}

#[tokio::test]
async fn the_domain_not_used_for_longest_is_forgotten() {
    let server = Server::start().await;
    let resolver = resolver_with(&[server.address()], &Settings { cache_entries: 2, ..Settings::default() });
    for name in ["a.example", "b.example", "c.example"] {
        server.mx(name, 10, "mx.example");
    }

    for name in ["a.example", "b.example", "a.example", "c.example", "a.example", "b.example"] {
        look_up(&resolver, name).await.unwrap();
    }

    let counts = ["a.example", "b.example", "c.example"].map(|name| server.count(name, MX));
    assert_eq!(counts, [1, 2, 1]);
}

#[tokio::test]
async fn a_time_to_live_of_zero_does_not_mean_a_question_for_every_message() {
    let server = Server::start().await;
    server.ttl(0).mx("example.com", 10, "mx.example");
    let resolver = resolver(&server);

    for _ in 0..10 {
        look_up(&resolver, "example.com").await.unwrap();
    }

    assert_eq!(server.count("example.com", MX), 1);
}
