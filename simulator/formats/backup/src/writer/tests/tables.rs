//! The tables of a generated backup come back as they were put in.

use std::io::Cursor;

use super::super::rows::{Cell, row};
use super::super::tables::{ColumnType, TABLES, TableSpec};
use super::super::{LEAST_SIZE_BYTES, Spec, optional_tables, write, write_without};
use crate::geometry::{SpatialType, decode};
use crate::{Backup, Database, Date, Decimal, SqlType, Storage, Table, Time, Value};

fn open(bytes: &[u8]) -> Database<Cursor<&[u8]>> {
    Database::open(Backup::file(Cursor::new(bytes))).expect("a readable backup")
}

fn written(seed: u64, size_bytes: u64, without: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_without(&Spec { seed, size_bytes, damage: None }, without, &mut bytes)
        .expect("memory does not fail");
    bytes
}

fn agrees(cell: &Cell, value: &Value<'_>, column_type: ColumnType) -> bool {
    match (cell, value) {
        (Cell::Null, Value::Null) => true,
        (Cell::Int(cell), Value::Integer(value)) => i64::from(*cell) == *value,
        (Cell::Text(cell), Value::Text(value)) => cell == value,
        (Cell::Decimal(cell), Value::Decimal(value)) => {
            *value == Decimal { is_negative: false, magnitude: u128::from(*cell), scale: 2 }
        }
        (Cell::DateTime(days, ticks), Value::DateTime2(date, time)) => {
            Date::from_days(*days) == Some(*date) && Time::from_ticks(*ticks, 7) == Some(*time)
        }
        (Cell::Spatial(cell), Value::Binary(value)) => match column_type {
            ColumnType::Spatial(spatial_type) => {
                decode(value, spatial_type).is_ok_and(|found| found.as_ref() == Some(cell))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Every row of a table, in order, and as many as the catalog counts.
fn check_rows(database: &Database<Cursor<&[u8]>>, table: &Table, spec: &TableSpec, seed: u64) -> u64 {
    let mut count = 0;
    for found in database.rows(table).expect("rows") {
        let found = found.expect("a row");
        let expected = row(seed, spec, count);
        assert_eq!(found.len(), expected.len());
        for ((cell, value), column) in expected.iter().zip(&found).zip(spec.columns) {
            assert!(
                agrees(cell, value, column.column_type),
                "{} row {count} {}: {cell:?} became {value:?}",
                spec.name,
                column.name
            );
        }
        count += 1;
    }
    assert_eq!(u64::from(count), table.row_count, "{}", spec.name);
    u64::from(count)
}

fn check_columns(table: &Table, spec: &TableSpec) {
    assert_eq!((table.schema.as_str(), table.name.as_str()), ("dbo", spec.name));
    assert_eq!(table.unsupported, None);
    assert_eq!(table.columns.len(), spec.columns.len());
    for (found, expected) in table.columns.iter().zip(spec.columns) {
        let sql_type = match expected.column_type {
            ColumnType::Int => SqlType::Int,
            ColumnType::VarChar(_) => SqlType::VarChar,
            ColumnType::NVarChar(_) => SqlType::NVarChar,
            ColumnType::Decimal => SqlType::Decimal,
            ColumnType::DateTime2 => SqlType::DateTime2,
            ColumnType::Spatial(SpatialType::Geometry) => SqlType::Geometry,
            ColumnType::Spatial(SpatialType::Geography) => SqlType::Geography,
        };
        let told = (found.name.as_str(), found.sql_type, found.is_nullable, found.is_stored);
        assert_eq!(told, (expected.name, sql_type, expected.is_nullable, true));
    }
    if spec.has_key {
        assert_eq!(table.storage, Storage::Clustered);
        assert_eq!(table.indexes.len(), 1);
        let key = &table.indexes[0];
        assert!(key.is_primary_key && key.is_unique && key.keys == [spec.columns[0].name], "{key:?}");
    } else {
        assert_eq!((table.storage, table.indexes.len()), (Storage::Heap, 0));
    }
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
        assert_eq!(database.tables().len(), TABLES.len());
        for spec in TABLES {
            let table = database.table("dbo", spec.name).expect(spec.name);
            check_columns(table, spec);
            let rows = check_rows(&database, table, spec, seed);
            let least = if spec.rows == 0 { 20 } else { u64::from(spec.rows) };
            assert!(rows >= least, "{}: {rows}", spec.name);
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
        let spec = Spec { seed: 1, size_bytes: LEAST_SIZE_BYTES, damage: None };
        let error = write_without(&spec, &[name], Vec::new()).expect_err(name);
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
        assert_eq!(Database::open(backup).expect("a set").tables().len(), TABLES.len());
    }
}

#[test]
fn sizes_beyond_the_keys_are_refused_before_anything_is_written() {
    let mut bytes = Vec::new();
    let error = write(&Spec { seed: 1, size_bytes: 1 << 40, damage: None }, &mut bytes);
    assert_eq!(error.expect_err("too many rows").kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(bytes.len(), 0);
}
