//! Writes synthetic backups: deterministic from a seed, streamed to any size in constant memory.
//!
//! They are shape-correct, not restorable: container, headers, allocation pages, catalog, tables and checksums
//! are as SQL Server 2016 writes them WITH CHECKSUM. The catalog has what readers of tables need and does not
//! describe itself; the log is a stub. Their name and description say so.
//!
//! The tables are those of a small council: `parcels` (polygons, MGA zone 55), which takes up whatever room
//! there is, `roads` (lines), `hydrants` (points, GDA94), `suburbs` without shapes, and `ogr_metadata`, which
//! lists the spatial ones and has a blank row.

mod boot;
mod catalog;
mod damage;
mod database;
mod layout;
mod maps;
mod page;
mod random;
mod record;
mod rows;
mod space;
mod tables;
#[cfg(test)]
mod tests;
mod tree;

use std::io::{self, Write};

pub use damage::{DAMAGES, Damage};

use crate::store::EXTENT_BYTES as STORED_EXTENT_BYTES;
use crate::value::{DateTime, Guid, Lsn};
use database::{Database, DatabaseSpec};
use layout::{Kind, SetSpec, Tape};
pub use random::Random;
use space::EXTENT_PAGES;

/// Smallest backup that can be written: headers, the catalog, the small tables, and an extent of parcels.
pub const LEAST_SIZE_BYTES: u64 = 512 * 1024;
/// Bytes of everything but data pages, rounded up.
const OVERHEAD_BYTES: u64 = 96 * 1024;

const EXTENT_BYTES: u64 = STORED_EXTENT_BYTES as u64;

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Everything in the backup follows from it.
    pub seed: u64,
    /// About how many bytes: never more, and at most 128 KiB less.
    pub size_bytes: u64,
    /// What is wrong with it, if anything.
    pub damage: Option<Damage>,
}

/// Names of the tables that [`write_without`] can leave out.
pub fn optional_tables() -> impl Iterator<Item = &'static str> {
    tables::TABLES.iter().map(|table| table.name).filter(|name| *name != tables::LARGE)
}

/// Writes a backup and returns how many bytes it has. Sizes below [`LEAST_SIZE_BYTES`] are raised to it.
///
/// # Errors
/// Those of `out`, and sizes beyond 700 GiB, where keys of type int end.
pub fn write<W: Write>(spec: &Spec, out: W) -> io::Result<u64> {
    write_without(spec, &[], out)
}

/// Like [`write()`], of a database that lacks these tables, such as `ogr_metadata`.
///
/// # Errors
/// Like [`write()`], and names that are not among [`optional_tables`].
pub fn write_without<W: Write>(spec: &Spec, without: &[&str], out: W) -> io::Result<u64> {
    let mut out = damage::Damaging::new(out, spec);
    if spec.damage == Some(Damage::NotABackup) {
        return write_random(spec, &mut out);
    }
    let sets = if spec.damage == Some(Damage::TwoSets) { 2 } else { 1 };
    let size_bytes = spec.size_bytes.max(LEAST_SIZE_BYTES) / sets;
    // A backup holds whole extents.
    let extents = (size_bytes.max(LEAST_SIZE_BYTES) - OVERHEAD_BYTES) / EXTENT_BYTES;
    let extents = u32::try_from(extents).unwrap_or(u32::MAX).min(u32::MAX / EXTENT_PAGES);
    let kind = match spec.damage {
        Some(Damage::Differential) => Kind::Differential,
        Some(Damage::Log) => Kind::Log,
        _ => Kind::Full,
    };
    let is_newer = spec.damage == Some(Damage::Newer);
    let mut database = Database::new(&DatabaseSpec {
        seed: spec.seed,
        extents,
        without,
        version: if is_newer { boot::NEWER_VERSION } else { boot::VERSION },
        is_differential: kind == Kind::Differential,
    })?;
    let mut random = Random::new(spec.seed);
    let mut tape =
        Tape::begin(&mut out, random.guid(), if spec.damage == Some(Damage::Stripe) { 2 } else { 1 })?;
    let base = SetSpec {
        position: 1,
        kind,
        is_newer,
        is_encrypted: spec.damage == Some(Damage::Encrypted),
        description: format!("synthetic, seed {}: for tests, not restorable", spec.seed),
        pages: extents * EXTENT_PAGES,
        guid: Guid([0; 16]),
        database: random.guid(),
        date: DateTime { year: 2026, month: 3, day: 1, hour: 20, minute: 0, second: 0 },
        first_lsn: Lsn { file: 37, block: 1112, slot: 1 },
        last_lsn: Lsn { file: 37, block: 1136, slot: 1 },
    };
    for position in 1..=sets {
        let set = SetSpec { position: position as u16, guid: random.guid(), ..base.clone() };
        tape.set(&set, &mut database, &mut random)?;
    }
    out.flush()?;
    Ok(out.written())
}

fn write_random<W: Write>(spec: &Spec, out: &mut damage::Damaging<W>) -> io::Result<u64> {
    let mut random = Random::new(spec.seed);
    let mut piece = [0; 8192];
    let mut left = spec.size_bytes;
    while left > 0 {
        random.fill(&mut piece);
        // A zip archive: what people send instead of a backup.
        if left == spec.size_bytes {
            piece[..4].copy_from_slice(b"PK\x03\x04");
        }
        let count = left.min(piece.len() as u64) as usize;
        out.write_all(&piece[..count])?;
        left -= count as u64;
    }
    out.flush()?;
    Ok(out.written())
}
