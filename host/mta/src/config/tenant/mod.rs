//! `[tenant.NAME]`: who speaks for a tenant, what component judges its mail, and what both may take up.
//!
//! What a tenant *is* (its queues, rates and pools) is policy's to say; here it is bound to users, tokens and networks.
//! An identity has one tenant. A tenant with a list of identities is closed: nobody else may name it, whatever a header
//! says. `serve::identity` holds messages to that.
//!
//! * `policy`: the component. `bounds`: what it may do. `quota`: what the tenant may take up.

mod bounds;
mod policy;
mod quota;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    path::Path,
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net};
use tollgate_config::{Entry, Findings, Node, Position, Section, Value, nearest};
use tollgate_inbound::{Caller, Identity, http::TokenHash};
use tollgate_policy::scope::{Bounds, Scope};

use super::{Egress, auth::Auth, listen};

pub(crate) use policy::TenantPolicy;
pub(crate) use quota::Quota;

/// The tenants that are named in the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tenants {
    /// Who speaks for which.
    pub(crate) identities: Identities,
    pub(crate) by_name: BTreeMap<Arc<str>, Tenant>,
}

/// A tenant.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    /// What its component may do.
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) quota: Quota,
    /// Its component, where it has one of its own.
    pub(crate) policy: Option<TenantPolicy>,
    /// The token with which it sends its component.
    pub(crate) token: Option<TokenHash>,
    /// Where its section stands.
    pub(crate) at: Position,
    /// Whether it has a list of identities.
    pub(crate) is_closed: bool,
}

/// What the sections of tenants are read against.
pub(super) struct Around<'a> {
    /// The names that somebody can prove.
    pub(super) auth: &'a Auth,
    pub(super) egress: &'a Egress,
    /// The folder to which paths are relative.
    pub(super) folder: &'a Path,
    /// The folder of components that come over HTTP.
    pub(super) uploads: &'a Path,
}

/// Who speaks for which tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identities {
    names: HashMap<Identity, Arc<str>>,
    /// The longest prefix first.
    networks: Vec<(IpNet, Arc<str>)>,
    closed: BTreeSet<Arc<str>>,
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

/// Reads all tenants.
pub(super) fn tenants(top: &mut Section<'_>, around: &Around<'_>, findings: &mut Findings) -> Tenants {
    let mut reader = Reader { around, taken: HashMap::new(), read: Tenants::default() };
    for (name, section) in top.named("tenant", findings) {
        reader.tenant(name, section, findings);
    }
    let mut read = reader.read;
    read.identities.networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
    read
}

struct Reader<'a> {
    around: &'a Around<'a>,
    /// Whose each identity is, and where that is written.
    taken: HashMap<Bound, (Arc<str>, Position)>,
    read: Tenants,
}

impl Reader<'_> {
    fn tenant(&mut self, name: &str, mut section: Section<'_>, findings: &mut Findings) {
        let (at, tenant) = (section.at(), Arc::<str>::from(name));
        if name.trim().is_empty() {
            findings.error(at, "a tenant has a name");
        }
        let identities = section.entry("identities");
        if let Some(entry) = identities {
            self.list(&tenant, entry, findings);
        }
        let bounds = Arc::new(bounds::bounds(&mut section, &self.around.egress.pools, findings));
        let folders = (self.around.folder, self.around.uploads);
        let policy = policy::policy(name, &mut section, folders, Scope::Tenant(Arc::clone(&bounds)), findings);
        let quota = quota::quota(&mut section, findings);
        let token = self.token(name, &mut section, findings);
        section.finish(findings);
        let is_closed = identities.is_some();
        self.read.by_name.insert(tenant, Tenant { bounds, quota, policy, token, at, is_closed });
    }

    fn token(&self, tenant: &str, section: &mut Section<'_>, findings: &mut Findings) -> Option<TokenHash> {
        let at = section.position("token_hash")?;
        let hash =
            section.parsed("token_hash", findings, |text| text.parse::<TokenHash>().map_err(|why| why.to_string()));
        let hash = hash?;
        if let Some((twin, _)) = self.read.by_name.iter().find(|(_, other)| other.token == Some(hash)) {
            findings.error(
                at,
                format!(
                    "token_hash: tenant '{tenant}' has the hash of tenant '{twin}', so either could pass for the other"
                ),
            );
        }
        if let Some((twin, _)) = self.around.auth.tokens.iter().find(|(_, other)| **other == hash) {
            findings.error(
                at,
                format!(
                    "token_hash: the hash is that of [auth.token.'{twin}']; who may send mail need not change policy"
                ),
            );
        }
        Some(hash)
    }

    fn list(&mut self, tenant: &Arc<str>, entry: &Entry, findings: &mut Findings) {
        let Value::Array(items) = &entry.node.value else {
            let kind = entry.node.value.kind();
            return findings.error(entry.at, format!("identities: expected a list of texts, got {kind}"));
        };
        // Also where nobody is on the list: the operator has said who may, and it is nobody.
        self.read.identities.closed.insert(Arc::clone(tenant));
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
            Bound::Name(identity) => drop(self.read.identities.names.insert(identity, Arc::clone(tenant))),
            Bound::Network(network) => self.read.identities.networks.push((network, Arc::clone(tenant))),
        }
    }

    /// Says that nobody can prove a name, which may be a slip or a user who is still to come.
    fn warn_of_stranger(&self, identity: &Identity, at: Position, findings: &mut Findings) {
        let (kind, known): (_, Vec<&str>) = match identity {
            Identity::User(_) => ("user", self.around.auth.users.keys().map(String::as_str).collect()),
            Identity::Token(_) => ("token", self.around.auth.tokens.keys().map(String::as_str).collect()),
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
    read_with(&mut top, &Auth::default(), &mut findings).identities
}

#[cfg(test)]
fn read_with(top: &mut Section<'_>, auth: &Auth, findings: &mut Findings) -> Tenants {
    let table = tollgate_config::Table::parse_toml("[source.s]\n[pool.pool-2.s]\n", &mut Findings::new(""));
    let egress = super::egress::egress(&mut Section::new(&table, START, ""), &mut Findings::new(""));
    let around = Around { auth, egress: &egress, folder: Path::new("etc"), uploads: Path::new("spool/tenants") };
    tenants(top, &around, findings)
}

#[cfg(test)]
const START: Position = Position { line: 1, column: 1 };

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
        auth.tokens.insert("injector".to_owned(), TokenHash::of("x"));
        let Tenants { identities, .. } = read_with(&mut top, &auth, &mut findings);
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
    fn what_is_wrong_is_said_where_it_stands() {
        let (_, findings) = read(
            "[tenant.a]\nidentities = ['user:scott', 'net:10.1.0.0/16', 'user:scott']\n\
             [tenant.b]\nidentities = ['net:10.1.7.7/16',\n  'user:scott', 'scott', 'user:', 'net:10.1', 5, 'user:scot']\n\
             identitys = []\n[tenant.c]\nidentities = 'user:x'\n",
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
            "f:6:1 `identitys` is not an option of [tenant.b]; did you mean `identities`?",
            "f:8:1 identities: expected a list of texts, got text",
        ];
        assert_eq!(findings, expected);
    }

    fn tenants(text: &str) -> (Tenants, Vec<String>) {
        let mut findings = Findings::new("f");
        let table = Table::parse_toml(text, &mut findings);
        let read = read_with(&mut Section::new(&table, START, ""), &Auth::default(), &mut findings);
        (read, findings.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_component_comes_with_its_bounds_quota_and_share() {
        let (read, findings) = tenants(
            "[tenant.a]\nidentities = []\ncomponent = 'a.wasm'\non_failure = 'reject'\nlimits = { cpu_share = '2.5%' }\n\
             [tenant.a.bounds]\nmax_age = '3 days'\negress_pools = ['pool-2']\nmay_reject = false\n\
             [tenant.a.quota]\nmessages = 7\nbytes = '1 KiB'\n\
             [tenant.'b/c']\ncomponent = 'upload'\n",
        );

        let (a, b) = (&read.by_name["a"], &read.by_name["b/c"]);
        let (own, sent) = (a.policy.as_ref().expect("a component"), b.policy.as_ref().expect("a component"));
        let paths = [own, sent].map(|policy| match &policy.plugin.component {
            super::super::ComponentSource::File(path) => path.display().to_string(),
            super::super::ComponentSource::QueueHelper | super::super::ComponentSource::Registry(_) => String::new(),
        });
        let empty = "f:2:1 identities: the list is empty, so nobody can send as tenant 'a'";
        assert_eq!(findings, [empty]);
        assert_eq!(paths, ["etc/a.wasm", "spool/tenants/b%2Fc.wasm"]);
        assert_eq!((own.cpu_share, sent.cpu_share, own.uploaded, sent.uploaded), (25, 100, false, true));
        assert_eq!(a.quota, Quota { messages: 7, octets: 1024, ..Quota::default() });
        let max_age = a.bounds.max_age.as_ref().map(|bound| (bound.value.as_secs(), bound.origin.to_string()));
        assert_eq!((max_age, a.bounds.may_reject), (Some((3 * 86_400, "f:7".to_owned())), false));
    }

    #[test]
    fn what_is_wrong_with_a_component_is_said_where_it_stands() {
        let hash = format!("sha256:{}", "0f".repeat(32));
        let (_, findings) = tenants(&format!(
            "[tenant.a]\nidentities = []\ncomponent = 'builtin:queue-helper'\non_failure = 'skip'\ntoken_hash = '{hash}'\n\
             limits = {{ cpu_share = '200%', wal = '1s' }}\n\
             [tenant.a.bounds]\nmax_aeg = '1 day'\negress_pools = ['pool-3', 'x']\nheaders = ['List-Id', 'Subject', 'a b']\n\
             [tenant.b]\nidentities = []\ntoken_hash = '{hash}'\n"
        ));

        let expected = [
            "f:2:1 identities: the list is empty, so nobody can send as tenant 'a'",
            "f:3:1 component: a built-in component is for [[plugin]], not for a tenant",
            "f:4:1 on_failure: \"skip\" is not for tenants: mail would pass unjudged; write \"defer\" or \"reject\"",
            "f:6:12 cpu_share: '200%' is not a share of one core from '0.1%' to '100%'",
            "f:6:32 `wal` is not an option of [tenant.a.limits]; did you mean `wall`?",
            "f:8:1 `max_aeg` is not an option of [tenant.a.bounds]; did you mean `max_age`?",
            "f:9:17 egress_pools: pool 'pool-3' is not defined as [pool.'pool-3'.SOURCE]; did you mean `pool-2`?",
            "f:9:27 egress_pools: pool 'x' is not defined as [pool.'x'.SOURCE]",
            "f:10:23 headers: Subject is not reserved, so any tenant may write it",
            "f:10:34 headers: 'a b' is no name of a header field",
            "f:12:1 identities: the list is empty, so nobody can send as tenant 'b'",
            "f:13:1 token_hash: has no effect on a tenant without a `component`",
            "f:13:1 token_hash: tenant 'b' has the hash of tenant 'a', so either could pass for the other",
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
