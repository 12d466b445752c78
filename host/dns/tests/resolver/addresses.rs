//! Addresses of hosts.

use std::net::IpAddr;

use tollgate_dns::{LookupError, Resolver};
use tollgate_testdns::{Fault, RecordType, ResponseCode, Server};

use crate::kit::{code, resolver};

async fn addresses(resolver: &Resolver, host: &str) -> Result<Vec<IpAddr>, LookupError> {
    Ok(resolver.addresses(host).await?.addresses.clone())
}

fn ips<const N: usize>(addresses: [&str; N]) -> Result<Vec<IpAddr>, LookupError> {
    Ok(addresses.map(|address| address.parse().unwrap()).to_vec())
}

#[tokio::test]
async fn both_families_are_found_and_ipv4_comes_first() {
    let server = Server::start().await;
    server.aaaa("mx.example", "2001:db8::1").a("mx.example", [192, 0, 2, 2]).a("mx.example", [192, 0, 2, 1]);

    let found = addresses(&resolver(&server), "MX.example.").await;

    assert_eq!(found, ips(["192.0.2.2", "192.0.2.1", "2001:db8::1"]));
}

#[tokio::test]
async fn an_alias_has_the_addresses_of_its_target() {
    let server = Server::start().await;
    server.cname("mx.example", "host.example").a("host.example", [192, 0, 2, 1]);

    let found = addresses(&resolver(&server), "mx.example").await;

    assert_eq!(found, ips(["192.0.2.1"]));
}

#[tokio::test]
async fn one_familys_failure_does_not_matter_while_the_other_answers() {
    let server = Server::start().await;
    server.a("four.example", [192, 0, 2, 1]).aaaa("six.example", "2001:db8::1");
    server.fail_type("four.example", RecordType::AAAA, Fault::Rcode(ResponseCode::ServFail));
    server.fail_type("six.example", RecordType::A, Fault::Rcode(ResponseCode::Refused));
    let resolver = resolver(&server);

    let found = [addresses(&resolver, "four.example").await, addresses(&resolver, "six.example").await];

    assert_eq!(found, [ips(["192.0.2.1"]), ips(["2001:db8::1"])]);
}

#[tokio::test]
async fn a_host_without_addresses_is_told_from_one_that_cannot_be_asked_for() {
    let server = Server::start().await;
    server.nodata("nodata.example").nodata("half.example");
    server.fail_type("half.example", RecordType::A, Fault::Rcode(ResponseCode::ServFail));
    let resolver = resolver(&server);
    let mut found = Vec::new();

    for host in ["gone.example", "nodata.example", "half.example", "192.0.2.1"] {
        let error = addresses(&resolver, host).await.unwrap_err();
        found.push((host, error.is_permanent(), code(&error, host)));
    }

    assert_eq!(
        found,
        [
            ("gone.example", true, (550, "5.4.4".into(), true)),
            ("nodata.example", true, (550, "5.4.4".into(), true)),
            ("half.example", false, (451, "4.4.3".into(), true)),
            ("192.0.2.1", true, (550, "5.1.2".into(), true)),
        ]
    );
}

#[tokio::test]
async fn localhost_is_nobodys_business() {
    let server = Server::start().await;

    let found = addresses(&resolver(&server), "localhost").await.unwrap();

    let local = !found.is_empty() && found.iter().all(IpAddr::is_loopback);
    assert!(local && server.asked().is_empty(), "{found:?}, {:?}", server.asked());
}
