//! A lane: one pool's mail to one site.
//!
//! Scheduled queues with due mail stand in it in the order of their turns; its candidates are the ready queues of the
//! pool's sources for this site. The engine moves messages from the one to the other whenever there is room.
//!
//! Invariant: while queues stand in a lane, none of its ready queues has room.

use super::{fairness::Fairness, pool::Candidate};

/// One pool's mail to one site.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) pool: u32,
    pub(crate) turns: Fairness,
    pub(crate) candidates: Vec<Candidate>,
}

impl Lane {
    pub(crate) fn new(pool: u32) -> Self {
        Self { pool, turns: Fairness::default(), candidates: Vec::new() }
    }

    /// Takes the sources of a pool that has changed; those that stay keep their place in the rotation.
    pub(crate) fn set_candidates(&mut self, candidates: Vec<(u32, u32)>) {
        let old = std::mem::take(&mut self.candidates);
        let kept = |ready, weight| {
            let known = old.iter().find(|candidate| candidate.ready == ready);
            known.map_or_else(|| Candidate::new(ready, weight), |known| known.reweighted(weight))
        };
        self.candidates = candidates.into_iter().map(|(ready, weight)| kept(ready, weight)).collect();
    }
}
