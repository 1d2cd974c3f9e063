//! What is known of a judge's cases: a file beside it, which may only hold what is so.

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::Failed;
use serde_json::Value;
use spatialcloud_harness::scenario::node;

/// For each case what failed in it.
pub type Verdicts = BTreeMap<String, Vec<String>>;

/// Reads what the drivers print: for each case a line of JSON, with its name and what failed.
pub fn told(lines: &str) -> Verdicts {
    let verdict = |line: &str| {
        let told: Value = serde_json::from_str(line).ok()?;
        let failed = told["failed"].as_array()?.iter().map(|failure| failure.to_string()).collect();
        Some((told["case"].as_str()?.to_owned(), failed))
    };
    lines.lines().filter_map(verdict).collect()
}

/// A list of cases in parts: those known to fail, those left out, each with the reason.
pub struct Cases(Value);

impl Cases {
    /// Reads the list.
    pub fn read(text: &str) -> Result<Cases, Failed> {
        Ok(Cases(node::parse(text).map_err(|mistake| mistake.message)?.to_json()))
    }

    /// The names that stand in a part of it.
    pub fn listed(&self, part: &str) -> BTreeSet<String> {
        match &self.0[part] {
            Value::Array(names) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            Value::Object(reasons) => reasons.keys().cloned().collect(),
            _ => BTreeSet::new(),
        }
    }

    /// What is not as the part `fails` says; of its cases, only those that are `asked` must be there.
    pub fn wrong(&self, found: &Verdicts, asked: impl Fn(&str) -> bool) -> Vec<String> {
        let known = self.listed("fails");
        let mut wrong = Vec::new();
        for (case, failures) in found {
            match (failures.is_empty(), known.contains(case)) {
                (true, true) => wrong.push(format!("{case}: it passes, and cases.yaml says that it fails")),
                (false, false) => wrong.push(format!("{case}: {}", failures.join("; "))),
                _ => {}
            }
        }
        let gone = known.iter().filter(|case| asked(case) && !found.contains_key(*case));
        wrong.extend(gone.map(|case| format!("{case}: there is no such case, and cases.yaml names it")));
        if found.is_empty() {
            wrong.push("nothing was judged".to_owned());
        }
        wrong
    }
}
