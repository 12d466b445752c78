//! Which numbered messages of a load source have come: runs and numbers in, a count of repetitions out.
//!
//! A message says `X-Load-Id: RUN-NUMBER` in its header, both hexadecimal. One bit is kept for each number, so ten million
//! messages take little more than a megabyte.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The field that a load source puts in front of a message.
const FIELD: &[u8] = b"X-Load-Id: ";

/// Largest number kept; a header with a larger one is not a load source's.
const MAX_NUMBER: u64 = 1 << 32;

#[derive(Debug, Default)]
pub(super) struct Seen {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    runs: HashMap<u64, Vec<u64>>,
    duplicates: u64,
}

impl Seen {
    /// Takes note of a message, if it has a number.
    pub(super) fn note(&self, message: &[u8]) {
        let Some((run, number)) = load_id(message) else { return };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(word) = usize::try_from(number / 64) else { return };
        let bits = inner.runs.entry(run).or_default();
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        let bit = 1 << (number % 64);
        let seen = bits[word] & bit != 0;
        bits[word] |= bit;
        inner.duplicates += u64::from(seen);
    }

    pub(super) fn duplicates(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).duplicates
    }
}

/// Returns run and number from the header of a message.
fn load_id(message: &[u8]) -> Option<(u64, u64)> {
    let mut lines = message.split(|byte| *byte == b'\n').take_while(|line| !matches!(line, [] | [b'\r']));
    let value = lines.find_map(|line| line.strip_prefix(FIELD))?;
    let (run, number) = std::str::from_utf8(value).ok()?.trim_end().split_once('-')?;
    let number = u64::from_str_radix(number, 16).ok().filter(|number| *number < MAX_NUMBER)?;
    Some((u64::from_str_radix(run, 16).ok()?, number))
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn only_a_number_of_the_same_run_counts_twice() {
        let seen = Seen::default();
        let ids = ["a-0", "a-1", "b-1", "a-40", "a-1", "a-40"];

        for id in ids {
            seen.note(format!("Subject: x\r\nX-Load-Id: {id}\r\n\r\nbody").as_bytes());
        }
        seen.note(b"Subject: x\r\n\r\nX-Load-Id: a-0\r\n");

        assert_eq!(seen.duplicates(), 2);
    }
}
