//! `generate`: writes a synthetic backup of any size, of chosen tables, sound or damaged.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use spatialcloud_backup::Backup;
use spatialcloud_backup::writer::{
    self, DAMAGES, Damage, Description, LEAST_SIZE_BYTES, Stripe, VERSIONS, Version,
};
use spatialcloud_harness::{scenario, size};

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// File to write
    #[arg(value_name = "OUT.bak")]
    out: PathBuf,
    /// About how large, such as 2GiB, before compression
    #[arg(long, value_parser = size::parse, required_unless_present = "tables")]
    size: Option<u64>,
    /// A YAML file with the tables to write, as `backup:` in scenario files has them
    #[arg(long, value_name = "FILE.yaml", conflicts_with = "size")]
    tables: Option<PathBuf>,
    /// Everything in it follows from this
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is to be wrong with it
    #[arg(long, value_name = "KIND", value_parser = damages())]
    damage: Option<String>,
    /// A table to leave out
    #[arg(long, value_name = "TABLE", value_parser = optional_tables(), conflicts_with = "tables")]
    without: Vec<String>,
    /// The version of SQL Server that it says it comes from
    #[arg(long, value_name = "YEAR", value_parser = versions(), default_value = Version::default().name)]
    version: String,
    /// Write a compressed backup
    #[arg(long)]
    compression: bool,
    /// Write one of several stripes, such as 1/2
    #[arg(long, value_name = "NUMBER/COUNT", value_parser = Stripe::parse)]
    stripe: Option<Stripe>,
    /// Write what has to change in this full backup to become what is asked for
    #[arg(long, value_name = "FULL.bak")]
    differential_of: Option<PathBuf>,
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

fn versions() -> PossibleValuesParser {
    PossibleValuesParser::new(VERSIONS.iter().map(|version| version.name).collect::<Vec<_>>())
}

/// What is asked for. Why it cannot be used has been told.
fn description(arguments: &Arguments) -> Result<Description, Exit> {
    let tables = match &arguments.tables {
        None => scenario::backup::Tables::default(),
        Some(path) => {
            let colour = super::error_style().is_coloured();
            scenario::load_tables(path).map_err(|error| {
                eprintln!("{}", error.render(colour));
                Exit::BadScenario
            })?
        }
    };
    let size_bytes = arguments.size.unwrap_or(0);
    if arguments.size.is_some_and(|size| size < LEAST_SIZE_BYTES) {
        let least = size::human(LEAST_SIZE_BYTES);
        return Err(fail(Exit::WrongUse, format!("--size: a backup has at least {least}")));
    }
    Ok(Description {
        seed: arguments.seed,
        size_bytes,
        tables: tables.tables,
        without: arguments.without.clone(),
        ogr_metadata: tables.ogr_metadata,
        version: Version::named(&arguments.version).unwrap_or_default(),
        is_compressed: arguments.compression,
        stripe: arguments.stripe.unwrap_or_default(),
        damage: arguments.damage.as_deref().and_then(Damage::named),
    })
}

fn write(description: &Description, full: Option<&Path>, file: File) -> io::Result<u64> {
    let out = BufWriter::with_capacity(1 << 20, file);
    match full {
        None => writer::write_described(description, out),
        Some(path) => {
            let full = File::open(path)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            writer::write_differential(description, Backup::file(full), out)
        }
    }
}

pub fn perform(arguments: &Arguments) -> Exit {
    let shown = arguments.out.display();
    let description = match description(arguments) {
        Ok(description) => description,
        Err(exit) => return exit,
    };
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
    match write(&description, arguments.differential_of.as_deref(), file) {
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
