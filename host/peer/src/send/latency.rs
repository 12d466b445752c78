//! Many durations, kept as counts: durations in, quantiles out.
//!
//! Sixteen classes for each power of two of microseconds, so a quantile is exact to 7 % at any size and ten million
//! durations take no more room than ten.

use std::time::Duration;

/// Classes for each power of two.
const STEPS: u64 = 16;

#[derive(Debug, Clone, Default)]
pub(super) struct Latencies {
    counts: Vec<u64>,
    total: u64,
    max: Duration,
}

impl Latencies {
    pub(super) fn note(&mut self, duration: Duration) {
        let class = class(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
        if self.counts.len() <= class {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += 1;
        self.total += 1;
        self.max = self.max.max(duration);
    }

    pub(super) fn add(&mut self, other: &Latencies) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// Returns the duration that the given part, from 0 to 1, of all stayed within; zero if there are none.
    pub(super) fn quantile(&self, part: f64) -> Duration {
        let wanted = (self.total as f64 * part).ceil() as u64;
        let mut below = 0;
        for (class, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= wanted && *count > 0 {
                return Duration::from_micros(upper_bound(class)).min(self.max);
            }
        }
        self.max
    }

    pub(super) fn max(&self) -> Duration {
        self.max
    }
}

fn class(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let power = u64::from(micros.ilog2());
    let step = (micros >> (power - 4)) - STEPS;
    ((power - 3) * STEPS + step) as usize
}

/// Returns the largest number of microseconds in a class.
fn upper_bound(class: usize) -> u64 {
    let class = class as u64;
    if class < STEPS {
        return class;
    }
    let (power, step) = (class / STEPS + 3, class % STEPS);
    ((STEPS + step + 1) << (power - 4)) - 1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Latencies;

    #[test]
    fn quantiles_are_exact_to_seven_percent() {
        let (mut even, mut odd) = (Latencies::default(), Latencies::default());
        for micros in 1..=100_000 {
            let half = if micros % 2 == 0 { &mut even } else { &mut odd };
            half.note(Duration::from_micros(micros));
        }

        even.add(&odd);

        for (part, exact) in [(0.5, 50_000), (0.99, 99_000), (1.0, 100_000), (0.000_1, 10)] {
            let error = even.quantile(part).as_micros() as f64 / f64::from(exact) - 1.0;
            assert!((0.0..0.07).contains(&error), "{part}: {error}");
        }
    }

    #[test]
    fn without_durations_every_quantile_is_zero() {
        assert_eq!(Latencies::default().quantile(0.5), Duration::ZERO);
    }
}
