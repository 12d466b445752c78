//! Durations: `20 minutes`, `2h 30m`, `1.5h`, or a number of seconds.

use std::time::Duration;

use crate::Value;

/// Reads a duration: a number is seconds, a text is one or more numbers with units.
///
/// What lies under a millisecond counts as one, since nothing here counts finer and zero would mean something else.
///
/// # Errors
/// What is wrong with the value, for the operator.
pub fn from_value(value: &Value) -> Result<Duration, String> {
    let duration = match value {
        Value::String(text) => parse(text)?,
        Value::Integer(seconds) => u64::try_from(*seconds)
            .map(Duration::from_secs)
            .map_err(|_| format!("{seconds} is negative, and a duration is not"))?,
        Value::Float(seconds) => Duration::try_from_secs_f64(*seconds)
            .map_err(|_| format!("{seconds} is not a number of seconds that a duration can have"))?,
        other => return Err(format!("expected a duration such as '20 minutes', got {}", other.kind())),
    };
    Ok(to_millis(duration))
}

/// Parses the text of a duration.
///
/// # Errors
/// What is wrong with the text, for the operator.
pub fn parse(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|error| format!("'{text}' is not a duration such as '20 minutes' or '2h 30m': {error}"))
}

/// Returns a duration as canonical text: `1day`, `17m`, `2h 30m`.
#[must_use]
pub fn format(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

fn to_millis(duration: Duration) -> Duration {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(if millis == 0 && !duration.is_zero() { 1 } else { millis })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_print_in_canonical_form() {
        for (value, text) in [
            (Value::String("24 hours".into()), "1day"),
            (Value::String("2 hours 30 mins".into()), "2h 30m"),
            (Value::String("1.5h".into()), "1h 30m"),
            (Value::String("1ns".into()), "1ms"),
            (Value::Integer(300), "5m"),
            (Value::Float(0.5), "500ms"),
        ] {
            assert_eq!(from_value(&value).map(format).as_deref(), Ok(text), "{value:?}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["10", "5 Minutes", "1 hour and 5 min", "-5s", "1,000s", ""] {
            assert!(from_value(&Value::String(text.into())).is_err(), "{text}");
        }
        assert!(from_value(&Value::Integer(-1)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(millis in prop_oneof![0u64..100_000_000, any::<u64>()]) {
            let duration = Duration::from_millis(millis);

            prop_assert_eq!(from_value(&Value::String(format(duration))), Ok(duration));
        }

        #[test]
        fn any_text_is_a_duration_or_refused_in_words(text in "[0-9. ]{0,25}[a-zµ]{0,8}.{0,4}") {
            match from_value(&Value::String(text.clone())) {
                Ok(duration) => prop_assert_eq!(from_value(&Value::String(format(duration))), Ok(duration)),
                Err(reason) => prop_assert!(reason.contains(&text)),
            }
        }
    }
}
