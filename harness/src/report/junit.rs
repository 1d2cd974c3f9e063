//! The run as JUnit XML, for pipelines: a suite for each scenario, a case for each client and row.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use serde_json::Value;

use super::{list, text};

/// The whole report, from the JSON one.
pub fn report(run: &Value) -> Result<String, SerializeError> {
    let mut report = Report::new("spatialcloud");
    report.set_time(duration(&run["summary"]));
    let mut suites: Vec<TestSuite> = Vec::new();
    for result in list(&run["cases"]) {
        suite(&mut suites, text(&result["scenario"])).add_test_case(case(result));
    }
    for skip in list(&run["skipped"]) {
        suite(&mut suites, text(&skip["scenario"])).add_test_case(skipped(skip));
    }
    report.add_test_suites(suites);
    report.to_string()
}

fn duration(of: &Value) -> Duration {
    Duration::from_millis(of["duration_ms"].as_u64().unwrap_or_default())
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

fn case(result: &Value) -> TestCase {
    let failure = &result["failure"];
    let status = if failure.is_null() {
        TestCaseStatus::success()
    } else {
        let is_ours = failure["is_ours"] == true;
        let kind = if is_ours { NonSuccessKind::Error } else { NonSuccessKind::Failure };
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(format!("expected {}, got {}", text(&failure["expected"]), text(&failure["got"])));
        status.set_type(if is_ours { "stack" } else { "expectation" });
        status.set_description(text(&failure["text"]));
        status
    };
    let mut case = TestCase::new(text(&result["name"]), status);
    case.set_classname(text(&result["scenario"]));
    case.set_time(duration(result));
    let story: Vec<&str> = list(&result["story"]).iter().map(text).collect();
    if !story.is_empty() {
        case.set_system_out(story.join("\n"));
    }
    case
}

fn skipped(skip: &Value) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(text(&skip["reason"]));
    let mut case = TestCase::new(format!("{} [{}]", text(&skip["scenario"]), text(&skip["client"])), status);
    case.set_classname(text(&skip["scenario"]));
    case
}
