//! `[tenant.NAME]`: who speaks for a tenant.
//!
//! What a tenant *is* (its queues, rates and pools) is policy's to say; here it is bound to users, tokens and networks.
//! An identity has one tenant. A tenant with a list of identities is closed: nobody else may name it, whatever a header
//! says. `serve::identity` holds messages to that.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net};
use tollgate_config::{Entry, Finding, Findings, Node, Position, Section, Severity, Value, nearest};
use tollgate_inbound::{Caller, Identity};

use super::{auth::Auth, listen};

/// Options of a tenant that are known and not there yet.
const LATER: [&str; 5] = ["component", "config", "limits", "bounds", "token_hash"];

/// Who speaks for which tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identities {
    names: HashMap<Identity, Arc<str>>,
    /// The longest prefix first.
    networks: Vec<(IpNet, Arc<str>)>,
    closed: BTreeSet<Arc<str>>,
    /// The tenants that have something worth protecting, each with where its section stands.
    worthy: Vec<(Arc<str>, Place)>,
}

/// Where a section stands, and in which file.
#[derive(Clone, Debug)]
struct Place {
    file: Arc<str>,
    at: Position,
}

impl Identities {
    /// Returns the tenant for whom a caller speaks: by name before address, by the longest prefix that holds the address.
    pub(crate) fn tenant_of(&self, caller: &Caller) -> Option<&str> {
        let by_name = caller.identity.as_ref().and_then(|identity| self.names.get(identity));
        let by_address = || {
            let address = caller.address?;
            self.networks.iter().find(|(network, _)| network.contains(&address)).map(|(_, tenant)| tenant)
        };
        by_name.or_else(by_address).map(|tenant| &**tenant)
    }

    /// Returns whether only its own identities may name a tenant.
    pub(crate) fn is_closed(&self, tenant: &str) -> bool {
        self.closed.contains(tenant)
    }

    /// Returns a warning for each tenant that has something worth protecting while whoever may relay can pretend to be it.
    /// `guarded`: the tenants for which some plugin demands that the sender has an identity.
    pub(crate) fn unguarded(&self, guarded: &BTreeSet<String>) -> Vec<Finding> {
        let open = self.worthy.iter().filter(|(name, _)| !self.is_closed(name) && !guarded.contains(&**name));
        open.map(|(name, place)| Finding {
            severity: Severity::Warning,
            file: Some(place.file.to_string()),
            at: Some(place.at),
            message: format!(
                "tenant '{name}' has a component and neither `identities` nor `require_authz`, so whoever may relay can \
                 name it in a header and have the component judge his mail"
            ),
        })
        .collect()
    }
}

/// An entry of `identities`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Bound {
    Name(Identity),
    Network(IpNet),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(identity) => write!(f, "{identity}"),
            Self::Network(network) => write!(f, "net:{network}"),
        }
    }
}

/// Reads all tenants. `auth`: the names that somebody can prove.
pub(super) fn identities(top: &mut Section<'_>, auth: &Auth, findings: &mut Findings) -> Identities {
    let mut reader = Reader { auth, taken: HashMap::new(), read: Identities::default() };
    for (name, section) in top.named("tenant", findings) {
        reader.tenant(name, section, findings);
    }
    let mut read = reader.read;
    read.networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
    read
}

struct Reader<'a> {
    auth: &'a Auth,
    /// Whose each identity is, and where that is written.
    taken: HashMap<Bound, (Arc<str>, Position)>,
    read: Identities,
}

impl Reader<'_> {
    fn tenant(&mut self, name: &str, mut section: Section<'_>, findings: &mut Findings) {
        let (at, tenant) = (section.at(), Arc::<str>::from(name));
        if name.trim().is_empty() {
            findings.error(at, "a tenant has a name");
        }
        if let Some(entry) = section.entry("identities") {
            self.list(&tenant, entry, findings);
        }
        if section.entry("component").is_some() {
            self.read.worthy.push((Arc::clone(&tenant), Place { file: findings.file().into(), at }));
        }
        for key in LATER {
            if let Some(entry) = section.entry(key) {
                findings.error(entry.at, format!("{key}: not there yet; this version knows `identities` of a tenant"));
            }
        }
        section.finish(findings);
    }

    fn list(&mut self, tenant: &Arc<str>, entry: &Entry, findings: &mut Findings) {
        let Value::Array(items) = &entry.node.value else {
            let kind = entry.node.value.kind();
            return findings.error(entry.at, format!("identities: expected a list of texts, got {kind}"));
        };
        // Also where nobody is on the list: the operator has said who may, and it is nobody.
        self.read.closed.insert(Arc::clone(tenant));
        if items.is_empty() {
            findings
                .warning(entry.at, format!("identities: the list is empty, so nobody can send as tenant '{tenant}'"));
        }
        for item in items {
            match parse(item) {
                Ok(bound) => self.bind(tenant, bound, item.at, findings),
                Err(error) => findings.error(item.at, format!("identities: {error}")),
            }
        }
    }

    fn bind(&mut self, tenant: &Arc<str>, bound: Bound, at: Position, findings: &mut Findings) {
        if let Some((other, there)) = self.taken.get(&bound) {
            let (line, text) = (there.line, format!("identities: {bound} is tenant '{other}' already, in line"));
            return match other == tenant {
                true => findings.warning(at, format!("{text} {line}")),
                false => findings.error(at, format!("{text} {line}; an identity has one tenant")),
            };
        }
        if let Bound::Name(identity) = &bound {
            self.warn_of_stranger(identity, at, findings);
        }
        self.taken.insert(bound.clone(), (Arc::clone(tenant), at));
        match bound {
            Bound::Name(identity) => drop(self.read.names.insert(identity, Arc::clone(tenant))),
            Bound::Network(network) => self.read.networks.push((network, Arc::clone(tenant))),
        }
    }

    /// Says that nobody can prove a name, which may be a slip or a user who is still to come.
    fn warn_of_stranger(&self, identity: &Identity, at: Position, findings: &mut Findings) {
        let (kind, known): (_, Vec<&str>) = match identity {
            Identity::User(_) => ("user", self.auth.users.keys().map(String::as_str).collect()),
            Identity::Token(_) => ("token", self.auth.tokens.keys().map(String::as_str).collect()),
        };
        let name = identity.name();
        if known.contains(&name) {
            return;
        }
        let hint = nearest(name, known).map(|near| format!("; did you mean `{kind}:{near}`?")).unwrap_or_default();
        findings.warning(at, format!("identities: there is no [auth.{kind}.'{name}'], so nobody is {identity}{hint}"));
    }
}

fn parse(item: &Node) -> Result<Bound, String> {
    let Value::String(text) = &item.value else { return Err(format!("expected text, got {}", item.value.kind())) };
    match text.split_once(':') {
        Some(("user", name)) if !name.trim().is_empty() => Ok(Bound::Name(Identity::User(name.to_owned()))),
        Some(("token", name)) if !name.trim().is_empty() => Ok(Bound::Name(Identity::Token(name.to_owned()))),
        Some(("net", network)) => listen::network(network).map(|network| Bound::Network(canonical(network))),
        _ => Err(format!("'{text}' is no identity; write 'user:NAME', 'token:NAME' or 'net:10.0.0.0/8'")),
    }
}

/// Networks with the same addresses become equal: no host bits, no IPv4 inside IPv6.
fn canonical(network: IpNet) -> IpNet {
    let inside = match network {
        IpNet::V4(_) => None,
        IpNet::V6(network) => network.addr().to_ipv4_mapped().zip(network.prefix_len().checked_sub(96)),
    };
    let unwrapped = inside.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()).map(IpNet::from);
    unwrapped.unwrap_or(network).trunc()
}

/// Returns the bindings of a text, whatever else is to be said of it.
#[cfg(test)]
pub(crate) fn bindings(text: &str) -> Identities {
    let mut findings = Findings::new("");
    let table = tollgate_config::Table::parse_toml(text, &mut findings);
    let mut top = Section::new(&table, Position { line: 1, column: 1 }, "");
    identities(&mut top, &Auth::default(), &mut findings)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tollgate_config::Table;

    use super::*;

    fn read(text: &str) -> (Identities, Vec<String>) {
        let mut findings = Findings::new("f");
        let table = Table::parse_toml(text, &mut findings);
        let mut top = Section::new(&table, Position { line: 1, column: 1 }, "");
        let mut auth = Auth::default();
        auth.users.insert("scott".to_owned(), String::new());
        auth.tokens.insert("injector".to_owned(), tollgate_inbound::http::TokenHash::of("x"));
        let identities = identities(&mut top, &auth, &mut findings);
        (identities, findings.into_sorted().iter().map(ToString::to_string).collect())
    }

    fn caller(identity: Option<Identity>, address: &str) -> Caller {
        Caller { identity, address: address.parse().ok() }
    }

    #[test]
    fn a_name_beats_an_address_and_a_longer_prefix_a_shorter_one() {
        let (identities, findings) = read(
            "[tenant.wide]\nidentities = ['net:10.0.0.0/8', 'net:::ffff:192.0.2.0/120']\n\
             [tenant.narrow]\nidentities = ['net:10.1.2.3/16', 'net:10.1.9.9']\n\
             [tenant.scott]\nidentities = ['user:scott']\n[tenant.robot]\nidentities = ['token:injector']\n",
        );
        let scott = || Some(Identity::User("scott".to_owned()));

        let tenants = [
            caller(None, "10.2.0.1"),
            caller(None, "10.1.0.1"),
            caller(None, "10.1.9.9"),
            caller(None, "192.0.2.7"),
            caller(None, "11.0.0.1"),
            caller(None, ""),
            caller(scott(), "10.1.0.1"),
            caller(scott(), ""),
            caller(Some(Identity::Token("injector".to_owned())), ""),
            caller(Some(Identity::Token("scott".to_owned())), ""),
            caller(Some(Identity::User("ada".to_owned())), "10.1.0.1"),
        ]
        .map(|caller| identities.tenant_of(&caller).map(str::to_owned));

        let expected = [
            Some("wide"),
            Some("narrow"),
            Some("narrow"),
            Some("wide"),
            None,
            None,
            Some("scott"),
            Some("scott"),
            Some("robot"),
            None,
            Some("narrow"),
        ];
        assert_eq!((tenants, findings), (expected.map(|tenant| tenant.map(str::to_owned)), vec![]));
    }

    #[test]
    fn a_tenant_is_closed_by_having_a_list_even_an_empty_one() {
        let (identities, findings) =
            read("[tenant.a]\nidentities = ['user:scott']\n[tenant.b]\nidentities = []\n[tenant.c]\n");

        let closed = ["a", "b", "c", "d"].map(|tenant| identities.is_closed(tenant));

        let expected = "f:4:1 identities: the list is empty, so nobody can send as tenant 'b'";
        assert_eq!((closed, findings), ([true, true, false, false], vec![expected.to_owned()]));
    }

    #[test]
    fn a_tenant_with_a_component_that_nobody_guards_is_warned_of() {
        let component = "component = 'x.wasm'";
        let (identities, _) = read(&format!(
            "[tenant.bound]\nidentities = ['user:scott']\n{component}\n[tenant.open]\n{component}\n\
             [tenant.plain]\n[tenant.demanding]\n{component}\n"
        ));

        let warnings = identities.unguarded(&["demanding".to_owned()].into());

        let expected = "f:4:9 tenant 'open' has a component and neither `identities` nor `require_authz`, so whoever may \
                        relay can name it in a header and have the component judge his mail";
        assert_eq!(warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn what_is_wrong_is_said_where_it_stands() {
        let (_, findings) = read(
            "[tenant.a]\nidentities = ['user:scott', 'net:10.1.0.0/16', 'user:scott']\n\
             [tenant.b]\nidentities = ['net:10.1.7.7/16',\n  'user:scott', 'scott', 'user:', 'net:10.1', 5, 'user:scot']\n\
             component = 'b.wasm'\nidentitys = []\n[tenant.b.bounds]\nmax_age = '1 day'\n[tenant.c]\nidentities = 'user:x'\n",
        );

        let expected = [
            "f:2:48 identities: user:scott is tenant 'a' already, in line 2",
            "f:4:15 identities: net:10.1.0.0/16 is tenant 'a' already, in line 2; an identity has one tenant",
            "f:5:3 identities: user:scott is tenant 'a' already, in line 2; an identity has one tenant",
            "f:5:17 identities: 'scott' is no identity; write 'user:NAME', 'token:NAME' or 'net:10.0.0.0/8'",
            "f:5:26 identities: 'user:' is no identity; write 'user:NAME', 'token:NAME' or 'net:10.0.0.0/8'",
            "f:5:35 identities: '10.1' is not a network such as '10.0.0.0/8'",
            "f:5:47 identities: expected text, got a number",
            "f:5:50 identities: there is no [auth.user.'scot'], so nobody is user:scot; did you mean `user:scott`?",
            "f:6:1 component: not there yet; this version knows `identities` of a tenant",
            "f:7:1 `identitys` is not an option of [tenant.b]; did you mean `identities`?",
            "f:8:11 bounds: not there yet; this version knows `identities` of a tenant",
            "f:11:1 identities: expected a list of texts, got text",
        ];
        assert_eq!(findings, expected);
    }

    proptest! {
        /// Whatever the networks are and whatever their order: the tenant is that of the longest prefix.
        #[test]
        fn the_longest_prefix_wins(prefixes in proptest::collection::hash_set(0_u8..=32, 1..8), address in any::<u32>()) {
            let address = std::net::Ipv4Addr::from(address);
            let section = |prefix: &u8| format!("[tenant.t{prefix}]\nidentities = ['net:{address}/{prefix}']\n");
            let (identities, _) = read(&prefixes.iter().map(section).collect::<String>());

            let tenant = identities.tenant_of(&caller(None, &address.to_string())).map(str::to_owned);

            prop_assert_eq!(tenant, prefixes.iter().max().map(|longest| format!("t{longest}")));
        }
    }
}
