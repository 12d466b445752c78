//! Rates: `[local:]LIMIT/[N]UNIT[,max_burst=B]`, for instance `100/s`, `1,000/hour`, `local:50/2m,max_burst=1`.

use std::{fmt, str::FromStr, time::Duration};

/// So many in a period, and how many of them may come at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rate {
    /// How many in a period; at least 1.
    pub limit: u64,
    /// The period, in whole seconds; at least one.
    pub period: Duration,
    /// How many may come at once; `None` means `limit`.
    pub max_burst: Option<u64>,
    /// Counted on this node alone, even where nodes share their counters.
    pub local: bool,
}

const UNITS: [(&[&str], u64, &str); 4] = [
    (&["s", "sec", "secs", "second", "seconds"], 1, "s"),
    (&["m", "min", "mins", "minute", "minutes"], 60, "m"),
    (&["h", "hr", "hrs", "hour", "hours"], 3600, "h"),
    (&["d", "day", "days"], 86_400, "d"),
];

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (local, rest) = text.strip_prefix("local:").map_or((false, text), |rest| (true, rest));
        let (rest, max_burst) = match rest.split_once(",max_burst=") {
            Some((rest, burst)) => (rest, Some(count(burst, "max_burst")?)),
            None => (rest, None),
        };
        let (limit, period) =
            rest.split_once('/').ok_or_else(|| format!("expected 'limit/period' such as '100/s', got '{text}'"))?;
        Ok(Self { limit: count(limit, "limit")?, period: parse_period(period)?, max_burst, local })
    }
}

/// The canonical form: a period of exactly one unit as that unit, any other in seconds.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = if self.local { "local:" } else { "" };
        let seconds = self.period.as_secs();
        match UNITS.iter().find(|(_, unit, _)| *unit == seconds) {
            Some((_, _, letter)) => write!(f, "{local}{}/{letter}", self.limit)?,
            None => write!(f, "{local}{}/{seconds}s", self.limit)?,
        }
        self.max_burst.map_or(Ok(()), |burst| write!(f, ",max_burst={burst}"))
    }
}

fn count(text: &str, what: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    match digits.parse::<u64>() {
        Ok(number) if number > 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(number),
        Ok(0) => Err(format!("invalid {what} '{text}': it must be greater than 0")),
        _ => Err(format!("invalid {what} '{text}': it is a whole number")),
    }
}

fn parse_period(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds = UNITS.iter().find(|(names, _, _)| names.contains(&unit)).map(|(_, seconds, _)| *seconds);
    let seconds =
        seconds.ok_or_else(|| format!("unknown period quantity '{unit}' in '{text}'; there are s, m, h and d"))?;
    let number = if number.is_empty() { Some(1) } else { number.parse::<u64>().ok().filter(|n| *n > 0) };
    number
        .and_then(|number| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("invalid period quantity '{text}'"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_print_in_canonical_form() {
        for (text, canonical) in [
            ("100/hour", "100/h"),
            ("local:100/123m", "local:100/7380s"),
            ("50/d,max_burst=1", "50/d,max_burst=1"),
            ("1,000/60secs", "1000/m"),
            ("1_000/hours", "1000/h"),
        ] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.to_string()).as_deref(), Ok(canonical));
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in
            ["", "100", "0/s", "10/S", "10/ s", "10/0s", "x/s", "-1/s", "10/parsec", "10/s,max_burst=0", "10/s,burst=1"]
        {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(
            limit in 1u64..,
            seconds in 1u64..,
            max_burst in proptest::option::of(1u64..),
            local in any::<bool>(),
        ) {
            let rate = Rate { limit, period: Duration::from_secs(seconds), max_burst, local };

            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn any_text_is_a_rate_or_refused_in_words(
            text in "(local:)?[0-9_,]{0,22}/?[0-9]{0,22}[a-z]{0,7}(,max_burst=[0-9]{0,3})?",
        ) {
            match text.parse::<Rate>() {
                Ok(rate) => prop_assert_eq!(rate.to_string().parse(), Ok(rate)),
                Err(reason) => prop_assert!(!reason.is_empty()),
            }
        }
    }
}
