//! A plugin that counts, as the field `X-Do` of a message says: `count KEY`, `age KEY`, `forget KEY`, `show NAME`. What the host
//! answered is the text of a refusal. It declares the counters that its file names, one in a line. It knows one pool,
//! for a second at a time, of another source for each `count era`; from the second one on it has no answer.

use tollgate_sdk::{
    Configure, Configured, Egress, EgressPool, File, Message, MessageReceived, PolicyError, Refused, Reply, Verdict,
    counters, metrics, register, reject, wishes,
};

struct Keeper {
    /// What the host said to the declarations, where it refused one.
    refused: Option<PolicyError>,
}

impl Configure for Keeper {
    fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused> {
        let names = files.iter().flat_map(|file| file.content.split(|octet| *octet == b'\n'));
        let names = names.map(String::from_utf8_lossy).filter(|name| !name.is_empty());
        let mut refused = None;
        for name in names {
            refused = metrics::declare(&name, "what a message told it to").err().or(refused);
        }
        Ok(Configured { plugin: Self { refused }, diagnostics: Vec::new(), references: Vec::new() })
    }
}

impl MessageReceived for Keeper {
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
        let wish = message.first_header("X-Do").unwrap_or_default();
        let (verb, key) = wish.split_once(' ').unwrap_or((&wish, ""));
        let told = match verb {
            "count" => told(counters::increment(key, 1, counters::DAY_MS)),
            "read" => told(counters::get(key)),
            "age" => told(counters::age_ms(key).map(|age| age.is_some())),
            "forget" => told(counters::reset(key)),
            "flood" => told((0..900).try_fold(0, |_, n| counters::increment(&format!("{key}{n}"), 1, 1000))),
            "show" => told(metrics::increment(key, 1)),
            "declare" => told(metrics::declare(key, "late")),
            "declared" => told(self.refused.clone().map_or(Ok(()), Err)),
            _ => return Ok(Verdict::Accept),
        };
        Err(reject("5.0.0", &told))
    }
}

impl Egress for Keeper {
    fn pool(&self, name: &str) -> Result<Option<EgressPool>, PolicyError> {
        if name != "fickle-pool" {
            return Ok(None);
        }
        let pool = EgressPool::new();
        pool.set_ttl(1000)?;
        match counters::get("era")? {
            0 => pool.add_source("ip-1", 1)?,
            1 => pool.add_source("ip-2", 1)?,
            _ => return Err(PolicyError::Unavailable("the list of pools".to_owned())),
        }
        Ok(Some(pool))
    }
}

/// Returns an answer of the host's, or its error, as text.
fn told<T: std::fmt::Debug>(answer: Result<T, PolicyError>) -> String {
    answer.map_or_else(|error| format!("{error:?}"), |answer| format!("{answer:?}"))
}

wishes! {
    limits: { "cpu" = "5ms" },
    grants: { "counters" = "counts, as it is told" },
}

register!(Keeper: configure, message_received, egress);
