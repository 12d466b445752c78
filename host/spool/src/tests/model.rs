//! The model: random histories on a disk that loses power at a random operation.
//!
//! The promise in one place. Acknowledged and not asked to end: there, byte for byte, with the latest acknowledged
//! state or a later one. Asked to end and acknowledged: gone for good. Anything in between may be there or not, but
//! a batch as a whole. Segments are tiny, so they are recycled and moved all the time.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::kit::{self, DIR};
use crate::journal::Journal;
use crate::recovery::Recovered;
use crate::request::Request;
use crate::shared::Shared;
use crate::vfs::memory::{Fault, MemoryVfs};
use crate::{Body, BodyWriter, Id, Spool, vfs::Vfs};

#[derive(Debug, Clone)]
enum Step {
    Commit { messages: u64, len: usize },
    Update { which: usize, len: usize },
    Remove { which: usize },
    EndGroup,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1..4_u64, prop_oneof![4 => 0..1500_usize, 1 => 2000..5000_usize])
            .prop_map(|(messages, len)| Step::Commit { messages, len }),
        3 => (any::<usize>(), 0..300_usize).prop_map(|(which, len)| Step::Update { which, len }),
        5 => any::<usize>().prop_map(|which| Step::Remove { which }),
        4 => Just(Step::EndGroup),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Debug, Clone)]
struct Expected {
    batch: u64,
    body: bytes::Bytes,
    /// All states since the latest acknowledged one, that one first.
    states: Vec<bytes::Bytes>,
    committed: bool,
    ending: bool,
}

/// What the world outside knows, and what is under way.
#[derive(Default)]
struct Model {
    messages: BTreeMap<u64, Expected>,
    gone: Vec<u64>,
    next: u64,
    group: Vec<Request>,
    answers: Vec<(Vec<u64>, kit::Answer<crate::Committed>)>,
    octets: u64,
}

impl Model {
    fn body(vfs: &MemoryVfs, octets: &bytes::Bytes) -> Option<Body> {
        let mut writer = BodyWriter::new(Arc::new(vfs.clone()), DIR.into(), kit::options().inline_limit);
        writer.write(octets).ok()?;
        writer.finish().ok()
    }

    fn step(&mut self, step: &Step, vfs: &MemoryVfs) {
        match step {
            Step::Commit { messages, len } => self.commit(*messages, *len, vfs),
            Step::Update { which, len } => self.update(*which, *len),
            Step::Remove { which } => {
                if let Some(n) = self.pick(*which) {
                    self.messages.get_mut(&n).unwrap().ending = true;
                    self.group.push(kit::done(n));
                }
            }
            Step::EndGroup | Step::Reopen => {}
        }
    }

    fn commit(&mut self, messages: u64, len: usize, vfs: &MemoryVfs) {
        let octets = kit::body(self.next, len);
        let Some(body) = Self::body(vfs, &octets) else { return };
        let ids: Vec<u64> = (self.next..self.next + messages).collect();
        for n in &ids {
            let states = vec![kit::message(*n).state];
            let expected = Expected { batch: self.next, body: octets.clone(), states, committed: false, ending: false };
            self.messages.insert(*n, expected);
        }
        let mut batch = kit::batch(ids.clone(), octets);
        batch.body = body;
        let (request, answer) = kit::commit(batch);
        self.group.push(request);
        self.answers.push((ids, answer));
        self.next += messages;
    }

    fn update(&mut self, which: usize, len: usize) {
        if let Some(n) = self.pick(which) {
            let state = kit::body(n + which as u64 % 97, len);
            self.messages.get_mut(&n).unwrap().states.push(state.clone());
            self.group.push(Request::State { id: kit::id(n), state, reply: None });
        }
    }

    fn pick(&self, which: usize) -> Option<u64> {
        let live: Vec<u64> = self.messages.iter().filter(|(_, expected)| !expected.ending).map(|(n, _)| *n).collect();
        (!live.is_empty()).then(|| live[which % live.len()])
    }

    fn group_is_full(&self) -> bool {
        self.group.iter().map(Request::size).sum::<u64>() > 5_000
    }

    /// Runs the group and learns from its answers; a flush in it tells whether the rest is acknowledged.
    fn end_group(&mut self, journal: &mut Journal) {
        let (reply, mut flushed) = tokio::sync::oneshot::channel();
        self.group.push(Request::Flush { reply });
        self.octets += self.group.iter().map(Request::size).sum::<u64>();
        journal.commit(std::mem::take(&mut self.group));
        for (ids, mut answer) in std::mem::take(&mut self.answers) {
            let committed = answer.try_recv().unwrap().is_ok();
            ids.iter().for_each(|n| self.messages.get_mut(n).unwrap().committed = committed);
        }
        if flushed.try_recv().unwrap().is_ok() {
            let states = self.messages.values_mut().map(|expected| &mut expected.states);
            states.for_each(|states| drop(states.drain(..states.len() - 1)));
            let ended = self.messages.extract_if(.., |_, expected| expected.ending);
            self.gone.extend(ended.map(|(n, _)| n));
        }
        kit::settle(journal);
    }

    /// Compares with what was recovered, and takes over what may or may not have happened.
    fn check(&mut self, recovered: &Recovered, spool: &impl Fn(Id) -> bytes::Bytes) {
        assert_eq!(recovered.damaged, []);
        let found = kit::numbers(recovered);
        assert!(found.is_sorted(), "in the order of arrival: {found:?}");
        assert!(found.iter().all(|n| !self.gone.contains(n)), "came back: {found:?}");
        for stored in &recovered.messages {
            let n = u64::from_be_bytes(stored.id[8..].try_into().unwrap());
            let expected = self.messages.get_mut(&n).expect("nothing is invented");
            assert!(expected.states.contains(&stored.state), "state of {n}");
            assert_eq!((spool(stored.id), &stored.meta), (expected.body.clone(), &kit::message(n).meta));
            expected.states = vec![stored.state.clone()];
        }
        for (n, expected) in &self.messages {
            let batch = || self.messages.iter().filter(|(_, other)| other.batch == expected.batch && !other.ending);
            let there = found.contains(n);
            assert!(there || expected.ending || !expected.committed, "lost {n}");
            assert!(!there || batch().all(|(other, _)| found.contains(other)), "a batch came back in part: {n}");
        }
        self.forget(&found);
    }

    fn forget(&mut self, found: &[u64]) {
        let lost = self.messages.extract_if(.., |n, _| !found.contains(n));
        self.gone.extend(lost.map(|(n, _)| n));
        for expected in self.messages.values_mut() {
            (expected.committed, expected.ending) = (true, false);
        }
        self.group.clear();
        self.answers.clear();
    }
}

fn read(shared: &Arc<Shared>, vfs: &MemoryVfs, id: Id) -> bytes::Bytes {
    let vfs: Arc<dyn Vfs> = Arc::new(vfs.clone());
    Spool::without_writer(Arc::clone(shared), vfs, DIR.into(), kit::options()).read_body(id).unwrap()
}

/// Opens, compares, and returns the journal.
fn reopen(vfs: &MemoryVfs, model: &mut Model) -> Journal {
    let (journal, recovered) = kit::journal(vfs);
    model.check(&recovered, &|id| read(&journal.shared, vfs, id));
    journal
}

fn run(vfs: &MemoryVfs, model: &mut Model, steps: &[Step], crash_at: u64) {
    let mut journal = reopen(vfs, model);
    vfs.fail_at(crash_at, Fault::Dead);
    for step in steps {
        model.step(step, vfs);
        if matches!(step, Step::EndGroup | Step::Reopen) || model.group_is_full() {
            model.end_group(&mut journal);
        }
        if matches!(step, Step::Reopen) && journal.shared.health() == crate::Health::Healthy {
            journal.close();
            let Ok((next, recovered)) = kit::try_journal(vfs) else { return };
            journal = next;
            model.check(&recovered, &|id| read(&journal.shared, vfs, id));
        }
    }
}

fn choices(seed: u64) -> impl FnMut() -> bool {
    let mut state = seed | 1;
    // Sometimes nearly all is lost, sometimes nearly nothing.
    let bias = seed % 5;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) % 5 < bias
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_acknowledged_survives_any_crash(
        lives in prop::collection::vec((prop::collection::vec(step(), 1..120), 0..250_u64, any::<u64>()), 1..4),
    ) {
        let mut vfs = MemoryVfs::default();
        let mut model = Model::default();
        for (steps, crash_at, seed) in lives {
            run(&vfs, &mut model, &steps, crash_at);
            vfs = vfs.crash(&mut choices(seed));
        }
        reopen(&vfs, &mut model);
    }
}

#[test]
fn space_stays_in_proportion_to_what_is_live() {
    let vfs = MemoryVfs::default();
    let (mut journal, _) = kit::journal(&vfs);
    let _ = kit::store(&mut journal, kit::batch([0], kit::body(0, 500))).unwrap();

    for n in 1..2000 {
        let _ = kit::store(&mut journal, kit::batch([n], kit::body(n, 1000))).unwrap();
        journal.commit(vec![kit::done(n)]);
        kit::settle(&mut journal);
    }

    let stats = journal.shared.stats();
    let segments = vfs.list(std::path::Path::new("/spool/journal")).unwrap().len();
    assert!(segments <= 10 && stats.moved_bytes * 2 < stats.written_bytes, "{segments} segments, {stats:?}");
    drop(journal);
    assert_eq!(kit::numbers(&kit::journal(&vfs).1), [0]);
}

#[test]
fn short_lived_messages_survive_or_stay_gone_whichever_operation_power_fails_at() {
    let turn = [
        Step::Commit { messages: 2, len: 1500 },
        Step::EndGroup,
        Step::Remove { which: 0 },
        Step::Remove { which: 0 },
        Step::EndGroup,
    ];
    let steps: Vec<Step> = turn.iter().cycle().take(turn.len() * 60).cloned().collect();

    for (crash_at, seed) in (0..300).flat_map(|at| (1..6).map(move |seed| (at, at * 5 + seed))) {
        let vfs = MemoryVfs::default();
        let mut model = Model::default();
        run(&vfs, &mut model, &steps, crash_at);
        reopen(&vfs.crash(&mut choices(seed)), &mut model);
    }
}
