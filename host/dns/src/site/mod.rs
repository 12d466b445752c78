//! Names of sites: the set of a domain's mail exchangers, written short.
//!
//! A *site* is a set of hosts that take mail; all domains with the same set share it, and with it a ready queue, its
//! limits and its back-off. Host names come in, in any order, any case and as often as one likes; the name goes out.
//! What hosts have in common at their ends is written once, what differs in front of it stands in parentheses between
//! bars, and a question mark says that a host goes without:
//!
//! - `mx.example`: one host is its own name;
//! - `(a|b).x.example`: `a.x.example` and `b.x.example`;
//! - `(alt1|alt2)?.mx.example`: `mx.example`, `alt1.mx.example` and `alt2.mx.example`;
//! - `((a|b).x|c.y).example`: never `(a|b|c).(x|y).example`, which would be the name of other sets too.
//!
//! Invariant: two sets of host names have one name only if they are the same set. An octet of a label that is no letter,
//! digit, `-`, `_` or `*` is written as `%` and two hexadecimal digits, so that no label can look like syntax.
//!
//! The form is KumoMTA's, so that configuration keyed by site names keeps its meaning. It identifies; it is no pattern to
//! match a host against.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tollgate_message::domain;

/// No name in the DNS has more labels (RFC 1035 §2.3.4). Bounds how deep the tree gets on text that is no name.
const MAX_LABELS: usize = 127;

/// Returns the name of the site that these hosts are; empty if there is none.
///
/// Equal preference or not makes no difference, so two domains that rank the same hosts differently are one site.
pub fn site_name<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> String {
    let mut root = Node::default();
    for host in hosts {
        root.insert(&domain::normalize(host.as_ref()));
    }
    root.fronts()
}

/// A place in the tree of labels, which grows from the ends of names to their fronts.
#[derive(Default)]
struct Node {
    /// By label, sorted: the order of hosts leaves no trace.
    fronts: BTreeMap<String, Node>,
    /// Whether a host's name begins here.
    is_host: bool,
}

impl Node {
    fn insert(&mut self, host: &str) {
        if host.is_empty() {
            return;
        }
        // Beyond the last possible label dots are part of it, and are escaped like any other octet.
        let labels = host.rsplitn(MAX_LABELS, '.');
        let node = labels.fold(self, |node, label| node.fronts.entry(escape(label)).or_default());
        node.is_host = true;
    }

    /// Writes what stands in front of this place: one alternative, or all in parentheses.
    fn fronts(&self) -> String {
        let mut alternatives: Vec<String> = self.fronts.iter().map(|(label, node)| node.labelled(label)).collect();
        match alternatives.len() {
            0 | 1 => alternatives.pop().unwrap_or_default(),
            _ => format!("({})", alternatives.join("|")),
        }
    }

    /// Writes this place's label with what stands in front of it.
    fn labelled(&self, label: &str) -> String {
        if self.fronts.is_empty() {
            return label.to_owned();
        }
        let fronts = self.fronts();
        match (self.is_host, self.fronts.len() == 1 && fronts.contains('.')) {
            (false, _) => format!("{fronts}.{label}"),
            (true, false) => format!("{fronts}?.{label}"),
            (true, true) => format!("({fronts})?.{label}"),
        }
    }
}

/// Writes every octet that could be taken for syntax, or that no host name has, as `%` and two hexadecimal digits.
fn escape(label: &str) -> String {
    label.bytes().fold(String::with_capacity(label.len()), |mut escaped, octet| {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'*') {
            escaped.push(char::from(octet));
        } else {
            write!(escaped, "%{octet:02X}").expect("a string takes whatever is written to it");
        }
        escaped
    })
}
