//! When a message may be sent: not before a time, only in a weekly window, not after another time.
//!
//! Comes as JSON in a header that the operator names, for instance
//! `{"dow":"Mon,Wed","tz":"America/Phoenix","start":"09:00:00","end":"17:00:00"}`. The window is civil time in the named
//! zone: days are counted by the calendar, so a shift of the clocks moves nothing, and a window that falls into the hour
//! that a shift skips does not exist on that day. `now` is passed in.

use std::borrow::Cow;

use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

const DAYS: [(&str, &str); 7] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];
const WINDOW_FIELDS: [&str; 4] = ["dow", "tz", "start", "end"];
/// How many days ahead a window is looked for. Every weekly window that exists at all opens within a few weeks.
const HORIZON_DAYS: usize = 400;

/// Constraints on when a message goes out. Empty constrains nothing.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Schedule {
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_attempt: Option<Timestamp>,
    /// Not at or after this time; stands instead of the queue's `max_age`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Only within this window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// A weekly window in the civil time of a zone: on these days, from `start` (inclusive) to `end` (exclusive).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "StoredWindow", into = "StoredWindow")]
pub struct Window {
    /// One bit for each day, Monday lowest; never zero.
    days: u8,
    zone: TimeZone,
    start: civil::Time,
    end: civil::Time,
}

/// Why a schedule is refused, with the field at fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Not JSON, or not an object of known fields with sensible values; the sender's fault.
    #[error("{0}")]
    Malformed(String),
    /// `expires` is not after the time of reception, so the message could never be sent.
    #[error("expires: {0} is not in the future")]
    Expired(Timestamp),
    /// `expires` is not after `first_attempt`, so the message could never be sent.
    #[error("expires: {expires} is not after first_attempt, {first_attempt}")]
    Never {
        /// Before which it may not be sent.
        first_attempt: Timestamp,
        /// From when it may not be sent.
        expires: Timestamp,
    },
}

impl Schedule {
    /// Parses the JSON of a scheduling header.
    ///
    /// # Errors
    /// [`ScheduleError`], which names the field; several faults are not collected, as the text is one short object.
    pub fn parse(json: &str, now: Timestamp) -> Result<Self, ScheduleError> {
        let schedule = parse_object(json).map_err(ScheduleError::Malformed)?;
        match (schedule.first_attempt, schedule.expires) {
            (_, Some(expires)) if expires <= now => Err(ScheduleError::Expired(expires)),
            (Some(first_attempt), Some(expires)) if expires <= first_attempt => {
                Err(ScheduleError::Never { first_attempt, expires })
            }
            _ => Ok(schedule),
        }
    }

    /// Returns the first instant not before `due` at which the schedule lets the message go.
    #[must_use]
    pub fn adjust(&self, due: Timestamp) -> Timestamp {
        let due = self.first_attempt.map_or(due, |first| due.max(first));
        match &self.window {
            Some(window) => window.next_open(due),
            None => due,
        }
    }
}

impl Window {
    fn next_open(&self, due: Timestamp) -> Timestamp {
        let due = due.to_jiff();
        let local = self.zone.to_datetime(due);
        if self.contains(local) {
            return due.into();
        }
        let days = local.date().series(jiff::Span::new().days(1));
        let open = days.take(HORIZON_DAYS).find_map(|date| self.opening(date, due));
        // A window that never opens (it lies in a skipped hour every week of a year) cannot hold mail for ever.
        Timestamp::from(open.unwrap_or(due))
    }

    /// Returns when the window opens on this day, not before `due`, if it does.
    ///
    /// It opens at its start, twice where clocks that are put back show the start twice, and it may open where the clocks
    /// are moved: its start was skipped, or its last part comes again.
    fn opening(&self, date: civil::Date, due: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let start = self.zone.to_ambiguous_timestamp(date.to_datetime(self.start));
        let midnight = self.zone.to_ambiguous_timestamp(date.to_datetime(civil::Time::midnight())).earlier().ok()?;
        let shifts = self.zone.following(midnight).map(|shift| shift.timestamp());
        let shifts = shifts.take_while(|shift| self.zone.to_datetime(*shift).date() <= date);
        let starts = [start.earlier(), start.later()].into_iter().filter_map(Result::ok);
        starts.chain(shifts).filter(|open| *open >= due && self.contains(self.zone.to_datetime(*open))).min()
    }

    fn contains(&self, local: civil::DateTime) -> bool {
        let day = local.date().weekday().to_monday_zero_offset();
        self.days & (1 << day) != 0 && self.start <= local.time() && local.time() < self.end
    }
}

fn parse_object(json: &str) -> Result<Schedule, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let Value::Object(fields) = value else {
        return Err("expected a JSON object".to_owned());
    };
    let known = |name: &str| WINDOW_FIELDS.contains(&name) || matches!(name, "first_attempt" | "expires");
    if let Some(unknown) = fields.keys().find(|name| !known(name)) {
        return Err(format!("invalid field name {unknown}"));
    }
    Ok(Schedule {
        first_attempt: field(&fields, "first_attempt", parse_time)?,
        expires: field(&fields, "expires", parse_time)?,
        window: parse_window(&fields)?,
    })
}

fn parse_window(fields: &Map<String, Value>) -> Result<Option<Window>, String> {
    if !WINDOW_FIELDS.into_iter().any(|name| fields.contains_key(name)) {
        return Ok(None);
    }
    let missing: Vec<&str> = WINDOW_FIELDS.into_iter().filter(|name| !fields.contains_key(*name)).collect();
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let missing = missing.join(", ");
        return Err(format!(
            "scheduling restrictions requires all restriction fields to be present. {missing} {verb} missing"
        ));
    }
    let window = (
        field(fields, "dow", parse_days)?,
        field(fields, "tz", parse_zone)?,
        field(fields, "start", parse_clock)?,
        field(fields, "end", parse_clock)?,
    );
    let (Some(days), Some(zone), Some(start), Some(end)) = window else {
        return Err("dow, tz, start, end: expected a text".to_owned());
    };
    if start >= end {
        return Err(format!(
            "'start' must be before 'end' and define a time window within a given day. start={start}, end={end}"
        ));
    }
    Ok(Some(Window { days, zone, start, end }))
}

fn field<T>(
    fields: &Map<String, Value>,
    name: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => parse(text).map(Some).map_err(|error| format!("{name}: {error}")),
        Some(other) => Err(format!("{name}: expected a text, got {other}")),
    }
}

/// Parses an RFC 3339 time; a blank for `T`, a blank before the offset and an offset without a colon are tolerated.
fn parse_time(text: &str) -> Result<Timestamp, String> {
    let compact = match text.trim().rsplit_once(' ') {
        Some((time, offset)) if offset.starts_with(['+', '-', 'Z', 'z']) => Cow::Owned(format!("{time}{offset}")),
        _ => Cow::Borrowed(text.trim()),
    };
    Timestamp::parse_rfc3339(&compact).ok_or_else(|| format!("{text} is not an RFC 3339 date and time with an offset"))
}

fn parse_days(text: &str) -> Result<u8, String> {
    let bit = |name: &str| {
        let matches =
            |(short, long): &(&str, &str)| name.eq_ignore_ascii_case(short) || name.eq_ignore_ascii_case(long);
        DAYS.iter().position(matches).map(|day| 1 << day).ok_or_else(|| format!("invalid day '{name}'"))
    };
    text.split(',').try_fold(0, |days, name| Ok(days | bit(name)?))
}

/// Looks a zone up by its IANA name. The look-up ignores case, so the name is compared again.
fn parse_zone(text: &str) -> Result<TimeZone, String> {
    let zone = TimeZone::get(text).map_err(|_| format!("'{text}' is not the name of a time zone"))?;
    match zone.iana_name() {
        Some(name) if name == text => Ok(zone),
        Some(name) => Err(format!("'{text}' is not the name of a time zone; did you mean {name}?")),
        None => Err(format!("'{text}' is not the name of a time zone")),
    }
}

/// Parses `HH:MM` or `HH:MM:SS`; a fraction of a second is dropped.
fn parse_clock(text: &str) -> Result<civil::Time, String> {
    let refused = || format!("{text} is not a time of day (HH:MM:SS)");
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let mut numbers = whole.split(':').map(|part| match part.len() {
        2 if part.bytes().all(|b| b.is_ascii_digit()) => part.parse::<i8>().ok(),
        _ => None,
    });
    let mut next = || numbers.next();
    let (hour, minute, second) = (next().flatten(), next().flatten(), next().unwrap_or(Some(0)));
    let (Some(hour), Some(minute), Some(second), None) = (hour, minute, second, next()) else {
        return Err(refused());
    };
    civil::Time::new(hour, minute, second, 0).map_err(|_| refused())
}

/// A window as it is stored: text, so that the journal does not depend on a library's form.
#[derive(Serialize, Deserialize)]
struct StoredWindow {
    dow: String,
    tz: String,
    start: String,
    end: String,
}

impl From<Window> for StoredWindow {
    fn from(window: Window) -> Self {
        let days: Vec<&str> =
            DAYS.iter().enumerate().filter(|(day, _)| window.days & (1 << day) != 0).map(|(_, name)| name.0).collect();
        Self {
            dow: days.join(","),
            tz: window.zone.iana_name().unwrap_or("UTC").to_owned(),
            start: window.start.to_string(),
            end: window.end.to_string(),
        }
    }
}

impl TryFrom<StoredWindow> for Window {
    type Error = String;

    fn try_from(stored: StoredWindow) -> Result<Self, String> {
        Ok(Self {
            days: parse_days(&stored.dow)?,
            zone: parse_zone(&stored.tz)?,
            start: parse_clock(&stored.start)?,
            end: parse_clock(&stored.end)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn window(dow: &str, tz: &str, start: &str, end: &str) -> String {
        format!(r#"{{"dow":"{dow}","tz":"{tz}","start":"{start}","end":"{end}"}}"#)
    }

    #[test]
    fn windows_are_civil_time_whatever_the_clocks_do() {
        let new_york = |dow, start, end| window(dow, "America/New_York", start, end);
        for (name, json, now, due) in [
            ("after a spring shift", new_york("Sun", "09:00", "09:30"), "2026-03-07T17:00:00Z", "2026-03-08T13:00:00Z"),
            (
                "window in the gap",
                new_york("Sun,Mon", "02:15", "02:45"),
                "2026-03-07T17:00:00Z",
                "2026-03-09T06:15:00Z",
            ),
            ("start in the gap", new_york("Sun", "02:15", "05:00"), "2026-03-07T17:00:00Z", "2026-03-08T07:00:00Z"),
            (
                "after an autumn shift",
                new_york("Sun", "09:00", "17:00"),
                "2026-10-31T18:00:00Z",
                "2026-11-01T14:00:00Z",
            ),
            (
                "between the two passes of a window",
                new_york("Sun", "01:00", "01:30"),
                "2026-11-01T05:45:00Z",
                "2026-11-01T06:00:00Z",
            ),
            (
                "the last part comes again",
                new_york("Sun", "00:30", "01:30"),
                "2026-11-01T05:45:00Z",
                "2026-11-01T06:00:00Z",
            ),
            ("in the second pass", new_york("Sun", "01:00", "01:30"), "2026-11-01T06:10:00Z", "2026-11-01T06:10:00Z"),
            ("end is exclusive", new_york("Sun", "09:00", "09:30"), "2026-03-08T13:30:00Z", "2026-03-15T13:00:00Z"),
            ("start is inclusive", new_york("Sun", "09:00", "09:30"), "2026-03-08T13:00:00Z", "2026-03-08T13:00:00Z"),
        ] {
            let schedule = Schedule::parse(&json, at(now)).unwrap();

            assert_eq!(schedule.adjust(at(now)), at(due), "{name}");
        }
    }

    #[test]
    fn a_refused_schedule_names_what_is_wrong() {
        for (json, word) in [
            (r#"{"first_attempt":"2023-03-01T17:00:00"}"#, "first_attempt"),
            (r#"{"first_attempt":"2023-03-01T17:00:00:00-08:00"}"#, "first_attempt"),
            (r#"{"expires":7}"#, "expires"),
            (r#"{"tz":"UTC","start":"09:00"}"#, "dow, end are missing"),
            (r#"{"bogus":1}"#, "bogus"),
            ("[]", "object"),
            (&window("Mon, Tue", "UTC", "09:00", "10:00"), "dow: invalid day ' Tue'"),
            (&window("Mon", "america/phoenix", "09:00", "10:00"), "tz"),
            (&window("Mon", "UTC", "9am", "10:00"), "start"),
            (&window("Mon", "UTC", "09:00", "24:00"), "end"),
            (&window("Mon", "UTC", "09:00", "09:00"), "'start' must be before"),
        ] {
            let error = Schedule::parse(json, at("2023-01-01T00:00:00Z")).unwrap_err().to_string();

            assert!(error.contains(word), "{json}: {error}");
        }
    }

    #[test]
    fn an_expiry_that_is_not_in_the_future_is_told_apart() {
        let now = at("2026-05-01T10:00:00Z");

        let refused = Schedule::parse(r#"{"expires":"2026-05-01T12:00:00+0200"}"#, now);

        assert_eq!(refused, Err(ScheduleError::Expired(now)));
    }

    #[test]
    fn an_expiry_before_the_first_attempt_is_refused_and_one_behind_it_is_not() {
        let now = at("2026-05-01T10:00:00Z");
        let parse = |expires: &str| {
            let json = format!(r#"{{"first_attempt":"2026-05-02T10:00:00Z","expires":"{expires}"}}"#);
            Schedule::parse(&json, now).map(drop)
        };

        let parsed = ["2026-05-01T12:00:00Z", "2026-05-02T10:00:00Z", "2026-05-02T10:00:01Z"].map(parse);

        let first_attempt = at("2026-05-02T10:00:00Z");
        let never = |expires| Err(ScheduleError::Never { first_attempt, expires: at(expires) });
        assert_eq!(parsed, [never("2026-05-01T12:00:00Z"), never("2026-05-02T10:00:00Z"), Ok(())]);
    }

    #[test]
    fn a_schedule_survives_storage() {
        let json = window("Mon,Sun", "Europe/Berlin", "09:00", "17:30:01");
        let schedule = Schedule::parse(&json, at("2026-01-01T00:00:00Z")).unwrap();

        let stored = serde_json::to_string(&schedule).unwrap();

        assert_eq!(serde_json::from_str::<Schedule>(&stored).unwrap(), schedule);
    }
}
