//! Rowsets: what a table or a base table has of pages, and where they are.

use std::io;

use super::catalog;
use super::council;
use super::maps::MOST_SINGLES;
use super::page::Owner;
use super::space::{self, EXTENT_PAGES, GAM_EXTENTS};
use super::table_record::{Cursors, Outside, ROOM_BYTES, RecordMaker};
use super::tables::Table;
use super::tree::Tree;
use crate::types::Value;

/// Bytes of a child's address in a record of an index page, and of the status in front.
pub const CHILD_BYTES: usize = 6;
/// Types of allocation units, as sys.sysallocunits numbers them.
pub const IN_ROW: u8 = 1;
pub const LARGE: u8 = 2;
pub const OVERFLOW: u8 = 3;

/// Where a unit's pages are.
#[derive(Clone, Debug)]
pub enum Placement {
    /// Single pages of mixed extents.
    Singles(Vec<u32>),
    /// From this place of the runs on.
    Run { first: u32, mixed_extents: u32 },
}

/// An allocation unit.
#[derive(Clone, Debug)]
pub struct Unit {
    pub kind: u8,
    pub owner: Owner,
    pub pages: u32,
    pub placement: Placement,
    /// IAM pages, each with the number of its range.
    pub iams: Vec<(u32, u32)>,
}

impl Unit {
    pub fn new(kind: u8, owner: Owner, pages: u32) -> Unit {
        Unit { kind, owner, pages, placement: Placement::Singles(Vec::new()), iams: Vec::new() }
    }

    pub fn is_single(&self) -> bool {
        self.pages as usize <= MOST_SINGLES
    }

    /// Number of its page `index`.
    pub fn page(&self, index: u32) -> u32 {
        match &self.placement {
            Placement::Singles(pages) => pages.get(index as usize).copied().unwrap_or(0),
            Placement::Run { first, mixed_extents } => space::run_page(*mixed_extents, first + index),
        }
    }

    /// Whether an extent is of its run.
    pub fn has_extent(&self, extent: u32) -> bool {
        match &self.placement {
            Placement::Singles(_) => false,
            Placement::Run { .. } => {
                let range = self.page(0) / EXTENT_PAGES..=self.page(self.pages - 1) / EXTENT_PAGES;
                range.contains(&extent) && !space::is_system(extent)
            }
        }
    }

    /// Ranges of extents that it has pages in; an IAM page tells of each.
    pub fn ranges(&self) -> Vec<u32> {
        match &self.placement {
            Placement::Singles(_) if self.pages == 0 => Vec::new(),
            Placement::Singles(_) => vec![0],
            Placement::Run { .. } => {
                let range = |index: u32| self.page(index) / EXTENT_PAGES / GAM_EXTENTS;
                (range(0)..=range(self.pages - 1)).collect()
            }
        }
    }
}

/// What a rowset is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The base table with this number.
    Base(u32),
    /// The table at this place.
    Table(usize),
}

/// A rowset.
#[derive(Clone, Debug)]
pub struct Rowset {
    pub of: Of,
    pub object_id: u32,
    pub rows: u64,
    /// Of a clustered index; `None` for heaps, and where there are no rows.
    pub tree: Option<Tree>,
    pub leaves: u32,
    pub rows_per_leaf: Option<u32>,
    pub is_clustered: bool,
    /// That of its rows first.
    pub units: Vec<Unit>,
}

impl Rowset {
    /// Identifier, that of its first unit.
    pub fn id(&self) -> u64 {
        self.units.first().map_or(0, |unit| unit.owner.unit_id())
    }

    pub fn unit(&self, outside: Outside) -> Option<&Unit> {
        let kind = match outside {
            Outside::Large => LARGE,
            Outside::Overflow => OVERFLOW,
        };
        self.units.iter().find(|unit| unit.kind == kind)
    }

    /// Page number of a page of a unit outside the rows.
    pub fn outside_page(&self, outside: Outside, index: u32) -> u32 {
        self.unit(outside).map_or(0, |unit| unit.page(index))
    }
}

/// A key as index pages have it.
#[derive(Clone, Debug, Default)]
pub struct Key {
    pub fixed: Vec<u8>,
    pub variable: Vec<Vec<u8>>,
}

/// The key of a row.
pub fn key_of(table: &Table, row: &[Value<'_>]) -> Key {
    let mut key = Key::default();
    for place in &table.primary_key {
        let (Some(column), Some(value)) = (table.columns.get(*place), row.get(*place)) else { continue };
        // Rows were checked.
        let bytes = super::encode::encode(column.column_type, value).ok().flatten().unwrap_or_default();
        match column.column_type.fixed_bytes() {
            Some(_) => key.fixed.extend(bytes),
            None => key.variable.push(bytes),
        }
    }
    key
}

/// Most children of an index page.
pub fn fanout(table: &Table) -> u32 {
    let key = table.primary_key.iter().filter_map(|place| table.columns.get(*place));
    let (mut bytes, mut variable) = (1 + CHILD_BYTES, 0);
    for column in key {
        bytes += usize::try_from(column.column_type.length_bytes).unwrap_or(0);
        variable += usize::from(column.column_type.fixed_bytes().is_none());
    }
    let offsets = if variable > 0 { 2 + 2 * variable } else { 0 };
    (ROOM_BYTES / (bytes + offsets + 2)) as u32
}

/// Rows, leaves and pages outside the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    pub rows: u64,
    pub leaves: u32,
    pub large: u32,
    pub overflow: u32,
}

/// Walks over a table's rows once. `None`: it takes up the room there is.
pub fn measure(table: &Table, seed: u64) -> io::Result<Option<Measure>> {
    let Some(rows) = table.row_count() else { return Ok(None) };
    let mut measure = Measure { rows, ..Measure::default() };
    let mut cursors = Cursors::default();
    let mut free = 0;
    for index in 0..rows {
        let mut maker = RecordMaker::new(table, cursors, &|_, _| 0);
        let record = maker
            .record(index, &table.row(seed, index), &mut |_| {})
            .map_err(|message| wrong_row(table, index, &message))?;
        cursors = maker.cursors();
        let wanted = record.len() + 2;
        if wanted > free {
            measure.leaves = measure.leaves.checked_add(1).ok_or_else(too_large)?;
            free = ROOM_BYTES;
        }
        free -= wanted;
    }
    (measure.large, measure.overflow) = (cursors.large.pages(), cursors.overflow.pages());
    Ok(Some(measure))
}

pub fn wrong_row(table: &Table, index: u64, message: &str) -> io::Error {
    let Table { schema, name, .. } = table;
    io::Error::new(io::ErrorKind::InvalidInput, format!("{schema}.{name}, row {}: {message}", index + 1))
}

pub fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "so many pages are beyond what a data file can have")
}

/// Leaves that records of these lengths fill.
pub fn leaves_of(records: &[Vec<u8>]) -> u32 {
    let (mut leaves, mut free) = (1, ROOM_BYTES);
    for record in records {
        let wanted = record.len() + 2;
        if wanted > free {
            (leaves, free) = (leaves + 1, ROOM_BYTES);
        }
        free -= wanted;
    }
    leaves
}

/// The rowset of a base table, as large as these records need.
pub fn base(object: u32, records: &[Vec<u8>]) -> Rowset {
    let index = u16::from(object > catalog::base::UNITS);
    let leaves = leaves_of(records);
    let entry = 1 + catalog::base::key_bytes(object) + CHILD_BYTES;
    let tree = Tree::over(leaves, (ROOM_BYTES / (entry + 2)) as u32);
    Rowset {
        of: Of::Base(object),
        object_id: object,
        rows: records.len() as u64,
        leaves,
        rows_per_leaf: None,
        is_clustered: true,
        units: vec![Unit::new(IN_ROW, Owner { object, index }, tree.pages())],
        tree: Some(tree),
    }
}

/// The rowset of a table. Its units are numbered from `number` on.
pub fn of_table(place: usize, table: &Table, object_id: u32, number: &mut u32, measure: Measure) -> Rowset {
    let mut owner = || {
        *number += 1;
        Owner { object: *number - 1, index: catalog::USER_INDEX }
    };
    let is_clustered = table.is_clustered();
    let tree = (is_clustered && measure.leaves > 0).then(|| Tree::over(measure.leaves, fanout(table)));
    let mut rowset = Rowset {
        of: Of::Table(place),
        object_id,
        rows: measure.rows,
        leaves: measure.leaves,
        rows_per_leaf: table.row_count().is_none().then_some(council::ROWS_PER_LEAF),
        is_clustered,
        units: Vec::new(),
        tree: None,
    };
    let pages = tree.as_ref().map_or(measure.leaves, Tree::pages);
    rowset.tree = tree;
    rowset.units.push(Unit::new(IN_ROW, owner(), pages));
    if table.columns.iter().any(|column| column.column_type.is_large()) {
        rowset.units.push(Unit::new(LARGE, owner(), measure.large));
    }
    if measure.overflow > 0 || can_overflow(table) {
        rowset.units.push(Unit::new(OVERFLOW, owner(), measure.overflow));
    }
    rowset
}

/// Whether its limited columns together can be longer than a row.
fn can_overflow(table: &Table) -> bool {
    let limited = table
        .columns
        .iter()
        .filter(|column| column.column_type.fixed_bytes().is_none() && !column.column_type.is_large());
    let most: usize =
        limited.map(|column| usize::try_from(column.column_type.length_bytes).unwrap_or(0)).sum();
    table.layout.least_bytes() + most > super::table_record::MOST_ROW_BYTES
}
