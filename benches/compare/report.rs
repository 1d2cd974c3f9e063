//! The figures as tables for people and as JSON for programs.

use serde_json::{Value, json};

use crate::distance::Trip;
use crate::figures::{LEAST_ROUNDS, Line, Sample};
use crate::peer::{CEILING, SSHD};
use crate::rounds::Plan;

/// A comparison.
pub struct Table {
    /// What was done.
    pub name: String,
    /// Unit of the figure; more is better.
    pub unit: &'static str,
    /// Work that CPU seconds are told for.
    pub work: &'static str,
    /// The pairs.
    pub lines: Vec<Line>,
}

const MIB: f64 = 1024.0 * 1024.0;

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}

impl Table {
    /// The line that others of the same case are set against.
    pub fn base(&self, case: &str, server: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.server == server && (line.case == case || server == CEILING))
    }

    fn row(&self, line: &Line) -> String {
        if line.samples.is_empty() {
            let reason = line.failure.as_deref().unwrap_or("not measured").replace(['|', '\n'], " ");
            return format!("| {} | {} | not measured: {reason} | | | | | | | |\n", line.case, line.server);
        }
        let ratio = |server: &str, of: fn(&Sample) -> f64| {
            let base = self.base(&line.case, server).filter(|base| base.server != line.server);
            number(base.and_then(|base| line.ratio(base, of)), 2)
        };
        let (least, most) = line.range().unwrap_or_default();
        format!(
            "| {} | {} | {} | {least:.0}–{most:.0} | {} | {} | {} | {} | {} | {} | {} |\n",
            line.case,
            line.server,
            number(line.median(|sample| sample.rate), 0),
            ratio(SSHD, |sample| sample.rate),
            ratio(CEILING, |sample| sample.rate),
            number(line.median(|sample| sample.server_cpu), 2),
            ratio(SSHD, |sample| sample.server_cpu),
            number(line.median(|sample| sample.client_cpu), 2),
            number(line.median(|sample| sample.server_peak_bytes as f64 / MIB), 0),
            number(line.median(|sample| sample.client_peak_bytes as f64 / MIB), 0),
        )
    }
}

/// All tables, as Markdown.
pub fn markdown(tables: &[Table]) -> String {
    let mut text = String::new();
    for table in tables {
        let rounds = table.lines.iter().map(|line| line.samples.len()).max().unwrap_or_default();
        text.push_str(&format!("### {}\n\n", table.name));
        if rounds < LEAST_ROUNDS {
            text.push_str(&format!(
                "Only {rounds} interleaved rounds: ratios need {LEAST_ROUNDS}, so there are none.\n\n"
            ));
        } else {
            text.push_str(&format!(
                "Medians of {rounds} interleaved rounds; ratios are medians of each round's.\n\n"
            ));
        }
        text.push_str(&format!(
            "| client or case | server | {} | range | × sshd | × ceiling | server CPU s/{} | × sshd | client CPU s/{1} | server peak MiB | client peak MiB |\n",
            table.unit, table.work
        ));
        text.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        text.extend(table.lines.iter().map(|line| table.row(line)));
        text.push('\n');
    }
    text
}

/// Every sample.
pub fn json(tables: &[Table], trips: &[Trip], plan: &Plan) -> String {
    let tables: Vec<Value> = tables
        .iter()
        .map(|table| {
            let lines: Vec<Value> = table.lines.iter().map(Line::to_json).collect();
            json!({"name": table.name, "unit": table.unit, "cpu_for": table.work, "lines": lines})
        })
        .collect();
    let trips: Vec<Value> = trips
        .iter()
        .map(|trip| json!({"round_trip_ms": trip.round_trip.as_millis() as u64, "line": trip.line.to_json()}))
        .collect();
    let all =
        json!({"rounds": plan.rounds, "size_bytes": plan.size_bytes, "tables": tables, "distances": trips});
    format!("{all:#}\n")
}
