//! `generate`: writes a synthetic backup of any size, sound or damaged.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use spatialcloud_backup::writer::{self, DAMAGES, Damage, LEAST_SIZE_BYTES, Spec};
use spatialcloud_harness::size;

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// File to write
    #[arg(value_name = "OUT.bak")]
    out: PathBuf,
    /// About how large, such as 2GiB
    #[arg(long, value_parser = size::parse)]
    size: u64,
    /// Everything in it follows from this
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is to be wrong with it
    #[arg(long, value_name = "KIND", value_parser = damages())]
    damage: Option<String>,
    /// A table to leave out
    #[arg(long, value_name = "TABLE", value_parser = optional_tables())]
    without: Vec<String>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

fn damages() -> PossibleValuesParser {
    let values =
        DAMAGES.iter().map(|(_, name, _, sentence)| clap::builder::PossibleValue::new(*name).help(*sentence));
    PossibleValuesParser::new(values.collect::<Vec<_>>())
}

fn optional_tables() -> PossibleValuesParser {
    PossibleValuesParser::new(writer::optional_tables().collect::<Vec<_>>())
}

pub fn perform(arguments: &Arguments) -> Exit {
    let shown = arguments.out.display();
    if arguments.size < LEAST_SIZE_BYTES {
        let least = size::human(LEAST_SIZE_BYTES);
        return fail(Exit::WrongUse, format!("--size: a backup has at least {least}"));
    }
    let opened = File::options()
        .write(true)
        .create(true)
        .create_new(!arguments.force)
        .truncate(arguments.force)
        .open(&arguments.out);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return fail(
                Exit::WrongUse,
                format!("{shown} exists: choose another name, or replace it with --force"),
            );
        }
        Err(error) => return fail(Exit::WrongUse, format!("{shown}: {error}")),
    };
    let damage = arguments.damage.as_deref().and_then(Damage::named);
    let spec = Spec { seed: arguments.seed, size_bytes: arguments.size, damage };
    let without: Vec<&str> = arguments.without.iter().map(String::as_str).collect();
    match writer::write_without(&spec, &without, BufWriter::with_capacity(1 << 20, file)) {
        Ok(bytes) => {
            println!("{shown}: {} ({bytes} bytes), synthetic", size::human(bytes));
            Exit::Passed
        }
        Err(error) => {
            // Half a file under the name asked for would look like a backup.
            let _ = std::fs::remove_file(&arguments.out);
            fail(Exit::WrongUse, format!("{shown}: {error}; nothing was kept"))
        }
    }
}
