//! `inspect`: what tonight's load would make of a backup.

mod headers;
mod rows;
mod tables;
mod verify;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use headers::{line, show};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spatialcloud_backup::verdict::{Verdict, judge};
use spatialcloud_backup::{Backup, DataError, Database, Depth, Family};
use spatialcloud_harness::report::backup::Contents;
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
    /// Show the tables of this set, where nights were appended; the load takes the first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    set: u32,
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
        return match database(arguments) {
            Ok(database) => rows::perform(&database, name, arguments.limit, arguments.json),
            Err(error) => fail(Exit::Failed, format!("the tables cannot be read: {error}")),
        };
    }
    let depth = if arguments.verify { Depth::Everything } else { Depth::Headers };
    let mut families = Vec::new();
    let mut names = Vec::new();
    let bars = Bars { are_wanted: arguments.verify };
    for path in &arguments.files {
        let read = File::open(path).and_then(|file| {
            let bar = bars.begin("checksums", file.metadata()?.len(), "{bytes} of {total_bytes}");
            let file = BufReader::with_capacity(1 << 20, bar.wrap_read(file));
            let read = spatialcloud_backup::read(file, depth);
            bar.finish_and_clear();
            read
        });
        match read {
            Ok(family) => families.push(family),
            Err(error) => return fail(Exit::WrongUse, format!("{}: {error}", path.display())),
        }
        names.push(path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned());
    }
    let mut verdict = judge(&families, &names);
    let database = database(arguments);
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
    let mut looked = Vec::new();
    match &database {
        Ok(database) => {
            let rows = database.tables().iter().map(|table| table.row_count).fold(0, u64::saturating_add);
            let bar = bars.begin("rows", rows, "{human_pos} of {human_len}");
            looked = verify::look(database, arguments.verify, &bar);
            bar.finish_and_clear();
            verdict.warnings.extend(looked.iter().flat_map(|looked| looked.warnings.iter().cloned()));
            verdict.reasons.extend(looked.iter().flat_map(|looked| looked.reasons.iter().cloned()));
            verdict.accepted = verdict.reasons.is_empty();
            if database.is_catalog_fuzzy() {
                verdict.warnings.push(FUZZY_CATALOG.to_owned());
            }
        }
        // What is refused has its reasons already.
        Err(error) if verdict.accepted => {
            verdict.warnings.push(format!("the tables cannot be read: {error}"));
        }
        Err(_) => {}
    }
    if let [path] = &arguments.files[..] {
        verdict.warnings.extend(wrong_name(path));
    }
    let mut contents = Contents {
        set: arguments.set,
        is_catalog_fuzzy: database.as_ref().is_ok_and(Database::is_catalog_fuzzy),
        exports,
        tables: None,
    };
    if let Ok(database) = &database {
        let shapes = looked.iter().map(|looked| looked.shapes.as_deref());
        contents.tables = Some(database.tables().iter().zip(shapes).collect());
    }
    if arguments.json {
        println!("{}", report::backup::report(&families, &names, &verdict, &contents));
    } else {
        for (family, name) in families.iter().zip(&names) {
            show(family, name);
        }
        if let Some(tables) = &contents.tables {
            tables::show(tables);
        }
        tables::show_exports(&contents.exports);
        conclude(&verdict, &families, arguments.verify);
    }
    if verdict.accepted { Exit::Passed } else { Exit::Failed }
}

/// Told where pages of the catalog are newer than the checkpoint.
const FUZZY_CATALOG: &str = "fuzzy: the catalog was changed while the backup was written, and the log that would settle \
    it is not replayed; a table that was being made or altered may be told as it was before";

/// What the night says to a file that is not named as the vendor recommends.
fn wrong_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let wanted = stack::recommended_backup_name();
    (name != wanted)
        .then(|| format!("it is named {name}: upload it as Database/{wanted}, the name that is loaded"))
}

/// Progress bars on standard error: only on a terminal, and only where it takes long.
struct Bars {
    are_wanted: bool,
}

impl Bars {
    fn begin(&self, what: &'static str, total: u64, counted: &str) -> ProgressBar {
        let target = match self.are_wanted {
            // Nothing is drawn where standard error is no terminal.
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(what);
        match ProgressStyle::with_template(&format!("{{msg}} {{wide_bar}} {counted}")) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// The database in the set asked for.
fn database(arguments: &Arguments) -> Result<Database<File>, DataError> {
    let files: Result<Vec<File>, _> = arguments.files.iter().map(File::open).collect();
    Database::open(Backup::stripes(files?).at_position(arguments.set))
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
