//! The run in the Test Anything Protocol, version 14: a line for each case, failures with a YAML block.

use std::fmt::Write as _;

use serde_json::Value;

use super::{list, text};

/// The whole report, from the JSON one.
pub fn report(run: &Value) -> String {
    let (cases, skips) = (list(&run["cases"]), list(&run["skipped"]));
    let mut lines = format!("TAP version 14\n1..{}\n", cases.len() + skips.len());
    let mut number = 0;
    for case in cases {
        number += 1;
        let failure = &case["failure"];
        let outcome = if failure.is_null() { "ok" } else { "not ok" };
        let _ = writeln!(lines, "{outcome} {number} - {}", escaped(text(&case["name"])));
        if !failure.is_null() {
            lines.push_str("  ---\n");
            for field in ["place", "step", "expected", "got", "replay"] {
                // JSON strings are YAML too.
                let _ = writeln!(lines, "  {field}: {}", failure[field]);
            }
            lines.push_str("  ...\n");
        }
    }
    for skip in skips {
        number += 1;
        let name = format!("{} [{}]", text(&skip["scenario"]), text(&skip["client"]));
        let _ = writeln!(lines, "ok {number} - {} # SKIP {}", escaped(&name), escaped(text(&skip["reason"])));
    }
    lines
}

/// A `#` begins a directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#").replace('\n', " ")
}
