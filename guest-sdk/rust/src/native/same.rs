//! What is here is what the bindings have: the same functions with the same signatures, and all of those in `wit/`.

use std::collections::BTreeSet;

use crate::{
    Answer, Edit, Mailbox, Origin, PolicyError, Question, QueueName, Rate, RefreshStrategy, Reply, Setting,
    bindings::{host::tollgate::policy as bound, waiting::tollgate::policy as waiting},
    http::{Request, Response},
};

use super::{egress, host, message, queued, session, settings};

type Done = Result<(), PolicyError>;

/// Takes each method of both types as a function of one and the same signature; a drift does not compile.
macro_rules! same {
    ($(resource $name:literal $bound:path, $native:path { $($method:ident($($argument:ty),*) $(-> $result:ty)?;)* })*
     $(interface $interface:literal { $($function:ident: $from:path, $to:path, fn($($parameter:ty),*) $(-> $returns:ty)?;)* })*) => {
        const NAMES: &[(&str, &[&str])] = &[
            $(($name, &[$(stringify!($method)),*]),)*
            $(($interface, &[$(stringify!($function)),*]),)*
        ];

        const _: () = {
            $($(
                let _: fn(&$bound $(, $argument)*) $(-> $result)? = <$bound>::$method;
                let _: fn(&$native $(, $argument)*) $(-> $result)? = <$native>::$method;
            )*)*
            $($(
                let _: fn($($parameter),*) $(-> $returns)? = $from;
                let _: fn($($parameter),*) $(-> $returns)? = $to;
            )*)*
        };
    };
}

same! {
    resource "message" bound::message::Message, message::Message {
        ask(&[Question]) -> Vec<Answer>;
        apply(&[Edit]) -> Done;
        id() -> String;
        sender() -> Option<Mailbox>;
        recipients() -> Vec<Mailbox>;
        origin() -> Origin;
        authz_id() -> Option<String>;
        may_relay() -> bool;
        size() -> u64;
        received_at_ms() -> u64;
        first_header(&str) -> Option<String>;
        all_headers(&str) -> Vec<String>;
        header_bytes(&str) -> Option<Vec<u8>>;
        header_names() -> Vec<String>;
        add_header(&str, &str) -> Done;
        replace_header(&str, &str) -> Done;
        remove_header(&str) -> u32;
        get_meta(&str) -> Option<String>;
        set_meta(&str, Option<&str>) -> Done;
        import_scheduling_header(&str) -> Result<(), Reply>;
        set_schedule(Option<&str>) -> Done;
        body(u64, u32) -> Vec<u8>;
    }
    resource "queue-config" bound::queue_settings::QueueConfig, settings::Settings {
        set(&[(Setting, Option<String>)]) -> Done;
        set_retry_interval(u64, Option<&str>) -> Done;
        set_max_retry_interval(u64, Option<&str>) -> Done;
        set_max_age(u64, Option<&str>) -> Done;
        set_egress_pool(&str, Option<&str>) -> Done;
        set_max_message_rate(Rate, Option<&str>) -> Done;
        set_protocol(&str, Option<&str>) -> Done;
        set_reap_interval(u64, Option<&str>) -> Done;
        set_refresh_interval(u64, Option<&str>) -> Done;
        set_refresh_strategy(RefreshStrategy, Option<&str>) -> Done;
        set_provider_name(&str, Option<&str>) -> Done;
        set_inert(&str, &str, Option<&str>) -> Done;
        clear(&str, Option<&str>) -> Done;
        get(&str) -> Option<String>;
        get_duration(&str) -> Option<u64>;
    }
    resource "session" bound::session::Session, session::Session {
        origin() -> Origin;
        listener() -> String;
        hostname() -> String;
        peer_address() -> String;
        peer_port() -> u16;
        local_address() -> String;
        local_port() -> u16;
        ehlo_domain() -> Option<String>;
        authz_id() -> Option<String>;
        may_relay() -> bool;
    }
    resource "egress-pool" bound::egress_settings::EgressPool, egress::EgressPool {
        add_source(&str, u32) -> Done;
        set_ttl(u64) -> Done;
    }
    resource "egress-source" bound::egress_settings::EgressSource, egress::EgressSource {
        set_source_address(&str) -> Done;
        set_ehlo_domain(&str) -> Done;
        set_ttl(u64) -> Done;
    }
    resource "egress-path" bound::egress_settings::EgressPath, egress::EgressPath {
        set_connection_limit(u32, Option<&str>) -> Done;
        set_max_deliveries_per_connection(u32, Option<&str>) -> Done;
        set_max_ready(u32, Option<&str>) -> Done;
        set_max_message_rate(Rate, Option<&str>) -> Done;
        set_max_connection_rate(Rate, Option<&str>) -> Done;
        set_ttl(u64) -> Done;
        clear(&str, Option<&str>) -> Done;
        get(&str) -> Option<String>;
    }
    resource "queued-message" bound::queued_message::QueuedMessage, queued::QueuedMessage {
        id() -> String;
        sender() -> Option<Mailbox>;
        recipients() -> Vec<Mailbox>;
        replies() -> Vec<Reply>;
        queue() -> QueueName;
        attempts() -> u32;
        size() -> u64;
        received_at_ms() -> u64;
        due_at_ms() -> u64;
        last_due_at_ms() -> u64;
        get_meta(&str) -> Option<String>;
        set_meta(&str, Option<&str>) -> Done;
        delay_until(u64) -> Done;
    }
    interface "log" { write: bound::log::write, host::log::write, fn(crate::log::Level, &str, &[(String, String)]); }
    interface "clock" { now_ms: bound::clock::now_ms, host::clock::now_ms, fn() -> u64; }
    interface "metrics" {
        declare: bound::metrics::declare, host::metrics::declare, fn(&str, &str) -> Done;
        increment: bound::metrics::increment, host::metrics::increment, fn(&str, u64) -> Done;
    }
    interface "counters" {
        increment: bound::counters::increment, host::counters::increment, fn(&str, u64, u64) -> Result<u64, PolicyError>;
        get: bound::counters::get, host::counters::get, fn(&str) -> Result<u64, PolicyError>;
        age_ms: bound::counters::age_ms, host::counters::age_ms, fn(&str) -> Result<Option<u64>, PolicyError>;
        reset: bound::counters::reset, host::counters::reset, fn(&str) -> Result<bool, PolicyError>;
    }
    interface "kv" {
        get: waiting::kv::get, host::kv::get, fn(&str) -> Result<Option<Vec<u8>>, PolicyError>;
        set: waiting::kv::set, host::kv::set, fn(&str, &[u8], Option<u64>) -> Done;
        delete: waiting::kv::delete, host::kv::delete, fn(&str) -> Result<bool, PolicyError>;
    }
    interface "dns" {
        addresses: waiting::dns::addresses, host::dns::addresses, fn(&str) -> Result<Vec<String>, PolicyError>;
        texts: waiting::dns::texts, host::dns::texts, fn(&str) -> Result<Vec<String>, PolicyError>;
        mail_exchangers: waiting::dns::mail_exchangers, host::dns::mail_exchangers, fn(&str) -> Result<Vec<Vec<String>>, PolicyError>;
        names: waiting::dns::names, host::dns::names, fn(&str) -> Result<Vec<String>, PolicyError>;
    }
    interface "http-client" {
        fetch: waiting::http_client::fetch, host::http_client::fetch, fn(&Request) -> Result<Response, PolicyError>;
    }
    interface "domains" { normalize: bound::domains::normalize, crate::domains::normalize, fn(&str) -> String; }
}

/// Returns the functions of `wit/`, each with the resource that it is of, or else its interface.
fn of_wit() -> BTreeSet<(String, String)> {
    let (mut found, mut interface, mut resource) = (BTreeSet::new(), String::new(), None::<String>);
    for line in include_str!("../../wit/host.wit").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["interface", name, "{"] => interface = name.to_owned(),
            ["resource", name, "{"] => resource = Some(name.to_owned()),
            ["}"] if line == "    }" => resource = None,
            [name, "func(", ..] | [name, ..] if line.contains(": func(") => {
                let of = resource.clone().unwrap_or_else(|| interface.clone());
                found.insert((of, name.trim_end_matches(':').replace('-', "_")));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn everything_that_the_host_offers_is_here() {
    let listed = NAMES.iter().flat_map(|(of, names)| names.iter().map(|name| ((*of).to_owned(), (*name).to_owned())));

    let mut offered = of_wit();
    // The machine at hand says itself what panics.
    offered.remove(&("panic".to_owned(), "note".to_owned()));
    assert_eq!(listed.collect::<BTreeSet<_>>(), offered);
}
