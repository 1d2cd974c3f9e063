//! The run as JSON, version 1: every case with its story and events. Every other report is made from it.

use serde_json::{Value, json};

use super::{Run, is_idle, terminal};
use crate::client::{Availability, Client};
use crate::runner::{CaseResult, FailureReport, Skip, SkipKind};

/// Version of the form; changes only with a line in the CHANGELOG.
pub const VERSION: u32 = 1;

/// The whole report.
pub fn report(run: &Run<'_>) -> Value {
    json!({
        "version": VERSION,
        "summary": {
            "scenarios": run.plan.scenarios,
            "passed": run.passed(),
            "failed": run.failed(),
            "missing": run.missing().count(),
            "unable": run.unable().count(),
            "stack": run.not_on_this_stack().count(),
            "flaky": run.flaky().iter().map(|(name, passed, ran)| json!({"name": name, "passed": passed, "ran": ran})).collect::<Vec<_>>(),
            "duration_ms": millis(run.duration),
        },
        "clients": run.plan.clients.iter().map(|(asked, found)| client(*asked, found)).collect::<Vec<_>>(),
        "cases": run.results.iter().map(case).collect::<Vec<_>>(),
        "skipped": run.plan.skips.iter().map(skip).collect::<Vec<_>>(),
    })
}

/// A client and whether it can be used here.
pub fn client(client: &dyn Client, found: &Availability) -> Value {
    let (usable, version, reason) = match found {
        Availability::Usable { version } => (true, json!(version), Value::Null),
        Availability::Missing { reason, remedy } => {
            (false, Value::Null, json!(format!("{reason}: {remedy}")))
        }
    };
    let kind = if client.is_profile() { "profile" } else { "real" };
    json!({"name": client.name(), "kind": kind, "usable": usable, "version": version, "reason": reason})
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn case(result: &CaseResult) -> Value {
    let scenario = &result.case.scenario;
    json!({
        "name": result.case.name(),
        "scenario": result.case.scenario_name,
        "title": scenario.title,
        "row": scenario.row,
        "contract": scenario.contract,
        "client": result.case.client.name(),
        "client_version": result.case.client_version,
        "seed": result.case.seed,
        "repetition": result.case.repetition,
        "outcome": if result.failure.is_some() { "failed" } else { "passed" },
        "duration_ms": millis(result.duration),
        "story": result.story,
        "client_output": result.client_output,
        "events": result.events.iter().filter(|event| !is_idle(event)).collect::<Vec<_>>(),
        "idle_runs": result.events.iter().filter(|event| is_idle(event)).count(),
        "failure": result.failure.as_ref().map(|reason| failure(result, reason)),
    })
}

fn failure(result: &CaseResult, failure: &FailureReport) -> Value {
    json!({
        "place": failure.place,
        "step": failure.step,
        "expected": failure.expected,
        "got": failure.got,
        "is_ours": failure.is_ours,
        "replay": failure.replay,
        "text": terminal::failure(result, failure, &terminal::Style::plain()),
    })
}

fn skip(skip: &Skip) -> Value {
    let kind = match skip.kind {
        SkipKind::Missing => "missing",
        SkipKind::Unable => "unable",
        SkipKind::Stack => "stack",
    };
    json!({"scenario": skip.scenario_name, "client": skip.client, "kind": kind, "reason": skip.reason})
}
