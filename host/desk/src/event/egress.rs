//! `egress` in a file: `pool` or `source` with a name, or `domain`, `source` and `site` of a path.

use std::sync::Arc;

use tollgate_policy::event::egress::Way;

use crate::fields::Fields;

/// What is needed to let mail out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Egress {
    /// A pool.
    Pool(String),
    /// A source.
    Source(String),
    /// What holds on the way.
    Path(Way),
}

/// The fields of it in a file.
pub(super) const FIELDS: [&str; 4] = ["pool", "source", "domain", "site"];

impl Egress {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, String> {
        let [pool, source, domain, site] = ["pool", "source", "domain", "site"].map(|name| fields.text(name));
        match (pool?, source?, domain?, site?) {
            (Some(pool), None, None, None) => Ok(Self::Pool(pool.to_owned())),
            (None, Some(source), None, None) => Ok(Self::Source(source.to_owned())),
            (None, Some(source), Some(domain), Some(site)) => {
                Ok(Self::Path(Way { domain: Arc::from(domain), source: Arc::from(source), site: site.to_owned() }))
            }
            _ => Err("egress is about a `pool`, a `source`, or the path of a `source`, `domain` and `site`".to_owned()),
        }
    }
}
