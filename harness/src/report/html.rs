//! The run as one HTML page that needs nothing else: for each case its timeline, the client's words, and why it
//! failed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{list, terminal, text};
use crate::difference;

/// Colours follow the reader's light or dark setting; status is told by a sign too, never by colour alone.
const STYLE: &str = include_str!("html.css");
/// Shows the cases that match the text and, if wanted, failed.
const SCRIPT: &str = include_str!("html.js");
/// A timeline on the page is no longer; the JSON report has all of it.
const EVENTS: usize = 200;

/// The whole page, from the JSON report.
pub fn report(run: &Value) -> String {
    let summary = &run["summary"];
    let failed = summary["failed"].as_u64().unwrap_or_default();
    let verdict = if failed == 0 { "Everything that ran has passed" } else { "Not ready: some cases failed" };
    let seconds = summary["duration_ms"].as_f64().unwrap_or_default() / 1000.0;
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>spatialcloud: {} failed, {} passed</title><style>{STYLE}</style></head><body>\n\
         <header><h1>{verdict}</h1><p><b class=\"bad\">{} failed</b> · <b class=\"good\">{} passed</b> · \
         {} not run · {} scenarios · {seconds:.1} s</p></header>\n<main>\n",
        summary["failed"],
        summary["passed"],
        summary["failed"],
        summary["passed"],
        list(&run["skipped"]).len(),
        summary["scenarios"],
    );
    for flaky in list(&summary["flaky"]) {
        let _ = writeln!(
            page,
            "<p><b class=\"bad\">flaky</b> {}: passed {} of {}</p>",
            escaped(text(&flaky["name"])),
            flaky["passed"],
            flaky["ran"]
        );
    }
    clients(&mut page, run);
    page.push_str(
        "<form role=\"search\"><label>Show cases with <input id=\"words\" type=\"search\" \
         placeholder=\"openssh, C-23, Spatial\"></label> <label><input id=\"failed\" type=\"checkbox\"> \
         only failed ones</label> <output id=\"shown\"></output></form>\n",
    );
    let mut scenarios: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for case in list(&run["cases"]) {
        scenarios.entry(text(&case["scenario"])).or_default().push(case);
    }
    // What failed comes first.
    let has_failed = |cases: &[&Value]| cases.iter().any(|case| !case["failure"].is_null());
    let (failed, passed): (Vec<_>, Vec<_>) = scenarios.into_iter().partition(|(_, cases)| has_failed(cases));
    for (name, cases) in failed.into_iter().chain(passed) {
        scenario(&mut page, name, &cases);
    }
    skipped(&mut page, run);
    let _ = write!(page, "</main>\n<script>{SCRIPT}</script>\n</body></html>\n");
    page
}

fn clients(page: &mut String, run: &Value) {
    page.push_str("<details><summary>Clients</summary><table><tr><th>client<th>kind<th>version</tr>\n");
    for client in list(&run["clients"]) {
        let state = if client["usable"] == true { &client["version"] } else { &client["reason"] };
        let _ = writeln!(
            page,
            "<tr><td>{}<td>{}<td>{}</tr>",
            escaped(text(&client["name"])),
            escaped(text(&client["kind"])),
            escaped(text(state))
        );
    }
    page.push_str("</table></details>\n");
}

fn scenario(page: &mut String, name: &str, cases: &[&Value]) {
    let title = cases.first().map(|case| text(&case["title"])).unwrap_or_default();
    let rules: Vec<&str> =
        cases.first().map(|case| list(&case["contract"]).iter().map(text).collect()).unwrap_or_default();
    let _ = writeln!(
        page,
        "<section><h2>{} <small>{}</small></h2><p>{}</p>",
        escaped(name),
        escaped(&rules.join(" ")),
        escaped(title)
    );
    for found in cases {
        case(page, found);
    }
    page.push_str("</section>\n");
}

fn case(page: &mut String, case: &Value) {
    let failure = &case["failure"];
    let (class, sign, open) = if failure.is_null() { ("good", "✓", "") } else { ("bad", "✗", " open") };
    let seconds = case["duration_ms"].as_f64().unwrap_or_default() / 1000.0;
    let story: Vec<&str> = list(&case["story"]).iter().map(text).collect();
    let _ = writeln!(
        page,
        "<details class=\"case {class}\"{open}><summary><span class=\"{class}\">{sign}</span> <b>{}</b> \
         <small>{}</small> {} <i>{}</i> <small>{seconds:.1} s</small></summary>",
        escaped(text(&case["client"])),
        escaped(text(&case["client_version"])),
        escaped(text(&case["row"])),
        escaped(&story.join(" · ")),
    );
    if !failure.is_null() {
        page.push_str("<dl>");
        for field in ["place", "step", "expected", "got", "replay"] {
            let _ = write!(page, "<dt>{field}<dd><code>{}</code>", escaped(text(&failure[field])));
        }
        difference(page, text(&failure["expected"]), text(&failure["got"]));
        page.push_str("</dl>\n");
    }
    if !text(&case["client_output"]).is_empty() {
        let _ = writeln!(
            page,
            "<h3>What the client said last</h3><pre>{}</pre>",
            escaped(text(&case["client_output"]))
        );
    }
    timeline(page, case);
    page.push_str("</details>\n");
}

/// The first place where what came differs from what was expected, as text and in hexadecimal.
fn difference(page: &mut String, expected: &str, got: &str) {
    // Files that differ bring their own first difference.
    if expected == got || expected.is_empty() || got.is_empty() || got.contains("first difference") {
        return;
    }
    if let Ok(Some(found)) = difference::first(expected.as_bytes(), got.as_bytes()) {
        let _ = write!(page, "<dt>first difference<dd><code>{}</code>", escaped(&found.to_string()));
    }
}

fn timeline(page: &mut String, case: &Value) {
    let events = list(&case["events"]);
    if events.is_empty() {
        return;
    }
    page.push_str("<h3>What happened, in simulated time</h3><table class=\"timeline\">\n");
    for event in events.iter().take(EVENTS) {
        let line = terminal::event(event);
        let time = line.get(..19).unwrap_or_default();
        let rest = line.get(19..).unwrap_or_default().trim_start();
        let fields = rest.split_once(text(&event["event"])).map_or("", |(_, fields)| fields.trim_start());
        let _ = writeln!(
            page,
            "<tr><td><time>{}</time><td>{}<td>{}<td>{}</tr>",
            escaped(time),
            escaped(text(&event["site"])),
            escaped(text(&event["event"])),
            escaped(fields)
        );
    }
    page.push_str("</table>");
    let more = events.len().saturating_sub(EVENTS);
    if more > 0 {
        let _ = write!(page, "<p>{more} more events are in the JSON report.</p>");
    }
    if case["idle_runs"].as_u64() > Some(0) {
        let _ = write!(page, "<p>{} runs of movers found nothing to do.</p>", case["idle_runs"]);
    }
}

fn skipped(page: &mut String, run: &Value) {
    let mut groups: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for skip in list(&run["skipped"]) {
        *groups.entry((text(&skip["kind"]), text(&skip["client"]), text(&skip["reason"]))).or_default() += 1;
    }
    if groups.is_empty() {
        return;
    }
    page.push_str("<section><h2>Not run</h2><table><tr><th>cases<th>client<th>kind<th>reason</tr>\n");
    for ((kind, client, reason), count) in groups {
        let _ = writeln!(
            page,
            "<tr><td>{count}<td>{}<td>{}<td>{}</tr>",
            escaped(client),
            escaped(kind),
            escaped(reason)
        );
    }
    page.push_str("</table></section>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
