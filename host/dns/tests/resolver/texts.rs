//! Texts of a name, and the names of an address.

use std::sync::Arc;

use tollgate_dns::LookupError;
use tollgate_testdns::{Fault, RecordType, Server};

use crate::kit::{impatient, resolver};

fn list<const N: usize>(texts: [&str; N]) -> Result<Arc<Vec<String>>, LookupError> {
    Ok(Arc::new(texts.map(str::to_owned).to_vec()))
}

#[tokio::test]
async fn the_strings_of_a_text_are_joined_and_what_is_not_there_is_an_empty_list() {
    let server = Server::start().await;
    server.txt("_dmarc.example", &["v=DMARC1; ", "p=none"]).txt("_dmarc.example", &["other"]).nodata("empty.example");
    let resolver = resolver(&server);

    let found = [
        resolver.texts("_DMARC.example.").await,
        resolver.texts("empty.example").await,
        resolver.texts("nowhere.example").await,
        resolver.texts("two words").await,
    ];

    let no_name = Err(LookupError::NotAName { name: "two words".to_owned() });
    assert_eq!(found, [list(["v=DMARC1; p=none", "other"]), list([]), list([]), no_name]);
}

#[tokio::test]
async fn an_address_has_the_names_that_hosts_can_have() {
    let server = Server::start().await;
    server.ptr("1.2.0.192.in-addr.arpa", "Mail.example.").ptr("1.2.0.192.in-addr.arpa", "192.0.2.1");
    let resolver = resolver(&server);

    let names = resolver.names("192.0.2.1".parse().unwrap()).await;
    let again = resolver.names("192.0.2.1".parse().unwrap()).await;

    assert_eq!((names, again), (list(["mail.example"]), list(["mail.example"])));
    assert_eq!(server.count("1.2.0.192.in-addr.arpa", RecordType::PTR), 1);
}

#[tokio::test]
async fn silence_is_no_answer() {
    let server = Server::start().await;
    server.fail("silent.example", Fault::NoAnswer);

    let outcome = impatient(&server).texts("silent.example").await;

    assert!(matches!(&outcome, Err(LookupError::Unanswered { name, .. }) if name == "silent.example"), "{outcome:?}");
}
