//! Writes synthetic backups: deterministic from a description, streamed to any size in constant memory.
//!
//! They are shape-correct, not restorable: container, headers, allocation pages, catalog, tables and checksums
//! are as SQL Server writes them WITH CHECKSUM. The catalog describes the tables and those of its own base tables
//! that readers need; the log is a stub; indexes besides the clustered ones have no pages. Their name and description
//! say so.
//!
//! The tables are those of a small council ([`council_tables`]), or those of a [`Description`].

mod base_tables;
mod boot;
mod catalog;
mod column_type;
mod compare;
mod compressed;
mod council;
mod damage;
mod database;
mod differential;
mod encode;
mod layout;
mod literal;
mod maps;
mod page;
mod pages;
mod random;
mod random_rows;
mod record;
mod rowset;
mod sink;
mod space;
mod table_record;
mod tables;
mod tape;
#[cfg(test)]
mod tests;
mod tree;
mod version;
mod xpress;

use std::io::{self, Write};

pub use column_type::{ColumnType, names as type_names};
pub use damage::{DAMAGES, Damage};
pub use differential::write_differential;
pub use literal::parse as parse_value;
pub use random::Random;
pub use tables::{
    ColumnSpec, DBO, IndexSpec, Mistake, OGR_METADATA, Part, Rows, TableSpec, metadata_columns,
    metadata_table,
};
pub use version::{VERSIONS, Version};

use crate::store::EXTENT_BYTES as STORED_EXTENT_BYTES;
use crate::value::{DateTime, Guid, Lsn};
use database::{Database, DatabaseSpec};
use sink::Sink;
use space::EXTENT_PAGES;
use tables::Table;
use tape::{Kind, SetSpec, Tape};

/// Smallest backup of the council's tables: headers, the catalog, the small tables, and an extent of parcels.
pub const LEAST_SIZE_BYTES: u64 = 512 * 1024;
/// Bytes of everything but data pages, rounded up.
const OVERHEAD_BYTES: u64 = 96 * 1024;
const EXTENT_BYTES: u64 = STORED_EXTENT_BYTES as u64;
/// Most stripes that SQL Server writes to.
pub const MOST_STRIPES: u16 = 64;

/// A backup of the council's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Everything in the backup follows from it.
    pub seed: u64,
    /// About how many bytes: never more, and at most 128 KiB less.
    pub size_bytes: u64,
    /// What is wrong with it, if anything.
    pub damage: Option<Damage>,
}

/// What to write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Everything that is not described follows from it.
    pub seed: u64,
    /// About how many bytes a plain backup of the council's tables has: never more, and at most 128 KiB less. That of
    /// other tables has what they need.
    pub size_bytes: u64,
    /// The tables; `None`: the council's.
    pub tables: Option<Vec<TableSpec>>,
    /// Names of the council's tables that are left out.
    pub without: Vec<String>,
    /// Rows of [`OGR_METADATA`], which is added or takes the place of the council's.
    pub ogr_metadata: Option<Vec<Vec<crate::Value<'static>>>>,
    /// Which version of SQL Server it says it comes from.
    pub version: Version,
    /// Whether it is a compressed container.
    pub is_compressed: bool,
    /// Which stripe of how many.
    pub stripe: Stripe,
    /// What is wrong with it, if anything.
    pub damage: Option<Damage>,
}

impl From<&Spec> for Description {
    fn from(spec: &Spec) -> Description {
        let Spec { seed, size_bytes, damage } = *spec;
        Description { seed, size_bytes, damage, ..Description::default() }
    }
}

/// A stripe, and how many there are. Each is written for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripe {
    /// Which, from 1.
    pub number: u16,
    /// Of how many.
    pub count: u16,
}

impl Default for Stripe {
    fn default() -> Stripe {
        Stripe { number: 1, count: 1 }
    }
}

impl Stripe {
    /// From `2/3`.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Stripe, String> {
        let parts = text.split_once('/');
        let stripe = parts.and_then(|(number, count)| {
            Some(Stripe { number: number.trim().parse().ok()?, count: count.trim().parse().ok()? })
        });
        let is_one = |stripe: &Stripe| {
            (1..=MOST_STRIPES).contains(&stripe.count) && (1..=stripe.count).contains(&stripe.number)
        };
        stripe.filter(is_one).ok_or_else(|| {
            format!("{text:?}: expected a stripe and how many there are, such as 1/2; at most {MOST_STRIPES}")
        })
    }

    /// Whether it is the one that takes an extent: as they come, but always the same.
    fn has(self, extent: u32) -> bool {
        // The first has the file header, as it is written first.
        let taker = if extent == 0 { 0 } else { Random::new(u64::from(extent)).below(u32::from(self.count)) };
        taker == u32::from(self.number) - 1
    }
}

/// Names of the council's tables that can be left out.
pub fn optional_tables() -> impl Iterator<Item = &'static str> {
    council::TABLES.iter().map(|(name, ..)| *name).filter(|name| *name != council::LARGE)
}

/// Writes a backup of the council's tables and returns how many bytes it has. Sizes below [`LEAST_SIZE_BYTES`] are
/// raised to it.
///
/// # Errors
/// Those of `out`, and sizes beyond 700 GiB, where keys of type int end.
pub fn write<W: Write>(spec: &Spec, out: W) -> io::Result<u64> {
    write_described(&Description::from(spec), out)
}

/// Writes what is described and returns how many bytes it has.
///
/// # Errors
/// Those of `out`; descriptions with a mistake ([`TableSpec::check`] tells it beforehand), names in `without` that are
/// not among [`optional_tables`], and sizes beyond what page numbers and keys can count.
pub fn write_described<W: Write>(description: &Description, out: W) -> io::Result<u64> {
    if description.damage == Some(Damage::NotABackup) {
        return write_random(description, out);
    }
    let sets = if description.damage == Some(Damage::TwoSets) { 2 } else { 1 };
    let mut database = database(description, sets, false)?;
    let set = set(description, &database);
    write_sets(description, &mut database, &set, sets, out)
}

fn write_sets<W: Write>(
    description: &Description,
    database: &mut Database,
    set: &SetSpec,
    sets: u64,
    out: W,
) -> io::Result<u64> {
    let flips_chunk = description.damage == Some(Damage::ChunkBit);
    let mut out = match description.is_compressed || flips_chunk {
        true => Sink::compressed(out, flips_chunk)?,
        false => Sink::plain(out),
    };
    match description.damage {
        Some(Damage::HeaderBit) => out.flip_at(tape::CONFIGURATION_BLOCK_AT + 12),
        // A page that any stripe holds and that carries a checksum.
        Some(Damage::PageBit) => {
            let page = if set.stripe.count > 1 { 0 } else { 10 };
            out.flip_at(tape::FIRST_PAGE_AT + page * 8192 + 4000);
        }
        Some(Damage::Cut) => {
            let pages = u64::from(set.pages) / u64::from(set.stripe.count);
            out.cut_at((OVERHEAD_BYTES + pages * 8192) / 2);
        }
        _ => {}
    }
    let mut random = Random::new(description.seed);
    let mut tape = Tape::begin(&mut out, random.guid(), set.stripe)?;
    // The database's own, which is asked for after that of the media.
    random.guid();
    for position in 1..=sets {
        let set = SetSpec { position: position as u16, guid: random.guid(), ..set.clone() };
        tape.set(&set, database, &mut random)?;
    }
    out.flush()?;
    Ok(out.written())
}

/// The database of a description, for so many sets of it in the file.
fn database(description: &Description, sets: u64, is_differential: bool) -> io::Result<Database> {
    let tables = tables_of(description)?;
    let extents = description.tables.is_none().then(|| {
        let size_bytes = description.size_bytes.max(LEAST_SIZE_BYTES) / sets;
        // A backup holds whole extents.
        let extents = (size_bytes.max(LEAST_SIZE_BYTES) - OVERHEAD_BYTES) / EXTENT_BYTES;
        u32::try_from(extents).unwrap_or(u32::MAX).min(u32::MAX / EXTENT_PAGES)
    });
    Database::new(DatabaseSpec {
        seed: description.seed,
        tables,
        extents,
        version: version(description).database,
        is_differential: is_differential || description.damage == Some(Damage::Differential),
        breaks_row: description.damage == Some(Damage::RowBit),
    })
}

fn version(description: &Description) -> Version {
    let newer = VERSIONS.iter().find(|version| version.database > crate::verdict::NEWEST_DATABASE_VERSION);
    match (description.damage, newer) {
        (Some(Damage::Newer), Some(newer)) if description.version.database < newer.database => *newer,
        _ => description.version,
    }
}

fn tables_of(description: &Description) -> io::Result<Vec<Table>> {
    let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
    if let Some(name) = description.without.iter().find(|name| !optional_tables().any(|known| known == *name))
    {
        return Err(wrong(format!("{name} is not a table that can be left out")));
    }
    let checked = |spec: &TableSpec| {
        let shown = format!("{}.{}", spec.schema, spec.name);
        spec.check().map_err(|mistake| wrong(format!("{shown}: {}", mistake.message)))?;
        Ok(Table::new(spec))
    };
    let mut tables: Vec<Table> = match &description.tables {
        Some(specs) => specs.iter().map(checked).collect::<io::Result<_>>()?,
        None => Table::council().filter(|table| !description.without.contains(&table.name)).collect(),
    };
    if let Some(rows) = &description.ogr_metadata {
        tables.retain(|table| (table.schema.as_str(), table.name.as_str()) != (DBO, OGR_METADATA));
        tables.push(checked(&metadata_table(rows.clone()))?);
    }
    for (index, table) in tables.iter().enumerate() {
        let is_same = |other: &Table| (&other.schema, &other.name) == (&table.schema, &table.name);
        if tables[..index].iter().any(is_same) {
            return Err(wrong(format!("there are two tables {}.{}", table.schema, table.name)));
        }
    }
    Ok(tables)
}

/// The set of a full backup, or of one with such damage.
fn set(description: &Description, database: &Database) -> SetSpec {
    let kind = match description.damage {
        Some(Damage::Differential) => Kind::Differential,
        Some(Damage::Log) => Kind::Log,
        _ => Kind::Full,
    };
    let stripe = match description.damage {
        Some(Damage::Stripe) if description.stripe.count == 1 => Stripe { number: 1, count: 2 },
        _ => description.stripe,
    };
    let mut random = Random::new(description.seed);
    random.guid();
    let first_lsn = Lsn { file: 37, block: 1112, slot: 1 };
    SetSpec {
        position: 1,
        kind,
        version: version(description),
        is_encrypted: description.damage == Some(Damage::Encrypted),
        breaks_log: description.damage == Some(Damage::LogBit),
        description: format!("synthetic, seed {}: for tests, not restorable", description.seed),
        pages: database.extents() * EXTENT_PAGES,
        file_pages: database.extents() * EXTENT_PAGES,
        stripe,
        guid: Guid([0; 16]),
        database: random.guid(),
        date: DateTime { year: 2026, month: 3, day: 1, hour: 20, minute: 0, second: 0 },
        first_lsn,
        last_lsn: Lsn { block: 1136, ..first_lsn },
        base_lsn: (kind != Kind::Full).then_some(Lsn { block: first_lsn.block - 40, ..first_lsn }),
    }
}

fn write_random<W: Write>(description: &Description, mut out: W) -> io::Result<u64> {
    let size_bytes = description.size_bytes.max(LEAST_SIZE_BYTES);
    let mut random = Random::new(description.seed);
    let mut piece = [0; 8192];
    let mut left = size_bytes;
    while left > 0 {
        random.fill(&mut piece);
        // A zip archive: what people send instead of a backup.
        if left == size_bytes {
            piece[..4].copy_from_slice(b"PK\x03\x04");
        }
        let count = left.min(piece.len() as u64) as usize;
        out.write_all(&piece[..count])?;
        left -= count as u64;
    }
    out.flush()?;
    Ok(size_bytes)
}
