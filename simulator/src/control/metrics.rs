//! `/metrics`: what the stack has done, in the text format that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::State;

/// Version 0.0.4 of the exposition format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn show(Shared(state): Shared<State>) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text(&state)).into_response()
}

/// One family of samples; a label is name and value.
struct Family<'t> {
    text: &'t mut String,
    name: &'static str,
}

impl Family<'_> {
    fn sample(&mut self, label: Option<(&str, &str)>, value: impl Display) {
        let label = label.map_or(String::new(), |(name, value)| format!("{{{name}=\"{}\"}}", escaped(value)));
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "spatialcloud_{}{label} {value}", self.name);
    }
}

fn family<'t>(text: &'t mut String, kind: &str, name: &'static str, help: &str) -> Family<'t> {
    let _ = writeln!(text, "# HELP spatialcloud_{name} {help}\n# TYPE spatialcloud_{name} {kind}");
    Family { text, name }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn text(state: &State) -> String {
    let totals = state.journal.totals();
    let mut text = String::new();
    let mut events = family(&mut text, "counter", "events_total", "Events recorded, by kind.");
    for (kind, count) in &totals.events {
        events.sample(Some(("event", kind)), count);
    }
    let mut uploads = family(&mut text, "counter", "uploads_total", "Uploads that ended, by outcome.");
    uploads.sample(Some(("outcome", "finished")), totals.of("upload.finished"));
    uploads.sample(Some(("outcome", "interrupted")), totals.of("upload.interrupted"));
    let mut bytes = family(&mut text, "counter", "bytes_total", "Bytes of files, by what was done to them.");
    bytes.sample(Some(("what", "uploaded")), totals.uploaded_bytes);
    bytes.sample(Some(("what", "downloaded")), totals.downloaded_bytes);
    bytes.sample(Some(("what", "moved")), totals.moved_bytes);
    let mut runs = family(&mut text, "counter", "mover_runs_total", "Finished runs of the movers.");
    for (mover, count) in &totals.mover_runs {
        runs.sample(Some(("mover", mover)), count);
    }
    let mut loads = family(&mut text, "counter", "loads_total", "Loads of the warehouse, by outcome.");
    loads.sample(Some(("outcome", "loaded")), totals.of("warehouse.loaded"));
    loads.sample(Some(("outcome", "failed")), totals.of("warehouse.failed"));
    let open = totals.of("connection.opened").saturating_sub(totals.of("connection.closed"));
    family(&mut text, "gauge", "connections_open", "SSH connections being served.").sample(None, open);
    let sites = state.sites.all();
    let writing: usize = sites.iter().map(|site| site.area.lock_names().uploads().len()).sum();
    family(&mut text, "gauge", "uploads_open", "Files open for writing.").sample(None, writing);
    let mut by_state = family(&mut text, "gauge", "sites", "Sites, by state.");
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for site in &sites {
        *counts.entry(site.state.name()).or_default() += 1;
    }
    for (name, count) in counts {
        by_state.sample(Some(("state", name)), count);
    }
    let armed = state.faults.armed().len();
    family(&mut text, "gauge", "faults_armed", "Faults that are armed.").sample(None, armed);
    let now = state.clock.now().as_second();
    family(&mut text, "gauge", "clock_seconds", "Simulated time, in seconds since 1970.").sample(None, now);
    let mut due = family(&mut text, "gauge", "mover_due_seconds", "Simulated time of each mover's next run.");
    for (mover, at) in state.movers.next() {
        due.sample(Some(("mover", mover.name())), at.timestamp().as_second());
    }
    text
}
