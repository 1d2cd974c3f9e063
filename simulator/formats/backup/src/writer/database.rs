//! A whole synthetic database, page by page.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use super::boot;
use super::catalog::{self, base};
use super::council;
use super::maps::{Changes, Iam, Maps, pfs};
use super::pages::{Pages, Records};
use super::rowset::{self, Measure, Of, Placement, Rowset};
use super::space::{EXTENT_PAGES, PFS_INTERVAL, Space, Use};
use super::tables::{MOST_TABLES, Table};
use super::tree::Tree;
use crate::checksum::{self, PAGE_BYTES};
use crate::page::{PAGE_HEADER_BYTES, PageBytes};

const BOOT_PAGE: u32 = 9;
/// Pages that no database uses.
const UNUSED: Range<u32> = 4..6;
/// User tables are numbered from here, in steps.
const FIRST_OBJECT_ID: u32 = 245_575_913;
const OBJECT_ID_STEP: u32 = 16_000_057;
/// Numbers that object identifiers are taken from.
const MOST_OBJECT_ID: u32 = i32::MAX.cast_unsigned();
/// Units of user tables are numbered from here.
const FIRST_UNIT: u32 = 40;

/// What is asked for.
pub struct DatabaseSpec {
    pub seed: u64,
    pub tables: Vec<Table>,
    /// Most extents of the file, which a table without a count of rows fills.
    pub extents: Option<u32>,
    pub version: u16,
    pub is_differential: bool,
    /// Whether a bit of a row is flipped, and its page's checksum made to agree.
    pub breaks_row: bool,
}

/// A database.
pub struct Database {
    seed: u64,
    tables: Vec<Table>,
    rowsets: Vec<Rowset>,
    space: Space,
    /// Pages that are kept: those of mixed extents, and of the catalog.
    kept: BTreeMap<u32, Box<PageBytes>>,
    mixed_pfs: Vec<u8>,
    /// Which rowset and unit each run is of.
    runs: Vec<Run>,
    used: Vec<Range<u32>>,
    is_differential: bool,
    changes: Option<Changes>,
    /// The page with the row that is broken.
    broken: Option<u32>,
}

struct Run {
    rowset: usize,
    unit: usize,
    pages: Pages,
}

impl Database {
    /// # Errors
    /// More tables than can be written, rows that do not fit, sizes for which page numbers or keys do not suffice.
    pub fn new(spec: DatabaseSpec) -> io::Result<Database> {
        if spec.tables.len() > MOST_TABLES {
            return Err(wrong(format!("{} tables, where {MOST_TABLES} can be written", spec.tables.len())));
        }
        let measures: Vec<Option<Measure>> =
            spec.tables.iter().map(|table| rowset::measure(table, spec.seed)).collect::<io::Result<_>>()?;
        let mut rowsets = rowsets(&spec.tables, &measures);
        let space = place(&spec, &mut rowsets)?;
        let mut database = Database {
            seed: spec.seed,
            tables: spec.tables,
            rowsets,
            space,
            kept: BTreeMap::new(),
            mixed_pfs: vec![0; (space.mixed_extents * EXTENT_PAGES) as usize],
            runs: Vec::new(),
            used: Vec::new(),
            is_differential: spec.is_differential,
            changes: None,
            broken: None,
        };
        database.lay(spec.version)?;
        if spec.breaks_row {
            let has_rows = |rowset: &&Rowset| matches!(rowset.of, Of::Table(_)) && rowset.rows > 0;
            let first = database.rowsets.iter().find(has_rows);
            database.broken = first.and_then(|rowset| Some(rowset.units.first()?.page(0)));
        }
        Ok(database)
    }

    /// Extents of the data file.
    pub fn extents(&self) -> u32 {
        self.space.extents
    }

    /// Only these extents count as changed, in the differential maps.
    pub fn set_changes(&mut self, changes: Changes) {
        self.changes = Some(changes);
        self.lay_first_maps();
    }

    /// Whether an extent is of a differential backup.
    pub fn is_changed(&self, extent: u32) -> bool {
        self.changes.as_ref().is_none_or(|changes| changes.has(extent))
    }

    /// Fills `page` with page `number` of the data file. Pages of one run come in their order; what is passed over
    /// is made nevertheless.
    pub fn fill(&mut self, page: &mut PageBytes, number: u32) -> io::Result<()> {
        if let Some(kept) = self.kept.get(&number) {
            *page = **kept;
        } else {
            match self.space.use_of(number) {
                Use::Mixed | Use::Nothing => page.fill(0),
                Use::Run(index) => self.fill_run(page, index)?,
                kind => {
                    self.maps().fill(page, number, kind);
                }
            }
        }
        if self.broken == Some(number) {
            break_row(page);
        }
        Ok(())
    }

    fn fill_run(&mut self, page: &mut PageBytes, index: u32) -> io::Result<()> {
        let found = self.used.partition_point(|run| run.start <= index).checked_sub(1);
        let Some((run, used)) =
            found.and_then(|found| Some((self.runs.get_mut(found)?, self.used.get(found)?)))
        else {
            page.fill(0);
            return Ok(());
        };
        if !used.contains(&index) {
            page.fill(0);
            return Ok(());
        }
        let wanted = index - used.start;
        if run.pages.next() > wanted {
            run.pages = Pages::default();
        }
        let rowset = &self.rowsets[run.rowset];
        let Of::Table(place) = rowset.of else { return Ok(()) };
        let records = Records::Table { table: &self.tables[place], seed: self.seed };
        while run.pages.next() <= wanted {
            run.pages.fill(page, rowset, &rowset.units[run.unit], &records)?;
        }
        Ok(())
    }

    fn maps(&self) -> Maps<'_> {
        Maps {
            space: self.space,
            mixed: &self.mixed_pfs,
            runs: &self.used,
            changed: self.changes.as_ref(),
            is_differential: self.is_differential,
        }
    }

    /// Everything that is kept.
    fn lay(&mut self, version: u16) -> io::Result<()> {
        for number in (0..8).filter(|number| !UNUSED.contains(number)) {
            self.mixed_pfs[number as usize] = pfs::ALLOCATED | pfs::FULL;
        }
        self.mixed_pfs[BOOT_PAGE as usize] = pfs::ALLOCATED | pfs::MIXED | pfs::FULL;
        let mut page = [0; PAGE_BYTES];
        boot::fill_file_header(&mut page);
        self.kept.insert(0, Box::new(page));
        let units = self.rowsets.iter().find(|rowset| rowset.of == Of::Base(base::UNITS));
        let first_units = units.and_then(|rowset| rowset.units.first()).map_or(0, |unit| unit.page(0));
        boot::fill_boot(&mut page, BOOT_PAGE, version, first_units);
        self.kept.insert(BOOT_PAGE, Box::new(page));
        for place in 0..self.rowsets.len() {
            self.lay_rowset(place)?;
        }
        self.lay_first_maps();
        Ok(())
    }

    fn lay_first_maps(&mut self) {
        let kinds =
            [(1, Use::Pfs), (2, Use::Gam), (3, Use::Sgam), (6, Use::DifferentialMap), (7, Use::BulkMap)];
        for (number, kind) in kinds {
            let mut page = [0; PAGE_BYTES];
            self.maps().fill(&mut page, number, kind);
            self.kept.insert(number, Box::new(page));
        }
    }

    /// IAM pages, single pages, and all pages of base tables.
    fn lay_rowset(&mut self, place: usize) -> io::Result<()> {
        let rowset = &self.rowsets[place];
        let base_records = match rowset.of {
            Of::Base(object) => catalog::records(object, &self.tables, &self.rowsets),
            Of::Table(_) => Vec::new(),
        };
        let records = match rowset.of {
            Of::Base(object) => Records::Base { records: &base_records, key: base::key(object) },
            Of::Table(table) => Records::Table { table: &self.tables[table], seed: self.seed },
        };
        for (unit_place, unit) in rowset.units.iter().enumerate() {
            let mut page = [0; PAGE_BYTES];
            for (link, (number, range)) in unit.iams.iter().enumerate() {
                let neighbour = |link: Option<usize>| Some(unit.iams.get(link?)?.0);
                let singles = match &unit.placement {
                    Placement::Singles(pages) => &pages[..],
                    Placement::Run { .. } => &[],
                };
                let iam = Iam {
                    number: *number,
                    owner: unit.owner,
                    neighbours: (neighbour(link.checked_sub(1)), neighbour(Some(link + 1))),
                    place_in_chain: link as u32,
                    range: *range,
                    singles,
                };
                iam.fill(&mut page, self.space.extents, |extent| unit.has_extent(extent));
                self.kept.insert(*number, Box::new(page));
                self.mixed_pfs[*number as usize] = pfs::ALLOCATED | pfs::MIXED | pfs::IAM;
            }
            let is_kept = matches!(rowset.of, Of::Base(_)) || unit.is_single();
            if let Placement::Run { first, .. } = unit.placement {
                self.used.push(first..first + unit.pages);
                self.runs.push(Run { rowset: place, unit: unit_place, pages: Pages::default() });
            }
            let mut pages = Pages::default();
            for index in (0..unit.pages).filter(|_| is_kept) {
                pages.fill(&mut page, rowset, unit, &records)?;
                let number = unit.page(index);
                self.kept.insert(number, Box::new(page));
                if let Some(status) = self.mixed_pfs.get_mut(number as usize) {
                    // Only heaps keep count of how full their pages are.
                    let fill = if rowset.is_clustered { 0 } else { pfs::HALF_FULL };
                    *status = pfs::ALLOCATED | pfs::MIXED | fill;
                }
            }
        }
        Ok(())
    }
}

/// The first row of the page has far more columns than any.
fn break_row(page: &mut PageBytes) {
    let fixed_end =
        usize::from(u16::from_le_bytes([page[PAGE_HEADER_BYTES + 2], page[PAGE_HEADER_BYTES + 3]]));
    page[PAGE_HEADER_BYTES + fixed_end + 1] ^= 0x40;
    let sum = checksum::page(page);
    page[60..64].copy_from_slice(&sum.to_le_bytes());
}

fn wrong(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// The rowsets of all base tables and tables. What the catalog tells of places does not change how long it is.
pub(super) fn rowsets(tables: &[Table], measures: &[Option<Measure>]) -> Vec<Rowset> {
    let mut number = FIRST_UNIT;
    let mut all: Vec<Rowset> = base::ALL.iter().map(|object| rowset::base(*object, &[])).collect();
    for (place, (table, measure)) in tables.iter().zip(measures).enumerate() {
        let object_id = (FIRST_OBJECT_ID + place as u32 % 250 * OBJECT_ID_STEP) % MOST_OBJECT_ID;
        all.push(rowset::of_table(place, table, object_id, &mut number, measure.unwrap_or_default()));
    }
    for (place, object) in base::ALL.iter().enumerate() {
        all[place] = rowset::base(*object, &catalog::records(*object, tables, &all));
    }
    all
}

/// Gives each unit its pages.
fn place(spec: &DatabaseSpec, rowsets: &mut [Rowset]) -> io::Result<Space> {
    // IAM pages are mixed, and how many there are depends on how far the runs reach: a few rounds settle it.
    let mut mixed_extents = 1;
    loop {
        let space = place_runs(spec, rowsets, mixed_extents)?;
        let mut next = BOOT_PAGE + 1;
        let mut take = || {
            next += 1;
            next - 1
        };
        for unit in rowsets.iter_mut().flat_map(|rowset| &mut rowset.units) {
            unit.iams = unit.ranges().into_iter().map(|range| (take(), range)).collect();
            if let Placement::Singles(pages) = &mut unit.placement {
                *pages = (0..unit.pages).map(|_| take()).collect();
            }
        }
        let needed = next.div_ceil(EXTENT_PAGES);
        if needed <= mixed_extents {
            if mixed_extents * EXTENT_PAGES > PFS_INTERVAL {
                return Err(wrong(format!("{next} pages of small tables, where {PFS_INTERVAL} fit")));
            }
            return Ok(space);
        }
        mixed_extents = needed;
    }
}

fn place_runs(spec: &DatabaseSpec, rowsets: &mut [Rowset], mixed_extents: u32) -> io::Result<Space> {
    let mut first = 0_u32;
    let mut room = None;
    if let Some(extents) = spec.extents {
        let space = Space { extents, mixed_extents };
        room = Some(space.run_pages());
    }
    // What fills the room comes last.
    let is_filling = |rowset: &Rowset| match rowset.of {
        Of::Table(place) => spec.tables[place].row_count().is_none(),
        Of::Base(_) => false,
    };
    for filling in [false, true] {
        for rowset in rowsets.iter_mut().filter(|rowset| is_filling(rowset) == filling) {
            if filling {
                fill_room(rowset, room.unwrap_or(0).saturating_sub(first))?;
            }
            for unit in &mut rowset.units {
                if unit.is_single() {
                    unit.placement = Placement::Singles(Vec::new());
                    continue;
                }
                unit.placement = Placement::Run { first, mixed_extents };
                let pages = unit.pages.checked_next_multiple_of(EXTENT_PAGES);
                first = pages.and_then(|pages| first.checked_add(pages)).ok_or_else(rowset::too_large)?;
            }
        }
    }
    if first > u32::MAX / 2 {
        return Err(rowset::too_large());
    }
    Ok(match spec.extents {
        Some(extents) => Space { extents, mixed_extents },
        None => Space::with_room(mixed_extents, first),
    })
}

/// As many rows of the large table as fit.
fn fill_room(rowset: &mut Rowset, pages: u32) -> io::Result<()> {
    const FANOUT: u32 = 8096 / 13;
    let tree = Tree::within(pages, FANOUT);
    let most = i32::MAX.cast_unsigned() / council::ROWS_PER_LEAF;
    if tree.leaves() > most {
        let leaves = tree.leaves();
        return Err(wrong(format!("{leaves} pages of rows, where an int counts those of {most}")));
    }
    rowset.leaves = tree.leaves();
    rowset.rows = u64::from(tree.leaves()) * u64::from(council::ROWS_PER_LEAF);
    if let Some(unit) = rowset.units.first_mut() {
        unit.pages = tree.pages();
    }
    rowset.tree = Some(tree);
    Ok(())
}
