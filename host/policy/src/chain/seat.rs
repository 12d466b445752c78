//! A place in the chain: the plugin that has it, and one that is to have it some day.
//!
//! A plugin that is new is tried beside the one that it replaces, or, where there is none, beside nobody. A *shadow* is asked
//! what the other is asked, decides nothing, and what it would have decided is told. A *canary* decides for a share, drawn by
//! what is the same when it comes again: a message's sender, `Message-ID` and body, a client's address, a queue's name. So mail
//! that was deferred meets the same plugin. Log records go to all of them.

use crate::{Event, Link};

/// What a plugin has to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// It decides.
    #[default]
    Decides,
    /// It is asked and decides nothing.
    Shadow,
    /// It decides for this share.
    Canary(Share),
}

/// A part of all, in hundredths of a percent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share(u16);

const WHOLE: u16 = 10_000;

/// `5%`, `0.25%`.
impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 100.0)
    }
}

impl Share {
    /// Returns a share, or nothing where it is more than all. `hundredths`: of a percent.
    #[must_use]
    pub fn new(hundredths: u16) -> Option<Self> {
        (hundredths <= WHOLE).then_some(Self(hundredths))
    }

    /// Returns whether something falls to the plugin of this name. The same does so again, and with a larger share still; other
    /// plugins get other parts.
    fn has(self, plugin: &str, what: &[u8]) -> bool {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(plugin.len() as u64).to_le_bytes()).update(plugin.as_bytes()).update(what);
        let hash = hasher.finalize();
        let [a, b, c, d, ..] = *hash.as_bytes();
        u32::from_le_bytes([a, b, c, d]) % u32::from(WHOLE) < u32::from(self.0)
    }
}

/// A place in the chain; one of both is there.
pub(super) struct Seat {
    holder: Option<Link>,
    rival: Option<Link>,
}

/// A place as it is asked about one thing.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) event: Event,
    /// Who decides; nobody, where a shadow is alone in its place.
    pub(super) link: Option<&'a Link>,
    pub(super) shadow: Option<&'a Link>,
}

impl Seat {
    /// Gives each plugin a place, in this order. A rival gets the place of the plugin that it names, if that is there.
    pub(super) fn take(links: Vec<Link>) -> Vec<Self> {
        let (rivals, holders): (Vec<_>, Vec<_>) = links.into_iter().partition(|link| link.mode != Mode::Decides);
        let mut seats: Vec<Self> = holders.into_iter().map(|link| Self { holder: Some(link), rival: None }).collect();
        for rival in rivals {
            let is_meant = |seat: &&mut Self| seat.rival.is_none() && seat.holder_is(rival.instead_of.as_deref());
            match seats.iter_mut().find(is_meant) {
                Some(seat) => seat.rival = Some(rival),
                None => {
                    let place = seats.partition_point(|seat| seat.phase() <= rival.phase);
                    seats.insert(place, Self { holder: None, rival: Some(rival) });
                }
            }
        }
        seats
    }

    fn holder_is(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.holder.as_ref().is_some_and(|holder| holder.plugin.name() == name))
    }

    fn phase(&self) -> crate::Phase {
        self.holder.as_ref().or(self.rival.as_ref()).map_or_else(Default::default, |link| link.phase)
    }

    /// Returns everybody here.
    pub(super) fn links(&self) -> impl Iterator<Item = &Link> {
        self.holder.iter().chain(&self.rival)
    }

    /// Returns who is asked at an event about something; nothing where nobody here handles the event. `what`: by what it is
    /// drawn, which is the same when it comes again.
    pub(super) fn asked(&self, event: Event, what: &impl Fn() -> Vec<u8>) -> Option<Asked<'_>> {
        let (mut link, mut shadow) = (self.holder.as_ref(), None);
        if let Some(rival) = &self.rival {
            match rival.mode {
                // One that does not handle the event leaves it to whoever does.
                Mode::Canary(share) if rival.handles(event) && share.has(rival.plugin.name(), &what()) => {
                    link = Some(rival);
                }
                Mode::Shadow => shadow = Some(rival),
                Mode::Canary(_) | Mode::Decides => {}
            }
        }
        let handles = |link: &&Link| link.handles(event);
        let (link, shadow) = (link.filter(handles), shadow.filter(handles));
        (link.is_some() || shadow.is_some()).then_some(Asked { event, link, shadow })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_what_it_says_stays_what_it_is_and_grows_by_what_is_added() {
        let has = |plugin: &str, hundredths: u16| -> Vec<bool> {
            (0..10_000_u32).map(|n| Share::new(hundredths).unwrap().has(plugin, &n.to_le_bytes())).collect()
        };
        let count = |drawn: &[bool]| drawn.iter().filter(|has| **has).count();
        let (five, ten, other) = (has("new", 500), has("new", 1000), has("other", 500));

        let both = five.iter().zip(&other).filter(|(a, b)| **a && **b).count();

        assert!((400..600).contains(&count(&five)) && (850..1150).contains(&count(&ten)), "{}", count(&five));
        assert!(five.iter().zip(&ten).all(|(few, more)| !few || *more), "whoever was drawn stays drawn");
        assert!(both < 100, "{both} of 500 fall to both");
        assert_eq!((count(&has("new", 0)), count(&has("new", 10_000)), Share::new(10_001)), (0, 10_000, None));
    }
}
