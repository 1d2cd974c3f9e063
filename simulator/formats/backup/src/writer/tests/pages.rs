//! The maps of a generated database tell the truth about its pages.

use crate::checksum::PAGE_BYTES;
use crate::page::{Page, PageBytes, page_type, protect};
use crate::store::MapBits;
use crate::writer::base_tables;
use crate::writer::catalog::{self, base};
use crate::writer::council::{self, LONGEST_PARCEL_BYTES};
use crate::writer::database::{Database, DatabaseSpec, rowsets};
use crate::writer::rowset::measure;
use crate::writer::space::{GAM_EXTENTS, GAM_INTERVAL, PFS_INTERVAL};
use crate::writer::table_record::{Cursors, RecordMaker};
use crate::writer::tables::Table;

/// Number in headers of the unit with the large table's rows, the first of all units of users.
const LARGE_UNIT: u32 = 40;

/// The first IAM page of the large table.
fn large_iam(database: &mut Database) -> u32 {
    let object = |page: &PageBytes| u32::from_le_bytes([page[24], page[25], page[26], page[27]]);
    let is_it = |found: &PageBytes| Page(found).page_type() == page_type::IAM && object(found) == LARGE_UNIT;
    (0..100).find(|number| is_it(&page(database, *number))).expect("an IAM page")
}

fn database(extents: u32) -> Database {
    let spec = DatabaseSpec {
        seed: 1,
        tables: Table::council().collect(),
        extents: Some(extents),
        version: 852,
        is_differential: false,
        breaks_row: false,
    };
    Database::new(spec).expect("a size that fits")
}

fn page(database: &mut Database, number: u32) -> Box<PageBytes> {
    let mut page = Box::new([0; PAGE_BYTES]);
    database.fill(&mut page, number).expect("rows that fit");
    protect(&mut page).expect("a true checksum");
    page
}

/// Two PFS pages' ranges and a little.
#[test]
fn pages_are_allocated_where_something_is_and_only_there() {
    let extents = (2 * PFS_INTERVAL + 100) / 8;
    let mut database = database(extents);
    let maps = [1, PFS_INTERVAL, 2 * PFS_INTERVAL].map(|number| page(&mut database, number));
    let large_iam = large_iam(&mut database);
    let iam = page(&mut database, large_iam);
    let iam = MapBits::read(&iam).expect("a map");
    let object = |page: &PageBytes| u32::from_le_bytes([page[24], page[25], page[26], page[27]]);
    let parcels = LARGE_UNIT;
    for number in 0..extents * 8 {
        let found = page(&mut database, number);
        let status = maps[(number / PFS_INTERVAL) as usize][100 + (number % PFS_INTERVAL) as usize];
        let is_used = found[0] != 0;
        assert_eq!(status & 0x40 != 0, is_used, "page {number}: PFS has {status:#x}");
        if is_used {
            assert_eq!(Page(&found).id().map(|id| id.number), Some(number));
            assert_eq!(status & 0x10 != 0, Page(&found).page_type() == page_type::IAM, "page {number}");
            let is_parcels = object(&found) == parcels && Page(&found).page_type() != page_type::IAM;
            assert!(!is_parcels || iam.is_set(number / 8), "page {number} is not in the IAM page");
        }
    }
}

/// Beyond 4 GiB there is a second of each map, and the IAM pages are a chain.
#[test]
fn each_range_has_its_maps() {
    let mut database = database(2 * GAM_EXTENTS + 40);
    let types = [(0, page_type::GAM), (1, 9), (6, page_type::DIFFERENTIAL_MAP), (7, 17)];
    for range in 1..=2 {
        for (place, page_type) in types {
            let found = page(&mut database, range * GAM_INTERVAL + place);
            assert_eq!(Page(&found).page_type(), page_type, "range {range}, page {place}");
        }
    }
    let mut chain = vec![large_iam(&mut database)];
    while let Some(next) = Page(&page(&mut database, chain[chain.len() - 1])).next() {
        chain.push(next.number);
    }
    assert_eq!(chain.len(), 3);
    for (range, number) in (0..).zip(&chain) {
        let found = page(&mut database, *number);
        let start = u32::from_le_bytes([found[136], found[137], found[138], found[139]]);
        assert_eq!((Page(&found).page_type(), start), (page_type::IAM, range * GAM_INTERVAL));
    }
    let bits = page(&mut database, chain[2]);
    assert!(MapBits::read(&bits).expect("a map").is_set(39), "the last extent is the large table's");
    let last = page(&mut database, 2 * GAM_INTERVAL);
    let bits = MapBits::read(&last).expect("a map");
    assert!(!bits.is_set(39) && bits.is_set(40), "a clear bit is an extent in use");
}

#[test]
fn no_record_is_longer_than_there_is_room_for() {
    let parcels = Table::council().next().expect("the large table");
    for index in (0..2000).chain(i32::MAX.cast_unsigned() - 2000..i32::MAX.cast_unsigned()) {
        let row = council::row(9, council::LARGE, index);
        let mut maker = RecordMaker::new(&parcels, Cursors::default(), &|_, _| 0);
        let record =
            maker.record(u64::from(index), &row, &mut |_| panic!("a large value")).expect("a record");
        assert!(record.len() <= LONGEST_PARCEL_BYTES as usize, "row {index} has {} bytes", record.len());
    }
}

/// A reader that knows base tables only by what the catalog says of them finds their columns where they are.
#[test]
fn base_tables_are_laid_out_as_they_are_described() {
    let tables: Vec<Table> = Table::council().collect();
    let measures: Vec<_> = tables.iter().map(|table| measure(table, 1).expect("rows that fit")).collect();
    let rowsets = rowsets(&tables, &measures);
    let mut seen = 0;
    for object in base::ALL {
        let described = base_tables::described(object).expect("a description");
        for record in catalog::records(object, &tables, &rowsets) {
            let u16_at = |at: usize| usize::from(u16::from_le_bytes([record[at], record[at + 1]]));
            let fixed_end = u16_at(2);
            assert_eq!(fixed_end, described.layout.fixed_end, "{}", described.name);
            assert_eq!(u16_at(fixed_end), described.columns.len(), "{}", described.name);
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen} records");
}
