//! Whether a plugin is asked at all: one that keeps failing is left alone for a while.
//!
//! Failures that are the plugin's own fault fill a budget. When it is spent, the plugin is in quarantine: its events get at
//! once what its failure means (`on_failure`), and cost nothing. When the spell is over one event is put to it, as a probe; if
//! that goes well the plugin is back, else the next spell is twice as long. So a filter never opens because its plugin is
//! broken, and a plugin that is whole again is back without anybody's help.
//!
//! Mail can be made to break an honest plugin, so a message counts against it twice and no more, however often it comes again
//! within the hour. Reads no clock: `now` is an argument.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::FailureKind;

/// So many failures within this time spend the budget.
const FAILURES: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// The first spell in quarantine, and the longest.
const SPELL: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// How long a message is known by, and how many are.
const MEMORY: Duration = Duration::from_secs(3600);
const MESSAGES: usize = 1024;
/// How often a message may count against a plugin.
const TIMES: u32 = 2;

/// What a message is known by when it comes again: a hash of its sender, its `Message-ID` and its body.
pub type Fingerprint = [u8; 32];

/// The health of one plugin. Shared by all who ask it.
#[derive(Debug, Default)]
pub struct Health {
    /// Whether it is anything but well: all that a plugin that is well costs an event.
    unwell: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When it failed, within the window.
    failures: VecDeque<Instant>,
    condition: Condition,
    /// How many spells there were since it last did well.
    spells: u32,
    /// How often each message broke it, and when first.
    messages: HashMap<Fingerprint, (Instant, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Condition {
    #[default]
    Well,
    Quarantined {
        until: Instant,
    },
    /// One event is on its way to the plugin to see how it is.
    Probed {
        since: Instant,
    },
}

/// What a plugin's health comes to, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is asked.
    Well,
    /// It is not asked, until a probe after this time.
    Quarantined(Duration),
    /// One event finds out.
    Probed,
}

impl Standing {
    /// Returns the word for it in lists and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Quarantined(_) => "quarantined",
            Self::Probed => "probed",
        }
    }
}

impl Health {
    /// Returns whether an event may be put to the plugin. Of those that come after a spell, one is let through.
    pub fn may_ask(&self, now: Instant) -> bool {
        if !self.unwell.load(Ordering::Acquire) {
            return true;
        }
        let mut state = self.lock();
        match state.condition {
            Condition::Well => true,
            // A probe that never came back, for whatever reason, must not keep the plugin away for ever.
            Condition::Probed { since } if now.saturating_duration_since(since) < LONGEST => false,
            Condition::Quarantined { until } if now < until => false,
            Condition::Quarantined { .. } | Condition::Probed { .. } => {
                state.condition = Condition::Probed { since: now };
                true
            }
        }
    }

    /// Notes that the plugin answered, whatever it said.
    pub fn answered(&self) {
        if self.unwell.load(Ordering::Acquire) {
            let mut state = self.lock();
            (state.condition, state.spells) = (Condition::Well, 0);
            state.failures.clear();
            self.unwell.store(false, Ordering::Release);
        }
    }

    /// Notes that the plugin failed over a message, or over something that is none. Returns whether it has just been put into
    /// quarantine.
    pub fn failed(&self, now: Instant, kind: FailureKind, message: Option<Fingerprint>) -> bool {
        let mut state = self.lock();
        if !kind.is_its_fault() {
            state.learned_nothing(now);
            return false;
        }
        let was_probed = matches!(state.condition, Condition::Probed { .. });
        if message.is_some_and(|message| state.has_broken_it_before(now, message)) {
            state.learned_nothing(now);
            return false;
        }
        state.note_failure(now);
        let begins = (was_probed || state.failures.len() >= FAILURES) && state.quarantine(now);
        self.unwell.fetch_or(begins, Ordering::AcqRel);
        begins
    }

    /// Returns how the plugin is.
    #[must_use]
    pub fn standing(&self, now: Instant) -> Standing {
        match self.lock().condition {
            Condition::Well => Standing::Well,
            Condition::Quarantined { until } => Standing::Quarantined(until.saturating_duration_since(now)),
            Condition::Probed { .. } => Standing::Probed,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a message, and returns whether it has counted as often as one may.
    fn has_broken_it_before(&mut self, now: Instant, message: Fingerprint) -> bool {
        let remembered = |first: Instant| now.saturating_duration_since(first) < MEMORY;
        if self.messages.len() >= MESSAGES {
            self.messages.retain(|_, (first, _)| remembered(*first));
        }
        if self.messages.len() >= MESSAGES && !self.messages.contains_key(&message) {
            // So many in an hour are no accident of one message's, and all of them count.
            return false;
        }
        let (first, times) = self.messages.entry(message).or_insert((now, 0));
        if !remembered(*first) {
            (*first, *times) = (now, 0);
        }
        *times = times.saturating_add(1);
        *times > TIMES
    }

    /// A probe that says nothing about the plugin is followed by another.
    fn learned_nothing(&mut self, now: Instant) {
        if let Condition::Probed { .. } = self.condition {
            self.condition = Condition::Quarantined { until: now };
        }
    }

    fn note_failure(&mut self, now: Instant) {
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|first| now.saturating_duration_since(*first) > WINDOW) {
            self.failures.pop_front();
        }
    }

    /// Starts a spell, unless one is on: events that were under way when it began fail late.
    fn quarantine(&mut self, now: Instant) -> bool {
        if let Condition::Quarantined { .. } = self.condition {
            return false;
        }
        let spell = SPELL.saturating_mul(1 << self.spells.min(16)).min(LONGEST);
        self.spells = self.spells.saturating_add(1);
        self.condition = Condition::Quarantined { until: now + spell };
        self.failures.clear();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plugin's health over time, told as a line of what was done to it and what came of it.
    struct Story {
        health: Health,
        now: Instant,
    }

    impl Story {
        fn begin() -> Self {
            Self { health: Health::default(), now: Instant::now() }
        }

        fn after(&mut self, seconds: u64) -> &mut Self {
            self.now += Duration::from_secs(seconds);
            self
        }

        fn fails(&self, kind: FailureKind, message: Option<u8>) -> bool {
            self.health.failed(self.now, kind, message.map(|n| [n; 32]))
        }

        fn asks(&self) -> bool {
            self.health.may_ask(self.now)
        }

        fn break_it(&self) {
            (0..FAILURES).for_each(|_| _ = self.fails(FailureKind::Trap, None));
        }
    }

    #[test]
    fn a_plugin_that_keeps_failing_is_left_alone_and_probed_after_a_while() {
        let mut story = Story::begin();

        let spent: Vec<bool> = (0..5).map(|_| story.fails(FailureKind::Trap, None)).collect();
        let asked = [story.asks(), story.after(2).asks(), story.asks()];
        story.health.answered();

        assert_eq!((spent, asked, story.asks()), (vec![false, false, false, false, true], [false, true, false], true));
    }

    #[test]
    fn each_spell_is_twice_as_long_until_it_does_well() {
        let mut story = Story::begin();
        story.break_it();
        let mut spells = Vec::new();

        for _ in 0..11 {
            let Standing::Quarantined(spell) = story.health.standing(story.now) else { panic!("not in quarantine") };
            spells.push(spell.as_secs());
            story.now += spell;
            assert!(story.asks() && story.fails(FailureKind::Time, None), "a probe that fails");
        }
        story.after(300).asks();
        story.health.answered();
        story.break_it();

        assert_eq!(spells, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(story.health.standing(story.now), Standing::Quarantined(SPELL));
    }

    #[test]
    fn failures_far_apart_and_those_of_a_busy_machine_do_not_count() {
        let mut story = Story::begin();

        let far_apart: Vec<bool> = (0..20).map(|_| story.after(16).fails(FailureKind::Trap, None)).collect();
        let busy: Vec<bool> = (0..20).map(|_| story.fails(FailureKind::WallTime, None)).collect();

        assert_eq!((far_apart, busy), (vec![false; 20], vec![false; 20]));
    }

    #[test]
    fn one_message_counts_twice_in_an_hour_however_often_it_comes() {
        let mut story = Story::begin();

        let same: Vec<bool> = (0..50).map(|_| story.fails(FailureKind::Trap, Some(1))).collect();
        let others = [2, 3, 4].map(|message| story.fails(FailureKind::Trap, Some(message)));

        assert_eq!((same, others), (vec![false; 50], [false, false, true]));
        story.after(3601).asks();
        story.health.answered();
        let again: Vec<bool> = (0..3).map(|_| story.fails(FailureKind::Trap, Some(1))).collect();
        assert_eq!((again, story.health.lock().failures.len()), (vec![false; 3], 2));
    }

    #[test]
    fn a_probe_that_says_nothing_about_the_plugin_is_followed_by_another() {
        let mut story = Story::begin();
        let poison = Some(1);
        (0..TIMES).for_each(|_| _ = story.fails(FailureKind::Trap, poison));
        story.break_it();
        story.after(2);

        let no_room = (story.asks(), story.fails(FailureKind::Unavailable, None));
        let poisoned = (story.asks(), story.fails(FailureKind::Trap, poison));

        assert_eq!([no_room, poisoned], [(true, false); 2]);
        assert_eq!([story.asks(), story.asks()], [true, false]);
    }
}
