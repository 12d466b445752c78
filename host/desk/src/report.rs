//! What a run of suites comes to: for people, as JSON, and as JUnit's XML.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

/// Suites that were run on one component.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The component, as it was named.
    pub component: String,
    /// The suites, in the order in which they were run.
    pub suites: Vec<Suite>,
}

/// A suite that was run.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its name: `contract`, `behaviour`, `queue-helper`.
    pub name: &'static str,
    /// What was held to it.
    pub entries: Vec<Entry>,
}

/// A clause or a case that was run.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it demands, as a sentence.
    pub demand: String,
    /// How it went.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// How a clause or a case went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not; with what was seen, one place each.
    Broken(Vec<String>),
    /// It is not about this component; with the reason.
    Skipped(String),
}

impl Report {
    /// Returns whether nothing is broken.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.entries().all(|entry| !matches!(entry.verdict, Verdict::Broken(_)))
    }

    /// Returns how many hold, are broken, and were skipped.
    #[must_use]
    pub fn count(&self) -> (usize, usize, usize) {
        self.entries().fold((0, 0, 0), |(holds, broken, skipped), entry| match entry.verdict {
            Verdict::Holds => (holds + 1, broken, skipped),
            Verdict::Broken(_) => (holds, broken + 1, skipped),
            Verdict::Skipped(_) => (holds, broken, skipped + 1),
        })
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.suites.iter().flat_map(|suite| &suite.entries)
    }

    /// Returns the report as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let (holds, broken, skipped) = self.count();
        json!({
            "ok": self.holds(),
            "component": self.component,
            "holds": holds,
            "broken": broken,
            "skipped": skipped,
            "suites": self.suites.iter().map(suite_json).collect::<Vec<_>>(),
        })
    }

    /// Returns the report as JUnit's XML.
    #[must_use]
    pub fn junit(&self) -> String {
        let mut report = quick_junit::Report::new(format!("tollgate plugin test {}", self.component));
        for suite in &self.suites {
            let mut tests = TestSuite::new(suite.name);
            tests.add_test_cases(suite.entries.iter().map(|entry| test_case(suite.name, entry)));
            report.add_test_suite(tests);
        }
        report.to_string().expect("text that is XML")
    }
}

fn suite_json(suite: &Suite) -> Value {
    json!({ "suite": suite.name, "entries": suite.entries.iter().map(entry_json).collect::<Vec<_>>() })
}

fn entry_json(entry: &Entry) -> Value {
    let Entry { name, demand, verdict, took } = entry;
    let (word, problems, reason) = match verdict {
        Verdict::Holds => ("holds", None, None),
        Verdict::Broken(problems) => ("broken", Some(problems), None),
        Verdict::Skipped(reason) => ("skipped", None, Some(reason)),
    };
    json!({
        "name": name,
        "demand": demand,
        "verdict": word,
        "problems": problems,
        "reason": reason,
        "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn test_case(suite: &str, entry: &Entry) -> TestCase {
    let status = match &entry.verdict {
        Verdict::Holds => TestCaseStatus::success(),
        Verdict::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
        Verdict::Broken(problems) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(entry.demand.as_str()).set_description(problems.join("\n"));
            status
        }
    };
    let mut case = TestCase::new(entry.name.as_str(), status);
    case.set_classname(suite).set_time(entry.took);
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let entry = |name: &str, verdict| Entry {
            name: name.to_owned(),
            demand: format!("{name} is as it should be"),
            verdict,
            took: Duration::from_millis(12),
        };
        let entries = vec![
            entry("a", Verdict::Holds),
            entry("b", Verdict::Broken(vec!["<it> & is".to_owned(), "not\u{1b}[31m".to_owned()])),
            entry("c", Verdict::Skipped("no such event".to_owned())),
        ];
        Report { component: "x.wasm".to_owned(), suites: vec![Suite { name: "contract", entries }] }
    }

    #[test]
    fn one_broken_clause_breaks_the_whole() {
        assert_eq!((report().holds(), report().count()), (false, (1, 1, 1)));
    }

    #[test]
    fn junit_gets_well_formed_xml_whatever_a_guest_said() {
        let xml = report().junit();

        let told = ["tests=\"3\"", "failures=\"1\"", "&lt;it&gt; &amp; is\nnot", "message=\"no such event\""];
        assert_eq!(told.map(|part| xml.contains(part)), [true; 4], "{xml}");
        assert!(!xml.contains('\u{1b}'), "{xml}");
    }
}
