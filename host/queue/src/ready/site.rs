//! Where mail goes: a set of hosts under one name.
//!
//! Domains whose mail exchangers are the same share a site, and with it connections and limits. Hosts are not looked up
//! here: the name and hosts of a site behind mail exchangers come from the shell. Names are KumoMTA's.

/// A destination as connections and limits see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// The site's name: `mx_list:a,b`, an address literal, or the factored names of mail exchangers.
    pub name: String,
    /// The hosts to try. Never empty for a site that the shell resolved.
    pub hosts: Hosts,
}

/// The hosts of a site: each a name, `name:port`, `[address]` or `[address]:port`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hosts {
    /// Named by configuration or by the recipient: tried in this order.
    Named(Vec<String>),
    /// Mail exchangers that were looked up, lowest preference first; those that stand together are as good as each other
    /// (RFC 5321 §5.1).
    Exchangers(Vec<Vec<String>>),
}

impl Site {
    /// Returns the site that these hosts form, without a look-up.
    #[must_use]
    pub fn of_mx_list(hosts: &[String]) -> Self {
        Self { name: format!("mx_list:{}", hosts.join(",")), hosts: Hosts::Named(hosts.to_vec()) }
    }

    /// Returns the site that an address literal is: itself the only host.
    #[must_use]
    pub fn of_literal(literal: &str) -> Self {
        Self { name: literal.to_owned(), hosts: Hosts::Named(vec![literal.to_owned()]) }
    }
}

/// Returns the name of the ready queue for a source and a site.
pub(crate) fn ready_name(source: &str, site: &str) -> String {
    format!("{source}->{site}@smtp_client")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_queues_are_named_by_source_site_and_protocol() {
        let hosts = ["a.example:2525".to_owned(), "[10.0.0.1]".to_owned()];

        let names =
            [Site::of_mx_list(&hosts), Site::of_literal("[10.0.0.1]")].map(|site| ready_name("ip-1", &site.name));

        assert_eq!(names, ["ip-1->mx_list:a.example:2525,[10.0.0.1]@smtp_client", "ip-1->[10.0.0.1]@smtp_client"]);
    }
}
