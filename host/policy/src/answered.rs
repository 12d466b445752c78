//! What answers have in common: a word for records, and what sets one apart from another.

use std::{collections::BTreeSet, fmt::Debug};

use tollgate_message::Edits;

use crate::{
    Answer, OptionValue, QueueOption, Refusal, Settings, Throttle, Verdict,
    event::{
        egress::{PathOption, PathSettings, PoolAnswer, SourceAnswer},
        requeue::Changes,
        smtp_session::Identified,
    },
};

/// An answer to an event.
pub(crate) trait Answered: Clone + Send + 'static {
    /// Returns the word for it in records and metrics.
    fn word(&self) -> &'static str {
        "answer"
    }

    /// Returns in what this differs from what was decided, for people; nothing where both come to the same.
    fn difference(&self, decided: &Self) -> Option<String>;
}

impl Answered for (Edits, Answer) {
    fn word(&self) -> &'static str {
        match &self.1 {
            Ok(Verdict::Accept) => "accept",
            Ok(Verdict::Discard) => "discard",
            Ok(Verdict::Hold(_)) => "hold",
            Err(refusal) => refusal.word(),
        }
    }

    fn difference(&self, decided: &Self) -> Option<String> {
        let ((edits, answer), (before, given)) = (self, decided);
        if answer != given {
            return Some(format!("{} instead of {}", verdict(answer), verdict(given)));
        }
        let keys: BTreeSet<_> = edits.meta.keys().chain(before.meta.keys()).collect();
        let meta = keys.into_iter().find_map(|key| {
            let (here, there) = (edits.meta.get(key), before.meta.get(key));
            (here != there).then(|| format!("metadata {key}: {} instead of {}", or_none(here), or_none(there)))
        });
        let schedule = || (edits.schedule != before.schedule).then(|| "another schedule".to_owned());
        meta.or_else(schedule).or_else(|| header(edits, before))
    }
}

/// Returns the first field that one header has and the other has not.
fn header(edits: &Edits, decided: &Edits) -> Option<String> {
    if edits.header == decided.header {
        return None;
    }
    let mut names = edits.header.iter().chain(decided.header.iter()).map(|(name, _)| name);
    let differs = |name: &&str| !edits.header.values(name).eq(decided.header.values(name));
    Some(names.find(differs).map_or_else(|| "another header".to_owned(), |name| format!("another {name}")))
}

fn verdict(answer: &Answer) -> String {
    match answer {
        Ok(Verdict::Accept) => "accept".to_owned(),
        Ok(Verdict::Discard) => "discard".to_owned(),
        Ok(Verdict::Hold(reason)) => format!("hold '{}'", reason.escape_debug()),
        Err(refusal) => format!("{} '{}'", refusal.word(), refusal.reply()),
    }
}

fn or_none(text: Option<&String>) -> String {
    text.map_or_else(|| "none".to_owned(), |text| format!("'{}'", text.escape_debug()))
}

/// Settings come to the same when the same values hold, whoever wrote them and where.
impl Answered for Option<Settings> {
    fn difference(&self, decided: &Self) -> Option<String> {
        let empty = Settings::default();
        let (here, there) = (self.as_ref().unwrap_or(&empty), decided.as_ref().unwrap_or(&empty));
        let options: BTreeSet<&QueueOption> = here.iter().chain(there.iter()).map(|(option, _)| option).collect();
        options.into_iter().find_map(|option| {
            let [here, there] = [here, there].map(|settings| settings.get(option).map(OptionValue::text));
            (here != there).then(|| {
                format!("{}: {} instead of {}", option.name(), or_none(here.as_ref()), or_none(there.as_ref()))
            })
        })
    }
}

impl Answered for Vec<Throttle> {
    fn difference(&self, decided: &Self) -> Option<String> {
        let told = |throttles: &[Throttle]| {
            let told = throttles.iter().map(|throttle| format!("{} {}", throttle.key, throttle.rate));
            told.collect::<Vec<_>>().join(", ")
        };
        (self != decided).then(|| format!("throttles '{}' instead of '{}'", told(self), told(decided)))
    }
}

impl Answered for crate::event::smtp_session::Answer {
    fn word(&self) -> &'static str {
        self.as_ref().map_or_else(Refusal::word, |()| "accept")
    }

    fn difference(&self, decided: &Self) -> Option<String> {
        let told = |answer: &Self| verdict(&answer.clone().map(|()| Verdict::Accept));
        (self != decided).then(|| format!("{} instead of {}", told(self), told(decided)))
    }
}

impl Answered for Identified {
    fn word(&self) -> &'static str {
        match self {
            Ok(Some(_)) => "accept",
            Ok(None) => "pass",
            Err(refusal) => refusal.word(),
        }
    }

    fn difference(&self, decided: &Self) -> Option<String> {
        (self != decided).then(|| format!("{} instead of {}", self.word(), decided.word()))
    }
}

impl Answered for Option<PoolAnswer> {
    fn difference(&self, decided: &Self) -> Option<String> {
        otherwise(self, decided)
    }
}

impl Answered for Option<SourceAnswer> {
    fn difference(&self, decided: &Self) -> Option<String> {
        otherwise(self, decided)
    }
}

/// As for a queue's settings: what holds is compared.
impl Answered for Option<PathSettings> {
    fn difference(&self, decided: &Self) -> Option<String> {
        let value = |settings: &Self, option| settings.as_ref().and_then(|settings| settings.get(option));
        PathOption::ALL.into_iter().find_map(|option| {
            let [here, there] = [self, decided].map(|settings| value(settings, option).map(|value| value.to_string()));
            (here != there).then(|| {
                format!("{}: {} instead of {}", option.name(), or_none(here.as_ref()), or_none(there.as_ref()))
            })
        })
    }
}

impl Answered for Changes {
    fn word(&self) -> &'static str {
        if *self == Self::default() { "pass" } else { "requeue" }
    }

    fn difference(&self, decided: &Self) -> Option<String> {
        otherwise(self, decided)
    }
}

/// There is nothing to say, so nothing is different.
impl Answered for () {
    fn difference(&self, &(): &Self) -> Option<String> {
        None
    }
}

fn otherwise<T: PartialEq + Debug>(here: &T, there: &T) -> Option<String> {
    (here != there).then(|| format!("{here:?} instead of {there:?}"))
}
