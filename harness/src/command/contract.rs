//! `contract`: every rule, and every behaviour of clients, with the scenarios that prove it.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use spatialcloud_harness::behaviours::BEHAVIOURS;
use spatialcloud_harness::contract::{self, ProofError, RULES, UNPROVED};

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
    let proofs = match contract::proofs(&arguments.paths) {
        Ok(proofs) => proofs,
        Err(ProofError::Paths(error)) => return fail(Exit::WrongUse, error),
        Err(ProofError::File(mistake)) => {
            eprintln!("{}", mistake.render(super::error_style().is_coloured()));
            return Exit::BadScenario;
        }
    };
    let tables = [("rules", "rule", RULES), ("behaviours", "behaviour", BEHAVIOURS)];
    if arguments.json {
        let tables = tables.map(|(name, word, table)| {
            let rows = table
                .iter()
                .map(|(id, summary)| json!({word: id, "summary": summary, "scenarios": proofs.get(*id)}))
                .map(|mut row| {
                    if let Some(rule) = row["rule"].as_str().map(contract::source) {
                        row["source"] = json!(rule.words());
                    }
                    row
                });
            (name.to_owned(), rows.collect::<Vec<_>>().into())
        });
        println!("{}", Value::Object(tables.into_iter().collect()));
        return Exit::Passed;
    }
    let style = super::style();
    for (name, _, table) in tables {
        for (id, summary) in table {
            let source =
                if name == "rules" { format!(" ({})", contract::source(id).words()) } else { String::new() };
            println!("{} {summary}{}", style.strong(id), style.faint(&source));
            match proofs.get(*id) {
                Some(scenarios) => println!("     {}", style.faint(&scenarios.join(", "))),
                None => {
                    let reason = UNPROVED.iter().find(|(unproved, _)| unproved == id);
                    let reason = reason.map_or("nobody says why", |(_, reason)| reason);
                    println!("     {}", style.warn(&format!("no scenario: {reason}")));
                }
            }
        }
        let proved = table.iter().filter(|(id, _)| proofs.contains_key(*id)).count();
        println!("\n{proved} of {} {name} have a scenario\n", table.len());
    }
    Exit::Passed
}
