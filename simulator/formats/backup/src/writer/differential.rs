//! A differential backup: what has to change in a full one to become the database described.

use std::io::{self, Read, Seek, Write};

use super::maps::Changes;
use super::space::EXTENT_PAGES;
use super::tape::{Kind, SetSpec};
use super::{Damage, Description, database, set, write_sets};
use crate::checksum::PAGE_BYTES;
use crate::database::{Backup, Database};
use crate::page::PageId;
use crate::value::{DateTime, Lsn};

/// Log blocks from a full backup to the differential one.
const BLOCKS_LATER: u32 = 64;

/// Writes the differential backup that, laid over `full`, is the database described. It holds the extents that differ.
/// `full` is a backup that was written here.
///
/// # Errors
/// Like [`super::write_described`], and a `full` that cannot be read as a full backup.
pub fn write_differential<S: Read + Seek, W: Write>(
    description: &Description,
    full: Backup<S>,
    out: W,
) -> io::Result<u64> {
    let wrong = |error: crate::DataError| io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
    let full = Database::open(full).map_err(wrong)?;
    let header = full.header().clone();
    let is_set = |damage| description.damage == Some(damage);
    if is_set(Damage::Log) || is_set(Damage::NotABackup) {
        let message = "a log backup, or none at all, is based on no full one";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let sets = if is_set(Damage::TwoSets) { 2 } else { 1 };
    let mut database = database(description, sets, true)?;
    let changes = changes(&mut database, &full)?;
    let pages = changes.count() * EXTENT_PAGES;
    database.set_changes(changes);
    let base_lsn = header.checkpoint_lsn.unwrap_or(Lsn { file: 1, block: 1, slot: 1 });
    let later = |blocks| Lsn { block: base_lsn.block.saturating_add(blocks), slot: 1, ..base_lsn };
    let base = set(description, &database);
    let set = SetSpec {
        kind: Kind::Differential,
        pages,
        database: header.family_guid.unwrap_or(base.database),
        date: DateTime { day: 2, ..base.date },
        first_lsn: later(BLOCKS_LATER),
        last_lsn: later(BLOCKS_LATER + 24),
        base_lsn: Some(base_lsn),
        ..base
    };
    write_sets(description, &mut database, &set, sets, out)
}

/// The extents that differ from those of `full`. The first, with the maps, always counts.
fn changes<S: Read + Seek>(database: &mut super::Database, full: &Database<S>) -> io::Result<Changes> {
    let mut changes = Changes::default();
    let mut reader = full.page_reader();
    let mut page = [0; PAGE_BYTES];
    for extent in 0..database.extents() {
        let mut is_same = extent > 0;
        for number in extent * EXTENT_PAGES..(extent + 1) * EXTENT_PAGES {
            database.fill(&mut page, number)?;
            let id = PageId { file: super::page::FILE, number };
            // What cannot be read is not the same.
            is_same = is_same && reader.page(id).is_ok_and(|found| *found == page);
        }
        // Differential maps tell of the changes, so theirs change with them.
        if !is_same || super::space::has_differential_map(extent) {
            changes.add(extent);
        }
    }
    Ok(changes)
}
