//! The tables of a generated backup come back as they were put in.

use std::io::Cursor;

use super::super::tables::Table as Written;
use super::super::{Description, LEAST_SIZE_BYTES, Spec, optional_tables, write, write_described};
use super::described;
use crate::{Backup, Database, Storage, Table};

fn open(bytes: &[u8]) -> Database<Cursor<&[u8]>> {
    Database::open(Backup::file(Cursor::new(bytes))).expect("a readable backup")
}

fn written(seed: u64, size_bytes: u64, without: &[&str]) -> Vec<u8> {
    let without = without.iter().map(|name| (*name).to_owned()).collect();
    described(&Description { seed, size_bytes, without, ..Description::default() })
}

/// Every row of a table, in order, and as many as the catalog counts.
fn check_rows(database: &Database<Cursor<&[u8]>>, table: &Table, written: &Written, seed: u64) -> u64 {
    let mut count = 0;
    for found in database.rows(table).expect("rows") {
        let found = found.expect("a row");
        assert_eq!(found, written.row(seed, count), "{} row {count}", table.name);
        count += 1;
    }
    assert_eq!(count, table.row_count, "{}", table.name);
    count
}

/// Columns and key, as they were written.
pub fn check_columns(table: &Table, written: &Written) {
    assert_eq!((&table.schema, &table.name), (&written.schema, &written.name));
    assert_eq!(table.unsupported, None);
    assert_eq!(table.columns.len(), written.columns.len());
    for (found, expected) in table.columns.iter().zip(&written.columns) {
        let column_type = expected.column_type;
        let told = (&found.name, found.sql_type, found.is_nullable, found.is_stored);
        assert_eq!(told, (&expected.name, column_type.sql_type, expected.is_nullable, true));
        let measured = (found.max_length_bytes, found.precision, found.scale);
        assert_eq!(measured, (column_type.length_bytes, column_type.precision, column_type.scale));
    }
    let keys: Vec<&str> =
        written.primary_key.iter().map(|place| written.columns[*place].name.as_str()).collect();
    if written.is_clustered() {
        assert_eq!(table.storage, Storage::Clustered);
        assert!(table.indexes[0].is_unique && table.primary_key() == Some(keys), "{:?}", table.indexes);
    } else {
        assert_eq!((table.storage, table.primary_key()), (Storage::Heap, None));
    }
    assert_eq!(table.indexes.len(), usize::from(written.is_clustered()) + written.indexes.len());
}

#[test]
fn every_table_and_every_row_comes_back() {
    for (seed, size_bytes) in
        [(1, LEAST_SIZE_BYTES), (7, LEAST_SIZE_BYTES + (64 << 10)), (7, 6 << 20), (u64::MAX, 40 << 20)]
    {
        let bytes = written(seed, size_bytes, &[]);
        let database = open(&bytes);
        assert!(!database.is_catalog_fuzzy());
        assert_eq!(database.version(), 852);
        assert_eq!(database.tables().len(), Written::council().count());
        for written in Written::council() {
            let table = database.table("dbo", &written.name).expect("the table");
            check_columns(table, &written);
            let rows = check_rows(&database, table, &written, seed);
            assert!(rows >= written.row_count().unwrap_or(20), "{}: {rows}", written.name);
        }
    }
}

#[test]
fn the_large_table_fills_the_backup() {
    let bytes = written(3, 40 << 20, &[]);
    let database = open(&bytes);
    let parcels = database.table("dbo", "parcels").expect("parcels");
    assert!(parcels.used_pages * 8192 > (39 << 20), "{} pages", parcels.used_pages);
    assert!(parcels.row_count > 90_000, "{} rows", parcels.row_count);
}

#[test]
fn tables_can_be_left_out() {
    let bytes = written(1, LEAST_SIZE_BYTES, &["ogr_metadata", "roads"]);
    let database = open(&bytes);
    let names: Vec<&str> = database.tables().iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["hydrants", "parcels", "suburbs"]);
    let everything: Vec<&str> = optional_tables().collect();
    let bytes = written(1, LEAST_SIZE_BYTES, &everything);
    assert_eq!(open(&bytes).tables().len(), 1);
    for name in ["parcels", "nothing"] {
        let description = Description { without: vec![name.to_owned()], ..Description::default() };
        let error = write_described(&description, Vec::new()).expect_err(name);
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn both_sets_of_a_file_have_the_tables() {
    let damage = Some(super::super::Damage::TwoSets);
    let mut bytes = Vec::new();
    write(&Spec { seed: 5, size_bytes: 2 << 20, damage }, &mut bytes).expect("memory does not fail");
    for position in 1..=2 {
        let backup = Backup::file(Cursor::new(&bytes[..])).at_position(position);
        assert_eq!(Database::open(backup).expect("a set").tables().len(), Written::council().count());
    }
}

#[test]
fn sizes_beyond_the_keys_are_refused_before_anything_is_written() {
    let mut bytes = Vec::new();
    let error = write(&Spec { seed: 1, size_bytes: 1 << 40, damage: None }, &mut bytes);
    assert_eq!(error.expect_err("too many rows").kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(bytes.len(), 0);
}
