//! Counters that a plugin shows to whoever scrapes `/metrics`.
//!
//! A plugin declares them while it is configured, and counts in events; one that was not declared cannot be counted. So there are
//! as many series as when the plugin was loaded, whatever it is sent. [`Totals`] are the numbers of a plugin, which outlive the
//! configuration that it has; [`Declared`] is what one configuration of it declares.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::Refused;

/// Most counters of a plugin.
pub const MOST: usize = 32;
/// Longest name and longest help text, in octets.
pub const NAME: usize = 64;
/// See [`NAME`].
pub const HELP: usize = 200;

/// The numbers of one plugin, by name. Those that no configuration declares any more are forgotten.
#[derive(Debug, Default)]
pub struct Totals(Mutex<BTreeMap<String, Weak<AtomicU64>>>);

/// What one configuration of a plugin declares.
#[derive(Debug)]
pub struct Declared {
    totals: Arc<Totals>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counters: BTreeMap<String, (String, Arc<AtomicU64>)>,
    /// Whether the plugin is loaded, and no further one is taken.
    closed: bool,
}

/// A counter, as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Its name.
    pub name: String,
    /// What it counts, in the plugin's words.
    pub help: String,
    /// What it has come to.
    pub value: u64,
}

impl Totals {
    /// Returns the number of this name, at 0 where nobody has counted it yet.
    fn of(&self, name: &str) -> Arc<AtomicU64> {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        totals.retain(|_, total| total.strong_count() > 0);
        if let Some(total) = totals.get(name).and_then(Weak::upgrade) {
            return total;
        }
        let total = Arc::default();
        totals.insert(name.to_owned(), Arc::downgrade(&total));
        total
    }
}

impl Declared {
    /// Returns what a plugin that is about to be configured has declared: nothing yet.
    #[must_use]
    pub fn open(totals: Arc<Totals>) -> Self {
        Self { totals, state: Mutex::default() }
    }

    /// Takes nothing more: the plugin is loaded.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    /// Declares a counter. One that is declared already stays as it is, since every instance is configured.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for a name that is not 1 to [`NAME`] of `a` to `z`, `0` to `9` and `_` with a letter
    /// first, or a text that is not 1 to [`HELP`] octets without control characters; [`Refused::TooLarge`] beyond [`MOST`];
    /// [`Refused::Denied`] when the plugin is loaded.
    pub fn declare(&self, name: &str, help: &str) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.counters.contains_key(name) {
            return Ok(());
        }
        if !is_name(name) {
            let rule = format!("1 to {NAME} of a-z, 0-9 and _, a letter first");
            return Err(Refused::Invalid(format!("'{}' is no name of a counter: {rule}", cut(name))));
        }
        if help.is_empty() || help.len() > HELP || help.contains(char::is_control) {
            return Err(Refused::Invalid(format!("help: 1 to {HELP} octets without control characters")));
        }
        if state.counters.len() >= MOST {
            return Err(Refused::TooLarge(MOST as u64));
        }
        if state.closed {
            return Err(Refused::Denied(format!("'{}' was not declared when the plugin was loaded", cut(name))));
        }
        let total = self.totals.of(name);
        state.counters.insert(name.to_owned(), (help.to_owned(), total));
        Ok(())
    }

    /// Adds to a counter.
    ///
    /// # Errors
    /// [`Refused::Denied`] for one that was not declared.
    pub fn increment(&self, name: &str, by: u64) -> Result<(), Refused> {
        match self.lock().counters.get(name) {
            Some((_, total)) => {
                total.fetch_add(by, Ordering::Relaxed);
                Ok(())
            }
            None => {
                let text = format!("'{}' is not declared; declare it while the plugin is configured", cut(name));
                Err(Refused::Denied(text))
            }
        }
    }

    /// Returns all counters, by name.
    #[must_use]
    pub fn read(&self) -> Vec<Reading> {
        let reading = |(name, (help, total)): (&String, &(String, Arc<AtomicU64>))| Reading {
            name: name.clone(),
            help: help.clone(),
            value: total.load(Ordering::Relaxed),
        };
        self.lock().counters.iter().map(reading).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a monitoring system takes the name as it is.
fn is_name(name: &str) -> bool {
    let inside = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_';
    name.len() <= NAME && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(inside)
}

/// Returns as much of a name as an error shows.
fn cut(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(name: &str, value: u64) -> Reading {
        Reading { name: name.to_owned(), help: "what it counts".to_owned(), value }
    }

    #[test]
    fn what_was_declared_is_counted_and_nothing_else() {
        let declared = Declared::open(Arc::default());
        declared.declare("seen", "what it counts").unwrap();
        declared.close();

        let counted = [declared.increment("seen", 2), declared.increment("seen", 3)];
        let refused = [declared.increment("other", 1), declared.declare("other", "late")];

        let denied = |text: &str| Err(Refused::Denied(text.to_owned()));
        assert_eq!((counted, declared.read()), ([Ok(()), Ok(())], vec![reading("seen", 5)]));
        assert_eq!(
            refused,
            [
                denied("'other' is not declared; declare it while the plugin is configured"),
                denied("'other' was not declared when the plugin was loaded"),
            ]
        );
    }

    #[test]
    fn every_instance_may_declare_the_same_again() {
        let declared = Declared::open(Arc::default());
        declared.declare("seen", "what it counts").unwrap();
        declared.increment("seen", 1).unwrap();
        declared.close();

        let again = declared.declare("seen", "other words");

        assert_eq!((again, declared.read()), (Ok(()), vec![reading("seen", 1)]));
    }

    #[test]
    fn names_and_numbers_of_counters_are_bounded() {
        let declared = Declared::open(Arc::default());
        let bad =
            ["", "Seen", "1st", "_x", "a-b", "a b", &"n".repeat(NAME + 1)].map(|name| declared.declare(name, "h"));
        let texts = ["", "two\nlines", &"h".repeat(HELP + 1)].map(|help| declared.declare("seen", help));

        let good = (0..MOST + 1).map(|n| declared.declare(&format!("n{n}"), "h")).collect::<Vec<_>>();

        let is_invalid = |refused: &Result<(), Refused>| matches!(refused, Err(Refused::Invalid(_)));
        assert!(bad.iter().chain(&texts).all(is_invalid), "{bad:?} {texts:?}");
        assert_eq!((good[..MOST].iter().all(Result::is_ok), &good[MOST]), (true, &Err(Refused::TooLarge(32))));
    }

    #[test]
    fn numbers_outlive_the_configuration_that_declares_them_and_are_forgotten_with_the_last() {
        let totals: Arc<Totals> = Arc::default();
        let configure = || {
            let declared = Declared::open(Arc::clone(&totals));
            declared.declare("seen", "what it counts").unwrap();
            declared.increment("seen", 1).unwrap();
            declared
        };
        let first = configure();
        let second = configure();
        drop(first);
        let third = configure().read();
        drop(second);

        let anew = configure().read();

        assert_eq!((third, anew), (vec![reading("seen", 3)], vec![reading("seen", 1)]));
    }
}
