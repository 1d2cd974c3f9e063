//! Runs scenarios: each with each client in a stack of its own, several at once, results kept apart.

mod case;
mod plan;
mod prepare;
mod warehouse;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use case::perform;
pub use plan::{Case, Options, Plan, PlanError, Skip, SkipKind, grouped, plan, short_name};
pub use prepare::BACKUPS_VARIABLE;
pub use warehouse::{Databases, Warehouse};

/// What became of a case.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// Which.
    pub case: Case,
    /// What is worth telling, in order.
    pub story: Vec<String>,
    /// The client's words in its last operation.
    pub client_output: String,
    /// Everything that happened, in simulated time.
    pub events: Vec<Value>,
    /// How long it took on the wall.
    pub duration: Duration,
    /// Why it failed, if it did.
    pub failure: Option<FailureReport>,
}

/// What went wrong, and how to see it again; words and events stand in the [`CaseResult`].
#[derive(Clone, Debug)]
pub struct FailureReport {
    /// File and line of the step; the file alone where no step was reached.
    pub place: String,
    /// The step as written.
    pub step: String,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub got: String,
    /// Whether the stack itself failed, rather than what was tested.
    pub is_ours: bool,
    /// The seed it ran with.
    pub seed: u64,
    /// The command that runs this case again.
    pub replay: String,
}

/// Runs every case, `jobs` at a time, or one where they share a stack; `tell` hears of each as it ends. Results come in the order of the plan.
pub async fn run(cases: &[Case], jobs: usize, mut tell: impl FnMut(&CaseResult)) -> Vec<CaseResult> {
    let jobs = if cases.iter().all(|case| case.stacks.are_many()) { jobs.max(1) } else { 1 };
    let gate = Arc::new(Semaphore::new(jobs));
    let mut running = JoinSet::new();
    for (index, case) in cases.iter().cloned().enumerate() {
        let gate = gate.clone();
        running.spawn(async move {
            let permit = gate.acquire_owned().await;
            let result = perform(case).await;
            drop(permit);
            (index, result)
        });
    }
    let mut results: Vec<Option<CaseResult>> = cases.iter().map(|_| None).collect();
    while let Some(ended) = running.join_next().await {
        let (index, result) = match ended {
            Ok(ended) => ended,
            // A panic in a step is a mistake of ours; it must not hide in a count.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        tell(&result);
        results[index] = Some(result);
    }
    results.into_iter().flatten().collect()
}
