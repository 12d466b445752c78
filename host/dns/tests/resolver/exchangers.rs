//! RFC 5321 §5.1, one rule after the other.

use tollgate_dns::LookupError;
use tollgate_testdns::{Fault, RecordType, Server};

use crate::kit::{code, hosts, impatient, look_up, resolver};

#[tokio::test]
async fn mail_exchangers_are_found_by_preference() {
    let server = Server::start().await;
    server.mx("example.com", 20, "mx3.example.com").mx("example.com", 10, "mx2.example.com");
    server.mx("example.com", 10, "MX1.example.com");

    let found = look_up(&resolver(&server), "Example.COM.").await;

    let groups: &[&[&str]] = &[&["mx1.example.com", "mx2.example.com"], &["mx3.example.com"]];
    assert_eq!(found, hosts("(mx1|mx2|mx3).example.com", groups));
}

#[tokio::test]
async fn an_internationalised_domain_is_asked_for_as_a_labels() {
    let server = Server::start().await;
    server.mx("xn--bcher-kva.example", 10, "mx.example");

    let found = look_up(&resolver(&server), "Bücher.example").await;

    assert_eq!(found, hosts("mx.example", &[&["mx.example"]]));
}

#[tokio::test]
async fn an_alias_has_the_exchangers_of_its_target() {
    let server = Server::start().await;
    server.cname("alias.example", "example.com").mx("example.com", 10, "mx.example.com");

    let found = look_up(&resolver(&server), "alias.example").await;

    assert_eq!(found, hosts("mx.example.com", &[&["mx.example.com"]]));
}

#[tokio::test]
async fn a_domain_with_only_an_address_is_its_own_exchanger() {
    for family in [RecordType::A, RecordType::AAAA] {
        let server = Server::start().await;
        match family {
            RecordType::A => server.a("example.com", [192, 0, 2, 1]),
            _ => server.aaaa("example.com", "2001:db8::1"),
        };

        let found = look_up(&resolver(&server), "example.com").await;

        assert_eq!(found, hosts("example.com", &[&["example.com"]]), "{family}");
    }
}

#[tokio::test]
async fn no_address_is_asked_for_if_there_are_exchangers() {
    let server = Server::start().await;
    server.mx("example.com", 10, "mx.example.com").a("example.com", [192, 0, 2, 1]).a("mx.example.com", [192, 0, 2, 2]);

    look_up(&resolver(&server), "example.com").await.unwrap();

    assert_eq!(server.asked().len(), 1, "{:?}", server.asked());
}

#[tokio::test]
async fn a_null_mx_refuses_all_mail_even_if_there_is_an_address() {
    let server = Server::start().await;
    server.null_mx("example.com").a("example.com", [192, 0, 2, 1]);

    let error = look_up(&resolver(&server), "example.com").await.unwrap_err();

    assert_eq!(error, LookupError::NullMx { name: "example.com".into() });
    assert_eq!(code(&error, "example.com"), (556, "5.1.10".into(), true));
}

#[tokio::test]
async fn a_null_mx_beside_other_exchangers_is_ignored() {
    let server = Server::start().await;
    server.null_mx("example.com").mx("example.com", 10, "mx.example.com");

    let found = look_up(&resolver(&server), "example.com").await;

    assert_eq!(found, hosts("mx.example.com", &[&["mx.example.com"]]));
}

#[tokio::test]
async fn exchangers_that_are_no_host_names_are_left_out() {
    let server = Server::start().await;
    server.mx("example.com", 1, "192.0.2.1").mx("example.com", 2, "sp ace.example").mx("example.com", 3, "mx.example");

    let found = look_up(&resolver(&server), "example.com").await;

    assert_eq!(found, hosts("mx.example", &[&["mx.example"]]));
}

#[tokio::test]
async fn what_cannot_take_mail_is_refused_for_good() {
    const DOMAINS: [&str; 7] = [
        "gone.example",
        "dangling.example",
        "loop.example",
        "nodata.example",
        "addresses.example",
        "192.0.2.1",
        "no domain",
    ];
    let server = Server::start().await;
    server.nodata("nodata.example").mx("addresses.example", 10, "192.0.2.1").cname("dangling.example", "gone.example");
    server.cname("loop.example", "pool.example").cname("pool.example", "loop.example");
    let resolver = resolver(&server);
    let mut found = Vec::new();

    for domain in DOMAINS {
        let error = look_up(&resolver, domain).await.unwrap_err();
        found.push((domain, code(&error, domain)));
    }

    let refused = |enhanced: &str| (550, enhanced.to_owned(), true);
    assert_eq!(
        found,
        [
            ("gone.example", refused("5.1.2")),
            ("dangling.example", refused("5.1.2")),
            ("loop.example", refused("5.4.4")),
            ("nodata.example", refused("5.4.4")),
            ("addresses.example", refused("5.4.4")),
            ("192.0.2.1", refused("5.1.2")),
            ("no domain", refused("5.1.2")),
        ]
    );
}

#[tokio::test]
async fn an_address_that_cannot_be_asked_for_leaves_the_domain_undecided() {
    let server = Server::start().await;
    server.nodata("example.com").fail_type("example.com", RecordType::AAAA, Fault::NoAnswer);

    let error = look_up(&impatient(&server), "example.com").await.unwrap_err();

    assert_eq!(code(&error, "example.com"), (451, "4.4.3".into(), true));
}

#[tokio::test]
async fn more_exchangers_than_a_datagram_holds_are_found() {
    let server = Server::start().await;
    for number in 0..100 {
        server.mx("example.com", number, &format!("mail-exchanger-number-{number:03}.of.example.com"));
    }

    let found = look_up(&resolver(&server), "example.com").await.unwrap();

    let expected: Vec<Vec<String>> =
        (0..100).map(|number| vec![format!("mail-exchanger-number-{number:03}.of.example.com")]).collect();
    assert_eq!(found.1, expected);
}
