//! The run as JUnit XML, for pipelines: a suite for each scenario, a case for each client and row.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Run;
use super::terminal;
use crate::runner::{CaseResult, Skip};

/// The whole report.
pub fn report(run: &Run<'_>) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("spatialcloud");
    report.set_time(run.duration);
    let mut suites: Vec<TestSuite> = Vec::new();
    for result in run.results {
        suite(&mut suites, &result.case.scenario_name).add_test_case(case(result));
    }
    for skip in &run.plan.skips {
        suite(&mut suites, &skip.scenario_name).add_test_case(skipped(skip));
    }
    report.add_test_suites(suites);
    report.to_string()
}

fn suite<'s>(suites: &'s mut Vec<TestSuite>, name: &str) -> &'s mut TestSuite {
    let index = match suites.iter().position(|suite| suite.name.as_str() == name) {
        Some(index) => index,
        None => {
            suites.push(TestSuite::new(name));
            suites.len() - 1
        }
    };
    &mut suites[index]
}

fn case(result: &CaseResult) -> TestCase {
    let status = match &result.failure {
        None => TestCaseStatus::success(),
        Some(failure) => {
            let kind = if failure.is_ours { NonSuccessKind::Error } else { NonSuccessKind::Failure };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(format!("expected {}, got {}", failure.expected, failure.got));
            status.set_type(if failure.is_ours { "stack" } else { "expectation" });
            status.set_description(terminal::failure(result, failure, &terminal::Style::plain()));
            status
        }
    };
    let mut case = TestCase::new(result.case.name(), status);
    case.set_classname(result.case.scenario_name.as_str());
    case.set_time(result.duration);
    if !result.story.is_empty() {
        case.set_system_out(result.story.join("\n"));
    }
    case
}

fn skipped(skip: &Skip) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(skip.reason.as_str());
    let mut case = TestCase::new(format!("{} [{}]", skip.scenario_name, skip.client), status);
    case.set_classname(skip.scenario_name.as_str());
    case
}
