//! So many in a second, and no more. Reads no clock.

use std::time::Duration;

/// How many are left of a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    most: u32,
    second: Duration,
    taken: u32,
}

impl Rate {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, second: Duration::ZERO, taken: 0 }
    }

    /// Takes one, or says that this second has none left.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.second) >= Duration::from_secs(1) {
            (self.second, self.taken) = (now, 0);
        }
        let is_left = self.taken < self.most;
        self.taken += u32::from(is_left);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_and_the_next_as_many_again() {
        let mut rate = Rate::new(2);

        let taken = [0, 10, 20, 999, 1000, 1001, 1002, 5000].map(|at| rate.take(Duration::from_millis(at)));

        assert_eq!(taken, [true, true, false, false, true, true, false, true]);
    }
}
