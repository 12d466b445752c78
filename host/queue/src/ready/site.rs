//! Where mail goes: a set of hosts under one name.
//!
//! Domains whose mail exchangers are the same share a site, and with it connections and limits. Hosts are not looked up
//! here: the name and hosts of a site behind mail exchangers come from the shell. Mailboxes of this machine are a site for
//! each domain: "connections" to it are how many messages are written at a time. Names are KumoMTA's.

/// A destination as connections and limits see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// The site's name: `mx_list:a,b`, an address literal, the factored names of mail exchangers, or the domain whose
    /// mailboxes are here.
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
    /// None: mail is written to mailboxes of this machine.
    Here(Maildir),
}

/// Mailboxes that are folders, as an operator writes of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Maildir {
    /// Template for the path of a recipient's mailbox. Not judged here.
    pub path: String,
    /// Permissions of folders that are made.
    pub dir_mode: Option<u32>,
    /// Permissions of messages.
    pub file_mode: Option<u32>,
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

    /// Returns the site that a domain's mailboxes on this machine are.
    #[must_use]
    pub fn of_maildir(domain: &str, maildir: &Maildir) -> Self {
        Self { name: domain.to_owned(), hosts: Hosts::Here(maildir.clone()) }
    }

    /// Returns whether mail stays on this machine, so that no source sends it.
    #[must_use]
    pub fn is_here(&self) -> bool {
        matches!(self.hosts, Hosts::Here(_))
    }

    /// Returns the name of the ready queue of a source: `source->site@protocol`.
    #[must_use]
    pub fn ready_name(&self, source: &str) -> String {
        format!("{source}->{}", self.key())
    }

    /// Returns what no other site has: a domain's mailboxes are not the host of the same name.
    pub(crate) fn key(&self) -> String {
        match &self.hosts {
            Hosts::Here(maildir) => format!("{}@maildir:{}", self.name, maildir.path),
            Hosts::Named(_) | Hosts::Exchangers(_) => smtp_key(&self.name),
        }
    }
}

/// Returns the key of a site that is reached by SMTP.
pub(crate) fn smtp_key(name: &str) -> String {
    format!("{name}@smtp_client")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_queues_are_named_by_source_site_and_protocol() {
        let hosts = ["a.example:2525".to_owned(), "[10.0.0.1]".to_owned()];

        let maildir = Maildir { path: "/mail/{{email}}".to_owned(), dir_mode: None, file_mode: None };

        let names = [Site::of_mx_list(&hosts), Site::of_literal("[10.0.0.1]"), Site::of_maildir("d.example", &maildir)]
            .map(|site| site.ready_name("ip-1"));

        assert_eq!(
            names,
            [
                "ip-1->mx_list:a.example:2525,[10.0.0.1]@smtp_client",
                "ip-1->[10.0.0.1]@smtp_client",
                "ip-1->d.example@maildir:/mail/{{email}}"
            ]
        );
    }
}
