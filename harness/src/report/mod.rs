//! What came of a run, for people and for programs: one file each.

pub mod backup;
pub mod html;
pub mod json;
pub mod junit;
pub mod tables;
pub mod tap;
pub mod terminal;

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

    /// Scenarios that did not run since their client is not installed.
    pub fn missing(&self) -> impl Iterator<Item = &Skip> {
        self.plan.skips.iter().filter(|skip| skip.kind == SkipKind::Missing)
    }

    /// Scenarios that a client cannot do.
    pub fn unable(&self) -> impl Iterator<Item = &Skip> {
        self.plan.skips.iter().filter(|skip| skip.kind == SkipKind::Unable)
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
