//! `inspect`: what tonight's load would make of a backup.

mod headers;
mod rows;
mod tables;
mod verify;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;
use headers::{line, show};
use spatialcloud_backup::verdict::{Verdict, judge};
use spatialcloud_backup::{Backup, DataError, Database, Depth, Family};
use spatialcloud_harness::{report, stack};

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// The backup; all its stripes, if it has several
    #[arg(required = true, value_name = "FILE.bak")]
    files: Vec<PathBuf>,
    /// Read all data too: every checksum, every row
    #[arg(long)]
    verify: bool,
    /// Print rows of this table: NAME, or SCHEMA.NAME
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// How many rows to print
    #[arg(long, value_name = "N", default_value_t = 20, requires = "table")]
    limit: usize,
    /// Print JSON, with SQL Server's column names
    #[arg(long)]
    json: bool,
}

pub fn perform(arguments: &Arguments) -> Exit {
    if let Some(name) = &arguments.table {
        return match database(&arguments.files) {
            Ok(database) => rows::perform(&database, name, arguments.limit, arguments.json),
            Err(error) => fail(Exit::Failed, format!("the tables cannot be read: {error}")),
        };
    }
    let depth = if arguments.verify { Depth::Everything } else { Depth::Headers };
    let mut families = Vec::new();
    let mut names = Vec::new();
    for path in &arguments.files {
        let read = File::open(path)
            .and_then(|file| spatialcloud_backup::read(BufReader::with_capacity(1 << 20, file), depth));
        match read {
            Ok(family) => families.push(family),
            Err(error) => return fail(Exit::WrongUse, format!("{}: {error}", path.display())),
        }
        names.push(path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned());
    }
    let mut verdict = judge(&families, &names);
    let database = database(&arguments.files);
    let mut exports = Vec::new();
    if let Ok(database) = &database
        && verdict.accepted
    {
        match stack::preview(database) {
            Ok((answers, warnings)) => {
                exports = answers;
                verdict.warnings.extend(warnings);
            }
            Err(error) => verdict.warnings.push(format!("the metadata table cannot be read: {error}")),
        }
    }
    match &database {
        Ok(database) if arguments.verify => verdict.warnings.extend(verify::warnings(database)),
        // What is refused has its reasons already.
        Err(error) if verdict.accepted => {
            verdict.warnings.push(format!("the tables cannot be read: {error}"));
        }
        _ => {}
    }
    let tables = database.as_ref().map(Database::tables).ok();
    if arguments.json {
        println!("{}", report::backup::report(&families, &names, &verdict, tables, &exports));
    } else {
        for (family, name) in families.iter().zip(&names) {
            show(family, name);
        }
        if let Some(tables) = tables {
            tables::show(tables);
        }
        tables::show_exports(&exports);
        conclude(&verdict, &families, arguments.verify);
    }
    if verdict.accepted { Exit::Passed } else { Exit::Failed }
}

/// The database in the first set of these files.
fn database(paths: &[PathBuf]) -> Result<Database<File>, DataError> {
    let files: Result<Vec<File>, _> = paths.iter().map(File::open).collect();
    Database::open(Backup::stripes(files?))
}

fn conclude(verdict: &Verdict, families: &[Family], verified: bool) {
    let style = super::style();
    println!();
    if verified {
        let pages: u64 = families.iter().map(|family| family.checks.pages).sum();
        let streams: u64 = families.iter().map(|family| family.checks.data_streams).sum();
        line("verified", &format!("{pages} page checksums and {streams} backup checksums are right"));
    } else {
        line("verified", "headers only; --verify reads the data too");
    }
    for warning in &verdict.warnings {
        line(&style.warn("warning"), warning);
    }
    if verdict.accepted {
        let by = if verified { "" } else { ", by its headers" };
        println!("{}", style.good(&format!("Tonight's load would take it{by}.")));
        return;
    }
    println!("{}", style.bad("Tonight's load would refuse it:"));
    for reason in &verdict.reasons {
        println!("  {} {} ({})", style.strong(&reason.error.to_string()), reason.message, reason.place);
    }
}
