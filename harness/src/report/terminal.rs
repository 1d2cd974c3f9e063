//! The run as a person reads it: a story line for each case, then failures, skips, and one last line.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;

use super::Run;
use crate::client::{Availability, Client};
use crate::runner::{CaseResult, FailureReport, Plan, SkipKind, grouped};

/// Events shown below a failure; all of them are in the JSON report.
const SHOWN_EVENTS: usize = 40;
/// Lines of the client's words shown below a failure.
const SHOWN_LINES: usize = 20;

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// With colours where `colour` says so.
    pub fn new(colour: bool) -> Style {
        Style { colour }
    }

    /// Without colours.
    pub fn plain() -> Style {
        Style { colour: false }
    }

    /// Whether there are colours.
    pub fn is_coloured(self) -> bool {
        self.colour
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// For what is well.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// For what is not.
    pub fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// For what was left out.
    pub fn warn(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// For headings.
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// For what matters less.
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// The first lines: how much there is to do, and with which clients.
pub fn heading(plan: &Plan, style: Style) -> String {
    let mut text = format!(
        "{} {} in {}\n",
        style.strong("spatialcloud"),
        counted(plan.cases.len(), "case"),
        counted(plan.scenarios, "scenario")
    );
    // Who has nothing to do is told at the end, with the reason.
    let takes_part = |client: &dyn Client| plan.cases.iter().any(|case| case.client.name() == client.name());
    let clients: Vec<_> = plan
        .clients
        .iter()
        .filter(|(client, found)| matches!(found, Availability::Missing { .. }) || takes_part(*client))
        .collect();
    let width = clients.iter().map(|(client, _)| client.name().len()).max().unwrap_or_default();
    for (client, found) in clients {
        let name = client.name();
        let _ = match found {
            Availability::Usable { version } => writeln!(text, "  {name:<width$} {}", style.faint(version)),
            Availability::Missing { reason, remedy } => {
                writeln!(text, "  {name:<width$} {}", style.warn(&format!("missing: {reason}; {remedy}")))
            }
        };
    }
    text
}

/// One scenario with all its clients.
pub fn scenario(results: &[&CaseResult], style: Style) -> String {
    let Some(first) = results.first() else { return String::new() };
    let mut text = format!(
        "{} {}\n",
        style.strong(&first.case.scenario_name),
        style.faint(&format!("{} {}", first.case.scenario.title, rules(first)))
    );
    for result in results {
        let (mark, words) = match &result.failure {
            None => (style.good("✓"), result.story.join(" · ")),
            Some(failure) => {
                (style.bad("✗"), style.bad(&format!("{}: expected {}", failure.place, failure.expected)))
            }
        };
        let row = result.case.scenario.row.as_ref().map(|row| format!("{row}  ")).unwrap_or_default();
        let line = format!(
            "  {mark} {:<12} {:>7}  {row}{words}",
            result.case.client.name(),
            seconds(result.duration)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn rules(result: &CaseResult) -> String {
    let rules = &result.case.scenario.contract;
    if rules.is_empty() { String::new() } else { format!("({})", rules.join(" ")) }
}

/// A failure with everything needed to act on it.
pub fn failure(result: &CaseResult, failure: &FailureReport, style: &Style) -> String {
    let style = *style;
    let mut text = format!("{} {}\n", style.bad("✗"), style.strong(&result.case.name()));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let value = value.replace('\n', "\n             ");
            let _ = writeln!(text, "  {name:<10} {value}");
        }
    };
    line("at", &failure.place);
    line("step", &failure.step);
    line("expected", &failure.expected);
    line("got", &failure.got);
    if failure.is_ours {
        line("note", "the stack or the harness failed, not what was tested");
    }
    let words: Vec<&str> = result.client_output.lines().collect();
    line("client", &words[words.len().saturating_sub(SHOWN_LINES)..].join("\n"));
    line("seed", &failure.seed.to_string());
    line("replay", &failure.replay);
    line("events", &events(&result.events));
    text
}

/// The last events, without mover runs that found nothing to do.
fn events(all: &[Value]) -> String {
    let telling: Vec<&Value> = all.iter().filter(|event| !super::is_idle(event)).collect();
    let shown = &telling[telling.len().saturating_sub(SHOWN_EVENTS)..];
    let mut lines: Vec<String> = shown.iter().map(|found| event(found)).collect();
    if lines.len() < all.len() {
        let idle = all.len() - telling.len();
        lines.push(format!(
            "({} of {} events; {idle} mover runs found nothing to do)",
            lines.len(),
            all.len()
        ));
    }
    lines.join("\n")
}

/// One event in one line: time, site, kind, and its fields.
pub fn event(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let time = text("time");
    let time = time.get(..19).unwrap_or(&time).replace('T', " ");
    let mut line = format!("{time} {:<8} {:<24}", text("site"), text("event"));
    for (name, value) in event.as_object().into_iter().flatten() {
        if !["sequence", "time", "site", "event", "volatile"].contains(&name.as_str()) && !value.is_null() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = write!(line, " {name}={value}");
        }
    }
    line.trim_end().to_owned()
}

/// Everything after the cases: failures, what did not run and why, and the last line.
pub fn summary(run: &Run<'_>, style: Style) -> String {
    let mut text = String::new();
    for result in run.results {
        if let Some(reason) = &result.failure {
            let _ = writeln!(text, "\n{}", failure(result, reason, &style).trim_end());
        }
    }
    for (name, passed, ran) in run.flaky() {
        let _ = writeln!(text, "\n{}", style.bad(&format!("flaky: {name} passed {passed} times of {ran}")));
    }
    let groups = grouped(&run.plan.skips);
    if !groups.is_empty() {
        let _ = writeln!(text, "\n{}", style.strong("Not run"));
    }
    for ((kind, client, reason), count) in groups {
        let line = match kind {
            SkipKind::Missing => style.warn(&format!("{client} is missing: {reason}")),
            SkipKind::Unable => format!("{client} cannot: {reason}"),
            SkipKind::Stack => style.warn(&format!("not on this stack: {reason}")),
        };
        let _ = writeln!(text, "  {count:>3} × {line}");
    }
    let (passed, failed) = (run.passed(), run.failed());
    let verdict = match (failed, passed) {
        (0, 0) => style.warn("nothing ran"),
        (0, _) => style.good(&format!("{passed} passed")),
        _ => format!("{}, {passed} passed", style.bad(&format!("{failed} failed"))),
    };
    let missing = match run.missing().count() {
        0 => String::new(),
        count => style.warn(&format!(", {count} not run for want of a client")),
    };
    let unable = match run.unable().count() {
        0 => String::new(),
        count => format!(", {count} that a client cannot do"),
    };
    let stack = match run.not_on_this_stack().count() {
        0 => String::new(),
        count => style.warn(&format!(", {count} not on this stack")),
    };
    let _ = writeln!(text, "\n{verdict}{missing}{unable}{stack} in {}", seconds(run.duration));
    text
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
