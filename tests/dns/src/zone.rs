//! What the server knows, and the message that answers a question. No sockets here.

use std::collections::{BTreeMap, HashMap};

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::Fault;

/// A chain of aliases longer than this is a loop.
const ALIASES: usize = 16;

/// Records and faults by name, in the form that [`key`] gives it.
#[derive(Debug)]
pub(crate) struct Zone {
    /// A name without records exists and has no data.
    pub(crate) records: BTreeMap<String, Vec<Record>>,
    /// By name, and by type unless the fault is of all types.
    pub(crate) faults: HashMap<(String, Option<RecordType>), Fault>,
    pub(crate) ttl: u32,
    pub(crate) negative_ttl: Option<u32>,
}

impl Default for Zone {
    fn default() -> Zone {
        Zone { records: BTreeMap::new(), faults: HashMap::new(), ttl: 3600, negative_ttl: Some(60) }
    }
}

impl Zone {
    pub(crate) fn add(&mut self, name: &str, data: RData) {
        let record = Record::from_rdata(dns_name(name), self.ttl, data);
        self.records.entry(key(name)).or_default().push(record);
    }

    /// Returns the fault of a question; one of its type goes before one of all types.
    pub(crate) fn fault(&self, name: &str, kind: RecordType) -> Option<Fault> {
        let of = |kind| self.faults.get(&(name.to_owned(), kind)).copied();
        of(Some(kind)).or_else(|| of(None))
    }

    /// Returns the answer to a request that has this one question.
    pub(crate) fn answer(&self, request: &Message, query: &Query) -> Message {
        let (answers, code) = self.find(query.name(), query.query_type());
        let mut reply = reply(request, code);
        if !answers.iter().any(|record| record.record_type() == query.query_type()) {
            reply.add_authorities(self.authority());
        }
        reply.add_answers(answers);
        reply
    }

    /// Follows aliases from a name to records of a type.
    fn find(&self, name: &Name, kind: RecordType) -> (Vec<Record>, ResponseCode) {
        let mut answers = Vec::new();
        let mut name = name.clone();
        for _ in 0..ALIASES {
            let Some(records) = self.records.get(&key(&name.to_ascii())) else {
                return (answers, ResponseCode::NXDomain);
            };
            answers.extend(records.iter().filter(|record| record.record_type() == kind).cloned());
            let alias = records.iter().find_map(|record| match &record.data {
                RData::CNAME(target) if kind != RecordType::CNAME => Some((record, target)),
                _ => None,
            });
            let Some((record, target)) = alias else { break };
            answers.push(record.clone());
            name = target.0.clone();
        }
        (answers, ResponseCode::NoError)
    }

    /// Returns the record that says how long a negative answer holds (RFC 2308 §3).
    fn authority(&self) -> Option<Record> {
        let ttl = self.negative_ttl?;
        let soa = SOA::new(dns_name("ns.test"), dns_name("hostmaster.test"), 1, 3600, 600, 86400, ttl);
        Some(Record::from_rdata(Name::root(), ttl, RData::SOA(soa)))
    }
}

/// Returns a reply without records.
pub(crate) fn reply(request: &Message, code: ResponseCode) -> Message {
    let mut reply = Message::response(request.metadata.id, request.metadata.op_code);
    reply.metadata.recursion_desired = request.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.metadata.response_code = code;
    reply.add_queries(request.queries.iter().cloned());
    if request.edns.is_some() {
        reply.set_edns(Edns::new());
    }
    reply
}

/// Returns the form in which names are compared.
pub(crate) fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Returns a name as it stands in a message. Any octets can be between the dots.
pub(crate) fn dns_name(name: &str) -> Name {
    let labels = name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
    Name::from_labels(labels).expect("the test gives a name that a DNS message can carry")
}
