//! What came of a run, for people and for programs: one file each.

pub mod backup;
pub mod html;
pub mod json;
pub mod junit;
pub mod shapes;
pub mod tables;
pub mod tap;
pub mod terminal;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::runner::{CaseResult, Plan, Skip, SkipKind};

/// A finished run.
pub struct Run<'r> {
    /// What was planned.
    pub plan: &'r Plan,
    /// What came of it, in the order of the plan.
    pub results: &'r [CaseResult],
    /// How long it took on the wall.
    pub duration: Duration,
}

impl Run<'_> {
    /// How many cases failed.
    pub fn failed(&self) -> usize {
        self.results.iter().filter(|result| result.failure.is_some()).count()
    }

    /// How many passed.
    pub fn passed(&self) -> usize {
        self.results.len() - self.failed()
    }

    /// Cases of which some repetitions passed and some failed: name, how many passed, how many ran. They count
    /// as failed: what fails once in ten runs fails in one night of ten.
    pub fn flaky(&self) -> Vec<(String, usize, usize)> {
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for result in self.results {
            let (passed, ran) = counts.entry(result.case.name_of_all()).or_default();
            *passed += usize::from(result.failure.is_none());
            *ran += 1;
        }
        let is_flaky = |(_, passed, ran): &(String, usize, usize)| (1..*ran).contains(passed);
        counts.into_iter().map(|(name, (passed, ran))| (name, passed, ran)).filter(is_flaky).collect()
    }

    /// Scenarios that did not run since their client is not installed.
    pub fn missing(&self) -> impl Iterator<Item = &Skip> {
        self.plan.skips.iter().filter(|skip| skip.kind == SkipKind::Missing)
    }

    /// Scenarios that a client cannot do.
    pub fn unable(&self) -> impl Iterator<Item = &Skip> {
        self.plan.skips.iter().filter(|skip| skip.kind == SkipKind::Unable)
    }

    /// Scenarios that the stack cannot do.
    pub fn not_on_this_stack(&self) -> impl Iterator<Item = &Skip> {
        self.plan.skips.iter().filter(|skip| skip.kind == SkipKind::Stack)
    }
}

/// The items of a JSON list; none where there is no list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The text of a JSON string; nothing where there is none.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A mover's run that found nothing: counted, not listed. A night holds dozens.
fn is_idle(event: &Value) -> bool {
    event["event"] == "mover.finished" && ["moved", "left", "failed"].iter().all(|count| event[count] == 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use super::*;
    use crate::runner::{self, FailureReport, Options};

    #[test]
    fn what_passes_only_sometimes_is_flaky_and_has_failed() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios/files/everyday.yaml");
        let clients = Some(vec!["built-in".to_owned()]);
        let options = Options { clients, repeat: 3, ..Options::default() };
        let plan = runner::plan(&[path], &options).unwrap();
        let result = |case: &runner::Case, fails: bool| CaseResult {
            case: case.clone(),
            story: Vec::new(),
            client_output: String::new(),
            events: Vec::new(),
            duration: Duration::ZERO,
            failure: fails.then(|| FailureReport {
                place: String::new(),
                step: String::new(),
                expected: "same".to_owned(),
                got: "sane".to_owned(),
                is_ours: false,
                seed: 1,
                replay: String::new(),
            }),
        };
        for (failing, flaky) in [(&[][..], None), (&[2][..], Some(2)), (&[1, 2, 3][..], None)] {
            let results: Vec<CaseResult> =
                plan.cases.iter().map(|case| result(case, failing.contains(&case.repetition))).collect();
            let run = Run { plan: &plan, results: &results, duration: Duration::ZERO };
            assert_eq!(run.failed(), failing.len());
            let told = run.flaky().first().map(|(_, passed, _)| *passed);
            assert_eq!(told, flaky, "{failing:?}");
            assert_eq!(
                flaky.is_some(),
                terminal::summary(&run, terminal::Style::plain()).contains("flaky: ")
            );
            let page = html::report(&json::report(&run));
            assert_eq!(flaky.is_some(), page.contains("flaky</b>"));
            let difference = "first difference at byte 2: expected 6d 65 |me|, got 6e 65 |ne|";
            assert_eq!(run.failed() > 0, page.contains(difference));
        }
    }
}
