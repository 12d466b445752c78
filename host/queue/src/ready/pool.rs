//! Egress pools, and the weighted choice of a source.
//!
//! A pool names sources with weights. The choice is smooth weighted round robin, with a state of its own for each pool
//! and site (decision D23): over any run of n·sum(weights) picks with every source eligible each source is picked
//! exactly n·weight times, and heavy sources do not come in bursts. A source that is full is left out of a pick; the
//! others then share by their weights. Whether a source exists is checked where pools are read, not here.

/// The pool, and the source, of mail for which no pool was named; the system chooses the address.
pub const UNSPECIFIED: &str = "unspecified";

/// A pool of sources.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pool {
    /// The pool's name.
    pub name: String,
    /// Sources with their weights, in the order of definition; a weight of 0 leaves the source out. May be empty.
    pub sources: Vec<(String, u32)>,
}

impl Pool {
    /// Returns the pool that always exists.
    #[must_use]
    pub fn unspecified() -> Self {
        Self { name: UNSPECIFIED.to_owned(), sources: vec![(UNSPECIFIED.to_owned(), 1)] }
    }
}

/// One source's part in the rotation of a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The ready queue of this source and the lane's site.
    pub(crate) ready: u32,
    pub(crate) weight: u32,
    /// How far ahead of (positive) its share it is waiting; the highest is picked.
    credit: i64,
}

impl Candidate {
    pub(crate) const fn new(ready: u32, weight: u32) -> Self {
        Self { ready, weight, credit: 0 }
    }

    /// Returns the candidate with another weight and the same place in the rotation.
    pub(crate) const fn reweighted(self, weight: u32) -> Self {
        Self { weight, ..self }
    }
}

/// Picks the next ready queue among the eligible candidates; `None` where none is.
pub(crate) fn pick(candidates: &mut [Candidate], eligible: impl Fn(u32) -> bool) -> Option<u32> {
    let mut total = 0;
    let mut best: Option<&mut Candidate> = None;
    for candidate in candidates.iter_mut().filter(|candidate| eligible(candidate.ready)) {
        candidate.credit += i64::from(candidate.weight);
        total += i64::from(candidate.weight);
        if best.as_ref().is_none_or(|best| candidate.credit > best.credit) {
            best = Some(candidate);
        }
    }
    let best = best?;
    best.credit -= total;
    Some(best.ready)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(weights: &[u32]) -> Vec<Candidate> {
        (0..).zip(weights).map(|(ready, weight)| Candidate::new(ready, *weight)).collect()
    }

    fn counts(candidates: &mut [Candidate], picks: u32, eligible: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut counts = vec![0; candidates.len()];
        for _ in 0..picks {
            if let Some(ready) = pick(candidates, &eligible) {
                counts[ready as usize] += 1;
            }
        }
        counts
    }

    #[test]
    fn weights_five_two_three_share_a_hundred_picks_fifty_twenty_thirty() {
        assert_eq!(counts(&mut candidates(&[5, 2, 3]), 100, |_| true), [50, 20, 30]);
    }

    #[test]
    fn a_heavy_source_does_not_come_in_bursts() {
        let mut candidates = candidates(&[5, 1, 1]);

        let picks: Vec<_> = (0..7).filter_map(|_| pick(&mut candidates, |_| true)).collect();

        assert_eq!(picks, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn nothing_is_picked_where_no_source_has_room() {
        assert_eq!(pick(&mut candidates(&[1, 2]), |_| false), None);
    }

    proptest! {
        #[test]
        fn counts_are_exact_over_whole_rounds_wherever_they_begin(
            weights in proptest::collection::vec(1..20_u32, 1..8), rounds in 1..4_u32, skipped in 0..50_u32,
        ) {
            let mut candidates = candidates(&weights);
            let round = weights.iter().sum::<u32>();
            counts(&mut candidates, skipped, |_| true);

            let seen = counts(&mut candidates, rounds * round, |_| true);

            prop_assert_eq!(seen, weights.iter().map(|weight| weight * rounds).collect::<Vec<_>>());
        }

        #[test]
        fn a_full_source_is_passed_by_and_the_others_keep_their_ratio(weights in proptest::collection::vec(1..20_u32, 2..8)) {
            let mut candidates = candidates(&weights);
            let round = weights[1..].iter().sum::<u32>();

            let seen = counts(&mut candidates, 3 * round, |ready| ready != 0);

            let mut expected: Vec<_> = weights.iter().map(|weight| weight * 3).collect();
            expected[0] = 0;
            prop_assert_eq!(seen, expected);
        }
    }
}
