//! The timer wheel: every message that waits for its due time, whatever queue it is of.
//!
//! Ten levels of 64 slots each, the lowest with slots of one tick (100 ms), each higher one 64 times coarser, which
//! covers all of time without an overflow list. A message sits at the level of the highest digit (base 64) in which its
//! tick differs from the wheel's, so setting and cancelling take constant time, and a message is moved down at most nine
//! times before it fires. A due time is rounded up to a tick: nothing fires early, and nothing more than a tick late
//! once [`Wheel::advance`] is called.
//!
//! Invariant: at each level the occupied slots lie ahead of the wheel's own digit, so the first occupied slot of the
//! lowest occupied level is the next thing to happen.

use tollgate_message::Timestamp;

use super::{
    entry::{Handle, Place, Slab},
    list::List,
};

/// Milliseconds between two ticks.
const TICK: u64 = 100;
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
/// 2^64 ms are less than 2^58 ticks, which ten digits of six bits hold.
const LEVELS: usize = 10;

/// The timers of all waiting messages.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Box<[List]>,
    occupied: [u64; LEVELS],
    /// The tick up to which everything has fired.
    elapsed: u64,
    len: usize,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { slots: vec![List::new(); LEVELS * SLOTS].into(), occupied: [0; LEVELS], elapsed: 0, len: 0 }
    }

    /// Returns how many messages wait.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Puts a message in, to fire at its entry's due time.
    pub(crate) fn insert(&mut self, slab: &mut Slab, handle: Handle) {
        self.len += 1;
        // A time that has passed fires with the next tick: the current one may be over already.
        let tick = tick(slab[handle].due).max(self.elapsed + 1);
        self.place(slab, handle, tick);
    }

    /// Takes out a message that is in the wheel.
    pub(crate) fn remove(&mut self, slab: &mut Slab, handle: Handle) {
        let Place::Wheel(slot) = slab[handle].place else {
            unreachable!("only messages in the wheel are taken out of it");
        };
        let slot = slot as usize;
        self.slots[slot].remove(slab, handle);
        if self.slots[slot].is_empty() {
            self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        }
        slab[handle].place = Place::Nowhere;
        self.len -= 1;
    }

    /// Returns when to advance next, `None` if nothing waits: not after the first due time, rounded up to a tick.
    ///
    /// It may be earlier, where a coarse slot has to be sorted into finer ones first.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let (_, tick) = self.first_slot()?;
        Some(Timestamp::from_millis(tick.saturating_mul(TICK)))
    }

    /// Fires what is due by `now`: appends it to `fired` in the order of due ticks.
    ///
    /// A `now` before that of an earlier call fires nothing.
    pub(crate) fn advance(&mut self, slab: &mut Slab, now: Timestamp, fired: &mut List) {
        let now = now.as_millis() / TICK;
        while let Some((slot, start)) = self.first_slot().filter(|(_, start)| *start <= now) {
            self.elapsed = start;
            self.empty_slot(slab, slot, fired);
        }
        self.elapsed = self.elapsed.max(now);
    }

    fn empty_slot(&mut self, slab: &mut Slab, slot: usize, fired: &mut List) {
        self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        let mut chain = std::mem::replace(&mut self.slots[slot], List::new());
        while let Some(handle) = chain.pop_front(slab) {
            let tick = tick(slab[handle].due);
            if tick <= self.elapsed {
                slab[handle].place = Place::Nowhere;
                fired.push_back(slab, handle);
                self.len -= 1;
            } else {
                self.place(slab, handle, tick);
            }
        }
    }

    fn place(&mut self, slab: &mut Slab, handle: Handle, tick: u64) {
        let highest = u64::BITS - 1 - (tick ^ self.elapsed).leading_zeros();
        let level = (highest / BITS) as usize;
        let digit = (tick >> (level as u32 * BITS)) as usize % SLOTS;
        let slot = level * SLOTS + digit;
        self.slots[slot].push_back(slab, handle);
        self.occupied[level] |= 1 << digit;
        slab[handle].place = Place::Wheel(u32::try_from(slot).expect("there are 640 slots"));
    }

    /// Returns the slot that comes first and the tick at which it begins.
    fn first_slot(&self) -> Option<(usize, u64)> {
        let level = self.occupied.iter().position(|slots| *slots != 0)?;
        let digit = self.occupied[level].trailing_zeros();
        let shift = level as u32 * BITS;
        let above = self.elapsed >> (shift + BITS) << (shift + BITS);
        Some((level * SLOTS + digit as usize, above | u64::from(digit) << shift))
    }
}

/// Returns the first tick that is not before `due`.
fn tick(due: Timestamp) -> u64 {
    due.as_millis().div_ceil(TICK)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tollgate_message::MessageId;

    use super::*;

    const YEAR: u64 = 365 * 24 * 3600 * 1000;

    #[derive(Default)]
    struct Model(BTreeMap<u64, Vec<Handle>>);

    impl Model {
        fn fire(&mut self, now: u64) -> Vec<Handle> {
            let later = self.0.split_off(&(now / TICK + 1));
            let mut fired: Vec<_> = std::mem::replace(&mut self.0, later).into_values().flatten().collect();
            fired.sort_unstable();
            fired
        }

        fn first(&self) -> Option<u64> {
            self.0.keys().next().map(|tick| tick.saturating_mul(TICK))
        }
    }

    fn add(slab: &mut Slab, due: u64) -> Handle {
        slab.insert(MessageId::from_bytes([0; 16]), 0, Timestamp::from_millis(due), 0, None)
    }

    fn advance(wheel: &mut Wheel, slab: &mut Slab, now: u64) -> Vec<Handle> {
        let mut fired = List::new();
        wheel.advance(slab, Timestamp::from_millis(now), &mut fired);
        let mut fired: Vec<_> = std::iter::from_fn(|| fired.pop_front(slab)).collect();
        fired.sort_unstable();
        fired
    }

    fn far() -> impl Strategy<Value = u64> {
        prop_oneof![0..5_000_u64, 0..10_000_000_u64, 0..100 * YEAR, Just(u64::MAX / 2)]
    }

    proptest! {
        #[test]
        fn the_wheel_fires_what_a_sorted_map_fires(
            start in prop_oneof![0..1000_u64, Just(1_790_000_000_000)],
            steps in proptest::collection::vec((0..3_u8, far(), any::<usize>()), 1..80),
        ) {
            let (mut slab, mut wheel, mut model, mut now) = (Slab::new(), Wheel::new(), Model::default(), start);
            advance(&mut wheel, &mut slab, now);

            for (step, distance, pick) in steps {
                match step {
                    0 => {
                        let due = now.saturating_add(distance).saturating_add(1);
                        let handle = add(&mut slab, due);
                        wheel.insert(&mut slab, handle);
                        model.0.entry(due.div_ceil(TICK)).or_default().push(handle);
                    }
                    1 => {
                        now = now.saturating_add(distance);
                        let fired = advance(&mut wheel, &mut slab, now);
                        prop_assert!(fired.iter().all(|handle| slab[*handle].due.as_millis() <= now));
                        prop_assert_eq!(fired, model.fire(now));
                    }
                    _ => {
                        let Some(tick) = model.0.keys().nth(pick % model.0.len().max(1)).copied() else { continue };
                        let handle = model.0.get_mut(&tick).unwrap().pop().unwrap();
                        model.0.retain(|_, handles| !handles.is_empty());
                        wheel.remove(&mut slab, handle);
                    }
                }
                prop_assert_eq!(wheel.len(), model.0.values().map(Vec::len).sum::<usize>());
                let wake = wheel.next_wake().map(Timestamp::as_millis);
                prop_assert_eq!(wake.is_some(), model.first().is_some());
                // At the end of time there is no later time to wake at.
                prop_assert!(wake <= model.first() && wake.is_none_or(|wake| wake > now || now == u64::MAX));
            }
        }

        #[test]
        fn following_the_wake_times_fires_each_message_within_a_tick(dues in proptest::collection::vec(far(), 1..40)) {
            let (mut slab, mut wheel) = (Slab::new(), Wheel::new());
            for due in &dues {
                let handle = add(&mut slab, *due);
                wheel.insert(&mut slab, handle);
            }

            let mut wakes = 0;
            while let Some(wake) = wheel.next_wake() {
                wakes += 1;
                for handle in advance(&mut wheel, &mut slab, wake.as_millis()) {
                    let due = slab[handle].due.as_millis().max(1);
                    prop_assert!((due..due + TICK).contains(&wake.as_millis()));
                }
            }

            prop_assert!(wakes <= dues.len() * LEVELS);
        }
    }

    #[test]
    fn time_that_steps_back_fires_nothing_and_loses_nothing() {
        let (mut slab, mut wheel) = (Slab::new(), Wheel::new());
        advance(&mut wheel, &mut slab, 10_000);
        let handle = add(&mut slab, 5_000);
        wheel.insert(&mut slab, handle);

        let fired = [9_000, 10_050, 10_100].map(|now| advance(&mut wheel, &mut slab, now));

        assert_eq!(fired, [vec![], vec![], vec![handle]]);
    }
}
