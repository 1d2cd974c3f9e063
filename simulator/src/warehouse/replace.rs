//! Tables replaced by hand, over SQL, rather than by the nightly load: a generation all the same (C-43, C-44, C-46).
//!
//! Snapshots are not written anew: only a load reads the metadata table that asks for them. Those of the night before
//! stay as they are.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::file_names::FileNames;
use super::generation::{BackupFile, Generation, Generations, Held, OUT, TABLES, Writer};
use super::out::{Out, OutError};
use super::table::TableRecord;

/// A table of the next generation: its record, and its file wherever it lies on the disk of the generations.
pub type Placed = (TableRecord, Option<PathBuf>);

/// Makes the generation that has exactly these tables, and turns to it. Whoever asks holds the lock, and has made sure
/// that `base` is still what readers see. Tables whose record says load 0 are of the new one.
///
/// # Errors
/// The disk's; then readers see what they saw.
pub fn replace(
    generations: &Generations,
    _writer: &Writer,
    base: Option<&Held>,
    tables: Vec<Placed>,
    backup: Option<BackupFile>,
    at: &str,
    kept: u64,
) -> io::Result<Generation> {
    let staged = generations.stage()?;
    let mut names = FileNames::default();
    let mut records = Vec::with_capacity(tables.len());
    for (mut record, path) in tables {
        if record.load == 0 {
            record.load = staged.load;
        }
        record.file = None;
        if let Some(path) = path {
            let name = names.take(&record.full_name());
            fs::hard_link(path, staged.folder.join(TABLES).join(&name))?;
            record.file = Some(name);
        }
        records.push(record);
    }
    records.sort_by_key(TableRecord::key);
    let mut out = Out::new(staged.folder.join(OUT));
    let snapshots = base.map(|base| base.generation.snapshots.clone()).unwrap_or_default();
    for (base, snapshot) in
        base.iter().flat_map(|base| snapshots.iter().map(move |snapshot| (base, snapshot)))
    {
        for path in &snapshot.files {
            match out.link(&base.folder.join(OUT).join(path), path, &snapshot.target) {
                Ok(_) => {}
                Err(OutError::Disk(error)) => return Err(error),
                // Names of one generation do not meet.
                Err(taken) => return Err(io::Error::other(taken.to_string())),
            }
        }
    }
    let backup = backup.or_else(|| base.and_then(|base| base.generation.backup.clone()));
    let generation = Generation { load: staged.load, at: at.to_owned(), backup, tables: records, snapshots };
    staged.finish(&generation, kept)?;
    Ok(generation)
}
