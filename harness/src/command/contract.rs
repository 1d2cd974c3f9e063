//! `contract`: every rule with the scenarios that prove it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
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
                for rule in scenarios.first().iter().flat_map(|scenario| &scenario.contract) {
                    proofs.entry(rule.clone()).or_default().push(runner::short_name(&file));
                }
            }
            Err(mistake) => {
                eprintln!("{}", mistake.render(super::error_style().is_coloured()));
                return Exit::BadScenario;
            }
        }
    }
    if arguments.json {
        let rules: Vec<_> = RULES
            .iter()
            .map(|(rule, summary)| json!({"rule": rule, "summary": summary, "scenarios": proofs.get(*rule)}))
            .collect();
        println!("{}", json!({"rules": rules}));
        return Exit::Passed;
    }
    let style = super::style();
    let mut unproved = 0;
    for (rule, summary) in RULES {
        println!("{} {summary}", style.strong(rule));
        match proofs.get(*rule) {
            Some(scenarios) => println!("     {}", style.faint(&scenarios.join(", "))),
            None => {
                unproved += 1;
                println!("     {}", style.warn("no scenario proves it yet"));
            }
        }
    }
    println!("\n{} of {} rules have a scenario", RULES.len() - unproved, RULES.len());
    Exit::Passed
}
