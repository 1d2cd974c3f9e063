//! `contract`: every rule, and every behaviour of clients, with the scenarios that prove it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use spatialcloud_harness::behaviours::BEHAVIOURS;
use spatialcloud_harness::contract::RULES;
use spatialcloud_harness::{runner, scenario};

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "PATH", default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn perform(arguments: &Arguments) -> Exit {
    let files = match scenario::find(&arguments.paths) {
        Ok(files) => files,
        Err(error) => return fail(Exit::WrongUse, error),
    };
    let mut proofs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        match scenario::load(&file) {
            Ok(scenarios) => {
                // Rows of one file prove the same rules.
                for rule in
                    scenarios.first().iter().flat_map(|first| first.contract.iter().chain(&first.behaviours))
                {
                    proofs.entry(rule.clone()).or_default().push(runner::short_name(&file));
                }
            }
            Err(mistake) => {
                eprintln!("{}", mistake.render(super::error_style().is_coloured()));
                return Exit::BadScenario;
            }
        }
    }
    let tables = [("rules", "rule", RULES), ("behaviours", "behaviour", BEHAVIOURS)];
    if arguments.json {
        let tables = tables.map(|(name, word, table)| {
            let rows = table
                .iter()
                .map(|(id, summary)| json!({word: id, "summary": summary, "scenarios": proofs.get(*id)}));
            (name.to_owned(), rows.collect::<Vec<_>>().into())
        });
        println!("{}", Value::Object(tables.into_iter().collect()));
        return Exit::Passed;
    }
    let style = super::style();
    for (name, _, table) in tables {
        for (id, summary) in table {
            println!("{} {summary}", style.strong(id));
            match proofs.get(*id) {
                Some(scenarios) => println!("     {}", style.faint(&scenarios.join(", "))),
                None => println!("     {}", style.warn("no scenario proves it yet")),
            }
        }
        let proved = table.iter().filter(|(id, _)| proofs.contains_key(*id)).count();
        println!("\n{proved} of {} {name} have a scenario\n", table.len());
    }
    Exit::Passed
}
