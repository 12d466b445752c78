//! The counting, with the time passed in.
//!
//! A table has room for so many keys and octets. A key that finds no room takes the place of the one that was added to least
//! recently: refusing it instead would let whoever makes up keys (senders, addresses) stop the counting of everybody else's.
//! What somebody is capped by stays, as long as they go on.

use std::time::Duration;

use lru::LruCache;

use crate::Refused;

/// Longest key, in octets.
pub const LONGEST_KEY: usize = 256;
/// Longest window.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// What a counter takes beside its key, in octets, as the quota counts it.
pub const ENTRY: usize = 64;

/// How much a table may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// Counters.
    pub keys: usize,
    /// Octets of keys, with [`ENTRY`] for each.
    pub octets: usize,
}

/// Counters by key.
#[derive(Debug)]
pub struct Table {
    /// The one that was added to least recently is the first to go.
    counters: LruCache<Box<str>, Counter>,
    octets: usize,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    value: u64,
    since: Duration,
    window: Duration,
}

impl Counter {
    /// A time before its beginning, as threads may bring, is its beginning.
    fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }

    fn is_over(&self, now: Duration) -> bool {
        self.age(now) >= self.window
    }
}

impl Default for Table {
    fn default() -> Self {
        Self { counters: LruCache::unbounded(), octets: 0 }
    }
}

impl Table {
    /// Adds to a counter and returns what it comes to, `u64::MAX` at the most. One that is not there, or whose window is over,
    /// begins now, with this window; the window of one that is there stays. `quota`: what the table may hold with a new one in
    /// it.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for a key that is empty or longer than [`LONGEST_KEY`], a window of zero, or one longer than
    /// [`LONGEST_WINDOW`]; [`Refused::TooLarge`] for a key that the whole quota would not hold.
    pub fn increment(
        &mut self,
        now: Duration,
        key: &str,
        by: u64,
        window: Duration,
        quota: Quota,
    ) -> Result<u64, Refused> {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(Refused::Invalid(format!("a key has 1 to {LONGEST_KEY} octets")));
        }
        if window.is_zero() || window > LONGEST_WINDOW {
            return Err(Refused::Invalid(format!("a window has 1 to {} ms", LONGEST_WINDOW.as_millis())));
        }
        let fresh = Counter { value: by, since: now, window };
        if let Some(counter) = self.counters.get_mut(key) {
            let value = counter.value.saturating_add(by);
            *counter = if counter.is_over(now) { fresh } else { Counter { value, ..*counter } };
            return Ok(counter.value);
        }
        if quota.keys == 0 || cost(key) > quota.octets {
            return Err(Refused::TooLarge(quota.octets as u64));
        }
        self.make_room(cost(key), quota);
        self.counters.put(key.into(), fresh);
        self.octets += cost(key);
        Ok(by)
    }

    /// Returns what a counter comes to; 0 where there is none.
    #[must_use]
    pub fn get(&self, now: Duration, key: &str) -> u64 {
        self.find(now, key).map_or(0, |counter| counter.value)
    }

    /// Returns for how long a counter has been there; nothing where there is none.
    #[must_use]
    pub fn age(&self, now: Duration, key: &str) -> Option<Duration> {
        self.find(now, key).map(|counter| counter.age(now))
    }

    /// Forgets a counter. Returns whether there was one.
    pub fn reset(&mut self, now: Duration, key: &str) -> bool {
        let Some(counter) = self.counters.pop(key) else { return false };
        self.octets -= cost(key);
        !counter.is_over(now)
    }

    fn find(&self, now: Duration, key: &str) -> Option<&Counter> {
        self.counters.peek(key).filter(|counter| !counter.is_over(now))
    }

    /// Drops what was added to least recently until there is room for a key that costs so many octets.
    fn make_room(&mut self, octets: usize, quota: Quota) {
        while self.counters.len() >= quota.keys || self.octets + octets > quota.octets {
            let Some((key, _)) = self.counters.pop_lru() else { return };
            self.octets -= cost(&key);
        }
    }
}

fn cost(key: &str) -> usize {
    key.len() + ENTRY
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const LARGE: Quota = Quota { keys: 1000, octets: 1 << 20 };

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_counter_begins_anew_when_its_window_has_passed() {
        let mut table = Table::default();

        let counts = [0, 50, 99, 100, 150].map(|at| table.increment(ms(at), "k", 2, ms(100), LARGE));

        assert_eq!(counts, [Ok(2), Ok(4), Ok(6), Ok(2), Ok(4)]);
        assert_eq!((table.get(ms(199), "k"), table.get(ms(200), "k")), (4, 0));
        assert_eq!((table.age(ms(199), "k"), table.age(ms(200), "k")), (Some(ms(99)), None));
    }

    #[test]
    fn the_window_is_that_of_the_first_addition_and_the_sum_ends_at_the_largest_number() {
        let mut table = Table::default();

        let counts = [(0, u64::MAX - 1, 100), (50, 5, 9000), (100, 1, 100)]
            .map(|(at, by, window)| table.increment(ms(at), "k", by, ms(window), LARGE));

        assert_eq!(counts, [Ok(u64::MAX - 1), Ok(u64::MAX), Ok(1)]);
    }

    #[test]
    fn what_was_added_to_least_recently_makes_room() {
        let (mut table, quota) = (Table::default(), Quota { keys: 3, ..LARGE });
        for (at, key) in [(0, "a"), (1, "b"), (2, "c"), (3, "a")] {
            table.increment(ms(at), key, 1, ms(1000), quota).unwrap();
        }

        table.increment(ms(4), "d", 1, ms(1000), quota).unwrap();

        assert_eq!(["a", "b", "c", "d"].map(|key| table.get(ms(5), key)), [2, 0, 1, 1]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let (mut table, quota) = (Table::default(), Quota { keys: 10, octets: 100 });
        let long = "x".repeat(LONGEST_KEY + 1);

        let refused = [
            table.increment(ms(0), "", 1, ms(1), quota),
            table.increment(ms(0), &long, 1, ms(1), quota),
            table.increment(ms(0), "k", 1, ms(0), quota),
            table.increment(ms(0), "k", 1, LONGEST_WINDOW + ms(1), quota),
            table.increment(ms(0), &long[..37], 1, ms(1), quota),
        ];

        let key = || Err(Refused::Invalid("a key has 1 to 256 octets".to_owned()));
        let window = || Err(Refused::Invalid("a window has 1 to 2592000000 ms".to_owned()));
        assert_eq!(refused, [key(), key(), window(), window(), Err(Refused::TooLarge(100))]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Increment(u8, u64, u64),
        Reset(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
        let increment = (0_u8..8, 0_u64..5, 1_u64..60).prop_map(|(key, by, window)| Step::Increment(key, by, window));
        let step = prop_oneof![4 => increment, 1 => (0_u8..8).prop_map(Step::Reset)];
        proptest::collection::vec((0_u64..30, step), 1..200)
    }

    proptest! {
        /// With room for every key a table is a map in which each counter is the sum since it began.
        #[test]
        fn a_table_counts_like_a_map_that_forgets(steps in steps()) {
            let (mut table, mut model, mut now) = (Table::default(), BTreeMap::new(), 0);
            for (pause, step) in steps {
                now += pause;
                model.retain(|_, (_, since, window): &mut (u64, u64, u64)| now - *since < *window);
                match step {
                    Step::Increment(key, by, window) => {
                        let counter = model.entry(key).or_insert((0, now, window));
                        counter.0 += by;
                        let counted = table.increment(ms(now), &key.to_string(), by, ms(window), LARGE);
                        prop_assert_eq!(counted, Ok(counter.0));
                    }
                    Step::Reset(key) => {
                        prop_assert_eq!(table.reset(ms(now), &key.to_string()), model.remove(&key).is_some());
                    }
                }
                for key in 0..8 {
                    let expected = model.get(&key).map(|(value, since, _)| (*value, ms(now - since)));
                    let (value, age) = (table.get(ms(now), &key.to_string()), table.age(ms(now), &key.to_string()));
                    prop_assert_eq!((value, age), expected.map_or((0, None), |(value, age)| (value, Some(age))));
                }
            }
        }

        /// Whatever is done, and under whatever quota, a table holds no more than it may, and counts what it holds rightly.
        #[test]
        fn a_table_stays_within_its_quota(
            keys in 0_usize..5,
            octets in 0_usize..500,
            steps in steps(),
            then in (0_usize..5, 0_usize..500),
        ) {
            let (mut table, mut quota) = (Table::default(), Quota { keys, octets });
            for (n, (now, step)) in steps.iter().enumerate() {
                // A larger one: under a smaller one what is there stays until something new comes.
                if n == steps.len() / 2 {
                    quota = Quota { keys: keys + then.0, octets: octets + then.1 };
                }
                match step {
                    Step::Increment(key, by, window) => {
                        drop(table.increment(ms(*now), &"k".repeat(usize::from(*key) + 1), *by, ms(*window), quota));
                    }
                    Step::Reset(key) => drop(table.reset(ms(*now), &"k".repeat(usize::from(*key) + 1))),
                }
                let held: usize = table.counters.iter().map(|(key, _)| cost(key)).sum();
                prop_assert_eq!(held, table.octets);
                prop_assert!(table.counters.len() <= quota.keys && table.octets <= quota.octets);
            }
        }
    }
}
