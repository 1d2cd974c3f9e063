//! A whole synthetic database, page by page.

use std::io;

use super::boot;
use super::catalog::{self, Placed, base};
use super::maps::{Maps, fill_large_iam, fill_small_iam, pfs};
use super::page::{FILE, Owner, PageMaker};
use super::record::RecordMaker;
use super::rows::{self, ROWS_PER_LEAF};
use super::space::{MIXED_PAGES, Space, Use};
use super::tables::{LARGE, TABLES, TableSpec};
use super::tree::Tree;
use crate::checksum::PAGE_BYTES;
use crate::page::{PageBytes, page_type};

const BOOT_PAGE: u32 = 9;
/// Pages that no database uses.
const UNUSED: std::ops::RangeInclusive<u32> = 4..=5;
/// User tables and their rowsets are numbered from here.
const FIRST_OBJECT_ID: u32 = 245_575_913;
const OBJECT_ID_STEP: u32 = 16_000_057;
const FIRST_ROWSET: u32 = 40;
/// Index part of user tables' identifiers.
const USER_INDEX: u16 = 0x100;

/// A database that is so large, from that seed.
pub struct Database {
    seed: u64,
    space: Space,
    tree: Tree,
    large: Placed,
    /// The pages of mixed extents, and a PFS byte for each.
    mixed: Vec<PageBytes>,
    mixed_pfs: Vec<u8>,
    is_differential: bool,
    maker: RecordMaker,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseSpec<'w> {
    pub seed: u64,
    pub extents: u32,
    /// Names of tables that are left out.
    pub without: &'w [&'w str],
    pub version: u16,
    pub is_differential: bool,
}

impl Database {
    /// # Errors
    /// Unknown names among those left out, and sizes for which keys of type int do not suffice.
    pub fn new(spec: &DatabaseSpec<'_>) -> io::Result<Database> {
        let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
        let is_optional = |name: &str| TABLES.iter().any(|table| table.name == name && name != LARGE);
        if let Some(name) = spec.without.iter().find(|name| !is_optional(name)) {
            return Err(wrong(format!("{name} is not a table that can be left out")));
        }
        let space = Space { extents: spec.extents };
        let tree = Tree::within(space.table_pages());
        let most = i32::MAX.cast_unsigned() / ROWS_PER_LEAF;
        if tree.leaves() > most {
            return Err(wrong(format!(
                "{} pages of rows, where an int counts those of {most}",
                tree.leaves()
            )));
        }
        let placed = place(spec.without, space, &tree);
        let large = *placed.iter().find(|placed| is_large(placed)).ok_or_else(|| wrong(LARGE.to_owned()))?;
        let mut database = Database {
            seed: spec.seed,
            space,
            tree,
            large,
            mixed: vec![[0; PAGE_BYTES]; MIXED_PAGES as usize],
            mixed_pfs: vec![0; MIXED_PAGES as usize],
            is_differential: spec.is_differential,
            maker: RecordMaker::default(),
        };
        database.lay_mixed(&placed, spec.version)?;
        Ok(database)
    }

    /// Fills `page` with page `number` of the data file.
    pub fn fill(&mut self, page: &mut PageBytes, number: u32) -> io::Result<()> {
        let kind = self.space.use_of(number);
        match kind {
            Use::Mixed => *page = self.mixed[number as usize],
            Use::Table(index) => match self.tree.place(index) {
                Some((0, index)) => self.fill_leaf(page, number, index)?,
                Some((level, index)) => self.fill_index(page, number, level, index),
                None => page.fill(0),
            },
            Use::Iam(range) => {
                fill_large_iam(page, self.space, self.large.owner, self.large.first_iam, range);
            }
            kind => {
                if !self.maps().fill(page, number, kind) {
                    page.fill(0);
                }
            }
        }
        Ok(())
    }

    fn maps(&self) -> Maps<'_> {
        Maps {
            space: self.space,
            tree: &self.tree,
            mixed: &self.mixed_pfs,
            is_differential: self.is_differential,
        }
    }

    /// Everything but the large table and the maps behind the first.
    fn lay_mixed(&mut self, all: &[Placed], version: u16) -> io::Result<()> {
        boot::fill_file_header(&mut self.mixed[0]);
        for number in (0..8).filter(|number| !UNUSED.contains(number)) {
            self.mixed_pfs[number as usize] = pfs::ALLOCATED | pfs::FULL;
        }
        for placed in all {
            self.mixed_pfs[placed.first_iam as usize] = pfs::ALLOCATED | pfs::MIXED | pfs::IAM;
            if is_large(placed) {
                let iam = &mut self.mixed[placed.first_iam as usize];
                fill_large_iam(iam, self.space, placed.owner, placed.first_iam, 0);
                continue;
            }
            fill_small_iam(
                &mut self.mixed[placed.first_iam as usize],
                placed.first_iam,
                placed.owner,
                placed.first,
            );
            let fill = if placed.root.is_none() { pfs::HALF_FULL } else { 0 };
            self.mixed_pfs[placed.first as usize] = pfs::ALLOCATED | pfs::MIXED | fill;
            self.lay_small(placed, all)?;
        }
        self.mixed_pfs[BOOT_PAGE as usize] = pfs::ALLOCATED | pfs::MIXED | pfs::FULL;
        let units =
            all.iter().find(|placed| placed.object_id == base::UNITS).map_or(0, |placed| placed.first);
        boot::fill_boot(&mut self.mixed[BOOT_PAGE as usize], BOOT_PAGE, version, units);
        let kinds =
            [(1, Use::Pfs), (2, Use::Gam), (3, Use::Sgam), (6, Use::DifferentialMap), (7, Use::BulkMap)];
        for (number, kind) in kinds {
            let mut page = [0; PAGE_BYTES];
            self.maps().fill(&mut page, number, kind);
            self.mixed[number as usize] = page;
        }
        Ok(())
    }

    /// The one page of a base table or a small table.
    fn lay_small(&mut self, placed: &Placed, all: &[Placed]) -> io::Result<()> {
        let records = match placed.table {
            None => catalog::records(placed.object_id, all),
            Some(table) => (0..table.rows)
                .map(|index| {
                    let row = rows::row(self.seed, &table, index);
                    rows::record(&table, &row, &mut self.maker).map(<[u8]>::to_vec)
                })
                .collect::<io::Result<_>>()?,
        };
        let fixed_end =
            records.first().map_or(4, |record| usize::from(record[2]) | usize::from(record[3]) << 8);
        let bytes = &mut self.mixed[placed.first as usize];
        let mut page = PageMaker::new(bytes, placed.first, page_type::DATA, placed.owner, fixed_end);
        for record in &records {
            if !page.push(record) {
                return Err(full(placed.first));
            }
        }
        page.finish();
        Ok(())
    }

    fn fill_leaf(&mut self, bytes: &mut PageBytes, number: u32, leaf: u32) -> io::Result<()> {
        let table = &TABLES[0];
        let mut page = PageMaker::new(bytes, number, page_type::DATA, self.large.owner, table.fixed_end())
            .chained(0, self.tree.neighbours(0, leaf));
        for index in leaf * ROWS_PER_LEAF..(leaf + 1) * ROWS_PER_LEAF {
            let row = rows::row(self.seed, table, index);
            if !page.push(rows::record(table, &row, &mut self.maker)?) {
                return Err(full(number));
            }
        }
        page.finish();
        Ok(())
    }

    fn fill_index(&self, bytes: &mut PageBytes, number: u32, level: u8, index: u32) {
        /// Status, key, child.
        const ENTRY_BYTES: usize = 1 + 4 + 6;
        const INDEX_RECORD: u8 = 0x06;
        let mut page = PageMaker::new(bytes, number, page_type::INDEX, self.large.owner, ENTRY_BYTES)
            .chained(level, self.tree.neighbours(level, index));
        for child in self.tree.children(level, index) {
            let first_key = u64::from(child) * Tree::leaves_under(level - 1) * u64::from(ROWS_PER_LEAF) + 1;
            let mut entry = [INDEX_RECORD; ENTRY_BYTES];
            entry[1..5].copy_from_slice(&(first_key as u32).to_le_bytes());
            entry[5..9].copy_from_slice(&self.tree.page(level - 1, child).to_le_bytes());
            entry[9..].copy_from_slice(&FILE.to_le_bytes());
            // As many children as fit.
            let _fits = page.push(&entry);
        }
        page.finish();
    }
}

fn full(page: u32) -> io::Error {
    io::Error::other(format!("the rows of page {page} do not fit on it"))
}

fn is_large(placed: &Placed) -> bool {
    placed.table.is_some_and(|table| table.name == LARGE)
}

/// Gives each rowset its pages: an IAM page and one of rows, behind the boot page.
fn place(without: &[&str], space: Space, tree: &Tree) -> Vec<Placed> {
    let mut next = BOOT_PAGE + 1;
    let mut take = || {
        next += 1;
        next - 1
    };
    let mut all = Vec::new();
    for object in base::ALL {
        let index = u16::from(object > base::UNITS);
        let owner = Owner { object, index };
        let (first_iam, first) = (take(), take());
        all.push(small(None, object, owner, first_iam, first, true));
    }
    let tables = (0..).zip(TABLES).filter(|(_, table)| !without.contains(&table.name));
    for (order, table) in tables {
        let object_id = FIRST_OBJECT_ID + order * OBJECT_ID_STEP;
        let owner = Owner { object: FIRST_ROWSET + order, index: USER_INDEX };
        let first_iam = take();
        if table.name == LARGE {
            all.push(Placed {
                root: Some(tree.page(tree.root_level(), 0)),
                used_pages: u64::from(tree.pages()) + u64::from(space.ranges()),
                data_pages: u64::from(tree.leaves()),
                rows: u64::from(tree.leaves()) * u64::from(ROWS_PER_LEAF),
                ..small(Some(*table), object_id, owner, first_iam, tree.page(0, 0), true)
            });
        } else {
            all.push(small(Some(*table), object_id, owner, first_iam, take(), table.has_key));
        }
    }
    count_catalog(&mut all);
    all
}

fn small(
    table: Option<TableSpec>,
    object_id: u32,
    owner: Owner,
    first_iam: u32,
    first: u32,
    is_clustered: bool,
) -> Placed {
    Placed {
        table,
        object_id,
        owner,
        rowset: owner.unit_id(),
        first,
        root: is_clustered.then_some(first),
        first_iam,
        used_pages: 2,
        data_pages: 1,
        rows: table.map_or(0, |table| u64::from(table.rows)),
    }
}

/// The catalog's own row counts, which do not depend on each other.
fn count_catalog(all: &mut [Placed]) {
    let counts: Vec<u64> = all
        .iter()
        .map(|placed| match placed.table {
            None => catalog::records(placed.object_id, all).len() as u64,
            Some(_) => placed.rows,
        })
        .collect();
    for (placed, count) in all.iter_mut().zip(counts) {
        placed.rows = count;
    }
}
