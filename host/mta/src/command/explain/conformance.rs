//! The cases of queue-helper, put to a component that wants to be one: `plugin test --suite queue-helper`.
//!
//! They are those of `tests/conformance/cases`, part of the program, and are put to it as `explain --batch` would.

use std::{sync::Arc, time::Instant};

use serde::Deserialize;
use serde_json::{Map, Value};
use tollgate_desk::{
    matching,
    report::{Entry, Suite, Verdict},
};
use tollgate_wasm::Component;

use super::batch::Batch;

/// A question and the answer that it has to get.
#[derive(Deserialize)]
struct Case {
    id: String,
    why: String,
    request: Map<String, Value>,
    expect: Value,
}

macro_rules! subjects {
    ($($name:ident)*) => {
        const SUBJECTS: &[(&str, &str)] = &[$(
            (stringify!($name), include_str!(concat!("../../../../../tests/conformance/cases/", stringify!($name), ".json"))),
        )*];
    };
}

subjects! {
    backoff campaigns domains durations errors headers json levels merging names options rates recipients relaying requests
    routing schedules tenants throttles warnings windows
}

/// Puts all cases to a component. `told` hears of each when it has been put.
///
/// # Errors
/// Where nothing can be run here.
pub(in super::super) fn conformance(component: &Arc<Component>, mut told: impl FnMut(&Entry)) -> Result<Suite, String> {
    let mut batch = Batch::of(Arc::clone(component))?;
    let mut entries = Vec::new();
    for (subject, text) in SUBJECTS {
        let cases: Vec<Case> = serde_json::from_str(text).map_err(|reason| format!("{subject}: {reason}"))?;
        for case in cases {
            let entry = entry(&mut batch, case);
            told(&entry);
            entries.push(entry);
        }
    }
    Ok(Suite { name: "queue-helper", entries })
}

fn entry(batch: &mut Batch, case: Case) -> Entry {
    let Case { id, why, mut request, expect } = case;
    let started = Instant::now();
    request.insert("id".to_owned(), id.clone().into());
    let response = batch.respond(Value::Object(request).to_string().as_bytes());
    let problems = matching::differences(&expect, &Value::Object(response));
    let verdict = if problems.is_empty() { Verdict::Holds } else { Verdict::Broken(problems) };
    Entry { name: id, demand: why, verdict, took: started.elapsed() }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_file_of_cases_is_part_of_the_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/cases");
        let entries = fs::read_dir(folder).expect("the folder of the cases");
        let files = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());

        let here: BTreeSet<String> = SUBJECTS.iter().map(|(name, _)| format!("{name}.json")).collect();

        assert_eq!(files.collect::<BTreeSet<_>>(), here);
    }
}
