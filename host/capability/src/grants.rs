//! What a plugin was granted, one by one, by whoever runs the program.

use std::fmt;

/// Something that a plugin can do only if it was granted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Capability {
    /// Numbers in memory that outlive an event.
    Counters,
    /// Values on disk.
    Kv,
    /// Look-ups of names.
    Dns,
    /// Requests to hosts on a list.
    HttpClient,
}

impl Capability {
    /// All of them, in the order in which people read of them.
    pub const ALL: [Self; 4] = [Self::Counters, Self::Kv, Self::Dns, Self::HttpClient];

    /// Returns its name: that of its interface in `wit/`, and in `grants`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counters => "counters",
            Self::Kv => "kv",
            Self::Dns => "dns",
            Self::HttpClient => "http-client",
        }
    }

    /// Returns whether using it may take a while: for a disk, for somebody else.
    #[must_use]
    pub fn waits(self) -> bool {
        !matches!(self, Self::Counters)
    }

    /// Returns the capability of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }
}

/// A set of capabilities; empty by default. Part of what a plugin is: the same component with other grants is another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Grants(u8);

impl Grants {
    /// Returns the set with this capability in it too.
    #[must_use]
    pub fn with(self, capability: Capability) -> Self {
        Self(self.0 | (1 << capability as u8))
    }

    /// Returns whether the capability is in the set.
    #[must_use]
    pub fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }

    /// Returns whether a plugin with these may have to wait for something.
    #[must_use]
    pub fn wait(self) -> bool {
        self.iter().any(Capability::waits)
    }

    /// Returns what is in the set.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |capability| self.contains(*capability))
    }
}

impl FromIterator<Capability> for Grants {
    fn from_iter<I: IntoIterator<Item = Capability>>(granted: I) -> Self {
        granted.into_iter().fold(Self::default(), Self::with)
    }
}

/// As in a configuration: `["counters"]`.
impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Capability::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_granted_and_nothing_else() {
        for capability in Capability::ALL {
            let grants = Grants::from_iter([capability]);

            let found =
                (grants.iter().collect::<Vec<_>>(), format!("{grants:?}"), Capability::named(capability.name()));
            assert_eq!(found, (vec![capability], format!("[{:?}]", capability.name()), Some(capability)));
        }
    }
}
