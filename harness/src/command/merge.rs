//! `merge`: joins what the shards of a load measured into the figures of the whole.

use std::path::PathBuf;

use clap::Args;
use spatialcloud_harness::load::Figures;

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// What `load --json` wrote, one file for each shard
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write the joined figures; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub fn perform(arguments: &Arguments) -> Exit {
    let mut parts = Vec::new();
    for path in &arguments.files {
        let name = path.display().to_string();
        let read = std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| serde_json::from_str::<Figures>(&text).map_err(|error| error.to_string()));
        match read {
            Ok(figures) => parts.push((name, figures)),
            Err(error) => {
                return fail(Exit::WrongUse, format!("{name}: {error}; expected what `load --json` writes"));
            }
        }
    }
    match Figures::merge(parts) {
        Ok(figures) => {
            let exit = super::load::finish(&figures, arguments.json.as_deref());
            let missing: Vec<String> =
                figures.missing().iter().map(|index| (index + 1).to_string()).collect();
            if missing.is_empty() {
                return exit;
            }
            fail(
                Exit::Failed,
                format!(
                    "not in it: parts {} of {}; the figures are not of the whole",
                    missing.join(", "),
                    figures.total
                ),
            )
        }
        Err(error) => fail(Exit::WrongUse, error),
    }
}
