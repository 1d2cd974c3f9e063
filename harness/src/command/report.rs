//! `report`: makes reports again from the JSON one, so that a pipeline keeps one file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use spatialcloud_harness::report;

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// What `run --json` wrote
    #[arg(value_name = "REPORT.json")]
    file: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
}

/// The reports that are written for people and programs.
#[derive(Args)]
pub struct Wanted {
    /// Write a JUnit XML report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write an HTML page that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a TAP report
    #[arg(long, value_name = "FILE")]
    tap: Option<PathBuf>,
}

impl Wanted {
    /// Writes what is wanted of a run, given as JSON.
    pub fn write(&self, run: &Value) -> Result<(), String> {
        if let Some(path) = &self.junit {
            let text = report::junit::report(run).map_err(|error| format!("{}: {error}", path.display()))?;
            write(path, &text)?;
        }
        if let Some(path) = &self.html {
            write(path, &report::html::report(run))?;
        }
        if let Some(path) = &self.tap {
            write(path, &report::tap::report(run))?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.junit.is_none() && self.html.is_none() && self.tap.is_none()
    }
}

/// Writes a report.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads what `run --json` wrote.
pub fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let run: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if run["version"] == report::json::VERSION {
        Ok(run)
    } else {
        Err(format!(
            "{}: expected a report of version {}, got {}",
            path.display(),
            report::json::VERSION,
            run["version"]
        ))
    }
}

pub fn perform(arguments: &Arguments) -> Exit {
    if arguments.wanted.is_empty() {
        return fail(Exit::WrongUse, "nothing to write: give --html, --junit or --tap");
    }
    match read(&arguments.file).and_then(|run| arguments.wanted.write(&run)) {
        Ok(()) => Exit::Passed,
        Err(message) => fail(Exit::WrongUse, message),
    }
}
