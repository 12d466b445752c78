//! Records that are texts: TXT, and the names in PTR. Nothing is asked here.
//!
//! Rules: RFC 1035 §3.3.14 (TXT), §3.5 (IN-ADDR.ARPA), RFC 3596 §2.5 (IP6.ARPA), RFC 7208 §3.3 (strings are joined).

use std::net::IpAddr;

use hickory_resolver::proto::rr::{Name, RData, Record};

use crate::name::host_name;

/// More records than this are not kept: their owner decides how many there are.
const MAX_RECORDS: usize = 64;

/// Returns the name under which the names of an address are found.
pub(crate) fn reverse(address: IpAddr) -> String {
    Name::from(address).to_ascii().trim_end_matches('.').to_owned()
}

/// Returns records as texts, in their order; what is none is left out.
pub(crate) fn list(records: &[Record], text: fn(&Record) -> Option<String>) -> Vec<String> {
    records.iter().filter_map(text).take(MAX_RECORDS).collect()
}

/// Returns the text of a TXT record.
pub(crate) fn text(record: &Record) -> Option<String> {
    let RData::TXT(txt) = &record.data else { return None };
    let octets: Vec<u8> = txt.txt_data.iter().flatten().copied().collect();
    Some(String::from_utf8_lossy(&octets).into_owned())
}

/// Returns the name in a PTR record, if a host may be called that.
pub(crate) fn name(record: &Record) -> Option<String> {
    let RData::PTR(name) = &record.data else { return None };
    host_name(&name.0.to_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_under_their_reverse_names() {
        let names = ["192.0.2.1", "2001:db8::1"].map(|address| reverse(address.parse().unwrap()));

        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(names, ["1.2.0.192.in-addr.arpa", v6]);
    }
}
