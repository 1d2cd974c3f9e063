//! `check`: reads scenario files and shows mistakes with their place; or prints the schema for editors.

use std::path::PathBuf;

use clap::Args;
use spatialcloud_harness::{scenario, schema};

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// Scenario files, or folders of them
    #[arg(required_unless_present = "schema", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print the JSON Schema of scenario files, for editors, and check nothing
    #[arg(long, conflicts_with = "paths")]
    schema: bool,
}

pub fn perform(arguments: &Arguments) -> Exit {
    if arguments.schema {
        print!("{}", schema::text());
        return Exit::Passed;
    }
    let files = match scenario::find(&arguments.paths) {
        Ok(files) => files,
        Err(error) => return fail(Exit::WrongUse, error),
    };
    if files.is_empty() {
        return fail(Exit::WrongUse, "no scenario file (*.yaml) there");
    }
    let (mut good, mut bad) = (0, 0);
    for file in &files {
        match scenario::load(file) {
            Ok(scenarios) => good += scenarios.len(),
            Err(mistake) => {
                bad += 1;
                eprintln!("{}\n", mistake.render(super::error_style().is_coloured()));
            }
        }
    }
    if bad > 0 {
        return fail(Exit::BadScenario, format!("{bad} of {} files cannot be used", files.len()));
    }
    println!("{good} scenarios in {} files are fine", files.len());
    Exit::Passed
}
